# -*- test-case-name: zcons_twisted.test.test_relay_past -*-
"""
Tests for L{Follower<zcons_twisted.relay.Follower>}: what a session gets of the first
bytes since the boot, and of gaps that it was overtaken at.
"""

from __future__ import annotations

from ..history import FIRST_SIZE, HISTORY_MIN
from ..marks import Mark, MarkKind
from .follower_case import FollowerTestCase
from .support import PlainVoice, numbered


class BootTests(FollowerTestCase):
    """
    A session that asks for the past gets the first bytes since the boot.
    """

    def test_sinceBoot(self) -> None:
        """
        One that begins before what the ring has gets the first bytes since the boot,
        and a gap between these and the ring; one that is overtaken gets the gap alone.
        """
        self.history.booted()
        text = numbered(0, FIRST_SIZE + HISTORY_MIN + 10)
        self.link.room = 0
        self.prints(text)
        self.take(None)
        rest = text[-HISTORY_MIN:]
        self.assertEqual(self.link.received, b"<%d>" % (FIRST_SIZE + 10) + rest)
        self.link.received = b""
        self.follower = self.follow(0)
        self.follower.pump()
        self.take(None)
        self.assertEqual(self.link.received, text[:FIRST_SIZE] + b"<10>" + rest)
        self.assertEqual(self.follower.skipped, 10)

    def test_rebootedMeanwhile(self) -> None:
        """
        What another boot has taken the place of is a gap.
        """
        self.history.booted()
        self.prints(numbered(0, FIRST_SIZE + HISTORY_MIN))
        self.link.received = b""
        self.link.room = 100
        self.follower = self.follow(0)
        self.follower.behind = True
        self.follower.pump()
        self.history.booted()
        self.prints(b"y")
        self.take(None)
        oldest = self.history.oldest
        self.assertEqual(
            self.link.received,
            numbered(0, 100)
            + b"<%d>" % (oldest - 100)
            + numbered(oldest, FIRST_SIZE + HISTORY_MIN)
            + b"y",
        )


class OffsetVoice(PlainVoice):
    """
    Tells gaps with their offsets, and notices with theirs.
    """

    def mark(self, mark: Mark) -> bytes:
        """
        See L{PlainVoice}.
        """
        if mark.kind is MarkKind.GAP:
            return self.gap(mark.offset, mark.number)
        return super().mark(mark)

    def gap(self, offset: int, missing: int) -> bytes:
        """
        See L{PlainVoice}.
        """
        return b"<%d+%d>" % (offset, missing)


class OrderTests(FollowerTestCase):
    """
    Whoever counts offsets never has to go back.
    """

    def test_overtakenAtAGap(self) -> None:
        """
        A gap in what is missing anyway is told at the end of that.
        """
        self.follower._voice = OffsetVoice()
        self.link.room = 0
        self.prints(b"ab")
        self.history.mark(Mark(2, 0.0, MarkKind.GAP, 4095, ""))
        self.prints(b"c")
        self.history.mark(Mark(3, 0.0, MarkKind.GAP, 7, ""))
        self.prints(b"d" * HISTORY_MIN)
        self.history.mark(Mark(self.history.end, 0.0, MarkKind.GAP, 9, ""))
        end = self.history.end
        self.take(None)
        self.assertEqual(
            self.link.received,
            b"<0+3><3+4095><3+7>" + b"d" * HISTORY_MIN + b"<%d+9>" % end,
        )

    def test_resumedAtAGap(self) -> None:
        """
        So it is for one that begins where the gap was.
        """
        self.prints(b"ab")
        self.history.booted()
        self.history.mark(Mark(2, 0.0, MarkKind.GAP, 4095, ""))
        self.prints(b"c" * HISTORY_MIN)
        self.history.booted()
        self.prints(b"c" * 10)
        self.link.received = b""
        self.follower = self.follow(2)
        self.follower._voice = OffsetVoice()
        self.follower.pump()
        self.assertEqual(self.link.received, b"<2+10><12+4095>" + b"c" * HISTORY_MIN)

    def test_missing(self) -> None:
        """
        What one that is behind has missed counts before it is told.
        """
        self.history.booted()
        self.link.room = 0
        self.overtake(5)
        self.assertEqual((self.follower.skipped, self.follower.missing), (0, 5))
        self.take(None)
        self.assertEqual((self.follower.skipped, self.follower.missing), (5, 5))
