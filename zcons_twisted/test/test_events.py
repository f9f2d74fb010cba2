# -*- test-case-name: zcons_twisted.test.test_events -*-
"""
Tests for L{zcons_twisted.events}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from ..errors import BadBootArguments
from ..events import (
    BOOT_ARGUMENTS_MAX,
    EVENT_NAMES,
    TOLD_NAMES,
    ZoneEvent,
    ZoneState,
    checkBootArguments,
    stateAfter,
)


class ZoneEventTests(SynchronousTestCase):
    """
    Events have illumos' numbers.
    """

    def test_numbers(self) -> None:
        """
        The events are numbered 0 to 7 in the order of C{zone_evt_t}; those that illumos
        has not are far from these.
        """
        self.assertEqual(
            [(event.value, event.name) for event in ZoneEvent],
            [
                (0, "NULL"),
                (1, "BOOTING"),
                (2, "REBOOTING"),
                (3, "HALTED"),
                (4, "READIED"),
                (5, "UNINSTALLING"),
                (6, "BOOT_FAILED"),
                (7, "BAD_ARGS"),
                (64, "DISCONNECTED"),
                (65, "CONNECTED"),
            ],
        )

    def test_names(self) -> None:
        """
        Every event but the null one is told of by its name in lower case with hyphens,
        and can be posted from outside, but for those of the console's own connection.
        """
        ours = {"disconnected", "connected"}
        self.assertEqual(
            EVENT_NAMES,
            {name: TOLD_NAMES[name] for name in TOLD_NAMES if name not in ours},
        )
        self.assertEqual(
            TOLD_NAMES,
            {
                event.name.lower().replace("_", "-"): event
                for event in ZoneEvent
                if event is not ZoneEvent.NULL
            },
        )


class ZoneStateTests(SynchronousTestCase):
    """
    States have illumos' numbers and names.
    """

    def test_numbersAndLabels(self) -> None:
        """
        The states are numbered 0 to 7 and called as illumos' tools call them.
        """
        self.assertEqual(
            [(state.value, state.label) for state in ZoneState],
            [
                (0, "configured"),
                (1, "incomplete"),
                (2, "installed"),
                (3, "ready"),
                (4, "running"),
                (5, "shutting_down"),
                (6, "down"),
                (7, "mounted"),
            ],
        )

    def test_alive(self) -> None:
        """
        There is a zone from C{ready} on; a mounted one counts as alive.
        """
        self.assertEqual(
            [state.value for state in ZoneState if state.alive], [3, 4, 5, 6, 7]
        )


class StateAfterTests(SynchronousTestCase):
    """
    Where events are all that is known of a zone, they make its state.
    """

    def after(self, event: ZoneEvent, expected: ZoneState) -> None:
        """
        An event leads to the same state whatever was before.
        """
        for before in ZoneState:
            self.assertIs(stateAfter(event, before), expected)

    def test_booting(self) -> None:
        """
        A zone that boots is running.
        """
        self.after(ZoneEvent.BOOTING, ZoneState.RUNNING)

    def test_rebooting(self) -> None:
        """
        A zone that reboots is running.
        """
        self.after(ZoneEvent.REBOOTING, ZoneState.RUNNING)

    def test_halted(self) -> None:
        """
        A zone that has halted is installed.
        """
        self.after(ZoneEvent.HALTED, ZoneState.INSTALLED)

    def test_readied(self) -> None:
        """
        A zone that has been readied is ready.
        """
        self.after(ZoneEvent.READIED, ZoneState.READY)

    def test_uninstalling(self) -> None:
        """
        A zone that is being uninstalled does not run.
        """
        self.after(ZoneEvent.UNINSTALLING, ZoneState.INSTALLED)

    def test_bootFailed(self) -> None:
        """
        A zone that did not boot is installed.
        """
        self.after(ZoneEvent.BOOT_FAILED, ZoneState.INSTALLED)

    def test_changeNothing(self) -> None:
        """
        A warning about boot arguments, and the null event, leave the state.
        """
        for before in ZoneState:
            for event in (ZoneEvent.NULL, ZoneEvent.BAD_ARGS):
                self.assertIs(stateAfter(event, before), before)


class BootArgumentsTests(SynchronousTestCase):
    """
    Boot arguments have illumos' limit.
    """

    def test_longest(self) -> None:
        """
        255 bytes of boot arguments are passed on, and 256 are refused.
        """
        self.assertEqual(BOOT_ARGUMENTS_MAX, 255)
        self.assertEqual(checkBootArguments("x" * 255), "x" * 255)
        error = self.assertRaises(BadBootArguments, checkBootArguments, "x" * 256)
        self.assertEqual(
            str(error),
            "boot arguments of 256 bytes are too long: at most 255 are passed on",
        )

    def test_bytesCount(self) -> None:
        """
        The limit is in UTF-8 bytes, not in characters.
        """
        self.assertEqual(checkBootArguments("ü" * 127), "ü" * 127)
        self.assertRaises(BadBootArguments, checkBootArguments, "ü" * 128)

    def test_bytesThatAreNoText(self) -> None:
        """
        Arguments with bytes that are no UTF-8 count those as one byte each.
        """
        self.assertEqual(checkBootArguments("\udcff" * 255), "\udcff" * 255)
        self.assertRaises(BadBootArguments, checkBootArguments, "\udcff" * 256)

    def test_empty(self) -> None:
        """
        No arguments are allowed.
        """
        self.assertEqual(checkBootArguments(""), "")

    def test_nul(self) -> None:
        """
        Arguments with a NUL in them, which no process could be given, are refused.
        """
        self.assertRaises(BadBootArguments, checkBootArguments, "-s\0")
