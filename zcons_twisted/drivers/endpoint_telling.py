# -*- test-case-name: zcons_twisted.test.test_endpoint -*-
"""
Who hears of a console's connection: the console itself, and what is known of its zone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from zope.interface import implementer

from ..events import ZoneEvent, ZoneState
from ..interfaces import IDeviceReceiver

__all__ = ["ConsoleZone", "Telling"]


class ConsoleZone(Protocol):
    """
    The zone that a console belongs to, as far as its connection concerns it.
    """

    def consoleOpened(self, peer: object, resumed: bool = False) -> None:
        """
        The console is connected.

        @param resumed: by an earlier server already: nothing is missing.
        """

    def consoleFailed(self) -> None:
        """
        The console can't be connected to now.
        """

    def consoleLost(self, reason: str) -> None:
        """
        The console's connection is over.
        """

    def consoleClosed(self, reason: str) -> None:
        """
        We have closed it.
        """

    def state(self) -> ZoneState:
        """
        See L{IZoneStates}.
        """

    def posted(self, event: ZoneEvent) -> None:
        """
        See L{IZoneStates}.
        """


@implementer(IDeviceReceiver)
class Telling:
    """
    A receiver, and somebody who hears of it when the device is lost.
    """

    def __init__(self, receiver: IDeviceReceiver, lost: Callable[[str], None]) -> None:
        """
        @param receiver: the console.
        @param lost: is told why.
        """
        self.readFrom = receiver.readFrom
        self.advanced = receiver.advanced
        self.output = receiver.output
        self.batchMax = receiver.batchMax
        self.urgent = receiver.urgent
        self.stillUrgent = receiver.stillUrgent
        self.interactive = receiver.interactive
        self.writable = receiver.writable
        self.available = receiver.available
        self._receiver = receiver
        self._lost = lost

    def lost(self, reason: str) -> None:
        """
        See L{IDeviceReceiver}.  The console hears of it first: what it looks at then
        is the zone's state as it was.
        """
        self._receiver.lost(reason)
        self._lost(reason)
