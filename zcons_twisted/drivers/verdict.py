# -*- test-case-name: zcons_twisted.test.test_verdict -*-
"""
What the end of a zone's process means.
"""

from __future__ import annotations

import enum
import signal
from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.error import ProcessDone
from twisted.python.failure import Failure

__all__ = ["Outcome", "Reading", "Verdict", "ofCommand", "ofContainer"]


class Outcome(enum.Enum):
    """
    Why a zone's process has ended.
    """

    #: All was done.
    DONE = "done"
    #: Something went wrong.
    FAILED = "failed"
    #: The zone wants to be booted again.
    REBOOT = "reboot"
    #: The zone wants to stay down.
    POWEROFF = "poweroff"


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    How a zone's process has ended.

    @ivar outcome: why.
    @ivar words: the same for people.
    """

    outcome: Outcome
    words: str

    def respawns(self, policy: str) -> bool:
        """
        Is it started again though nobody has asked for that?

        @param policy: C{"never"}, C{"on-failure"} or C{"always"}.
        """
        if self.outcome is Outcome.POWEROFF:
            return False
        return policy == "always" or (
            policy == "on-failure" and self.outcome is Outcome.FAILED
        )


Reading = Callable[[Failure], Verdict]


def ofCommand(reason: Failure) -> Verdict:
    """
    A command has done its work, or has not.

    @param reason: as Twisted tells the end of a process.
    """
    outcome = Outcome.DONE if reason.check(ProcessDone) else Outcome.FAILED
    number = getattr(reason.value, "signal", None)
    if number is not None:
        return Verdict(outcome, f"signal {number}")
    status = getattr(reason.value, "exitCode", None)
    words = "exit status " + ("unknown" if status is None else str(status))
    return Verdict(outcome, words)


#: What Linux does to the first process of a process namespace in which C{reboot(2)} is
#: called.
_ASKED: dict[int | None, Verdict] = {
    signal.SIGHUP: Verdict(Outcome.REBOOT, "rebooted"),
    signal.SIGINT: Verdict(Outcome.POWEROFF, "powered off"),
}


def ofContainer(reason: Failure) -> Verdict:
    """
    A container has done its work, or has not, or has asked for something else.
    """
    asked = _ASKED.get(getattr(reason.value, "signal", None))
    return ofCommand(reason) if asked is None else asked
