# -*- test-case-name: zcons_twisted.test.test_client_descriptors -*-
"""
Tests for L{zcons_twisted.client.descriptors}.
"""

from __future__ import annotations

import fcntl
import os
import socket
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.descriptors import SMALL_PIECE, Descriptor, openPrivate


def flags(number: int) -> int:
    """
    The flags that everybody who has the open file shares.
    """
    return fcntl.fcntl(number, fcntl.F_GETFL)


class OpenPrivateTests(SynchronousTestCase):
    """
    Standard input and output without waiting.
    """

    def open(self, number: int, writing: bool) -> Descriptor:
        """
        A descriptor without waiting, which leaves the user's as it was.
        """
        before = flags(number)
        descriptor = openPrivate(number, writing=writing)

        def close() -> None:
            descriptor.close()
            self.assertEqual(flags(number), before)
            os.fstat(number)

        self.addCleanup(close)
        return descriptor

    def pair(self, two: tuple[int, int]) -> tuple[int, int]:
        """
        Two descriptors that are closed at the end.
        """
        for one in two:
            self.addCleanup(os.close, one)
        return two

    def fill(self, descriptor: Descriptor) -> int:
        """
        Write until there is no room.
        """
        total = 0
        while True:
            try:
                total += descriptor.write(b"x" * 65536)
            except BlockingIOError:
                return total

    def test_pipeRead(self) -> None:
        """
        A pipe with nothing in it keeps nobody waiting.
        """
        near, far = self.pair(os.pipe())
        descriptor = self.open(near, False)
        self.assertRaises(BlockingIOError, descriptor.read)
        os.write(far, b"hello")
        self.assertEqual(descriptor.read(), b"hello")
        self.assertNotEqual(descriptor.fileno(), near)

    def test_pipeWrite(self) -> None:
        """
        A full pipe keeps nobody waiting.
        """
        near, far = self.pair(os.pipe())
        descriptor = self.open(far, True)
        self.assertTrue(descriptor.eager)
        total = self.fill(descriptor)
        self.assertEqual(len(os.read(near, total + 1)), total)

    def test_terminal(self) -> None:
        """
        A terminal that does not take output keeps nobody waiting.
        """
        manager, user = self.pair(os.openpty())
        self.fill(self.open(user, True))
        descriptor = self.open(user, False)
        self.assertRaises(BlockingIOError, descriptor.read)
        os.write(manager, b"typed\n")
        self.assertEqual(descriptor.read(), b"typed\n")

    def test_socket(self) -> None:
        """
        Neither does a socket.
        """
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        self.addCleanup(ours.close)
        descriptor = self.open(ours.fileno(), True)
        self.assertRaises(BlockingIOError, descriptor.read)
        self.fill(descriptor)
        theirs.send(b"hello")
        self.assertEqual(descriptor.read(), b"hello")
        self.assertGreaterEqual(descriptor.fileno(), 0)

    def test_regularFile(self) -> None:
        """
        A file is read from where the user's shell was, and appended to where it
        was.
        """
        path = self.mktemp()
        with open(path, "wb") as f:
            f.write(b"first second")
        (number,) = self.pair((os.open(path, os.O_RDWR), os.dup(0)))[:1]
        os.lseek(number, 6, os.SEEK_SET)
        self.assertEqual(self.open(number, False).read(), b"second")
        self.open(number, True).write(b" third")
        with open(path, "rb") as f:
            self.assertEqual(f.read(), b"first second third")

    def test_devNull(self) -> None:
        """
        C{/dev/null} is empty, and takes everything.
        """
        number = os.open(os.devnull, os.O_RDWR)
        self.addCleanup(os.close, number)
        self.assertEqual(self.open(number, False).read(), b"")
        self.assertEqual(self.open(number, True).write(b"x" * 1000), 1000)

    def test_mayNotBeOpened(self) -> None:
        """
        Where a pipe may not be opened anew, it is used with care: only when it is
        ready, and a little at a time.
        """
        _, far = self.pair(os.pipe())
        with mock.patch("os.open", side_effect=PermissionError):
            descriptor = self.open(far, True)
        self.assertFalse(descriptor.eager)
        self.assertEqual(descriptor.fileno(), far)
        self.assertEqual(descriptor.write(b"x" * 65536), SMALL_PIECE)

    def test_anothersTerminal(self) -> None:
        """
        A terminal of another user's that is not our controlling one is used with
        care too.
        """
        _, user = self.pair(os.openpty())
        with mock.patch("os.open", side_effect=PermissionError):
            descriptor = self.open(user, True)
        self.assertFalse(descriptor.eager)

    def test_controllingTerminal(self) -> None:
        """
        Our controlling terminal may be opened by another name.
        """
        _, user = self.pair(os.openpty())
        opened = os.open(os.devnull, os.O_RDWR)
        answers = [PermissionError(), opened]
        with (
            mock.patch("os.open", side_effect=answers) as opener,
            mock.patch("os.tcgetpgrp", return_value=1),
        ):
            descriptor = self.open(user, True)
        self.assertEqual(opener.call_args[0][0], "/dev/tty")
        self.assertEqual(descriptor.fileno(), opened)
        self.assertTrue(descriptor.eager)
