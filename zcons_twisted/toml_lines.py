# -*- test-case-name: zcons_twisted.test.test_toml_lines -*-
"""
In which line of a TOML text is a key?  L{tomllib} tells what a text means, but not
where it says so.

This reads the text once more, and only as far as is needed for that: it takes for
granted that L{tomllib} has accepted it.
"""

from __future__ import annotations

import re
import tomllib

__all__ = ["Path", "keyLines"]

#: A key with all tables that it is in; elements of lists are in none.
Path = tuple[str, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|\#[^\n]*)*")
_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_KEY = re.compile(rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*")
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{1,2}(?!"))?'
    r"|'''.*?'''(?:'{1,2}(?!'))?"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
# Numbers, truth values and times, of which one form has a space inside.
_PLAIN = re.compile(r"[^,\]}\#\r\n]+")


def keyLines(text: str) -> dict[Path, int]:
    """
    The line, counted from 1, in which each key and each table is mentioned first.

    @param text: what L{tomllib.loads} has accepted.
    """
    return _Reader(text).document()


class _Reader:
    """
    One reading of a text.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0
        self._lines: dict[Path, int] = {}

    def document(self) -> dict[Path, int]:
        table: Path | None = ()
        while self._more():
            if self._text[self._at] == "[":
                brackets = 2 if self._text.startswith("[[", self._at) else 1
                self._skip(brackets)
                table = self._key(())
                self._skip(brackets)
            else:
                self._pair(table)
        return self._lines

    def _more(self) -> bool:
        """
        Pass over space and comments; is there anything behind them?
        """
        self._match(_SPACE)
        return self._at < len(self._text)

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        assert found is not None, self._text[self._at : self._at + 20]
        self._at = found.end()
        return found[0]

    def _skip(self, count: int) -> None:
        self._more()
        self._at += count
        self._more()

    def _key(self, table: Path | None) -> Path | None:
        """
        A key, which may have several parts, in a table; or in a list, where it is
        not looked for.
        """
        start = self._at
        self._line += self._text.count("\n", self._counted, start)
        self._counted = start
        # How a part is quoted is known to whoever reads TOML.
        inner: object = tomllib.loads(f"{self._match(_KEY)}=0")
        while table is not None and isinstance(inner, dict):
            part, inner = next(iter(inner.items()))
            table = (*table, part)
            self._lines.setdefault(table, self._line)
        return table

    def _pair(self, table: Path | None) -> None:
        path = self._key(table)
        self._skip(1)
        self._value(path)

    def _value(self, path: Path | None) -> None:
        """
        Pass over a value.

        @param path: the key that has it, or L{None}.
        """
        first = self._text[self._at]
        if first in "[{":
            self._skip(1)
            closing = "]" if first == "[" else "}"
            while self._text[self._at] != closing:
                if first == "[":
                    self._value(None)
                else:
                    self._pair(path)
                self._more()
                if self._text[self._at] == ",":
                    self._skip(1)
            self._at += 1
        elif first in "\"'":
            self._match(_TEXT)
        else:
            self._match(_PLAIN)
