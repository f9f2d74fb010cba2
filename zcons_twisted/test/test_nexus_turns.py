# -*- test-case-name: zcons_twisted.test.test_nexus_turns -*-
"""
Tests for L{zcons_twisted.nexus.turns}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from ..nexus.turns import Turns


class TurnsTests(SynchronousTestCase):
    """
    So many at the same time.
    """

    def test_some(self) -> None:
        """
        Those for whom there is no room wait, and come in their order.
        """
        turns = Turns(2)
        taken: list[int] = []

        async def take(number: int) -> None:
            await turns.take()
            taken.append(number)

        for number in range(5):
            Deferred.fromCoroutine(take(number))
        self.assertEqual(taken, [0, 1])
        turns.over()
        self.assertEqual(taken, [0, 1, 2])
        for _ in range(4):
            turns.over()
        self.assertEqual(taken, [0, 1, 2, 3, 4])
        Deferred.fromCoroutine(turns.take())
        Deferred.fromCoroutine(turns.take())
        self.assertNoResult(Deferred.fromCoroutine(turns.take()))

    def test_manyAtOnce(self) -> None:
        """
        Turns that are over as soon as they come do not nest.
        """
        turns = Turns(1)
        self.successResultOf(Deferred.fromCoroutine(turns.take()))
        done = 0

        async def turn() -> None:
            nonlocal done
            await turns.take()
            done += 1
            turns.over()

        waiting = [Deferred.fromCoroutine(turn()) for _ in range(5000)]
        turns.over()
        self.assertEqual(done, 5000)
        for each in waiting:
            self.successResultOf(each)
