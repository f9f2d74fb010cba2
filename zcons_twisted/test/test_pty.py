# -*- test-case-name: zcons_twisted.test.test_pty -*-
"""
Tests for L{zcons_twisted.drivers.pty}: pty pairs as console devices.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import struct
import termios

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyClass, verifyObject

from ..drivers.pty import PostedStates, PtyDriver, makeDriver
from ..errors import DeviceError
from ..events import ZoneEvent, ZoneState
from ..interfaces import (
    DriverOptions,
    IConsoleDriver,
    IManagerDevice,
    IMendableDriver,
    IZoneStates,
)
from ..nexus.pair import PtyInstance
from ..testing import MemoryEvents
from .pty_case import PtyTestCase
from .support import descriptorsInUse


class InstanceTests(PtyTestCase):
    """
    A console device is a pty pair, linked where illumos has it.
    """

    def test_interfaces(self) -> None:
        """
        The driver and what it has provide what they should.
        """
        verifyObject(IConsoleDriver, self.driver)
        verifyObject(IZoneStates, self.driver.states)
        self.init()
        manager = self.driver.open(self.receiver)
        verifyObject(IManagerDevice, manager)
        manager.close()

    def test_plugin(self) -> None:
        """
        A plugin's driver is one that runs nothing.
        """
        made = makeDriver(
            self.reactor, "z", self.rundir, DriverOptions(), MemoryEvents()
        )
        self.assertEqual((made.kind, made.life), ("pty", None))

    def test_acquiresNothing(self) -> None:
        """
        A driver that was only made has made nothing.
        """
        self.assertEqual(self.successResultOf(self.driver.count()), 0)
        self.assertFalse(os.path.exists(self.rundir.path))

    def test_init(self) -> None:
        """
        There is one device then, linked at C{zcons/<zone>/zoneconsole}.
        """
        self.init()
        self.assertEqual(self.successResultOf(self.driver.count()), 1)
        self.assertEqual(self.driver.path, f"{self.rundir.path}/zcons/z/zoneconsole")
        self.assertTrue(os.path.islink(self.driver.path))
        self.assertTrue(os.isatty(self.openZone()))

    def test_initTwice(self) -> None:
        """
        The device that is there is used again.
        """
        self.init()
        before = os.readlink(self.driver.path)
        self.init()
        self.assertEqual(self.successResultOf(self.driver.count()), 1)
        self.assertEqual(os.readlink(self.driver.path), before)

    def test_leftovers(self) -> None:
        """
        What a dead server left in the links' place is replaced.
        """
        os.makedirs(os.path.dirname(self.driver.path))
        os.symlink("/nowhere", self.driver.path)
        os.symlink("/nowhere", self.driver.path + ".new")
        self.init()
        self.assertTrue(os.path.exists(self.driver.path))
        self.assertEqual(os.listdir(os.path.dirname(self.driver.path)), ["zoneconsole"])

    def test_window(self) -> None:
        """
        A console has 24 lines of 80 columns until somebody says otherwise.
        """
        self.init()
        raw = fcntl.ioctl(self.openZone(), termios.TIOCGWINSZ, b"\0" * 8)
        self.assertEqual(struct.unpack("4H", raw)[:2], (24, 80))

    def test_setWindow(self) -> None:
        """
        The zone's terminal has the size that its manager is told.
        """
        self.init()
        manager = self.driver.open(self.receiver)
        zone = self.openZone()
        for rows, columns in ((40, 100), (65535, 1)):
            manager.setWindow(rows, columns)
            raw = fcntl.ioctl(zone, termios.TIOCGWINSZ, b"\0" * 8)
            self.assertEqual(struct.unpack("4H", raw), (rows, columns, 0, 0))
        manager.close()

    def test_properties(self) -> None:
        """
        A device has the properties that illumos gives one.
        """
        instance = PtyInstance("z")
        self.addCleanup(instance.close)
        self.assertEqual(
            instance.properties,
            {"zonename": "z", "auto-assign-instance": 1, "ddi-no-autodetach": 1},
        )

    def test_noPtys(self) -> None:
        """
        A pair that can't be had is told, and no descriptor is left.
        """

        def refuse(*arguments: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        before = descriptorsInUse()
        self.patch(fcntl, "ioctl", refuse)
        failure = self.failureResultOf(self.driver.init(), DeviceError)
        self.assertIn("could not create", failure.getErrorMessage())
        self.assertEqual(os.listdir("/proc/self/fd"), before)

    def test_destroy(self) -> None:
        """
        At the end nothing is left: no link, no directory, no descriptor, nothing that
        the reactor has.
        """
        before = descriptorsInUse()
        self.init()
        self.assertEqual(self.successResultOf(self.driver.destroy()), (1, 1))
        self.assertEqual(os.listdir(self.rundir.path), [])
        self.assertEqual(os.listdir("/proc/self/fd"), before)
        self.assertEqual(self.reactor.removeAll(), [])
        self.assertEqual(self.successResultOf(self.driver.destroy()), (0, 0))

    def test_mend(self) -> None:
        """
        The link that somebody has removed, and its directories, is made again, and the
        zone finds its console by it.
        """
        verifyObject(IMendableDriver, self.driver)
        self.assertFalse(self.driver.mend())
        self.init()
        self.assertFalse(self.driver.mend())
        shutil.rmtree(self.rundir.path)
        with capturedLogs() as logs:
            self.assertTrue(self.driver.mend())
        self.assertEqual(
            [formatEvent(event) for event in logs],
            [f"somebody has removed {self.driver.path}: it is made again"],
        )
        self.openZone()
        self.assertFalse(self.driver.mend())

    def test_cantMend(self) -> None:
        """
        Where that can't be done it is told why.
        """
        self.init()
        shutil.rmtree(self.rundir.path)
        with open(self.rundir.path, "w"):
            pass
        error = self.assertRaises(DeviceError, self.driver.mend)
        self.assertEqual(str(error), f"{self.driver.path}: Not a directory")
        os.unlink(self.rundir.path)

    def test_neighbours(self) -> None:
        """
        Another zone's links stay.
        """
        other = self.make("y")
        self.successResultOf(other.init())
        self.init()
        self.successResultOf(self.driver.destroy())
        self.assertEqual(os.listdir(f"{self.rundir.path}/zcons"), ["y"])

    def test_cantBeRemoved(self) -> None:
        """
        Something else in the link's place stays, with a warning, and keeps nothing
        else from being removed.
        """
        self.init()
        os.unlink(self.driver.path)
        os.mkdir(self.driver.path)
        self.assertEqual(self.successResultOf(self.driver.destroy()), (1, 1))
        self.assertTrue(os.path.isdir(self.driver.path))


class OpenTests(PtyTestCase):
    """
    The manager is opened once at a time.
    """

    def test_bothWays(self) -> None:
        """
        What goes in at one end comes out at the other.
        """
        self.init()
        manager = self.driver.open(self.receiver)
        manager.resumeReading()
        zone = self.openZone()
        os.write(zone, b"login: ")
        self.arrives(self.pair.master)
        self.assertEqual(self.receiver.printed, b"login: ")
        manager.writeNow(b"root\n")
        self.arrives(zone)
        self.assertEqual(os.read(zone, 100), b"root\n")

    def test_busy(self) -> None:
        """
        A second opening is refused while the first is open.
        """
        self.init()
        manager = self.driver.open(self.receiver)
        error = self.assertRaises(DeviceError, self.driver.open, self.receiver)
        self.assertEqual(
            str(error), "console manager of zone 'z': Device or resource busy"
        )
        manager.close()
        self.driver.open(self.receiver)

    def test_none(self) -> None:
        """
        Where there is no device there is none to open.
        """
        error = self.assertRaises(DeviceError, self.driver.open, self.receiver)
        self.assertEqual(str(error), "zone 'z' has no console device")
        self.assertRaises(OSError, self.driver.openSubsidiary)

    def test_noDescriptors(self) -> None:
        """
        Without descriptors it can't be opened now.
        """
        self.init()

        def refuse(fd: int) -> int:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        self.patch(os, "dup", refuse)
        error = self.assertRaises(DeviceError, self.driver.open, self.receiver)
        self.assertIn("Too many open files", str(error))

    def test_drain(self) -> None:
        """
        What the zone printed last can be taken, where the manager is open.
        """
        self.assertEqual(self.driver.drain(), 0)
        self.init()
        self.assertEqual(self.driver.drain(), 0)
        manager = self.driver.open(self.receiver)
        os.write(self.openZone(), b"bye")
        self.arrives(self.pair.master)
        self.assertEqual((self.driver.drain(), self.receiver.printed), (3, b"bye"))
        manager.close()
        self.assertEqual(self.driver.drain(), 0)


class PostedStatesTests(SynchronousTestCase):
    """
    The state of a zone that others run is what its events say.
    """

    def test_interface(self) -> None:
        """
        Posted states tell a zone's state.
        """
        verifyClass(IZoneStates, PostedStates)
        verifyClass(IConsoleDriver, PtyDriver)

    def test_states(self) -> None:
        """
        A zone is installed until an event says otherwise.
        """
        states = PostedStates()
        seen = [states.state()]
        for event in (ZoneEvent.BOOTING, ZoneEvent.NULL, ZoneEvent.HALTED):
            states.posted(event)
            seen.append(states.state())
        self.assertEqual(
            seen,
            [
                ZoneState.INSTALLED,
                ZoneState.RUNNING,
                ZoneState.RUNNING,
                ZoneState.INSTALLED,
            ],
        )
