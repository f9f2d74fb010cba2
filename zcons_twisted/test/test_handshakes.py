# -*- test-case-name: zcons_twisted.test.test_handshakes -*-
"""
Tests for L{zcons_twisted.handshakes}.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from ..handshakes import (
    HANDSHAKE_SECONDS,
    HANDSHAKES_IN_ALL,
    HANDSHAKES_PER_USER,
    PendingHandshakes,
)


class Peer:
    """
    A peer that has not said who it is.
    """

    def __init__(self, uid: int) -> None:
        self.uid = uid
        self.why: list[str] = []

    def giveUp(self, why: str) -> None:
        """
        Remember why it was closed.
        """
        self.why.append(why)


class PendingHandshakesTests(SynchronousTestCase):
    """
    Peers that say nothing are closed in time, and can't keep others out.
    """

    def setUp(self) -> None:
        """
        Caps that are easily reached.
        """
        self.clock = Clock()
        self.pending = PendingHandshakes(self.clock, 10.0, perUser=3, inAll=5)

    def begin(self, *uids: int) -> list[Peer]:
        """
        Peers of these users connect.
        """
        peers = [Peer(uid) for uid in uids]
        for peer in peers:
            self.pending.begin(peer)
        return peers

    def given(self, peers: list[Peer]) -> list[bool]:
        """
        @return: which were closed.
        """
        return [bool(peer.why) for peer in peers]

    def test_limits(self) -> None:
        """
        A peer has ten seconds; 64 of one user and 256 in all may be pending.
        """
        self.assertEqual(
            (HANDSHAKE_SECONDS, HANDSHAKES_PER_USER, HANDSHAKES_IN_ALL), (10.0, 64, 256)
        )

    def test_deadline(self) -> None:
        """
        A peer that has sent no line when its time is over is closed, not before.
        """
        (peer,) = self.begin(1)
        self.clock.advance(9.75)
        self.assertEqual(peer.why, [])
        self.clock.advance(0.25)
        self.assertEqual(peer.why, ["no first line within 10 seconds"])
        self.assertEqual(len(self.pending), 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_eachItsOwnDeadline(self) -> None:
        """
        Each peer's time begins when it connects.
        """
        first = self.begin(1)
        self.clock.advance(4)
        second = self.begin(2)
        self.clock.advance(6)
        self.assertEqual(self.given(first + second), [True, False])
        self.clock.advance(3.75)
        self.assertEqual(self.given(second), [False])
        self.clock.advance(0.25)
        self.assertEqual(self.given(second), [True])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_firstIsDone(self) -> None:
        """
        A peer that is done does not shorten nor lengthen another's time.
        """
        first = self.begin(1)
        self.clock.advance(4)
        second = self.begin(2)
        self.pending.done(first[0])
        self.clock.advance(9.75)
        self.assertEqual(self.given(second), [False])
        self.clock.advance(0.25)
        self.assertEqual(self.given(first + second), [False, True])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_allAtOnce(self) -> None:
        """
        Peers that came at the same time are closed at the same time.
        """
        peers = self.begin(1, 2, 1)
        self.clock.advance(10)
        self.assertEqual(self.given(peers), [True] * 3)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_done(self) -> None:
        """
        A peer whose handshake is over is left alone, and it does no harm to say so
        twice.
        """
        (peer,) = self.begin(1)
        self.pending.done(peer)
        self.pending.done(peer)
        self.assertEqual((peer.why, len(self.pending)), ([], 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_neverBegun(self) -> None:
        """
        A peer that never began may be told done as well.
        """
        self.pending.done(Peer(1))
        self.assertEqual(len(self.pending), 0)

    def test_perUser(self) -> None:
        """
        Beyond one user's cap that user's oldest peer is closed, never the newcomer
        and never another user's.
        """
        peers = self.begin(2, 1, 1, 1, 1)
        self.assertEqual(self.given(peers), [False, True, False, False, False])
        self.assertEqual(peers[1].why, ["too many handshakes pending for one user"])
        self.assertEqual(len(self.pending), 4)

    def test_inAll(self) -> None:
        """
        Beyond the cap for everybody the oldest peer is closed, never the newcomer.
        """
        peers = self.begin(1, 2, 1, 2, 3, 4)
        self.assertEqual(self.given(peers), [True] + [False] * 5)
        self.assertEqual(peers[0].why, ["too many handshakes pending"])

    def test_oneUserKeepsNobodyOut(self) -> None:
        """
        However many a user opens, another user's peer stays.
        """
        peers = self.begin(1, 2, *[1] * 50)
        self.assertEqual(self.given(peers)[1], False)
        self.assertEqual(len(self.pending), 4)

    def test_doneMakesRoom(self) -> None:
        """
        Only those that are pending count.
        """
        peers = self.begin(1, 1, 1)
        self.pending.done(peers[1])
        peers += self.begin(1)
        self.assertEqual(self.given(peers), [False] * 4)

    def test_newcomerAfterTheDeadline(self) -> None:
        """
        A peer that comes after all others were closed has a deadline too.
        """
        self.begin(1)
        self.clock.advance(10)
        later = self.begin(1)
        self.clock.advance(10)
        self.assertEqual(self.given(later), [True])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_comesWhileOthersAreClosed(self) -> None:
        """
        A peer that connects while late ones are being closed is pending itself.
        """
        (peer,) = self.begin(1)
        late = Peer(2)

        def another(why: str) -> None:
            self.pending.begin(late)

        peer.giveUp = another  # type: ignore[method-assign]
        self.clock.advance(10)
        self.assertEqual((late.why, len(self.pending)), ([], 1))
        self.clock.advance(10)
        self.assertEqual(len(late.why), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
