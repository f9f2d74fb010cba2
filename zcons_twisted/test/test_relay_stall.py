# -*- test-case-name: zcons_twisted.test.test_relay_stall -*-
"""
Tests for L{Follower<zcons_twisted.relay.Follower>}: the stall rule.
"""

from __future__ import annotations

from ..history import HISTORY_MIN
from ..relay import STALL_BYTES
from .follower_case import FollowerTestCase


class FollowerStallTests(FollowerTestCase):
    """
    A session that takes less than 960 bytes in a second while output waits holds
    nobody up any more.
    """

    def test_stalls(self) -> None:
        """
        A session that takes nothing is stalled after a second, not before.
        """
        self.link.room = 0
        self.prints(b"abc")
        self.clock.advance(0.999)
        self.assertEqual((self.follower.stalled, self.holds), (False, [True]))
        self.clock.advance(0.001)
        self.assertEqual((self.follower.stalled, self.holds), (True, [True, False]))

    def test_tooSlow(self) -> None:
        """
        959 bytes in a second are too few.
        """
        self.link.room = 0
        self.prints(b"x" * 5000)
        self.take(STALL_BYTES - 1)
        self.clock.advance(1)
        self.assertTrue(self.follower.stalled)

    def test_fastEnough(self) -> None:
        """
        960 bytes in each second are enough, for as long as it takes.
        """
        self.link.room = 0
        self.prints(b"x" * 5000)
        for _ in range(5):
            self.take(STALL_BYTES)
            self.clock.advance(1)
            self.assertFalse(self.follower.stalled)
            self.assertTrue(all(self.holds))
        self.clock.advance(1)
        self.assertTrue(self.follower.stalled)
        self.assertFalse(self.holds[-1])

    def test_whatWasTakenAtOnceDoesNotCount(self) -> None:
        """
        Only what is taken while output waits counts.
        """
        self.link.room = 50_000
        self.prints(b"x" * 50_001)
        self.clock.advance(1)
        self.assertTrue(self.follower.stalled)

    def test_whatWasReadCounts(self) -> None:
        """
        A session whose connection takes nothing is not stalled while it reads 960
        bytes a second, where the kernel tells.
        """
        self.link.room = 0
        self.link.queue = 200_000
        self.prints(b"abc")
        for _ in range(3):
            self.link.queue -= STALL_BYTES
            self.clock.advance(1)
            self.assertFalse(self.follower.stalled)
            self.assertTrue(all(self.holds))
        self.link.queue -= STALL_BYTES - 1
        self.clock.advance(1)
        self.assertTrue(self.follower.stalled)

    def test_whatWasTakenIsNotRead(self) -> None:
        """
        Bytes that were taken and lie unread are counted once.
        """
        self.link.room = 0
        self.link.queue = 1000
        self.prints(b"x" * 1000)
        self.take(500)
        self.link.queue = 1000 + 500 - 959
        self.clock.advance(1)
        self.assertTrue(self.follower.stalled)

    def test_noLongerTold(self) -> None:
        """
        Where the kernel stops to tell, what the connection takes counts.
        """
        self.link.room = 0
        self.link.queue = 1000
        self.prints(b"abc")
        self.link.queue = None
        self.clock.advance(1)
        self.assertTrue(self.follower.stalled)

    def test_takenLittleByLittle(self) -> None:
        """
        All that is taken in a second counts together.
        """
        self.link.room = 0
        self.prints(b"x" * 5000)
        for _ in range(4):
            self.take(STALL_BYTES // 4)
        self.clock.advance(1)
        self.assertFalse(self.follower.stalled)

    def test_answersCount(self) -> None:
        """
        What is taken of answers and notices is taken as well.
        """
        self.link.room = 0
        self.prints(b"abc")
        self.follower.say(b"x" * STALL_BYTES)
        self.take(STALL_BYTES)
        self.clock.advance(1)
        self.assertFalse(self.follower.stalled)

    def test_eachWaitHasItsSecond(self) -> None:
        """
        A wait that begins while an earlier one's second still runs has a whole
        second of its own.
        """
        self.link.room = 0
        self.prints(b"abc")
        self.clock.advance(0.75)
        self.take(None)
        self.link.room = 0
        self.prints(b"def")
        self.clock.advance(0.25)
        self.assertFalse(self.follower.stalled)
        self.clock.advance(0.5)
        self.assertFalse(self.follower.stalled)
        self.clock.advance(0.25)
        self.assertTrue(self.follower.stalled)

    def test_nothingWaitsAnyMore(self) -> None:
        """
        When everything has been taken before the second is over, nothing happens
        then.
        """
        self.link.room = 0
        self.prints(b"abc")
        self.take(None)
        self.clock.advance(1)
        self.assertEqual((self.follower.stalled, self.holds), (False, [True, False]))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_freeRun(self) -> None:
        """
        While a session is stalled the console runs free: the ring keeps what fits and
        what it misses is counted.
        """
        self.stall()
        self.prints(b"x" * 1_638_400)
        self.assertEqual(self.holds, [True, False])
        self.take(None)
        missed = 7 + 1_638_400 - HISTORY_MIN
        self.assertEqual(self.follower.skipped, missed)
        self.assertEqual(self.link.received.rstrip(b"x"), b"<%d>" % missed)
        self.assertFalse(self.follower.stalled)

    def test_inPlace(self) -> None:
        """
        A stalled session that reads again gets what waited, then what came meanwhile,
        then what comes next: nothing is missed that the ring still has.
        """
        self.stall()
        self.prints(b" meanwhile")
        self.take(None)
        self.prints(b" next")
        self.assertEqual(self.link.received, b"waiting meanwhile next")
        self.assertFalse(self.follower.stalled)

    def test_readsALittle(self) -> None:
        """
        A stalled session that takes a little stays stalled.
        """
        self.stall()
        self.take(3)
        self.clock.advance(1)
        self.assertTrue(self.follower.stalled)
        self.assertFalse(self.holds[-1])

    def test_readsEnoughAgain(self) -> None:
        """
        A stalled session that takes 960 bytes in a second is none any more: it paces
        the zone again, although it has not caught up.
        """
        self.stall()
        self.prints(b"x" * 10_000)
        self.take(STALL_BYTES)
        self.assertTrue(self.follower.stalled)
        self.clock.advance(1)
        self.assertEqual((self.follower.stalled, self.holds[-1]), (False, True))
        self.clock.advance(1)
        self.assertEqual((self.follower.stalled, self.holds[-1]), (True, False))

    def test_oneTimer(self) -> None:
        """
        However often a session falls behind, catches up and stalls, there is one
        timer, and none once it has caught up.
        """
        for _ in range(3):
            self.stall()
            self.assertEqual(len(self.clock.getDelayedCalls()), 1)
            self.take(None)
        self.clock.advance(1)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class PacingTests(FollowerTestCase):
    """
    Only who is told to paces the zone.
    """

    def test_holdsFromNowOn(self) -> None:
        """
        A session that is behind when it is told to pace the zone has a second from
        then on.
        """
        self.follower = self.follow()
        self.link.room = 0
        self.prints(b"abc")
        self.clock.advance(5)
        self.follower.holds(self.holds.append)
        self.assertEqual(self.holds, [True])
        self.clock.advance(0.999)
        self.assertFalse(self.follower.stalled)
        self.clock.advance(0.001)
        self.assertEqual((self.follower.stalled, self.holds), (True, [True, False]))

    def test_holdsNothing(self) -> None:
        """
        A session that paces the zone no more lets it go, and is not stalled: it
        only is behind.
        """
        self.stall()
        self.follower.holdsNothing()
        self.assertEqual((self.follower.stalled, self.follower.behind), (False, True))
        self.assertFalse(self.holds[-1])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.holds.clear()
        self.take(None)
        self.link.room = 0
        self.prints(b"more")
        self.assertEqual((self.holds, self.clock.getDelayedCalls()), ([], []))
