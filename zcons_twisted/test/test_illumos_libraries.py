# -*- test-case-name: zcons_twisted.test.test_illumos_libraries -*-
"""
Tests for L{zcons_twisted.drivers.illumos.loader}, L{zcons_twisted.drivers.illumos.tree}
and L{zcons_twisted.drivers.illumos.zones}.
"""

from __future__ import annotations

import ctypes
import errno
from ctypes import c_int

from twisted.trial.unittest import SynchronousTestCase

from ..drivers.illumos.loader import LIBC, Functions, SystemLoader, failure
from ..drivers.illumos.tree import DeviceTree
from ..drivers.illumos.zones import NO_ZONE_ID, ZoneLook, Zones
from ..events import ZoneState
from .illumos_case import ROOT, IllumosTestCase


class LoaderTests(SynchronousTestCase):
    """
    Libraries are the system's, and their functions have types.
    """

    def test_libc(self) -> None:
        """
        The C library is always there, and its errors are told.
        """
        libc = Functions(SystemLoader(), LIBC, {"close": (c_int, (c_int,))})
        self.assertEqual(libc.close(-1), -1)
        error = failure("it can't be closed")
        self.assertEqual(error.errno, errno.EBADF)
        self.assertEqual(error.strerror, "it can't be closed: Bad file descriptor")
        self.assertRaises(ctypes.ArgumentError, libc.close, "0")

    def test_noReason(self) -> None:
        """
        A call that fails without an error number has no reason.
        """
        ctypes.set_errno(0)
        self.assertEqual(
            failure("it failed").strerror, "it failed: no reason was given"
        )

    def test_noLibrary(self) -> None:
        """
        A library that is not there is an error.
        """
        error = self.assertRaises(OSError, SystemLoader().load, "libnone.so.1")
        self.assertIn("libnone.so.1", str(error))

    def test_noFunction(self) -> None:
        """
        So is a function that it has not got; and only those that were asked for can be
        called.
        """
        error = self.assertRaises(
            OSError, Functions, SystemLoader(), LIBC, {"no_such": (c_int, ())}
        )
        self.assertEqual(str(error), "libc has no no_such")
        self.assertRaises(
            AttributeError, getattr, Functions(SystemLoader(), LIBC, {}), "close"
        )


class TreeTests(IllumosTestCase):
    """
    The device tree can be walked, and errors find their way out of a walk.
    """

    def setUp(self) -> None:
        """
        A tree with two consoles.
        """
        super().setUp()
        self.tree = DeviceTree(self.illumos)
        self.illumos.nodes = {0: "a", 4: "b"}

    def test_walk(self) -> None:
        """
        Each node is visited, the nexus first, which is nobody's console.
        """
        zones: list[str | None] = []
        self.tree.walk(lambda node: zones.append(self.tree.zoneOf(node)))
        self.assertEqual(zones, [None, "a", "b"])
        self.assertEqual(
            self.illumos.calls, ["di_init /pseudo/zconsnex@1 0xdf07", "di_fini"]
        )

    def test_errorInWalk(self) -> None:
        """
        What goes wrong at a node ends the walk, gives the tree back and is raised.
        """
        seen: list[int] = []

        def visit(node: int) -> None:
            seen.append(node)
            raise OSError(errno.EIO, "gone")

        error = self.assertRaises(OSError, self.tree.walk, visit)
        self.assertEqual((error.strerror, seen), ("gone", [ROOT]))
        self.assertEqual(self.illumos.calls[-1], "di_fini")

    def test_noPath(self) -> None:
        """
        A node without a path can't be found as a file.
        """
        self.illumos.failures["di_devfs_path"] = [errno.ENOMEM]
        error = self.assertRaises(OSError, self.tree.fileOf, 2000)
        self.assertEqual(error.strerror, "di_devfs_path failed: Cannot allocate memory")

    def test_freeTwice(self) -> None:
        """
        Handles are given back once.
        """
        creation = self.tree.creation()
        creation.create("z")
        creation.free()
        given = list(self.illumos.calls)
        self.assertEqual(given, ["free definition", "release 1", "release 3"])
        creation.free()
        self.assertEqual(self.illumos.calls, given)


class ZonesTests(IllumosTestCase):
    """
    The system's word on a zone.
    """

    def setUp(self) -> None:
        """
        Its zones.
        """
        super().setUp()
        self.zones = Zones(self.illumos)

    def test_states(self) -> None:
        """
        The states have the system's numbers, and a zone in the kernel has an ID.
        """
        for state in ZoneState:
            self.illumos.state = state.value
            number = 7 if state >= ZoneState.READY else NO_ZONE_ID
            self.assertEqual(self.zones.look("z"), ZoneLook(state, number))
            self.assertIs(self.zones.look("z").alive, number == 7)

    def test_noZone(self) -> None:
        """
        A zone that is not configured has no state, and is not alive.
        """
        self.illumos.state = None
        self.assertEqual(self.zones.look("z"), ZoneLook(None))
        self.assertFalse(self.zones.look("z").alive)

    def test_untold(self) -> None:
        """
        Any other error, and a state that nobody knows, is an error.
        """
        self.illumos.failures["zone_get_state"] = [errno.EIO]
        error = self.assertRaises(OSError, self.zones.look, "z")
        self.assertEqual(str(error), "unable to determine state of zone: error 1")
        self.illumos.state = 8
        error = self.assertRaises(OSError, self.zones.look, "z")
        self.assertEqual(
            str(error), "unable to determine state of zone: there is no state 8"
        )
