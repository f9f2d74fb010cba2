# -*- test-case-name: zcons_twisted.test.test_endpoint -*-
"""
Endpoints for tests: over real sockets that are looked at when a test says so, over
transports in memory, and such that never answer.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from ..testing import FakeReactor


@implementer(IStreamClientEndpoint)
class SocketEndpoint:
    """
    Connects to a socket that a test has the other end of.

    @ivar ends: those other ends, the latest last.
    @ivar failures: why the next tries fail, one each.
    @ivar silent: set it, and the next tries are never answered.
    @ivar cancelled: how many of these nobody waits for any more.
    """

    def __init__(self, case: SynchronousTestCase, reactor: FakeReactor) -> None:
        self.ends: list[socket.socket] = []
        self.failures: list[Exception] = []
        self.silent = False
        self.cancelled = 0
        self.factory: IProtocolFactory | None = None
        self._case = case
        self._reactor = reactor

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """
        See L{IStreamClientEndpoint}.
        """
        if self.failures:
            return fail(self.failures.pop(0))
        if self.silent:
            self.factory = protocolFactory
            return Deferred(self._cancel)
        return succeed(self.make(protocolFactory))

    def make(self, factory: IProtocolFactory) -> IProtocol:
        """
        A connection, now.
        """
        made: list[IProtocol] = []
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self._case.addCleanup(theirs.close)
        self.ends.append(theirs)
        with ours:
            self._reactor.adoptStreamConnection(
                ours.fileno(), socket.AF_UNIX, _Remembering(factory, made.append)
            )
        return made[0]

    @property
    def end(self) -> socket.socket:
        """
        The other end of the latest connection.
        """
        return self.ends[-1]

    def _cancel(self, _ignored: object) -> None:
        self.cancelled += 1


@implementer(IProtocolFactory)
class _Remembering:
    """
    A factory that tells what it has made.
    """

    noisy = False

    def __init__(
        self, factory: IProtocolFactory, made: Callable[[IProtocol], None]
    ) -> None:
        self._factory = factory
        self._made = made

    def doStart(self) -> None:
        """
        See L{IProtocolFactory}.
        """

    def doStop(self) -> None:
        """
        See L{IProtocolFactory}.
        """

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        """
        See L{IProtocolFactory}.
        """
        protocol = self._factory.buildProtocol(addr)
        if protocol is not None:
            self._made(protocol)
        return protocol


@implementer(IStreamClientEndpoint)
class MemoryEndpoint:
    """
    Connects to transports in memory.

    @ivar transports: one for each connection.
    @ivar failures: why the next tries fail, one each.
    """

    def __init__(self) -> None:
        self.transports: list[MemoryTransport] = []
        self.failures: list[Exception] = []

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """
        See L{IStreamClientEndpoint}.
        """
        if self.failures:
            return fail(self.failures.pop(0))
        protocol = protocolFactory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
        assert protocol is not None
        transport = MemoryTransport()
        transport.protocol = protocol
        self.transports.append(transport)
        protocol.makeConnection(transport)
        return succeed(protocol)

    @property
    def transport(self) -> MemoryTransport:
        """
        The latest one.
        """
        return self.transports[-1]


class MemoryTransport(StringTransportWithDisconnection):
    """
    A transport whose end is told, and which can be given up.
    """

    aborted = False

    def abortConnection(self) -> None:
        """
        See L{ITCPTransport<twisted.internet.interfaces.ITCPTransport>}.
        """
        self.aborted = True
        if self.connected:
            self.loseConnection()
