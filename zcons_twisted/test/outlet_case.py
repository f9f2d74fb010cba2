# -*- test-case-name: zcons_twisted.test.test_relay -*-
"""
An outlet in memory, for the tests of its rules.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from ..relay import STALL_SECONDS, Outlet
from ..testing import MemoryLink


class OutletTestCase(SynchronousTestCase):
    """
    An outlet to a link in memory.
    """

    def setUp(self) -> None:
        """
        A session that takes everything.
        """
        self.clock = Clock()
        self.link = MemoryLink()
        self.outlet = Outlet(self.clock, self.link, lambda missed: b"<%d>" % missed)
        self.holds: list[bool] = []
        self.outlet.holds(self.holds.append)

    def take(self, room: int | None) -> None:
        """
        The peer has room again.
        """
        self.link.take(room, self.outlet.writable)

    def stall(self) -> None:
        """
        The session takes nothing for a second, with C{waiting} in front of it.
        """
        self.link.room = 0
        self.outlet.write(b"waiting")
        self.clock.advance(STALL_SECONDS)
