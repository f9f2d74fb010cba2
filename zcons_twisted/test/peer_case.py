# -*- test-case-name: zcons_twisted.test.test_peer -*-
"""
A connection of a socket pair, for the tests of what is done with one.
"""

from __future__ import annotations

import socket

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from ..doors.peer import PeerSocket
from ..testing import FakeReactor


class Remembering:
    """
    Remembers what a peer does, in order.
    """

    def __init__(self) -> None:
        self.said: list[object] = []

    def received(self, data: bytes) -> None:
        """
        It sent something.
        """
        self.said.append(data)

    def halfClosed(self) -> None:
        """
        It sends no more.
        """
        self.said.append("half-closed")

    def writable(self) -> None:
        """
        More can be sent.
        """
        self.said.append("writable")

    def vanished(self) -> None:
        """
        It has gone while it was paused.
        """
        self.said.append("vanished")

    def lost(self, why: str) -> None:
        """
        It has gone.
        """
        self.said.append(("lost", why))


class PeerTestCase(SynchronousTestCase):
    """
    A peer at the other end of a socket pair.
    """

    def setUp(self) -> None:
        """
        The peer is connected and watched.
        """
        self.reactor = FakeReactor()
        ours, self.theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(self.theirs.close)
        self.theirs.setblocking(False)
        ours.setblocking(False)
        self.socket = ours
        self.receiver = Remembering()
        self.peer = PeerSocket(self.reactor, ours)
        self.closed: list[PeerSocket] = []
        self.peer.whenClosed(self.closed.append)
        self.peer.start(self.receiver)
        self.addCleanup(self.peer.connectionLost, Failure(ConnectionDone()))
        self.addCleanup(self.peer.close)

    def fill(self) -> int:
        """
        Send until nothing more is taken.

        @return: how many bytes were taken.
        """
        total = 0
        while taken := self.peer.sendNow(b"x" * 65536):
            total += taken
        return total

    def read(self) -> bytes:
        """
        @return: everything that the peer gets without waiting, empty after an end.
        """
        pieces = []
        try:
            while piece := self.theirs.recv(1 << 20):
                pieces.append(piece)
        except BlockingIOError:
            pass
        return b"".join(pieces)

    def assertOver(self) -> None:
        """
        Nothing of the connection is left.
        """
        self.assertEqual(self.closed, [self.peer])
        self.assertEqual(self.socket.fileno(), -1)
        self.assertEqual(self.reactor.removeAll(), [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])
