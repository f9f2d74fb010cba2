# -*- test-case-name: zcons_twisted.test.test_history_damage -*-
"""
Tests for L{zcons_twisted.history}: what somebody or something else has spoiled is found
to be, before anybody is told of it.
"""

from __future__ import annotations

import math
import struct
import zlib

from ..errors import DamagedHistory
from ..events import ZoneEvent
from ..header import HEADER_SIZE
from ..marks import MARK_SIZE
from .history_case import HistoryTestCase

_MARK = struct.Struct("=QQdQHH")
_SUM = struct.Struct("=I")


class DamageTests(HistoryTestCase):
    """
    A history with one event in it, and something wrong.
    """

    def setUp(self) -> None:
        """
        Something was printed, and something happened.
        """
        super().setUp()
        self.number = 0
        self.prints(100)
        self.history.event(1.0, ZoneEvent.READIED, "")
        self.prints(100)

    def damage(self) -> str:
        """
        @return: what is found to be wrong.
        """
        return str(self.assertRaises(DamagedHistory, self.found))

    def mark(self, offset: int, time: float, number: int, kind: int = 1) -> None:
        """
        Put something else in the mark's place.
        """
        at = HEADER_SIZE
        record = _MARK.pack(self.number, offset, time, number, kind, 0)
        record += _SUM.pack(zlib.crc32(record))
        self.memory[at : at + MARK_SIZE] = record.ljust(MARK_SIZE, b"\0")

    def test_good(self) -> None:
        """
        Nothing is wrong with a mark as it should be.
        """
        self.mark(100, 1.0, ZoneEvent.HALTED)
        (mark,) = self.found().marks
        self.assertEqual(mark.number, ZoneEvent.HALTED)

    def test_noEvent(self) -> None:
        """
        What nobody is told of is never kept, and so is none that there is no name for.
        """
        for number in (ZoneEvent.NULL, 8, 2**63):
            self.mark(100, 1.0, number)
            self.assertEqual(self.damage(), "event 0 is of no kind")

    def test_noTime(self) -> None:
        """
        A time that no calendar has could not be shown.
        """
        for time in (math.nan, math.inf, -math.inf, -1.0, 1e300):
            self.mark(100, time, ZoneEvent.HALTED)
            self.assertEqual(self.damage(), "event 0 is out of its place")

    def test_spoilt(self) -> None:
        """
        Nor is there one that is not as it was made.
        """
        self.memory[HEADER_SIZE + 8] ^= 1
        self.assertEqual(self.damage(), "event 0 is spoilt")

    def test_outOfPlace(self) -> None:
        """
        Nothing happened behind the end.
        """
        self.mark(201, 1.0, ZoneEvent.HALTED)
        self.assertEqual(self.damage(), "event of number 0 is out of its place")
        self.number = 1
        self.mark(100, 1.0, ZoneEvent.HALTED)
        self.assertEqual(self.damage(), "event 0 is out of its place")

    def test_noMagic(self) -> None:
        """
        Where only the first number is gone it is no new history.
        """
        self.memory[:8] = bytes(8)
        self.assertEqual(self.damage(), "it is no history of this format")
