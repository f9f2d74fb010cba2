# -*- test-case-name: zcons_twisted.test.test_pty -*-
"""
The state of a zone that others run, by what they tell of it.
"""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import implementer

from ..events import ZoneEvent, ZoneState, stateAfter
from ..interfaces import IZoneStates

__all__ = ["PostedStates"]


@implementer(IZoneStates)
class PostedStates:
    """
    The state of a zone of which nothing but its events is known.
    """

    def __init__(
        self,
        state: ZoneState = ZoneState.INSTALLED,
        changed: Callable[[str], None] | None = None,
    ) -> None:
        """
        @param state: what it is until an event says otherwise.
        @param changed: is told each new state's label.
        """
        self._state = state
        self._changed = changed

    def found(self, label: str) -> None:
        """
        An earlier server left it in this state.
        """
        for state in ZoneState:
            if state.label == label:
                self._state = state

    def state(self) -> ZoneState:
        """
        As the last event left it.
        """
        return self._state

    def posted(self, event: ZoneEvent) -> None:
        """
        An event may change it.
        """
        before, self._state = self._state, stateAfter(event, self._state)
        if self._changed is not None and self._state is not before:
            self._changed(self._state.label)
