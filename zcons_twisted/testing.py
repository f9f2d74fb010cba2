# -*- test-case-name: zcons_twisted.test.test_testing -*-
r"""
In-memory fakes, for the tests of those who embed consoles or write drivers, and
for our own.

Nothing here sleeps or waits.  Time is L{FakeReactor}'s own and passes by
C{advance}; descriptors are looked at when L{FakeReactor.pump} is called; the zone's
side and the peer's side of things are methods that a test calls.

A server, with real sockets in a directory of the test's own and processes that are
none::

    reactor = FakeReactor()
    rundir = RunDirectory(directory)
    config = ZoneConfig("z", "exec", DriverOptions(("getty",)))
    server = ConsoleServer(reactor, [config], rundir)
    server.startService()
    reactor.processes[0].begins()
    peer.connect(rundir.consoleSocket("z"))
    peer.send(b"IDENT 1 C 0\n")
    reactor.settle()
    assert peer.recv(100) == b"OK\n"

A driver of one's own::

    receiver = MemoryReceiver()
    device = MyDriver(reactor, "z").open(receiver)
    device.resumeReading()
    ...
    reactor.settle()
    assert receiver.printed == b"login: "

Every fake of an interface is verified against it by our own tests.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.plugin import IPlugin
from zope.interface import implementer

from .errors import DeviceError
from .interfaces import (
    DriverOptions,
    IConsoleDriver,
    IConsoleDriverMaker,
    IDeviceReceiver,
    IManagerDevice,
    IZoneEvents,
    IZoneLife,
    IZoneStates,
)
from .rundir import RunDirectory
from .testing_device import MemoryDevice, MemoryReceiver
from .testing_reactor import FakeReactor
from .testing_zone import (
    FIRST_FAKE_PID,
    FakeProcess,
    MemoryEvents,
    MemoryLife,
    MemorySessions,
    MemoryStates,
)

__all__ = [
    "FIRST_FAKE_PID",
    "FakeProcess",
    "FakeReactor",
    "MemoryDevice",
    "MemoryDriver",
    "MemoryDriverMaker",
    "MemoryEvents",
    "MemoryLife",
    "MemoryLink",
    "MemoryReceiver",
    "MemorySessions",
    "MemoryStates",
]


class MemoryLink:
    """
    A session's connection in memory: a
    L{SessionLink<zcons_twisted.sessions.SessionLink>}.

    @ivar received: what the peer has got.
    @ivar room: how many bytes it takes before somebody calls L{take}, or L{None}
        for all.
    @ivar wanted: whether a call was asked for, for when there is room again.
    @ivar paused: whether nothing is taken from the peer.
    @ivar breathing: whether an empty C{received} is to come, before anything else.
    @ivar dead: set it, and the peer is found dead.
    @ivar finished: set it, and the peer is found to have closed its sending side.
    @ivar sent: what the peer had sent and nobody has taken yet.
    @ivar queue: how many bytes it has been sent and not read, or L{None} where that
        can't be told.
    @ivar closed: whether we have closed it.
    """

    def __init__(self, room: int | None = None) -> None:
        self.received = b""
        self.room = room
        self.wanted = False
        self.paused = False
        self.breathing = False
        self.dead = False
        self.finished = False
        self.sent = b""
        self.queue: int | None = None
        self.closed = False

    def sendNow(self, data: bytes | memoryview) -> int:
        """
        Take what there is room for.
        """
        taken = len(data) if self.room is None else min(self.room, len(data))
        if self.room is not None:
            self.room -= taken
        self.received += data[:taken]
        return taken

    def wantWritable(self) -> None:
        """
        Remember it in L{wanted}.
        """
        self.wanted = True

    def pauseReading(self) -> None:
        """
        Remember it in L{paused}.
        """
        self.paused = True

    def resumeReading(self) -> None:
        """
        Remember it in L{paused}.
        """
        self.paused = False

    def breathe(self) -> None:
        """
        Remember it in L{breathing}.
        """
        self.breathing = True

    def alive(self) -> bool:
        """
        Whether nobody has set L{dead}.
        """
        return not self.dead

    def unread(self) -> int | None:
        """
        What L{queue} says.
        """
        return self.queue

    def sendsNoMore(self) -> bool:
        """
        Whether somebody has set L{finished} or L{dead}.
        """
        return self.finished or self.dead

    def drain(self) -> bytes:
        """
        Give L{sent}, once.
        """
        sent, self.sent = self.sent, b""
        return sent

    def close(self, rest: bytes, patient: bool = False) -> None:
        """
        The peer gets the rest, whatever its room.
        """
        self.received += rest
        self.closed = True

    def take(self, room: int | None, writable: Callable[[], None]) -> None:
        """
        The peer reads: it has room again, and who asked for it is told.

        @param room: how many bytes, or L{None} for all that come.
        @param writable: called if it was asked for.
        """
        self.room = room
        if self.wanted:
            self.wanted = False
            writable()


@implementer(IConsoleDriver)
class MemoryDriver:
    """
    A driver whose devices are in memory.

    @ivar instances: how many instances there are.
    @ivar held: whether the subsidiary is held.
    @ivar devices: every device that was opened, in order.
    @ivar refusals: why the next openings fail, one each.
    @ivar opening: set it, and the next opening gives this instead of a device.
    @ivar initResult: set it, and C{init} gives this.
    """

    kind = "memory"

    def __init__(
        self,
        path: str = "/nowhere/zoneconsole",
        states: IZoneStates | None = None,
        life: IZoneLife | None = None,
    ) -> None:
        self.path = path
        self.states = states or MemoryStates()
        self.life = life
        self.instances = 0
        self.held = False
        self.devices: list[MemoryDevice] = []
        self.refusals: list[str] = []
        self.opening: Deferred[IManagerDevice] | None = None
        self.initResult: Deferred[None] | None = None

    @property
    def device(self) -> MemoryDevice:
        """
        The device that was opened last.
        """
        return self.devices[-1]

    def count(self) -> Deferred[int]:
        """
        See L{IConsoleDriver}.
        """
        return succeed(self.instances)

    def init(self) -> Deferred[None]:
        """
        See L{IConsoleDriver}.
        """
        self.instances = 1
        self.hold()
        return succeed(None) if self.initResult is None else self.initResult

    def destroy(self) -> Deferred[tuple[int, int]]:
        """
        See L{IConsoleDriver}.
        """
        self.release()
        found, self.instances = self.instances, 0
        return succeed((found, found))

    def hold(self) -> None:
        """
        See L{IConsoleDriver}.
        """
        self.held = True

    def release(self) -> None:
        """
        See L{IConsoleDriver}.
        """
        self.held = False

    def open(
        self, receiver: IDeviceReceiver
    ) -> IManagerDevice | Deferred[IManagerDevice]:
        """
        See L{IConsoleDriver}.
        """
        if self.refusals:
            raise DeviceError(self.refusals.pop(0))
        if self.opening is not None:
            opening, self.opening = self.opening, None
            return opening
        device = MemoryDevice(receiver)
        self.devices.append(device)
        return device


@implementer(IPlugin, IConsoleDriverMaker)
class MemoryDriverMaker:
    """
    A driver plugin that gives what it was made with.

    @ivar made: what it was asked for: the zone and its options, in order.
    """

    name = "memory"
    description = "console devices in memory, for tests"

    def __init__(self, driver: MemoryDriver) -> None:
        self.made: list[tuple[str, DriverOptions]] = []
        self._driver = driver

    def driver(
        self,
        reactor: object,
        zone: str,
        rundir: RunDirectory,
        options: DriverOptions,
        events: IZoneEvents,
    ) -> IConsoleDriver:
        """
        See L{IConsoleDriverMaker}.
        """
        self.made.append((zone, options))
        return self._driver
