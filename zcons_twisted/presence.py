# -*- test-case-name: zcons_twisted.test.test_presence -*-
"""
Whether there is a zone, and a connection to it where it needs one, for a console that
has to know: may something be typed, and has whoever waits for the zone's end still
something to wait for?
"""

from __future__ import annotations

from twisted.logger import Logger

from .events import ZoneState
from .interfaces import IZoneConnection, IZonePresence, IZoneStates
from .notices import DOWN_TEXT, UNCONNECTED_TEXT

__all__ = ["Presence"]


class Presence:
    """
    One zone's presence.

    @ivar remote: its console is at the other end of a connection, and who is there
        next may be another.
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
        self._connection = (
            IZoneConnection(states) if IZoneConnection.providedBy(states) else None
        )
        self.remote = self._connection is not None

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

    def connected(self) -> bool:
        """
        Is there a connection, where one is needed?
        """
        return self._connection is None or bool(self._connection.connected())

    def unheard(self) -> str:
        """
        Why what is typed reaches nobody, in one line; C{""} where there may be somebody
        who reads it.
        """
        if not self.present():
            return DOWN_TEXT
        return "" if self.connected() else UNCONNECTED_TEXT

    def isOver(self) -> bool:
        """
        Is it known that there is no zone, and that none comes by itself?
        """
        if self.present():
            return False
        state = self.state()
        return state is not None and not state.alive
