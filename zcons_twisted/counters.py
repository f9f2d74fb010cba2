# -*- test-case-name: zcons_twisted.test.test_console -*-
"""
What a console is told to do when its zone is down, and what it counts.
"""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass

__all__ = ["Counters", "OnHalt"]


class OnHalt(enum.Enum):
    """
    What a console does when the zone is down and nobody is attached.
    """

    EXIT = "exit"
    STAY = "stay"


@dataclass(slots=True)
class Counters:
    """
    Totals since the console began.

    @ivar output: bytes that the zone printed.
    @ivar input: bytes that were typed.
    @ivar skipped: bytes that sessions missed.
    @ivar attached: sessions that were seated.
    @ivar refused: newcomers that found the seat taken.
    @ivar malformed: peers whose first line was none, or came too late.
    @ivar events: zone events.
    @ivar opened: how often the device was opened.
    """

    output: int = 0
    input: int = 0
    skipped: int = 0
    attached: int = 0
    refused: int = 0
    malformed: int = 0
    events: int = 0
    opened: int = 0

    def totals(self, output: int, missed: int) -> list[tuple[str, int]]:
        """
        Name and value of each, as of now.

        @param output: how many bytes the zone has printed.
        @param missed: how many of them those who are attached have missed.
        """
        self.output = output
        known = {**asdict(self), "skipped": self.skipped + missed}
        return list(known.items())
