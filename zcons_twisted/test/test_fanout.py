# -*- test-case-name: zcons_twisted.test.test_fanout -*-
"""
Tests for L{zcons_twisted.fanout}: how much is told at once.
"""

from __future__ import annotations

from ..fanout import BATCH_MAX, CROWD, CROWD_BATCH_MAX
from ..frames import OUTPUT_MAX
from ..sessions import EndReason, Session
from ..testing import MemoryLink
from .console_case import ConsoleTestCase


class BatchTests(ConsoleTestCase):
    """
    The more sessions follow, the more is taken from the device before it is told.
    """

    def watch(self) -> tuple[Session, MemoryLink]:
        """
        One more who looks on.
        """
        session, link = self.attach()
        session.halfClosed()
        return session, link

    def test_few(self) -> None:
        """
        A few get what was printed soon.
        """
        self.assertEqual(self.console.batchMax(), 16384)
        for _ in range(CROWD - 1):
            self.watch()
        self.assertEqual(self.console.batchMax(), BATCH_MAX)

    def test_crowd(self) -> None:
        """
        A crowd gets more at once, behind or not, and in one frame.
        """
        for _, link in [self.watch() for _ in range(CROWD)]:
            link.room = 0
        self.device.zonePrints(b"x")
        self.assertEqual(self.console.batchMax(), CROWD_BATCH_MAX)
        self.assertEqual(CROWD_BATCH_MAX, 2 * BATCH_MAX)
        self.assertLessEqual(CROWD_BATCH_MAX, OUTPUT_MAX)

    def test_gone(self) -> None:
        """
        Who has gone is none of it any more.
        """
        sessions = [self.watch()[0] for _ in range(CROWD)]
        self.console.gone(sessions[0], EndReason.LEFT, "the client left")
        self.assertEqual(self.console.batchMax(), BATCH_MAX)
