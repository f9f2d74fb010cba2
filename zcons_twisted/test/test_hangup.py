# -*- test-case-name: zcons_twisted.test.test_hangup -*-
"""
Tests for L{zcons_twisted.hangup}.
"""

from __future__ import annotations

import errno
import os
import socket
from functools import partial

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReadDescriptor, IWriteDescriptor
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from ..hangup import HangupSet, Watch, watchHangup
from ..testing import FakeReactor
from .support import descriptorsInUse


class HangupSetTests(SynchronousTestCase):
    """
    A hang-up can be noticed without reading.
    """

    def setUp(self) -> None:
        """
        Two connections, the first of them watched.
        """
        self.reactor = FakeReactor()
        self.set = HangupSet(self.reactor)
        self.ends = [self.connection(), self.connection()]
        self.hung: list[int] = []
        self.first = self.watch(0)

    def connection(self) -> tuple[socket.socket, socket.socket]:
        """
        One.
        """
        ends = socket.socketpair()
        for end in ends:
            self.addCleanup(end.close)
        return ends

    def watch(self, which: int) -> Watch:
        """
        Watch one of them.
        """
        watch = self.set.watch(
            self.ends[which][0].fileno(), lambda: self.hung.append(which)
        )
        self.addCleanup(watch.stop)
        return watch

    def hangUp(self, *which: int) -> None:
        """
        These hang up.
        """
        for each in which:
            self.ends[each][1].close()

    def test_interface(self) -> None:
        """
        It is something to read for a reactor, and says what it is.
        """
        verifyObject(IReadDescriptor, self.set)
        verifyObject(IWriteDescriptor, self.set)
        self.assertEqual(self.set.logPrefix(), "hang-up watch")

    def test_hangup(self) -> None:
        """
        A hang-up is told once, and then nothing is watched.
        """
        self.hangUp(0)
        self.reactor.settle()
        self.assertEqual((self.hung, self.set.fileno()), ([0], -1))
        self.assertEqual(self.reactor.getReaders(), [])

    def test_others(self) -> None:
        """
        Who hangs up is told, the others are watched on, with the same descriptor.
        """
        self.watch(1)
        fd = self.set.fileno()
        self.hangUp(1)
        self.reactor.settle()
        self.assertEqual((self.hung, self.set.fileno()), ([1], fd))
        self.hangUp(0)
        self.reactor.settle()
        self.assertEqual(self.hung, [1, 0])

    def test_oneDescriptor(self) -> None:
        """
        However many are watched, that takes one descriptor.
        """
        before = len(descriptorsInUse())
        self.watch(1)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_stoppedByAnother(self) -> None:
        """
        One that is stopped by whoever hears of another hang-up hears nothing.
        """
        watches: list[Watch] = []
        heard: list[int] = []
        self.first.stop()

        def hears(which: int) -> None:
            heard.append(which)
            for watch in watches:
                watch.stop()

        for which, (end, _) in enumerate(self.ends):
            watches.append(self.set.watch(end.fileno(), partial(hears, which)))
        self.hangUp(0, 1)
        self.reactor.settle()
        self.assertEqual(len(heard), 1)
        self.assertEqual(self.set.fileno(), -1)

    def test_notForUs(self) -> None:
        """
        What a reactor says to whoever had our descriptor's number before is no hang-up,
        and ends nothing.
        """
        self.set.doRead()
        self.set.doWrite()
        self.reactor.removeReader(self.set)
        self.set.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.hung, [])
        self.hangUp(0)
        self.reactor.settle()
        self.assertEqual(self.hung, [0])
        self.set.doRead()
        self.set.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.reactor.getReaders(), [])

    def test_cantBeWatched(self) -> None:
        """
        What can't be watched is an error, and leaves no descriptor behind.
        """
        self.first.stop()
        before = descriptorsInUse()
        with open(os.devnull) as file:
            error = self.assertRaises(OSError, self.set.watch, file.fileno(), print)
        self.assertEqual(error.errno, errno.EPERM)
        self.assertEqual(os.listdir("/proc/self/fd"), before)

    def test_dataIsNoHangup(self) -> None:
        """
        What there is to read wakes nobody and stays where it is.
        """
        ours, other = self.ends[0]
        other.send(b"x")
        other.shutdown(socket.SHUT_WR)
        self.reactor.settle()
        self.assertEqual(self.hung, [])
        self.assertEqual(ours.recv(9), b"x")

    def test_stop(self) -> None:
        """
        A watch can be stopped, twice too, and tells nothing then.
        """
        self.first.stop()
        self.first.stop()
        self.hangUp(0)
        self.reactor.settle()
        self.assertEqual(self.hung, [])

    def test_sameNumber(self) -> None:
        """
        A watch that was stopped has nothing to do with whoever has its number next.
        """
        self.first.stop()
        again = self.watch(0)
        self.first.stop()
        self.hangUp(0)
        self.reactor.settle()
        self.assertEqual(self.hung, [0])
        again.stop()

    def test_shared(self) -> None:
        """
        All that have one reactor share one.
        """
        self.first.stop()
        for end, _ in self.ends:
            watch = watchHangup(self.reactor, end.fileno(), print)
            self.addCleanup(watch.stop)
        self.assertEqual(len(self.reactor.getReaders()), 1)
