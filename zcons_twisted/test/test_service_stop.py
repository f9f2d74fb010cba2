# -*- test-case-name: zcons_twisted.test.test_service_stop -*-
"""
Tests for L{zcons_twisted.service}: the end of a service, and of its zone.
"""

from __future__ import annotations

import os

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..console import OnHalt
from ..errors import (
    LifecycleError,
)
from ..events import ZoneEvent, ZoneState
from ..testing import MemoryLife
from ..zone_config import ZoneConfig
from .service_case import ServiceTestCase

FILES = ["z.console_sock", "z.control_sock", "z.history", "z.zconsole.lock"]


class StopTests(ServiceTestCase):
    """
    A service that stops releases everything, and tells when.
    """

    def test_neverStarted(self) -> None:
        """
        One that was never started has stopped.
        """
        self.successResultOf(self.zone().stopService())

    def test_session(self) -> None:
        """
        Whoever is attached is disconnected.
        """
        zone = self.zone()
        zone.startService()
        peer = self.attach()
        self.stop(zone)
        self.assertEqual(peer.recv(1), b"")
        self.assertEqual(zone.console.ended[0].reason.value, "server-stopping")
        self.assertReleased()

    def test_lingers(self) -> None:
        """
        A peer that does not read delays it by two seconds, and all who asked are told.
        """
        driver = self.useMemory()
        zone = self.zone()
        zone.startService()
        self.attach()
        while driver.device.reading:
            driver.device.zonePrints(b"x" * 16384)
        both = [zone.stopService(), zone.stopService()]
        self.reactor.settle()
        self.assertNoResult(both[0])
        self.assertRaises(LifecycleError, zone.startService)
        self.reactor.pump([2, 0])
        for stopped in both:
            self.successResultOf(stopped)
        self.assertReleased()
        zone.startService()

    def test_oneFailure(self) -> None:
        """
        One part that can't be released keeps no other from it.
        """
        driver = self.useMemory()
        driver.life = life = MemoryLife()
        zone = self.zone()
        zone.startService()
        life.refusal = "no"
        self.stop(zone)
        self.assertEqual(len(self.flushLoggedErrors(LifecycleError)), 1)
        self.assertReleased()

    def test_deviceFails(self) -> None:
        """
        Neither does a device that can't be removed.
        """
        driver = self.useMemory()
        zone = self.zone()
        zone.startService()
        failed: Deferred[tuple[int, int]] = Deferred()
        failed.errback(Failure(OSError("no")))
        self.patch(driver, "destroy", lambda: failed)
        self.stop(zone)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.assertReleased()

    def test_lockRemoved(self) -> None:
        """
        Somebody who has emptied the directory keeps nothing from being released.
        """
        zone = self.zone()
        zone.startService()
        for name in FILES:
            os.unlink(os.path.join(self.rundir.path, name))
        self.stop(zone)
        self.assertReleased()


class LifeTests(ServiceTestCase):
    """
    A zone that is a command boots with its service and halts with it.
    """

    def test_boots(self) -> None:
        """
        It boots when it is served, not before.
        """
        zone = self.zone(self.command())
        zone.privilegedStartService()
        self.assertEqual(self.reactor.processes, [])
        zone.startService()
        (process,) = self.reactor.processes
        self.assertEqual(process.arguments[-1], "cat")
        process.begins()
        self.assertEqual(zone.console.presence.label(), "running")

    def test_halts(self) -> None:
        """
        It halts before its service has stopped; whoever is attached sees that, and is
        then disconnected.
        """
        zone = self.zone(self.command())
        zone.startService()
        self.reactor.processes[0].begins()
        peer = self.attach()
        stopped = zone.stopService()
        self.reactor.settle()
        self.assertNoResult(stopped)
        self.endProcesses()
        self.successResultOf(stopped)
        self.assertEqual(peer.recv(100), b"\r\n[NOTICE: Zone halted]\r\n")
        self.assertEqual(peer.recv(1), b"")
        self.assertReleased()

    def test_bootFailed(self) -> None:
        """
        A zone that does not boot is still served.
        """
        self.reactor.spawnError = OSError("no fork")
        zone = self.zone(self.command())
        zone.startService()
        self.reactor.pump([0.02] * 3)
        peer = self.attach()
        self.assertEqual(zone.console.presence.label(), "installed")
        self.assertIsNotNone(peer)

    def test_exitsWhenItHalts(self) -> None:
        """
        A console that is told to exit boots its zone, lives while it runs, and ends
        when its command has ended.
        """
        zone = self.zone(self.command(onHalt=OnHalt.EXIT))
        zone.startService()
        self.reactor.processes[0].begins()
        self.assertEqual(self.deaths, [])
        self.endProcesses()
        self.assertEqual(self.deaths, [zone])


class DeathTests(ServiceTestCase):
    """
    A console that ends takes its service down.
    """

    def test_stopsItself(self) -> None:
        """
        Where nobody asked to be told, the service stops itself, a turn later.
        """
        driver = self.useMemory()
        zone = self.zone(ZoneConfig("z", onHalt=OnHalt.EXIT), onDeath=False)
        zone.startService()
        zone.event(ZoneEvent.NULL)
        self.assertEqual(driver.states.state(), ZoneState.INSTALLED)
        self.assertTrue(zone.running)
        self.reactor.settle()
        self.assertFalse(zone.running)
        self.assertReleased()

    def test_attached(self) -> None:
        """
        Whoever is attached keeps it.
        """
        self.useMemory()
        zone = self.zone(ZoneConfig("z", onHalt=OnHalt.EXIT))
        zone.startService()
        peer = self.attach()
        zone.event(ZoneEvent.HALTED)
        self.assertEqual(self.deaths, [])
        peer.close()
        self.reactor.settle()
        self.assertEqual(self.deaths, [zone])

    def test_stopIsNoDeath(self) -> None:
        """
        A service that is stopped has not ended by itself.
        """
        self.useMemory()
        zone = self.zone(ZoneConfig("z", onHalt=OnHalt.EXIT))
        zone.startService()
        self.attach()
        self.stop(zone)
        self.assertEqual(self.deaths, [])
