# -*- test-case-name: zcons_twisted.test.test_client_showing -*-
"""
Tests for L{zcons_twisted.client.showing}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.happenings import (
    Anew,
    Gap,
    Happening,
    Notice,
    Pong,
    Unconfirmed,
)
from zcons_twisted.client.showing import LINE_MAX, LineShower, gapSaid, shownRaw


def notice(text: str) -> Happening:
    """
    Something that happened to a zone.
    """
    return Notice("booting", text, 0.0, 0, "")


class RawTests(SynchronousTestCase):
    """
    On a terminal in raw mode.
    """

    def test_notice(self) -> None:
        """
        Its text is in brackets, in the user's character set, without a control
        character from outside.
        """
        self.assertEqual(
            shownRaw(notice("fährt \x1b[2J hoch"), "latin-1"),
            b"\r\n[f\xe4hrt \\x1b[2J hoch]\r\n",
        )
        self.assertEqual(shownRaw(notice("\u2026"), "ascii"), b"\r\n[?]\r\n")

    def test_gap(self) -> None:
        """
        A gap is told in the words that people know.
        """
        self.assertEqual(shownRaw(Gap(3, 12)), b"\r\n[NOTICE: 12 bytes skipped]\r\n")
        self.assertEqual(gapSaid(Gap(3, 12)), "12 bytes are missing at offset 3")
        self.assertEqual(gapSaid(Gap(3, 1)), "1 byte is missing at offset 3")

    def test_others(self) -> None:
        """
        Nothing else is shown.
        """
        self.assertEqual(shownRaw(notice("")), b"")
        self.assertEqual(shownRaw(Pong(b"")), b"")


class LineTests(SynchronousTestCase):
    """
    By lines.
    """

    def setUp(self) -> None:
        """
        A zone.
        """
        self.shown: list[str] = []
        self.lines = LineShower("z", self.shown.append)

    def test_lines(self) -> None:
        """
        Each line has its zone in front, wherever it was split.
        """
        for byte in b"one\r\n\r\ntwo\n":
            self.lines.output(bytes([byte]))
        self.assertEqual(self.shown, ["z: one\n", "z: \n", "z: two\n"])

    def test_escaped(self) -> None:
        """
        Nothing reaches the terminal that it would act on; letters, of any alphabet,
        and tabs do.
        """
        self.lines.output("\x1b[2Jä\tb\x07\rc\n".encode() + b"\xff\n")
        self.assertEqual(self.shown, ["z: \\x1b[2Jä\tb\\x07\\x0dc\nz: \\xff\n"])

    def test_prompt(self) -> None:
        """
        An unfinished line is shown when somebody says so, and blanks are not.
        """
        self.lines.output(b"login: ")
        self.assertEqual(self.shown, [])
        self.lines.flush()
        self.lines.flush()
        self.lines.output(b" \r")
        self.lines.flush()
        self.assertEqual(self.shown, ["z: login: \n"])

    def test_longLine(self) -> None:
        """
        A line that does not end is shown in pieces.
        """
        self.lines.output(b"x" * (2 * LINE_MAX + 1))
        self.assertEqual([len(s) for s in self.shown], [2 * (LINE_MAX + 4)])
        self.lines.flush()
        self.assertEqual(self.shown[1:], ["z: x\n"])

    def test_happening(self) -> None:
        """
        What happens has a line of its own, after what there was of one.
        """
        self.lines.output(b"login: ")
        self.lines.happening(notice("Zone halted"))
        self.lines.happening(Pong(b""))
        self.assertEqual(self.shown, ["z: login: \n", "z: [Zone halted]\n"])

    def test_remarks(self) -> None:
        """
        So have remarks about the connection that are more than that.
        """
        self.lines.happening(Anew(5, ""))
        self.lines.happening(Unconfirmed(7))
        text = "NOTICE: 7 bytes that were typed may not have reached the zone"
        self.assertEqual(
            self.shown, ["z: [NOTICE: History begins anew]\n", f"z: [{text}]\n"]
        )
