# -*- test-case-name: zcons_twisted.test.test_history -*-
"""
A history in memory or in a file, for the tests of what it keeps.
"""

from __future__ import annotations

import os
from typing import cast

from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from ..history import (
    HISTORY_MIN,
    History,
    historySize,
)
from ..history_file import HistoryFile
from .support import numbered, shortDirectory


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


class HistoryFileTestCase(SynchronousTestCase):
    """
    A history in a file.
    """

    def setUp(self) -> None:
        """
        An empty directory.
        """
        self.directory = shortDirectory(self)
        self.path = os.path.join(self.directory, "z.history")
        self.log: list[str] = []
        observer = cast(ILogObserver, self.observe)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def observe(self, event: LogEvent) -> None:
        """
        Remember what is worth a warning.
        """
        level = event.get("log_level")
        if level in (LogLevel.warn, LogLevel.error):
            self.log.append(str(event["log_format"]).format(**event))

    def open(self, ring: int = HISTORY_MIN, gid: int | None = None) -> History:
        """
        A server opens the history.
        """
        return HistoryFile(self.path, ring, lambda: 7.0, gid).history

    def spoil(self, at: int, data: bytes) -> None:
        """
        Somebody writes into the file.
        """
        with open(self.path, "r+b") as file:
            file.seek(at)
            file.write(data)
