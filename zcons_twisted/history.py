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
import hashlib
import os
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from .errors import ZConsError
from .events import ZoneEvent

__all__ = [
    "FIRST_SIZE",
    "HISTORY_DEFAULT",
    "HISTORY_MAX",
    "HISTORY_MIN",
    "MARKS",
    "READ_MAX",
    "DamagedHistory",
    "ExpiredRange",
    "Extend",
    "History",
    "Mark",
    "MarkKind",
    "historySize",
]

#: Bytes of a console's history: usual, least and most.
HISTORY_DEFAULT = 1024 * 1024
HISTORY_MIN = 64 * 1024
HISTORY_MAX = 1024 * 1024 * 1024

#: Bytes kept from the zone's last boot on.
FIRST_SIZE = 64 * 1024

#: Most bytes of one read, and so the most that a crash can leave uncommitted.
READ_MAX = 16 * 1024

#: How many marks are kept, and the size of each in bytes.
MARKS = 64
MARK_SIZE = 512

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
_MARK = struct.Struct("=QdQHH")
_MARK_TEXT_MAX = MARK_SIZE - _MARK.size

#: What the ring holds ahead of the end.  Not zeros: a zone may well print those.
_PATTERN = hashlib.shake_128(b"zcons_twisted guard").digest(READ_MAX) * 2


#: From an offset in the memory and a length to whether that part may be used.
Extend = Callable[[int, int], bool]

#: By how much of the ring is claimed at a time.
_STEP = 64 * 1024


class ExpiredRange(ZConsError):
    """
    Bytes were asked for that are not kept any more.

    @ivar oldest: the first offset that is.
    """

    def __init__(self, offset: int, oldest: int) -> None:
        """
        @param offset: what was asked for.
        """
        super().__init__(
            f"offset {offset} is not kept any more: history begins at {oldest}"
        )
        self.oldest = oldest


class DamagedHistory(ZConsError):
    """
    What is there is no history, or is damaged.
    """


class MarkKind(enum.IntEnum):
    """
    What a mark tells of.
    """

    #: A zone event: C{number} is a L{ZoneEvent<zcons_twisted.events.ZoneEvent>},
    #: C{text} its boot arguments.
    EVENT = 1
    #: Output that was lost before it could be kept: C{number} bytes.
    GAP = 2


@dataclass(frozen=True, slots=True)
class Mark:
    """
    Something that happened between two bytes of output.

    @ivar offset: it belongs before the byte of this offset.
    @ivar time: when, in seconds since the epoch.
    """

    offset: int
    time: float
    kind: MarkKind
    number: int
    text: str


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


def historySize(ring: int) -> int:
    """
    The bytes of memory for a history that keeps C{ring} bytes.
    """
    return _RING_AT + ring + READ_MAX


class History:
    """
    One console's history in a piece of memory.

    @ivar end: the offset after the last byte; so many were printed since birth.
    @ivar marks: what happened, oldest first, no more than L{MARKS}.
    @ivar marked: how many marks there have ever been.
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
        self._records = memory[_MARKS_AT:_FIRST_AT]
        self._first = memory[_FIRST_AT:_RING_AT]
        self._ring = memory[_RING_AT : _RING_AT + ring + READ_MAX]
        self._extend = extend or _allThere
        self._firstSize = FIRST_SIZE
        self._claimed = 0
        self._size = ring + READ_MAX
        self.marks: deque[Mark] = deque(maxlen=MARKS)
        if self._numbers[_Field.MAGIC] or any(self._numbers[_Field.END :]):
            self._check()
            self._size = self._numbers[_Field.RING]
            self.end = self._numbers[_Field.END]
            # The first step was claimed when it was begun.
            self._claimed = min(self._size, max(_STEP, self.end + READ_MAX))
            self._readMarks()
        else:
            self.end = 0
            self._claimed = min(_STEP, self._size)
            if not self._extend(_RING_AT, self._claimed):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._numbers[_Field.RING] = self._size
            self._numbers[_Field.MAGIC] = _MAGIC
        self.marked = self._numbers[_Field.MARKED]
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
        at = self.end % self._size
        room = self._size - at
        if most <= room:
            got = os.readv(fd, (self._ring[at : at + most],))
        else:
            ring = self._ring
            got = os.readv(fd, (ring[at : self._size], ring[: most - room]))
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
        text = mark.text.encode("utf-8", "surrogateescape")[:_MARK_TEXT_MAX]
        record = _MARK.pack(mark.offset, mark.time, mark.number, mark.kind, len(text))
        record += text
        at = self.marked % MARKS * MARK_SIZE
        self._records[at : at + len(record)] = record
        # Only now does it count.
        self.marked += 1
        self._numbers[_Field.MARKED] = self.marked
        self.marks.append(mark)

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
        for part in (self._numbers, self._records, self._first, self._ring):
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

    def firstMark(self, offset: int) -> int:
        """
        The number of the first mark that belongs at an offset or after it.
        """
        number = self.marked
        for mark in reversed(self.marks):
            if mark.offset < offset:
                break
            number -= 1
        return number

    def markAt(self, number: int) -> Mark | None:
        """
        The mark of a number, or L{None} where it is not kept any more.
        """
        index = number - (self.marked - len(self.marks))
        return self.marks[index] if index >= 0 else None

    def lastLines(self, lines: int, most: int) -> int:
        """
        The offset at which the last lines begin.

        @param lines: how many; one that is not ended counts.
        @param most: but no more bytes than this.
        """
        floor = max(self.oldest, self.end - most)
        stop = self.end
        # The newline that ends the last line does not begin another one.
        if stop > floor and self.read(stop - 1, stop) == b"\n":
            stop -= 1
        if lines == 0:
            return self.end
        while stop > floor:
            start = max(floor, stop - 4096)
            text = self.read(start, stop)
            found = text.count(b"\n")
            if found < lines:
                # Counted rather than looked for: there may be a GiB of lines.
                lines -= found
                stop = start
                continue
            at = len(text)
            for _ in range(lines):
                at = text.rindex(b"\n", 0, at)
            return start + at + 1
        return floor

    # Inside.

    def _commit(self, got: int) -> None:
        end = self.end
        if self._kept < self._firstSize:
            self._keepFirst(end, got)
        self._guard(end + READ_MAX, got)
        self.end = end + got
        self._numbers[_Field.END] = end + got

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
        Renew the pattern over a stretch of the ring; the pattern goes by offset.
        """
        phase = offset % READ_MAX
        self._put(offset % self._size, _PATTERN[phase : phase + length])

    def _brokenGuard(self) -> int:
        phase = self.end % READ_MAX
        pattern = _PATTERN[phase : phase + READ_MAX]
        at = self.end % self._size
        found = bytes(self._ring[at : min(at + READ_MAX, self._size)])
        found += bytes(self._ring[: READ_MAX - len(found)])
        if self.end == 0 and not any(found):
            # Nothing has been read yet, and so no guard written.
            return 0
        broken = READ_MAX
        while broken and found[broken - 1] == pattern[broken - 1]:
            broken -= 1
        return broken

    def _put(self, at: int, data: bytes) -> None:
        ring = self._ring
        turn = self._size - at
        if len(data) <= turn:
            ring[at : at + len(data)] = data
        else:
            ring[at : self._size] = data[:turn]
            ring[: len(data) - turn] = data[turn:]

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

    def _readMarks(self) -> None:
        marked = self._numbers[_Field.MARKED]
        last = 0
        for number in range(max(0, marked - MARKS), marked):
            at = number % MARKS * MARK_SIZE
            record = bytes(self._records[at : at + MARK_SIZE])
            offset, time, what, kind, length = _MARK.unpack_from(record)
            text = record[_MARK.size :][:length].decode("utf-8", "replace")
            try:
                mark = Mark(offset, time, MarkKind(kind), what, text)
                if mark.kind is MarkKind.EVENT and not ZoneEvent(what):
                    raise ValueError(what)
            except ValueError:
                raise DamagedHistory(f"mark {number} is of no kind") from None
            # Nor is there a time that is no number, or of an age to come.
            if not last <= offset <= self.end or not 0 <= time < _TIME_END:
                raise DamagedHistory(f"mark {number} is out of its place")
            last = offset
            self.marks.append(mark)


def _allThere(start: int, length: int) -> bool:
    """
    For memory that is there.
    """
    return True
