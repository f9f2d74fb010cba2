# -*- test-case-name: zcons_twisted.test.test_endpoint_transport -*-
"""
A console at the other end of a transport that only Twisted can read and write, TLS for
example.

Its bytes come in the transport's own pieces.  What is typed is given to it until it
says that its buffer is full, in pieces of L{WRITE_MAX}, so that no more than that
buffer and one piece is ever on its way.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IHandshakeListener,
    IProtocol,
    IPushProducer,
    IReactorTime,
    ISSLTransport,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from ..doors.farewell import LINGER_SECONDS
from ..errors import DeviceError
from ..interfaces import IDeviceReceiver, IManagerDevice
from .endpoint_reasons import reasonOf

__all__ = ["WRITE_MAX", "ConsoleProtocol", "OneConnection", "TransportManager"]

#: Most bytes given to a transport at once.
WRITE_MAX = 16 * 1024


class OneConnection(Factory):
    """
    Makes one connection, and says nothing about it: it may be tried for ever.
    """

    noisy = False

    def __init__(self, protocol: IProtocol) -> None:
        """
        @param protocol: the connection's.
        """
        self._protocol = protocol

    def buildProtocol(self, addr: object) -> Any:
        """
        See L{IProtocolFactory<twisted.internet.interfaces.IProtocolFactory>}.
        """
        return self._protocol


@implementer(IHandshakeListener)
class ConsoleProtocol(Protocol):
    """
    The protocol of a console's transport, which is paused until there is a device.

    @ivar ready: fires when bytes could come and go; fails when the connection is lost
        before that.
    @ivar device: hears of what comes, once there is one.
    """

    def __init__(self) -> None:
        self.ready: Deferred[None] = Deferred()
        self.device: TransportManager | None = None
        self._unwanted = False
        self._lingering: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """
        There is a connection; one that is encrypted is not ready yet.
        """
        if self._unwanted:
            self._abort()
        elif not ISSLTransport.providedBy(self.transport):
            self._begin()

    def handshakeCompleted(self) -> None:
        """
        The other end is who it should be.
        """
        self._begin()

    def giveUp(self) -> None:
        """
        Nobody waits for this connection any more.
        """
        self._unwanted = True
        self.ready.addErrback(_ignore)
        if self.transport is not None:
            self._abort()

    def leave(self, clock: IReactorTime) -> None:
        """
        Close the connection when what was written has gone, within
        L{LINGER_SECONDS<zcons_twisted.doors.farewell.LINGER_SECONDS>}.
        """
        transport: Any = self.transport
        if transport is not None:
            # To see that it has gone, it has to be read.
            transport.resumeProducing()
            self._lingering = clock.callLater(LINGER_SECONDS, self._abort)
            transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        """
        The zone printed something.
        """
        if self.device is not None:
            self.device.received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The connection is over.
        """
        self.transport = None
        if self._lingering is not None and self._lingering.active():
            self._lingering.cancel()
        if not self.ready.called:
            self.ready.errback(reason)
        if self.device is not None:
            self.device.ended(reason)

    def _begin(self) -> None:
        cast(IPushProducer, self.transport).pauseProducing()
        if not self.ready.called:
            self.ready.callback(None)

    def _abort(self) -> None:
        transport: Any = self.transport
        abort = getattr(transport, "abortConnection", transport.loseConnection)
        abort()


def _ignore(failure: Failure) -> None:
    """
    Nobody asks why there is no connection.
    """


@implementer(IManagerDevice, IPushProducer)
class TransportManager:
    """
    An open manager.  It begins paused.
    """

    def __init__(
        self, clock: IReactorTime, protocol: ConsoleProtocol, receiver: IDeviceReceiver
    ) -> None:
        """
        @param clock: measures how long the other end takes to see it closed.
        @param protocol: ready, and paused.
        @param receiver: hears of what comes.
        """
        self._clock = clock
        self._protocol = protocol
        self._receiver = receiver
        self._full = False
        self._wanted = False
        self._open = True
        self._transport: Any = protocol.transport
        protocol.device = self
        cast(IConsumer, self._transport).registerProducer(self, True)

    # As a device.

    def pauseReading(self) -> None:
        """
        See L{IManagerDevice}.
        """
        if self._open:
            self._transport.pauseProducing()

    def resumeReading(self) -> None:
        """
        See L{IManagerDevice}.
        """
        if self._open:
            self._transport.resumeProducing()

    def writeNow(self, data: bytes) -> int:
        """
        See L{IManagerDevice}.
        """
        taken = 0
        while taken < len(data) and self._open and not self._full:
            piece = data[taken : taken + WRITE_MAX]
            self._transport.write(piece)
            taken += len(piece)
        return taken

    def wantWritable(self) -> None:
        """
        See L{IManagerDevice}.
        """
        self._wanted = True

    def setWindow(self, rows: int, columns: int) -> None:
        """
        See L{IManagerDevice}.  A transport has no size.
        """

    def sendBreak(self) -> None:
        """
        See L{IManagerDevice}.
        """
        raise DeviceError("this connection has no break")

    def close(self) -> None:
        """
        See L{IManagerDevice}.
        """
        if self._open:
            self._open = False
            self._transport.unregisterProducer()
            self._protocol.device = None
            self._protocol.leave(self._clock)

    # What the transport tells.

    def received(self, data: bytes) -> None:
        """
        The zone printed something.
        """
        self._receiver.output(data)

    def ended(self, reason: Failure) -> None:
        """
        The connection is over.
        """
        if self._open:
            self._open = False
            self._protocol.device = None
            self._receiver.lost(reasonOf(reason))

    def pauseProducing(self) -> None:
        """
        The transport's buffer is full.
        """
        self._full = True

    def resumeProducing(self) -> None:
        """
        The transport takes more.
        """
        self._full = False
        if self._wanted and self._open:
            self._wanted = False
            self._receiver.writable()

    def stopProducing(self) -> None:
        """
        The transport takes nothing any more; its end is told apart.
        """
        self._full = True
