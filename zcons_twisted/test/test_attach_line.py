# -*- test-case-name: zcons_twisted.test.test_attach_line -*-
"""
Tests for L{zcons_twisted.attach_line}.
"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from ..frames import (
    Attach,
    BadFrame,
    formatAttach,
    isAttach,
    parseAttach,
)
from .examples import given, quickly, st

_STARTS = st.one_of(
    st.sampled_from(["live", "all"]),
    st.tuples(st.sampled_from(["lines", "bytes", "offset"]), st.integers(0, 2**63)),
)


class AttachTests(SynchronousTestCase):
    """
    An C{ATTACH} line says what a client asks for.
    """

    def parse(self, **given_: object) -> Attach:
        """
        Parse a line of version 1 with these members.
        """
        return parseAttach(b"ATTACH " + json.dumps({"v": 1, **given_}).encode())

    def bad(self, **given_: object) -> str:
        """
        @return: what is wrong with one.
        """
        return str(self.assertRaises(BadFrame, self.parse, **given_))

    def test_word(self) -> None:
        """
        Its word, and a space behind it, make it one.
        """
        self.assertTrue(isAttach(b"ATTACH {}"))
        for line in (b"ATTACH", b"ATTACHED {}", b"attach {}", b" ATTACH {}", b""):
            self.assertFalse(isAttach(line), line)

    def test_line(self) -> None:
        """
        A line is the word, an object and a newline.
        """
        self.assertEqual(
            formatAttach(Attach()),
            b'ATTACH {"v":1,"role":"operator","start":"live","disconnect":false,'
            b'"locale":"C","rows":0,"columns":0}\n',
        )

    def test_defaults(self) -> None:
        """
        Whoever says nothing asks for the seat and what is printed from now on.
        """
        self.assertEqual(self.parse(), Attach())
        self.assertEqual(parseAttach(b"ATTACH {}"), Attach())

    def test_everything(self) -> None:
        """
        Everything can be asked for.
        """
        asked = Attach("take", ("offset", 2**63), True, "de_DE.UTF-8", 65535, 1)
        self.assertEqual(parseAttach(formatAttach(asked)[:-1]), asked)
        for role in ("operator", "watch", "take"):
            self.assertEqual(self.parse(role=role).role, role)
        self.assertEqual(self.parse(start="all").start, "all")

    def test_newer(self) -> None:
        """
        A newer client is understood as far as that goes.
        """
        self.assertEqual(self.parse(v=2, colour="red"), Attach())

    def test_bad(self) -> None:
        """
        Each member that is wrong is told.
        """
        for version in (0, -1, "1", 1.0, None, True, 2**31 + 1):
            self.assertIn("v must be a number", self.bad(v=version))
        roles: list[object] = ["root", "", 1, None, ["watch"], {}]
        for role in roles:
            self.assertIn("role must be one of", self.bad(role=role))
        for locale in (7, None, "x" * 256, "de DE", "\x1b[2J", "\u00fc", "\ud800"):
            self.assertIn("locale must be", self.bad(locale=locale))
        for disconnect in (0, 1, "true", None):
            self.assertIn("disconnect must be", self.bad(disconnect=disconnect))
        for rows in (-1, 65536, 1.5, "24", True, None):
            self.assertIn("rows must be", self.bad(rows=rows))
            self.assertIn("columns must be", self.bad(columns=rows))

    def test_badStart(self) -> None:
        """
        So is a beginning that there is not.
        """
        starts: list[object] = [
            "now",
            7,
            None,
            [],
            {},
            {"lines": 1, "bytes": 1},
            {"lines": -1},
            {"lines": "1"},
            {"bytes": 1.0},
            {"offset": True},
            {"offset": 2**63 + 1},
            {"words": 1},
        ]
        for start in starts:
            self.assertIn("start must be", self.bad(start=start))

    def test_resume(self) -> None:
        """
        An offset can say of which history it is; other beginnings have none.
        """
        asked = Attach("watch", ("offset", 7), birth="0123456789abcdef")
        line = formatAttach(asked)[:-1]
        self.assertIn(b'"start":{"offset":7,"birth":"0123456789abcdef"}', line)
        self.assertEqual(parseAttach(line), asked)
        self.assertEqual(self.parse(start={"offset": 7, "birth": ""}).birth, "")
        births: list[object] = [7, None, "0" * 15, "0" * 17, "G" * 16, "0" * 15 + "\n"]
        for birth in births:
            error = self.bad(start={"offset": 7, "birth": birth})
            self.assertEqual(error, "birth must be what an answer has told")
        start = {"lines": 7, "birth": "0" * 16}
        self.assertIn("start must be", self.bad(start=start))

    def test_boot(self) -> None:
        """
        What was printed since the boot can be asked for.
        """
        line = formatAttach(Attach("watch", "boot"))[:-1]
        self.assertIn(b'"start":{"boot":true}', line)
        self.assertEqual(parseAttach(line), Attach("watch", "boot"))
        for start in ({"boot": 1}, {"boot": False}, {"boot": "true"}, "boot"):
            self.assertIn("start must be", self.bad(start=start))

    def test_noObject(self) -> None:
        """
        So is what is no object.
        """
        for rest in (b"", b"7 C 0", b"[]", b'"x"', b"{", b"{}}", b"\xff", b"nul\0"):
            self.assertRaises(BadFrame, parseAttach, b"ATTACH " + rest)

    def test_longLine(self) -> None:
        """
        A line beyond the limit of first lines can't be sent.
        """
        formatAttach(Attach(locale="x" * 255))
        self.assertRaises(BadFrame, formatAttach, Attach(locale="x" * 1000))

    @quickly
    @given(
        st.sampled_from(["operator", "watch", "take"]),
        _STARTS,
        st.booleans(),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=255),
        st.integers(0, 65535),
        st.integers(0, 65535),
    )
    def test_roundTrip(
        self,
        role: str,
        start: str | tuple[str, int],
        disconnect: bool,
        locale: str,
        rows: int,
        columns: int,
    ) -> None:
        """
        Whatever can be asked for is understood.
        """
        asked = Attach(role, start, disconnect, locale, rows, columns)
        self.assertEqual(parseAttach(formatAttach(asked)[:-1]), asked)

    @quickly
    @given(st.binary(max_size=100))
    def test_anything(self, rest: bytes) -> None:
        """
        Whatever comes is understood or refused.
        """
        try:
            parseAttach(b"ATTACH " + rest)
        except BadFrame as e:
            self.assertTrue(str(e))
