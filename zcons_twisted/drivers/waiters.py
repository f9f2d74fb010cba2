# -*- test-case-name: zcons_twisted.test.test_zone_process -*-
"""
Those who have asked for something to become of a zone, and wait for it.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from ..errors import LifecycleError

__all__ = ["Waiters"]


class Waiters:
    """
    All who wait for the same.
    """

    def __init__(self) -> None:
        self._waiting: list[Deferred[str]] = []

    def __len__(self) -> int:
        """
        How many there are.
        """
        return len(self._waiting)

    def wait(self) -> Deferred[str]:
        """
        One more.
        """
        done: Deferred[str] = Deferred()
        self._waiting.append(done)
        return done

    def answer(self, text: str) -> None:
        """
        It is done.
        """
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done.callback(text)

    def refuse(self, why: str) -> None:
        """
        It can't be done.
        """
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done.errback(LifecycleError(why))
