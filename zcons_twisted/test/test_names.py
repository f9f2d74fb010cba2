# -*- test-case-name: zcons_twisted.test.test_names -*-
"""
Tests for L{zcons_twisted.names}.
"""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from ..errors import BadZoneName
from ..names import ZONE_NAME_MAX, checkZoneName
from .examples import given, quickly, st


class ZoneNameTests(SynchronousTestCase):
    """
    The zone name rule is illumos' own.
    """

    def refused(self, name: str) -> str:
        """
        @return: why a name is refused.
        """
        return str(self.assertRaises(BadZoneName, checkZoneName, name))

    def test_allowed(self) -> None:
        """
        Letters, digits, dots, hyphens and underscores make a zone name.
        """
        for name in ("a", "Z", "0", "web-1", "db_2", "a.b", "0..--__", "SUNWx"):
            self.assertEqual(checkZoneName(name), name)

    def test_empty(self) -> None:
        """
        A zone name can't be empty.
        """
        self.assertEqual(self.refused(""), "a zone name can't be empty")

    def test_firstCharacter(self) -> None:
        """
        A zone name begins with a letter or a digit.
        """
        for name in (".", "..", "-a", "_a", ".a"):
            self.assertIn("beginning with a letter or a digit", self.refused(name))

    def test_pathsAreNoNames(self) -> None:
        """
        Nothing that means something in a path is a zone name.
        """
        for name in ("a/b", "../a", "a/..", "/a", "a\0b", "a\\b"):
            self.assertIn("not allowed", self.refused(name))

    def test_whiteSpace(self) -> None:
        """
        White space and newlines, at the end too, are refused.
        """
        for name in ("a b", " a", "a ", "a\n", "a\t", "a\r\n"):
            self.assertIn("not allowed", self.refused(name))

    def test_asciiOnly(self) -> None:
        """
        Letters and digits of other scripts are refused.
        """
        for name in ("é", "aé", "\u0663", "a\u0663", "\uff41", "a\u0131"):
            self.assertIn("not allowed", self.refused(name))

    def test_longest(self) -> None:
        """
        A name of 63 characters is allowed and one of 64 is not.
        """
        self.assertEqual(ZONE_NAME_MAX, 63)
        self.assertEqual(checkZoneName("a" * 63), "a" * 63)
        self.assertIn("64 characters is too long", self.refused("a" * 64))

    def test_global(self) -> None:
        """
        The global zone has no zone console, but C{Global} could be anybody.
        """
        self.assertEqual(self.refused("global"), "the global zone has no zone console")
        for name in ("Global", "global1", "globa"):
            self.assertEqual(checkZoneName(name), name)

    def test_refusalIsPlainText(self) -> None:
        """
        A refusal shows a hostile name without its control characters, in one line.
        """
        text = self.refused("a\x1b[31m\nb")
        self.assertIn(r"'a\x1b[31m\nb'", text)
        self.assertTrue(text.isprintable())

    @quickly
    @given(st.text(max_size=70))
    def test_ruleAsARegularExpression(self, name: str) -> None:
        """
        What is allowed is what illumos' expression matches, less C{global}.
        """
        rule = r"[a-zA-Z0-9][-_.a-zA-Z0-9]{0,62}"
        if re.fullmatch(rule, name) and name != "global":
            self.assertEqual(checkZoneName(name), name)
        else:
            self.refused(name)
