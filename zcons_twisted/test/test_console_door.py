# -*- test-case-name: zcons_twisted.test.test_console_door -*-
"""
Tests for L{zcons_twisted.doors.console_socket}: the door itself.
"""

from __future__ import annotations

import os
import socket

from ..credentials import Admission
from ..errors import ZoneServed
from .door_case import DoorTestCase


class Nobody(Admission):
    """
    Lets nobody in, where root may come in everywhere else.
    """

    def admits(self, *arguments: object) -> bool:
        """
        Nobody may.
        """
        return False


class DoorTests(DoorTestCase):
    """
    The door opens for those who may come in, and closes behind them.
    """

    def test_notAdmitted(self) -> None:
        """
        A peer that may not come in is closed at once without a byte.
        """
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        self.makeDoor(Nobody(0)).accepted(ours)
        self.assertEqual((theirs.recv(1), ours.fileno()), (b"", -1))
        self.assertEqual(len(self.handshakes), 0)

    def test_unknownPeer(self) -> None:
        """
        A peer of which the kernel does not tell who it is is closed.
        """

        class Unknown(socket.socket):
            """
            A connection of which nothing is known.
            """

            def getsockopt(self, *arguments: int) -> int:  # type: ignore[override]
                raise OSError("not told")

        unknown = Unknown(socket.AF_UNIX)
        self.assertRaises(OSError, self.door.accepted, unknown)
        self.assertEqual(unknown.fileno(), -1)

    def test_secondServer(self) -> None:
        """
        A second door in the same place is refused.
        """
        again = self.makeDoor(Admission.ours())
        self.assertRaises(ZoneServed, again.start, self.path)

    def test_stop(self) -> None:
        """
        When it stops, everybody's connection ends, and no socket is left.
        """
        silent = self.connect(b"IDENT")
        peer = self.seat()
        self.successResultOf(self.door.stop("the server stops"))
        self.assertEqual((self.got(silent), self.got(peer)), (None, None))
        self.assertFalse(os.path.lexists(self.path))
        self.assertEqual(self.console.ended[0].reason.value, "server-stopping")
        self.assertEqual(self.console.ended[0].text, "the server stops")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_stopLingers(self) -> None:
        """
        A peer that reads slowly gets what waits for it within two seconds, and then
        everything is closed.
        """
        self.seat()
        while self.device.reading:
            self.device.zonePrints(b"x" * 16384)
        stopped = self.door.stop("the server stops")
        self.assertNoResult(stopped)
        self.reactor.advance(2)
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.reactor.removeAll(), [])

    def test_stopTwice(self) -> None:
        """
        Whoever asks it to stop is told when everything is closed.
        """
        self.seat()
        while self.device.reading:
            self.device.zonePrints(b"x" * 16384)
        both = [self.door.stop("the server stops") for _ in range(2)]
        self.reactor.advance(2)
        for stopped in both:
            self.successResultOf(stopped)

    def test_dying(self) -> None:
        """
        A console in its death throes seats nobody, and says nothing.
        """
        self.console.dying = True
        self.assertIsNone(self.got(self.connect(b"IDENT 7 C 0\n")))
