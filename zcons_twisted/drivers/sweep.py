# -*- test-case-name: zcons_twisted.test.test_sweep -*-
"""
The end of a zone that is a command: whatever is left of it is told to go, then made to
go, and what it printed last is taken before anybody is told of its end.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from . import process_session

__all__ = [
    "KILL_SECONDS",
    "LOOKS_MAX",
    "LOOK_SECONDS",
    "LOOK_SECONDS_MAX",
    "Ending",
    "Session",
    "Sweep",
    "ZoneDevice",
]

#: Seconds between two looks at what is left: at first, and at most.
LOOK_SECONDS = 0.02
LOOK_SECONDS_MAX = 0.5
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

    def isMember(self, pid: int, sid: int) -> bool:
        """
        Is this one of them?
        """

    def signal(self, pids: Iterable[int], *numbers: int) -> None:
        """
        Send signals, in order, to each of these processes.
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

    def discardInput(self) -> int:
        """
        Drop what was typed and the zone has not read; how many bytes was it?
        """


class Ending(Protocol):
    """
    Ends what is left of a zone, each time that it is to end.

    @ivar leader: the zone's process while it has not been reaped, else 0.
    """

    leader: int

    def began(self, leader: int) -> None:
        """
        The zone has a process.
        """

    def reaped(self) -> None:
        """
        It has ended.
        """

    def tell(self) -> None:
        """
        Tell what there is of the zone to go, and leave it at that.
        """

    def begin(self, grace: float, done: Callable[[], None]) -> None:
        """
        Tell what is left to go.

        @param grace: seconds until it is killed.
        @param done: called when nothing is left and nothing more is printed.
        """

    def stop(self) -> None:
        """
        Leave what is left as it is.
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
        self._known: dict[int, list[int]] = {}
        self._killAt = 0.0
        self._wait = LOOK_SECONDS
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

    def tell(self) -> None:
        """
        See L{Ending}.
        """
        for pids in self._left().values():
            self._session.signal(pids, signal.SIGHUP, signal.SIGCONT, signal.SIGTERM)

    def begin(self, grace: float, done: Callable[[], None]) -> None:
        """
        Tell what is left to go.

        @param grace: seconds until it is killed.
        @param done: called when nothing is left and nothing more is printed.
        """
        self._done = done
        self._looks = 0
        self._wait = LOOK_SECONDS
        self._known = {}
        self._killAt = self._clock.seconds() + grace
        self.tell()
        self._look()

    def stop(self) -> None:
        """
        Leave what is left as it is.
        """
        self._done = None
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _look(self) -> None:
        """
        Is anything left?
        """
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
            self._timer = None
        left = self._left()
        now = self._clock.seconds()
        if left and not self.leader and now >= self._killAt + KILL_SECONDS:
            if self._looks == 0:
                self._log.error(
                    "{zone}: processes of session {left} can't be killed",
                    zone=self._zone,
                    left=sorted(left),
                )
            left = {}
        if not left and self._drained():
            done, self._done, self._timer = self._done, None, None
            # The number may soon be somebody else's.
            self._own = 0
            if done is not None:
                done()
            return
        if left and now >= self._killAt:
            for pids in left.values():
                self._session.signal(pids, signal.SIGKILL)
            self._known = {}
        elif left:
            self._wait = min(self._wait * 1.5, LOOK_SECONDS_MAX)
        self._timer = self._clock.callLater(self._nextLook(now), self._look)

    def _nextLook(self, now: float) -> float:
        """
        Seconds until the next look: the first one after the grace period comes at its
        very end.
        """
        if now < self._killAt:
            return min(self._wait, self._killAt - now)
        return LOOK_SECONDS

    def _left(self) -> dict[int, list[int]]:
        """
        The sessions of the zone that have processes, and processes of each: its
        leader's session, and one that has taken the console for itself since.  A
        leader's number is its own for as long as it is not reaped or has others in its
        session.

        All processes there are have to be looked at only when none of those known is
        left.
        """
        left = {}
        for sid in {self._own, self._device.terminalSession()} - {0}:
            known = self._known.get(sid, ())
            pids = [pid for pid in known if self._session.isMember(pid, sid)]
            pids = pids or self._session.members(sid)
            if sid == self.leader and sid not in pids:
                # It may not have made its session yet, and is not reaped.
                pids.append(sid)
            if pids:
                left[sid] = pids
        self._known = left
        return left

    def _drained(self) -> bool:
        """
        Has all that the zone printed been taken?  It comes before the event that tells
        of its end.  The kernel may still be carrying the last of it, so one look
        that finds nothing is not enough.
        """
        self._looks += 1
        taken = self._device.drain()
        return self._looks > LOOKS_MAX or (taken == 0 and self._looks > 1)
