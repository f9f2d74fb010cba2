# -*- test-case-name: zcons_twisted.test.test_option_values -*-
"""
How an option's value is checked and made of what somebody wrote: text on a command
line, or any TOML value in a configuration file.

Each function here gives such a check: it takes what was written, returns the value,
and raises L{BadOption} with what is wanted instead where that is not what it got.
Which option it is, and what was written, is said by whoever asks.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from enum import Enum

from .errors import BadOption

__all__ = [
    "CONTAINER_ID_MAX",
    "Check",
    "byteSize",
    "choice",
    "command",
    "commandOrWords",
    "containerId",
    "member",
    "number",
    "path",
    "pathFromHere",
    "seconds",
    "size",
    "text",
]

Check = Callable[[object], object]

#: Most characters of a container's ID.
CONTAINER_ID_MAX = 128


def text(wanted: str) -> Check:
    """
    Any text that is not empty and has no control characters.

    @param wanted: what it is, for people.
    """

    def check(given: object) -> str:
        if isinstance(given, str) and given and given.isprintable():
            return given
        raise BadOption(f"{wanted} is needed")

    return check


def path(wanted: str) -> Check:
    """
    A path from the root: a server may run in another directory than whoever wrote it.

    @param wanted: what it is, for people.
    """

    def check(given: object) -> str:
        if isinstance(given, str) and given.startswith("/") and "\0" not in given:
            return given
        raise BadOption(f"{wanted} is needed, as a path that begins with /")

    return check


def pathFromHere(wanted: str) -> Check:
    """
    A path, from the directory in which a command line was written.

    @param wanted: what it is, for people.
    """
    known = path(wanted)

    def check(given: object) -> object:
        if not isinstance(given, str) or not given:
            raise BadOption(f"{wanted} is needed")
        return known(os.path.abspath(given))

    return check


def choice(*choices: str) -> Check:
    """
    One of a few words.
    """

    def check(given: object) -> str:
        if isinstance(given, str) and given in choices:
            return given
        raise BadOption(f"choose one of {', '.join(choices)}")

    return check


def member(words: type[Enum]) -> Check:
    """
    One of a few words that have an L{Enum} of their own.
    """
    known = choice(*(each.value for each in words))

    def check(given: object) -> Enum:
        return words(known(given))

    return check


def seconds(most: float) -> Check:
    """
    A number of seconds, as text.
    """
    known = number(most)

    def check(given: object) -> object:
        try:
            return known(float(given) if isinstance(given, str) else None)
        except ValueError:
            return known(None)

    return check


def number(most: float) -> Check:
    """
    A number of seconds, as a number.
    """

    def check(given: object) -> float:
        # A truth value is a number to Python, but to nobody else.
        if isinstance(given, int | float) and not isinstance(given, bool):
            if 0 <= given <= most:
                return float(given)
        raise BadOption(f"a number of seconds from 0 to {most:g} is needed")

    return check


def command(given: object) -> tuple[str, ...]:
    """
    A command, as one text that is divided into words as a shell does it.
    """
    try:
        words = shlex.split(given) if isinstance(given, str) else []
    except ValueError as e:
        raise BadOption(str(e).lower()) from None
    return _runnable(words)


def commandOrWords(given: object) -> tuple[str, ...]:
    """
    A command, as one text or as a list of its words.
    """
    if isinstance(given, list):
        return _runnable([word for word in given if isinstance(word, str)], given)
    return command(given)


def _runnable(words: list[str], given: list[object] | None = None) -> tuple[str, ...]:
    whole = given is None or len(words) == len(given)
    if not whole or not words or not words[0] or any("\0" in w for w in words):
        raise BadOption("a command is needed")
    return tuple(words)


def containerId(given: object) -> str:
    """
    The ID of a container: it becomes the name of directories, so no C{..} is one.
    """
    if isinstance(given, str) and re.fullmatch(r"[a-zA-Z0-9_][-+.\w]*", given, re.A):
        if len(given) <= CONTAINER_ID_MAX:
            return given
    raise BadOption(
        f"up to {CONTAINER_ID_MAX} letters, digits, '.', '-', '+' and '_' are needed,"
        " beginning with a letter, a digit or '_'"
    )


def byteSize(least: int, most: int) -> Check:
    """
    A number of bytes, as text: by itself or with a unit of 1024.
    """

    def check(given: object) -> int:
        if isinstance(given, str):
            match = re.fullmatch(r"([0-9]{1,12})([KMG]?)", given)
            if match is not None:
                exact = int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]
                if least <= exact <= most:
                    return exact
        raise BadOption(f"from {_brief(least)} to {_brief(most)} is possible")

    return check


def size(least: int, most: int) -> Check:
    """
    A number of bytes, as text or as a number.
    """
    known = byteSize(least, most)

    def check(given: object) -> object:
        plain = isinstance(given, int) and not isinstance(given, bool)
        return known(str(given) if plain else given)

    return check


def _brief(size: int) -> str:
    for unit, shift in (("G", 30), ("M", 20), ("K", 10)):
        if size and not size % (1 << shift):
            return f"{size >> shift}{unit}"
    return str(size)
