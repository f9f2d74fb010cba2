# -*- test-case-name: zcons_twisted.test.test_presence -*-
"""
Whether there is a zone, for a console that has to know: may something be typed, and
has whoever waits for its end still something to wait for?
"""

from __future__ import annotations

from twisted.logger import Logger

from .events import ZoneState
from .interfaces import IZonePresence, IZoneStates

__all__ = ["Presence"]


class Presence:
    """
    One zone's presence.
    """

    _log = Logger()

    def __init__(self, zone: str, states: IZoneStates) -> None:
        """
        @param zone: the zone's name, for the log.
        @param states: tells its state.
        """
        self._zone = zone
        self._states = states
        self._known = (
            IZonePresence(states) if IZonePresence.providedBy(states) else None
        )

    def state(self) -> ZoneState | None:
        """
        The zone's state, or L{None} where it can't be told.
        """
        try:
            return self._states.state()
        except Exception:
            self._log.failure(
                "{zone}: unable to determine state of zone", zone=self._zone
            )
            return None

    def label(self) -> str:
        """
        The same as illumos' tools print it, C{unknown} where it can't be told.
        """
        state = self.state()
        return "unknown" if state is None else state.label

    def present(self) -> bool:
        """
        Could there be somebody who reads what is typed?
        """
        return self._known is None or bool(self._known.present())

    def isOver(self) -> bool:
        """
        Is it known that there is no zone, and that none comes by itself?
        """
        if self.present():
            return False
        state = self.state()
        return state is not None and not state.alive
