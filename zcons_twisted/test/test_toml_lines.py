# -*- test-case-name: zcons_twisted.test.test_toml_lines -*-
"""
Tests for L{zcons_twisted.toml_lines}: in which line a key is.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from ..toml_lines import Path, keyLines


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """
    Every key of a document, but those within lists.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from paths(inner, (*path, key))


class KeyLinesTests(SynchronousTestCase):
    """
    Each key is found in the line that mentions it first.
    """

    def assertLines(self, text: str, lines: dict[str, int]) -> None:
        """
        Keys, their parts divided by spaces, are in these lines; and no key is found
        nowhere.
        """
        found = keyLines(text)
        self.assertEqual(
            {key: found[tuple(key.split(" "))] for key in lines}, lines, text
        )
        for path in paths(tomllib.loads(text)):
            self.assertIn(path, found)

    def test_empty(self) -> None:
        """
        There may be nothing, or only comments.
        """
        for text in ("", "\n\n", "# [a]\n  # b = 1"):
            self.assertEqual(keyLines(text), {})

    def test_tables(self) -> None:
        """
        Keys belong to the table above them.
        """
        self.assertLines(
            "a = 1\n[b]\nc = 2 # d = 1\n\n [ d . e ] # x\nf = 3\n",
            {"a": 1, "b": 2, "b c": 3, "d": 5, "d e": 5, "d e f": 6},
        )

    def test_dotted(self) -> None:
        """
        A key may have several parts, with space between them.
        """
        self.assertLines(
            "a.b = 1\na . c.d = 2\n[x]\ny.z = 3",
            {"a": 1, "a b": 1, "a c": 2, "a c d": 2, "x y": 4, "x y z": 4},
        )

    def test_quoted(self) -> None:
        """
        A part may be quoted, and have anything in it.
        """
        text = (
            '[zones."a.b"]\n"c]#=\\"" = 1\n[zones.\'d"\\e\']\n"\\u0066" = 2\n"" = 3\n'
        )
        found = keyLines(text)
        self.assertEqual(found["zones", "a.b"], 1)
        self.assertEqual(found["zones", "a.b", 'c]#="'], 2)
        self.assertEqual(found["zones", 'd"\\e'], 3)
        self.assertEqual(found["zones", 'd"\\e', "f"], 4)
        self.assertEqual(found["zones", 'd"\\e', ""], 5)
        self.assertEqual(sorted({*paths(tomllib.loads(text))} - {*found}), [])

    def test_inline(self) -> None:
        """
        A table may be in one line, with others and lists inside.
        """
        self.assertLines(
            "\na = { b = 1, c.d = 'x}', e = [ {f = 1}, 2 ], g = {} }\nh = 2\n",
            {"a": 2, "a b": 2, "a c d": 2, "a e": 2, "a g": 2, "h": 3},
        )

    def test_inlineOverLines(self) -> None:
        """
        A value in it may go over several.
        """
        self.assertLines(
            'a = { b = """\n\n""", c = [\n1, # ]\n2,\n], d = 1 }\ne = 1',
            {"a b": 1, "a c": 3, "a d": 6, "e": 7},
        )

    def test_texts(self) -> None:
        """
        What stands in a text is no key.
        """
        self.assertLines(
            'a = "b = 1 \\" [c]"\nd = \'e = 1 # \\\'\nf = "#"\n[g]\nh = ""\ni = 1\n',
            {"a": 1, "d": 2, "f": 3, "g": 4, "g h": 5, "g i": 6},
        )

    def test_longTexts(self) -> None:
        """
        A text may go over several lines, and end with quotation marks of its own.
        """
        self.assertLines(
            'a = """\nx = 1\n[y]\n"" \\""" """""\nb = \'\'\'\nz = 1\\\'\'\'\'\nc = ""'
            '\nd = """"""\ne = \'\'\'\'\'\'\nf = """ \\\n  """\ng = 1',
            {"a": 1, "b": 5, "c": 7, "d": 8, "e": 9, "f": 10, "g": 12},
        )

    def test_plainValues(self) -> None:
        """
        Values that are no texts end with their line.
        """
        self.assertLines(
            "a = 1979-05-27 07:32:00Z # b = 1\nc = -inf\nd=0x_f\n".replace("x_", "x")
            + "e = [ 1e3, true,\n  [ 'x', 2 ] ]\nf = false",
            {"a": 1, "c": 2, "d": 3, "e": 4, "f": 6},
        )

    def test_lists(self) -> None:
        """
        Tables may be a list; each key in them is found where it is first.
        """
        self.assertLines("[[a]]\nb = 1\n[[a]]\nc = 2\n[d]\ne = 1", {"a": 1, "d": 5})

    def test_carriageReturns(self) -> None:
        """
        Lines may end as elsewhere.
        """
        self.assertLines("a = 1\r\n\r\n[b]\r\nc = 2\r\n", {"a": 1, "b": 3, "b c": 4})

    def test_firstMention(self) -> None:
        """
        A table that is mentioned by what is in it is there already.
        """
        self.assertLines("[a.b]\nc = 1\n[a]\nd = 1\n", {"a": 1, "a b": 1, "a d": 4})

    def test_anything(self) -> None:
        """
        Whatever is put together from the odd parts of the language, each key is found,
        in a line that has it.
        """
        for seed in range(1000):
            text = _Odd(seed).document()
            found = keyLines(text)
            lines = text.split("\n")
            for path in paths(tomllib.loads(text)):
                self.assertIn(path, found, text)
            for path, line in found.items():
                self.assertIn(path[-1], lines[line - 1], text)


class _Odd:
    """
    Makes documents that are correct and that nobody would write.
    """

    texts = (
        '"x = 1 # [y]"',
        "'a\\'",
        '"""\nk = 1\n[z]\n"""',
        "'''\nq=2\n'''",
        '""""a"""""',
        '"\\""',
        '""',
        '""""""',
        "1979-05-27 07:32:00",
        "-1.5e3",
        "true",
    )
    keys = ("k%d", '"k%d"', "'k%d'", '"k.%d"', "'k#]%d'", "k%d.s", 'k%d . "s t"')
    tables = ("[t%d]\n", "[ t%d . z ] # x\n", '[[t%d."x.y"]]\r\n')

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.choice = self.random.choice

    def document(self) -> str:
        text = ""
        for number in range(8):
            text += self.choice(("", "\n", "# c = 1\n", "  "))
            if not self.random.randrange(3):
                text += self.choice(self.tables) % number
            else:
                end = self.choice(("\n", " # c\n", "\r\n"))
                text += self.pair(number, 0) + end
        return text

    def pair(self, number: int, depth: int) -> str:
        key = self.choice(self.keys) % number
        return key + self.choice(("=", " = ")) + self.value(depth)

    def value(self, depth: int) -> str:
        kind = self.random.randrange(4) if depth < 4 else 0
        if kind < 2:
            return self.choice(self.texts)
        count = self.random.randrange(4)
        if kind == 2:
            inner = self.choice((",", " , ", ",\n", "\n,")).join(
                self.value(depth + 1) for _ in range(count)
            )
            begin = self.choice(("", " ", "\n", "\n# c ]\n"))
            return f"[{begin}{inner}{self.choice(('', chr(10), ' # k' + chr(10)))}]"
        pairs = ", ".join(self.pair(number, depth + 1) for number in range(count))
        return f"{{{pairs}}}"
