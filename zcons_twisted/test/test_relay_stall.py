# -*- test-case-name: zcons_twisted.test.test_relay_stall -*-
"""
Tests for L{Outlet<zcons_twisted.relay.Outlet>}: the stall rule.
"""

from __future__ import annotations

from ..relay import STALL_BYTES
from .outlet_case import OutletTestCase


class OutletStallTests(OutletTestCase):
    """
    A session that takes less than 960 bytes in a second while output waits holds
    nobody up any more.
    """

    def test_stalls(self) -> None:
        """
        A session that takes nothing is stalled after a second, not before.
        """
        self.link.room = 0
        self.outlet.write(b"abc")
        self.clock.advance(0.999)
        self.assertEqual((self.outlet.stalled, self.holds), (False, [True]))
        self.clock.advance(0.001)
        self.assertEqual((self.outlet.stalled, self.holds), (True, [True, False]))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_tooSlow(self) -> None:
        """
        959 bytes in a second are too few.
        """
        self.link.room = 0
        self.outlet.write(b"x" * 5000)
        self.take(STALL_BYTES - 1)
        self.clock.advance(1)
        self.assertTrue(self.outlet.stalled)

    def test_fastEnough(self) -> None:
        """
        960 bytes in each second are enough, for as long as it takes.
        """
        self.link.room = 0
        self.outlet.write(b"x" * 5000)
        for _ in range(5):
            self.take(STALL_BYTES)
            self.clock.advance(1)
            self.assertEqual((self.outlet.stalled, self.holds), (False, [True]))
        self.clock.advance(1)
        self.assertTrue(self.outlet.stalled)

    def test_whatWasTakenAtOnceDoesNotCount(self) -> None:
        """
        Only what is taken while output waits counts.
        """
        self.link.room = 50_000
        self.outlet.write(b"x" * 50_001)
        self.clock.advance(1)
        self.assertTrue(self.outlet.stalled)

    def test_whatWasReadCounts(self) -> None:
        """
        A session whose connection takes nothing is not stalled while it reads 960
        bytes a second, where the kernel tells.
        """
        self.link.room = 0
        self.link.queue = 200_000
        self.outlet.write(b"abc")
        for _ in range(3):
            self.link.queue -= STALL_BYTES
            self.clock.advance(1)
            self.assertEqual((self.outlet.stalled, self.holds), (False, [True]))
        self.link.queue -= STALL_BYTES - 1
        self.clock.advance(1)
        self.assertTrue(self.outlet.stalled)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_whatWasTakenIsNotRead(self) -> None:
        """
        Bytes that were taken and lie unread are counted once.
        """
        self.link.room = 0
        self.link.queue = 1000
        self.outlet.write(b"x" * 1000)
        self.take(500)
        self.link.queue = 1000 + 500 - 959
        self.clock.advance(1)
        self.assertTrue(self.outlet.stalled)

    def test_noLongerTold(self) -> None:
        """
        Where the kernel stops to tell, what the connection takes counts.
        """
        self.link.room = 0
        self.link.queue = 1000
        self.outlet.write(b"abc")
        self.link.queue = None
        self.clock.advance(1)
        self.assertTrue(self.outlet.stalled)

    def test_takenLittleByLittle(self) -> None:
        """
        All that is taken in a second counts together.
        """
        self.link.room = 0
        self.outlet.write(b"x" * 5000)
        for _ in range(4):
            self.take(STALL_BYTES // 4)
        self.clock.advance(1)
        self.assertFalse(self.outlet.stalled)

    def test_eachWaitHasItsSecond(self) -> None:
        """
        A wait that begins while an earlier one's second still runs has a whole
        second of its own.
        """
        self.link.room = 0
        self.outlet.write(b"abc")
        self.clock.advance(0.75)
        self.take(None)
        self.link.room = 0
        self.outlet.write(b"def")
        self.clock.advance(0.25)
        self.assertFalse(self.outlet.stalled)
        self.clock.advance(0.5)
        self.assertFalse(self.outlet.stalled)
        self.clock.advance(0.25)
        self.assertTrue(self.outlet.stalled)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nothingWaitsAnyMore(self) -> None:
        """
        When everything has been taken before the second is over, nothing happens
        then.
        """
        self.link.room = 0
        self.outlet.write(b"abc")
        self.take(None)
        self.clock.advance(1)
        self.assertEqual((self.outlet.stalled, self.holds), (False, [True, False]))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_freeRun(self) -> None:
        """
        While a session is stalled the console runs free: what it misses is counted,
        not kept.
        """
        self.stall()
        for _ in range(100):
            self.outlet.write(b"x" * 16384)
        self.assertEqual(self.outlet.skipped, 1_638_400)
        self.assertEqual(self.holds, [True, False])
        self.assertEqual(self.outlet.finish(), b"waiting<1638400>")

    def test_gapInPlace(self) -> None:
        """
        A stalled session that reads again gets what waited, then how much it missed,
        then what comes next.
        """
        self.stall()
        self.outlet.write(b"missed")
        self.take(None)
        self.outlet.write(b"next")
        self.assertEqual(self.link.received, b"waiting<6>next")
        self.assertFalse(self.outlet.stalled)

    def test_nothingMissed(self) -> None:
        """
        A stalled session that missed nothing is told of no gap.
        """
        self.stall()
        self.take(None)
        self.assertEqual((self.link.received, self.outlet.stalled), (b"waiting", False))

    def test_readsALittle(self) -> None:
        """
        A stalled session that takes a little stays stalled: its gap only grows.
        """
        self.stall()
        self.outlet.write(b"12345")
        self.take(3)
        self.outlet.write(b"67890")
        self.assertTrue(self.outlet.stalled)
        self.take(None)
        self.assertEqual(self.link.received, b"waiting<10>")

    def test_gapWaits(self) -> None:
        """
        A gap that is not taken at once waits like output, and the session paces the
        zone again.
        """
        self.stall()
        self.outlet.write(b"missed")
        self.take(8)
        self.assertEqual(self.holds, [True, False, True])
        self.outlet.write(b"next")
        self.take(None)
        self.assertEqual(self.link.received, b"waiting<6>next")
        self.assertEqual(self.holds[-1], False)

    def test_gapThatIsNotTaken(self) -> None:
        """
        A session that stalls again in front of a gap gets both gaps, each in place.
        """
        self.stall()
        self.outlet.write(b"missed")
        self.take(7)
        self.clock.advance(1)
        self.assertTrue(self.outlet.stalled)
        self.outlet.write(b"again")
        self.take(None)
        self.assertEqual(self.link.received, b"waiting<6><5>")
        self.assertEqual(self.outlet.skipped, 11)
        self.assertEqual(self.clock.getDelayedCalls(), [])
