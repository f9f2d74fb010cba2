# -*- test-case-name: zcons_twisted.test.test_pair -*-
"""
Tests for L{zcons_twisted.nexus.pair}: what is asked of pairs that others have made.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios

from twisted.trial.unittest import SynchronousTestCase

from ..nexus import pair
from ..nexus.pair import PtyInstance, takeUnread


class PairTests(SynchronousTestCase):
    """
    A pair may come from anywhere.
    """

    def setUp(self) -> None:
        """
        One that is ours, and one of its subsidiaries.
        """
        self.pair = PtyInstance("z")
        self.addCleanup(self.pair.close)
        self.subsidiary = self.pair.openSubsidiary()
        self.addCleanup(os.close, self.subsidiary)

    def again(self) -> PtyInstance:
        """
        The same pair by its master alone.
        """
        again = PtyInstance("z", os.dup(self.pair.master))
        self.addCleanup(again.close)
        return again

    def test_path(self) -> None:
        """
        A pair of this system has its path.
        """
        self.assertEqual(self.again().subsidiary, self.pair.subsidiary)

    def test_elsewhere(self) -> None:
        """
        What has the number of another one here, or of none, has no path.
        """
        with open(os.devnull) as null:
            self.patch(fcntl, "ioctl", self.asked(os.dup(null.fileno())))
            self.assertEqual(self.again().subsidiary, "")

        def gone(path: str) -> os.stat_result:
            raise FileNotFoundError

        self.patch(os, "stat", gone)
        self.patch(fcntl, "ioctl", self.asked(os.dup(self.subsidiary)))
        self.assertEqual(self.again().subsidiary, "")

    def test_exclusive(self) -> None:
        """
        One that can't be opened for now is where it seems to be.
        """
        self.patch(fcntl, "ioctl", self.asked(-1))
        self.assertEqual(self.again().subsidiary, self.pair.subsidiary)

    def asked(self, peer: int) -> object:
        """
        The system, which has another terminal at the other end, or refuses to say.
        """
        ioctl = fcntl.ioctl

        def asked(fd: int, request: int, argument: object = 0) -> object:
            if request != pair._TIOCGPTPEER:
                return ioctl(fd, request, argument)  # type: ignore[call-overload]
            if peer == -1:
                raise OSError
            return peer

        return asked

    def test_window(self) -> None:
        """
        One gets another's size, where there is one.
        """
        other = PtyInstance("z")
        self.addCleanup(os.close, other.master)
        size = struct.pack("4H", 50, 132, 0, 0)
        fcntl.ioctl(other.master, termios.TIOCSWINSZ, size)
        self.pair.copyWindow(other)
        found = fcntl.ioctl(self.subsidiary, termios.TIOCGWINSZ, b"\0" * 8)
        self.assertEqual(found, size)
        with open(os.devnull) as null:
            self.patch(other, "master", null.fileno())
            self.pair.copyWindow(other)
        found = fcntl.ioctl(self.subsidiary, termios.TIOCGWINSZ, b"\0" * 8)
        self.assertEqual(found, size)

    def test_unread(self) -> None:
        """
        What was typed and not read can be taken, whole lines and the beginning of one;
        there may be nothing.
        """
        self.assertEqual(takeUnread(self.subsidiary), b"")
        attributes = termios.tcgetattr(self.subsidiary)
        attributes[3] |= termios.ICANON
        termios.tcsetattr(self.subsidiary, termios.TCSANOW, attributes)
        os.write(self.pair.master, b"one\ntwo\nthr")
        select.select([self.subsidiary], [], [])
        self.assertEqual(takeUnread(self.subsidiary), b"one\ntwo\nthr")
        self.assertEqual(takeUnread(self.subsidiary), b"")

    def test_noTerminal(self) -> None:
        """
        What is no terminal has nothing.
        """
        with open(os.devnull) as null:
            self.assertEqual(takeUnread(null.fileno()), b"")
