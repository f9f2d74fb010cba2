# -*- test-case-name: zcons_twisted.test.test_pace -*-
"""
Tests for L{zcons_twisted.pace}, with a L{Follower<zcons_twisted.relay.Follower>}: the
stall rule.
"""

from __future__ import annotations

from ..history import HISTORY_MIN
from ..pace import PARDON_SECONDS, STALL_BYTES, STALL_SECONDS, Pace
from ..relay import Follower
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
        self.follower.setPace(Pace(self.clock, self.holds.append))
        self.assertEqual(self.holds, [True])
        self.clock.advance(0.999)
        self.assertFalse(self.follower.stalled)
        self.clock.advance(0.001)
        self.assertEqual((self.follower.stalled, self.holds), (True, [True, False]))

    def test_pacesNoMore(self) -> None:
        """
        A session that paces the zone no more lets it go, and is not stalled: it
        only is behind.
        """
        self.stall()
        self.follower.setPace(None)
        self.assertEqual((self.follower.stalled, self.follower.behind), (False, True))
        self.assertFalse(self.holds[-1])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.holds.clear()
        self.take(None)
        self.link.room = 0
        self.prints(b"more")
        self.assertEqual((self.holds, self.clock.getDelayedCalls()), ([], []))


class SeatTests(FollowerTestCase):
    """
    The second belongs to the seat: it is no longer for being handed around.
    """

    def setUp(self) -> None:
        """
        Somebody in the seat whose connection takes nothing, and another one.
        """
        super().setUp()
        self.link.room = 0
        self.other = self.follow()

    def change(self, *followers: Follower | None) -> None:
        """
        The seat changes hands, all in one turn of the reactor.
        """
        for follower in (self.follower, self.other):
            follower.setPace(None)
        for given in followers:
            if given is not None:
                given.setPace(self.pace)

    def test_limits(self) -> None:
        """
        The limits are those that are documented.
        """
        limits = (STALL_BYTES, STALL_SECONDS, PARDON_SECONDS)
        self.assertEqual(limits, (960, 1.0, 10.0))

    def test_givenUpAndAskedFor(self) -> None:
        """
        Who gives it up and asks for it again has what was left of their second.
        """
        self.prints(b"abc")
        for _ in range(3):
            self.clock.advance(0.3)
            self.change(self.follower)
            self.assertEqual((self.follower.stalled, self.holds[-1]), (False, True))
        self.clock.advance(0.11)
        self.assertEqual((self.follower.stalled, self.holds[-1]), (True, False))

    def test_stalledStays(self) -> None:
        """
        One that is stalled is so still when it has asked for it again.
        """
        self.stall()
        self.holds.clear()
        for _ in range(5):
            self.change(self.follower)
            self.clock.advance(0.5)
        self.assertEqual((self.follower.stalled, self.holds), (True, []))

    def test_takenOver(self) -> None:
        """
        Those who take it over from each other have one second together.
        """
        self.prints(b"abc")
        self.other.pump()
        for follower in (self.other, self.follower, self.other):
            self.clock.advance(0.3)
            self.change(follower)
            self.assertEqual((self.pace.stalled, self.holds[-1]), (False, True))
        self.clock.advance(0.11)
        self.assertEqual((self.pace.stalled, self.holds[-1]), (True, False))

    def test_betweenSomebodyCurrent(self) -> None:
        """
        Somebody for whom nothing waits has it in between: that changes nothing.
        """
        self.stall()
        self.holds.clear()
        self.other = self.follow(self.history.end)
        self.assertFalse(self.other.behind)
        for _ in range(3):
            self.change(self.other)
            self.change(self.follower)
            self.clock.advance(0.5)
        self.assertEqual((self.follower.stalled, self.holds), (True, []))

    def test_whatOthersAccepted(self) -> None:
        """
        What was accepted in the second counts, whoever it was.
        """
        self.prints(b"x" * 5000)
        self.take(STALL_BYTES)
        self.clock.advance(0.5)
        self.change(self.follower)
        self.clock.advance(0.5)
        self.assertEqual((self.pace.stalled, self.holds[-1]), (False, True))

    def test_whoReadsNext(self) -> None:
        """
        After one that is stalled comes one that reads: it paces the zone as soon as it
        has caught up once.
        """
        self.stall()
        self.change(self.other)
        self.prints(b"more")
        self.other.pump()
        self.assertEqual((self.other.behind, self.pace.stalled), (True, True))
        self.assertFalse(self.holds[-1])
        self.link.take(None, self.other.writable)
        self.assertFalse(self.pace.stalled)
        self.link.room = 0
        self.history.append(b"again")
        self.other.pump()
        self.assertTrue(self.holds[-1])

    def test_pardon(self) -> None:
        """
        When the console has run free for long enough, who has the seat has a second of
        their own.
        """
        self.stall()
        self.change(None)
        self.clock.advance(9.9)
        self.change(self.follower)
        self.assertTrue(self.pace.stalled)
        self.change(None)
        self.clock.advance(0.1)
        self.change(self.follower)
        self.assertEqual((self.pace.stalled, self.holds[-1]), (False, True))
        self.clock.advance(1)
        self.assertEqual((self.pace.stalled, self.holds[-1]), (True, False))
