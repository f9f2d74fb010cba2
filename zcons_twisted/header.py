# -*- test-case-name: zcons_twisted.test.test_history_recovery -*-
"""
The header of a history: numbers of 64 bits in the machine's own byte order, of which
each is stored at once and none is lost by a crash.

Two of them say where in the ring an offset lies, and change together; so there are two
pairs of them, and one number that says which of the pairs holds.
"""

from __future__ import annotations

import enum
import secrets

from .errors import DamagedHistory

__all__ = [
    "FIRST_SIZE",
    "HEADER_SIZE",
    "RING_MIN",
    "Field",
    "begin",
    "check",
    "checkFormat",
    "isBlank",
    "isOurs",
    "layoutOf",
    "setLayout",
]

HEADER_SIZE = 4096

#: Bytes kept from the zone's last boot on.
FIRST_SIZE = 64 * 1024

#: What a ring begins with.
RING_MIN = 96 * 1024

#: Offsets and numbers of marks are less than this.
_NUMBER_MAX = 2**63

# "zcons", a format number, and the two line ends that a careless copy spoils.
_MAGIC = int.from_bytes(b"zcons\x03\r\n", "big")
_ANY_MAGIC = 0xFFFFFFFFFF00FFFF

Numbers = memoryview


class Field(enum.IntEnum):
    """
    The numbers of the header, by their place.
    """

    MAGIC = 0
    #: What tells this history from others.
    BIRTH = 1
    #: The offset after the last byte: so many were printed.
    END = 2
    #: Where the last boot began, and how many bytes are kept from there.
    BOOT = 3
    FIRST = 4
    #: Events and gaps ever made.
    EVENTS = 5
    GAPS = 6
    #: Which of the two pairs holds: the ring's size, and the offset that lies, or would
    #: lie, at its beginning, before which nothing is kept.
    LAYOUT = 7
    RING = 8
    BASE = 9
    OTHER_RING = 10
    OTHER_BASE = 11


def isBlank(numbers: Numbers) -> bool:
    """
    Is it the header of a history that has not begun?
    """
    begun = (Field.MAGIC, Field.END, Field.BOOT, Field.FIRST, Field.EVENTS, Field.GAPS)
    return not any(numbers[field] for field in begun)


def isOurs(numbers: Numbers) -> bool:
    """
    Is it still, or at all, the header of a history of this format?
    """
    return bool(numbers[Field.MAGIC] == _MAGIC)


def begin(numbers: Numbers, ring: int) -> None:
    """
    A new history, of so many bytes of ring.
    """
    numbers[Field.BIRTH] = secrets.randbits(63) + 1
    numbers[Field.LAYOUT] = 0
    setLayout(numbers, ring, 0)
    numbers[Field.MAGIC] = _MAGIC


def layoutOf(numbers: Numbers) -> tuple[int, int]:
    """
    The ring's size, and the offset at its beginning.
    """
    other = 2 * numbers[Field.LAYOUT]
    return numbers[Field.RING + other], numbers[Field.BASE + other]


def setLayout(numbers: Numbers, ring: int, base: int) -> None:
    """
    Let them be others, in one store.
    """
    layout = 1 - numbers[Field.LAYOUT]
    numbers[Field.RING + 2 * layout] = ring
    numbers[Field.BASE + 2 * layout] = base
    numbers[Field.LAYOUT] = layout


def checkFormat(numbers: Numbers) -> None:
    """
    Has a server left it that knew no better?

    @param numbers: the first one will do.
    @raise DamagedHistory: it has.
    """
    magic = numbers[Field.MAGIC]
    if magic != _MAGIC and magic & _ANY_MAGIC == _MAGIC & _ANY_MAGIC:
        raise DamagedHistory("it is a history of an older format")


def check(numbers: Numbers, most: int) -> None:
    """
    Can it be the header of a history that somebody has left?

    @param most: the largest ring that there is room for.
    @raise DamagedHistory: it can't.
    """
    checkFormat(numbers)
    if not isOurs(numbers):
        raise DamagedHistory("it is no history of this format")
    if numbers[Field.LAYOUT] > 1:
        raise DamagedHistory("its header contradicts itself")
    ring, base = layoutOf(numbers)
    if not RING_MIN <= ring <= most:
        raise DamagedHistory("its size can't be true")
    if (
        not 0 < numbers[Field.BIRTH] <= _NUMBER_MAX
        or numbers[Field.END] >= _NUMBER_MAX
        or numbers[Field.EVENTS] >= _NUMBER_MAX
        or numbers[Field.GAPS] >= _NUMBER_MAX
        or numbers[Field.BOOT] > numbers[Field.END]
        or base > numbers[Field.END]
        or numbers[Field.FIRST] > FIRST_SIZE
    ):
        raise DamagedHistory("its header contradicts itself")
