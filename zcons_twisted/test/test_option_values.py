# -*- test-case-name: zcons_twisted.test.test_option_values -*-
"""
Tests for L{zcons_twisted.option_values}: how options' values are checked.
"""

from __future__ import annotations

import os
from enum import Enum

from twisted.trial.unittest import SynchronousTestCase

from ..errors import BadOption
from ..option_values import (
    Check,
    byteSize,
    choice,
    command,
    commandOrWords,
    containerId,
    member,
    number,
    path,
    pathFromHere,
    seconds,
    size,
    text,
)


class Color(Enum):
    """
    Words that have an enumeration.
    """

    RED = "red"
    BLUE = "blue"


class OptionValuesTests(SynchronousTestCase):
    """
    What can be used becomes a value; for all else a person is told what is wanted.
    """

    def test_containerId(self) -> None:
        """
        A container's ID is a name of up to 128 characters that no path is made of.
        """
        for good in ("z1", "a.b-c+d_e", "_", "x" * 128):
            self.assertEqual(containerId(good), good)
        self.assertRefused(
            containerId,
            "up to 128 letters, digits, '.', '-', '+' and '_' are needed, beginning"
            " with a letter, a digit or '_'",
            *("", ".", "..", "../x", "-x", "a/b", "a\n", "\xe9", "x" * 129, 1, None),
        )

    def assertRefused(self, check: Check, why: str, *given: object) -> None:
        """
        None of some values can be used.
        """
        for each in given:
            error = self.assertRaises(BadOption, check, each)
            self.assertEqual((str(error), each), (why, each))

    def test_text(self) -> None:
        """
        A text has something in it that can be shown.
        """
        check = text("a name")
        self.assertEqual(check("x y"), "x y")
        self.assertRefused(check, "a name is needed", "", "a\nb", "\x1b", 1, None, [])

    def test_path(self) -> None:
        """
        A path begins at the root, as it means the same everywhere.
        """
        check = path("a bundle")
        self.assertEqual(check("/x"), "/x")
        why = "a bundle is needed, as a path that begins with /"
        self.assertRefused(check, why, "", "x", "/x\0y", 1, None)

    def test_pathFromHere(self) -> None:
        """
        On a command line it may also begin where that was written.
        """
        check = pathFromHere("a bundle")
        self.assertEqual(check("x"), os.path.abspath("x"))
        self.assertRefused(check, "a bundle is needed", "", 1)

    def test_choice(self) -> None:
        """
        A choice is one of those that there are.
        """
        check = choice("a", "b")
        self.assertEqual(check("b"), "b")
        self.assertRefused(check, "choose one of a, b", "c", "", 1, None, [], {})

    def test_member(self) -> None:
        """
        So is one that has an enumeration.
        """
        check = member(Color)
        self.assertIs(check("blue"), Color.BLUE)
        self.assertRefused(check, "choose one of red, blue", "BLUE", Color.BLUE)

    def test_seconds(self) -> None:
        """
        Seconds are a number within bounds.
        """
        check = seconds(9)
        self.assertEqual((check("0"), check("2.5"), check("9")), (0.0, 2.5, 9.0))
        why = "a number of seconds from 0 to 9 is needed"
        self.assertRefused(check, why, "", "x", "-1", "9.1", "nan", "inf", 3, None)

    def test_number(self) -> None:
        """
        In a file they are a number, not a text nor a truth value.
        """
        check = number(9)
        self.assertEqual((check(0), check(2.5)), (0.0, 2.5))
        why = "a number of seconds from 0 to 9 is needed"
        nan = float("nan")
        self.assertRefused(check, why, "3", True, -1, 10, nan, None, [])

    def test_command(self) -> None:
        """
        A command is divided into words as a shell does it.
        """
        self.assertEqual(command("a 'b c'"), ("a", "b c"))
        for empty in ("", " ", "''", "a\0b", ["a"], 1):
            self.assertRefused(command, "a command is needed", empty)
        self.assertRefused(command, "no closing quotation", "a 'b")

    def test_words(self) -> None:
        """
        In a file it may be a list of words, which are taken as they are.
        """
        self.assertEqual(commandOrWords("a b"), ("a", "b"))
        self.assertEqual(commandOrWords(["a b", ""]), ("a b", ""))
        bad: list[object] = [[], [""], ["a", 1], ["a\0"], {}, None]
        for empty in bad:
            self.assertRefused(commandOrWords, "a command is needed", empty)

    def test_byteSize(self) -> None:
        """
        A size may have a unit of 1024.
        """
        check = byteSize(1 << 10, 1 << 30)
        found = [check("1024"), check("1K"), check("3M"), check("1G")]
        self.assertEqual(found, [1024, 1024, 3 << 20, 1 << 30])
        why = "from 1K to 1G is possible"
        self.assertRefused(check, why, "", "1", "2G", "1k", "1.5M", "-1K", "K", 1024)

    def test_size(self) -> None:
        """
        In a file it may be a number.
        """
        check = size(100, 1 << 21)
        self.assertEqual((check(100), check("1M")), (100, 1 << 20))
        self.assertRefused(check, "from 100 to 2M is possible", 1, True, -3, 1.5, [])
