# -*- test-case-name: zcons_twisted.test.test_nexus_turns -*-
"""
So many at the same time, and the others one after the other.
"""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import Deferred

__all__ = ["Turns"]


class Turns:
    """
    As L{DeferredSemaphore<twisted.internet.defer.DeferredSemaphore>}, but for
    thousands who wait and whose turns may be over as soon as they have come: none is
    had within another one.
    """

    def __init__(self, most: int) -> None:
        """
        @param most: how many may have theirs at the same time.
        """
        self._free = most
        self._waiting: deque[Deferred[None]] = deque()
        self._handing = False

    async def take(self) -> None:
        """
        Wait for one's turn.
        """
        if self._free:
            self._free -= 1
        else:
            turn: Deferred[None] = Deferred()
            self._waiting.append(turn)
            await turn

    def over(self) -> None:
        """
        A turn is over.
        """
        self._free += 1
        if self._handing:
            return
        self._handing = True
        try:
            while self._free and self._waiting:
                self._free -= 1
                self._waiting.popleft().callback(None)
        finally:
            self._handing = False
