# -*- test-case-name: zcons_twisted.test.test_endpoint -*-
"""
Why there is no connection, in a few words for people.
"""

from __future__ import annotations

import os

from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost
from twisted.python.failure import Failure

from ..notices import escaped

__all__ = ["REASON_MAX", "reasonOf"]

#: Longest reason that is told, in characters: some come from the other end.
REASON_MAX = 200


def reasonOf(failure: Failure) -> str:
    """
    Why a connection could not be made, or ended.
    """
    error = failure.value
    number = getattr(error, "errno", None) or getattr(error, "osError", None)
    if failure.check(ConnectionDone):
        return "closed by the other side"
    if isinstance(number, int) and failure.check(OSError, ConnectError):
        return os.strerror(number)
    if failure.check(ConnectionLost):
        return "connection lost"
    return escaped(str(error) or type(error).__name__)[:REASON_MAX]
