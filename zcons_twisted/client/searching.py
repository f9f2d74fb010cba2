# -*- test-case-name: zcons_twisted.test.test_client_searching -*-
"""
Looking for a pattern, but not for ever.

What a zone prints can make a careless pattern take years.  All that time neither a
deadline nor ^C would be heard, for both are told by the reactor, which waits for the
search.  So an alarm of the system's ends it.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from types import FrameType

__all__ = ["SEARCH_SECONDS", "Search", "SearchTooLong", "searchInTime"]

#: How long one search may take.
SEARCH_SECONDS = 2.0

Search = Callable[["re.Pattern[bytes]", bytes], "re.Match[bytes] | None"]


class SearchTooLong(Exception):
    """
    A search took longer than it may.
    """


def searchInTime(pattern: re.Pattern[bytes], text: bytes) -> re.Match[bytes] | None:
    """
    Search, for L{SEARCH_SECONDS} at most.  To be called in the main thread, which
    alone hears of signals.

    @raise SearchTooLong: that was too short.
    """
    before = signal.signal(signal.SIGALRM, _tooLong)
    signal.setitimer(signal.ITIMER_REAL, SEARCH_SECONDS)
    try:
        return pattern.search(text)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _tooLong(number: int, frame: FrameType | None) -> None:
    raise SearchTooLong
