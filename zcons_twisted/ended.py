# -*- test-case-name: zcons_twisted.test.test_console -*-
"""
Sessions that are over, and which events end one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .credentials import Credentials
from .events import ZoneEvent
from .sessions import EndReason, Role, Session

__all__ = ["ENDED_KEPT", "ENDS_AT", "OVER_TEXT", "Ended", "EndedSessions"]

#: How many ended sessions are remembered.
ENDED_KEPT = 32

#: The events that end sessions which have asked for that, and how they end.
ENDS_AT = {
    ZoneEvent.HALTED: (EndReason.HALTED, "the zone halted"),
    ZoneEvent.BOOT_FAILED: (EndReason.BOOT_FAILED, "the zone did not boot"),
}

#: What such a session is told that came after the event.
OVER_TEXT = "the zone is down already"


class Ended(NamedTuple):
    """
    A session that is over.

    @ivar who: whose it was.
    @ivar at: when it ended, in seconds since the epoch.
    @ivar reason: why.
    @ivar text: the same for people, in one line.
    @ivar role: what it might do at last.
    """

    who: Credentials
    at: float
    reason: EndReason
    text: str
    role: Role


class EndedSessions(list[Ended]):
    """
    The last L{ENDED_KEPT} of one console, oldest first.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """
        @param now: the time in seconds since the epoch.
        """
        super().__init__()
        self._now = now

    def add(
        self, session: Session, reason: EndReason, text: str, wasOperator: bool
    ) -> None:
        """
        One more.
        """
        role = Role.OPERATOR if wasOperator else Role.WATCH
        self.append(Ended(session.peer.who, self._now(), reason, text, role))
        del self[:-ENDED_KEPT]
