# -*- test-case-name: zcons_twisted.test.test_oci_terminal -*-
"""
Tests for L{zcons_twisted.oci.terminal}.
"""

from __future__ import annotations

import os
import socket

from twisted.trial.unittest import SynchronousTestCase

from ..nexus.pair import PtyInstance
from ..oci import terminal
from ..oci.terminal import BadTerminal, checkManager, receiveManager
from .support import descriptorsInUse


class Waits(socket.socket):
    """
    A socket that remembers how long it may wait.
    """

    seconds: list[float | None]

    def settimeout(self, value: float | None) -> None:
        """
        Remember it.
        """
        self.seconds = [value]
        super().settimeout(value)


class TerminalTests(SynchronousTestCase):
    """
    A runtime's manager is looked at before it is used.
    """

    def setUp(self) -> None:
        """
        A socket, and a pty.
        """
        self.path = os.path.relpath(self.mktemp())
        self.listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.listener.close)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.pair = PtyInstance("z")
        self.addCleanup(self.pair.close)

    def send(self, *fds: int, message: bytes = b"/dev/ptmx") -> None:
        """
        What a runtime does.
        """
        with socket.socket(socket.AF_UNIX) as runtime:
            runtime.connect(self.path)
            if message:
                socket.send_fds(runtime, [message], fds)

    def refused(self) -> str:
        """
        @return: why what came is refused; no descriptor is left open.
        """
        before = sorted(descriptorsInUse())
        error = self.assertRaises(BadTerminal, receiveManager, self.listener)
        self.assertEqual(sorted(os.listdir("/proc/self/fd")), before)
        return str(error)

    def test_received(self) -> None:
        """
        A pty's manager is taken, and is not handed on by accident.
        """
        self.send(self.pair.master)
        fd = receiveManager(self.listener)
        self.addCleanup(os.close, fd)
        self.assertFalse(os.get_inheritable(fd))
        self.assertEqual(PtyInstance("z", os.dup(fd)).subsidiary, self.pair.subsidiary)

    def test_none(self) -> None:
        """
        Nobody, nothing, and a message without a descriptor are told.
        """
        self.patch(terminal, "MANAGER_SECONDS", 0.01)
        self.assertIn("has sent no terminal", self.refused())
        self.send(message=b"")
        self.assertIn("sent 0 descriptors", self.refused())
        self.send()
        self.assertIn("sent 0 descriptors", self.refused())

    def test_patience(self) -> None:
        """
        Five seconds are enough for one that is there already.
        """
        self.send(self.pair.master)
        waits = Waits(fileno=os.dup(self.listener.fileno()))
        self.addCleanup(waits.close)
        os.close(receiveManager(waits))
        self.assertEqual(waits.seconds, [5])

    def test_several(self) -> None:
        """
        More than one is one too many.
        """
        self.send(self.pair.master, self.pair.master)
        self.assertIn("sent 2 descriptors instead of one", self.refused())

    def test_noTerminal(self) -> None:
        """
        Another device, a file and a pty's other end are no manager.
        """
        null = os.open(os.devnull, os.O_RDWR)
        file = os.open(self.mktemp(), os.O_RDWR | os.O_CREAT)
        for fd in (null, file, self.pair.openSubsidiary()):
            self.addCleanup(os.close, fd)
            self.send(fd)
            self.assertIn("a descriptor that is no terminal", self.refused())

    def test_stranger(self) -> None:
        """
        Nor is anything of another user's.
        """
        self.patch(os, "geteuid", lambda: 12345)
        self.send(self.pair.master)
        self.assertIn("another user has connected", self.refused())

    def test_unusable(self) -> None:
        """
        A manager of which the kernel won't tell more is of no use.
        """
        locked = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, locked)
        error = self.assertRaises(BadTerminal, checkManager, locked)
        self.assertIn("a terminal that can't be used: ", str(error))
        checkManager(self.pair.master)
