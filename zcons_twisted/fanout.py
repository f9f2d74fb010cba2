# -*- test-case-name: zcons_twisted.test.test_fanout -*-
"""
One zone's output, on its way to all who follow it.

Those that are up to date get each batch at once, straight from the history; the others
catch up from there by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sized

from .history import READ_MAX, History
from .relay import Follower

__all__ = ["BATCH_MAX", "CROWD", "CROWD_BATCH_MAX", "Fanout"]

#: Most bytes of output that are taken from the device at once, and told.
BATCH_MAX = 16 * 1024

#: Where so many sessions follow, what each of them costs counts for more: a send of
#: twice as much costs hardly more.
CROWD = 8

#: For them, most bytes that are taken at once; what a frame of output has room for.
CROWD_BATCH_MAX = 32 * 1024


class Fanout:
    """
    Those who follow one history.

    @ivar printedAt: when the zone printed something last, or L{None}.
    """

    def __init__(
        self, history: History, now: Callable[[], float], sessions: Sized
    ) -> None:
        """
        @param history: what is followed.
        @param now: the time in seconds since the epoch.
        @param sessions: all that follow, up to date or not.
        """
        self.printedAt: float | None = None
        self._history = history
        self._now = now
        self._sessions = sessions
        # Those of them that are up to date.
        self._live: dict[Follower, None] = {}
        self._served = history.end

    def batchMax(self) -> int:
        """
        Most bytes that are to be taken from the device before they are told.
        """
        return BATCH_MAX if len(self._sessions) < CROWD else CROWD_BATCH_MAX

    def advanced(self) -> None:
        """
        The zone printed something, and it is in the history.
        """
        history = self._history
        start = self._served
        self._served = history.end
        self.printedAt = self._now()
        if not self._live:
            return
        chunk = history.since(start)
        frame = b""
        for follower in tuple(self._live):
            if chunk is None:
                # It goes around the end of the ring.
                follower.pump()
            elif follower.framed:
                frame = frame or follower.frame(chunk)
                follower.sendFrame(frame, len(chunk))
            else:
                follower.send(chunk)

    def output(self, data: bytes) -> None:
        """
        The zone printed something, on a device that can't be read into the history.
        """
        for start in range(0, len(data), READ_MAX):
            self._history.append(data[start : start + READ_MAX])
            self.advanced()

    def changed(self, follower: Follower) -> None:
        """
        A session has come, has fallen behind, or has caught up.
        """
        if follower.behind:
            self._live.pop(follower, None)
        else:
            self._live[follower] = None

    def drop(self, follower: Follower) -> None:
        """
        A session has ended.
        """
        self._live.pop(follower, None)

    def marked(self) -> None:
        """
        Something happened, and it is in the history.
        """
        for follower in tuple(self._live):
            follower.pump()
