# -*- test-case-name: zcons_twisted.test.test_hangup -*-
"""
Tests for L{zcons_twisted.hangup}.
"""

from __future__ import annotations

import errno
import os
import socket

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from ..hangup import HangupWatch
from .peer_case import PeerTestCase


class HangupWatchTests(PeerTestCase):
    """
    A hang-up can be noticed without reading.
    """

    def setUp(self) -> None:
        """
        A watch on a connection.
        """
        super().setUp()
        self.peer.close()
        self.ours, self.other = socket.socketpair()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.other.close)
        self.times = 0
        self.watch = HangupWatch(self.reactor, self.ours.fileno(), self.hungUp)
        self.addCleanup(self.watch.stop)

    def hungUp(self) -> None:
        """
        Count.
        """
        self.times += 1

    def test_interface(self) -> None:
        """
        A watch is something to read for a reactor, and says what it is.
        """
        verifyObject(IReadDescriptor, self.watch)
        self.assertEqual(self.watch.logPrefix(), "hang-up watch")

    def test_hangup(self) -> None:
        """
        A hang-up is told once, and then nothing is watched.
        """
        self.other.close()
        self.reactor.settle()
        self.assertEqual((self.times, self.watch.fileno()), (1, -1))
        self.assertEqual(self.reactor.getReaders(), [])

    def test_noDescriptorLeft(self) -> None:
        """
        What can't be watched is an error, and leaves no descriptor behind.
        """
        before = os.listdir("/proc/self/fd")
        with open(os.devnull) as file:
            error = self.assertRaises(
                OSError, HangupWatch, self.reactor, file.fileno(), self.hungUp
            )
        self.assertEqual(error.errno, errno.EPERM)
        self.assertEqual(os.listdir("/proc/self/fd"), before)

    def test_dataIsNoHangup(self) -> None:
        """
        What there is to read wakes nobody and stays where it is.
        """
        self.other.send(b"x")
        self.other.shutdown(socket.SHUT_WR)
        self.reactor.settle()
        self.assertEqual(self.times, 0)
        self.assertEqual(self.ours.recv(9), b"x")

    def test_stop(self) -> None:
        """
        A watch can be stopped, twice too, and tells nothing then.
        """
        self.watch.stop()
        self.watch.stop()
        self.other.close()
        self.reactor.settle()
        self.assertEqual(self.times, 0)

    def test_reactorLetsGo(self) -> None:
        """
        When the reactor lets go of it, it stops.
        """
        self.watch.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.watch.fileno(), -1)
