# -*- test-case-name: zcons_twisted.test.test_client_plain_text -*-
"""
What a zone prints, without its escape sequences: a shell that asks the terminal where
its cursor is, or colors its prompt, has them in the midst of what people read.

Sequences are those of ECMA-48 in seven bits: C{ESC [} with parameters, strings such as
titles, and the short ones.  One that is broken off ends where it is: what can't belong
to it is text again, and a string does not go beyond its line.  So a prompt is never
swallowed by what a crash has left unfinished before it.
"""

from __future__ import annotations

import enum
import re

__all__ = ["PlainText"]

_ESCAPE = 0x1B
# They break off any sequence: CAN and SUB.
_CANCEL = (0x18, 0x1A)
_BELL = 0x07
_STRINGS = b"]PX^_"


class _State(enum.Enum):
    """
    What is passed over, and what it may consist of besides the byte that ends it.
    """

    ESCAPE = re.compile(rb"")
    SHORT = re.compile(rb"[ -/]*")
    CONTROL = re.compile(rb"[ -?]*")
    STRING = re.compile(rb"[^\x00-\x1f\x7f]*")


class PlainText:
    """
    Finds the text in a stream, however it is cut into pieces; nothing of it is kept.
    """

    def __init__(self) -> None:
        self._state: _State | None = None

    def feed(self, data: bytes) -> list[tuple[int, int]]:
        """
        Take a piece.

        @return: where there is text in it: beginnings and ends, none of them empty.
        """
        spans: list[tuple[int, int]] = []
        at = 0
        while at < len(data):
            if self._state is None:
                end = data.find(b"\x1b", at)
                if end < 0:
                    end = len(data)
                else:
                    self._state = _State.ESCAPE
                if end > at:
                    spans.append((at, end))
                at = end + 1
            else:
                at = self._pass(self._state, data, at)
        return spans

    def forget(self) -> None:
        """
        What comes next does not go on with what came.
        """
        self._state = None

    def _pass(self, state: _State, data: bytes, at: int) -> int:
        """
        Pass over what belongs to a sequence.

        @return: where that ends.
        """
        inside = state.value.match(data, at)
        assert inside is not None
        at = inside.end()
        if at == len(data):
            return at
        self._state = _after(state, data[at])
        if self._state is None and not _ends(state, data[at]):
            # It is broken off by text.
            return at
        return at + 1


def _after(state: _State, byte: int) -> _State | None:
    """
    What follows on a byte that is not inside.
    """
    if byte == _ESCAPE:
        return _State.ESCAPE
    if state is _State.ESCAPE:
        if byte == ord("["):
            return _State.CONTROL
        if byte in _STRINGS:
            return _State.STRING
        if 0x20 <= byte < 0x30:
            return _State.SHORT
    return None


def _ends(state: _State, byte: int) -> bool:
    """
    Does a byte that is not inside belong to the sequence, as its end?
    """
    if byte in _CANCEL:
        return True
    if state is _State.STRING:
        return byte == _BELL
    return (0x40 if state is _State.CONTROL else 0x30) <= byte < 0x7F
