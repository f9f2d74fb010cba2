# -*- test-case-name: zcons_twisted.test.test_backoff -*-
"""
Tests for L{zcons_twisted.backoff}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from ..backoff import STEADY_SECONDS, BackOff


class BackOffTests(SynchronousTestCase):
    """
    What fails again and again is tried less and less often.
    """

    def test_doubles(self) -> None:
        """
        Each wait is twice the one before, up to the longest.
        """
        backOff = BackOff(0.5, 3.0, lambda: 0.0)
        self.assertEqual([backOff.wait() for _ in range(5)], [0.5, 1.0, 2.0, 3.0, 3.0])

    def test_reset(self) -> None:
        """
        After a success the waits begin short again.
        """
        backOff = BackOff(0.5, 3.0, lambda: 0.0)
        backOff.wait()
        backOff.wait()
        backOff.reset()
        self.assertEqual([backOff.wait(), backOff.wait()], [0.5, 1.0])

    def test_chanceShortens(self) -> None:
        """
        Chance shortens a wait by a quarter at most, and does not add up.
        """
        backOff = BackOff(1.0, 8.0, lambda: 1.0)
        self.assertEqual([backOff.wait() for _ in range(3)], [0.75, 1.5, 3.0])

    def test_ownChance(self) -> None:
        """
        Left alone, a wait lies between three quarters and the whole of its length.
        """
        for _ in range(50):
            self.assertTrue(0.75 <= BackOff(1.0, 8.0).wait() <= 1.0)

    def test_steady(self) -> None:
        """
        What has held for ten seconds counts as a success.
        """
        self.assertEqual(STEADY_SECONDS, 10.0)
