# -*- test-case-name: zcons_twisted.test.test_verdict -*-
"""
Tests for L{zcons_twisted.drivers.verdict}.
"""

from __future__ import annotations

import signal

from twisted.trial.unittest import SynchronousTestCase

from ..drivers.spawning import endOf
from ..drivers.verdict import Outcome, Verdict, ofCommand, ofContainer


class VerdictTests(SynchronousTestCase):
    """
    How a process has ended tells what the zone wants.
    """

    def test_command(self) -> None:
        """
        A command is done with exit status 0, and has failed otherwise.
        """
        for code, number, expected in (
            (0, None, Verdict(Outcome.DONE, "exit status 0")),
            (3, None, Verdict(Outcome.FAILED, "exit status 3")),
            (None, signal.SIGHUP, Verdict(Outcome.FAILED, "signal 1")),
            (None, None, Verdict(Outcome.FAILED, "exit status unknown")),
        ):
            self.assertEqual(ofCommand(endOf(code, number)), expected)

    def test_container(self) -> None:
        """
        A container is rebooted by SIGHUP and powered off by SIGINT, as Linux does it;
        an exit status is one, whatever its number.
        """
        for code, number, expected in (
            (None, signal.SIGHUP, Verdict(Outcome.REBOOT, "rebooted")),
            (None, signal.SIGINT, Verdict(Outcome.POWEROFF, "powered off")),
            (None, signal.SIGKILL, Verdict(Outcome.FAILED, "signal 9")),
            (129, None, Verdict(Outcome.FAILED, "exit status 129")),
            (0, None, Verdict(Outcome.DONE, "exit status 0")),
        ):
            self.assertEqual(ofContainer(endOf(code, number)), expected)

    def test_respawns(self) -> None:
        """
        What is started again depends on the policy, but for what wants to stay down.
        """
        for outcome, expected in (
            (Outcome.DONE, ["always"]),
            (Outcome.FAILED, ["on-failure", "always"]),
            (Outcome.POWEROFF, []),
        ):
            found = [
                policy
                for policy in ("never", "on-failure", "always")
                if Verdict(outcome, "").respawns(policy)
            ]
            self.assertEqual(found, expected)
