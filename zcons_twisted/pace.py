# -*- test-case-name: zcons_twisted.test.test_pace -*-
"""
How the operator's seat paces the zone.

While output waits for the operator the zone is held, as a terminal that is read slowly
holds a program.  But never by one that is stalled, which has accepted less than
L{STALL_BYTES} in L{STALL_SECONDS} while output waited: then the console runs free,
until it accepts that much again or has caught up.

This belongs to the seat and not to who sits in it: the second runs on when the seat
changes hands, so that nobody holds the zone for longer by giving it up and asking for
it again, or by handing it around.  It is begun anew when the console has run free for
L{PARDON_SECONDS}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

__all__ = ["PARDON_SECONDS", "STALL_BYTES", "STALL_SECONDS", "Pace", "Paced"]

#: A session that accepts fewer bytes than this ...
STALL_BYTES = 960
#: ... in this many seconds, while output waits, is stalled.
STALL_SECONDS = 1.0
#: So long the console has run free before somebody in the seat is given a second of
#: their own.
PARDON_SECONDS = 10.0


class Paced(Protocol):
    """
    A session's position in the history.

    @ivar behind: whether output waits for it.
    @ivar taken: bytes that its connection has taken in all.
    """

    behind: bool
    taken: int

    def unread(self) -> int | None:
        """
        Bytes that were sent and that the session has not read yet, or L{None} where
        that can't be told.
        """


class Pace:
    """
    The pace that one seat sets.

    @ivar stalled: whether it holds nobody up because it accepts too little.
    @ivar held: whether the zone is held.
    """

    def __init__(self, clock: IReactorTime, hold: Callable[[bool], None]) -> None:
        """
        @param clock: tells when a second is over.
        @param hold: called with L{True} to hold the zone's output and with L{False} to
            let it go again.
        """
        self.stalled = False
        self._clock = clock
        self._hold = hold
        self.held = False
        self._freeSince = clock.seconds() - PARDON_SECONDS
        self._follower: Paced | None = None
        self._waits = False
        # Of the second that runs: how much of it was over, and accepted, before this
        # wait began.
        self._spent = 0.0
        self._got = 0
        # When this wait began, and what had been taken and not been read then.
        self._since = 0.0
        self._taken = 0
        self._unread: int | None = None
        self._timer: IDelayedCall | None = None

    def begin(self, follower: Paced) -> None:
        """
        Somebody has sat down.
        """
        self._follower = follower
        if follower.behind:
            self.fellBehind()

    def end(self) -> None:
        """
        The seat is empty: nobody is held up.  Harmless to say twice.
        """
        if self._waits:
            self._waits = False
            self._spent += self._clock.seconds() - self._since
            self._got += self._accepted()
        self._follower = None
        self._let(False)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def fellBehind(self) -> None:
        """
        Output waits for who sits there.
        """
        if self._waits:
            return
        self._waits = True
        now = self._clock.seconds()
        if not self.held and now - self._freeSince >= PARDON_SECONDS:
            self._forget()
        self._beginWait()
        self._let(not self.stalled)
        # A timer that runs from an earlier wait is not armed anew: it looks at when
        # this one began.
        if self._timer is None:
            self._timer = self._clock.callLater(max(0.0, self._left()), self._look)

    def caughtUp(self) -> None:
        """
        Nothing waits for who sits there; L{letGo} is said next, unless something does
        again.
        """
        self._waits = False
        self._forget()

    def letGo(self) -> None:
        """
        Nobody is held up.
        """
        self._let(False)

    # Inside.

    def _forget(self) -> None:
        self.stalled = False
        self._spent = 0.0
        self._got = 0

    def _let(self, hold: bool) -> None:
        if hold != self.held:
            self.held = hold
            if not hold:
                self._freeSince = self._clock.seconds()
            self._hold(hold)

    def _left(self) -> float:
        """
        Seconds until the one that runs is over.
        """
        return self._since + STALL_SECONDS - self._spent - self._clock.seconds()

    def _look(self) -> None:
        self._timer = None
        if not self._waits:
            return
        left = self._left()
        if left <= 0:
            self.stalled = self._got + self._accepted() < STALL_BYTES
            self._spent = 0.0
            self._got = 0
            self._beginWait()
            self._let(not self.stalled)
            left = STALL_SECONDS
        self._timer = self._clock.callLater(left, self._look)

    def _beginWait(self) -> None:
        assert self._follower is not None
        self._since = self._clock.seconds()
        self._taken = self._follower.taken
        self._unread = self._follower.unread()

    def _accepted(self) -> int:
        """
        How many bytes were accepted since this wait began.  What was read counts, where
        that can be told: a connection takes nothing for a long while after it was full,
        however steadily it is read.
        """
        assert self._follower is not None
        taken = self._follower.taken - self._taken
        if taken < STALL_BYTES and self._unread is not None:
            unread = self._follower.unread()
            if unread is not None:
                return taken + self._unread - unread
        return taken
