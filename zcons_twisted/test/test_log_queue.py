# -*- test-case-name: zcons_twisted.test.test_log_queue -*-
"""
Tests for L{zcons_twisted.log_queue}.
"""

from __future__ import annotations

from typing import cast

from twisted.internet.base import DelayedCall
from twisted.internet.task import Clock
from twisted.logger import (
    ILogObserver,
    LogEvent,
    Logger,
    LogLevel,
    formatEvent,
)
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import provider

from ..log_queue import (
    LINE_WAITS_SECONDS,
    LINES_A_TURN,
    LINES_WAITING_MAX,
    LogQueue,
)


class Turns(Clock):
    """
    A clock that runs what is due now, and what that makes due in the next turn.
    """

    def turn(self) -> None:
        """
        One turn of the reactor.
        """
        due = [c for c in self.getDelayedCalls() if c.getTime() <= self.seconds()]
        for call in due:
            work = cast(DelayedCall, call).func
            call.cancel()
            work()


class LogQueueTests(SynchronousTestCase):
    """
    When lines are written, and which.
    """

    def setUp(self) -> None:
        """
        A queue, and what is written.
        """
        self.events: list[LogEvent] = []

        @provider(ILogObserver)
        def observe(event: LogEvent) -> None:
            self.events.append(event)

        self.log = Logger("somewhere", observer=observe)
        self.clock = Turns()
        self.queue = LogQueue(self.clock, lambda: 1000 + self.clock.seconds())

    def say(self, *numbers: int) -> None:
        """
        A line for each.
        """
        for number in numbers:
            self.queue.info(self.log, "line {number}", {"number": number})

    def written(self) -> list[int]:
        """
        The numbers of the lines that were written.
        """
        return [event["number"] for event in self.events]

    def test_waits(self) -> None:
        """
        A line is written after a moment, with the time at which it was said.
        """
        self.clock.advance(7)
        self.say(1)
        self.clock.advance(0.019)
        self.assertEqual(self.events, [])
        self.clock.advance(0.001)
        (event,) = self.events
        self.assertEqual(formatEvent(event), "line 1")
        self.assertEqual(event["log_time"], 1007)
        self.assertEqual(event["log_level"], LogLevel.info)
        self.assertEqual(event["log_namespace"], "somewhere")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_someATurn(self) -> None:
        """
        A few are written in a turn, in their order, until none waits.
        """
        self.say(*range(20))
        self.clock.rightNow += LINE_WAITS_SECONDS
        self.clock.turn()
        self.assertEqual(self.written(), list(range(8)))
        self.clock.turn()
        self.assertEqual(self.written(), list(range(16)))
        self.say(20)
        self.clock.turn()
        self.assertEqual(self.written(), list(range(21)))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(LINES_A_TURN, 8)

    def test_tooMany(self) -> None:
        """
        No more than so many wait: the first make room.
        """
        self.say(*range(4096))
        self.assertEqual(self.events, [])
        self.say(4096, 4097)
        self.assertEqual(self.written(), [0, 1])
        self.assertEqual(LINES_WAITING_MAX, 4096)

    def test_flush(self) -> None:
        """
        At the end all are written at once; there is no harm in saying so twice.
        """
        self.say(*range(20))
        self.queue.flush()
        self.queue.flush()
        self.assertEqual(self.written(), list(range(20)))
        self.assertEqual(self.clock.getDelayedCalls(), [])
