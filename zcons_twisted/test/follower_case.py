# -*- test-case-name: zcons_twisted.test.test_relay -*-
"""
A follower in memory, for the tests of its rules.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from ..history import HISTORY_MIN, READ_MAX
from ..marks import Mark, MarkKind
from ..pace import STALL_SECONDS, Pace
from ..relay import Follower
from ..testing import MemoryLink
from .support import PlainVoice, makeHistory


class FollowerTestCase(SynchronousTestCase):
    """
    A follower of a history in memory, with a link in memory.
    """

    def setUp(self) -> None:
        """
        A session that takes everything, and paces the zone.
        """
        self.clock = Clock()
        self.link = MemoryLink()
        self.history = makeHistory()
        self.changes: list[bool] = []
        self.follower = self.follow()
        self.holds: list[bool] = []
        self.pace = Pace(self.clock, self.holds.append)
        self.follower.setPace(self.pace)

    def follow(self, start: int | None = None) -> Follower:
        """
        Another one, on the same link.
        """
        return Follower(
            self.link,
            self.history,
            PlainVoice(),
            lambda follower: self.changes.append(follower.behind),
            start,
        )

    def prints(self, data: bytes) -> None:
        """
        The zone prints something, and it is told as the console does it.
        """
        for start in range(0, len(data), READ_MAX):
            before = self.history.end
            piece = data[start : start + READ_MAX]
            self.history.append(piece)
            if self.follower.behind:
                continue
            chunk = self.history.chunk(before, len(piece))
            if len(chunk) == len(piece):
                self.follower.send(chunk)
            else:
                self.follower.pump()

    def notes(self, text: str) -> None:
        """
        Something happens to the zone, and it is told as the console does it.
        """
        self.history.mark(Mark(self.history.end, 0.0, MarkKind.EVENT, 1, text))
        if not self.follower.behind:
            self.follower.pump()

    def overtake(self, by: int) -> None:
        """
        The zone prints until the ring has overtaken the session by some bytes.
        """
        self.prints(b"." * (self.follower.cursor + HISTORY_MIN + by - self.history.end))
        self.assertEqual(self.history.oldest, self.follower.cursor + by)

    def take(self, room: int | None) -> None:
        """
        The peer has room again.
        """
        self.link.take(room, self.follower.writable)

    def stall(self) -> None:
        """
        The session takes nothing for a second, with C{waiting} in front of it.
        """
        self.link.room = 0
        self.prints(b"waiting")
        self.clock.advance(STALL_SECONDS)
