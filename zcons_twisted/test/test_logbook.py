# -*- test-case-name: zcons_twisted.test.test_logbook -*-
"""
Tests for L{zcons_twisted.logbook}.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import provider

from ..credentials import Credentials
from ..logbook import KINDS_MAX, LINES_MAX, LINES_SECONDS, Logbook
from ..sessions import Role


class LogbookTests(SynchronousTestCase):
    """
    What is told one by one, and what is told together.
    """

    def setUp(self) -> None:
        """
        Collect what is logged.
        """
        self.lines: list[str | None] = []
        self.clock = Clock()
        self.logbook = Logbook("z", self.clock)

        @provider(ILogObserver)
        def observe(event: LogEvent) -> None:
            self.lines.append(formatEvent(event))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

    def tell(self, count: int, kind: str = "attached", uid: int = 0) -> None:
        """
        Something happens so many times.
        """
        for number in range(count):
            self.logbook.tell(kind, uid, f"{kind} {{number}}", number=number)

    def test_oneByOne(self) -> None:
        """
        A line each, at once, and no timer.
        """
        self.tell(2)
        self.assertEqual(self.lines, ["z: attached 0", "z: attached 1"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_tooMany(self) -> None:
        """
        Beyond the limit they are counted by what was done and by whom, and told when
        the second is over.
        """
        self.clock.advance(5)
        self.tell(1)
        self.clock.advance(LINES_SECONDS / 2)
        self.tell(LINES_MAX + 2)
        self.tell(4, "left")
        self.tell(1, "left", 7)
        self.assertEqual(len(self.lines), LINES_MAX)
        self.clock.advance(LINES_SECONDS / 2)
        self.assertEqual(
            self.lines[LINES_MAX:],
            [
                "z: and within a second 3 attached by root, 4 left by root,"
                " 1 left by user 7"
            ],
        )

    def test_again(self) -> None:
        """
        The next second has lines of its own.
        """
        self.tell(LINES_MAX)
        self.clock.advance(LINES_SECONDS)
        self.tell(LINES_MAX)
        self.assertEqual(len(self.lines), 2 * LINES_MAX)
        self.tell(1)
        self.assertEqual(len(self.lines), 2 * LINES_MAX)
        self.clock.advance(LINES_SECONDS)
        self.tell(1)
        self.assertEqual(
            self.lines[2 * LINES_MAX :],
            ["z: and within a second 1 attached by root", "z: attached 0"],
        )

    def test_role(self) -> None:
        """
        Who comes to look on is called a watcher, as everywhere.
        """
        who = Credentials(5, 1000, 1000)
        for role, noun in ((Role.OPERATOR, "operator"), (Role.WATCH, "watcher")):
            self.logbook.attached(who, role.noun)
            self.assertEqual(
                self.lines[-1],
                f"z: console attached by process 5 of user 1000 as {noun}",
            )

    def test_manyUsers(self) -> None:
        """
        Only so many are counted apart, whoever comes.
        """
        self.tell(LINES_MAX)
        for uid in range(KINDS_MAX + 3):
            self.tell(1, uid=uid)
        self.clock.advance(LINES_SECONDS)
        told = str(self.lines[-1])
        self.assertIn(f"1 attached by user {KINDS_MAX - 1}, 3 attached by others", told)
        self.assertNotIn(f"user {KINDS_MAX},", told)

    def test_close(self) -> None:
        """
        At the end nothing is kept back.
        """
        self.tell(LINES_MAX + 1)
        self.logbook.close()
        self.logbook.close()
        self.assertEqual(
            self.lines[LINES_MAX:], ["z: and within a second 1 attached by root"]
        )
        self.assertEqual(self.clock.getDelayedCalls(), [])
