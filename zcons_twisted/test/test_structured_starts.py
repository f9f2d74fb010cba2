# -*- test-case-name: zcons_twisted.test.test_structured_starts -*-
"""
Tests for L{zcons_twisted.structured}: where a session begins that asks for the past.
"""

from __future__ import annotations

from ..events import ZoneEvent
from ..history import FIRST_SIZE, HISTORY_MIN
from ..marks import MARKS
from .structured_case import StructuredTestCase
from .support import numbered


class PastTests(StructuredTestCase):
    """
    It is told what is kept, and what is not.
    """

    def test_otherBirth(self) -> None:
        """
        An offset of another history says nothing about this one, which begins at its
        beginning; one of this history is what it is.
        """
        self.console.history.booted()
        self.device.zonePrints(numbered(0, 20))
        birth = self.console.history.birth
        self.assertRegex(birth, "^[0-9a-f]{16}$")
        for given, offset in ((birth, 10), ("", 10), ("0" * 16, 0)):
            start = {"offset": 10, "birth": given}
            watcher = self.attachBy(role="watch", start=start)
            ((_, at, text),) = watcher.told()
            self.assertEqual(watcher.answer["birth"], birth)
            self.assertEqual((watcher.answer["offset"], at), (offset, offset))
            self.assertEqual(text, numbered(offset, 20))
        self.console.history.event(0.0, ZoneEvent.BOOTING, "")
        self.device.zonePrints(numbered(20, 5 * HISTORY_MIN))
        self.console.history.booted()
        watcher = self.attachBy(
            role="watch", start={"offset": 9 * HISTORY_MIN, "birth": "f" * 16}
        )
        gap = watcher.told()[0]
        self.assertEqual(gap, ("gap", 0, 4 * HISTORY_MIN))

    def test_boot(self) -> None:
        """
        Since the last boot: from its first byte, then a gap where that has left the
        history, then the rest.
        """
        self.device.zonePrints(numbered(0, 1000))
        self.console.event(ZoneEvent.BOOTING)
        self.device.zonePrints(numbered(1000, 1000 + 3 * HISTORY_MIN))
        end = self.console.history.end
        watcher = self.attachBy(role="watch", start={"boot": True})
        told = watcher.told()
        self.assertEqual(watcher.answer["offset"], 1000)
        self.assertEqual((told[0][0], told[0][1]["event"]), ("notice", "booting"))
        at = 1000
        gaps = []
        for name, offset, what in told[1:]:
            if name == "gap":
                gaps.append((offset, what))
                at += what
                continue
            self.assertEqual((name, offset), ("output", at))
            self.assertEqual(what, numbered(at, at + len(what)))
            at += len(what)
        self.assertEqual(at, end)
        self.assertEqual(gaps, [(1000 + FIRST_SIZE, HISTORY_MIN)])

    def test_bootStillThere(self) -> None:
        """
        Where the boot has not left the ring that is all there is to it.
        """
        self.device.zonePrints(numbered(0, 1000))
        self.console.event(ZoneEvent.REBOOTING)
        self.device.zonePrints(numbered(1000, 1500))
        watcher = self.attachBy(role="watch", start={"boot": True})
        _, output = watcher.told()
        self.assertEqual(output, ("output", 1000, numbered(1000, 1500)))

    def test_forgotten(self) -> None:
        """
        A session that is behind by more notices than are kept is told so.
        """
        self.device.zonePrints(b"x")
        for _ in range(MARKS + 1):
            self.console.event(ZoneEvent.READIED)
        watcher = self.attachBy(role="watch", start="all")
        (_, output), (_, notice), *rest = [(t[0], t[-1]) for t in watcher.told()]
        self.assertEqual(output, b"x")
        self.assertEqual(
            (notice["event"], notice["text"], notice["offset"], notice["arguments"]),
            ("forgotten", "NOTICE: Earlier notices are not kept", 1, ""),
        )
        self.assertEqual([content["event"] for _, content in rest], ["readied"] * MARKS)
