# -*- test-case-name: zcons_twisted.test.test_client_holding -*-
"""
Tests for L{zcons_twisted.client.holding}.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.connecting import Dialler
from zcons_twisted.client.errors import CouldNotConnect
from zcons_twisted.client.holding import lockHolder, lostSocket, lostSockets
from zcons_twisted.doors.zone_lock import ZoneLock
from zcons_twisted.rundir import RunDirectory

from .support import shortDirectory


class HoldingTests(SynchronousTestCase):
    """
    A server that nobody finds.
    """

    def setUp(self) -> None:
        """
        A run directory.
        """
        self.rundir = RunDirectory(os.path.join(shortDirectory(self), "run"))
        os.mkdir(self.rundir.path, 0o700)
        self.gone = f"process {os.getpid()} serves z, but its socket is gone"

    def serve(self, signal: str = "HUP") -> None:
        """
        Its server is there.
        """
        lock = ZoneLock(self.rundir.lockFile("z"), "z", signal)
        lock.acquire()
        self.addCleanup(lock.release)

    def test_told(self) -> None:
        """
        Who connects to it is told that it is there, and what has it found again.
        """
        self.serve()
        remedy = f"{self.gone}: 'kill -HUP {os.getpid()}' makes it again"
        self.assertEqual(lostSocket(self.rundir, "z"), remedy)
        dialler = Dialler(self.rundir.consoleSocket("z"), "z")
        error = self.assertRaises(CouldNotConnect, dialler.attempt)
        self.assertEqual(str(error), remedy)
        self.assertEqual(lostSockets(self.rundir), [remedy])

    def test_noRemedy(self) -> None:
        """
        One that makes no sockets again, or whose file we may not read, is told of all
        the same.
        """
        self.serve("")
        self.assertEqual(lostSocket(self.rundir, "z"), self.gone)
        self.patch(os, "open", self.refuse)
        self.assertEqual(lostSocket(self.rundir, "z"), self.gone)

    def refuse(self, path: str, flags: int) -> int:
        """
        We may not.
        """
        raise PermissionError

    def test_another(self) -> None:
        """
        What is in the file counts only if it is of the one who holds the lock.
        """
        self.serve()
        with open(self.rundir.lockFile("z"), "w") as file:
            file.write("1\nHUP\n")
        self.assertEqual(lostSocket(self.rundir, "z"), self.gone)

    def test_nobody(self) -> None:
        """
        A file that nobody has locked is a dead server's.
        """
        with open(self.rundir.lockFile("z"), "w") as file:
            file.write(f"{os.getpid()}\nHUP\n")
        self.assertEqual(lockHolder(self.rundir.lockFile("z")), 0)
        self.assertEqual(lostSocket(self.rundir, "z"), "")
        self.assertEqual(lostSocket(self.rundir, "y"), "")
        self.assertEqual(lostSockets(self.rundir), [])

    def test_found(self) -> None:
        """
        One whose socket is there is not lost.
        """
        self.serve()
        open(self.rundir.consoleSocket("z"), "w").close()
        self.assertEqual(lostSockets(self.rundir), [])
