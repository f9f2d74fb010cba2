# -*- test-case-name: zcons_twisted.test.test_history_recovery -*-
"""
The guard: what a history's ring holds ahead of its end, so that a new server can see
whether the last one died between a read and its commitment.

It is a pattern that goes by offset.  Where it is broken, so many bytes had been taken
from the device and were not committed.
"""

from __future__ import annotations

import hashlib

__all__ = ["READ_MAX", "broken", "guard"]

#: Most bytes of one read, and so the most that a crash can leave uncommitted.
READ_MAX = 16 * 1024

# Where the last byte of a read is the one that the pattern has there, it is taken for
# whole, and the gap is too short by that.  So they are bytes that have no place in
# UTF-8, which a zone hardly ever prints.
_RARE = bytes((0xC0, 0xC1, *range(0xF5, 0x100)))
_DIGEST = hashlib.shake_128(b"zcons_twisted guard").digest(READ_MAX)
# Often enough that a stretch never wraps.
_PATTERN = memoryview(bytes(_RARE[byte % len(_RARE)] for byte in _DIGEST) * 4)


def guard(offset: int, length: int) -> memoryview:
    """
    What belongs at an offset, for at most three times L{READ_MAX} bytes.
    """
    phase = offset % READ_MAX
    return _PATTERN[phase : phase + length]


def broken(offset: int, found: bytes) -> int:
    """
    How far the guard is broken.

    @param offset: where it begins.
    @param found: L{READ_MAX} bytes, as they are there.
    @return: up to how many bytes were written over it.
    """
    pattern = guard(offset, READ_MAX)
    length = READ_MAX
    while length and found[length - 1] == pattern[length - 1]:
        length -= 1
    return length
