# -*- test-case-name: zcons_twisted.test.test_endpoint -*-
"""
A zone of which nothing is known but its console's connection.

It is taken to run while there is one.  That a connection is lost is told as what it is:
it may be the network's fault, or a plug's, so that no boot and no halt is made of it.
"""

from __future__ import annotations

from zope.interface import implementer

from ..events import ZoneEvent, ZoneState, stateAfter
from ..interfaces import IZoneConnection, IZoneEvents, IZoneStates
from ..notices import UNKNOWN_TEXT

__all__ = ["LineZone"]


@implementer(IZoneConnection, IZoneStates)
class LineZone:
    """
    One such zone.

    @ivar past: there is output of an earlier server, after which more may have been
        printed.
    """

    def __init__(self, events: IZoneEvents) -> None:
        """
        @param events: is told of what happens.
        """
        self._events = events
        self._state = ZoneState.INSTALLED
        self._connected = False
        self._missed = False
        self.past = False

    def connected(self) -> bool:
        """
        See L{IZoneConnection}.
        """
        return self._connected

    def state(self) -> ZoneState:
        """
        See L{IZoneStates}.
        """
        return self._state

    def posted(self, event: ZoneEvent) -> None:
        """
        See L{IZoneStates}.  Somebody may know better.
        """
        self._state = stateAfter(event, self._state)

    def consoleOpened(self, peer: object, resumed: bool = False) -> None:
        """
        The console is connected.

        @param resumed: by an earlier server already: nothing is missing.
        """
        self._connected = True
        self._state = ZoneState.RUNNING
        if self.past and not resumed:
            self._events.event(ZoneEvent.CONNECTED, UNKNOWN_TEXT)
        elif self._missed:
            self._events.event(ZoneEvent.CONNECTED, "")
        self._missed = self.past = False

    def consoleFailed(self) -> None:
        """
        The console can't be connected to now.
        """
        self._missed = True

    def consoleLost(self, reason: str) -> None:
        """
        The console's connection is over.
        """
        self._connected = False
        self._missed = True
        self._state = ZoneState.INSTALLED
        self._events.event(ZoneEvent.DISCONNECTED, reason)

    def consoleClosed(self, reason: str) -> None:
        """
        We have closed the console's connection.
        """
        self.consoleLost(reason)
