# -*- test-case-name: zcons_twisted.test.test_zone_options -*-
"""
Tests for L{zcons_twisted.zone_options}: the table of options, and how options go
together.
"""

from __future__ import annotations

import dataclasses

from twisted.trial.unittest import SynchronousTestCase

from .. import zone_options
from ..console import OnHalt
from ..errors import BadOption
from ..interfaces import DriverOptions
from ..option_values import text
from ..tap import Options
from ..zone_config import ZoneConfig
from ..zone_options import (
    OWN_DRIVERS,
    ZONE_OPTIONS,
    ZoneOption,
    conflicts,
    driverOf,
    zoneConfig,
)

Values = dict[str, object]


class TableTests(SynchronousTestCase):
    """
    The table is whole.
    """

    def test_fields(self) -> None:
        """
        Each field that can be set has one option, and each option sets one.
        """
        fields = [
            field.name
            for holder in (ZoneConfig, DriverOptions)
            for field in dataclasses.fields(holder)
        ]
        settable = sorted(set(fields) - {"name", "options"})
        found = sorted(option.field for option in ZONE_OPTIONS.values())
        self.assertEqual(found, settable)
        self.assertEqual(len(fields), len(set(fields)))

    def test_values(self) -> None:
        """
        What an option has in a configuration can be asked.
        """
        config = ZoneConfig("z", "exec", DriverOptions(("a",), "always"), OnHalt.EXIT)
        found = {name: option.of(config) for name, option in ZONE_OPTIONS.items()}
        self.assertEqual(found["exec"], ("a",))
        self.assertEqual(found["respawn"], "always")
        self.assertEqual(found["on-halt"], OnHalt.EXIT)

    def test_help(self) -> None:
        """
        Each is told on the command line.
        """
        told = str(Options())
        for option in ZONE_OPTIONS.values():
            self.assertIn(f"--{option.name}=", told)
            self.assertIn(option.help.split()[0], told)
            self.assertTrue(option.help.endswith("."), option.help)

    def test_drivers(self) -> None:
        """
        The drivers that options are for, or imply, are known.
        """
        for option in ZONE_OPTIONS.values():
            self.assertLessEqual(option.drivers or frozenset(), OWN_DRIVERS)
            if option.implies is not None:
                self.assertIn(option.implies, option.drivers or ())


class DriverTests(SynchronousTestCase):
    """
    Nobody has to name a driver that an option implies.
    """

    def test_driver(self) -> None:
        """
        What a zone says goes before what is said for all, and a name before what is
        implied.
        """
        command: Values = {"exec": ("a",)}
        pty: Values = {"driver": "pty"}
        self.assertEqual(driverOf({}, {}), "pty")
        self.assertEqual(driverOf(command, {}), "exec")
        self.assertEqual(driverOf(command, pty), "exec")
        self.assertEqual(driverOf({}, command), "exec")
        self.assertEqual(driverOf(pty, command), "pty")
        self.assertEqual(driverOf({"driver": "x", **command}, pty), "x")
        self.assertEqual(driverOf({}, {**command, **pty}), "pty")


class EndingTests(SynchronousTestCase):
    """
    A console of illumos ends with its zone, unless told otherwise; the others stay.
    """

    def test_onHalt(self) -> None:
        """
        What is said goes before what the driver does by itself.
        """
        zcons: Values = {"driver": "zcons"}
        stay: Values = {"on-halt": OnHalt.STAY}
        self.assertIs(zoneConfig("z", zcons, {}).onHalt, OnHalt.EXIT)
        self.assertIs(zoneConfig("z", {**zcons, **stay}, {}).onHalt, OnHalt.STAY)
        self.assertIs(zoneConfig("z", zcons, stay).onHalt, OnHalt.STAY)
        self.assertIs(zoneConfig("z", {"driver": "pty"}, {}).onHalt, OnHalt.STAY)

    def test_conflicts(self) -> None:
        """
        It runs no command.
        """
        error = self.assertRaises(
            BadOption, zoneConfig, "z", {"driver": "zcons", "exec": ("a",)}, {}
        )
        self.assertEqual(str(error), "zone 'z': exec is of no use to the zcons driver")


class ConflictTests(SynchronousTestCase):
    """
    Options that don't go together are told.
    """

    def told(self, own: Values, defaults: Values | None = None) -> list[str]:
        """
        What is told, in the words of a command line.
        """
        found = conflicts(own, defaults or {}, "--{}".format)
        return [f"{name} {why}" for name, why in found]

    def another(self) -> None:
        """
        Have another option that implies a driver.
        """
        other = ZoneOption(
            *("oci", "BUNDLE", "Run a bundle.", text("a bundle"), "command"),
            drivers=frozenset({"oci"}),
            implies="oci",
        )
        self.patch(zone_options, "ZONE_OPTIONS", {**ZONE_OPTIONS, "oci": other})

    def test_none(self) -> None:
        """
        Options of the driver that is meant go together, and any with a driver that
        somebody else has made.
        """
        full: Values = {"exec": ("a",), "respawn": "never", "on-halt": OnHalt.STAY}
        self.assertEqual(self.told(full), [])
        self.assertEqual(self.told({**full, "driver": "theirs"}), [])

    def test_otherDriver(self) -> None:
        """
        Each option that is of no use is told, with what would make it so.
        """
        self.assertEqual(
            self.told({"respawn": "never", "grace": 1.0, "on-halt": OnHalt.STAY}),
            [
                "respawn is of no use to the pty driver: add --exec COMMAND or"
                " --oci BUNDLE",
                "grace is of no use to the pty driver: add --exec COMMAND or"
                " --oci BUNDLE or --endpoint STRING",
            ],
        )
        self.assertEqual(
            self.told({"exec": ("a",), "driver": "pty"}),
            ["exec is of no use to the pty driver"],
        )

    def test_forAll(self) -> None:
        """
        What is said for all does no harm.
        """
        self.assertEqual(self.told({}, {"respawn": "never"}), [])
        self.assertEqual(self.told({"respawn": "never"}, {"exec": ("a",)}), [])

    def test_otherDriverNamed(self) -> None:
        """
        But what a driver is to do is not passed over where another one is named.
        """
        told = ["exec is of no use to the pty driver"]
        command: Values = {"exec": ("a",), "grace": 1.0}
        self.assertEqual(self.told({"driver": "pty"}, command), told)
        self.assertEqual(self.told({}, {"driver": "pty", **command}), told)
        self.assertEqual(self.told({"exec": ("a",)}, {"driver": "pty"}), [])

    def test_two(self) -> None:
        """
        A zone is one thing only.
        """
        self.another()
        self.assertEqual(
            self.told({"exec": ("a",), "oci": "b", "grace": 1.0}),
            ["oci can't be given together with --exec"],
        )
        self.assertEqual(self.told({"oci": "b"}, {"exec": ("a",)}), [])
        self.assertEqual(
            self.told({}, {"oci": "b", "exec": ("a",)}),
            ["exec can't be given together with --oci"],
        )

    def test_oneInPlaceOfAnother(self) -> None:
        """
        A zone that is one thing has nothing of another that is said for all.
        """
        self.another()
        config = zoneConfig("z", {"exec": ("a",)}, {"oci": "b", "grace": 1.0})
        self.assertEqual(
            config, ZoneConfig("z", "exec", DriverOptions(("a",), "never", 1.0))
        )

    def test_raised(self) -> None:
        """
        A configuration is not made of them.
        """
        error = self.assertRaises(BadOption, zoneConfig, "z", {"grace": 1.0}, {})
        self.assertEqual(
            str(error),
            "zone 'z': grace is of no use to the pty driver: add exec COMMAND or"
            " oci BUNDLE or endpoint STRING",
        )
