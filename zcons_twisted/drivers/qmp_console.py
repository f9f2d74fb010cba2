# -*- test-case-name: zcons_twisted.test.test_qmp_console -*-
"""
Whether a virtual machine's console is connected, and what has to be told of that: what
a machine prints while it is not is lost, for QEMU keeps nothing.

A console that is lost is told when QEMU has had time to tell that it is the machine's
end.  What runs before its console is connected is told when that is.
"""

from __future__ import annotations

from typing import Protocol

from ..events import ZoneEvent
from ..interfaces import IZoneEvents
from ..notices import UNKNOWN_TEXT

__all__ = ["MachineConsole", "MachineLine"]


class MachineLine(Protocol):
    """
    What connects to a machine's console.
    """

    def drain(self) -> object:
        """
        Take what the machine has printed so far.
        """

    def openNow(self) -> None:
        """
        The console is there by now: connect to it without waiting any longer.
        """

    def whyNot(self) -> str:
        """
        Why it is not connected, in a few words.
        """


class MachineConsole:
    """
    One machine's console.

    @ivar isOpen: it is connected.
    """

    def __init__(self, events: IZoneEvents) -> None:
        """
        @param events: is told.
        """
        self.isOpen = False
        self._events = events
        self._told = False
        self._resumed = False
        # The machine runs, or did, with nobody to hear of what it prints.
        self._unheard = False
        # Why it was lost, as long as that is not told.
        self._lost: str | None = None

    def opened(self, resumed: bool, sure: bool) -> None:
        """
        It is connected.

        @param resumed: by an earlier server already.
        @param sure: the machine is known to be the one that it was lost by, if it was.
        """
        self.isOpen = True
        self._resumed = resumed
        if self._told:
            self._events.event(ZoneEvent.CONNECTED, "")
        elif self._lost is not None:
            if sure:
                self.tellLoss()
            return
        elif self._unheard:
            self._events.event(ZoneEvent.CONNECTED, UNKNOWN_TEXT)
        self._told = self._unheard = False

    def lost(self, reason: str) -> None:
        """
        It is not connected any more, and the machine has not ended before.
        """
        self.isOpen = False
        self._lost = reason

    def ended(self) -> None:
        """
        It is not connected any more, as the machine is not any more.
        """
        self.isOpen = False

    def tellLoss(self) -> None:
        """
        The machine runs on: tell that it was lost, and that it is there again where it
        is.
        """
        lost, self._lost = self._lost, None
        if lost is not None:
            self._events.event(ZoneEvent.DISCONNECTED, lost)
            if self.isOpen:
                self._events.event(ZoneEvent.CONNECTED, "")
            else:
                self._told = True

    def closed(self, reason: str) -> None:
        """
        We have closed it, and the machine runs on.
        """
        if self.isOpen:
            self.lost(reason)
        self.tellLoss()

    def machineBegan(self) -> None:
        """
        The machine was seen to begin to run.
        """
        self._unheard = not self.isOpen

    def machineFound(self) -> None:
        """
        The machine was found running.
        """
        if not self.isOpen:
            self._unheard = True
        elif not self._resumed:
            self._events.event(ZoneEvent.CONNECTED, UNKNOWN_TEXT)

    def machineEnded(self) -> None:
        """
        The machine is no more, and nothing that it printed is missed any more.
        """
        self._unheard = False
        self._lost = None
