# -*- test-case-name: zcons_twisted.test.test_client_matching -*-
"""
Tests for L{zcons_twisted.client.matching}.
"""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.matching import (
    LINE_SHOWN,
    WINDOW_SIZE,
    Match,
    namesEscapes,
)


class MatchTests(SynchronousTestCase):
    """
    Something is looked for.
    """

    def match(self, pattern: bytes, raw: bool = False) -> Match:
        """
        Look for it.
        """
        return Match(re.compile(pattern), raw)

    def test_cut(self) -> None:
        """
        Wherever the output is cut, it is found, and where its end is.
        """
        data = b"~ \x1b[1m#\x1b[0m \x1b[6nls"
        for at in range(len(data) + 1):
            match = self.match(b"~ # ")
            ends = [
                start + end
                for start, piece in ((0, data[:at]), (at, data[at:]))
                if (end := match.feed(piece)) is not None
            ]
            self.assertEqual(ends[0], len(b"~ \x1b[1m#\x1b[0m "), at)

    def test_endOfOutput(self) -> None:
        """
        What a shell asks its terminal after the prompt is not after the prompt.
        """
        self.assertEqual(self.match(b"# $").feed(b"/root # \x1b[6n"), 8)
        self.assertIsNone(self.match(b"# $", True).feed(b"/root # \x1b[6n"))

    def test_raw(self) -> None:
        """
        Escape sequences are looked at where that is asked for, or where the pattern
        has the escape character, however it is written.
        """
        data = b"a\x1b[6nb"
        self.assertIsNone(self.match(b"6n").feed(data))
        self.assertEqual(self.match(b"6n", True).feed(data), 5)
        for pattern in (b"\x1b\\[6n", rb"\x1b\[6n", rb"\x1B.6n", rb"\033\[6n"):
            self.assertTrue(namesEscapes(re.compile(pattern)))
            self.assertEqual(self.match(pattern).feed(data), 5)
        for pattern in (b"login: $", rb"\x1a", rb"x1b", rb"\03"):
            self.assertFalse(namesEscapes(re.compile(pattern)), pattern)

    def test_before(self) -> None:
        """
        What ends in what came before has no more of it to be shown.
        """
        match = self.match(b"login:(?=.)")
        self.assertIsNone(match.feed(b"login:"))
        self.assertEqual(match.feed(b" "), 0)

    def test_window(self) -> None:
        """
        A match may extend over so many bytes of text and no more, and escape sequences
        don't count.
        """
        self.assertEqual(WINDOW_SIZE, 65536)
        for size, found in ((WINDOW_SIZE - 1, 1), (WINDOW_SIZE, None)):
            match = self.match(b"(?s)a.*b")
            self.assertIsNone(match.feed(b"a\x1b[m" + b"." * size))
            self.assertIsNone(match.feed(b"\x1b[32m"))
            self.assertEqual(match.feed(b"b"), found)

    def test_forget(self) -> None:
        """
        What is forgotten is not found, nor does it end what comes.
        """
        match = self.match(b"login: ")
        match.feed(b"login:\x1b[")
        match.forget()
        self.assertIsNone(match.lastLine)
        self.assertIsNone(match.feed(b" x"))
        self.assertEqual(match.feed(b"login: "), 7)

    def test_wanted(self) -> None:
        """
        People are shown what is looked for, and no control character.
        """
        self.assertEqual(self.match(b"a\x07\xff$").wanted, "'a\\x07\\xff$'")

    def test_lastLine(self) -> None:
        """
        The last line is the last that has something in it.
        """
        for data, line in (
            (b"", None),
            (b"\x1b[m", None),
            (b"\r\n", "''"),
            (b"one\r\n/root # \x1b[6n", "'/root # '"),
            (b"one\r\ntwo\r\n\r\n", "'two'"),
            (b"a\x07\xc3\xa9\xff", "'a\\x07\u00e9\\xff'"),
        ):
            match = self.match(b"x")
            match.feed(data)
            self.assertEqual(match.lastLine, line)
        match = self.match(b"x", True)
        match.feed(b"# \x1b[6n")
        self.assertEqual(match.lastLine, "'# \\x1b[6n'")

    def test_longLine(self) -> None:
        """
        Of a long line the end is shown: that is where a prompt is.
        """
        self.assertEqual(LINE_SHOWN, 80)
        for size, line in ((77, "'" + "." * 77 + "# '"), (99, f"'...{'.' * 78}# '")):
            match = self.match(b"x")
            match.feed(b"." * size + b"# ")
            self.assertEqual(match.lastLine, line)
