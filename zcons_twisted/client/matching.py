# -*- test-case-name: zcons_twisted.test.test_client_matching -*-
"""
Looking for something in what a zone prints, over the bounds of pieces.
"""

from __future__ import annotations

import re

from zcons_twisted.notices import escaped

from .plain_text import PlainText
from .searching import Search

__all__ = ["LINE_SHOWN", "WINDOW_SIZE", "Match", "namesEscapes"]

#: How many bytes of output what is looked for may extend over.
WINDOW_SIZE = 64 * 1024

#: Of a line so many characters are told, the last ones.
LINE_SHOWN = 80

_NAMED = re.compile(rb"\x1b|\\x1b|\\033", re.IGNORECASE)


def namesEscapes(pattern: re.Pattern[bytes]) -> bool:
    """
    Is an escape character looked for?
    """
    return _NAMED.search(pattern.pattern) is not None


class Match:
    """
    One pattern, and the last of the text that it is looked for in.
    """

    def __init__(
        self,
        pattern: re.Pattern[bytes],
        raw: bool = False,
        search: Search = re.Pattern.search,
    ) -> None:
        """
        @param pattern: what is looked for.
        @param raw: whether in every byte; escape sequences are left out otherwise,
            unless the pattern names them.
        @param search: how it is looked for.
        """
        self._search = search
        self._pattern = pattern
        self._plain = None if raw or namesEscapes(pattern) else PlainText()
        self._text = b""

    def feed(self, data: bytes) -> int | None:
        """
        The zone printed something.

        @return: how much of it there is up to the end of what is looked for, or
            L{None}: that is not there yet.
        @raise SearchTooLong: there is no time to look for it.
        """
        if self._plain is None:
            spans = [(0, len(data))]
        else:
            spans = self._plain.feed(data)
        more = b"".join(data[start:end] for start, end in spans)
        if not more:
            return None
        before = len(self._text)
        text = self._text + more
        self._text = text[-WINDOW_SIZE:]
        found = self._search(self._pattern, text)
        if found is None:
            return None
        wanted = found.end() - before
        if wanted <= 0:
            return 0
        for start, end in spans:
            if wanted <= end - start:
                break
            wanted -= end - start
        return start + wanted

    def forget(self) -> None:
        """
        Nothing of what was printed counts any more.
        """
        self._text = b""
        if self._plain is not None:
            self._plain.forget()

    @property
    def wanted(self) -> str:
        """
        What is looked for, for people.
        """
        return f"'{escaped(self._pattern.pattern.decode('utf-8', 'surrogateescape'))}'"

    @property
    def lastLine(self) -> str | None:
        """
        The end of the last line that is not empty, for people; L{None} where nothing
        was printed.
        """
        if not self._text:
            return None
        line = self._text.rstrip(b"\r\n").rpartition(b"\n")[2]
        shown = escaped(line.decode("utf-8", "surrogateescape"))
        if len(shown) > LINE_SHOWN:
            shown = f"...{shown[-LINE_SHOWN:]}"
        return f"'{shown}'"
