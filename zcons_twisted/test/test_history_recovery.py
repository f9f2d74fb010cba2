# -*- test-case-name: zcons_twisted.test.test_history_recovery -*-
"""
Tests for L{zcons_twisted.history}: what a crash, a full disk and chance make of it.
"""

from __future__ import annotations

import socket

from twisted.trial.unittest import SynchronousTestCase

from ..errors import DamagedHistory, ExpiredRange
from ..guard import guard
from ..header import RING_MIN, Field
from ..history import (
    FIRST_SIZE,
    HISTORY_MIN,
    READ_MAX,
    History,
    historySize,
)
from ..marks import Mark, MarkKind
from ..ring import AHEAD
from ..storage import Memory
from ..tails import lastLines
from .examples import given, quickly, st
from .history_case import HistoryTestCase
from .support import numbered

_SIZE = HISTORY_MIN + AHEAD


class CrashTests(HistoryTestCase):
    """
    A server can die between any two stores.
    """

    def ring(self) -> memoryview:
        """
        @return: the ring, as it lies in memory.
        """
        start = historySize(HISTORY_MIN) - _SIZE
        return memoryview(self.memory)[start:]

    def stray(self, data: bytes) -> None:
        """
        A read brings bytes that are never committed.
        """
        at = self.history.end % _SIZE
        ring = self.ring()
        for n, byte in enumerate(data):
            ring[(at + n) % _SIZE] = byte

    def test_everyText(self) -> None:
        """
        There is no byte of a text in UTF-8 that might be taken for the guard.
        """
        places = set(guard(0, READ_MAX))
        text = {
            byte
            for point in range(0x110000)
            if not 0xD800 <= point < 0xE000
            for byte in chr(point).encode()
        }
        self.assertEqual(places & text, set())
        self.assertGreater(len(places), 10)

    def test_orderly(self) -> None:
        """
        After an orderly end nothing is missing, and offsets go on.
        """
        self.prints(1000)
        self.history = self.found()
        self.assertEqual((self.history.recover(1.0), self.history.end), (0, 1000))
        self.prints(10)
        self.assertEqual(self.history.read(0, 1010), numbered(0, 1010))
        self.assertEqual(list(self.history.marks), [])

    def test_readInFlight(self) -> None:
        """
        What had been taken from the device and not been committed is a gap of that
        size, whatever text it was, and none of it is output.
        """
        texts = [b"\0", b"\n", b"~", *(b"%c" % byte for byte in range(0x80, 0xC0))]
        for printed in (100, HISTORY_MIN, _SIZE - 3, 3 * _SIZE + 17):
            for size in (1, 4095, READ_MAX):
                self.setUp()
                self.prints(printed)
                self.stray(texts[0] * size)
                texts.append(texts.pop(0))
                self.history = self.found()
                self.assertEqual(self.history.recover(7.0), size)
                self.assertEqual(
                    list(self.history.marks),
                    [Mark(printed, 7.0, MarkKind.GAP, size, "")],
                )
                self.prints(5000)
                oldest = self.history.oldest
                self.assertEqual(
                    self.history.read(oldest, printed + 5000),
                    numbered(oldest, printed + 5000),
                )
                self.assertEqual(self.found().recover(8.0), 0)

    def test_firstReadOfAll(self) -> None:
        """
        So it is where nothing had been printed before.
        """
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        ours.setblocking(False)
        self.assertRaises(BlockingIOError, self.history.readFrom, ours.fileno())
        self.stray(b"login: ")
        self.history = self.found()
        self.assertEqual((self.history.recover(1.0), self.history.end), (7, 0))

    def test_againAndAgain(self) -> None:
        """
        However often a server dies without a byte printed between, nothing more is
        lost of what is kept than by the first time.
        """
        self.prints(3 * _SIZE)
        self.history = self.found()
        self.history.recover(0.0)
        oldest = self.history.oldest
        self.assertEqual(oldest, 3 * _SIZE - HISTORY_MIN)
        for _ in range(10):
            self.history = self.found()
            self.history.recover(0.0)
            self.assertEqual(self.history.oldest, oldest)
        self.assertEqual(
            self.history.read(oldest, 3 * _SIZE), numbered(oldest, 3 * _SIZE)
        )

    def test_anyStore(self) -> None:
        """
        Whatever store of a commit is the last one, what a new server offers is what
        was printed.
        """
        for printed in (0, 50_000, 60_000, HISTORY_MIN, 70_000, _SIZE, 200_000):
            for stores in range(12):
                self.setUp()
                self.prints(printed)
                self.dieAfter(stores, 3000)
                self.history = self.found()
                self.history.recover(0.0)
                self.assertIn(self.history.end, (printed, printed + 3000))
                oldest, end = self.history.oldest, self.history.end
                self.assertEqual(self.history.read(oldest, end), numbered(oldest, end))
                first, last = self.history.boot
                self.assertEqual(self.history.read(first, last), numbered(first, last))

    def dieAfter(self, stores: int, size: int) -> None:
        """
        The server dies in the middle of keeping something.
        """
        left = [stores]

        class Died(Exception):
            """
            It is dead.
            """

        class Numbers:
            """
            Header numbers that can be stored so often.
            """

            def __init__(self, numbers: memoryview) -> None:
                self.numbers = numbers

            def __getitem__(self, at: int) -> int:
                found: int = self.numbers[at]
                return found

            def __setitem__(self, at: int, value: int) -> None:
                spend()
                self.numbers[at] = value

        def spend() -> None:
            if not left[0]:
                raise Died
            left[0] -= 1

        put = self.history._put

        def putting(at: int, data: bytes) -> None:
            spend()
            put(at, data)

        self.patch(self.history, "_put", putting)
        self.patch(self.history, "_numbers", Numbers(self.history._numbers))
        try:
            self.prints(size)
        except Died:
            pass


class RoomTests(SynchronousTestCase):
    """
    Memory is claimed before it is used, and may not be there.
    """

    def make(self, room: int) -> History:
        """
        A new history of 256 KiB with room for no more than so many bytes.
        """
        memory = getattr(self, "memory", None)
        if memory is None:
            memory = self.memory = bytearray(historySize(4 * HISTORY_MIN))
        claimed = [0]
        self.claims: list[tuple[int, int]] = []

        class Room(Memory):
            """
            So much of it.
            """

            def claim(inner, start: int, length: int) -> bool:
                self.claims.append((start, length))
                if claimed[0] + length > room:
                    return False
                claimed[0] += length
                return True

        return History(memoryview(memory), 4 * HISTORY_MIN, Room())

    def test_asItIsUsed(self) -> None:
        """
        No more is claimed than will soon be used.
        """
        history = self.make(10**9)
        self.assertEqual(sum(length for _, length in self.claims), 98_304)
        history.append(b"x" * 100_000)
        ring = 4 * HISTORY_MIN + AHEAD
        claimed = sum(
            length
            for start, length in self.claims
            if start >= historySize(4 * HISTORY_MIN) - ring
        )
        self.assertLess(claimed, ring)
        self.assertGreaterEqual(claimed, 100_000 + AHEAD)

    def test_refused(self) -> None:
        """
        A history that can't grow stays as it is, and goes on.
        """
        # Two steps of the ring, and the first bytes since the boot.
        history = self.make(98304 + 65536 * 2)
        history.append(numbered(0, 300_000))
        self.assertEqual(history.oldest, 300_000 - 163_840 + AHEAD)
        self.assertEqual(
            history.read(history.oldest, 300_000), numbered(history.oldest, 300_000)
        )
        again = self.make(0)
        self.assertEqual((again.recover(0.0), again.end), (0, 300_000))
        again.append(numbered(300_000, 350_000))
        self.assertEqual(
            again.read(again.oldest, 350_000), numbered(again.oldest, 350_000)
        )

    def test_refusedAfterARestart(self) -> None:
        """
        So it is for one that was found, however little it had used; and it is found
        once more.
        """
        self.make(10**9).append(numbered(0, 100))
        history = self.make(0)
        history.recover(0.0)
        history.append(numbered(100, 100_000))
        for found in (history, self.make(0)):
            self.assertEqual(
                found.read(found.oldest, 100_000), numbered(found.oldest, 100_000)
            )
            self.assertGreaterEqual(100_000 - found.oldest, 48 * 1024)

    def test_nothing(self) -> None:
        """
        One that can't even begin is an error.
        """
        self.assertRaises(OSError, self.make, 0)

    def test_noFirst(self) -> None:
        """
        Without room for the first bytes since the boot the ring is all there is, and
        what a later server has room for is not taken for them.
        """
        history = self.make(98304)
        history.append(numbered(0, 1000))
        self.assertEqual(history.boot, (0, 0))
        history = self.make(10**9)
        history.append(numbered(1000, 2000))
        self.assertEqual(history.boot, (0, 0))
        history.booted()
        history.append(numbered(2000, 3000))
        self.assertEqual(history.boot, (2000, 3000))


class DamagedTests(HistoryTestCase):
    """
    What can't have been left by a history of this size is not used.
    """

    def damaged(self, at: int, value: int) -> str:
        """
        @return: why a history with another number in its header is not used.
        """
        self.setUp()
        self.prints(100)
        self.history.event(0.0, 1, "")
        memoryview(self.memory)[:4096].cast("Q")[at] = value
        return str(self.assertRaises(DamagedHistory, self.found))

    def test_header(self) -> None:
        """
        Each number in its header can be wrong.
        """
        self.assertEqual(self.damaged(0, 7), "it is no history of this format")
        for value in (0, RING_MIN - 1, _SIZE + 1, 2**64 - 1):
            self.assertEqual(
                self.damaged(Field.OTHER_RING, value), "its size can't be true"
            )
        for at, value in (
            (Field.BIRTH, 0),
            (Field.BOOT, 101),
            (Field.FIRST, FIRST_SIZE + 1),
            (Field.LAYOUT, 2),
            (Field.OTHER_BASE, 101),
        ):
            self.assertEqual(self.damaged(at, value), "its header contradicts itself")

    def test_older(self) -> None:
        """
        What an older server has left is told as that.
        """
        older = int.from_bytes(b"zcons\x01\r\n", "big")
        self.assertEqual(
            self.damaged(Field.MAGIC, older), "it is a history of an older format"
        )

    def test_marks(self) -> None:
        """
        So can its marks.
        """
        self.assertIn("gap 0 is spoilt", self.damaged(Field.GAPS, 5))
        self.assertIn("event 1 is spoilt", self.damaged(Field.EVENTS, 2))

    @quickly
    @given(st.integers(0, 11), st.integers(0, 2**64 - 1))
    def test_anyNumber(self, at: int, value: int) -> None:
        """
        Whatever is in a number of the header, the history is used or it is not; a
        console is not taken down by it.
        """
        memory = bytearray(historySize(HISTORY_MIN))
        history = History(memoryview(memory), HISTORY_MIN)
        history.append(b"x" * 1000)
        memoryview(memory)[:4096].cast("Q")[at] = value
        try:
            found = History(memoryview(memory), HISTORY_MIN)
        except DamagedHistory:
            return
        found.recover(0.0)
        found.append(b"y" * 1000)
        self.assertEqual(found.read(found.end - 1000, found.end), b"y" * 1000)


class ModelTests(SynchronousTestCase):
    """
    A history is what was printed, without what is too old.
    """

    @quickly
    @given(
        st.lists(
            st.one_of(
                st.tuples(st.just("print"), st.integers(1, 50_000)),
                st.tuples(st.just("restart"), st.integers(0, 1)),
                st.tuples(st.just("boot"), st.just(0)),
                st.tuples(st.just("read"), st.integers(0, 400_000)),
                st.tuples(st.just("lines"), st.integers(0, 50)),
            ),
            max_size=30,
        )
    )
    def test_model(self, steps: list[tuple[str, int]]) -> None:
        """
        It agrees with all that was printed, kept as bytes.
        """
        memory = bytearray(historySize(HISTORY_MIN))
        history = History(memoryview(memory), HISTORY_MIN)
        all_ = b""
        boot = 0
        for what, number in steps:
            if what == "print":
                text = numbered(len(all_), len(all_) + number)
                text = text.replace(b"7", b"\n")
                history.append(text)
                all_ += text
            elif what == "restart":
                history = History(memoryview(memory), HISTORY_MIN)
                self.assertEqual(history.recover(0.0), 0)
            elif what == "boot":
                history.booted()
                boot = len(all_)
            elif what == "read":
                self.compareRead(history, all_, number)
            else:
                start = lastLines(history, number, HISTORY_MIN)
                self.assertEqual(all_[start:], expected(all_, history.oldest, number))
            self.assertEqual(history.end, len(all_))
            self.assertLessEqual(history.oldest, max(0, len(all_) - 48 * 1024))
            first, last = history.boot
            self.assertEqual((first, last), (boot, min(len(all_), boot + FIRST_SIZE)))
            self.assertEqual(history.read(first, last), all_[first:last])

    def compareRead(self, history: History, all_: bytes, start: int) -> None:
        """
        A part is what it was, or has expired.
        """
        stop = start + 10_000
        try:
            found = history.read(start, stop)
        except ExpiredRange as e:
            self.assertLess(start, e.oldest)
            self.assertEqual(e.oldest, history.oldest)
        else:
            self.assertEqual(found, all_[start:stop])


def expected(text: bytes, oldest: int, lines: int) -> bytes:
    """
    The last lines of a text, the simple way.
    """
    kept = text[oldest:].splitlines(keepends=True) if lines else []
    return b"".join(kept[-lines:])
