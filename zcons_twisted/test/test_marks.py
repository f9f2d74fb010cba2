# -*- test-case-name: zcons_twisted.test.test_marks -*-
"""
Tests for L{zcons_twisted.marks}, as a history keeps them.
"""

from __future__ import annotations

from ..events import ZoneEvent
from ..header import HEADER_SIZE
from ..marks import MARKS, Mark, MarkKind
from ..notices import keptText
from .history_case import HistoryTestCase


class MarkTests(HistoryTestCase):
    """
    What happened is kept with the offset that it belongs before.
    """

    def test_kept(self) -> None:
        """
        Everything of it is found again.
        """
        self.prints(5)
        self.history.event(1.5, ZoneEvent.BOOTING, "-s \u00fc\udcff")
        self.prints(5)
        self.history.mark(Mark(10, 2.5, MarkKind.GAP, 77, ""))
        marks = list(self.history.marks)
        self.assertEqual(marks[0].text, "-s \u00fc\udcff")
        self.assertEqual(marks[1:], [Mark(10, 2.5, MarkKind.GAP, 77, "")])
        again = list(self.found().marks)
        self.assertEqual(
            [(m.offset, m.time, m.kind, m.number) for m in again],
            [(5, 1.5, MarkKind.EVENT, 1), (10, 2.5, MarkKind.GAP, 77)],
        )
        self.assertTrue(again[0].text.startswith("-s \u00fc"))

    def test_longText(self) -> None:
        """
        A text that is too long loses its end, and nothing else.
        """
        self.history.event(0.0, 1, "x" * 1000)
        self.history.event(0.0, 1, "next")
        first, second = self.found().marks
        self.assertEqual(first.text, "x" * len(first.text))
        self.assertGreater(len(first.text), 400)
        self.assertEqual(second.text, "next")

    def test_longReason(self) -> None:
        """
        There is room for why something happened, however long that is.
        """
        why = keptText(ZoneEvent.BOOT_FAILED, "\xfc" * 1000)
        self.history.event(0.0, ZoneEvent.BOOT_FAILED, why)
        (mark,) = self.found().marks
        self.assertEqual(mark.text, why)

    def test_bounded(self) -> None:
        """
        No more than 64 are kept, and each has its number for ever.
        """
        for number in range(MARKS + 6):
            self.history.event(0.0, 1, str(number))
        for history in (self.history, self.found()):
            marks = history.marks
            self.assertEqual((marks.made, len(marks)), (MARKS + 6, MARKS))
            for asked, number in ((0, 6), (6, 6), (7, 7), (MARKS + 5, MARKS + 5)):
                found = marks.after(asked)
                assert found is not None
                self.assertEqual((found[0], found[1].text), (number, str(number)))
            self.assertIsNone(marks.after(MARKS + 6))

    def test_gapsStay(self) -> None:
        """
        However much happens, no gap is forgotten for it; nor an event for gaps.
        """
        self.prints(10)
        self.history.mark(Mark(10, 7.0, MarkKind.GAP, 4095, ""))
        for _ in range(3 * MARKS):
            self.history.event(8.0, ZoneEvent.READIED, "")
        for history in (self.history, self.found()):
            gap, *events = history.marks
            self.assertEqual(gap, Mark(10, 7.0, MarkKind.GAP, 4095, ""))
            self.assertEqual(len(events), MARKS)
        for number in range(MARKS + 5):
            self.history.mark(Mark(10, 9.0, MarkKind.GAP, number, ""))
        for history in (self.history, self.found()):
            kinds = [mark.kind for mark in history.marks]
            self.assertEqual(kinds, [MarkKind.EVENT] * MARKS + [MarkKind.GAP] * MARKS)
            self.assertEqual(list(history.marks)[-1].number, MARKS + 4)

    def test_forgotten(self) -> None:
        """
        Whoever begins before something that is not kept any more is told from a number
        on that is not either; whoever begins behind it is not.
        """
        for _ in range(MARKS):
            self.prints(10)
            self.history.event(8.0, ZoneEvent.READIED, "")
        self.assertEqual(self.history.marks.first(0), 0)
        self.history.event(8.0, ZoneEvent.READIED, "")
        first = self.history.marks.first
        self.assertEqual(
            [first(at) for at in (0, 9, 10, 11, 20, 21)], [0, 0, 1, 1, 1, 2]
        )
        found = self.found().marks
        self.assertEqual([found.first(at) for at in (0, 20, 21)], [0, 1, 2])

    def test_diesWhileItMarks(self) -> None:
        """
        A record that was stored in the oldest one's place, whole or in part, and does
        not count yet costs that one alone.
        """
        for number in range(MARKS):
            self.history.event(0.0, 1, str(number))
        self.torn()
        self.memory[HEADER_SIZE + 3 : HEADER_SIZE + 50] = b"x" * 47
        self.assertEqual(len(self.found().marks), MARKS - 1)

    def torn(self) -> None:
        """
        One record more than counts.
        """
        self.history.append(b"x")
        end = self.history.end
        self.history.marks.append(Mark(end, 0.0, MarkKind.EVENT, 1, "torn"))
        found = self.found()
        self.assertEqual((found.end, found.marks.made), (end, MARKS))
        self.assertEqual(
            [mark.text for mark in found.marks], [str(n) for n in range(1, MARKS)]
        )

    def test_firstMark(self) -> None:
        """
        The first mark at an offset, or behind it, can be found.
        """
        for offset in (2, 5, 5, 9):
            self.history.mark(Mark(offset, 0.0, MarkKind.EVENT, 1, ""))
        found = [self.history.marks.first(offset) for offset in range(11)]
        self.assertEqual(found, [0, 0, 0, 1, 1, 1, 3, 3, 3, 3, 4])
