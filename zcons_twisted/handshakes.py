# -*- test-case-name: zcons_twisted.test.test_handshakes -*-
"""
Pending handshakes: peers that are connected and have not said who they are.

Each has a deadline, and there are only so many, of one user and in all.  Beyond a
cap the one that has waited longest is closed, never the newcomer refused: a
client that means it sends its line at once.
"""

from __future__ import annotations

from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

__all__ = [
    "HANDSHAKES_IN_ALL",
    "HANDSHAKES_PER_USER",
    "HANDSHAKE_SECONDS",
    "Pending",
    "PendingHandshakes",
]

#: Seconds that a peer has to send its first line.
HANDSHAKE_SECONDS = 10.0
#: Most pending handshakes of one user.
HANDSHAKES_PER_USER = 64
#: Most pending handshakes in all, over all zones of a server.
HANDSHAKES_IN_ALL = 256


class Pending(Protocol):
    """
    A peer whose handshake is pending.
    """

    @property
    def uid(self) -> int:
        """
        Its user, from the kernel.
        """

    def giveUp(self, why: str) -> None:
        """
        Close it: too late, or too many.

        @param why: what it did wrong, for the log.
        """


class PendingHandshakes:
    """
    All pending handshakes of a server.
    """

    def __init__(
        self,
        clock: IReactorTime,
        seconds: float = HANDSHAKE_SECONDS,
        perUser: int = HANDSHAKES_PER_USER,
        inAll: int = HANDSHAKES_IN_ALL,
    ) -> None:
        """
        @param clock: measures the deadline.
        @param seconds: the deadline.
        @param perUser: the cap for one user.
        @param inAll: the cap for everybody together.
        """
        self._clock = clock
        self._seconds = seconds
        self._perUser = perUser
        self._inAll = inAll
        # In the order of their coming, so that the first is the next that is due.
        self._deadlines: dict[Pending, float] = {}
        self._ofUser: dict[int, dict[Pending, None]] = {}
        self._timer: IDelayedCall | None = None

    def __len__(self) -> int:
        """
        How many are pending.
        """
        return len(self._deadlines)

    def begin(self, peer: Pending) -> None:
        """
        A peer has connected.
        """
        self._deadlines[peer] = self._clock.seconds() + self._seconds
        mine = self._ofUser.setdefault(peer.uid, {})
        mine[peer] = None
        if len(mine) > self._perUser:
            self._drop(next(iter(mine)), "too many handshakes pending for one user")
        elif len(self._deadlines) > self._inAll:
            self._drop(next(iter(self._deadlines)), "too many handshakes pending")
        if self._timer is None:
            self._timer = self._clock.callLater(self._seconds, self._expire)

    def done(self, peer: Pending) -> None:
        """
        A peer's handshake is over, in whatever way.  Harmless to say twice.
        """
        if self._deadlines.pop(peer, None) is None:
            return
        mine = self._ofUser[peer.uid]
        del mine[peer]
        if not mine:
            del self._ofUser[peer.uid]
        if not self._deadlines and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drop(self, peer: Pending, why: str) -> None:
        self.done(peer)
        peer.giveUp(why)

    def _expire(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        due = [p for p, deadline in self._deadlines.items() if deadline <= now]
        for peer in due:
            self._drop(peer, f"no first line within {self._seconds:g} seconds")
        if self._deadlines and self._timer is None:
            first = next(iter(self._deadlines.values()))
            self._timer = self._clock.callLater(max(0.0, first - now), self._expire)
