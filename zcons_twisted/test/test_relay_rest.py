# -*- test-case-name: zcons_twisted.test.test_relay_rest -*-
"""
Tests for L{Follower<zcons_twisted.relay.Follower>}: the end of a session.
"""

from __future__ import annotations

from ..history import HISTORY_MIN
from ..relay import REST_MAX
from .follower_case import FollowerTestCase
from .support import makeHistory


class FollowerRestTests(FollowerTestCase):
    """
    When a session ends, nobody is held up and nothing that waits is forgotten.
    """

    def test_limits(self) -> None:
        """
        The limit is the one that is documented.
        """
        self.assertEqual(REST_MAX, 262144)

    def test_nothingWaits(self) -> None:
        """
        A session with nothing waiting has no rest.
        """
        self.prints(b"abc")
        self.assertEqual(self.follower.rest(), b"")

    def test_rest(self) -> None:
        """
        What waits is the rest; the zone goes on and no timer runs.
        """
        self.link.room = 1
        self.prints(b"abc")
        self.notes("[halted]")
        self.prints(b"def")
        self.assertEqual(self.follower.rest(), b"bc[halted]def")
        self.assertEqual(self.holds, [True, False])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_overAfterTheRest(self) -> None:
        """
        One that has ended sends nothing more, even where its connection takes more.
        """
        self.follower.rest()
        got = self.link.received
        self.history.append(b"later")
        self.follower.writable()
        self.assertEqual(self.link.received, got)

    def test_restOfANotice(self) -> None:
        """
        A notice that was sent in part is sent to its end.
        """
        self.link.room = 3
        self.notes("[halted]")
        self.prints(b"abc")
        self.assertEqual(self.follower.rest(), b"lted]abc")

    def test_restWithGap(self) -> None:
        """
        A session is told at the end what it missed.
        """
        self.stall()
        self.overtake(6)
        self.assertEqual(self.follower.rest(), b"<6>g" + b"." * (HISTORY_MIN - 1))
        self.assertFalse(self.follower.stalled)
        self.assertEqual(self.follower.skipped, 6)

    def test_restIsBounded(self) -> None:
        """
        Of a large ring no more than 256 KiB are sent to a session that ends; what
        comes before them is a gap.
        """
        self.history = makeHistory(1024 * 1024)
        self.follower = self.follow()
        self.link.room = 0
        self.prints(b"x" * (REST_MAX + 5))
        self.assertEqual(self.follower.rest(), b"<5>" + b"x" * REST_MAX)

    def test_holdsNobodyAfterwards(self) -> None:
        """
        A session that is over can't hold the zone.
        """
        self.follower.rest()
        self.holds.clear()
        self.link.room = 0
        self.prints(b"late")
        self.assertEqual(self.holds, [])
        self.follower.rest()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_begun(self) -> None:
        """
        A session that goes on elsewhere gets the rest of what was begun and no more;
        the zone goes on, no timer runs, and nothing is sent afterwards.
        """
        self.link.room = 3
        self.notes("[halted]")
        self.prints(b"abc")
        self.assertEqual(self.follower.begun(), b"lted]")
        self.assertEqual(self.holds, [True, False])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        got = self.link.received
        self.take(None)
        self.assertEqual(self.link.received, got)
        self.assertEqual(self.follower.skipped, 0)
