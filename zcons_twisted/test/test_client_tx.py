# -*- test-case-name: zcons_twisted.test.test_client_tx -*-
"""
Tests for L{zcons_twisted.client.tx}.
"""

from __future__ import annotations

import socket
from typing import Any

import txaio
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IConsumer, IPushProducer, ISystemHandle
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from zcons_twisted.client.connecting import ATTEMPTS, RETRY_SECONDS
from zcons_twisted.client.errors import (
    ConsoleInUse,
    CouldNotConnect,
    NotStructured,
    OnlyOperators,
)
from zcons_twisted.client.handshake import Handshake
from zcons_twisted.client.session import ConsoleSession, End, EndCause
from zcons_twisted.client.tx import SessionInput, SessionProtocol, attach
from zcons_twisted.errors import BadZoneName
from zcons_twisted.frames import Attach, formatAttach
from zcons_twisted.rundir import RunDirectory

from .client_fakes import (
    ClientReactor,
    FakeTransport,
    accepts,
    busyAtOnce,
    connectedSocket,
    ends,
    nobody,
    prints,
    refuses,
    typed,
)

RUNDIR = RunDirectory("/run/x")


@implementer(ISystemHandle)
class SystemTransport(FakeTransport):
    """
    A transport of a socket, to which nothing may be written but through that.

    @ivar connection: the socket.
    """

    connection: socket.socket

    @classmethod
    def over(cls, protocol: SessionProtocol, connection: socket.socket) -> None:
        """
        Connect a protocol.
        """
        made = cls()
        made.protocol = protocol
        made.connection = connection
        protocol.makeConnection(made)

    def getHandle(self) -> socket.socket:
        """
        See L{ISystemHandle}.
        """
        return self.connection

    def write(self, data: bytes) -> None:
        """
        Nobody takes it.
        """
        raise BrokenPipeError


class _Attached(SynchronousTestCase):
    """
    What the tests below need.
    """

    def setUp(self) -> None:
        """
        A reactor in memory.
        """
        self.reactor = ClientReactor()

    def attach(
        self, asked: Attach | None = None, **options: Any
    ) -> Deferred[ConsoleSession]:
        """
        Attach to zone z.
        """
        options.setdefault("opener", connectedSocket)
        return attach(self.reactor, RUNDIR, "z", asked, **options)

    def seated(self) -> tuple[ConsoleSession, FakeTransport]:
        """
        A seated session.
        """
        attaching = self.attach()
        transport = self.reactor.transports[-1]
        transport.clear()
        transport.protocol.dataReceived(accepts() + prints(b"login: "))
        return self.successResultOf(attaching), transport


class AttachTests(_Attached):
    """
    Attaching under Twisted.
    """

    def test_seated(self) -> None:
        """
        The session is seated, greets as it was told to, and gives out its output.
        """
        asked = Attach(locale="de_DE.UTF-8", disconnect=True)
        attaching = self.attach(asked)
        (transport,) = self.reactor.transports
        self.assertEqual(transport.value(), formatAttach(asked))
        self.assertNoResult(attaching)
        transport.protocol.dataReceived(accepts() + prints(b"login: "))
        session = self.successResultOf(attaching)
        output: list[bytes] = []
        session.deliver(output.append)
        transport.protocol.dataReceived(prints(b"more", 7))
        self.assertEqual(output, [b"login: ", b"more"])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_busy(self) -> None:
        """
        A taken seat fails with its holder, and nothing is left open.
        """
        attaching = self.attach()
        (transport,) = self.reactor.transports
        transport.protocol.dataReceived(refuses("busy", "no", 99))
        self.failureResultOf(attaching, ConsoleInUse)
        self.assertFalse(transport.connected)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_busyAtOnce(self) -> None:
        """
        A server that says who is there and closes before it was told anything does not
        break the connection that this is read from.
        """
        connection = busyAtOnce("")
        self.addCleanup(connection.close)
        session = ConsoleSession(txaio.tx, self.reactor.callLater, Handshake(1))
        seated = session.whenSeated()
        SystemTransport.over(SessionProtocol(session), connection)
        session.dataReceived(connection.recv(100))
        error = self.failureResultOf(seated, ConsoleInUse)
        self.assertEqual(error.value.holder, "4711")

    def test_nobody(self) -> None:
        """
        Where there is no server, there is no session.
        """
        self.failureResultOf(self.attach(opener=nobody), CouldNotConnect)

    def test_badName(self) -> None:
        """
        A name that no zone can have touches no path.
        """
        attaching = attach(self.reactor, RUNDIR, "../z")
        self.failureResultOf(attaching, BadZoneName)

    def test_fallback(self) -> None:
        """
        With a server that closes on what it does not know, an operator gets a legacy
        session on another connection.
        """
        attaching = self.attach(Attach(locale="de_DE.UTF-8", disconnect=True))
        self.reactor.transports[0].loseConnection()
        old = self.reactor.transports[1]
        self.assertRegex(old.value(), rb"\AIDENT [0-9]+ de_DE.UTF-8 1\n\Z")
        old.protocol.dataReceived(b"OK\n")
        session = self.successResultOf(attaching)
        self.assertFalse(session.structured)
        self.assertIsNone(session.position)
        self.assertIsNone(session.welcome)
        self.assertRaises(NotStructured, session.sendBreak)
        watching = self.attach(Attach("watch"))
        self.reactor.transports[2].loseConnection()
        self.failureResultOf(watching, OnlyOperators)

    def test_fullBacklog(self) -> None:
        """
        A full backlog is waited for, a short while at a time.
        """
        answers = [None, None, connectedSocket("")]
        attaching = self.attach(opener=lambda path: answers.pop(0))
        self.assertEqual(self.reactor.transports, [])
        self.reactor.advance(RETRY_SECONDS)
        self.assertEqual(self.reactor.transports, [])
        self.reactor.advance(RETRY_SECONDS)
        self.reactor.transports[0].protocol.dataReceived(accepts())
        self.successResultOf(attaching)

    def test_backlogStaysFull(self) -> None:
        """
        It is not waited for for ever.
        """
        attaching = self.attach(opener=lambda path: None)
        self.reactor.pump([RETRY_SECONDS] * ATTEMPTS)
        self.failureResultOf(attaching, CouldNotConnect)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_cancelled(self) -> None:
        """
        Attaching can be given up at any time, and leaves nothing behind.
        """
        waiting = self.attach(opener=lambda path: None)
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        greeting = self.attach()
        greeting.cancel()
        self.failureResultOf(greeting, CancelledError)
        self.assertTrue(self.reactor.transports[0].aborted)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_ends(self) -> None:
        """
        The server's end and a broken connection are told apart.
        """
        session, transport = self.seated()
        session.deliver(lambda data: None)
        transport.protocol.dataReceived(ends("detached", "by process 5"))
        self.assertEqual(
            self.successResultOf(session.whenEnded()),
            End(EndCause.SERVER, "", "detached", "by process 5"),
        )
        session, transport = self.seated()
        transport.protocol.connectionLost(Failure(ConnectionLost("reset")))
        end = self.successResultOf(session.whenEnded())
        self.assertIs(end.cause, EndCause.LOST)
        self.assertIn("reset", end.detail)

    def test_closed(self) -> None:
        """
        A closed session has ended by our own doing.
        """
        for way in ("close", "abort"):
            session, transport = self.seated()
            getattr(session, way)()
            self.assertFalse(transport.connected)
            end = self.successResultOf(session.whenEnded())
            self.assertEqual(end, End(EndCause.OURS))

    def test_outputPaused(self) -> None:
        """
        Pausing stops the transport.
        """
        session, transport = self.seated()
        session.deliver(lambda data: None)
        self.assertEqual(transport.producerState, "producing")
        session.pauseOutput()
        self.assertEqual(transport.producerState, "paused")
        session.resumeOutput()
        self.assertEqual(transport.producerState, "producing")

    def test_inputPaused(self) -> None:
        """
        The transport's pause is the session's.
        """
        session, transport = self.seated()
        verifyObject(IPushProducer, transport.protocol)
        self.assertIs(transport.producer, transport.protocol)
        transport.producer.pauseProducing()
        self.assertFalse(session.write(b"x"))
        room = session.whenWritable()
        self.assertNoResult(room)
        transport.producer.resumeProducing()
        self.successResultOf(room)
        transport.producer.stopProducing()

    def test_realSockets(self) -> None:
        """
        The connection that the reactor adopts is ours no longer.
        """
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        self.attach(opener=lambda path: ours).addErrback(lambda failure: None)
        self.assertEqual(ours.fileno(), -1)


class FakeProducer:
    """
    Counts what it is told.
    """

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        """
        Keep it.
        """
        self.told.append("pause")

    def resumeProducing(self) -> None:
        """
        Keep it.
        """
        self.told.append("resume")

    def stopProducing(self) -> None:
        """
        Keep it.
        """
        self.told.append("stop")


class SessionInputTests(_Attached):
    """
    A session's input as a consumer.
    """

    def setUp(self) -> None:
        """
        A seated session, and a producer.
        """
        super().setUp()
        self.session, self.transport = self.seated()
        self.transport.clear()
        self.input = SessionInput(self.session)
        self.producer: Any = FakeProducer()

    def test_interface(self) -> None:
        """
        It is a consumer, of one producer at a time.
        """
        verifyObject(IConsumer, self.input)
        self.input.registerProducer(self.producer, True)
        self.assertRaises(
            RuntimeError, self.input.registerProducer, self.producer, True
        )
        self.input.unregisterProducer()
        self.input.registerProducer(self.producer, True)

    def test_push(self) -> None:
        """
        A push producer is paused while the zone does not read.
        """
        self.input.registerProducer(self.producer, True)
        self.input.write(b"a")
        self.assertEqual(self.producer.told, [])
        self.transport.protocol.pauseProducing()
        self.input.write(b"b")
        self.assertEqual(self.producer.told, ["pause"])
        self.transport.protocol.resumeProducing()
        self.assertEqual(self.producer.told, ["pause", "resume"])
        self.assertEqual(typed(self.transport.value()), b"ab")

    def test_pull(self) -> None:
        """
        A pull producer is asked for more whenever there is room.
        """
        self.input.registerProducer(self.producer, False)
        self.input.write(b"a")
        self.assertEqual(self.producer.told, ["resume", "resume"])
        self.transport.protocol.pauseProducing()
        self.input.write(b"b")
        self.assertEqual(len(self.producer.told), 2)
        self.transport.protocol.resumeProducing()
        self.assertEqual(len(self.producer.told), 3)

    def test_without(self) -> None:
        """
        It can be written to without a producer, and one that has gone is left
        alone.
        """
        self.transport.protocol.pauseProducing()
        self.input.write(b"a")
        self.input.registerProducer(self.producer, True)
        self.input.write(b"b")
        self.input.unregisterProducer()
        self.transport.protocol.resumeProducing()
        self.assertEqual(self.producer.told, ["pause"])
