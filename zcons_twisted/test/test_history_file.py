# -*- test-case-name: zcons_twisted.test.test_history_file -*-
"""
Tests for L{zcons_twisted.history_file}.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

from ..header import RING_MIN
from ..history import HEAD_SIZE, HISTORY_MIN, historySize
from ..history_file import DAMAGED_MAX
from ..ring import AHEAD, RING_AT
from .history_case import HistoryFileTestCase
from .support import descriptorsInUse, numbered


class HistoryFileTests(HistoryFileTestCase):
    """
    A history outlives its server in a file; where that can't be, it is in memory.
    """

    def assertAside(self, why: str) -> None:
        """
        What was there is aside, a new history has begun, and one line says so.
        """
        history = self.open()
        self.assertEqual((history.end, history.oldest), (0, 0))
        (line,) = self.log
        self.assertIn(why, line)
        self.assertIn(f"set aside as {self.path}.damaged.1 ", line)
        self.assertEqual(
            sorted(os.listdir(self.directory)), ["z.history", "z.history.damaged.1"]
        )
        history.append(b"abc")
        self.assertEqual(self.open().read(0, 3), b"abc")

    def assertInMemory(self, why: str) -> None:
        """
        The history is kept in memory, and one line says why.
        """
        history = self.open()
        history.append(numbered(0, 200_000))
        oldest = history.oldest
        self.assertEqual(history.read(oldest, 200_000), numbered(oldest, 200_000))
        self.assertEqual(history.problem, f"in memory only: {why}")
        self.assertEqual(
            self.log.pop(), f"{self.path}: history is kept in memory only: {why}"
        )

    def test_begins(self) -> None:
        """
        A new one is for its owner alone, and takes no more of the disk than it uses.
        """
        history = self.open()
        found = os.stat(self.path)
        self.assertEqual(stat.S_IMODE(found.st_mode), 0o600)
        self.assertEqual(found.st_size, historySize(HISTORY_MIN))
        self.assertEqual((history.end, self.log), (0, []))

    def test_sparse(self) -> None:
        """
        A large one that keeps little takes little.
        """
        self.open(64 * 1024 * 1024).append(b"login: ")
        self.assertLess(os.stat(self.path).st_blocks * 512, 1024 * 1024)

    def test_idle(self) -> None:
        """
        One that is only kept takes no memory, whether it is new or not.
        """
        for _ in range(2):
            history = self.open()
            with open("/proc/self/smaps") as file:
                lines = iter(file)
                for line in lines:
                    if line.rstrip().endswith(self.path):
                        break
                resident = next(line for line in lines if line.startswith("Rss:"))
            self.assertEqual(resident.split()[1:], ["0", "kB"])
            history.append(b"x" * 100_000)

    def test_goesOn(self) -> None:
        """
        What was printed is there after a restart, and offsets go on.
        """
        for start in range(0, 300_000, 50_000):
            history = self.open()
            self.assertEqual(history.end, start)
            history.append(numbered(start, start + 50_000))
        history = self.open()
        oldest = history.oldest
        self.assertEqual(history.read(oldest, 300_000), numbered(oldest, 300_000))
        self.assertEqual(self.log, [])

    def test_readInFlight(self) -> None:
        """
        After a server's death what it had not committed is told as a gap.
        """
        self.open().append(b"abc")
        ring = RING_AT
        self.spoil(ring + 3, b"lost")
        history = self.open()
        (mark,) = history.marks
        self.assertEqual((mark.offset, mark.number, mark.time), (3, 4, 7.0))
        self.assertEqual(
            self.log,
            [f"{self.path}: the last server ended while it read: 4 bytes are missing"],
        )

    def test_group(self) -> None:
        """
        A group may read it, if that was asked for, and nobody else.
        """
        self.open(gid=os.getegid())
        found = os.stat(self.path)
        self.assertEqual(stat.S_IMODE(found.st_mode), 0o640)
        self.assertEqual(found.st_gid, os.getegid())

    def test_empty(self) -> None:
        """
        An empty file is begun, as after a server that died at once.
        """
        with open(self.path, "w"):
            pass
        self.open().append(b"abc")
        self.assertEqual((self.open().end, self.log), (3, []))

    def test_damaged(self) -> None:
        """
        A damaged header is set aside.
        """
        self.open().append(b"abc")
        self.spoil(0, b"\xff" * 16)
        self.assertAside("it is no history of this format")

    def test_truncated(self) -> None:
        """
        So is one that was cut short.
        """
        self.open().append(b"abc")
        os.truncate(self.path, 100_000)
        self.assertAside("it has 100000 bytes")

    def test_foreign(self) -> None:
        """
        So is somebody else's file of any length, which stays as it was.
        """
        for text in (b"not ours", b"x" * historySize(HISTORY_MIN)):
            self.setUp()
            with open(self.path, "wb") as file:
                file.write(text)
            self.assertAside(
                "it has 8 bytes" if len(text) == 8 else "no history of this format"
            )
            with open(self.path + ".damaged.1", "rb") as file:
                self.assertEqual(file.read(), text)

    def test_aside(self) -> None:
        """
        One that is set aside takes no earlier one's place; the oldest of too many
        goes.
        """
        for number in range(1, DAMAGED_MAX + 4):
            self.open().close()
            self.spoil(0, b"%d" % number)
        self.open()
        kept = range(4, DAMAGED_MAX + 4)
        self.assertEqual(
            set(os.listdir(self.directory)),
            {"z.history", *(f"z.history.damaged.{number}" for number in kept)},
        )
        with open(f"{self.path}.damaged.{DAMAGED_MAX + 3}", "rb") as file:
            self.assertEqual(file.read(1), b"%d" % (DAMAGED_MAX + 3))
        self.assertEqual(DAMAGED_MAX, 4)

    def test_olderFormat(self) -> None:
        """
        So is what an older server has left, in words of its own.
        """
        older = int.from_bytes(b"zcons\x01\r\n", "big").to_bytes(8, sys.byteorder)
        for size in (184_320, 1_167_360):
            self.setUp()
            with open(self.path, "wb") as file:
                file.write(older)
                file.truncate(size)
            self.assertAside("it is a history of an older format")

    def test_privateAgain(self) -> None:
        """
        Without a group, one that a group could read is for its owner alone.
        """
        self.open(gid=os.getegid())
        self.open()
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)

    def test_noDirectory(self) -> None:
        """
        Where no file can be made the history is in memory.
        """
        self.path = os.path.join(self.directory, "nowhere", "z.history")
        self.assertInMemory("No such file or directory")

    def test_cantBeSetAside(self) -> None:
        """
        So it is where what is damaged can't be set aside.
        """
        self.open()
        os.truncate(self.path, 5)

        def refuse(*paths: str) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        self.patch(os, "replace", refuse)
        self.assertInMemory("Permission denied")
        self.assertEqual(os.stat(self.path).st_size, 5)

    def test_notAFile(self) -> None:
        """
        A link is not followed, and nothing is read that is no file.
        """
        os.symlink("/dev/null", self.path)
        self.assertInMemory("Too many levels of symbolic links")
        os.unlink(self.path)
        os.mkfifo(self.path)
        self.assertInMemory("it is no file")
        os.unlink(self.path)
        os.mkdir(self.path)
        self.assertInMemory("Is a directory")
        self.assertEqual(self.log, [])

    def full(self, room: int) -> None:
        """
        The disk has room for so many bytes more.
        """
        promised: dict[int, int] = {}

        def allocate(fd: int, start: int, length: int) -> None:
            if sum({**promised, start: length}.values()) > room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            promised[start] = length

        self.patch(os, "posix_fallocate", allocate)

    def test_diskFull(self) -> None:
        """
        On a full disk the history is in memory, at whatever byte it is full.
        """
        for room in (0, HEAD_SIZE, HEAD_SIZE + 65_535):
            self.full(room)
            self.assertInMemory("No space left on device")
        self.assertEqual(
            self.log,
            [f"{self.path}: history grows no further: No space left on device"] * 2,
        )

    def test_diskFills(self) -> None:
        """
        Where the disk fills later the history grows no further, is told so once, and
        goes on.
        """
        # A step, and the first bytes since the boot.
        self.full(HEAD_SIZE + RING_MIN + 2 * 65_536)
        history = self.open(4 * HISTORY_MIN)
        self.assertEqual(history.problem, "")
        history.append(numbered(0, 500_000))
        self.assertEqual(history.problem, "does not grow: No space left on device")
        oldest = history.oldest
        self.assertEqual(oldest, 500_000 - (RING_MIN + 65_536) + AHEAD)
        self.assertEqual(history.read(oldest, 500_000), numbered(oldest, 500_000))
        self.assertEqual(
            self.log,
            [f"{self.path}: history grows no further: No space left on device"],
        )
        self.assertEqual(self.open(4 * HISTORY_MIN).end, 500_000)

    def test_removed(self) -> None:
        """
        A file that somebody removes takes nothing from the server that has it.
        """
        history = self.open(4 * HISTORY_MIN)
        os.unlink(self.path)
        history.append(numbered(0, 300_000))
        self.assertEqual(
            history.read(history.oldest, 300_000), numbered(history.oldest, 300_000)
        )

    def test_descriptors(self) -> None:
        """
        No more than the mapping's own descriptor is kept for it.
        """
        before = len(descriptorsInUse())
        history = self.open(4 * HISTORY_MIN)
        history.append(numbered(0, 300_000))
        self.assertEqual(len(os.listdir("/proc/self/fd")), before + 1)
