# -*- test-case-name: zcons_twisted.test.test_client_tx -*-
r"""
Sessions for Twisted programs::

    session = await tx.attach(reactor, RunDirectory("/var/run/zones"), "myzone")
    session.deliver(onOutput)
    session.write(b"uptime\r")
    end = await session.whenEnded()

The futures of a session are Deferreds.  Flow control is Twisted's: the session's
transport drives it as a push producer, and L{SessionInput} lets any producer
feed it.
"""

from __future__ import annotations

import os
import socket
from typing import Any
from typing import Protocol as Seam

import txaio.tx
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IDelayedCall,
    IProducer,
    IProtocolFactory,
    IPushProducer,
    ISystemHandle,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from zcons_twisted.frames import Attach
from zcons_twisted.rundir import RunDirectory

from .connecting import RETRY_SECONDS, Dialler, Opener, greet, openUnix
from .errors import NotSpoken
from .greeting import StructuredHandshake, fallback
from .seams import Greeting
from .session import HANDSHAKE_SECONDS, ConsoleSession

__all__ = ["AttachReactor", "SessionInput", "SessionProtocol", "attach", "connect"]


class AttachReactor(Seam):
    """
    What is needed of a reactor: C{IReactorTime} and C{IReactorSocket} have it.
    """

    def callLater(
        self, delay: float, callable: Any, *args: object, **kwargs: object
    ) -> IDelayedCall:
        """
        As in C{IReactorTime}.
        """

    def adoptStreamConnection(
        self, fileDescriptor: int, addressFamily: Any, factory: IProtocolFactory
    ) -> Any:
        """
        As in C{IReactorSocket}.
        """


@implementer(IPushProducer)
class SessionProtocol(Protocol):
    """
    Between a transport and a L{ConsoleSession}, and no rule of its own.
    """

    def __init__(self, session: ConsoleSession) -> None:
        self._session = session

    def connectionMade(self) -> None:
        """
        The transport tells us when it is full, and the session begins.
        """
        self._transport.registerProducer(self, True)
        self._session.connected(self)

    def dataReceived(self, data: bytes) -> None:
        """
        Pass on what came.
        """
        self._session.dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Pass on the end.
        """
        clean = reason.check(ConnectionDone, ConnectionAborted)
        self._session.connectionLost("" if clean else reason.getErrorMessage())

    # The session's connection.

    def greet(self, hello: bytes) -> None:
        """
        As L{zcons_twisted.client.seams.Connection} says; so the next five.
        """
        if ISystemHandle.providedBy(self.transport):
            hello = greet(self._transport.getHandle().fileno(), hello)
        if hello:
            self.send(hello)

    def send(self, data: bytes) -> None:
        """
        Send.
        """
        self._transport.write(data)

    def pauseReading(self) -> None:
        """
        Read no more.
        """
        self._transport.pauseProducing()

    def resumeReading(self) -> None:
        """
        Read again.
        """
        self._transport.resumeProducing()

    def finish(self) -> None:
        """
        Close when everything has been sent.
        """
        self._transport.unregisterProducer()
        self._transport.loseConnection()

    def abort(self) -> None:
        """
        Close at once.
        """
        self._transport.abortConnection()

    # The transport's producer.

    def pauseProducing(self) -> None:
        """
        The transport holds enough.
        """
        self._session.inputFull()

    def resumeProducing(self) -> None:
        """
        The transport has room.
        """
        self._session.inputDrained()

    def stopProducing(self) -> None:
        """
        The transport is closing, and will say so itself.
        """

    @property
    def _transport(self) -> Any:
        # A stream transport: ITransport and IConsumer and IPushProducer at once,
        # for which there is no one interface.
        return self.transport


class _OneConnection(Factory):
    """
    Builds the one protocol that it was made with.
    """

    noisy = False

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """
        The protocol.
        """
        return self._protocol


@implementer(IConsumer)
class SessionInput:
    """
    A session's input as a consumer, for whatever Twisted can read from.
    """

    def __init__(self, session: ConsoleSession) -> None:
        self._session = session
        # A push or a pull producer, as C{_streaming} says.
        self._producer: Any = None
        self._streaming = False

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """
        Let a producer feed the session.
        """
        if self._producer is not None:
            raise RuntimeError("this session has a producer already")
        self._producer = producer
        self._streaming = streaming
        if not streaming:
            self._producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """
        The producer has no more.
        """
        self._producer = None

    def write(self, data: bytes) -> None:
        """
        Send, and pace the producer.
        """
        room = self._session.write(data)
        producer = self._producer
        if producer is None or (room and self._streaming):
            return
        if self._streaming:
            producer.pauseProducing()
        self._session.whenWritable().addCallback(self._resume, producer)

    def _resume(self, result: None, producer: Any) -> None:
        if self._producer is producer:
            producer.resumeProducing()


async def connect(
    reactor: AttachReactor,
    path: str,
    zone: str,
    protocol: Protocol,
    opener: Opener = openUnix,
) -> None:
    """
    Connect a protocol to a zone's socket.

    @param path: the socket.
    @param zone: whose it is, for messages.
    @param protocol: what talks to it.
    @param opener: one attempt, as L{openUnix}.
    @raise CouldNotConnect: there is no server, or it may not be reached.
    """
    dialler = Dialler(path, zone, opener)
    while (connection := dialler.attempt()) is None:
        pause: Deferred[None] = Deferred()
        again = reactor.callLater(RETRY_SECONDS, pause.callback, None)
        try:
            await pause
        finally:
            if again.active():
                again.cancel()
    with connection:
        # The reactor takes a duplicate.
        reactor.adoptStreamConnection(
            connection.fileno(), socket.AF_UNIX, _OneConnection(protocol)
        )


def attach(
    reactor: AttachReactor,
    rundir: RunDirectory,
    zone: str,
    asked: Attach | None = None,
    *,
    seconds: float = HANDSHAKE_SECONDS,
    opener: Opener = openUnix,
) -> Deferred[ConsoleSession]:
    """
    Attach to a zone's console.  With a server that knows no structured sessions, an
    operator gets a legacy one.

    @param reactor: where the session lives.
    @param rundir: the server's run directory.
    @param zone: the zone's name.
    @param asked: the role, where output begins, the locale of notices, and so on;
        an operator from now on by default.
    @param seconds: how long the server may take to answer.
    @param opener: one attempt to connect, as L{openUnix}.
    @return: fires with a seated session that gives out nothing before
        L{ConsoleSession.deliver}; fails with an
        L{AttachError<zcons_twisted.client.errors.AttachError>},
        L{BadZoneName<zcons_twisted.errors.BadZoneName>} or
        L{RunDirectoryError<zcons_twisted.errors.RunDirectoryError>}.
        Cancelling it closes the connection.
    """
    wanted = Attach() if asked is None else asked

    async def seat(greeting: Greeting) -> ConsoleSession:
        session = ConsoleSession(txaio.tx, reactor.callLater, greeting, seconds)
        path = rundir.consoleSocket(zone)
        await connect(reactor, path, zone, SessionProtocol(session), opener)
        try:
            await session.whenSeated()
        except BaseException:
            session.abort()
            raise
        return session

    async def attempt() -> ConsoleSession:
        try:
            return await seat(StructuredHandshake(wanted))
        except NotSpoken:
            return await seat(fallback(wanted, os.getpid()))

    return Deferred.fromCoroutine(attempt())
