"""
The endpoint driver: a console device is whatever a Twisted client endpoint connects to,
the serial line of a virtual machine for example.

The other end makes the device and keeps it, so there is nothing to count, to hold or to
remove.  Opening it is connecting, and it is opened again whenever it is lost; or it is
connected since an earlier server was here.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any, NoReturn

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer

from ..arrivals import Arrivals
from ..errors import BadOption, DeviceError
from ..interfaces import (
    DriverOptions,
    IAdjustableDriver,
    IConnectingDriver,
    IConsoleDriver,
    IDeviceReceiver,
    IManagerDevice,
    IOutlivingDriver,
    IZoneEvents,
    IZoneLife,
    IZoneStates,
)
from ..nexus.client import Nexus
from ..notices import escaped
from ..reactors import DescriptorReactor, ServerReactor
from ..rundir import RunDirectory
from .endpoint_ends import OurEnd, foundEnd, lookAfterPeer, ourEnd
from .endpoint_keeping import StreamKeeper
from .endpoint_line import LineZone
from .endpoint_reasons import reasonOf
from .endpoint_stream import StreamManager
from .endpoint_strings import clientEndpoint, unixEndpoint, unixPath
from .endpoint_telling import ConsoleZone, Telling
from .endpoint_transport import ConsoleProtocol, OneConnection, TransportManager
from .qmp_client import QmpClient
from .qmp_zone import QmpZone

__all__ = ["CONNECT_SECONDS", "EndpointDriver", "makeDriver"]

#: Seconds for a connection to be there, encryption included.
CONNECT_SECONDS = 10.0


@implementer(IConsoleDriver, IAdjustableDriver, IConnectingDriver, IOutlivingDriver)
class EndpointDriver:
    """
    The console device of one zone, at an endpoint.

    @ivar path: the endpoint's description.
    @ivar near: it is a unix socket.
    @ivar resumed: it was connected when we began.
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
        socketPath: str = "",
    ) -> None:
        """
        @param reactor: provides time and descriptors.
        @param endpoint: where the console is.
        @param description: the same for people.
        @param events: is told of what happens to the zone.
        @param socketPath: where that is, if it is a unix socket.
        """
        self.path = description
        self.near = bool(socketPath)
        self.resumed = False
        self._reactor = reactor
        self._name = zone
        self._endpoint = endpoint
        self._socketPath = socketPath
        self._line = LineZone(events)
        self._zone: ConsoleZone = self._line
        self.states: IZoneStates = self._line
        self._machine: QmpZone | None = None
        self._client: QmpClient | None = None
        self._keeper = StreamKeeper(reactor, zone, description)
        self._arrivals: Arrivals | None = None
        # The files that come when there is something to connect to.
        self._awaited = [socketPath] if socketPath else []
        self._receiver: IDeviceReceiver | None = None
        self._end: OurEnd | None = None
        self._manager: IManagerDevice | None = None
        self._why = "not connected yet"
        self._isOpen = self._present = False

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
        self._awaited.append(path)

    def adjust(self, options: DriverOptions) -> None:
        """
        See L{IAdjustableDriver}.
        """
        if self._machine is not None:
            self._machine.grace = options.grace

    # As a driver whose device others make, and may be kept.

    def prepare(self, arrivals: Arrivals, past: bool) -> None:
        """
        See L{IConnectingDriver}.
        """
        self._arrivals = arrivals
        self._line.past = past

    def useNexus(self, nexus: Nexus, typedBefore: Callable[[bytes], None]) -> None:
        """
        See L{IOutlivingDriver}.
        """
        self._keeper.nexus = nexus
        self._keeper.typedBefore = typedBefore

    @property
    def outlives(self) -> bool:
        """
        See L{IOutlivingDriver}.  What only Twisted can read does not.
        """
        other = isinstance(self._manager, TransportManager)
        return self._keeper.nexus is not None and not other

    @property
    def keeper(self) -> int:
        """
        See L{IOutlivingDriver}.
        """
        return self._keeper.nexus.pid if self._keeper.nexus is not None else 0

    def leave(self, typed: bytes) -> Deferred[None]:
        """
        See L{IOutlivingDriver}.
        """
        self._lookNoMore()
        return self._keeper.leave(typed).addCallback(self._left)

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
        return self._keeper.find().addCallback(self._found)

    def destroy(self) -> Deferred[tuple[int, int]]:
        """
        See L{IConsoleDriver}.
        """
        self._closed()
        self._lookNoMore()
        found, self._present = int(self._present), False
        return self._drop().addCallback(lambda _ignored: (found, found))

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
        self._receiver = receiver
        if self._machine is not None and self._client is not None:
            # Not before there is somebody to hear of what it tells.
            self._machine.connect(self._client, self)
        if self._end is None:
            self._expect()
        opening = Deferred.fromCoroutine(self._open(receiver))
        opening.addTimeout(CONNECT_SECONDS, self._reactor, _silent)
        return opening.addErrback(self._failed)

    # As what connects to a machine's console.

    def drain(self) -> None:
        """
        See L{MachineLine<zcons_twisted.drivers.qmp_console.MachineLine>}.
        """
        if isinstance(self._manager, StreamManager):
            self._manager.drain()

    def openNow(self) -> None:
        """
        See L{MachineLine<zcons_twisted.drivers.qmp_console.MachineLine>}.
        """
        if self._receiver is not None:
            self._receiver.available()

    def whyNot(self) -> str:
        """
        See L{MachineLine<zcons_twisted.drivers.qmp_console.MachineLine>}.
        """
        return self._why

    # Inside.

    def _found(self, fd: int | None) -> None:
        if fd is not None:
            self.resumed = True
            self._end = foundEnd(self._reactor, fd, self._socketPath)

    async def _open(self, receiver: IDeviceReceiver) -> IManagerDevice:
        telling = Telling(receiver, self._lost)
        resumed = self.resumed and self._end is not None
        if self._end is None:
            protocol = await self._connect()
            transport: Any = protocol.transport
            peer = transport.getPeer()
            self._end = ourEnd(transport)
        if self._end is not None:
            self._keeper.keep(self._end)
            self._manager = self._stream(self._end, telling)
            peer = self._end.getPeer()
        else:
            self._manager = TransportManager(self._reactor, protocol, telling)
        self._expectNoMore()
        self._isOpen = True
        self._zone.consoleOpened(peer, resumed)
        return self._manager

    def _expect(self) -> None:
        """
        Hear of it when there is something to connect to.

        @raise DeviceError: it is known that there is nothing; to look costs far less
            than to try.
        """
        if self._arrivals is not None:
            for path in self._awaited:
                self._arrivals.expect(path, self._arrived)
        if self._socketPath and not os.path.lexists(self._socketPath):
            self._cantConnect(os.strerror(errno.ENOENT))

    async def _connect(self) -> ConsoleProtocol:
        protocol = ConsoleProtocol()
        try:
            await self._endpoint.connect(OneConnection(protocol))
            await protocol.ready
        except BaseException:
            protocol.giveUp()
            raise
        lookAfterPeer(protocol.transport)
        return protocol

    def _stream(self, end: OurEnd, telling: Telling) -> StreamManager:
        sendBreak = end.sendBreak
        if sendBreak is None and self._machine is not None:
            sendBreak = self._machine.sendBreak
        fd = os.dup(end.fileno())
        return StreamManager(self._reactor, fd, telling, self._released, sendBreak)

    def _released(self) -> None:
        """
        The manager is closed.  Where the connection is kept, it is said afterwards what
        is to become of it.
        """
        if self._keeper.nexus is None:
            self._drop()

    def _arrived(self) -> None:
        self.openNow()
        if self._client is not None:
            self._client.available()

    def _failed(self, failure: Failure) -> NoReturn:
        self._cantConnect(reasonOf(failure))

    def _cantConnect(self, reason: str) -> NoReturn:
        self._why = f"can't connect: {reason}"
        self._zone.consoleFailed()
        raise DeviceError(self._why)

    def _lost(self, reason: str) -> None:
        self._isOpen = False
        self._why = reason
        self._drop()
        self._zone.consoleLost(reason)

    def _left(self, kept: bool) -> None:
        end, self._end = self._end, None
        if kept and end is not None:
            end.leave()
            return
        self._closed()
        if end is not None:
            end.abortConnection()

    def _closed(self) -> None:
        """
        The connection ends by our own doing, and the zone goes on without it.
        """
        if self._isOpen:
            self._isOpen = False
            self._zone.consoleClosed("the server stops")

    def _drop(self) -> Deferred[None]:
        end, self._end = self._end, None
        if end is not None:
            end.abortConnection()
        return self._keeper.drop()

    def _lookNoMore(self) -> None:
        self._expectNoMore()
        self._keeper.end()
        if self._machine is not None:
            self._machine.disconnect()

    def _expectNoMore(self) -> None:
        if self._arrivals is not None:
            self._arrivals.expectNoMore(self._arrived)


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
    endpoint = clientEndpoint(reactor, zone, text)
    path = unixPath(text)
    driver = EndpointDriver(reactor, zone, endpoint, escaped(text), events, path)
    if options.qmp:
        machine = QmpZone(reactor, zone, events, options.grace, options.qmpChardev)
        driver.watch(machine, unixEndpoint(reactor, options.qmp), options.qmp)
    elif options.qmpChardev:
        raise BadOption(
            f"zone '{zone}': --qmp-chardev is of no use without --qmp SOCKET"
        )
    return driver
