# -*- test-case-name: zcons_twisted.test.test_service -*-
"""
Tests for L{zcons_twisted.service}: the start of a service.
"""

from __future__ import annotations

import errno
import gc
import os
import stat

from twisted.application.service import IService
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from zope.interface import alsoProvides
from zope.interface.verify import verifyObject

from .. import service
from ..drivers import maker
from ..errors import (
    BadOption,
    BadZoneName,
    DeviceError,
    RunDirectoryError,
    ZoneServed,
)
from ..events import ZoneEvent
from ..history import HISTORY_MIN
from ..interfaces import DriverOptions, ILastingLife, IZoneEvents
from ..nexus import pair
from ..service import ZoneConsoleService
from ..testing import MemoryLife
from ..zone_config import ZoneConfig
from .service_case import ServiceTestCase
from .support import descriptorsInUse

FILES = ["z.console_sock", "z.control_sock", "z.history", "z.zconsole.lock"]


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

    def test_history(self) -> None:
        """
        What the zone printed stays when the service stops, and goes on at the same
        offset when it starts again.
        """
        for end in (3, 6):
            driver = self.useMemory()
            zone = self.zone()
            zone.startService()
            driver.device.zonePrints(b"abc")
            history = zone.console.history
            self.assertEqual(history.end, end)
            self.assertEqual(history.read(0, end), b"abcabc"[:end])
            self.stop(zone)
            self.assertRaises(ValueError, history.read, 0, 3)
        self.assertEqual(dict(zone.console.totals())["output"], 3)
        self.assertEqual(self.files(), ["z.history"])

    def test_descriptors(self) -> None:
        """
        No descriptor is left of a service that was stopped, before anything is
        collected.
        """
        gc.disable()
        self.addCleanup(gc.enable)
        before = descriptorsInUse()
        zone = self.zone()
        zone.startService()
        self.attach().close()
        self.reactor.settle()
        self.stop(zone)
        self.assertEqual(os.listdir("/proc/self/fd"), before)

    def test_historySize(self) -> None:
        """
        As much is kept as the zone was configured with.
        """
        driver = self.useMemory()
        zone = self.zone(ZoneConfig("z", history=HISTORY_MIN))
        zone.startService()
        driver.device.zonePrints(b"x" * (HISTORY_MIN + 5))
        self.assertEqual(zone.console.history.oldest, 5)

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
        self.assertEqual(self.files(), ["z.console_sock", "z.history"])
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
        self.assertEqual(self.files(), ["z.control_sock", "z.history"])
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
        self.assertEqual((self.files(), self.life.calls), (FILES[2:], []))
        self.ready.callback(None)
        self.assertEqual((self.files(), self.life.calls), (FILES, [("boot", "")]))

    def test_lasting(self) -> None:
        """
        A zone that outlives the server is neither booted nor halted with it.
        """
        alsoProvides(self.life, ILastingLife)
        zone = self.zone()
        zone.startService()
        self.ready.callback(None)
        self.assertEqual(self.files(), FILES)
        self.stop(zone)
        self.assertEqual(self.life.calls, [])
        self.assertReleased()

    def test_neverComesUp(self) -> None:
        """
        A device that does not come up is told in the log, the console ends, and
        nothing is booted.
        """
        zone = self.zone()
        zone.startService()
        with capturedLogs() as events:
            self.ready.errback(Failure(DeviceError("never came up")))
        self.assertEqual(formatEvent(events[0]), "z: can't be served: never came up")
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
        self.patch(pair.PtyInstance, "openSubsidiary", refuse)
        zone = self.zone()
        zone.startService()
        self.reactor.advance(1)
        self.stop(zone)
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(self.deaths, [])
        self.assertReleased()
