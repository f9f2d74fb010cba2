# -*- test-case-name: zcons_twisted.test.test_waiters -*-
"""
Tests for L{zcons_twisted.drivers.waiters}.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from ..drivers.waiters import SHUTDOWN_SECONDS, ShutdownWaiters, Waiters
from ..errors import LifecycleError


class WaitersTests(SynchronousTestCase):
    """
    Those who wait are all told, once.
    """

    def test_answer(self) -> None:
        """
        What they waited for has happened.
        """
        waiters = Waiters()
        self.assertFalse(waiters)
        waiting = [waiters.wait(), waiters.wait()]
        self.assertEqual(len(waiters), 2)
        waiters.answer("done")
        for each in waiting:
            self.assertEqual(self.successResultOf(each), "done")
        waiters.answer("nobody")
        self.assertFalse(waiters)

    def test_refuse(self) -> None:
        """
        Or it does not happen.
        """
        waiters = Waiters()
        waiting = [waiters.wait(), waiters.wait()]
        waiters.refuse("no")
        for each in waiting:
            failure = self.failureResultOf(each, LifecycleError)
            self.assertEqual(str(failure.value), "no")


class ShutdownWaitersTests(SynchronousTestCase):
    """
    A zone that was asked to go down is waited for, but not for ever.
    """

    def setUp(self) -> None:
        """
        It is asked.
        """
        self.clock = Clock()
        self.overs = 0
        self.waiters = ShutdownWaiters(self.clock, self.over)
        self.assertFalse(self.waiters.wanted)
        self.done = self.waiters.wait()
        self.waiters.begin()

    def over(self) -> None:
        """
        It has not gone.
        """
        self.overs += 1

    def test_goes(self) -> None:
        """
        It goes.
        """
        self.assertTrue(self.waiters.wanted)
        self.waiters.answer("zone halted")
        self.assertEqual(self.successResultOf(self.done), "zone halted")
        self.assertFalse(self.waiters.wanted)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_tooLong(self) -> None:
        """
        After a minute the wish is void; asking again gives another one.
        """
        self.assertEqual(SHUTDOWN_SECONDS, 60)
        self.clock.advance(30)
        self.waiters.begin()
        self.clock.advance(59.9)
        self.assertEqual((self.waiters.wanted, self.overs), (True, 0))
        self.clock.advance(0.2)
        failure = self.failureResultOf(self.done, LifecycleError)
        self.assertEqual(
            str(failure.value),
            "zone did not go down within 60 s, and runs on: 'zconsole halt' ends it",
        )
        self.assertEqual((self.waiters.wanted, self.overs), (False, 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_otherwise(self) -> None:
        """
        Something else may become of the zone.
        """
        self.waiters.refuse("zone was rebooted")
        self.failureResultOf(self.done, LifecycleError)
        self.assertEqual((self.waiters.wanted, self.overs), (False, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])
