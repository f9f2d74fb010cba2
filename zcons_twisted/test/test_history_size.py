# -*- test-case-name: zcons_twisted.test.test_history_size -*-
"""
Tests for L{zcons_twisted.history_file}: another size than before, and room that comes
back.
"""

from __future__ import annotations

import errno
import os
import time

from ..events import ZoneEvent
from ..header import RING_MIN
from ..history import FIRST_SIZE, HEAD_SIZE, HISTORY_MIN, History, historySize
from ..marks import MARKS
from ..ring import AHEAD
from .history_case import HistoryFileTestCase
from .support import numbered


class OtherSizeTests(HistoryFileTestCase):
    """
    A history of another size is gone on with.
    """

    def left(self, ring: int, printed: int) -> None:
        """
        A server has kept something, and some of what happened.
        """
        history = self.open(ring)
        history.append(numbered(0, 100))
        history.booted()
        history.append(numbered(100, printed // 2))
        history.event(3.0, ZoneEvent.READIED, "")
        history.append(numbered(printed // 2, printed))
        self.before = ring
        self.birth = history.birth
        self.oldest = history.oldest
        history.close()

    def assertKept(self, ring: int, printed: int, least: int) -> History:
        """
        It is there, with so many bytes at least.
        """
        history = self.open(ring)
        self.assertEqual(self.log, [])
        self.assertEqual((history.end, history.birth), (printed, self.birth))
        self.assertLessEqual(history.oldest, max(self.oldest, printed - least))
        self.assertEqual(
            history.read(history.oldest, printed), numbered(history.oldest, printed)
        )
        (mark,) = history.marks
        self.assertEqual((mark.offset, mark.time), (printed // 2, 3.0))
        first, last = history.boot
        self.assertEqual((first, last), (100, min(printed, 100 + FIRST_SIZE)))
        self.assertEqual(history.read(first, last), numbered(first, last))
        self.assertEqual(os.stat(self.path).st_size, historySize(ring))
        self.assertEqual(os.listdir(self.directory), ["z.history"])
        end = printed
        for size in (1000, 100_000, 30_000, 300_000):
            history.append(numbered(end, end + size))
            end += size
            oldest = history.oldest
            self.assertEqual(history.read(oldest, end), numbered(oldest, end))
        # It grows when it comes to its turn.
        self.assertLessEqual(
            history.oldest, max(printed + self.before + AHEAD, end - ring)
        )
        return history

    def test_all(self) -> None:
        """
        As much of it is kept as there is room for, with its offsets, its birth and all
        that happened.
        """
        for printed in (200, 50_000, 120_000, 500_000, 1_200_000):
            for before, after in ((1, 8), (8, 1), (2, 3), (3, 2), (1, 2)):
                self.setUp()
                self.left(before * HISTORY_MIN, printed)
                least = min(before, after) * HISTORY_MIN
                self.assertKept(after * HISTORY_MIN, printed, least).close()
                self.assertEqual(self.open(after * HISTORY_MIN).birth, self.birth)

    def test_noRoom(self) -> None:
        """
        Where there is no room for a smaller one beside it, it stays as it is.
        """
        self.left(8 * HISTORY_MIN, 500_000)
        self.full(0, but=HEAD_SIZE)
        history = self.open(HISTORY_MIN)
        self.assertEqual((history.end, history.birth), (500_000, self.birth))
        self.assertEqual(history.read(250_000, 500_000), numbered(250_000, 500_000))
        self.assertEqual(
            self.log,
            [
                f"{self.path}: history grows no further: No space left on device",
                f"{self.path}: history stays as large as it was: No space left on"
                " device",
            ],
        )
        self.assertEqual(os.listdir(self.directory), ["z.history"])

    def test_leftBehind(self) -> None:
        """
        What a server that died at it has left is in nobody's way.
        """
        self.left(2 * HISTORY_MIN, 500_000)
        with open(self.path + ".new", "w") as file:
            file.write("half of it")
        self.assertKept(HISTORY_MIN, 500_000, HISTORY_MIN)

    def full(self, room: int, but: int = 0) -> None:
        """
        The disk has room for so many bytes more, besides a file's beginning.
        """
        promised: dict[int, int] = {}

        def allocate(fd: int, start: int, length: int) -> None:
            if start + length <= but:
                return
            if sum({**promised, start: length}.values()) > room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            promised[start] = length

        self.patch(os, "posix_fallocate", allocate)


class GrowthTests(OtherSizeTests):
    """
    What could not grow grows when there is room.
    """

    def setUp(self) -> None:
        """
        A clock.
        """
        super().setUp()
        self.now = 1000.0
        self.patch(time, "monotonic", lambda: self.now)

    def test_later(self) -> None:
        """
        A server tries again, not too often; offsets and what is kept stay as they are.
        """
        self.full(RING_MIN + FIRST_SIZE, but=HEAD_SIZE)
        ring = 4 * HISTORY_MIN
        history = self.open(ring)
        end = 0
        wide = False
        while end < 2_000_000:
            history.append(numbered(end, end + 7000))
            end += 7000
            if end == 980_000:
                self.full(1 << 30)
            if end in (1_190_000, 1_400_000):
                self.assertLess(end - history.oldest, RING_MIN)
                self.now += 9 if end < 1_400_000 else 1
            oldest = history.oldest
            self.assertEqual(history.read(oldest, end), numbered(oldest, end))
            self.assertLessEqual(oldest, max(0, end - 48 * 1024))
            wide = wide or end - oldest >= ring
        self.assertTrue(wide)
        self.assertEqual(history.problem, "")
        self.assertEqual(len(self.log), 1)
        history.close()
        history = self.open(ring)
        self.assertEqual(history.read(end - ring, end), numbered(end - ring, end))

    def test_atStart(self) -> None:
        """
        So does the next server.
        """
        self.full(RING_MIN + FIRST_SIZE, but=HEAD_SIZE)
        history = self.open(4 * HISTORY_MIN)
        history.append(numbered(0, 1_000_000))
        history.close()
        self.full(1 << 30)
        history = self.open(4 * HISTORY_MIN)
        history.append(numbered(1_000_000, 1_600_000))
        oldest = history.oldest
        self.assertEqual(oldest, 1_600_000 - 4 * HISTORY_MIN)
        self.assertEqual(history.read(oldest, 1_600_000), numbered(oldest, 1_600_000))


class MarksOfAnotherSizeTests(HistoryFileTestCase):
    """
    What happened stays, also where some of it was forgotten.
    """

    def test_forgotten(self) -> None:
        """
        Numbers of marks go on.
        """
        history = self.open(2 * HISTORY_MIN)
        history.append(numbered(0, 300_000))
        for _ in range(MARKS + 3):
            history.event(3.0, ZoneEvent.READIED, "")
        history.close()
        marks = self.open(HISTORY_MIN).marks
        self.assertEqual((marks.made, len(marks)), (MARKS + 3, MARKS))
        self.assertEqual(self.open(HISTORY_MIN).marks.made, MARKS + 3)
