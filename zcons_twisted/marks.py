# -*- test-case-name: zcons_twisted.test.test_marks -*-
"""
Marks: what happened between two bytes of a console's output.

They are kept in records of a fixed size in a piece of memory that may be a file's:
the last L{MARKS} events, and the last L{MARKS} gaps in a space of their own, so that
however much happens no gap is forgotten for it.  A record counts only when the number
of its kind ever made says so, which whoever owns the memory stores after it.
"""

from __future__ import annotations

import enum
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge

from .errors import DamagedHistory
from .events import ZoneEvent

__all__ = ["MARKS", "MARKS_SIZE", "MARK_SIZE", "Mark", "MarkKind", "Marks"]

#: How many marks of each kind are kept, and the size of each in bytes.
MARKS = 64
MARK_SIZE = 512
#: Bytes of all of them.
MARKS_SIZE = 2 * MARKS * MARK_SIZE

#: Times of marks are less than this: the year 9999 is over.
_TIME_END = 253_402_300_800

# Number, offset, time, what, kind, length of the text; then a checksum of all of it.
_MARK = struct.Struct("=QQdQHH")
_SUM = struct.Struct("=I")
_TEXT_AT = _MARK.size + _SUM.size
_TEXT_MAX = MARK_SIZE - _TEXT_AT


class MarkKind(enum.IntEnum):
    """
    What a mark tells of.
    """

    #: A zone event: C{number} is a L{ZoneEvent<zcons_twisted.events.ZoneEvent>},
    #: C{text} its boot arguments, or why it happened.
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


_Numbered = tuple[int, Mark]


class _Space:
    """
    The marks of one kind.

    @ivar made: how many there have ever been.
    @ivar kept: the last of them with their numbers, oldest first.
    @ivar dropped: the offset of the last one that is not kept any more, as far as
        that is known, or -1.
    """

    def __init__(self, kind: MarkKind, records: memoryview) -> None:
        self.kind = kind
        self.records = records
        self.kept: list[_Numbered] = []
        self.made = 0
        self.dropped = -1

    def load(self, made: int, all_: int) -> None:
        for place in range(max(0, made - MARKS), made):
            try:
                number, mark = self._loaded(place)
                if not number < all_:
                    raise DamagedHistory(f"{self._name(place)} is out of its place")
            except DamagedHistory:
                # The server may have died while it stored the next one there.
                if place != made - MARKS:
                    raise
            else:
                self.kept.append((number, mark))
        self.made = made
        if made > len(self.kept):
            self.dropped = self.kept[0][1].offset

    def append(self, number: int, mark: Mark) -> None:
        if len(self.kept) == MARKS:
            self.dropped = self.kept.pop(0)[1].offset
        self.store(self.made, number, mark)
        self.made += 1
        self.kept.append((number, mark))

    def move(self, records: memoryview) -> None:
        self.records = records
        for place, (number, mark) in enumerate(self.kept, self.made - len(self.kept)):
            self.store(place, number, mark)

    def store(self, place: int, number: int, mark: Mark) -> None:
        text = mark.text.encode("utf-8", "surrogateescape")[:_TEXT_MAX]
        head = _MARK.pack(
            number, mark.offset, mark.time, mark.number, mark.kind, len(text)
        )
        record = head + _SUM.pack(zlib.crc32(head + text)) + text
        at = place % MARKS * MARK_SIZE
        self.records[at : at + len(record)] = record

    def _loaded(self, place: int) -> _Numbered:
        at = place % MARKS * MARK_SIZE
        record = bytes(self.records[at : at + MARK_SIZE])
        number, offset, time, what, kind, length = _MARK.unpack_from(record)
        text = record[_TEXT_AT:][:length]
        (checksum,) = _SUM.unpack_from(record, _MARK.size)
        if checksum != zlib.crc32(record[: _MARK.size] + text):
            raise DamagedHistory(f"{self._name(place)} is spoilt")
        try:
            if kind != self.kind or (kind == MarkKind.EVENT and not ZoneEvent(what)):
                raise ValueError(what)
        except ValueError:
            raise DamagedHistory(f"{self._name(place)} is of no kind") from None
        # Nor is there a time that is no number, or of an age to come.
        if not 0 <= time < _TIME_END:
            raise DamagedHistory(f"{self._name(place)} is out of its place")
        return number, Mark(
            offset, time, self.kind, what, text.decode("utf-8", "replace")
        )

    def _name(self, place: int) -> str:
        return f"{self.kind.name.lower()} {place}"


class Marks:
    """
    The marks of one console, in the order that they were made.  Each has its number
    for ever.

    @ivar made: how many there have ever been.
    """

    def __init__(self, records: memoryview) -> None:
        """
        @param records: L{MARKS_SIZE} bytes.
        """
        half = MARKS * MARK_SIZE
        self._events = _Space(MarkKind.EVENT, records[:half])
        self._gaps = _Space(MarkKind.GAP, records[half:])
        self._kept: list[_Numbered] = []
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
        return iter([mark for _, mark in self._kept])

    @property
    def events(self) -> int:
        """
        How many events there have ever been.
        """
        return self._events.made

    @property
    def gaps(self) -> int:
        """
        The same of gaps.
        """
        return self._gaps.made

    def load(self, events: int, gaps: int, end: int) -> None:
        """
        Take up what an earlier server left.

        @param events: how many events it had made.
        @param gaps: how many gaps.
        @param end: the offset after the last byte of output.
        @raise DamagedHistory: it left no marks.
        """
        self.made = events + gaps
        self._events.load(events, self.made)
        self._gaps.load(gaps, self.made)
        self._mergeKept()
        offset, last = 0, -1
        for number, mark in self._kept:
            if number <= last or not offset <= mark.offset <= end:
                raise DamagedHistory(
                    f"{mark.kind.name.lower()} of number {number} is out of its place"
                )
            offset, last = mark.offset, number

    def append(self, mark: Mark) -> None:
        """
        Keep one more.
        """
        space = self._events if mark.kind is MarkKind.EVENT else self._gaps
        space.append(self.made, mark)
        self.made += 1
        self._mergeKept()

    def move(self, records: memoryview) -> None:
        """
        Go on in other memory.
        """
        half = MARKS * MARK_SIZE
        self._events.move(records[:half])
        self._gaps.move(records[half:])

    def adopt(self, other: Marks) -> None:
        """
        Begin with what another one has.
        """
        for ours, theirs in (
            (self._events, other._events),
            (self._gaps, other._gaps),
        ):
            ours.made, ours.dropped = theirs.made, theirs.dropped
            ours.kept.extend(theirs.kept)
            ours.move(ours.records)
        self.made = other.made
        self._mergeKept()

    def close(self) -> None:
        """
        Let the memory go; nothing more can be kept.
        """
        self._events.records.release()
        self._gaps.records.release()

    def first(self, offset: int) -> int:
        """
        The number from which on a session is told that begins at an offset: that of
        the first mark there or after it; but where one that is not kept any more may
        have been behind it, the number before, of which L{after} tells.
        """
        number, before = self.made, -1
        for kept, mark in reversed(self._kept):
            if mark.offset < offset:
                before = kept
                break
            number = kept
        if max(self._events.dropped, self._gaps.dropped) > offset:
            return max(number - 1, before + 1)
        return number

    def after(self, number: int) -> _Numbered | None:
        """
        The first mark that is kept of a number or a later one, with its own.  Where
        that is later, those between are not kept any more.
        """
        for found in self._kept:
            if found[0] >= number:
                return found
        return None

    def _mergeKept(self) -> None:
        self._kept = list(merge(self._events.kept, self._gaps.kept, key=_numberOf))


def _numberOf(numbered: _Numbered) -> int:
    return numbered[0]
