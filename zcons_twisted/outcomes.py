# -*- test-case-name: zcons_twisted.test.test_reloading -*-
"""
What came of a change of a server's zones, for those who asked for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred

__all__ = ["NO_FILE", "Outcome", "Reload"]

#: Why there is nothing to be read anew.
NO_FILE = "this server has no configuration file: start it with --config FILE"


@dataclass(slots=True)
class Outcome:
    """
    What came of a change.

    @ivar started: zones that are served now, and were not before.
    @ivar stopped: those that are served no more.
    @ivar restarted: those that were stopped and started.
    @ivar changed: those that were changed as they are.
    @ivar mended: those whose sockets or link, which somebody had removed, were made
        again.
    @ivar nexus: whether that of the nexus was.
    @ivar untouched: how many had no change.
    @ivar problems: what could not be done, a line each.
    """

    started: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    nexus: bool = False
    untouched: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """
        For people, in one line.
        """
        parts = [
            f"{len(zones)} {what}"
            for what, zones in (
                ("started", self.started),
                ("stopped", self.stopped),
                ("restarted", self.restarted),
                ("changed", self.changed),
                ("with sockets or links made again", self.mended),
            )
            if zones
        ]
        told = f"zones: {', '.join([*parts, f'{self.untouched} untouched'])}"
        return f"{told}; the nexus' socket made again" if self.nexus else told


#: Has the configuration read anew; fails with L{ZConsError} where that changes nothing.
Reload = Callable[[], Deferred[Outcome]]
