# -*- test-case-name: zcons_twisted.test.test_frames -*-
"""
The small structured things of structured sessions: JSON objects, and numbers in them.
"""

from __future__ import annotations

import json
from typing import Any

from .errors import ZConsError

__all__ = ["BadFrame", "encodeObject", "isNumber", "numberIn", "parseObject"]


class BadFrame(ZConsError):
    """
    What came is nothing that a structured session can begin with or contain.
    """


def encodeObject(content: dict[str, Any]) -> bytes:
    """
    A JSON object in ASCII on one line.
    """
    return json.dumps(content, separators=(",", ":")).encode("ascii")


def parseObject(payload: bytes) -> dict[str, Any]:
    """
    A JSON object.

    @raise BadFrame: it is none.
    """
    try:
        content = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadFrame("it is not JSON") from None
    if not isinstance(content, dict):
        raise BadFrame("it is no JSON object")
    return content


def isNumber(value: object, least: int, most: int) -> bool:
    """
    Is it a whole number within these?
    """
    return (
        isinstance(value, int)
        and not isinstance(value, bool)
        and least <= value <= most
    )


def numberIn(given: dict[str, Any], name: str, least: int, most: int) -> int:
    """
    A number of an object, or the least one where there is none.

    @raise BadFrame: it is no number within these.
    """
    value = given.get(name, least)
    if not isNumber(value, least, most):
        raise BadFrame(f"{name} must be a number from {least} to {most}")
    number: int = value
    return number
