# -*- test-case-name: zcons_twisted.test.test_history -*-
"""
Marks: what happened between two bytes of a console's output.

They are kept in records of a fixed size in a piece of memory that may be a file's, in
turn, so that the last L{MARKS} are there.  A record counts only when the number of
marks ever made says so, which whoever owns the memory stores after it.
"""

from __future__ import annotations

import enum
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import DamagedHistory
from .events import ZoneEvent

__all__ = ["MARKS", "MARK_SIZE", "Mark", "MarkKind", "Marks"]

#: How many marks are kept, and the size of each in bytes.
MARKS = 64
MARK_SIZE = 512

#: Times of marks are less than this: the year 9999 is over.
_TIME_END = 253_402_300_800

_MARK = struct.Struct("=QdQHH")
_TEXT_MAX = MARK_SIZE - _MARK.size


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


class Marks:
    """
    The marks of one console, oldest first; no more than L{MARKS} of them.

    @ivar made: how many there have ever been.
    """

    def __init__(self, records: memoryview) -> None:
        """
        @param records: L{MARKS} times L{MARK_SIZE} bytes.
        """
        self._records = records
        self._kept: deque[Mark] = deque(maxlen=MARKS)
        self.made = 0

    def __len__(self) -> int:
        """
        How many are kept.
        """
        return len(self._kept)

    def __iter__(self) -> Iterator[Mark]:
        """
        Those that are kept.
        """
        return iter(self._kept)

    def load(self, made: int, end: int) -> None:
        """
        Take up what an earlier server left.  Where it had made as many as are kept, the
        oldest is done without: the server may have died while it stored the next one
        in its place.

        @param made: how many marks it had made.
        @param end: the offset after the last byte of output.
        @raise DamagedHistory: it left no marks.
        """
        last = 0
        for number in range(max(0, made - MARKS + 1), made):
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
            if not last <= offset <= end or not 0 <= time < _TIME_END:
                raise DamagedHistory(f"mark {number} is out of its place")
            last = offset
            self._kept.append(mark)
        self.made = made

    def append(self, mark: Mark) -> None:
        """
        Keep one more.
        """
        text = mark.text.encode("utf-8", "surrogateescape")[:_TEXT_MAX]
        record = _MARK.pack(mark.offset, mark.time, mark.number, mark.kind, len(text))
        record += text
        at = self.made % MARKS * MARK_SIZE
        self._records[at : at + len(record)] = record
        self.made += 1
        self._kept.append(mark)

    def close(self) -> None:
        """
        Let the memory go; nothing more can be kept.
        """
        self._records.release()

    def first(self, offset: int) -> int:
        """
        The number of the first mark that belongs at an offset or after it.
        """
        number = self.made
        for mark in reversed(self._kept):
            if mark.offset < offset:
                break
            number -= 1
        return number

    def at(self, number: int) -> Mark | None:
        """
        The mark of a number, or L{None} where it is not kept any more.
        """
        index = number - (self.made - len(self._kept))
        return self._kept[index] if index >= 0 else None
