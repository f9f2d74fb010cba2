# -*- test-case-name: zcons_twisted.test.test_history -*-
"""
History: what a zone printed, kept by absolute offset since the console's birth.

It is the only buffer that output has.  A device is read straight into it, and a
session is a position in it; reading takes nothing away.  The last bytes are in a ring,
the first since the zone's last boot beside it, and what happened meanwhile (events,
gaps) in marks, each with the offset that it belongs before.

Nothing here opens a file: L{zcons_twisted.history_file} maps one, and tests give plain
memory.  The layout::

    0                      header, see L{zcons_twisted.header}
    L{HEADER_SIZE}         marks, L{MARKS_SIZE}
    + MARKS_SIZE           the first bytes since the last boot, L{FIRST_SIZE}
    + FIRST_SIZE           the ring

A crash can come between any two stores.  What is committed ends at C{end}, which moves
in one store after the bytes are there.  Ahead of it the ring holds the guard pattern
for as far as one read can reach, and is renewed long before that is too short; where a
new server finds it broken, that many bytes had been taken from the device and were not
committed, and they become a gap of that size.

Memory can be lost under our hands, where it is a file's and somebody cuts that short.
A read into it says so.  A store of ours would be the end of the process; so nothing is
stored behind what a read has just reached before it has been asked for.
"""

from __future__ import annotations

import errno
import os

from .guard import READ_MAX, broken, guard
from .header import (
    FIRST_SIZE,
    HEADER_SIZE,
    RING_MIN,
    Field,
    begin,
    check,
    isBlank,
    isOurs,
    layoutOf,
    setLayout,
)
from .marks import Mark, MarkKind, Marks
from .ring import AHEAD, FIRST_AT, HEAD_SIZE, RENEW, RING_AT, STEP, Ring
from .storage import LOST_TEXT, Memory, Storage

__all__ = [
    "FIRST_SIZE",
    "HEAD_SIZE",
    "HISTORY_DEFAULT",
    "HISTORY_MAX",
    "HISTORY_MIN",
    "READ_MAX",
    "History",
    "historySize",
]

#: Bytes of a console's history: usual, least and most.
HISTORY_DEFAULT = 1024 * 1024
HISTORY_MIN = 64 * 1024
HISTORY_MAX = 1024 * 1024 * 1024

# The one that is stored at each read.
_END = int(Field.END)


def historySize(ring: int) -> int:
    """
    The bytes of memory for a history that keeps C{ring} bytes.
    """
    return RING_AT + ring + AHEAD


class History(Ring):
    """
    One console's history in a piece of memory.

    @ivar birth: what tells this history from others.
    @ivar marks: what happened.
    """

    def __init__(
        self, memory: memoryview, ring: int, storage: Storage | None = None
    ) -> None:
        """
        @param memory: L{historySize} bytes, zeros for a new history, else what an
            earlier one left.
        @param ring: how many bytes are kept.
        @param storage: what the memory is a view of.
        @raise DamagedHistory: it can't have been left by one of this size.
        @raise OSError: there is no room to begin it.
        """
        super().__init__(memory, ring, storage or Memory())
        self.marks = Marks(memory[HEADER_SIZE:FIRST_AT])
        numbers = self._numbers
        if isBlank(numbers):
            if not self._storage.claim(RING_AT, RING_MIN):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            begin(numbers, RING_MIN)
        else:
            check(numbers, self._most)
            events, gaps = numbers[Field.EVENTS], numbers[Field.GAPS]
            self.marks.load(events, gaps, numbers[Field.END])
        self._size, self._base = layoutOf(numbers)
        self.birth = f"{numbers[Field.BIRTH]:016x}"
        self.end = numbers[Field.END]
        self._boot = numbers[Field.BOOT]
        self._kept = min(numbers[Field.FIRST], self.end - self._boot)
        self._firstSize = FIRST_SIZE
        if self._boot + self._kept < self.end:
            # What is kept from the boot on is over; nothing else goes behind it.
            self._firstSize = self._kept
        # Up to where the guard is whole, up to where there may be some of it, and up
        # to what end a read needs no more of it.
        self._guarded = self.end
        self._reached = self.end + AHEAD
        self._ready = -1

    def rest(self) -> None:
        """
        Nothing is read or kept for a while: that shall cost no memory.
        """
        self._storage.rest()

    def recover(self, now: float) -> int:
        """
        After a server's death: find what had been read and not committed, and say so.
        Called once before the first read.

        @param now: the time in seconds since the epoch.
        @return: how many bytes are missing.
        """
        missing = self._brokenGuard()
        if self.end or missing:
            self._guard(self.end + READ_MAX)
        if missing:
            self.mark(Mark(self.end, now, MarkKind.GAP, missing, ""))
        return missing

    def readFrom(self, fd: int, most: int = READ_MAX) -> int:
        """
        Read a device once, straight into the ring.

        @param most: how many bytes at most, no more than L{READ_MAX}.
        @return: how many came.
        @raise OSError: what the read raised; nothing came.
        """
        end = self.end
        if end > self._ready:
            self._prepare()
        ring, size = self._ring, self._size
        at = (end - self._base) % size
        stop = at + most
        try:
            if stop <= size:
                got = os.readv(fd, (ring[at:stop],))
            else:
                got = os.readv(fd, (ring[at:size], ring[: stop - size]))
        except OSError as e:
            if e.errno != errno.EFAULT:
                raise
            self._replace()
            return self.readFrom(fd, most)
        if got:
            if self._kept < self._firstSize:
                self._keepFirst(end, got)
            self.end = self._numbers[_END] = end + got
        return got

    def append(self, data: bytes) -> None:
        """
        Keep what came from a device that can't be read into memory.
        """
        for start in range(0, len(data), READ_MAX):
            self.settle()
            end = self.end
            if end > self._ready:
                self._prepare()
            piece = data[start : start + READ_MAX]
            self._put(self._place(end), piece)
            if self._kept < self._firstSize:
                self._keepFirst(end, len(piece))
            self.end = self._numbers[_END] = end + len(piece)

    def mark(self, mark: Mark) -> None:
        """
        Note that something happened here.
        """
        self.settle()
        self.marks.append(mark)
        # Only now does it count.
        if mark.kind is MarkKind.GAP:
            self._numbers[Field.GAPS] = self.marks.gaps
        else:
            self._numbers[Field.EVENTS] = self.marks.events

    def event(self, time: float, event: int, text: str) -> None:
        """
        Note a zone event.
        """
        self.mark(Mark(self.end, time, MarkKind.EVENT, event, text))

    def booted(self) -> None:
        """
        The zone boots: what it prints from here on is the beginning of its life.
        """
        self.settle()
        self._numbers[Field.FIRST] = 0
        self._numbers[Field.BOOT] = self.end
        self._boot = self.end
        self._kept = 0
        self._firstSize = FIRST_SIZE

    def adopt(self, other: History) -> None:
        """
        A new history takes the place of another one, of which it keeps what it can.

        @raise OSError: there is no room for that.
        """
        kept = min(other.end - other.oldest, self._most - AHEAD)
        while self._size < min(kept + 2 * AHEAD, self._most):
            if not self._grow(0):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        numbers = self._numbers
        self._base = start = other.end - kept
        setLayout(numbers, self._size, start)
        numbers[Field.BIRTH] = int(other.birth, 16)
        self.birth = other.birth
        while start < other.end:
            part = other.chunk(start, STEP)
            self._put(self._place(start), part)
            start += len(part)
        if other._kept and self._storage.claim(FIRST_AT, FIRST_SIZE):
            self._kept = other._kept
            self._first[: self._kept] = other._first[: self._kept]
        self._firstSize = other._firstSize if self._kept else 0
        self._boot = other._boot
        self.marks.adopt(other.marks)
        self._guarded = self._reached = self.end = other.end
        self._store()

    def close(self) -> None:
        """
        Let the memory go; nothing more can be kept or read.
        """
        self.marks.close()
        for part in (self._numbers, self._first, self._ring):
            part.release()
        self._storage.close()
        self._storage = Memory()

    @property
    def problem(self) -> str:
        """
        What is wrong with how it is kept, in a few words for people, or C{""}.
        """
        return self._storage.problem

    @property
    def reach(self) -> int:
        """
        How much of its memory it has claimed, from the beginning on.
        """
        return RING_AT + self._size

    # Inside.

    def _prepare(self) -> None:
        """
        The guard does not reach far enough ahead any more: renew it, and before that
        the room for it.
        """
        self.settle()
        end = self.end
        at = self._place(end)
        # Where the ring has come to its turn before, it grows only when what lies
        # behind the guard in that turn is as good as overwritten.
        room = AHEAD
        if end - at == self._base:
            # Nothing need be lost before the next time.
            room += RENEW + READ_MAX
        if at + room >= self._size >= at + self._reached - end:
            self._grow(at)
        self._guard(end + AHEAD)
        self._ready = end + RENEW

    def _keepFirst(self, end: int, got: int) -> None:
        if self._kept == 0 and not self._storage.claim(FIRST_AT, FIRST_SIZE):
            self._firstSize = 0
            return
        take = min(got, self._firstSize - self._kept)
        at = self._place(end)
        turn = min(take, self._size - at)
        self._first[self._kept : self._kept + turn] = self._ring[at : at + turn]
        rest = take - turn
        if rest:
            self._first[self._kept + turn : self._kept + take] = self._ring[:rest]
        self._kept += take
        self._numbers[Field.FIRST] = self._kept

    def _guard(self, stop: int) -> None:
        """
        Renew the guard up to an offset.
        """
        start = self._guarded
        self._put(self._place(start), guard(start, stop - start))
        self._guarded = stop
        self._reached = max(self._reached, stop)

    def _brokenGuard(self) -> int:
        at = self._place(self.end)
        found = bytes(self._ring[at : min(at + READ_MAX, self._size)])
        found += bytes(self._ring[: READ_MAX - len(found)])
        if self.end == 0 and not any(found):
            # Nothing has been read yet, and so no guard written.
            return 0
        return broken(self.end, found)

    def _replace(self) -> None:
        """
        Memory was lost: go on in other memory, with what is left of it.
        """
        ours = isOurs(self._numbers) if self._storage.isWhole() else True
        lost = self._storage
        memory, left = lost.salvage(RING_AT + self._size)
        self._storage = Memory(LOST_TEXT)
        self._use(memory)
        at = self._place(self.end)
        whole = (left if ours else 0) - RING_AT
        if whole < at:
            self._base = self.end
        elif whole < self._size:
            # The ring's end, where the oldest bytes are.
            self._base = self.end - at
        self._kept = min(self._kept, max(0, whole + FIRST_SIZE))
        if self._boot + self._kept < self.end:
            self._firstSize = self._kept
        self.marks.move(memory[HEADER_SIZE:FIRST_AT])
        lost.close()
        self._guarded = self.end
        self._reached = self.end + AHEAD
        self._ready = -1
        begin(self._numbers, self._size)
        self._numbers[Field.BIRTH] = int(self.birth, 16)
        setLayout(self._numbers, self._size, self._base)
        self._store()

    def _store(self) -> None:
        """
        Store all that the header has to say besides the layout, and the guard.
        """
        numbers = self._numbers
        numbers[Field.BOOT] = self._boot
        numbers[Field.FIRST] = self._kept
        numbers[Field.EVENTS] = self.marks.events
        numbers[Field.GAPS] = self.marks.gaps
        if self.end:
            self._guard(self.end + READ_MAX)
        numbers[_END] = self.end
