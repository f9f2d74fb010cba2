# -*- test-case-name: zcons_twisted.test.test_sweep -*-
"""
The end of a zone that is a command: whatever is left of it is told to go, then made to
go, and what it printed last is taken before anybody is told of its end.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from . import process_session

__all__ = [
    "KILL_SECONDS",
    "LOOKS_MAX",
    "LOOK_SECONDS",
    "Session",
    "Sweep",
    "ZoneDevice",
]

#: Seconds between two looks at what is left.
LOOK_SECONDS = 0.02
#: Seconds after SIGKILL before what is left is left alone.
KILL_SECONDS = 5.0
#: Looks at the device for the last output, at most; somebody outside the zone may go
#: on writing.
LOOKS_MAX = 50


class Session(Protocol):
    """
    Looks at and signals the processes of a session.
    """

    def members(self, sid: int) -> list[int]:
        """
        Those that still run.
        """

    def signalMembers(self, sid: int, *numbers: int) -> None:
        """
        Send signals to all of them.
        """


class ZoneDevice(Protocol):
    """
    What a zone's process needs of its console device.
    """

    def openSubsidiary(self) -> int:
        """
        A descriptor of the subsidiary, closed by the caller.

        @raise OSError: it can't be opened.
        """

    def terminalSession(self) -> int:
        """
        The session whose controlling terminal it is, or 0.
        """

    def drain(self) -> int:
        """
        Take what the zone has printed and nobody has read yet; how many bytes was it?
        """


class Sweep:
    """
    Ends one zone's processes, each time that it is to end.

    @ivar leader: the zone's leader while it has not been reaped, else 0.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        zone: str,
        device: ZoneDevice,
        session: Session = process_session,
    ) -> None:
        """
        @param clock: measures the grace period.
        @param device: the zone's console device.
        @param session: looks at and signals processes.
        """
        self.leader = 0
        self._clock = clock
        self._zone = zone
        self._device = device
        self._session = session
        self._own = 0
        self._killAt = 0.0
        self._looks = 0
        self._done: Callable[[], None] | None = None
        self._timer: IDelayedCall | None = None

    def began(self, leader: int) -> None:
        """
        The zone has a leader, and so a session of that number.
        """
        self.leader = self._own = leader

    def reaped(self) -> None:
        """
        The leader has ended.
        """
        self.leader = 0
        if self._done is not None:
            self._look()

    def begin(self, grace: float, done: Callable[[], None]) -> None:
        """
        Tell what is left to go.

        @param grace: seconds until it is killed.
        @param done: called when nothing is left and nothing more is printed.
        """
        self._done = done
        self._looks = 0
        self._killAt = self._clock.seconds() + grace
        self._signal(signal.SIGHUP, signal.SIGCONT, signal.SIGTERM)
        self._look()

    def _look(self) -> None:
        """
        Is anything left?
        """
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        left = self._sessions()
        now = self._clock.seconds()
        if left and not self.leader and now >= self._killAt + KILL_SECONDS:
            if self._looks == 0:
                self._log.error(
                    "{zone}: processes of session {left} can't be killed",
                    zone=self._zone,
                    left=left,
                )
            left = []
        if not left and self._drained():
            done, self._done, self._timer = self._done, None, None
            # The number may soon be somebody else's.
            self._own = 0
            if done is not None:
                done()
            return
        self._timer = self._clock.callLater(LOOK_SECONDS, self._look)
        if now >= self._killAt:
            self._signal(signal.SIGKILL)

    def _sessions(self) -> list[int]:
        """
        The sessions of the zone that have processes: its leader's, and one that has
        taken the console for itself since.  A leader's number is its own for as long
        as it is not reaped or has others in its session.
        """
        sids = {self._own, self._device.terminalSession()} - {0}
        return [sid for sid in sids if sid == self.leader or self._session.members(sid)]

    def _signal(self, *numbers: int) -> None:
        for sid in self._sessions():
            self._session.signalMembers(sid, *numbers)

    def _drained(self) -> bool:
        """
        Has all that the zone printed been taken?  It comes before the event that tells
        of its end.  The kernel may still be carrying the last of it, so one look
        that finds nothing is not enough.
        """
        self._looks += 1
        taken = self._device.drain()
        return self._looks > LOOKS_MAX or (taken == 0 and self._looks > 1)
