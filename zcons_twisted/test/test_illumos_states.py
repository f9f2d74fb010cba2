# -*- test-case-name: zcons_twisted.test.test_illumos_states -*-
"""
Tests for L{zcons_twisted.drivers.illumos.states}.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from ..drivers.illumos.states import (
    DOWN_SECONDS,
    LOOK_SECONDS,
    POSTED_SECONDS,
    WatchedStates,
    eventBetween,
)
from ..drivers.illumos.zones import NO_ZONE_ID, ZoneLook
from ..events import ZoneEvent, ZoneState
from ..interfaces import IZoneEvents, IZoneStates

NONE = ZoneLook(None)
INCOMPLETE = ZoneLook(ZoneState.INCOMPLETE)
CONFIGURED = ZoneLook(ZoneState.CONFIGURED)
INSTALLED = ZoneLook(ZoneState.INSTALLED)


def kernel(state: ZoneState, number: int = 1) -> ZoneLook:
    """
    A zone that is in the kernel.
    """
    return ZoneLook(state, number)


READY = kernel(ZoneState.READY)
RUNNING = kernel(ZoneState.RUNNING)
SHUTTING = kernel(ZoneState.SHUTTING_DOWN)
DOWN = kernel(ZoneState.DOWN)
MOUNTED = kernel(ZoneState.MOUNTED)


class EventBetweenTests(SynchronousTestCase):
    """
    Two looks at a zone tell what happened between them.
    """

    def test_table(self) -> None:
        """
        Each change of state that means something has its event.
        """
        again = {state: kernel(state, 2) for state in ZoneState}
        untold = kernel(ZoneState.RUNNING, NO_ZONE_ID)
        for before, after, event in (
            (INSTALLED, READY, ZoneEvent.READIED),
            (INSTALLED, MOUNTED, ZoneEvent.READIED),
            (INSTALLED, RUNNING, ZoneEvent.BOOTING),
            (INSTALLED, SHUTTING, ZoneEvent.BOOTING),
            (INSTALLED, INSTALLED, None),
            (READY, RUNNING, ZoneEvent.BOOTING),
            (READY, READY, None),
            (RUNNING, RUNNING, None),
            (RUNNING, SHUTTING, None),
            (SHUTTING, DOWN, None),
            (RUNNING, INSTALLED, ZoneEvent.HALTED),
            (DOWN, INSTALLED, ZoneEvent.HALTED),
            (MOUNTED, INSTALLED, ZoneEvent.HALTED),
            (READY, NONE, ZoneEvent.HALTED),
            (RUNNING, again[ZoneState.RUNNING], ZoneEvent.REBOOTING),
            (DOWN, again[ZoneState.RUNNING], ZoneEvent.REBOOTING),
            (RUNNING, again[ZoneState.READY], ZoneEvent.READIED),
            (RUNNING, untold, None),
            (untold, RUNNING, None),
            (INSTALLED, INCOMPLETE, ZoneEvent.UNINSTALLING),
            (INSTALLED, CONFIGURED, ZoneEvent.UNINSTALLING),
            (INSTALLED, NONE, ZoneEvent.UNINSTALLING),
            (CONFIGURED, INCOMPLETE, None),
            (INCOMPLETE, INSTALLED, None),
            (INCOMPLETE, CONFIGURED, None),
            (NONE, CONFIGURED, None),
        ):
            self.assertEqual(eventBetween(before, after), event, (before, after))


@implementer(IZoneEvents)
class WatchedStatesTests(SynchronousTestCase):
    """
    A zone is looked at, and what happens to it is told.
    """

    def setUp(self) -> None:
        """
        A zone that runs.
        """
        self.clock = Clock()
        self.now: ZoneLook | Exception = RUNNING
        self.told: list[ZoneEvent] = []
        self.states = WatchedStates(self.clock, "z", self.look, self)

    def look(self, zone: str) -> ZoneLook:
        """
        Look at the zone.
        """
        self.assertEqual(zone, "z")
        if isinstance(self.now, Exception):
            raise self.now
        return self.now

    def lifeEnded(self, unread: int) -> None:
        """
        Nothing that was typed is known of.
        """
        raise AssertionError(unread)

    def event(self, event: ZoneEvent, arguments: str) -> None:
        """
        As a console, which tells of it and looks at the state.
        """
        self.assertEqual(arguments, "")
        self.told.append(event)
        self.states.posted(event)
        self.states.state()

    def becomes(self, *looks: ZoneLook | Exception) -> list[ZoneEvent]:
        """
        The zone changes, each time for one look.

        @return: what was told.
        """
        self.told = []
        for look in looks:
            self.now = look
            self.clock.advance(LOOK_SECONDS)
        return self.told

    def test_interface(self) -> None:
        """
        It knows a zone's state.
        """
        verifyObject(IZoneStates, self.states)

    def test_notBegun(self) -> None:
        """
        Nothing is watched before it is begun, nor when it has ended, which may be said
        twice.
        """
        self.assertEqual(self.clock.getDelayedCalls(), [])
        for _ in range(2):
            self.states.begin()
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        for _ in range(2):
            self.states.end()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_first(self) -> None:
        """
        The state that is found first is no event.
        """
        self.states.begin()
        self.assertEqual(self.becomes(RUNNING), [])

    def test_beginAgain(self) -> None:
        """
        What happened while nobody watched is not told.
        """
        self.states.begin()
        self.states.end()
        self.now = INSTALLED
        self.states.begin()
        self.assertEqual(self.becomes(INSTALLED, INSTALLED), [])
        self.assertEqual(self.states.state(), ZoneState.INSTALLED)

    def test_told(self) -> None:
        """
        Each change is told once.
        """
        self.states.begin()
        self.assertEqual(
            self.becomes(SHUTTING, DOWN, INSTALLED, INSTALLED, READY, RUNNING, RUNNING),
            [ZoneEvent.HALTED, ZoneEvent.READIED, ZoneEvent.BOOTING],
        )

    def test_everySecond(self) -> None:
        """
        It is looked at every C{LOOK_SECONDS}.
        """
        self.states.begin()
        self.now = INSTALLED
        self.clock.advance(LOOK_SECONDS - 0.001)
        self.assertEqual(self.told, [])
        self.clock.advance(0.001)
        self.assertEqual(self.told, [ZoneEvent.HALTED])

    def test_downForAWhile(self) -> None:
        """
        A zone that has just gone may come back: it counts as down, which is alive,
        for C{DOWN_SECONDS}, and then whoever asks for the state is told to ask again.
        """
        self.states.begin()
        self.now = INSTALLED
        # Also before it was noticed.
        self.assertEqual(self.states.state(), ZoneState.DOWN)
        self.clock.advance(LOOK_SECONDS)
        self.clock.pump([LOOK_SECONDS] * int(DOWN_SECONDS / LOOK_SECONDS - 1))
        self.assertEqual(self.states.state(), ZoneState.DOWN)
        self.assertEqual(self.told, [ZoneEvent.HALTED])
        self.clock.advance(LOOK_SECONDS)
        self.assertEqual(self.told, [ZoneEvent.HALTED, ZoneEvent.NULL])
        self.assertEqual(self.states.state(), ZoneState.INSTALLED)
        self.assertEqual(self.becomes(INSTALLED, INSTALLED), [])

    def test_back(self) -> None:
        """
        One that comes back within that time was never gone for the shutdown rule.
        """
        self.states.begin()
        again = kernel(ZoneState.RUNNING, 2)
        self.assertEqual(
            self.becomes(INSTALLED, again, *[again] * 9),
            [ZoneEvent.HALTED, ZoneEvent.BOOTING],
        )

    def test_posted(self) -> None:
        """
        A change that an event from outside has told is not told again, but the next
        one of its kind is.
        """
        self.now = INSTALLED
        self.states.begin()
        self.states.posted(ZoneEvent.BOOTING)
        self.assertEqual(self.becomes(READY, RUNNING), [])
        self.assertEqual(self.becomes(INSTALLED), [ZoneEvent.HALTED])
        self.assertEqual(self.becomes(RUNNING), [ZoneEvent.BOOTING])

    def test_postedReboot(self) -> None:
        """
        A reboot is several changes.
        """
        self.states.begin()
        self.states.posted(ZoneEvent.REBOOTING)
        ready, running = (
            kernel(state, 2) for state in (ZoneState.READY, ZoneState.RUNNING)
        )
        self.assertEqual(self.becomes(DOWN, INSTALLED, ready, running), [])
        self.assertEqual(self.becomes(RUNNING), [ZoneEvent.REBOOTING])

    def test_postedFailure(self) -> None:
        """
        A boot that failed is a halt, too.
        """
        self.states.begin()
        self.states.posted(ZoneEvent.BOOT_FAILED)
        self.assertEqual(self.becomes(INSTALLED), [])

    def test_postedLongAgo(self) -> None:
        """
        An event that was posted more than C{POSTED_SECONDS} ago tells of nothing new.
        """
        for extra, events in ((0, []), (1, [ZoneEvent.HALTED])):
            self.now = RUNNING
            self.states.begin()
            self.states.posted(ZoneEvent.HALTED)
            self.clock.pump([LOOK_SECONDS] * int(POSTED_SECONDS - 1 + extra))
            self.assertEqual(self.becomes(INSTALLED), events)
            self.states.end()

    def test_untold(self) -> None:
        """
        Where the state can't be told that is logged once, and the watch goes on.
        """
        self.states.begin()
        self.assertEqual(self.becomes(*[OSError("no")] * 3), [])
        self.assertRaises(OSError, self.states.state)
        self.assertEqual(self.becomes(INSTALLED), [ZoneEvent.HALTED])

    def test_noZone(self) -> None:
        """
        A zone that was taken out of the configuration is no more than configured.
        """
        self.now = NONE
        self.assertEqual(self.states.state(), ZoneState.CONFIGURED)
