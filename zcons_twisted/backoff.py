# -*- test-case-name: zcons_twisted.test.test_backoff -*-
"""
How long to wait before what failed is tried again.
"""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["STEADY_SECONDS", "BackOff"]

#: What has held for this many seconds is a success: waits begin short again.
STEADY_SECONDS = 10.0


class BackOff:
    """
    Waits that double from a first one up to a longest one, each shortened by chance
    by up to a quarter so that many consoles don't try in step.
    """

    def __init__(
        self,
        first: float,
        longest: float,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """
        @param first: the first wait, in seconds.
        @param longest: the longest, in seconds.
        @param chance: gives a number from 0 up to 1.
        """
        self._first = first
        self._longest = longest
        self._chance = chance
        self._next = first

    def reset(self) -> None:
        """
        Begin with the first wait again.
        """
        self._next = self._first

    def wait(self) -> float:
        """
        The next wait, in seconds.
        """
        wait = self._next
        self._next = min(wait * 2, self._longest)
        return wait * (1 - self._chance() / 4)
