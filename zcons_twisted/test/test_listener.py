# -*- test-case-name: zcons_twisted.test.test_listener -*-
"""
Tests for L{Listener<zcons_twisted.doors.listening.Listener>}: accepting connections.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from ..doors.listening import ACCEPT_PAUSE, Listener, ListeningDoor, PassedSocket
from ..errors import RunDirectoryError
from ..testing import FakeReactor
from .support import shortDirectory


class Scarce(socket.socket):
    """
    A listening socket that sometimes can't accept.
    """

    errors: list[int]

    def accept(self) -> Any:
        """
        Fail as often as was said.
        """
        if self.errors:
            number = self.errors.pop(0)
            raise OSError(number, os.strerror(number))
        return super().accept()


class ListenerTestCase(SynchronousTestCase):
    """
    A listener, and somebody who connects.
    """

    def setUp(self) -> None:
        """
        A listener for a reactor that we turn.
        """
        self.reactor = FakeReactor()
        self.path = os.path.join(shortDirectory(self), "z")
        self.accepted: list[socket.socket] = []
        self.listen(self.accept)

    def listen(self, accepted: Any) -> None:
        """
        Listen, until the test is over.
        """
        self.socket = Scarce(socket.AF_UNIX)
        self.socket.errors = []
        self.socket.setblocking(False)
        self.socket.bind(self.path)
        self.socket.listen(100)
        self.listener = Listener(self.reactor, self.path, self.socket, accepted)
        self.addCleanup(self.listener.close)

    def accept(self, connection: socket.socket) -> None:
        """
        Somebody has connected.
        """
        self.addCleanup(connection.close)
        self.accepted.append(connection)

    def connect(self, times: int = 1) -> None:
        """
        Somebody connects.
        """
        for _ in range(times):
            peer = socket.socket(socket.AF_UNIX)
            self.addCleanup(peer.close)
            peer.setblocking(False)
            peer.connect(self.path)


class ListenerTests(ListenerTestCase):
    """
    A listener accepts everybody, and waits when it can't.
    """

    def test_interface(self) -> None:
        """
        A listener is something to read for a reactor, and says what it is.
        """
        verifyObject(IReadDescriptor, self.listener)
        self.assertEqual(self.listener.logPrefix(), "listener")

    def test_accepts(self) -> None:
        """
        All who wait are accepted, and their connections don't block.
        """
        self.connect(3)
        self.reactor.settle()
        self.assertEqual(len(self.accepted), 3)
        self.assertRaises(BlockingIOError, self.accepted[0].recv, 1)

    def test_aTurnIsNotForEver(self) -> None:
        """
        Of those who connect without end one is accepted in a turn, so that others are
        served too.
        """
        self.connect(3)
        self.reactor.pump()
        self.assertEqual(len(self.accepted), 1)
        self.reactor.pump()
        self.assertEqual(len(self.accepted), 2)

    def test_noDescriptorsLeft(self) -> None:
        """
        Without descriptors it waits a second, instead of trying without end, and then
        goes on.
        """
        for number in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
            self.accepted.clear()
            self.connect()
            self.socket.errors = [number]
            self.reactor.pump()
            self.assertEqual(self.reactor.getReaders(), [])
            self.reactor.advance(ACCEPT_PAUSE)
            self.reactor.pump()
            self.assertEqual(len(self.accepted), 1)
        self.assertEqual((ACCEPT_PAUSE, self.reactor.getDelayedCalls()), (1.0, []))

    def test_toldOnce(self) -> None:
        """
        That it can't accept is told once, and that it can again.
        """
        self.connect()
        with capturedLogs() as events:
            for number in (errno.EMFILE, errno.EMFILE, errno.ENFILE):
                self.socket.errors = [number]
                self.reactor.pump()
                self.reactor.advance(ACCEPT_PAUSE)
            self.reactor.pump()
        told = [formatEvent(event).removeprefix(self.path) for event in events]
        every = "trying again every 1 s"
        self.assertEqual(
            told,
            [
                f": can't accept: Too many open files; {every}",
                f": can't accept: Too many open files in system; {every}",
                ": accepts again",
            ],
        )

    def test_goneAgain(self) -> None:
        """
        A newcomer that is gone before it was accepted keeps the next one from nothing.
        """
        self.connect()
        self.socket.errors = [errno.ECONNABORTED]
        self.reactor.settle()
        self.assertEqual(len(self.accepted), 1)

    def test_failing(self) -> None:
        """
        A connection that can't be served is in the log, and the next one is accepted.
        """
        accept = self.accept

        def fail(connection: socket.socket) -> None:
            accept(connection)
            if len(self.accepted) == 1:
                raise RuntimeError("no")

        self.listener.close()
        self.listen(fail)
        self.connect(2)
        self.reactor.settle()
        self.assertEqual(len(self.accepted), 2)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def acceptOne(self, connection: socket.socket) -> None:
        """
        Somebody has connected, and nobody else may.
        """
        self.accept(connection)
        self.listener.close()

    def test_closedWhileAccepting(self) -> None:
        """
        A listener that is closed by what it has accepted accepts no more.
        """
        self.listener.close()
        self.listen(self.acceptOne)
        self.connect(2)
        self.reactor.pump()
        self.assertEqual(len(self.accepted), 1)

    def test_close(self) -> None:
        """
        A closed listener leaves no socket, no reader and no call; it may be closed
        twice.
        """
        self.listener.close()
        self.listener.close()
        self.assertFalse(os.path.lexists(self.path))
        self.assertEqual(self.reactor.getReaders(), [])
        self.assertEqual(self.listener.fileno(), -1)

    def test_closeWhileWaiting(self) -> None:
        """
        A listener that waits for descriptors can be closed.
        """
        self.connect()
        self.socket.errors = [errno.EMFILE]
        self.reactor.pump()
        self.listener.close()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_otherSocketInItsPlace(self) -> None:
        """
        What somebody else has put in its place stays.
        """
        os.unlink(self.path)
        with open(self.path, "w"):
            pass
        self.listener.close()
        self.assertTrue(os.path.exists(self.path))

    def test_removed(self) -> None:
        """
        A socket that somebody has removed can be closed.
        """
        os.unlink(self.path)
        self.listener.close()
        self.assertEqual(self.listener.fileno(), -1)

    def test_reactorLetsGo(self) -> None:
        """
        When the reactor lets go, it is closed.
        """
        self.listener.connectionLost(Failure(ConnectionLost()))
        self.assertFalse(os.path.lexists(self.path))


class CountingDoor(ListeningDoor):
    """
    A door that counts who comes in.
    """

    count = 0

    def accepted(self, connection: socket.socket) -> None:
        """
        One more.
        """
        self.count += 1
        connection.close()


class LostTests(ListenerTestCase):
    """
    A socket may be removed under a listener's hands.
    """

    def setUp(self) -> None:
        """
        A door whose listener it is.
        """
        super().setUp()
        self.listener.close()
        self.door = CountingDoor(self.reactor, "z")
        self.assertFalse(self.door.mend())
        self.addCleanup(self.door.listenNoMore)
        self.door.start(self.path)
        assert self.door._listener is not None
        self.listener = self.first = self.door._listener

    def test_there(self) -> None:
        """
        One that is there is left alone.
        """
        self.assertTrue(self.listener.isThere())
        self.assertFalse(self.door.mend())

    def test_removed(self) -> None:
        """
        One that is not is made again; who had connected before is let in still, and the
        new one stays when the old one goes.
        """
        self.connect()
        os.unlink(self.path)
        self.assertFalse(self.listener.isThere())
        self.assertTrue(self.door.mend())
        self.assertEqual(self.door.count, 1)
        self.connect()
        self.reactor.settle()
        self.assertEqual(self.door.count, 2)
        self.assertFalse(self.door.mend())
        self.assertEqual(self.first._socket.fileno(), -1)

    def test_another(self) -> None:
        """
        One in whose place something else is, is not there either.
        """
        os.unlink(self.path)
        open(self.path, "w").close()
        self.assertFalse(self.listener.isThere())

    def test_directory(self) -> None:
        """
        Nor is one whose directory has gone; where there can't be another one, the one
        that is open stays so.
        """
        os.unlink(self.path)
        os.rmdir(os.path.dirname(self.path))
        self.assertFalse(self.listener.isThere())
        self.assertRaises(RunDirectoryError, self.door.mend)
        self.assertNotEqual(self.listener.fileno(), -1)
        os.mkdir(os.path.dirname(self.path))

    def test_passed(self) -> None:
        """
        One that was passed is for whoever made it to look after.
        """
        passed = PassedSocket(fileno=os.dup(self.listener._socket.fileno()))
        self.door._listener = Listener(
            self.reactor, self.path, passed, self.door.accepted
        )
        self.addCleanup(self.first.close)
        os.unlink(self.path)
        self.assertFalse(self.door.mend())

    def test_noMore(self) -> None:
        """
        A door that lets nobody in any more leaves no socket behind.
        """
        self.door.listenNoMore()
        self.door.listenNoMore()
        self.assertFalse(os.path.lexists(self.path))
        self.assertFalse(self.door.mend())
