# -*- test-case-name: zcons_twisted.test.test_client_to_type -*-
"""
What commands for scripts type: words of the command line, or what a file has.

Arguments are shown to every user by C{ps}, so a password had better come from a file or
from standard input.
"""

from __future__ import annotations

import os

from zcons_twisted.notices import escaped

from .errors import CantBeTyped

__all__ = ["STANDARD_INPUT", "TYPED_MAX", "fromFile", "fromWords"]

#: Most bytes of a file that are typed.
TYPED_MAX = 1024 * 1024

#: The name of standard input.
STANDARD_INPUT = "-"

_ENTER = b"\r"
_READ = 64 * 1024


def fromWords(text: str, line: bool) -> bytes:
    """
    What is typed of words.

    @param line: whether to end it as the Enter key does.
    """
    return os.fsencode(text) + (_ENTER if line else b"")


def fromFile(name: str, line: bool) -> bytes:
    """
    What is typed of a file.

    @param name: where it is, or L{STANDARD_INPUT}.
    @param line: whether to end it as the Enter key does, in the place of the newline
        that it ends with, if it does.
    @raise CantBeTyped: it can't be read, or is too large.
    """
    shown = "standard input" if name == STANDARD_INPUT else escaped(name)
    try:
        data = _read(name)
    except OSError as e:
        raise CantBeTyped(f"{shown} can't be read: {e.strerror}") from None
    if len(data) > TYPED_MAX:
        raise CantBeTyped(
            f"{shown} has more than {TYPED_MAX} bytes: 'zconsole attach' with it as its"
            " input sends as many as there are"
        )
    if not line:
        return data
    if data.endswith(b"\n"):
        data = data[:-1].removesuffix(b"\r")
    return data + _ENTER


def _read(name: str) -> bytes:
    """
    No more than is needed to see that it is too much.
    """
    fd = 0 if name == STANDARD_INPUT else os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = b""
        while len(data) <= TYPED_MAX and (more := os.read(fd, _READ)):
            data += more
        return data
    finally:
        if fd:
            os.close(fd)
