# -*- test-case-name: zcons_twisted.test.test_history_loss -*-
"""
Tests for L{zcons_twisted.mapping}: a file that is taken away under a server's hands.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import socket
import time

from ..errors import ExpiredRange
from ..events import ZoneEvent
from ..history import HISTORY_MIN, History, historySize
from ..mapping import LOOK_SECONDS, Mapping
from ..marks import Mark, MarkKind
from ..ring import RING_AT
from ..tails import lastLines
from .history_case import HistoryFileTestCase
from .support import descriptorsInUse, numbered

_LOST = (
    "it was cut short or can't be read any more: history goes on in memory only,"
    " without what was lost"
)


class LossTests(HistoryFileTestCase):
    """
    The server goes on in memory with what is left, and says so once.
    """

    def setUp(self) -> None:
        """
        A device with something to say.
        """
        super().setUp()
        self.device, self.zone = socket.socketpair()
        for end in (self.device, self.zone):
            self.addCleanup(end.close)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.device.setblocking(False)

    def printed(self, size: int, ring: int = 4 * HISTORY_MIN) -> History:
        """
        A history of so many bytes, with an event and a gap.
        """
        history = self.open(ring)
        history.booted()
        history.append(numbered(0, size))
        history.event(3.0, ZoneEvent.READIED, "-v")
        history.mark(Mark(size, 4.0, MarkKind.GAP, 9, ""))
        return history

    def prints(self, history: History, size: int) -> None:
        """
        The zone prints so many bytes more.
        """
        stop = history.end + size
        while history.end < stop:
            end = history.end
            self.zone.send(numbered(end, min(stop, end + 4000)))
            history.readFrom(self.device.fileno(), 4096)

    def assertGoesOn(self, history: History, end: int, oldest: int) -> None:
        """
        Nothing was lost that is not said to be, and everything works.
        """
        self.assertEqual(self.log, [f"{self.path}: {_LOST}"])
        self.assertEqual(history.oldest, oldest)
        for size in (0, 100, 70_000, 500_000):
            self.prints(history, size)
            at = history.oldest
            self.assertEqual(history.read(at, history.end), numbered(at, history.end))
            self.assertLessEqual(at, max(oldest, history.end - 4 * HISTORY_MIN))
        first, last = history.boot
        self.assertEqual(history.read(first, last), numbered(first, last))
        event, gap, *_ = history.marks
        self.assertEqual((event.offset, event.text), (end, "-v"))
        self.assertEqual((gap.offset, gap.number), (end, 9))
        self.assertEqual(len(self.log), 1)
        history.booted()
        history.event(5.0, ZoneEvent.BOOTING, "")
        self.prints(history, 10)
        self.assertEqual(history.boot, (history.end - 10, history.end))

    def test_emptied(self) -> None:
        """
        Where the file was emptied, the next read goes into memory, wherever the ring
        stands.
        """
        for size in (0, 1, 60_000, 150_000, 600_000, 1_000_000):
            self.setUp()
            history = self.printed(size)
            birth = history.birth
            os.truncate(self.path, 0)
            self.prints(history, 1)
            self.assertEqual(history.birth, birth)
            self.assertGoesOn(history, size, size)

    def test_cut(self) -> None:
        """
        Where it was cut short, what is before that stays, if it is what was printed
        last.
        """
        size = 600_000
        for left in (0, 1, 5000, 100_000, RING_AT + 100, RING_AT + 40_000, 300_000):
            self.setUp()
            history = self.printed(size)
            at = history._place(size)
            os.truncate(self.path, left)
            history.settle()
            kept = at if left - RING_AT >= at else 0
            self.assertGoesOn(history, size, size - kept)
            self.assertEqual(
                history.problem,
                "in memory only: its file was cut short, or can't be read any more",
            )

    def test_whatever(self) -> None:
        """
        Whatever is done first, the loss is noticed before it is too late.
        """
        for do in (
            lambda history: history.event(5.0, ZoneEvent.HALTED, ""),
            lambda history: history.booted(),
            lambda history: history.append(numbered(200_000, 200_010)),
            lambda history: lastLines(history, 5, 1 << 20),
            lambda history: self.assertRaises(ExpiredRange, history.read, 0, 10),
        ):
            self.setUp()
            history = self.printed(200_000)
            history.booted()
            os.truncate(self.path, 0)
            do(history)
            self.assertEqual(self.log, [f"{self.path}: {_LOST}"])
            self.assertEqual(history.oldest, 200_000)

    def test_cutAndFilled(self) -> None:
        """
        One that was emptied and is as long as before is not what it was.
        """
        history = self.printed(200_000)
        os.truncate(self.path, 0)
        os.truncate(self.path, historySize(4 * HISTORY_MIN))
        history.settle()
        self.assertGoesOn(history, 200_000, 200_000)

    def test_behind(self) -> None:
        """
        Before anything is stored behind what a read has reached it is looked at.
        """
        history = self.printed(100_000)
        os.truncate(self.path, RING_AT + 110_000)
        self.prints(history, 300_000)
        oldest = history.oldest
        self.assertEqual(
            history.read(oldest, history.end), numbered(oldest, history.end)
        )
        self.assertEqual(self.log, [f"{self.path}: {_LOST}"])

    def test_deviceFails(self) -> None:
        """
        What a device does not give back is lost, and no more.
        """
        history = self.printed(200_000)
        os.truncate(self.path, 0)
        error = OSError(errno.EIO, os.strerror(errno.EIO))

        def fails(*arguments: object) -> bytes:
            raise error

        self.patch(os, "pread", fails)
        self.prints(history, 1)
        self.assertGoesOn(history, 200_000, 200_000)

    def test_restart(self) -> None:
        """
        The next server begins anew.
        """
        history = self.printed(200_000)
        birth = history.birth
        os.truncate(self.path, 0)
        self.prints(history, 10)
        history.close()
        again = self.open(4 * HISTORY_MIN)
        self.assertEqual(again.end, 0)
        self.assertNotEqual(again.birth, birth)

    def test_removed(self) -> None:
        """
        A file that was removed keeps what it is given for as long as the server lasts,
        which is said once.
        """
        now = 1000.0
        self.patch(time, "monotonic", lambda: now)
        history = self.printed(10)
        os.unlink(self.path)
        self.prints(history, 10)
        self.assertEqual(self.log, [])
        now += LOOK_SECONDS
        self.prints(history, 500_000)
        self.assertEqual(
            history.read(history.oldest, 500_020), numbered(history.oldest, 500_020)
        )
        self.assertEqual(history.oldest, 500_020 - 4 * HISTORY_MIN)
        self.assertEqual(
            history.problem, "its file was removed: it ends with this server"
        )
        self.assertEqual(
            self.log, [f"{self.path}: it was removed: history ends with this server"]
        )


class DescriptorTests(HistoryFileTestCase):
    """
    A history costs one descriptor.
    """

    def test_one(self) -> None:
        """
        It is the mapping's own where that has one, and gone with it.
        """
        before = descriptorsInUse()
        history = self.open(4 * HISTORY_MIN)
        history.append(numbered(0, 300_000))
        self.assertEqual(len(os.listdir("/proc/self/fd")), len(before) + 1)
        history.close()
        self.assertEqual(os.listdir("/proc/self/fd"), before)

    def test_quickerThread(self) -> None:
        """
        Where somebody else was given the number that the mapping's should have, it has
        one of its own.
        """
        taken: list[int] = []
        mapped = mmap.mmap

        def quicker(fd: int, size: int) -> mmap.mmap:
            taken.append(os.open("/dev/null", os.O_RDONLY))
            return mapped(fd, size)

        self.patch(mmap, "mmap", quicker)
        before = descriptorsInUse()
        history = self.open()
        self.assertTrue(taken)
        history.append(numbered(0, 100_000))
        history.close()
        os.close(taken[0])
        self.assertEqual(os.listdir("/proc/self/fd"), before)

    def test_inHand(self) -> None:
        """
        Somebody may still have a piece of its memory when it is let go.
        """
        with open(self.path, "w+b") as file:
            file.truncate(8192)
            mapping = Mapping(self.path, file.fileno(), 8192)
        piece = mapping.memory[:10]
        mapping.close()
        self.assertEqual(bytes(piece), bytes(10))
        with contextlib.suppress(ValueError):
            bytes(mapping.memory)
