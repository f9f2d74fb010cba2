# -*- test-case-name: zcons_twisted.test.test_client_command_line -*-
"""
The values of C{zconsole}'s arguments: each is made of its word, or refused with what
is wrong with it.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from typing import TypeVar

from zcons_twisted.errors import BadBootArguments, BadZoneName
from zcons_twisted.events import checkBootArguments
from zcons_twisted.names import checkZoneName

from .errors import BadCommandCharacter
from .escapes import parseCommandCharacter

__all__ = [
    "bootArguments",
    "commandCharacter",
    "directory",
    "number",
    "pattern",
    "replay",
    "seconds",
    "wait",
    "zone",
]

_Value = TypeVar("_Value")

#: The longest time that somebody may ask for: a year.
_SECONDS_MAX = 366 * 86400.0

#: The largest number that the protocol carries.
_NUMBER_MAX = 2**63 - 1


def directory(path: str) -> str:
    """
    A path that is not empty.
    """
    if not path:
        raise argparse.ArgumentTypeError("a directory is needed")
    return path


def zone(name: str) -> str:
    """
    A zone's name.
    """
    try:
        return checkZoneName(name)
    except BadZoneName as e:
        raise argparse.ArgumentTypeError(str(e)) from None


def commandCharacter(argument: str) -> bytes:
    """
    The escape character, C{b""} for none.
    """
    try:
        return parseCommandCharacter(argument)
    except BadCommandCharacter as e:
        raise argparse.ArgumentTypeError(str(e)) from None


def bootArguments(arguments: str) -> str:
    """
    Boot arguments.
    """
    try:
        arguments.encode()
        return checkBootArguments(arguments)
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError("boot arguments are not UTF-8") from None
    except BadBootArguments as e:
        raise argparse.ArgumentTypeError(str(e)) from None


def number(text: str) -> int:
    """
    A number without a sign.
    """
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 on")
    # More digits than that are not even looked at.
    return min(int(text[:4300]), _NUMBER_MAX)


def seconds(text: str) -> float:
    """
    How long something may take.
    """
    try:
        given = float(text)
    except ValueError:
        given = -1
    if not 0 <= given <= _SECONDS_MAX:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a number of seconds from 0 to a year"
        )
    return given


def wait(text: str) -> float | None:
    """
    The same, or L{None} for ever.
    """
    return None if text == "forever" else _or(seconds, text, "nor forever")


def pattern(text: str) -> re.Pattern[bytes]:
    """
    A regular expression for bytes.
    """
    try:
        return re.compile(os.fsencode(text))
    except re.error as e:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no regular expression: {e}"
        ) from None


def replay(text: str) -> str | tuple[str, int]:
    """
    What to show of what was printed before, as L{Attach.start
    <zcons_twisted.frames.Attach>} says it.
    """
    if text == "all":
        return "all"
    if text == "none":
        return "live"
    return "lines", _or(number, text, "nor all, nor none")


def _or(parse: Callable[[str], _Value], text: str, others: str) -> _Value:
    """
    What else might have been given is told as well.
    """
    try:
        return parse(text)
    except argparse.ArgumentTypeError as e:
        raise argparse.ArgumentTypeError(f"{e}, {others}") from None
