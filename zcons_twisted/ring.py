# -*- test-case-name: zcons_twisted.test.test_history -*-
"""
A history's ring, and the first bytes since the zone's last boot beside it: where an
offset lies in them, and what is there.  L{zcons_twisted.history} has the rest.

The ring begins small.  Each time that it is about to come to its turn it grows by a
step, until it is as large as it may be; where there is no room for that, it comes to
its turn, and grows at a later one.
"""

from __future__ import annotations

from .errors import ExpiredRange
from .guard import READ_MAX
from .header import FIRST_SIZE, HEADER_SIZE, RING_MIN, isOurs, setLayout
from .marks import MARKS_SIZE
from .storage import Storage

__all__ = ["AHEAD", "FIRST_AT", "HEAD_SIZE", "RENEW", "RING_AT", "STEP", "Ring"]

#: What must be there from the beginning.
HEAD_SIZE = HEADER_SIZE + MARKS_SIZE
FIRST_AT = HEAD_SIZE
RING_AT = FIRST_AT + FIRST_SIZE

#: The guard is renewed when so many bytes have come since the last time, ...
RENEW = READ_MAX // 2
#: ... so far ahead of the end, where nothing is kept: after a read it is to be there
#: for the next one.
AHEAD = 2 * READ_MAX + RENEW
#: By how much the ring grows.
STEP = 64 * 1024


class Ring:
    """
    The part of a history that is read.

    @ivar end: the offset after the last byte; so many were printed since birth.
    """

    def __init__(self, memory: memoryview, ring: int, storage: Storage) -> None:
        """
        @param memory: a history's.
        @param ring: how many bytes are kept.
        @param storage: what the memory is a view of.
        """
        self.end = 0
        self._storage = storage
        self._most = ring + AHEAD
        # Its size as yet, and the offset at its beginning.
        self._size = RING_MIN
        self._base = 0
        # Where the last boot began, and how much of what it printed first is kept.
        self._boot = self._kept = 0
        self._use(memory)

    @property
    def oldest(self) -> int:
        """
        The first offset that the ring still has.
        """
        return max(self._base, self.end + AHEAD - self._size)

    @property
    def boot(self) -> tuple[int, int]:
        """
        Where the zone's last boot began, and where what is kept of it ends.
        """
        return self._boot, self._boot + self._kept

    def settle(self) -> None:
        """
        Make sure that what is kept can be read, and something be kept, without a look
        at either yet.  Where memory was lost, less may be kept than before.
        """
        if not self._storage.isWhole() or not isOurs(self._numbers):
            self._replace()

    def chunk(self, start: int, most: int) -> memoryview:
        """
        Bytes from an offset on, as they lie in the ring: fewer than asked for at its
        turn and at its end.  They must be used before anything more is kept.

        @raise ExpiredRange: they are not kept any more.
        """
        if start < self.oldest:
            raise ExpiredRange(start, self.oldest)
        at = self._place(start)
        return self._ring[at : min(at + most, at + self.end - start, self._size)]

    def firstChunk(self, start: int, most: int) -> memoryview:
        """
        The same of the first bytes since the zone's last boot.

        @param start: one of the offsets that L{boot} tells.
        """
        at = start - self._boot
        return self._first[at : min(at + most, self._kept)]

    def since(self, start: int) -> memoryview | None:
        """
        What was kept last, from an offset of which this is known, without a look at
        what is kept; L{None} where it goes around the end of the ring.
        """
        at = (start - self._base) % self._size
        stop = at + self.end - start
        return self._ring[at:stop] if stop <= self._size else None

    def read(self, start: int, stop: int) -> bytes:
        """
        A copy of the bytes from one offset up to another, from the ring or, where they
        have left it, from the beginning of the zone's life.

        @raise ExpiredRange: they are not kept any more.
        """
        self.settle()
        stop = min(stop, self.end)
        kept, keptEnd = self.boot
        parts = []
        if start < self.oldest and kept <= start < keptEnd:
            part = self.firstChunk(start, stop - start)
            parts.append(bytes(part))
            start += len(part)
        while start < stop:
            part = self.chunk(start, stop - start)
            parts.append(bytes(part))
            start += len(part)
        return b"".join(parts)

    # Inside.

    def _replace(self) -> None:
        """
        Memory was lost: go on in other memory.
        """
        raise NotImplementedError

    def _use(self, memory: memoryview) -> None:
        self._numbers = memory[:HEADER_SIZE].cast("Q")
        self._first = memory[FIRST_AT:RING_AT]
        self._ring = memory[RING_AT : RING_AT + self._most]

    def _place(self, offset: int) -> int:
        return (offset - self._base) % self._size

    def _grow(self, at: int) -> bool:
        """
        Let the ring be a step longer; what lies before the place C{at} stays.
        """
        step = min(STEP, self._most - self._size)
        if not step or not self._storage.claim(RING_AT + self._size, step):
            return False
        self._size += step
        self._base = self.end - at
        setLayout(self._numbers, self._size, self._base)
        return True

    def _put(self, at: int, data: bytes | memoryview) -> None:
        ring, size = self._ring, self._size
        stop = at + len(data)
        if stop <= size:
            ring[at:stop] = data
        else:
            ring[at:size] = data[: size - at]
            ring[: stop - size] = data[size - at :]
