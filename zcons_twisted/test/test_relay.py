# -*- test-case-name: zcons_twisted.test.test_relay -*-
"""
Tests for L{Outlet<zcons_twisted.relay.Outlet>}: output on its way to a session.
"""

from __future__ import annotations

from ..relay import OUTPUT_BACKLOG_MAX, STALL_BYTES, STALL_SECONDS, Outlet
from .outlet_case import OutletTestCase


class OutletSendTests(OutletTestCase):
    """
    What a session takes is sent at once; what it does not take waits.
    """

    def test_limits(self) -> None:
        """
        The limits are those that are documented.
        """
        self.assertEqual(
            (STALL_BYTES, STALL_SECONDS, OUTPUT_BACKLOG_MAX), (960, 1.0, 65536)
        )

    def test_atOnce(self) -> None:
        """
        Output is sent at once, and nothing is held nor timed.
        """
        self.outlet.write(b"login: ")
        self.assertEqual(self.link.received, b"login: ")
        self.assertEqual((self.holds, self.link.wanted), ([], False))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_restWaits(self) -> None:
        """
        What is not taken waits, and the zone is held.
        """
        self.link.room = 3
        self.outlet.write(b"abcdef")
        self.assertEqual(self.link.received, b"abc")
        self.assertEqual((self.holds, self.link.wanted), ([True], True))

    def test_inOrder(self) -> None:
        """
        Output that comes while something waits comes behind it.
        """
        self.link.room = 1
        for piece in (b"abc", b"def", b"ghi"):
            self.outlet.write(piece)
        self.take(4)
        self.assertEqual(self.link.received, b"abcde")
        self.take(None)
        self.assertEqual(self.link.received, b"abcdefghi")

    def test_letGo(self) -> None:
        """
        When nothing waits any more the zone goes on.
        """
        self.link.room = 0
        self.outlet.write(b"abc")
        self.take(2)
        self.assertEqual(self.holds, [True])
        self.take(1)
        self.assertEqual(self.holds, [True, False])

    def test_holdsNobody(self) -> None:
        """
        A session that was not told to pace anything holds nobody up.
        """
        outlet = Outlet(self.clock, self.link, lambda missed: b"")
        self.link.room = 0
        outlet.write(b"abc")
        self.link.take(None, outlet.writable)
        self.assertEqual((self.link.received, self.holds), (b"abc", []))

    def test_backlogCap(self) -> None:
        """
        No more than the backlog waits; what does not fit is missed and told.
        """
        self.link.room = 0
        self.outlet.write(b"x" * OUTPUT_BACKLOG_MAX)
        self.outlet.write(b"y")
        self.assertEqual(self.outlet.skipped, 1)
        self.take(None)
        self.assertEqual(self.link.received, b"x" * OUTPUT_BACKLOG_MAX + b"<1>")

    def test_backlogIsUsedUp(self) -> None:
        """
        What fits exactly is kept, output and notices alike.
        """
        self.link.room = 0
        self.outlet.write(b"x" * (OUTPUT_BACKLOG_MAX - 9))
        self.outlet.write(b"y")
        self.outlet.notice(b"[halted]")
        self.assertEqual(self.outlet.skipped, 0)
        self.take(None)
        self.assertEqual(self.link.received.lstrip(b"x"), b"y[halted]")

    def test_outputBehindAGap(self) -> None:
        """
        Output that fits again, after some that did not, comes behind the gap.
        """
        self.link.room = 0
        self.outlet.write(b"x" * (OUTPUT_BACKLOG_MAX - 100))
        self.outlet.write(b"y" * 200)
        self.outlet.write(b"z")
        self.take(None)
        tail = self.link.received.lstrip(b"x")
        self.assertIn(tail, (b"<200>z", b"<201>"))


class OutletNoticeTests(OutletTestCase):
    """
    What we have to say is behind what waits, and behind a gap.
    """

    def test_atOnce(self) -> None:
        """
        A notice is sent at once when nothing waits.
        """
        self.outlet.notice(b"[halted]")
        self.assertEqual(self.link.received, b"[halted]")

    def test_behindWhatWaits(self) -> None:
        """
        A notice does not overtake output.
        """
        self.link.room = 1
        self.outlet.write(b"abc")
        self.outlet.notice(b"[halted]")
        self.take(None)
        self.assertEqual(self.link.received, b"abc[halted]")

    def test_behindAGap(self) -> None:
        """
        A stalled session gets its notices, each with the gap before it in place.
        """
        self.stall()
        self.outlet.write(b"missed")
        self.outlet.notice(b"[halted]")
        self.outlet.write(b"more")
        self.outlet.notice(b"[booting]")
        self.take(None)
        self.assertEqual(self.link.received, b"waiting<6>[halted]<4>[booting]")

    def test_noGap(self) -> None:
        """
        A stalled session that missed nothing gets its notice without a gap.
        """
        self.stall()
        self.outlet.notice(b"[halted]")
        self.take(None)
        self.assertEqual(self.link.received, b"waiting[halted]")

    def test_notTaken(self) -> None:
        """
        A notice that is not taken whole waits like output.
        """
        self.link.room = 2
        self.outlet.notice(b"[halted]")
        self.assertEqual(self.holds, [True])
        self.take(None)
        self.assertEqual(self.link.received, b"[halted]")

    def test_backlogCap(self) -> None:
        """
        Notices can't grow the backlog beyond its limit: what does not fit is missed
        and told, to the byte.
        """
        self.link.room = 0
        self.outlet.write(b"x" * (OUTPUT_BACKLOG_MAX - 4))
        self.outlet.notice(b"[halted]")
        self.outlet.notice(b"[booting]")
        self.assertEqual(self.outlet.skipped, 17)
        self.take(None)
        self.assertEqual(self.link.received.lstrip(b"x"), b"<17>")


class OutletFinishTests(OutletTestCase):
    """
    When a session ends, nobody is held up and nothing that waits is forgotten.
    """

    def test_nothingWaits(self) -> None:
        """
        A session with nothing waiting has no rest.
        """
        self.outlet.write(b"abc")
        self.assertEqual(self.outlet.finish(), b"")

    def test_rest(self) -> None:
        """
        What waits is the rest; the zone goes on and no timer runs.
        """
        self.link.room = 1
        self.outlet.write(b"abc")
        self.outlet.notice(b"[halted]")
        self.assertEqual(self.outlet.finish(), b"bc[halted]")
        self.assertEqual(self.holds, [True, False])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_restWithGap(self) -> None:
        """
        A stalled session is told at the end what it missed.
        """
        self.stall()
        self.outlet.write(b"missed")
        self.assertEqual(self.outlet.finish(), b"waiting<6>")
        self.assertFalse(self.outlet.stalled)
        self.assertEqual(self.outlet.skipped, 6)

    def test_holdsNobodyAfterwards(self) -> None:
        """
        A session that is over can't hold the zone.
        """
        self.outlet.finish()
        self.holds.clear()
        self.link.room = 0
        self.outlet.write(b"late")
        self.assertEqual(self.holds, [])
        self.outlet.finish()
        self.assertEqual(self.clock.getDelayedCalls(), [])
