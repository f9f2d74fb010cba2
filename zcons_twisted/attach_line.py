# -*- test-case-name: zcons_twisted.test.test_attach_line -*-
"""
The C{ATTACH} line, by which a structured session is asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .ident import IDENT_LINE_MAX
from .json_object import BadFrame, encodeObject, isNumber, numberIn, parseObject

__all__ = [
    "ROLES",
    "VERSION",
    "Attach",
    "formatAttach",
    "isAttach",
    "parseAttach",
]

#: The version that is spoken; both sides tell theirs.
VERSION = 1

#: What a client may ask to be.
ROLES = ("operator", "watch", "take")

_WORD = b"ATTACH "
# As in an IDENT line.
_LOCALE = re.compile("[!-~]{0,255}")
_BIRTH = re.compile("([0-9a-f]{16})?")


@dataclass(frozen=True, slots=True)
class Attach:
    """
    What a client asks for when it attaches.

    @ivar role: C{operator}, C{watch} or C{take}.
    @ivar start: where output begins: C{"live"}, C{"all"}, C{"boot"}, or one of
        C{lines}, C{bytes}, C{offset} with a number.
    @ivar birth: which history an offset is one of, C{""} for whichever there is.
    @ivar disconnect: end the session when the zone halts or fails to boot.
    @ivar locale: what notices are written in.
    @ivar rows: lines of the client's terminal, 0 where it has none.
    @ivar columns: its columns.
    """

    role: str = "operator"
    start: str | tuple[str, int] = "live"
    disconnect: bool = False
    locale: str = "C"
    rows: int = 0
    columns: int = 0
    birth: str = ""


def isAttach(line: bytes) -> bool:
    """
    Is a first line meant to be an C{ATTACH} line?
    """
    return line.startswith(_WORD)


def formatAttach(attach: Attach) -> bytes:
    """
    The line for what a client asks for, with its newline.

    @raise BadFrame: it is too long.
    """
    start: str | dict[str, object]
    if isinstance(attach.start, tuple):
        start = {attach.start[0]: attach.start[1]}
        if attach.birth:
            start["birth"] = attach.birth
    elif attach.start == "boot":
        start = {"boot": True}
    else:
        start = attach.start
    line = _WORD + encodeObject(
        {
            "v": VERSION,
            "role": attach.role,
            "start": start,
            "disconnect": attach.disconnect,
            "locale": attach.locale,
            "rows": attach.rows,
            "columns": attach.columns,
        }
    )
    if len(line) > IDENT_LINE_MAX:
        raise BadFrame(f"the ATTACH line is longer than {IDENT_LINE_MAX} bytes")
    return line + b"\n"


def parseAttach(line: bytes) -> Attach:
    """
    Parse a first line that L{isAttach}.  Members that are not known are passed over,
    so that a newer client is understood as far as that goes.

    @param line: without its newline.
    @raise BadFrame: something in it is wrong; the message says what.
    """
    given = parseObject(line[len(_WORD) :])
    version = numberIn(given, "v", 1, 2**31)
    if version < VERSION:
        raise BadFrame(f"version {version} is not spoken here")
    role = given.get("role", "operator")
    if role not in ROLES:
        raise BadFrame(f"role must be one of {', '.join(ROLES)}")
    locale = given.get("locale", "C")
    if not isinstance(locale, str) or not _LOCALE.fullmatch(locale):
        raise BadFrame("locale must be a name of at most 255 ASCII characters")
    disconnect = given.get("disconnect", False)
    if not isinstance(disconnect, bool):
        raise BadFrame("disconnect must be true or false")
    start, birth = _start(given.get("start", "live"))
    return Attach(
        role,
        start,
        disconnect,
        locale,
        numberIn(given, "rows", 0, 65535),
        numberIn(given, "columns", 0, 65535),
        birth,
    )


def _start(given: object) -> tuple[str | tuple[str, int], str]:
    if isinstance(given, str) and given in ("live", "all"):
        return given, ""
    if isinstance(given, dict) and "offset" in given:
        given = dict(given)
        birth = given.pop("birth", "")
        if not isinstance(birth, str) or not _BIRTH.fullmatch(birth):
            raise BadFrame("birth must be what an answer has told")
    else:
        birth = ""
    if isinstance(given, dict) and len(given) == 1:
        ((unit, value),) = given.items()
        if unit in ("lines", "bytes", "offset") and isNumber(value, 0, 2**63):
            return (unit, value), birth
        if unit == "boot" and value is True:
            return "boot", ""
    raise BadFrame(
        'start must be "live", "all", or one of lines, bytes, offset and boot'
    )
