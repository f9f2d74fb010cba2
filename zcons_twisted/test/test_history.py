# -*- test-case-name: zcons_twisted.test.test_history -*-
"""
Tests for L{zcons_twisted.history}: what is kept, and found by its offset.
"""

from __future__ import annotations

import os
import socket

from twisted.trial.unittest import SynchronousTestCase

from ..errors import ExpiredRange
from ..history import (
    FIRST_SIZE,
    HISTORY_DEFAULT,
    HISTORY_MAX,
    HISTORY_MIN,
    READ_MAX,
    historySize,
)
from ..marks import MARKS
from ..ring import AHEAD
from ..tails import lastLines
from .history_case import HistoryTestCase
from .support import makeHistory, numbered

_SIZE = HISTORY_MIN + AHEAD


class ReadTests(HistoryTestCase):
    """
    What was printed is found by its offset, for as long as it is kept.
    """

    def test_limits(self) -> None:
        """
        The limits are those that are documented.
        """
        self.assertEqual(
            (HISTORY_DEFAULT, HISTORY_MIN, HISTORY_MAX, FIRST_SIZE, READ_MAX, MARKS),
            (2**20, 2**16, 2**30, 2**16, 2**14, 64),
        )

    def test_new(self) -> None:
        """
        A new history has nothing.
        """
        history = self.history
        self.assertEqual((history.oldest, history.end, history.boot), (0, 0, (0, 0)))
        self.assertEqual((history.read(0, 100), history.recover(0.0)), (b"", 0))
        self.assertEqual((list(history.marks), history.marks.made), ([], 0))

    def test_read(self) -> None:
        """
        Any part of what is kept can be read, and again.
        """
        self.prints(100)
        for start, stop in ((0, 100), (3, 97), (99, 100), (50, 50), (99, 1000)):
            for _ in range(2):
                self.assertEqual(
                    self.history.read(start, stop), numbered(start, min(stop, 100))
                )

    def test_turn(self) -> None:
        """
        Offsets go on when the ring comes to its turn, and what goes around its end
        is read whole.
        """
        for size in (READ_MAX - 1, 1, 4095, 5, READ_MAX) * 12:
            self.prints(size)
            history = self.history
            self.assertEqual(history.oldest, max(0, history.end - HISTORY_MIN))
            self.assertEqual(
                history.read(history.oldest, history.end),
                numbered(history.oldest, history.end),
            )

    def test_expired(self) -> None:
        """
        What is not kept any more is told with what is.
        """
        self.history.booted()
        self.prints(FIRST_SIZE + HISTORY_MIN + 2)
        oldest = self.history.oldest
        error = self.assertRaises(
            ExpiredRange, self.history.read, oldest - 1, oldest + 1
        )
        self.assertEqual(error.oldest, oldest)
        self.assertIn(f"history begins at {oldest}", str(error))
        self.assertRaises(ExpiredRange, self.history.chunk, oldest - 1, 1)

    def test_chunk(self) -> None:
        """
        A chunk ends at the turn of the ring and at the end.
        """
        self.prints(_SIZE + 10)
        chunk = self.history.chunk
        self.assertEqual(bytes(chunk(_SIZE - 4, 100)), numbered(_SIZE - 4, _SIZE))
        self.assertEqual(bytes(chunk(_SIZE, 4)), numbered(_SIZE, _SIZE + 4))
        self.assertEqual(bytes(chunk(_SIZE, 100)), numbered(_SIZE, _SIZE + 10))
        self.assertEqual(bytes(chunk(_SIZE + 10, 100)), b"")

    def test_readFrom(self) -> None:
        """
        A device is read straight into the ring, no more than is asked for.
        """
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        ours.setblocking(False)
        self.assertRaises(BlockingIOError, self.history.readFrom, ours.fileno())
        for _ in range(12):
            end = self.history.end
            theirs.send(numbered(end, end + 8000))
            self.assertEqual(self.history.readFrom(ours.fileno(), 5000), 5000)
            self.assertEqual(self.history.readFrom(ours.fileno()), 3000)
        self.assertEqual(self.history.end, 96_000)
        oldest = self.history.oldest
        self.assertEqual(self.history.read(oldest, 96_000), numbered(oldest, 96_000))
        theirs.close()
        self.assertEqual(self.history.readFrom(ours.fileno()), 0)
        self.assertEqual(self.history.end, 96_000)

    def test_readFails(self) -> None:
        """
        A read that fails leaves everything as it is.
        """
        self.prints(10)
        self.assertRaises(OSError, self.history.readFrom, -1)
        self.assertEqual((self.history.end, self.found().recover(0.0)), (10, 0))


class LinesTests(HistoryTestCase):
    """
    The last lines can be found.
    """

    def last(self, lines: int, most: int = HISTORY_MIN) -> bytes:
        """
        @return: the last lines.
        """
        start = lastLines(self.history, lines, most)
        return self.history.read(start, self.history.end)

    def test_ended(self) -> None:
        """
        The newline that ends the last line begins no other.
        """
        self.history.append(b"one\ntwo\nthree\n")
        self.assertEqual(self.last(0), b"")
        self.assertEqual(self.last(1), b"three\n")
        self.assertEqual(self.last(2), b"two\nthree\n")
        self.assertEqual(self.last(3), b"one\ntwo\nthree\n")
        self.assertEqual(self.last(4), b"one\ntwo\nthree\n")

    def test_open(self) -> None:
        """
        A last line that is not ended, a prompt for example, counts.
        """
        self.history.append(b"one\nlogin: ")
        self.assertEqual(self.last(1), b"login: ")
        self.assertEqual(self.last(2), b"one\nlogin: ")

    def test_empty(self) -> None:
        """
        Of nothing there is nothing; empty lines are lines.
        """
        self.assertEqual(self.last(5), b"")
        self.history.append(b"\n\n\n")
        self.assertEqual(self.last(2), b"\n\n")

    def test_most(self) -> None:
        """
        No more bytes than asked for are given, and none that are not kept.
        """
        self.history.append(b"x" * HISTORY_MIN + b"\nlast\n")
        self.assertEqual(self.last(2, 10), b"xxxx\nlast\n")
        self.assertEqual(len(self.last(2, 10**9)), HISTORY_MIN)

    def test_anywhere(self) -> None:
        """
        Lines of every length are found, wherever the ring turns.
        """
        lines = [b"x" * (n * 37 % 6000) + b"\n" for n in range(60)]
        text = b"".join(lines)
        self.history.append(text)
        for count in range(12):
            self.assertEqual(self.last(count), b"".join(lines[60 - count :]))

    def test_anyNumber(self) -> None:
        """
        Any number of them is, whether they are dense or far apart.
        """
        for width in (1, 2, 7, 300, 40_000):
            text = (b"x" * (width - 1) + b"\n") * (HISTORY_MIN // width)
            self.history.append(text)
            for count in {1, 2, 3, 250, 255, 256, 257, 5000, 9000, 65_536 // width}:
                wanted = min(count * width, HISTORY_MIN)
                if wanted <= len(text):
                    start = lastLines(self.history, count, HISTORY_MIN)
                    self.assertEqual(self.history.end - start, wanted)

    def test_many(self) -> None:
        """
        A number without measure costs no more than the history is long.
        """
        self.history.append(b"\n" * HISTORY_MIN)
        self.assertEqual(lastLines(self.history, 2**63, 2**63), 0)


class FirstTests(HistoryTestCase):
    """
    The first bytes since the last boot are kept beside the ring.
    """

    def test_kept(self) -> None:
        """
        They are there when the ring has lost them.
        """
        self.prints(1000)
        self.history.booted()
        self.prints(FIRST_SIZE + HISTORY_MIN + 50_000)
        self.assertEqual(self.history.boot, (1000, 1000 + FIRST_SIZE))
        self.assertEqual(
            self.history.read(1000, 1000 + FIRST_SIZE),
            numbered(1000, 1000 + FIRST_SIZE),
        )
        self.assertEqual(self.history.read(1010, 1020), numbered(1010, 1020))
        self.assertRaises(ExpiredRange, self.history.read, 999, 1010)

    def test_goesOnInTheRing(self) -> None:
        """
        What begins there and goes on in the ring is read in one piece.
        """
        self.prints(HISTORY_MIN + 5000)
        self.assertEqual(
            self.history.read(10, HISTORY_MIN + 5000), numbered(10, HISTORY_MIN + 5000)
        )

    def test_nextBoot(self) -> None:
        """
        The next boot begins anew.
        """
        self.prints(FIRST_SIZE + 7)
        self.history.booted()
        self.assertEqual(self.history.boot, (FIRST_SIZE + 7, FIRST_SIZE + 7))
        self.prints(10)
        self.assertEqual(self.history.boot, (FIRST_SIZE + 7, FIRST_SIZE + 17))

    def test_afterARestart(self) -> None:
        """
        They are found again, and go on where they are not full.
        """
        self.prints(1000)
        self.history = self.found()
        self.prints(FIRST_SIZE + HISTORY_MIN)
        self.assertEqual(self.history.boot, (0, FIRST_SIZE))
        self.assertEqual(self.history.read(0, FIRST_SIZE), numbered(0, FIRST_SIZE))
        self.assertEqual(self.found().boot, (0, FIRST_SIZE))

    def test_aroundTheTurn(self) -> None:
        """
        They are kept where they go around the end of the ring, too.
        """
        self.prints(_SIZE - 5)
        self.history.booted()
        self.prints(10)
        self.prints(HISTORY_MIN * 2)
        self.assertEqual(
            self.history.read(_SIZE - 5, _SIZE + 5), numbered(_SIZE - 5, _SIZE + 5)
        )


class SizeTests(SynchronousTestCase):
    """
    A history takes the memory that it says.
    """

    def test_size(self) -> None:
        """
        It is as large as what it keeps, and a little more.
        """
        for ring in (HISTORY_MIN, HISTORY_DEFAULT):
            extra = historySize(ring) - ring
            self.assertEqual(extra, 4096 + 128 * 512 + FIRST_SIZE + AHEAD)
        self.assertEqual(makeHistory(HISTORY_MIN * 2).oldest, 0)
        self.assertTrue(os.sysconf("SC_PAGE_SIZE") >= 4096)
