# -*- test-case-name: zcons_twisted.test.test_server -*-
"""
Tests for L{ConsoleServer<zcons_twisted.server.ConsoleServer>}: the zones of a server.
"""

from __future__ import annotations

import os

from twisted.application.service import IServiceCollection
from zope.interface.verify import verifyObject

from ..console import OnHalt
from ..errors import RunDirectoryError, ZoneServed
from ..events import ZoneEvent
from ..server import ConsoleServer
from ..zone_config import ZoneConfig
from .service_case import ServiceTestCase


class ConsoleServerTests(ServiceTestCase):
    """
    A server serves all its zones or none.
    """

    def setUp(self) -> None:
        """
        Count how often a server was empty.
        """
        super().setUp()
        self.empty = 0

    def server(self, *configs: ZoneConfig | str, onEmpty: bool = True) -> ConsoleServer:
        """
        A server of some zones, stopped when the test is over.
        """
        made = ConsoleServer(
            self.reactor,
            [
                each if isinstance(each, ZoneConfig) else ZoneConfig(each)
                for each in configs
            ],
            self.rundir,
            onEmpty=self.isEmpty if onEmpty else None,
        )
        self.addCleanup(self.stop, made)
        return made

    def isEmpty(self) -> None:
        """
        Count.
        """
        self.empty += 1

    def exits(self, name: str) -> ZoneConfig:
        """
        A zone whose console ends when it is down.
        """
        return ZoneConfig(name, onHalt=OnHalt.EXIT)

    def test_interface(self) -> None:
        """
        A server is a collection of services.
        """
        verifyObject(IServiceCollection, self.server("a"))

    def test_zones(self) -> None:
        """
        Its zones are told in the order that they were given.
        """
        server = self.server("b", "a")
        self.assertEqual([zone.zone for zone in server.zones()], ["b", "a"])

    def test_serves(self) -> None:
        """
        Every zone has its console, and all count handshakes together.
        """
        server = self.server("a", "b")
        server.startService()
        self.attach("a")
        self.attach("b")
        self.assertEqual(self.rundir.zones(), ["a", "b"])
        self.assertEqual(len(server.handshakes), 0)

    def test_startAndStop(self) -> None:
        """
        It can be started and stopped again and again, as twistd does it.
        """
        server = self.server("a", "b")
        for _ in range(2):
            server.privilegedStartService()
            server.startService()
            self.assertEqual(self.rundir.zones(), ["a", "b"])
            self.stop(server)
            self.assertReleased()

    def test_allOrNone(self) -> None:
        """
        Where one zone can't be served none is.
        """
        os.makedirs(self.rundir.consoleSocket("b"), 0o700)
        os.chmod(self.rundir.path, 0o700)
        server = self.server("a", "b", "c")
        self.assertRaises(RunDirectoryError, server.startService)
        self.reactor.settle()
        self.assertEqual(self.files(), ["a.history", "b.console_sock", "b.history"])
        self.assertEqual(self.reactor.removeAll(), [])

    def test_nothingBootsBeforeAllAreThere(self) -> None:
        """
        And then none has booted.
        """
        os.makedirs(self.rundir.consoleSocket("b"), 0o700)
        os.chmod(self.rundir.path, 0o700)
        server = self.server(self.command("a"), "b")
        self.assertRaises(RunDirectoryError, server.startService)
        self.reactor.settle()
        self.assertEqual(self.reactor.processes, [])

    def test_check(self) -> None:
        """
        Whether all can be served can be asked before.
        """
        self.server("a", "b").check()
        self.server("b").startService()
        self.assertRaises(ZoneServed, self.server("a", "b").check)

    def test_oneEnds(self) -> None:
        """
        A zone whose console ends is removed; the others go on.
        """
        server = self.server(self.exits("a"), "b")
        server.startService()
        server.zones()[0].event(ZoneEvent.NULL)
        self.reactor.settle()
        self.assertEqual([zone.zone for zone in server.zones()], ["b"])
        self.assertEqual((self.rundir.zones(), self.empty), (["b"], 0))
        self.attach("b")

    def test_lastEnds(self) -> None:
        """
        When the last console has ended, that is told once, with everything released.
        """
        server = self.server(self.exits("a"), self.exits("b"))
        server.startService()
        for zone in server.zones():
            zone.event(ZoneEvent.NULL)
        self.reactor.settle()
        self.assertEqual((server.zones(), self.empty), ([], 1))
        self.assertReleased()

    def test_nobodyAsked(self) -> None:
        """
        Where nobody asked to be told, nobody is.
        """
        server = self.server(self.exits("a"), onEmpty=False)
        server.startService()
        server.zones()[0].event(ZoneEvent.NULL)
        self.reactor.settle()
        self.assertEqual(server.zones(), [])

    def test_stopIsNoEnd(self) -> None:
        """
        Consoles that are stopped, even while a peer lingers, have not ended by
        themselves.
        """
        driver = self.useMemory()
        server = self.server(self.exits("a"))
        server.startService()
        self.attach("a")
        while driver.device.reading:
            driver.device.zonePrints(b"x" * 16384)
        stopped = server.stopService()
        self.reactor.settle()
        self.reactor.pump([2, 0])
        self.successResultOf(stopped)
        self.assertEqual(self.empty, 0)
        self.assertReleased()

    def test_endsWhileItStops(self) -> None:
        """
        A console that has ended just before its server stops is no reason to be told
        after it.
        """
        server = self.server(self.exits("a"))
        server.startService()
        server.zones()[0].event(ZoneEvent.NULL)
        self.successResultOf(server.stopService())
        self.reactor.settle()
        self.assertEqual(self.empty, 0)
        self.assertReleased()
