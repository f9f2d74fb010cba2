# -*- test-case-name: zcons_twisted.test.test_service -*-
"""
Tests for L{zcons_twisted.service}: one zone's console as a service.
"""

from __future__ import annotations

import errno
import os
import stat

from twisted.application.service import IService
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from .. import service
from ..console import OnHalt
from ..drivers import maker, pty
from ..errors import (
    BadOption,
    BadZoneName,
    DeviceError,
    LifecycleError,
    RunDirectoryError,
    ZoneServed,
)
from ..events import ZoneEvent, ZoneState
from ..interfaces import DriverOptions, IZoneEvents
from ..service import ZoneConfig, ZoneConsoleService
from ..testing import MemoryLife
from .service_case import ServiceTestCase

FILES = ["z.console_sock", "z.control_sock", "z.zconsole.lock"]


class StartTests(ServiceTestCase):
    """
    A zone's service acquires everything or nothing.
    """

    def test_interfaces(self) -> None:
        """
        It is a service, and is told what happens to its zone.
        """
        zone = self.zone()
        verifyObject(IService, zone)
        verifyObject(IZoneEvents, zone)

    def test_acquiresNothing(self) -> None:
        """
        A service that was only made has made nothing.
        """
        self.zone()
        self.assertFalse(os.path.exists(self.rundir.path))

    def test_start(self) -> None:
        """
        Started, it has its sockets, its lock and its device, in a directory for its
        owner alone.
        """
        zone = self.zone()
        zone.startService()
        self.assertEqual(self.files(), [*FILES, "zcons"])
        self.assertEqual(stat.S_IMODE(os.stat(self.rundir.path).st_mode), 0o700)
        for name in FILES:
            path = os.path.join(self.rundir.path, name)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)

    def test_serves(self) -> None:
        """
        What is typed reaches the zone, and what it prints whoever is attached.
        """
        driver = self.useMemory()
        zone = self.zone()
        zone.startService()
        peer = self.attach()
        driver.device.zonePrints(b"login: ")
        self.assertEqual(peer.recv(100), b"login: ")
        peer.send(b"root\n")
        self.reactor.settle()
        self.assertEqual(driver.device.written, b"root\n")

    def test_driverOptions(self) -> None:
        """
        The driver is told what the zone was configured with.
        """
        self.useMemory()
        options = DriverOptions(("cat",), "always", 3.0)
        self.zone(ZoneConfig("z", "memory", options)).startService()
        self.assertEqual(self.maker.made, [("z", options)])

    def test_startTwice(self) -> None:
        """
        A service that runs can be started again, which does nothing.
        """
        driver = self.useMemory()
        zone = self.zone()
        zone.privilegedStartService()
        zone.privilegedStartService()
        zone.startService()
        zone.startService()
        self.assertEqual((len(self.maker.made), len(driver.devices)), (1, 1))

    def test_repeated(self) -> None:
        """
        It can be started and stopped again and again.
        """
        zone = self.zone()
        for _ in range(3):
            zone.startService()
            self.attach().close()
            self.reactor.settle()
            self.stop(zone)
            self.assertReleased()

    def test_event(self) -> None:
        """
        Whoever embeds it tells its console of events.
        """
        self.useMemory()
        zone = self.zone()
        zone.startService()
        peer = self.attach()
        zone.event(ZoneEvent.BOOTING, "-s")
        self.assertIn(b"booting up with arguments: -s", peer.recv(100))

    def test_badName(self) -> None:
        """
        A zone that can't be called so can't be configured.
        """
        self.assertRaises(
            BadZoneName,
            ZoneConsoleService,
            self.reactor,
            ZoneConfig("../z"),
            self.rundir,
        )


class RefusedTests(ServiceTestCase):
    """
    What can't be had is an error, and then nothing is left.
    """

    def refused(self, zone: ZoneConsoleService, error: type[Exception]) -> str:
        """
        @return: why a zone can't be served.
        """
        return str(self.assertRaises(error, zone.startService))

    def test_secondServer(self) -> None:
        """
        A second server of a zone is refused by the first one's process ID, and
        disturbs it in nothing.
        """
        self.zone().startService()
        message = self.refused(self.zone(), ZoneServed)
        self.assertIn(f"already served by process {os.getpid()}", message)
        self.assertEqual(self.files(), [*FILES, "zcons"])
        self.attach()

    def test_leftovers(self) -> None:
        """
        What a dead server has left is replaced.
        """
        os.mkdir(self.rundir.path, 0o700)
        for name in FILES:
            with open(os.path.join(self.rundir.path, name), "w"):
                pass
        self.zone().startService()
        self.attach()

    def test_unsafeDirectory(self) -> None:
        """
        A directory that others may write is refused.
        """
        os.mkdir(self.rundir.path)
        os.chmod(self.rundir.path, 0o777)
        self.refused(self.zone(), RunDirectoryError)
        self.assertReleased()

    def test_device(self) -> None:
        """
        A device that can't be had is an error at once.
        """
        driver = self.useMemory()
        driver.initResult = Deferred()
        driver.initResult.errback(Failure(DeviceError("no ptys")))
        self.assertEqual(self.refused(self.zone(), DeviceError), "no ptys")
        self.assertReleased()
        self.assertEqual(driver.instances, 0)

    def test_consoleSocket(self) -> None:
        """
        A console socket that can't be made releases the device.
        """
        driver = self.useMemory()
        os.makedirs(self.rundir.consoleSocket("z"), 0o700)
        self.refused(self.zone(), RunDirectoryError)
        self.assertEqual(self.files(), ["z.console_sock"])
        self.assertEqual((driver.instances, driver.device.closed), (0, True))
        self.assertEqual(self.reactor.removeAll(), [])

    def test_controlSocket(self) -> None:
        """
        A control socket that can't be made releases the console socket.
        """
        os.makedirs(self.rundir.controlSocket("z"), 0o700)
        os.chmod(self.rundir.path, 0o700)
        zone = self.zone()
        self.refused(zone, RunDirectoryError)
        self.assertEqual(self.files(), ["z.control_sock"])
        self.assertEqual(self.reactor.removeAll(), [])
        os.rmdir(self.rundir.controlSocket("z"))
        zone.startService()
        self.attach()

    def test_unknownDriver(self) -> None:
        """
        A driver that there is not is an error, and so is one that needs a command.
        """
        self.assertIn(
            "choose one of", self.refused(self.zone(ZoneConfig("z", "x")), BadOption)
        )
        self.refused(self.zone(ZoneConfig("z", "exec")), BadOption)

    def test_openedLater(self) -> None:
        """
        A device that somebody else has open ends nothing: the doors are open, and it
        is tried again.
        """
        driver = self.useMemory()
        driver.refusals = ["in use"]
        self.zone().startService()
        self.attach()
        self.reactor.advance(1)
        self.assertEqual(len(driver.devices), 1)


class CheckTests(ServiceTestCase):
    """
    Whether a zone can be served can be asked before.
    """

    def test_fine(self) -> None:
        """
        Where it can, nothing is made.
        """
        self.zone().check()
        self.assertFalse(os.path.exists(self.rundir.path))

    def test_served(self) -> None:
        """
        Where another server serves it, that is an error.
        """
        self.zone().startService()
        self.assertRaises(ZoneServed, self.zone().check)

    def test_itself(self) -> None:
        """
        A service that runs stays the only one after it was asked.
        """
        zone = self.zone()
        zone.startService()
        zone.check()
        self.assertRaises(ZoneServed, self.zone().check)

    def test_longPath(self) -> None:
        """
        A path too long for a socket is an error.
        """
        self.rundir = type(self.rundir)("/" + "d" * 100)
        self.assertRaises(RunDirectoryError, self.zone().check)

    def test_driver(self) -> None:
        """
        A driver that does not suit is an error.
        """
        self.assertRaises(BadOption, self.zone(ZoneConfig("z", "exec")).check)


class LateTests(ServiceTestCase):
    """
    A device may take a while to come up.
    """

    def setUp(self) -> None:
        """
        It has not come up yet.
        """
        super().setUp()
        self.driver = self.useMemory()
        self.driver.life = self.life = MemoryLife()
        self.ready: Deferred[None] = Deferred()
        self.driver.initResult = self.ready

    def test_comesUp(self) -> None:
        """
        The doors open when the device is there, and then the zone boots.
        """
        self.zone().startService()
        self.assertEqual((self.files(), self.life.calls), ([FILES[2]], []))
        self.ready.callback(None)
        self.assertEqual((self.files(), self.life.calls), (FILES, [("boot", "")]))

    def test_neverComesUp(self) -> None:
        """
        A device that does not come up is told in the log, the console ends, and
        nothing is booted.
        """
        zone = self.zone()
        zone.startService()
        self.ready.errback(Failure(DeviceError("never came up")))
        self.assertEqual(len(self.flushLoggedErrors(DeviceError)), 1)
        self.assertEqual((self.deaths, self.life.calls), ([zone], []))

    def test_stoppedBefore(self) -> None:
        """
        A service that is stopped while its device comes up has no more to do with it.
        """
        zone = self.zone()
        zone.startService()
        self.stop(zone)
        if not self.ready.called:
            self.ready.callback(None)
        self.reactor.settle()
        self.assertEqual((self.deaths, self.life.calls), ([], [("halt",)]))
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertReleased()

    def test_stoppedWhileRetrying(self) -> None:
        """
        So it is with a device that is tried again, which is tried no more.
        """

        def refuse(instance: object) -> int:
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))

        self.patch(service, "findDriverMaker", maker.findDriverMaker)
        self.patch(pty.PtyInstance, "openSubsidiary", refuse)
        zone = self.zone()
        zone.startService()
        self.reactor.advance(1)
        self.stop(zone)
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(self.deaths, [])
        self.assertReleased()


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
        self.assertEqual(zone.console.stateLabel(), "running")

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
        self.assertEqual(zone.console.stateLabel(), "installed")
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
