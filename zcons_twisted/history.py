# -*- test-case-name: zcons_twisted.test.test_history -*-
"""
History: what a zone printed, kept by absolute offset since the console's birth.

It is the only buffer that output has.  A device is read straight into it, and a
session is a position in it; reading takes nothing away.  The last bytes are in a ring,
the first since the zone's last boot beside it, and what happened meanwhile (events,
gaps) in marks, each with the offset that it belongs before.

Nothing here opens a file: L{zcons_twisted.history_file} maps one, and tests give plain
memory.  The layout, in the machine's own byte order, each number 64 bits::

    0                      header, see L{_Field}
    L{HEADER_SIZE}         marks, L{MARKS} records of L{MARK_SIZE} bytes
    + MARKS * MARK_SIZE    the first bytes since the last boot, L{FIRST_SIZE}
    + FIRST_SIZE           the ring

A crash can come between any two stores.  What is committed ends at C{end}, which moves
in one store after the bytes are there.  Ahead of it the ring holds the guard pattern
as far as one read can reach; where a new server finds it broken, that many bytes had
been taken from the device and were not committed, and they become a gap of that size.
"""

from __future__ import annotations

import enum
import errno
import os
from collections.abc import Callable

from .errors import DamagedHistory, ExpiredRange
from .guard import READ_MAX, broken, guard
from .marks import MARK_SIZE, MARKS, Mark, MarkKind, Marks

__all__ = [
    "FIRST_SIZE",
    "HISTORY_DEFAULT",
    "HISTORY_MAX",
    "HISTORY_MIN",
    "READ_MAX",
    "Extend",
    "History",
    "historySize",
]

#: Bytes of a console's history: usual, least and most.
HISTORY_DEFAULT = 1024 * 1024
HISTORY_MIN = 64 * 1024
HISTORY_MAX = 1024 * 1024 * 1024

#: Bytes kept from the zone's last boot on.
FIRST_SIZE = 64 * 1024

HEADER_SIZE = 4096
_MARKS_AT = HEADER_SIZE
#: What must be there from the beginning.
HEAD_SIZE = _MARKS_AT + MARKS * MARK_SIZE
_FIRST_AT = HEAD_SIZE
_RING_AT = _FIRST_AT + FIRST_SIZE

#: Offsets and numbers of marks are less than this.
_NUMBER_MAX = 2**63
#: Times of marks are less than this: the year 9999 is over.
_TIME_END = 253_402_300_800

# "zcons", a format number, and the two line ends that a careless copy spoils.
_MAGIC = int.from_bytes(b"zcons\x01\r\n", "big")

#: From an offset in the memory and a length to whether that part may be used.
Extend = Callable[[int, int], bool]

#: By how much of the ring is claimed at a time.
_STEP = 64 * 1024


class _Field(enum.IntEnum):
    """
    The numbers of the header, by their place.
    """

    MAGIC = 0
    #: Bytes of the ring, the guard's included.
    RING = 1
    END = 2
    #: Nothing before this offset is whole.
    FLOOR = 3
    #: Where the last boot began, and how many bytes are kept from there.
    BOOT = 4
    FIRST = 5
    #: Marks ever made.
    MARKED = 6


# The one that is stored at each read.
_END = int(_Field.END)


def historySize(ring: int) -> int:
    """
    The bytes of memory for a history that keeps C{ring} bytes.
    """
    return _RING_AT + ring + READ_MAX


class History:
    """
    One console's history in a piece of memory.

    @ivar end: the offset after the last byte; so many were printed since birth.
    @ivar marks: what happened.
    """

    def __init__(
        self, memory: memoryview, ring: int, extend: Extend | None = None
    ) -> None:
        """
        @param memory: L{historySize} bytes, zeros for a new history, else what an
            earlier one left.
        @param ring: how many bytes are kept.
        @param extend: claims memory before it is first used, where it could turn out
            not to be there: a page of a file on a full disk.  What it refuses is done
            without.
        @raise DamagedHistory: it can't have been left by one of this size.
        @raise OSError: there is no room to begin it.
        """
        self._numbers = memory[:HEADER_SIZE].cast("Q")
        self._first = memory[_FIRST_AT:_RING_AT]
        self._ring = memory[_RING_AT : _RING_AT + ring + READ_MAX]
        self._extend = extend or _allThere
        self._firstSize = FIRST_SIZE
        self._claimed = 0
        self._size = ring + READ_MAX
        self.marks = Marks(memory[_MARKS_AT:_FIRST_AT])
        if self._numbers[_Field.MAGIC] or any(self._numbers[_Field.END :]):
            self._check()
            self._size = self._numbers[_Field.RING]
            self.end = self._numbers[_Field.END]
            # The first step was claimed when it was begun.
            self._claimed = min(self._size, max(_STEP, self.end + READ_MAX))
            self.marks.load(self._numbers[_Field.MARKED], self.end)
        else:
            self.end = 0
            self._claimed = min(_STEP, self._size)
            if not self._extend(_RING_AT, self._claimed):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._numbers[_Field.RING] = self._size
            self._numbers[_Field.MAGIC] = _MAGIC
        self._boot = self._numbers[_Field.BOOT]
        self._kept = min(self._numbers[_Field.FIRST], self.end - self._boot)
        if self._boot + self._kept < self.end:
            # What is kept from the boot on is over; nothing else goes behind it.
            self._firstSize = self._kept
        self._floor = self._numbers[_Field.FLOOR]

    # Writing.

    def recover(self, now: float) -> int:
        """
        After a server's death: find what had been read and not committed, and say so.
        Called once before the first read.

        @param now: the time in seconds since the epoch.
        @return: how many bytes are missing.
        """
        missing = self._brokenGuard()
        floor = self.end + 2 * READ_MAX - self._size
        if floor > self._floor:
            # The guard may have been written over the oldest bytes already.
            self._floor = floor
            self._numbers[_Field.FLOOR] = floor
        if self.end or missing:
            self._guard(self.end, READ_MAX)
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
        if self._claimed < self._size:
            self._claim()
        ring, size = self._ring, self._size
        at = self.end % size
        stop = at + most
        if stop <= size:
            got = os.readv(fd, (ring[at:stop],))
        else:
            got = os.readv(fd, (ring[at:size], ring[: stop - size]))
        if got:
            self._commit(got)
        return got

    def append(self, data: bytes) -> None:
        """
        Keep what came from a device that can't be read into memory.
        """
        for start in range(0, len(data), READ_MAX):
            if self._claimed < self._size:
                self._claim()
            self._put(self.end % self._size, data[start : start + READ_MAX])
            self._commit(min(READ_MAX, len(data) - start))

    def mark(self, mark: Mark) -> None:
        """
        Note that something happened here.
        """
        self.marks.append(mark)
        # Only now does it count.
        self._numbers[_Field.MARKED] = self.marks.made

    def event(self, time: float, event: int, text: str) -> None:
        """
        Note a zone event.
        """
        self.mark(Mark(self.end, time, MarkKind.EVENT, event, text))

    def booted(self) -> None:
        """
        The zone boots: what it prints from here on is the beginning of its life.
        """
        self._numbers[_Field.FIRST] = 0
        self._numbers[_Field.BOOT] = self.end
        self._boot = self.end
        self._kept = 0
        self._firstSize = FIRST_SIZE

    def close(self) -> None:
        """
        Let the memory go; nothing more can be kept or read.
        """
        self.marks.close()
        for part in (self._numbers, self._first, self._ring):
            part.release()

    # Reading.

    @property
    def oldest(self) -> int:
        """
        The first offset that the ring still has.
        """
        return max(self._floor, self.end - (self._size - READ_MAX), 0)

    @property
    def boot(self) -> tuple[int, int]:
        """
        Where the zone's last boot began, and where what is kept of it ends.
        """
        return self._boot, self._boot + self._kept

    def chunk(self, start: int, most: int) -> memoryview:
        """
        Bytes from an offset on, as they lie in the ring: fewer than asked for at its
        turn and at its end.  They must be used before anything more is kept.

        @raise ExpiredRange: they are not kept any more.
        """
        if start < self.oldest:
            raise ExpiredRange(start, self.oldest)
        at = start % self._size
        return self._ring[at : min(at + most, at + self.end - start, self._size)]

    def since(self, start: int) -> memoryview | None:
        """
        What was kept last, from an offset of which this is known, without a look at
        what is kept; L{None} where it goes around the end of the ring.
        """
        at = start % self._size
        stop = at + self.end - start
        return self._ring[at:stop] if stop <= self._size else None

    def read(self, start: int, stop: int) -> bytes:
        """
        A copy of the bytes from one offset up to another, from the ring or, where they
        have left it, from the beginning of the zone's life.

        @raise ExpiredRange: they are not kept any more.
        """
        stop = min(stop, self.end)
        kept, keptEnd = self.boot
        parts = []
        if start < self.oldest and kept <= start < keptEnd:
            part = self._first[start - kept : min(stop, keptEnd) - kept]
            parts.append(bytes(part))
            start += len(part)
        while start < stop:
            part = self.chunk(start, stop - start)
            parts.append(bytes(part))
            start += len(part)
        return b"".join(parts)

    # Inside.

    def _commit(self, got: int) -> None:
        end = self.end
        if self._kept < self._firstSize:
            self._keepFirst(end, got)
        self._guard(end + READ_MAX, got)
        self.end = self._numbers[_END] = end + got

    def _keepFirst(self, end: int, got: int) -> None:
        if self._kept == 0 and not self._extend(_FIRST_AT, FIRST_SIZE):
            self._firstSize = 0
            return
        take = min(got, self._firstSize - self._kept)
        at = end % self._size
        turn = min(take, self._size - at)
        self._first[self._kept : self._kept + turn] = self._ring[at : at + turn]
        rest = take - turn
        if rest:
            self._first[self._kept + turn : self._kept + take] = self._ring[:rest]
        self._kept += take
        self._numbers[_Field.FIRST] = self._kept

    def _guard(self, offset: int, length: int) -> None:
        """
        Renew the guard over a stretch of the ring.
        """
        self._put(offset % self._size, guard(offset, length))

    def _brokenGuard(self) -> int:
        at = self.end % self._size
        found = bytes(self._ring[at : min(at + READ_MAX, self._size)])
        found += bytes(self._ring[: READ_MAX - len(found)])
        if self.end == 0 and not any(found):
            # Nothing has been read yet, and so no guard written.
            return 0
        return broken(self.end, found)

    def _put(self, at: int, data: bytes | memoryview) -> None:
        ring, size = self._ring, self._size
        stop = at + len(data)
        if stop <= size:
            ring[at:stop] = data
        else:
            ring[at:size] = data[: size - at]
            ring[: stop - size] = data[size - at :]

    def _claim(self) -> None:
        """
        Claim what the next read may reach.  Where there is no more to be had the ring
        stays as large as it is: it has not come to its turn yet, so no byte is
        elsewhere in it for that.
        """
        if self.end == 0:
            # Not before it is needed: a console that prints nothing touches no page.
            self._guard(0, READ_MAX)
        need = min(self.end + 2 * READ_MAX, self._size)
        while self._claimed < need:
            step = min(_STEP, self._size - self._claimed)
            if not self._extend(_RING_AT + self._claimed, step):
                self._size = self._claimed
                self._numbers[_Field.RING] = self._size
                return
            self._claimed += step

    def _check(self) -> None:
        numbers = self._numbers
        if numbers[_Field.MAGIC] != _MAGIC:
            raise DamagedHistory("it is no history of this format")
        if not 4 * READ_MAX <= numbers[_Field.RING] <= self._size:
            raise DamagedHistory("its size can't be true")
        if (
            numbers[_Field.END] >= _NUMBER_MAX
            or numbers[_Field.MARKED] >= _NUMBER_MAX
            or numbers[_Field.BOOT] > numbers[_Field.END]
            or numbers[_Field.FLOOR] > numbers[_Field.END]
            or numbers[_Field.FIRST] > FIRST_SIZE
        ):
            raise DamagedHistory("its header contradicts itself")


def _allThere(start: int, length: int) -> bool:
    """
    For memory that is there.
    """
    return True
