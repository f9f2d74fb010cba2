# -*- test-case-name: zcons_twisted.test.test_history -*-
"""
A history in memory, for the tests of what it keeps.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from ..history import (
    HISTORY_MIN,
    History,
    historySize,
)
from .support import numbered


class HistoryTestCase(SynchronousTestCase):
    """
    A history in memory that can be left and found again.
    """

    def setUp(self) -> None:
        """
        A new history.
        """
        self.memory = bytearray(historySize(HISTORY_MIN))
        self.history = self.found()

    def found(self) -> History:
        """
        The history as a new server finds it.
        """
        return History(memoryview(self.memory), HISTORY_MIN)

    def prints(self, size: int) -> None:
        """
        The zone prints so many bytes more of the text of L{numbered}.
        """
        end = self.history.end
        self.history.append(numbered(end, end + size))
