# -*- test-case-name: zcons_twisted.test.test_endpoint -*-
"""
The endpoint driver: a console device is whatever a Twisted client endpoint connects to,
the serial line of a virtual machine for example.

The other end makes the device and keeps it, so there is nothing to count, to hold or to
remove.  Opening it is connecting, and it is opened again whenever it is lost.
"""

from __future__ import annotations

import os
import socket
from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IStreamClientEndpoint, ITCPTransport
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import BadOption, DeviceError
from ..events import ZoneEvent, ZoneState
from ..interfaces import (
    DriverOptions,
    IAdjustableDriver,
    IConsoleDriver,
    IDeviceReceiver,
    IManagerDevice,
    IZoneEvents,
    IZoneLife,
    IZoneStates,
)
from ..notices import escaped
from ..reactors import DescriptorReactor, ServerReactor
from ..rundir import RunDirectory
from .endpoint_line import LineZone
from .endpoint_reasons import reasonOf
from .endpoint_stream import StreamManager
from .endpoint_transport import ConsoleProtocol, OneConnection, TransportManager
from .qmp_client import QmpClient
from .qmp_zone import QmpZone
from .serial_line import SerialTransport

__all__ = ["CONNECT_SECONDS", "DEAD_SECONDS", "EndpointDriver", "makeDriver"]

#: Seconds for a connection to be there, encryption included.
CONNECT_SECONDS = 10.0

#: Seconds after which a TCP peer that does not even acknowledge is taken to be dead.
DEAD_SECONDS = 120

#: What systemd tells of passed sockets.
_PASSED = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")

#: How often the kernel asks after a TCP peer in the second half of that.
_PROBES = 4


class ConsoleZone(Protocol):
    """
    The zone that a console belongs to, as far as its connection concerns it.
    """

    def consoleOpened(self, peer: object) -> None:
        """
        The console is connected.
        """

    def consoleFailed(self) -> None:
        """
        The console can't be connected to now.
        """

    def consoleLost(self, reason: str) -> None:
        """
        The console's connection is over.
        """

    def state(self) -> ZoneState:
        """
        See L{IZoneStates}.
        """

    def posted(self, event: ZoneEvent) -> None:
        """
        See L{IZoneStates}.
        """


@implementer(IConsoleDriver, IAdjustableDriver)
class EndpointDriver:
    """
    The console device of one zone, at an endpoint.

    @ivar path: the endpoint's description.
    """

    kind = "endpoint"
    life: IZoneLife | None = None

    def __init__(
        self,
        reactor: DescriptorReactor,
        zone: str,
        endpoint: IStreamClientEndpoint,
        description: str,
        events: IZoneEvents,
    ) -> None:
        """
        @param reactor: provides time and descriptors.
        @param endpoint: where the console is.
        @param description: the same for people.
        @param events: is told of what happens to the zone.
        """
        self.path = description
        self._reactor = reactor
        self._name = zone
        self._endpoint = endpoint
        line = LineZone(events)
        self._zone: ConsoleZone = line
        self.states: IZoneStates = line
        self._machine: QmpZone | None = None
        self._client: QmpClient | None = None
        self._manager: IManagerDevice | None = None
        self._present = False

    def watch(
        self, machine: QmpZone, endpoint: IStreamClientEndpoint, path: str
    ) -> None:
        """
        The zone is a virtual machine.

        @param endpoint: QEMU's QMP socket.
        @param path: where that is.
        """
        self._machine = machine
        self._zone = machine
        self._client = QmpClient(self._reactor, self._name, endpoint, machine, path)
        self.states = machine
        self.life = machine

    def adjust(self, options: DriverOptions) -> None:
        """
        See L{IAdjustableDriver}.
        """
        if self._machine is not None:
            self._machine.grace = options.grace

    # As a driver.

    def count(self) -> Deferred[int]:
        """
        See L{IConsoleDriver}.
        """
        return succeed(int(self._present))

    def init(self) -> Deferred[None]:
        """
        See L{IConsoleDriver}.
        """
        self._present = True
        return succeed(None)

    def destroy(self) -> Deferred[tuple[int, int]]:
        """
        See L{IConsoleDriver}.
        """
        if self._machine is not None:
            self._machine.disconnect()
        found, self._present = int(self._present), False
        return succeed((found, found))

    def hold(self) -> None:
        """
        See L{IConsoleDriver}.  The other end sees to that.
        """

    def release(self) -> None:
        """
        See L{IConsoleDriver}.
        """

    def open(self, receiver: IDeviceReceiver) -> Deferred[IManagerDevice]:
        """
        See L{IConsoleDriver}.
        """
        if self._machine is not None and self._client is not None:
            # Not before there is somebody to hear of what it tells.
            self._machine.connect(self._client, self._drain)
        opening = Deferred.fromCoroutine(self._open(receiver))
        opening.addTimeout(CONNECT_SECONDS, self._reactor, _silent)
        return opening.addErrback(self._failed)

    async def _open(self, receiver: IDeviceReceiver) -> IManagerDevice:
        protocol = ConsoleProtocol()
        try:
            await self._endpoint.connect(OneConnection(protocol))
            await protocol.ready
        except BaseException:
            protocol.giveUp()
            raise
        telling = _Telling(receiver, self._zone)
        transport: Any = protocol.transport
        _lookAfterPeer(transport)
        if isinstance(transport, SerialTransport):
            self._manager = StreamManager(
                self._reactor,
                os.dup(transport.fileno()),
                telling,
                transport.abortConnection,
                transport.sendBreak,
            )
        elif isinstance(transport, Connection) and not transport.TLS:
            self._manager = StreamManager(
                self._reactor,
                os.dup(transport.fileno()),
                telling,
                transport.loseConnection,
                None if self._machine is None else self._machine.sendBreak,
            )
        else:
            self._manager = TransportManager(self._reactor, protocol, telling)
        self._zone.consoleOpened(transport.getPeer())
        return self._manager

    def _failed(self, failure: Failure) -> IManagerDevice:
        self._zone.consoleFailed()
        raise DeviceError(f"can't connect: {reasonOf(failure)}")

    def _drain(self) -> None:
        if isinstance(self._manager, StreamManager):
            self._manager.drain()


@implementer(IDeviceReceiver)
class _Telling:
    """
    A receiver, and a zone that hears of it when the device is lost.
    """

    def __init__(self, receiver: IDeviceReceiver, zone: ConsoleZone) -> None:
        self.readFrom = receiver.readFrom
        self.advanced = receiver.advanced
        self.output = receiver.output
        self.urgent = receiver.urgent
        self.stillUrgent = receiver.stillUrgent
        self.interactive = receiver.interactive
        self.writable = receiver.writable
        self._receiver = receiver
        self._zone = zone

    def lost(self, reason: str) -> None:
        """
        See L{IDeviceReceiver}.  The console hears of it first: what it looks at then
        is the zone's state as it was.
        """
        self._receiver.lost(reason)
        self._zone.consoleLost(reason)


def _lookAfterPeer(transport: Any) -> None:
    """
    Have what is typed sent at once, and a peer that has vanished noticed: neither an
    unplugged terminal server nor a firewall that forgets says anything.
    """
    while not isinstance(transport, Connection):
        # An encrypted connection is one inside another.
        inner = transport.__dict__.get("transport")
        if inner is None:
            return
        transport = inner
    if not ITCPTransport.providedBy(transport):
        return
    handle = transport.getHandle()
    if handle.family not in (socket.AF_INET, socket.AF_INET6):
        return
    transport.setTcpNoDelay(True)
    transport.setTcpKeepAlive(True)
    for option, value in (
        (socket.TCP_KEEPIDLE, DEAD_SECONDS // 2),
        (socket.TCP_KEEPINTVL, DEAD_SECONDS // 2 // _PROBES),
        (socket.TCP_KEEPCNT, _PROBES),
        (socket.TCP_USER_TIMEOUT, DEAD_SECONDS * 1000),
    ):
        handle.setsockopt(socket.IPPROTO_TCP, option, value)


def _silent(result: object, seconds: float) -> object:
    raise DeviceError(f"no answer in {seconds:g} seconds")


def makeDriver(
    reactor: ServerReactor,
    zone: str,
    rundir: RunDirectory,
    options: DriverOptions,
    events: IZoneEvents,
) -> IConsoleDriver:
    """
    An endpoint driver, and QMP where there is some.

    @raise BadOption: there is no endpoint, or it can't be understood.
    """
    text = options.endpoint
    if not text:
        raise BadOption(f"zone '{zone}': the endpoint driver needs --endpoint STRING")
    driver = EndpointDriver(
        reactor, zone, _endpoint(reactor, zone, text), escaped(text), events
    )
    if options.qmp:
        machine = QmpZone(reactor, zone, events, options.grace, options.qmpChardev)
        qmp = _endpoints().UNIXClientEndpoint(reactor, options.qmp)
        driver.watch(machine, qmp, options.qmp)
    elif options.qmpChardev:
        raise BadOption(
            f"zone '{zone}': --qmp-chardev is of no use without --qmp SOCKET"
        )
    return driver


def _endpoints() -> Any:
    """
    Twisted's endpoints, which take the names of passed sockets out of the environment
    when they are loaded: they are left there, for the server to find them.
    """
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    from twisted.internet import endpoints

    os.environ.update(passed)
    return endpoints


def _endpoint(reactor: ServerReactor, zone: str, text: str) -> IStreamClientEndpoint:
    try:
        endpoint: IStreamClientEndpoint = _endpoints().clientFromString(reactor, text)
    except Exception as e:
        # Each kind of endpoint has a parser of its own, which may be anybody's, and
        # most only say what function of theirs does not take it.
        why = escaped(str(e).rpartition("() ")[2] or type(e).__name__)
        raise BadOption(f"zone '{zone}': --endpoint {text}: {why}") from None
    return endpoint
