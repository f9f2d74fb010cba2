# -*- test-case-name: zcons_twisted.test.test_illumos_driver -*-
"""
Tests for L{zcons_twisted.drivers.illumos.driver}.
"""

from __future__ import annotations

import errno
import os

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from ..drivers.illumos.driver import ZconsDriver, makeDriver
from ..drivers.illumos.manager import StreamsManager
from ..drivers.illumos.states import LOOK_SECONDS
from ..drivers.instances import HOLD_SECONDS
from ..errors import BadOption, DeviceError
from ..events import ZoneEvent, ZoneState
from ..interfaces import DriverOptions, IConsoleDriver
from ..rundir import RunDirectory
from ..testing import FakeReactor, MemoryEvents, MemoryReceiver
from .illumos_case import IllumosTestCase


class DriverTests(IllumosTestCase):
    """
    A zone of the system has one console device, as long as it is there.
    """

    def setUp(self) -> None:
        """
        A driver of a zone that is installed.
        """
        super().setUp()
        self.reactor = FakeReactor()
        self.events = MemoryEvents()
        self.driver = self.make()

    def make(self) -> ZconsDriver:
        """
        A driver of the zone.
        """
        return ZconsDriver(self.reactor, "z", self.events, self.illumos, self.illumos)

    def init(self) -> None:
        """
        Have the device.
        """
        self.successResultOf(self.driver.init())

    def destroy(self) -> tuple[int, int]:
        """
        Have it no more.
        """
        done: Deferred[tuple[int, int]] = self.driver.destroy()
        removed: tuple[int, int] = self.successResultOf(done)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.illumos.opened, {})
        return removed

    def test_interface(self) -> None:
        """
        It is a driver, of a zone that others run.
        """
        verifyObject(IConsoleDriver, self.driver)
        self.assertEqual(self.driver.kind, "zcons")
        self.assertEqual(self.driver.path, "/dev/zcons/z/zoneconsole")
        self.assertIsNone(self.driver.life)
        self.assertEqual(self.illumos.calls, [])

    def test_life(self) -> None:
        """
        The device is made, and removed when it is over and the zone is down.
        """
        self.init()
        self.assertEqual(self.successResultOf(self.driver.count()), 1)
        self.assertEqual(self.destroy(), (1, 1))
        self.assertEqual(self.successResultOf(self.driver.count()), 0)

    def test_zoneKeepsIt(self) -> None:
        """
        A zone that is in the kernel keeps its device.
        """
        self.init()
        self.illumos.state = ZoneState.READY
        self.assertEqual(self.destroy(), (0, 0))
        self.assertEqual(self.illumos.nodes, {0: "z"})

    def test_nobodyKnows(self) -> None:
        """
        So does one of which nobody can tell.
        """
        self.init()
        self.illumos.failures["zone_get_state"] = [errno.EIO]
        self.assertEqual(self.destroy(), (0, 0))
        self.assertEqual(self.illumos.nodes, {0: "z"})

    def test_gone(self) -> None:
        """
        One that is gone for good does not.
        """
        self.init()
        self.illumos.state = None
        self.assertEqual(self.destroy(), (1, 1))

    def test_initFails(self) -> None:
        """
        What can't be had is told in one line, and nothing is watched or left open.
        """
        self.illumos.failures["devctl_bus_dev_create"] = [errno.EPERM]
        failure = self.failureResultOf(self.driver.init(), DeviceError)
        self.assertEqual(
            failure.getErrorMessage(),
            "console setup: could not create the console device of zone 'z': failed to"
            " create console node: Operation not permitted",
        )
        self.assertEqual(self.illumos.calls[-2:], ["free definition", "release 1"])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_destroyWhileComingUp(self) -> None:
        """
        A device can be given up while it comes up; nobody watches its zone then.
        """
        self.illumos.failures["ioctl 0x5a6f6e00"] = [errno.ENXIO]
        coming = self.driver.init()
        self.assertNoResult(coming)
        self.assertEqual(len(self.illumos.opened), 2)
        self.assertEqual(self.successResultOf(self.driver.destroy()), (1, 1))
        self.illumos.linked = False
        self.reactor.pump([HOLD_SECONDS] * 4)
        self.failureResultOf(coming, DeviceError)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.illumos.opened, {})

    def test_comesUpTooLate(self) -> None:
        """
        Nor where the device does come up, for the zone has kept it.
        """
        self.illumos.state = ZoneState.RUNNING
        self.illumos.failures["ioctl 0x5a6f6e00"] = [errno.ENXIO]
        coming = self.driver.init()
        self.assertEqual(self.successResultOf(self.driver.destroy()), (0, 0))
        self.reactor.pump([HOLD_SECONDS])
        self.successResultOf(coming)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.illumos.opened, {})

    def test_hold(self) -> None:
        """
        The subsidiary can be held and released by itself.
        """
        self.init()
        self.illumos.calls.clear()
        self.driver.hold()
        self.driver.release()
        self.assertEqual(
            [call for call in self.illumos.calls if call.startswith("ioctl")],
            [
                "ioctl globalconsole 0x5a6f6e00 zoneconsole",
                "ioctl globalconsole 0x5a6f6e01 zoneconsole",
            ],
        )
        self.illumos.failures["ioctl 0x5a6f6e00"] = [errno.ENXIO]
        self.assertRaises(OSError, self.driver.hold)
        self.assertEqual(self.illumos.opened, {})

    def test_open(self) -> None:
        """
        The manager is opened for whoever serves it.
        """
        self.init()
        master, zone = os.pipe()
        self.addCleanup(os.close, zone)
        self.patch(self.illumos, "open", lambda path, flags: master)
        self.patch(self.illumos, "ioctl", lambda fd, request, argument: 0)
        device = self.driver.open(MemoryReceiver())
        assert isinstance(device, StreamsManager)
        self.assertEqual(device.fileno(), master)
        device.close()

    def test_cantBeOpened(self) -> None:
        """
        Why it can't be opened is told in one line.
        """
        self.init()
        for what, why in (
            ("open manager", "Device or resource busy"),
            (
                "ioctl 0x5306",
                "failed to set options on console manager: Device or resource busy",
            ),
        ):
            self.illumos.failures[what] = [errno.EBUSY]
            error = self.assertRaises(DeviceError, self.driver.open, MemoryReceiver())
            self.assertEqual(str(error), f"console manager of zone 'z': {why}")
        self.assertEqual(self.illumos.opened, {})

    def test_events(self) -> None:
        """
        What happens to the zone is told from the start on.
        """
        self.illumos.state = ZoneState.INSTALLED
        self.init()
        self.illumos.state = ZoneState.RUNNING
        self.reactor.advance(LOOK_SECONDS)
        self.assertEqual(self.events.events, [(ZoneEvent.BOOTING, "")])
        self.assertEqual(self.driver.states.state(), ZoneState.RUNNING)
        self.destroy()


class MakeTests(IllumosTestCase):
    """
    A driver is made where it can be of use.
    """

    def refused(self) -> str:
        """
        @return: why no driver is made.
        """
        error = self.assertRaises(
            BadOption,
            ZconsDriver,
            FakeReactor(),
            "z",
            MemoryEvents(),
            self.illumos,
            self.illumos,
        )
        return str(error)

    def test_unknownZone(self) -> None:
        """
        A zone that the system does not know is refused.
        """
        self.illumos.state = None
        self.assertEqual(
            self.refused(),
            "zone 'z' unknown: 'zoneadm list -c' tells those that there are",
        )

    def test_untoldZone(self) -> None:
        """
        One of which it can't tell is not.
        """
        self.illumos.failures["zone_get_state"] = [errno.EIO]
        ZconsDriver(FakeReactor(), "z", MemoryEvents(), self.illumos, self.illumos)

    def test_missing(self) -> None:
        """
        Libraries that have not got all are of no use.
        """
        self.illumos.missing = {"devctl_ddef_alloc"}
        self.assertEqual(
            self.refused(),
            "zone 'z': the zcons driver is for illumos alone: libdevice.so.1 has no"
            " devctl_ddef_alloc",
        )

    def test_otherSystem(self) -> None:
        """
        On another system there are none.
        """
        error = self.assertRaises(
            BadOption,
            makeDriver,
            FakeReactor(),
            "z",
            RunDirectory("/nonexistent"),
            DriverOptions(),
            MemoryEvents(),
        )
        self.assertIn("the zcons driver is for illumos alone: ", str(error))
