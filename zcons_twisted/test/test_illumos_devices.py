# -*- test-case-name: zcons_twisted.test.test_illumos_devices -*-
"""
Tests for L{zcons_twisted.drivers.illumos.devices}.

That the calls are those of the system's own C{zoneadmd}, one by one, is tested in
C{tests/test_illumos_calls.py}.
"""

from __future__ import annotations

import errno
import fcntl
import os

from twisted.trial.unittest import SynchronousTestCase

from ..drivers.illumos.devices import ConsoleDevices, SystemFileCalls
from ..drivers.illumos.tree import DeviceTree
from .illumos_case import IllumosTestCase

HOLD = "ioctl globalconsole 0x5a6f6e00 zoneconsole"
RELEASE = "ioctl globalconsole 0x5a6f6e01 zoneconsole"
OPENED = ["open globalconsole waiting", "open zoneconsole waiting"]
CLOSED = ["close zoneconsole", "close globalconsole"]
SERVED = ["open globalconsole", "ioctl globalconsole 0x5306 8"]


class DevicesTests(IllumosTestCase):
    """
    The devices of one zone.
    """

    def setUp(self) -> None:
        """
        A zone with one device.
        """
        super().setUp()
        self.devices = ConsoleDevices("z", DeviceTree(self.illumos), self.illumos)
        self.illumos.nodes = {0: "other", 1: "z"}
        self.illumos.linked = True

    def test_count(self) -> None:
        """
        Those of other zones don't count.
        """
        self.assertEqual(self.devices.count(), 1)
        self.illumos.nodes = {0: "other", 2: "zz"}
        self.assertEqual(self.devices.count(), 0)

    def test_path(self) -> None:
        """
        The zone's end is found where the system has it.
        """
        self.assertEqual(self.devices.path, "/dev/zcons/z/zoneconsole")

    def test_hold(self) -> None:
        """
        Both ends are open while the subsidiary is held, and then closed.
        """
        self.devices.hold()
        self.assertEqual(self.illumos.calls, [*OPENED, HOLD, *CLOSED])
        self.assertEqual(self.illumos.opened, {})

    def test_holdLater(self) -> None:
        """
        While the device comes up both ends stay open for the next try; settling closes
        them.
        """
        self.illumos.failures["ioctl 0x5a6f6e00"] = [errno.ENXIO, errno.ENXIO]
        for _ in range(2):
            error = self.assertRaises(OSError, self.devices.hold)
            self.assertEqual(error.errno, errno.ENXIO)
        self.assertEqual(self.illumos.calls, [*OPENED, HOLD, HOLD])
        self.devices.settle()
        self.assertEqual(self.illumos.calls[-2:], CLOSED)

    def test_noFilesYet(self) -> None:
        """
        Files that are not there yet are a device that comes up, too.
        """
        self.illumos.linked = False
        error = self.assertRaises(OSError, self.devices.hold)
        self.assertEqual(error.errno, errno.ENXIO)
        self.assertEqual(error.strerror, "No such file or directory")
        self.illumos.linked = True
        self.devices.hold()
        self.assertEqual(self.illumos.calls, [*OPENED, HOLD, *CLOSED])

    def test_holdFails(self) -> None:
        """
        Nothing stays open after any other error.
        """
        self.illumos.failures["ioctl 0x5a6f6e00"] = [errno.EINVAL]
        error = self.assertRaises(OSError, self.devices.hold)
        self.assertEqual(error.errno, errno.EINVAL)
        self.assertEqual(self.illumos.opened, {})

    def test_subsidiaryBusy(self) -> None:
        """
        Only of the manager does it matter that somebody else has it.
        """
        self.illumos.failures["open subsidiary"] = [errno.EBUSY]
        error = self.assertRaises(OSError, self.devices.hold)
        self.assertEqual(error.errno, errno.EBUSY)
        self.assertEqual(self.illumos.opened, {})
        self.assertFalse(self.devices.holdOwed)

    def test_holdOwed(self) -> None:
        """
        What can't be held because somebody else has the manager is held once that is
        ours.
        """
        self.illumos.failures["open manager"] = [errno.EBUSY]
        self.devices.hold()
        self.assertTrue(self.devices.holdOwed)
        fd = self.devices.openToServe()
        self.assertEqual(
            self.illumos.calls,
            [*SERVED, "open zoneconsole waiting", HOLD, "close zoneconsole"],
        )
        self.assertEqual(self.illumos.opened, {fd: "globalconsole"})
        self.assertFalse(self.devices.holdOwed)

    def test_holdOwedFails(self) -> None:
        """
        Where that fails the manager is not served, and it stays owed.
        """
        self.illumos.failures["open manager"] = [errno.EBUSY]
        self.devices.hold()
        self.illumos.failures["ioctl 0x5a6f6e00"] = [errno.ENXIO]
        error = self.assertRaises(OSError, self.devices.openToServe)
        self.assertEqual(
            error.strerror,
            "error while acquiring subsidiary handle: No such device or address",
        )
        self.assertEqual(self.illumos.opened, {})
        self.assertTrue(self.devices.holdOwed)

    def test_openToServe(self) -> None:
        """
        The manager that is served does not wait, and gives bytes alone.
        """
        self.devices.openToServe()
        self.assertEqual(self.illumos.calls, SERVED)

    def test_optionsFail(self) -> None:
        """
        One that can't be set to do so is not served.
        """
        self.illumos.failures["ioctl 0x5306"] = [errno.EINVAL]
        error = self.assertRaises(OSError, self.devices.openToServe)
        self.assertEqual(
            error.strerror,
            "failed to set options on console manager: Invalid argument",
        )
        self.assertEqual(self.illumos.opened, {})

    def test_oldName(self) -> None:
        """
        The manager may have its old name.
        """
        self.illumos.manager = "masterconsole"
        self.devices.openToServe()
        self.assertEqual(self.illumos.calls[0], "open masterconsole")

    def test_release(self) -> None:
        """
        Both ends are open while the subsidiary is released.
        """
        self.devices.release()
        self.assertEqual(self.illumos.calls, [*OPENED, RELEASE, *CLOSED])

    def test_releaseFails(self) -> None:
        """
        Both are closed whatever happens.
        """
        self.illumos.failures["ioctl 0x5a6f6e01"] = [errno.EINVAL]
        self.assertRaises(OSError, self.devices.release)
        self.assertEqual(self.illumos.opened, {})

    def test_remove(self) -> None:
        """
        The zone's own nodes are removed, and the others are let be.
        """
        self.illumos.nodes[5] = "z"
        self.assertEqual(self.devices.remove(), (2, 2))
        self.assertEqual(self.illumos.nodes, {0: "other"})

    def test_removeFails(self) -> None:
        """
        One that can't be removed counts as found.
        """
        self.illumos.failures["devctl_device_remove"] = [errno.EBUSY]
        self.assertEqual(self.devices.remove(), (0, 1))
        self.assertEqual(self.illumos.calls[-2:], ["release 2001", "di_fini"])

    def test_create(self) -> None:
        """
        The handles of a making are given back when all is settled.
        """
        self.illumos.nodes = {}
        self.devices.create()
        self.assertEqual(self.illumos.nodes, {0: "z"})
        self.assertEqual(self.illumos.calls, [])
        for _ in range(2):
            self.devices.settle()
        self.assertEqual(
            self.illumos.calls, ["free definition", "release 1", "release 3"]
        )


class SystemFileCallsTests(SynchronousTestCase):
    """
    The system calls are the system's own.
    """

    def test_calls(self) -> None:
        """
        A file can be opened, asked and closed; it is not inherited by programs.
        """
        calls = SystemFileCalls()
        fd = calls.open(os.devnull, os.O_RDWR | os.O_NOCTTY)
        self.assertFalse(os.get_inheritable(fd))
        self.assertEqual(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE, os.O_RDWR)
        self.assertRaises(OSError, calls.ioctl, fd, 0x5306, 8)
        calls.close(fd)
        self.assertRaises(OSError, os.fstat, fd)
