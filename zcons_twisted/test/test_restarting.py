# -*- test-case-name: zcons_twisted.test.test_restarting -*-
"""
Tests for L{zcons_twisted.restarting}: running the same command again.
"""

from __future__ import annotations

import os
import sys

from twisted.trial.unittest import SynchronousTestCase

from ..restarting import Restart, commandAgain


class CommandTests(SynchronousTestCase):
    """
    The command that runs a server again.
    """

    def again(self, *words: str, daemonized: bool = True) -> list[str]:
        """
        @return: what a program's words become.
        """
        argv = ["/bin/twistd", *words]
        return commandAgain(["/py", "-b", *argv], argv, daemonized)

    def test_foreground(self) -> None:
        """
        In the foreground it is the same command.
        """
        self.assertEqual(
            self.again("-n", "zconsole", "--zone", "z", daemonized=False),
            ["/py", "-b", "/bin/twistd", "-n", "zconsole", "--zone", "z"],
        )

    def test_background(self) -> None:
        """
        In the background it does not go there again, and keeps its log.
        """
        self.assertEqual(
            self.again("zconsole", "--zone", "z"),
            [
                *("/py", "-b", "/bin/twistd", "--logfile=twistd.log", "--nodaemon"),
                *("zconsole", "--zone", "z"),
            ],
        )

    def test_logs(self) -> None:
        """
        A log that was asked for stays the one.
        """
        for words in (["-l", "x"], ["--logfile=x"], ["--syslog"], ["--logger", "x"]):
            self.assertEqual(
                self.again(*words, "zconsole", "--logfile"),
                [
                    *("/py", "-b", "/bin/twistd", "--nodaemon"),
                    *(*words, "zconsole", "--logfile"),
                ],
            )

    def test_now(self) -> None:
        """
        It is run by the same interpreter, from the directory where it began.
        """
        ran: list[tuple[str, list[str], str]] = []
        restart = Restart(lambda path, words: ran.append((path, words, os.getcwd())))
        began = os.getcwd()
        self.addCleanup(os.chdir, began)
        os.chdir("/")
        restart.now()
        self.assertEqual(ran, [(sys.executable, sys.orig_argv, began)])
