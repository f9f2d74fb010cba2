# -*- test-case-name: zcons_twisted.test.test_illumos_states -*-
"""
What happens to a zone of the system, noticed from outside.

illumos tells of its zones' events to C{zoneadmd} alone, which makes them happen.  So
the zone's state is looked at once in L{LOOK_SECONDS}, and a change of it makes an
event.  What no state tells (boot arguments, a boot that failed, an end that is a
reboot's) comes by the control door, from whoever knows; an event that was posted there
is not told a second time when the state follows it.

A zone that reboots is not in the kernel for a moment.  It counts as C{down}, which is
alive, until it has been gone for L{DOWN_SECONDS}, so that its console does not end
with it.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ...events import ZoneEvent, ZoneState
from ...interfaces import IZoneEvents, IZoneStates
from .zones import NO_ZONE_ID, ZoneLook

__all__ = [
    "DOWN_SECONDS",
    "LOOK_SECONDS",
    "POSTED_SECONDS",
    "WatchedStates",
    "eventBetween",
]

#: Seconds between two looks at a zone.
LOOK_SECONDS = 1.0
#: Seconds for which a zone has to be gone from the kernel before it counts as halted.
DOWN_SECONDS = 5.0
#: Seconds within which a change of state belongs to an event that was posted.
POSTED_SECONDS = 30.0

#: By which posted events a change is told already.
_TOLD_BY = {
    ZoneEvent.READIED: {ZoneEvent.READIED, ZoneEvent.BOOTING, ZoneEvent.REBOOTING},
    ZoneEvent.BOOTING: {ZoneEvent.BOOTING, ZoneEvent.REBOOTING},
    ZoneEvent.REBOOTING: {ZoneEvent.BOOTING, ZoneEvent.REBOOTING},
    ZoneEvent.HALTED: {
        ZoneEvent.HALTED,
        ZoneEvent.BOOT_FAILED,
        ZoneEvent.REBOOTING,
    },
    ZoneEvent.UNINSTALLING: {ZoneEvent.UNINSTALLING},
}

#: A zone that waits for somebody to boot it, or to look into it.
_READY = (ZoneState.READY, ZoneState.MOUNTED)


def eventBetween(before: ZoneLook, after: ZoneLook) -> ZoneEvent | None:
    """
    What must have happened to a zone between two looks at it, if anything.
    """
    if not after.alive:
        if before.alive:
            return ZoneEvent.HALTED
        # It is incomplete while it is uninstalled.
        going = before.state is ZoneState.INSTALLED and after.state is not before.state
        return ZoneEvent.UNINSTALLING if going else None
    waits = after.state in _READY
    if not before.alive:
        return ZoneEvent.READIED if waits else ZoneEvent.BOOTING
    if before.number != after.number and NO_ZONE_ID not in (
        before.number,
        after.number,
    ):
        return ZoneEvent.READIED if waits else ZoneEvent.REBOOTING
    if before.state is ZoneState.READY and after.state is ZoneState.RUNNING:
        return ZoneEvent.BOOTING
    return None


@implementer(IZoneStates)
class WatchedStates:
    """
    The states of one zone, and the events that they make.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        zone: str,
        look: Callable[[str], ZoneLook],
        events: IZoneEvents,
    ) -> None:
        """
        @param clock: measures the time between looks.
        @param look: looks at a zone; may raise L{OSError}.
        @param events: is told what happens.
        """
        self._clock = clock
        self._zone = zone
        self._look = look
        self._events = events
        self._seen: ZoneLook | None = None
        self._goneAt: float | None = None
        self._posted: dict[ZoneEvent, float] = {}
        self._telling = False
        self._failed = ""
        self._again: IDelayedCall | None = None

    def begin(self) -> None:
        """
        Look from now on.  Harmless to say twice.
        """
        if self._again is None:
            self._turn()

    def end(self) -> None:
        """
        Look no more.  Harmless to say twice.
        """
        if self._again is not None:
            self._again.cancel()
            self._again = None
        self._seen = self._goneAt = None

    def state(self) -> ZoneState:
        """
        See L{IZoneStates}.  A zone that has been taken out of the system's
        configuration counts as C{configured}, the least that there is.
        """
        found = self._look(self._zone)
        if not found.alive and self._mayComeBack():
            return ZoneState.DOWN
        return ZoneState.CONFIGURED if found.state is None else found.state

    def posted(self, event: ZoneEvent) -> None:
        """
        See L{IZoneStates}.
        """
        if not self._telling:
            self._posted[event] = self._clock.seconds()

    # Inside.

    def _turn(self) -> None:
        self._again = self._clock.callLater(LOOK_SECONDS, self._turn)
        try:
            found = self._look(self._zone)
        except OSError as e:
            why = e.strerror or str(e)
            if why != self._failed:
                self._failed = why
                self._log.error("{zone}: {error}", zone=self._zone, error=self._failed)
            return
        self._failed = ""
        before, self._seen = self._seen, found
        self._notice(before, found)

    def _notice(self, before: ZoneLook | None, found: ZoneLook) -> None:
        event = None
        if before is not None:
            event = eventBetween(before, found)
            if found.alive:
                self._goneAt = None
            elif before.alive:
                self._goneAt = self._clock.seconds()
        if event is not None and not self._isTold(event):
            self._tell(event)
        if self._goneAt is not None and not self._mayComeBack():
            # It is gone for good: whoever asks for the state hears of that only now.
            self._goneAt = None
            self._tell(ZoneEvent.NULL)

    def _mayComeBack(self) -> bool:
        """
        Has the zone been in the kernel only just now?
        """
        if self._goneAt is None:
            # Perhaps it has gone since the last look.
            return self._seen is not None and self._seen.alive
        return self._clock.seconds() - self._goneAt < DOWN_SECONDS

    def _isTold(self, event: ZoneEvent) -> bool:
        """
        Has a change been told by somebody who knows more of it?
        """
        oldest = self._clock.seconds() - POSTED_SECONDS
        self._posted = {e: at for e, at in self._posted.items() if at >= oldest}
        told = self._posted.keys() & _TOLD_BY[event]
        # Each event is for one change, but a reboot is several.
        self._posted.pop(event, None)
        if event is ZoneEvent.BOOTING:
            self._posted.pop(ZoneEvent.REBOOTING, None)
        return bool(told)

    def _tell(self, event: ZoneEvent) -> None:
        self._telling = True
        try:
            self._events.event(event, "")
        finally:
            self._telling = False
