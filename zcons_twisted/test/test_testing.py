# -*- test-case-name: zcons_twisted.test.test_testing -*-
"""
Tests for L{zcons_twisted.testing}: the fakes are what they stand for.
"""

from __future__ import annotations

import socket

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IReactorCore,
    IReactorFDSet,
    IReactorProcess,
    IReactorSocket,
    IReactorTime,
)
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from .. import interfaces, testing
from ..console import Console, OnHalt
from ..errors import DeviceError, LifecycleError
from ..events import ZoneEvent, ZoneState
from ..interfaces import DriverOptions
from ..laps import Laps
from ..reactors import ServerReactor
from ..rundir import RunDirectory
from ..server import ConsoleServer
from ..testing import (
    FakeReactor,
    MemoryDevice,
    MemoryDriver,
    MemoryDriverMaker,
    MemoryEvents,
    MemoryLife,
    MemoryLink,
    MemoryReceiver,
    MemorySessions,
    MemoryStates,
)
from ..zone_config import ZoneConfig
from .support import makeHistory, makeSession, shortDirectory


class VerifiedTests(SynchronousTestCase):
    """
    Every fake of an interface provides it.
    """

    def test_interfaces(self) -> None:
        """
        Each is verified.
        """
        driver = MemoryDriver(life=MemoryLife())
        for interface, fake in (
            (interfaces.IManagerDevice, MemoryDevice(MemoryReceiver())),
            (interfaces.IConsoleDriver, driver),
            (interfaces.IConsoleDriverMaker, MemoryDriverMaker(driver)),
            (interfaces.IDeviceReceiver, MemoryReceiver()),
            (interfaces.IZoneStates, MemoryStates()),
            (interfaces.IZoneLife, MemoryLife()),
            (interfaces.IZoneEvents, MemoryEvents()),
        ):
            verifyObject(interface, fake)

    def test_reactor(self) -> None:
        """
        The reactor provides what a server needs.
        """
        for interface in (
            IReactorTime,
            IReactorFDSet,
            IReactorProcess,
            IReactorSocket,
            IReactorCore,
            ServerReactor,
        ):
            verifyObject(interface, FakeReactor())

    def test_server(self) -> None:
        """
        A server can be tested without a real reactor, as the documentation shows.
        """
        reactor = FakeReactor()
        rundir = RunDirectory(shortDirectory(self))
        config = ZoneConfig("z", "exec", DriverOptions(("getty",)))
        server = ConsoleServer(reactor, [config], rundir)
        server.startService()
        reactor.processes[0].begins()
        peer = socket.socket(socket.AF_UNIX)
        self.addCleanup(peer.close)
        peer.connect(rundir.consoleSocket("z"))
        peer.send(b"IDENT 1 C 0\n")
        reactor.settle()
        self.assertEqual(peer.recv(100), b"OK\n")
        stopped = server.stopService()
        reactor.processes[0].ends()
        reactor.pump([1, 1, 1])
        self.successResultOf(stopped)
        self.assertEqual(reactor.getDelayedCalls(), [])

    def test_names(self) -> None:
        """
        Everything that is promised is there.
        """
        for name in testing.__all__:
            self.assertTrue(hasattr(testing, name), name)

    def test_together(self) -> None:
        """
        A console can be tested in memory alone, as the documentation shows.
        """
        reactor = FakeReactor()
        driver = MemoryDriver()
        console = Console(
            "z",
            driver.states,
            OnHalt.STAY,
            reactor.seconds,
            lambda: None,
            makeHistory(),
            reactor,
        )
        Laps(reactor, driver, console).begin()
        link = MemoryLink()
        session = makeSession(reactor, link, console, console.history)
        console.attach(session)
        console.attached(session)
        driver.device.zonePrints(b"login: ")
        console.typed(session, b"root\n")
        self.assertEqual(
            (link.received, driver.device.written), (b"login: ", b"root\n")
        )


class LinkTests(SynchronousTestCase):
    """
    A link in memory takes what it has room for.
    """

    def test_room(self) -> None:
        """
        Without a limit it takes all, with one no more than that, until its peer reads.
        """
        link = MemoryLink()
        self.assertEqual(link.sendNow(b"abc"), 3)
        link.room = 2
        self.assertEqual((link.sendNow(b"def"), link.sendNow(b"g")), (2, 0))
        self.assertEqual(link.received, b"abcde")

    def test_take(self) -> None:
        """
        Who asked is told that there is room, once.
        """
        link = MemoryLink(0)
        told: list[int] = []
        link.take(1, lambda: told.append(1))
        link.wantWritable()
        link.take(1, lambda: told.append(2))
        link.take(1, lambda: told.append(3))
        self.assertEqual(told, [2])


class DeviceTests(SynchronousTestCase):
    """
    A device in memory behaves as devices do.
    """

    def test_beginsPaused(self) -> None:
        """
        What is printed while it is paused comes when it is not.
        """
        receiver = MemoryReceiver()
        device = MemoryDevice(receiver)
        device.zonePrints(b"abc")
        self.assertEqual(receiver.printed, b"")
        device.resumeReading()
        self.assertEqual(receiver.printed, b"abc")
        device.pauseReading()
        device.zonePrints(b"def")
        self.assertEqual(receiver.printed, b"abc")

    def test_writable(self) -> None:
        """
        Who asked is told that the zone has read.
        """
        receiver = MemoryReceiver()
        device = MemoryDevice(receiver, room=1)
        self.assertEqual(device.writeNow(b"ab"), 1)
        device.zoneReads()
        self.assertEqual(receiver.writables, 0)
        device.wantWritable()
        device.zoneReads()
        self.assertEqual((receiver.writables, device.written), (1, b"a"))

    def test_windowAndBreak(self) -> None:
        """
        It remembers the size that it was told, and the breaks if it has any.
        """
        device = MemoryDevice(MemoryReceiver())
        self.assertIsNone(device.window)
        device.setWindow(24, 80)
        self.assertEqual(device.window, (24, 80))
        self.assertRaises(DeviceError, device.sendBreak)
        device.breaks = 0
        device.sendBreak()
        self.assertEqual(device.breaks, 1)

    def test_receiver(self) -> None:
        """
        A receiver reads descriptors, and remembers what was told in which pieces.
        """
        receiver = MemoryReceiver()
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        theirs.send(b"abcdef")
        for most in (4, 4):
            receiver.readFrom(ours.fileno(), most)
        self.assertEqual(receiver.printed, b"")
        receiver.advanced()
        receiver.output(b"ghi")
        self.assertEqual(receiver.batches, [b"abcdef", b"ghi"])
        self.assertEqual(receiver.printed, b"abcdefghi")
        self.assertFalse(receiver.urgent())
        for yes in (True, False, False):
            receiver.interactive(7, yes)
            self.assertEqual(receiver.descriptors, {7} if yes else set())

    def test_fails(self) -> None:
        """
        It can fail by itself, or when it is written to.
        """
        receiver = MemoryReceiver()
        device = MemoryDevice(receiver)
        device.fail("hung up")
        device.failAtNextWrite("broken")
        self.assertEqual(device.writeNow(b"a"), 0)
        self.assertEqual(receiver.reasons, ["hung up", "broken"])


class DriverTests(SynchronousTestCase):
    """
    A driver in memory has devices in memory.
    """

    def test_life(self) -> None:
        """
        It makes one instance, holds it, and removes it.
        """
        driver = MemoryDriver()
        self.successResultOf(driver.init())
        self.assertEqual((driver.instances, driver.held), (1, True))
        self.assertEqual(self.successResultOf(driver.destroy()), (1, 1))
        self.assertEqual((driver.instances, driver.held), (0, False))

    def test_refusals(self) -> None:
        """
        It refuses to open as often as it was told.
        """
        driver = MemoryDriver()
        driver.refusals = ["in use"]
        self.assertRaises(DeviceError, driver.open, MemoryReceiver())
        opened = driver.open(MemoryReceiver())
        self.assertIs(driver.device, opened)

    def test_later(self) -> None:
        """
        Its device can take a while to come up.
        """
        driver = MemoryDriver()
        driver.initResult = Deferred()
        self.assertNoResult(driver.init())


class ZoneTests(SynchronousTestCase):
    """
    Zones in memory do what they are told.
    """

    def test_states(self) -> None:
        """
        A state is what was set or posted, or can't be told.
        """
        states = MemoryStates()
        states.posted(ZoneEvent.BOOTING)
        self.assertIs(states.state(), ZoneState.RUNNING)
        states.current = None
        states.posted(ZoneEvent.BOOTING)
        self.assertRaises(OSError, states.state)

    def test_life(self) -> None:
        """
        A life does at once what it is told, or refuses, or waits.
        """
        life = MemoryLife()
        self.assertEqual(self.successResultOf(life.boot("-s")), "zone booted")
        life.pending = Deferred()
        self.assertNoResult(life.reboot())
        life.refusal = "no"
        self.failureResultOf(life.halt(), LifecycleError)
        self.assertEqual(life.calls, [("boot", "-s"), ("reboot", ""), ("halt",)])

    def test_events(self) -> None:
        """
        Events are remembered with their arguments.
        """
        events = MemoryEvents()
        events.event(ZoneEvent.BOOTING, "-s")
        self.assertEqual(events.events, [(ZoneEvent.BOOTING, "-s")])

    def test_sessions(self) -> None:
        """
        Sessions have the processes that they were given, and nobody is signalled.
        """
        sessions = MemorySessions()
        sessions.left[1] = [2, 3]
        sessions.signal([2, 3], 15)
        self.assertEqual((sessions.members(1), sessions.members(9)), ([2, 3], []))
        self.assertTrue(sessions.isMember(2, 1) and not sessions.isMember(2, 9))
        self.assertEqual(sessions.sent, [(2, (15,)), (3, (15,))])
