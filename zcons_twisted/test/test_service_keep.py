# -*- test-case-name: zcons_twisted.test.test_service_keep -*-
"""
Tests for L{zcons_twisted.service}: zones that are left as they are when their service
stops.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.logger import capturedLogs, formatEvent
from zope.interface import implementer
from zope.interface.verify import verifyObject

from .. import service
from ..arrivals import Arrivals
from ..interfaces import IConnectingDriver, IOutlivingDriver
from ..nexus.client import Nexus
from ..server import ConsoleServer
from ..server_parts import ServerParts
from ..service import ZoneConsoleService
from ..testing import MemoryDriver, MemoryDriverMaker, MemoryLife
from ..zone_config import ZoneConfig
from .service_case import ServiceTestCase


@implementer(IOutlivingDriver)
class KeptDriver(MemoryDriver):
    """
    A driver whose device may be left.

    @ivar left: how often it was.
    @ivar typed: what was left with it.
    @ivar full: set it, and nothing that was typed can be left.
    """

    resumed = False
    keeper = 4242

    def __init__(self) -> None:
        super().__init__()
        self.nexus: Nexus | None = None
        self.left = 0
        self.typed = b""
        self.full = False

    @property
    def outlives(self) -> bool:
        """
        See L{IOutlivingDriver}.
        """
        return self.nexus is not None

    def useNexus(self, nexus: Nexus, typedBefore: Callable[[bytes], None]) -> None:
        """
        See L{IOutlivingDriver}.
        """
        self.nexus = nexus
        self.typedBefore = typedBefore

    def leave(self, typed: bytes) -> Deferred[None]:
        """
        See L{IOutlivingDriver}.
        """
        self.left += 1
        self.typed = typed
        if self.full:
            self.typedBefore(typed)
        self.release()
        return succeed(None)


class KeepTests(ServiceTestCase):
    """
    A zone outlives its service, if a nexus keeps its device.
    """

    def setUp(self) -> None:
        """
        A zone with a life.
        """
        super().setUp()
        self.driver = KeptDriver()
        self.driver.life = self.life = MemoryLife()
        maker = MemoryDriverMaker(self.driver)
        self.patch(service, "findDriverMaker", lambda name: maker)
        self.nexus = Nexus(self.reactor, self.rundir.path)

    def kept(self, nexus: bool = True) -> ZoneConsoleService:
        """
        A service, started.
        """
        made = ZoneConsoleService(
            self.reactor,
            ZoneConfig("z"),
            self.rundir,
            parts=ServerParts.make(
                self.reactor,
                nexus=self.nexus if nexus else None,
                now=self.reactor.seconds,
            ),
        )
        self.addCleanup(self.stop, made)
        made.startService()
        return made

    def test_interface(self) -> None:
        """
        The fake is one.
        """
        verifyObject(IOutlivingDriver, self.driver)

    def test_keep(self) -> None:
        """
        It is not halted and its device is left; who is attached is told that there will
        be a server again.
        """
        zone = self.kept()
        self.assertEqual(self.life.calls, [("boot", "")])
        peer = self.attach()
        zone.keep = True
        self.stop(zone)
        self.assertEqual(self.life.calls, [("boot", "")])
        self.assertEqual((self.driver.left, self.driver.instances), (1, 1))
        self.assertEqual(peer.recv(1), b"")
        self.assertEqual(zone.console.ended[0].reason.value, "restarting")
        self.assertReleased()

    def test_typed(self) -> None:
        """
        What was typed and the zone has not read is left with it, and comes before all
        that is typed in the next service.
        """
        zone = self.kept()
        peer = self.attach()
        self.driver.device.room = 5
        peer.send(b"firstsecond")
        self.reactor.settle()
        zone.keep = True
        self.stop(zone)
        self.assertEqual(self.driver.typed, b"second")
        self.assertEqual(zone.console.seat.discard(), 0)
        again = self.kept()
        self.driver.device.zoneReads(0)
        self.driver.typedBefore(self.driver.typed)
        self.attach().send(b"third")
        self.reactor.settle()
        self.driver.device.zoneReads()
        self.reactor.settle()
        self.assertEqual(self.driver.device.written, b"secondthird")
        self.stop(again)

    def test_typedNotLeft(self) -> None:
        """
        What can't be left is lost, and the log tells how much it was; the device that
        was closed by then is not asked for anything.
        """
        zone = self.kept()
        peer = self.attach()
        self.driver.device.room = 5
        peer.send(b"firstsecond")
        self.reactor.settle()
        zone.keep = self.driver.full = True
        with capturedLogs() as events:
            self.stop(zone)
        self.assertIn(
            "z: the server ended before the zone had room for the last 6 bytes that"
            " were typed: they are dropped",
            [formatEvent(event) for event in events],
        )
        self.assertEqual(self.driver.device.written, b"first")
        self.assertReleased()

    def test_usesNexus(self) -> None:
        """
        A nexus is of use where there is one, and the driver can make use of it.
        """
        self.assertTrue(self.kept().usesNexus())
        other = ZoneConsoleService(self.reactor, ZoneConfig("y"), self.rundir)
        self.assertFalse(other.usesNexus())

    def test_halt(self) -> None:
        """
        Unless that is wanted it is halted, and its device is removed.
        """
        self.stop(self.kept())
        self.assertEqual(self.life.calls[1:], [("halt",)])
        self.assertEqual((self.driver.left, self.driver.instances), (0, 0))

    def test_noNexus(self) -> None:
        """
        Where no nexus keeps it, it can't be left.
        """
        zone = self.kept(nexus=False)
        zone.keep = True
        self.stop(zone)
        self.assertEqual(self.life.calls[1:], [("halt",)])
        self.assertEqual((self.driver.left, self.driver.instances), (0, 0))

    def test_resumed(self) -> None:
        """
        A zone that was found as it was left is not booted.
        """
        self.driver.resumed = True
        self.kept()
        self.assertEqual(self.life.calls, [])

    def test_stoppedWhileItComesUp(self) -> None:
        """
        A service that is stopped while its device comes up waits for that, so that it
        knows what there is to halt.
        """
        ready: Deferred[None] = Deferred()
        self.driver.initResult = ready
        zone = self.kept()
        stopped = zone.stopService()
        self.assertEqual(self.life.calls, [])
        self.assertNoResult(stopped)
        ready.callback(None)
        self.reactor.settle()
        self.successResultOf(stopped)
        self.assertEqual(self.life.calls, [("halt",)])
        self.assertReleased()

    def test_server(self) -> None:
        """
        A server that is to run again leaves all its zones, and says so.
        """
        again: list[bool] = []
        server = ConsoleServer(
            self.reactor,
            [ZoneConfig("z")],
            self.rundir,
            nexus=self.nexus,
            onRestart=lambda: again.append(True),
        )
        self.addCleanup(self.stop, server)
        server.startService()
        server.restart()
        self.assertEqual(again, [True])
        self.stop(server)
        self.assertEqual((self.driver.left, self.life.calls), (1, [("boot", "")]))
        other = ConsoleServer(self.reactor, [ZoneConfig("z")], self.rundir)
        self.addCleanup(self.stop, other)
        self.assertIsNone(other.zones()[0]._parts.restart)
        other.restart()

    def test_again(self) -> None:
        """
        Who is attached to a zone that is served again at once is told so, also where
        its device can't be left.
        """
        zone = self.kept(nexus=False)
        self.attach()
        zone.keep = zone.again = True
        self.stop(zone)
        self.assertEqual(zone.console.ended[0].reason.value, "restarting")
        self.assertEqual(self.life.calls[1:], [("halt",)])

    def test_othersLife(self) -> None:
        """
        So is who is attached to one that is not ours to halt, and so goes on.
        """
        self.driver.life = None
        zone = self.kept(nexus=False)
        self.attach()
        zone.keep = True
        self.stop(zone)
        self.assertEqual(zone.console.ended[0].reason.value, "restarting")

    def test_halted(self) -> None:
        """
        Who is attached to one that is halted, with nobody to serve it again, is told
        that the server stops.
        """
        zone = self.kept(nexus=False)
        self.attach()
        zone.keep = True
        self.stop(zone)
        self.assertEqual(zone.console.ended[0].reason.value, "server-stopping")

    def test_prepared(self) -> None:
        """
        A driver that connects to something is told of arrivals, and whether there is
        output of an earlier server.
        """
        told: list[bool] = []

        @implementer(IConnectingDriver)
        class Connecting(KeptDriver):
            near = True

            def prepare(self, arrivals: Arrivals, past: bool) -> None:
                told.append(past)

        self.driver = Connecting()
        verifyObject(IConnectingDriver, self.driver)
        maker = MemoryDriverMaker(self.driver)
        self.patch(service, "findDriverMaker", lambda name: maker)
        zone = self.kept()
        zone.console.output(b"hello")
        self.stop(zone)
        self.kept()
        self.assertEqual(told, [False, True])
