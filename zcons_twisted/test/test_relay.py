# -*- test-case-name: zcons_twisted.test.test_relay -*-
"""
Tests for L{Follower<zcons_twisted.relay.Follower>}: output on its way to a session.
"""

from __future__ import annotations

from ..history import HISTORY_MIN
from ..relay import PENDING_MAX
from .follower_case import FollowerTestCase


class FollowerSendTests(FollowerTestCase):
    """
    What a session takes is sent at once; what it does not take waits in the ring.
    """

    def test_limits(self) -> None:
        """
        The limit is the one that is documented.
        """
        self.assertEqual(
            PENDING_MAX,
            65536,
        )

    def test_atOnce(self) -> None:
        """
        Output is sent at once, and nothing is held nor timed.
        """
        self.prints(b"login: ")
        self.assertEqual(self.link.received, b"login: ")
        self.assertEqual((self.holds, self.link.wanted), ([], False))
        self.assertEqual((self.follower.behind, self.changes), (False, []))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_restWaits(self) -> None:
        """
        What is not taken waits, and the zone is held.
        """
        self.link.room = 3
        self.prints(b"abcdef")
        self.assertEqual(self.link.received, b"abc")
        self.assertEqual((self.holds, self.link.wanted), ([True], True))
        self.assertEqual((self.follower.behind, self.changes), (True, [True]))

    def test_inOrder(self) -> None:
        """
        Output that comes while something waits comes behind it.
        """
        self.link.room = 1
        for piece in (b"abc", b"def", b"ghi"):
            self.prints(piece)
        self.take(4)
        self.assertEqual(self.link.received, b"abcde")
        self.take(None)
        self.assertEqual(self.link.received, b"abcdefghi")
        self.assertEqual(self.changes, [True, False])

    def test_letGo(self) -> None:
        """
        When nothing waits any more the zone goes on.
        """
        self.link.room = 0
        self.prints(b"abc")
        self.take(2)
        self.assertEqual(self.holds, [True])
        self.take(1)
        self.assertEqual(self.holds, [True, False])

    def test_holdsNobody(self) -> None:
        """
        A session that was not told to pace anything holds nobody up, and times
        nothing.
        """
        self.follower = self.follow()
        self.link.room = 0
        self.prints(b"abc")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.take(None)
        self.assertEqual((self.link.received, self.holds), (b"abc", []))

    def test_aroundTheTurn(self) -> None:
        """
        What goes around the end of the ring is sent whole.
        """
        self.prints(b"x" * (HISTORY_MIN + 16384 - 3))
        self.link.received = b""
        self.prints(b"abcdef")
        self.assertEqual(self.link.received, b"abcdef")

    def test_asLongAsTheRingHasIt(self) -> None:
        """
        However much waits, nothing is missed that the ring still has: there is no
        other limit any more, such as the 64 KiB of a backlog.
        """
        self.link.room = 0
        self.prints(b"abc")
        self.overtake(0)
        self.take(None)
        self.assertEqual(self.link.received, b"abc" + b"." * (HISTORY_MIN - 3))
        self.assertEqual(self.follower.skipped, 0)

    def test_overtaken(self) -> None:
        """
        What the ring has lost before it was taken is missed, and told to the byte.
        """
        self.link.room = 0
        self.prints(b"abc")
        self.overtake(1)
        self.take(None)
        self.assertEqual(self.link.received, b"<1>bc" + b"." * (HISTORY_MIN - 2))
        self.assertEqual(self.follower.skipped, 1)

    def test_overtakenAfterAPart(self) -> None:
        """
        What was taken counts as taken.
        """
        self.link.room = 2
        self.prints(b"abc")
        self.overtake(5)
        self.take(None)
        self.assertEqual(self.link.received, b"ab<5>" + b"." * HISTORY_MIN)

    def test_overtakenAgain(self) -> None:
        """
        Each gap is told in its place, and all of them are counted.
        """
        self.link.room = 0
        self.prints(b"abc")
        self.overtake(7)
        self.take(5)
        self.assertEqual(self.link.received, b"<7>..")
        self.overtake(8)
        self.take(None)
        self.assertEqual(self.link.received, b"<7>..<8>" + b"." * HISTORY_MIN)
        self.assertEqual(self.follower.skipped, 15)

    def test_outputBehindAGap(self) -> None:
        """
        Output that comes after a gap is told comes behind it.
        """
        self.link.room = 0
        self.prints(b"abc")
        self.overtake(200)
        self.take(None)
        self.prints(b"next")
        self.assertTrue(self.link.received.startswith(b"<200>..."))
        self.assertTrue(self.link.received.endswith(b"...next"))


class FollowerStartTests(FollowerTestCase):
    """
    A session begins where it asks to.
    """

    def test_live(self) -> None:
        """
        It begins at the end, unless it says otherwise; what happened before it is
        not told.
        """
        self.prints(b"before")
        self.notes("[halted]")
        self.link.received = b""
        self.follower = self.follow()
        self.follower.pump()
        self.prints(b"after")
        self.assertEqual(self.link.received, b"after")

    def test_offset(self) -> None:
        """
        From an offset on it gets everything, and what happened in its place.
        """
        self.prints(b"before")
        self.notes("[halted]")
        self.prints(b"after")
        self.link.received = b""
        self.follower = self.follow(4)
        self.follower.pump()
        self.assertEqual(self.link.received, b"re[halted]after")

    def test_expired(self) -> None:
        """
        An offset that is not kept any more begins with a gap.
        """
        self.prints(b"x" * 10)
        self.history.booted()
        self.prints(b"x" * HISTORY_MIN)
        self.link.received = b""
        self.follower = self.follow(4)
        self.follower.pump()
        self.assertEqual(self.link.received, b"<6>" + b"x" * HISTORY_MIN)

    def test_oneRead(self) -> None:
        """
        Reading takes nothing away: another session gets the same.
        """
        self.prints(b"abc")
        self.follower = self.follow(0)
        self.follower.pump()
        self.assertEqual(self.link.received, b"abcabc")


class FollowerNoticeTests(FollowerTestCase):
    """
    What happens to the zone is told in its place among the output.
    """

    def test_atOnce(self) -> None:
        """
        A notice is sent at once when nothing waits.
        """
        self.notes("[halted]")
        self.assertEqual(self.link.received, b"[halted]")

    def test_behindWhatWaits(self) -> None:
        """
        A notice does not overtake output, nor output a notice.
        """
        self.link.room = 1
        self.prints(b"abc")
        self.notes("[halted]")
        self.prints(b"def")
        self.take(None)
        self.assertEqual(self.link.received, b"abc[halted]def")

    def test_behindAGap(self) -> None:
        """
        A session that was overtaken gets the notices of what it missed behind the
        gap, and the later ones in place.
        """
        self.stall()
        self.notes("[halted]")
        self.overtake(8)
        self.notes("[booting]")
        self.take(None)
        self.assertEqual(
            self.link.received, b"<8>[halted]" + b"." * HISTORY_MIN + b"[booting]"
        )

    def test_noGap(self) -> None:
        """
        A stalled session that missed nothing gets its notice without a gap.
        """
        self.stall()
        self.notes("[halted]")
        self.take(None)
        self.assertEqual(self.link.received, b"waiting[halted]")

    def test_notTaken(self) -> None:
        """
        A notice that is not taken whole waits like output.
        """
        self.link.room = 2
        self.notes("[halted]")
        self.assertEqual(self.holds, [True])
        self.take(None)
        self.assertEqual(self.link.received, b"[halted]")

    def test_nothingToTell(self) -> None:
        """
        What a session's voice does not tell is passed over.
        """
        self.notes("")
        self.prints(b"abc")
        self.assertEqual(self.link.received, b"abc")

    def test_notKept(self) -> None:
        """
        Of what happened while a session did not read, it gets as much as is kept, and
        is told that there was more.
        """
        self.link.room = 0
        self.prints(b"x")
        for number in range(70):
            self.notes(f"[{number}]")
        self.take(None)
        told = "".join(f"[{number}]" for number in range(6, 70))
        self.assertEqual(self.link.received.decode(), "x<forgotten>" + told)


class FollowerAnswerTests(FollowerTestCase):
    """
    What has no place among the output goes before what waits in the ring.
    """

    def test_atOnce(self) -> None:
        """
        An answer is sent at once.
        """
        self.assertTrue(self.follower.say(b"OK"))
        self.assertEqual(self.link.received, b"OK")

    def test_whileOutputWaits(self) -> None:
        """
        It goes before the output that waits, and behind an earlier answer.
        """
        self.link.room = 1
        self.prints(b"abc")
        self.follower.say(b"1")
        self.follower.say(b"2")
        self.take(None)
        self.assertEqual(self.link.received, b"a12bc")

    def test_bounded(self) -> None:
        """
        Answers that nobody takes are kept up to a limit and no further: a session
        that asks without end takes no memory.
        """
        self.link.room = 0
        self.assertTrue(self.follower.say(b"x" * (PENDING_MAX - 1)))
        self.assertFalse(self.follower.say(b"12"))
        self.assertTrue(self.follower.say(b"1"))
        self.assertFalse(self.follower.say(b"2"))
        self.take(None)
        self.assertEqual(self.link.received, b"x" * (PENDING_MAX - 1) + b"1")
