# -*- test-case-name: zcons_twisted.test.test_handing -*-
"""
Tests for L{zcons_twisted.drivers.handing}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from ..drivers.handing import ADOPT_SECONDS, HandingOver
from ..errors import DeviceError


class HandingTests(SynchronousTestCase):
    """
    Something is handed over until it is kept, or is ours no more.
    """

    def setUp(self) -> None:
        """
        Something to hand over.
        """
        self.clock = Clock()
        self.results: list[Deferred[None]] = []
        self.tries = 0
        self.handing = HandingOver(self.clock, "z", "the thing", self.hand)

    def hand(self) -> Deferred[None]:
        """
        Try it.
        """
        self.tries += 1
        return self.results.pop(0)

    def fails(self, why: str) -> None:
        """
        The next try does.
        """
        self.results.append(fail(DeviceError(why)))

    def waits(self) -> int:
        """
        How many tries are to come.
        """
        return len(self.clock.getDelayedCalls())

    def test_untilKept(self) -> None:
        """
        It is tried again until it is kept; each reason is told once, and again when it
        had been kept in between.
        """
        for why in ("no", "no", "never"):
            self.fails(why)
        self.results.append(succeed(None))
        with capturedLogs() as logs:
            self.handing.begin()
            for _ in range(5):
                self.clock.advance(ADOPT_SECONDS)
            self.fails("never")
            self.handing.begin()
        told = "z: no nexus keeps the thing, which goes with this server; trying again"
        self.assertEqual(
            [formatEvent(event) for event in logs],
            [f"{told} every 10 s: {why}" for why in ("no", "never", "never")],
        )
        self.assertEqual((self.tries, self.waits()), (5, 1))

    def test_atOnce(self) -> None:
        """
        What begins anew does not wait, and nothing is tried twice at the same time.
        """
        self.fails("no")
        self.handing.begin()
        self.fails("no")
        self.handing.begin()
        self.assertEqual((self.tries, self.waits()), (2, 1))

    def test_stop(self) -> None:
        """
        What is ours no more is not tried again, whether a try is under way or not.
        """
        self.fails("no")
        self.handing.begin()
        self.handing.stop()
        trying: Deferred[None] = Deferred()
        self.results.append(trying)
        self.handing.begin()
        self.handing.stop()
        with capturedLogs() as logs:
            trying.errback(OSError(16, "busy"))
        self.assertEqual((list(logs), self.waits()), ([], 0))
        self.handing.stop()
