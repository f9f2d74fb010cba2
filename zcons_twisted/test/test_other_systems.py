# -*- test-case-name: zcons_twisted.test.test_other_systems -*-
"""
Tests for what stands in for things that only Linux has: epoll, peers' credentials as a
socket option, POLLRDHUP, socket diagnosis, and room that a file system promises.
"""

from __future__ import annotations

import errno
import mmap
import os
import select
import socket
import time

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from .. import credentials, hangup, urgency
from ..credentials import Credentials, peerCredentials, peerGroups
from ..doors import far_end as farEnd
from ..doors.unread import PeerQueue
from ..drivers.illumos.ucred import PeerCredentials
from ..hangup import LOOK_SECONDS, HangupLook, watchHangup
from ..history import HEAD_SIZE, HISTORY_MIN, historySize
from ..history_file import HistoryFile
from ..urgency import Urgency
from .peer_case import PeerTestCase
from .support import descriptorsInUse


class UrgencyTests(SynchronousTestCase):
    """
    What is interactive is found by poll(2).
    """

    def test_waits(self) -> None:
        """
        Somebody who says something waits until it is read, or until they are
        interactive no more; and so does one who has gone.
        """
        self.patch(urgency, "hasEpoll", lambda: False)
        found = Urgency()
        before = len(descriptorsInUse())
        pairs = [socket.socketpair() for _ in range(2)]
        for ours, theirs in pairs:
            self.addCleanup(ours.close)
            self.addCleanup(theirs.close)
            found.add(ours.fileno())
        self.assertEqual(len(os.listdir("/proc/self/fd")), before + 4)
        (ours, theirs), (other, gone) = pairs
        self.assertFalse(found.waits())
        theirs.send(b"x")
        self.assertTrue(found.waits())
        ours.recv(1)
        self.assertFalse(found.waits())
        gone.close()
        self.assertTrue(found.waits())
        found.remove(other.fileno())
        self.assertFalse(found.waits())
        found.remove(ours.fileno())
        theirs.send(b"x")
        self.assertFalse(found.waits())


class HangupLookTests(SynchronousTestCase):
    """
    A hang-up is looked for again and again.
    """

    def setUp(self) -> None:
        """
        A look at a connection.
        """
        self.clock = Clock()
        self.ours, self.theirs = socket.socketpair()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)
        self.times = 0
        self.lives = True
        self.look = HangupLook(
            self.clock, self.ours.fileno(), self.hungUp, lambda: self.lives
        )

    def hungUp(self) -> None:
        """
        Count.
        """
        self.times += 1

    def test_hangup(self) -> None:
        """
        It is told once, at the next look, and then nobody looks any more.
        """
        self.clock.advance(LOOK_SECONDS)
        self.theirs.close()
        self.clock.advance(LOOK_SECONDS - 0.001)
        self.assertEqual(self.times, 0)
        self.clock.advance(0.001)
        self.assertEqual(self.times, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_dataIsNoHangup(self) -> None:
        """
        What there is to read, and the end of what the other end sends, is no hang-up.
        """
        self.theirs.send(b"x")
        self.theirs.shutdown(socket.SHUT_WR)
        self.clock.advance(LOOK_SECONDS)
        self.assertEqual(self.times, 0)
        self.assertEqual(self.ours.recv(9), b"x")

    def test_untold(self) -> None:
        """
        Where the system's poll tells of none, whoever watches may know better.
        """
        self.lives = False
        self.clock.advance(LOOK_SECONDS)
        self.assertEqual(self.times, 1)

    def test_stop(self) -> None:
        """
        It can be stopped, twice too.
        """
        for _ in range(2):
            self.look.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class PeerTests(PeerTestCase):
    """
    A peer's end is noticed all the same.
    """

    def setUp(self) -> None:
        """
        Without epoll, and without POLLRDHUP.
        """
        self.patch(hangup, "hasEpoll", lambda: False)
        self.patch(farEnd, "_HALF_CLOSED", 0)
        super().setUp()

    def test_choice(self) -> None:
        """
        The system chooses the way.
        """
        for has in (True, False):
            self.patch(hangup, "hasEpoll", lambda has=has: has)
            watch = watchHangup(
                self.reactor, self.socket.fileno(), lambda: None, lambda: True
            )
            self.assertEqual(isinstance(watch, HangupLook), not has)
            watch.stop()

    def test_noDescriptorLeft(self) -> None:
        """
        Where there is no descriptor left for an epoll set one looks as well.
        """
        self.patch(hangup, "hasEpoll", lambda: True)
        self.patch(select, "epoll", _noneLeft)
        gone: list[bool] = []
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        watchHangup(self.reactor, ours.fileno(), lambda: gone.append(True))
        theirs.close()
        self.reactor.advance(LOOK_SECONDS)
        self.assertEqual(gone, [True])

    def test_vanished(self) -> None:
        """
        One that goes while it is paused has vanished.
        """
        self.theirs.send(b"typed")
        self.peer.pauseReading()
        self.theirs.close()
        self.reactor.pump([LOOK_SECONDS])
        self.assertEqual(self.receiver.said, ["vanished"])
        self.assertEqual(self.peer.drain(), b"typed")

    def test_halfClosed(self) -> None:
        """
        One that has closed its sending side, and then goes, is lost.
        """
        self.theirs.shutdown(socket.SHUT_WR)
        self.reactor.settle()
        self.assertEqual(self.receiver.said, ["half-closed"])
        self.theirs.close()
        self.reactor.pump([LOOK_SECONDS])
        self.assertEqual(self.receiver.said, ["half-closed", ("lost", "")])
        self.assertOver()

    def test_sendsNoMore(self) -> None:
        """
        That one sends no more is known before it is received, unless there is something
        before it.
        """
        self.assertFalse(self.peer.sendsNoMore())
        self.theirs.send(b"x")
        self.theirs.shutdown(socket.SHUT_WR)
        self.assertFalse(self.peer.sendsNoMore())
        self.socket.recv(1)
        self.assertTrue(self.peer.sendsNoMore())

    def test_unread(self) -> None:
        """
        Nobody tells what a peer has not read.
        """
        self.patch(socket, "AF_NETLINK", 0)
        del socket.AF_NETLINK
        self.assertIsNone(PeerQueue(self.socket.fileno()).unread())


class _Told:
    """
    As L{zcons_twisted.drivers.illumos.ucred.UserCredentials}.
    """

    def peer(self, fd: int) -> PeerCredentials:
        """
        Always the same.
        """
        return PeerCredentials(12, 34, 56, frozenset({fd}))


class CredentialsTests(SynchronousTestCase):
    """
    Without SO_PEERCRED, getpeerucred is asked.
    """

    def test_choice(self) -> None:
        """
        Both for who a peer is and for its groups.
        """
        self.patch(socket, "SO_PEERCRED", 0)
        del socket.SO_PEERCRED
        self.patch(credentials, "UserCredentials", _Told)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self.assertEqual(peerCredentials(ours), Credentials(12, 34, 56))
            self.assertEqual(peerGroups(ours), frozenset({ours.fileno()}))


class HistoryFileTests(SynchronousTestCase):
    """
    A file system that promises no room is made to take it.
    """

    def open(self) -> HistoryFile:
        """
        The history of the test's file.
        """
        return HistoryFile(self.path, HISTORY_MIN, time.time)

    def refuse(self, number: int) -> None:
        """
        Promises fail.
        """

        def refuse(fd: int, start: int, length: int) -> None:
            raise OSError(number, os.strerror(number))

        self.patch(os, "posix_fallocate", refuse)

    def setUp(self) -> None:
        """
        A path.
        """
        self.path = os.path.abspath(self.mktemp())

    def test_noPromises(self) -> None:
        """
        What is claimed is written, so that it is there, and nothing that was there is
        lost, over a restart too.
        """
        for number in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
            self.path = os.path.abspath(self.mktemp())
            self.refuse(number)
            history = self.open().history
            found = os.stat(self.path)
            self.assertEqual(found.st_size, historySize(HISTORY_MIN))
            self.assertGreaterEqual(found.st_blocks * 512, HEAD_SIZE)
            history.append(b"x" * 100_000)
            grown = os.stat(self.path).st_blocks * 512
            self.assertGreaterEqual(grown, HEAD_SIZE + HISTORY_MIN)
            history.close()
            history = self.open().history
            self.assertEqual(history.end, 100_000)
            self.assertEqual(history.read(99_990, 100_000), b"x" * 10)

    def test_full(self) -> None:
        """
        A file system with no room is still an error.
        """
        self.refuse(errno.EINVAL)

        def full(fd: int, data: bytes, start: int) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        self.patch(os, "pwrite", full)
        made: list[int] = []
        anonymous = mmap.mmap

        def mapped(fd: int, size: int) -> mmap.mmap:
            made.append(fd)
            return anonymous(fd, size)

        self.patch(mmap, "mmap", mapped)
        self.open()
        self.assertEqual(made, [-1])


def _noneLeft() -> None:
    raise OSError(errno.EMFILE, "Too many open files")
