# -*- test-case-name: zcons_twisted.test.test_frames -*-
"""
The codec of structured sessions: the C{ATTACH} line, the answer to it, and the frames
that follow, both ways.  No I/O.  docs/protocol/structured.rst specifies it to the byte.

A frame is one byte of type, three bytes of length, most significant first, and that
many bytes of payload.  Small structured things are JSON objects; output and input are
bytes.
"""

from __future__ import annotations

import enum
import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .errors import ZConsError
from .ident import IDENT_LINE_MAX

__all__ = [
    "CLIENT_TYPES",
    "HEAD_SIZE",
    "INPUT_MAX",
    "OUTPUT_MAX",
    "PAYLOAD_MAX",
    "PING_MAX",
    "SERVER_TYPES",
    "VERSION",
    "Attach",
    "BadFrame",
    "Frame",
    "FrameReader",
    "FrameType",
    "encodeFrame",
    "encodeGap",
    "encodeObject",
    "formatAttach",
    "isAttach",
    "outputHead",
    "parseAttach",
    "parseGap",
    "parseObject",
    "parseOutput",
]

#: The version that is spoken; both sides tell theirs.
VERSION = 1

#: Bytes of a frame's head.
HEAD_SIZE = 4
#: Most bytes of a frame's payload.
PAYLOAD_MAX = 64 * 1024
#: Most bytes of output in one frame.
OUTPUT_MAX = 32 * 1024
#: Most bytes of a ping, and of a request to confirm.
PING_MAX = 64
#: Most bytes of input in one frame.
INPUT_MAX = 32 * 1024

_WORD = b"ATTACH "
_HEAD = struct.Struct(">I")
_OFFSET = struct.Struct(">Q")
_OUTPUT_HEAD = struct.Struct(">IQ")
_GAP = struct.Struct(">QQ")

# As in an IDENT line.
_LOCALE = re.compile("[!-~]{0,255}")
_BIRTH = re.compile("([0-9a-f]{16})?")

ROLES = ("operator", "watch", "take")


class BadFrame(ZConsError):
    """
    What came is nothing that a structured session can begin with or contain.
    """


class FrameType(enum.IntEnum):
    """
    The types of frames.  Those below 0x40 are the server's, the others the client's.
    """

    #: Eight bytes of offset, then output.
    OUTPUT = 0x01
    #: Eight bytes of offset, eight bytes of how many bytes are missing there.
    GAP = 0x02
    #: JSON: C{event}, C{text}, C{time}, C{offset}, C{arguments}.
    NOTICE = 0x03
    #: JSON: C{operator}, an object or null; and C{role}, this session's own.
    OPERATOR = 0x04
    #: JSON: C{reason}, C{text}; the last frame.
    END = 0x05
    #: What came with the ping.
    PONG = 0x06
    #: JSON: C{request}, C{ok}, C{text}.
    ANSWER = 0x07
    #: What came with the request to confirm.
    CONFIRMED = 0x08
    #: Bytes that were typed.
    INPUT = 0x41
    #: JSON: C{rows}, C{columns}.
    WINDOW = 0x42
    #: Nothing.
    BREAK = 0x43
    #: JSON: C{want}: C{operator}, C{take} or C{watch}.
    SEAT = 0x44
    #: Up to 64 bytes that come back.
    PING = 0x45
    #: Nothing: the client leaves.
    LEAVE = 0x46
    #: Up to 64 bytes that come back when the zone has what was typed before.
    CONFIRM = 0x47


@dataclass(frozen=True, slots=True)
class Frame:
    """
    One frame.
    """

    type: FrameType
    payload: bytes


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
    version = _number(given, "v", 1, 2**31)
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
        _number(given, "rows", 0, 65535),
        _number(given, "columns", 0, 65535),
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
        if unit in ("lines", "bytes", "offset") and _isNumber(value, 0, 2**63):
            return (unit, value), birth
        if unit == "boot" and value is True:
            return "boot", ""
    raise BadFrame(
        'start must be "live", "all", or one of lines, bytes, offset and boot'
    )


def _isNumber(value: object, least: int, most: int) -> bool:
    return (
        isinstance(value, int)
        and not isinstance(value, bool)
        and least <= value <= most
    )


def _number(given: dict[str, Any], name: str, least: int, most: int) -> int:
    value = given.get(name, least)
    if not _isNumber(value, least, most):
        raise BadFrame(f"{name} must be a number from {least} to {most}")
    number: int = value
    return number


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


def encodeFrame(kind: FrameType, payload: bytes = b"") -> bytes:
    """
    A frame.

    @raise BadFrame: the payload is longer than L{PAYLOAD_MAX}.
    """
    if len(payload) > PAYLOAD_MAX:
        raise BadFrame(f"a payload of {len(payload)} bytes is too long")
    return _HEAD.pack(kind << 24 | len(payload)) + payload


def outputHead(offset: int, length: int) -> bytes:
    """
    What goes before C{length} bytes of output to make an output frame of them.
    """
    return _OUTPUT_HEAD.pack(FrameType.OUTPUT << 24 | (length + 8), offset)


def parseOutput(payload: bytes) -> tuple[int, bytes]:
    """
    An output frame's offset and output.

    @raise BadFrame: it is too short to have an offset.
    """
    if len(payload) < _OFFSET.size:
        raise BadFrame("an output frame without an offset")
    return _OFFSET.unpack_from(payload)[0], payload[_OFFSET.size :]


def encodeGap(offset: int, missing: int) -> bytes:
    """
    A gap frame.
    """
    return encodeFrame(FrameType.GAP, _GAP.pack(offset, missing))


def parseGap(payload: bytes) -> tuple[int, int]:
    """
    A gap frame's offset, and how many bytes are missing there.

    @raise BadFrame: it is not as long as these.
    """
    if len(payload) != _GAP.size:
        raise BadFrame("a gap frame of the wrong length")
    offset, missing = _GAP.unpack(payload)
    return offset, missing


class FrameReader:
    """
    Takes frames out of a stream, however it is split.
    """

    def __init__(self, types: frozenset[FrameType], most: int = PAYLOAD_MAX) -> None:
        """
        @param types: those that may come.
        @param most: the longest payload that may come, in bytes.
        """
        self._types = {int(kind): kind for kind in types}
        self._most = most
        self._held = b""
        self._at = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """
        Take bytes as they come, and give out the frames that they complete.

        @raise BadFrame: what comes is no frame that may come; nothing can be read
            after it.
        """
        self._held = self._held[self._at :] + data
        self._at = 0
        # Whoever gets a frame may feed more in its turn: it comes behind this.
        while len(self._held) - self._at >= HEAD_SIZE:
            head = _HEAD.unpack_from(self._held, self._at)[0]
            kind = self._types.get(head >> 24)
            length = head & 0xFFFFFF
            if kind is None:
                raise BadFrame(f"a frame of type 0x{head >> 24:02x} has no place")
            if length > self._most:
                raise BadFrame(f"a payload of {length} bytes is too long")
            start = self._at + HEAD_SIZE
            if len(self._held) < start + length:
                break
            self._at = start + length
            yield Frame(kind, self._held[start : start + length])
        self._held = self._held[self._at :]
        self._at = 0

    def take(
        self, kind: FrameType, until: frozenset[FrameType], data: bytes = b""
    ) -> tuple[bytes, FrameType | None]:
        """
        Take all payloads of one type out of what has come and was not given out yet,
        up to the first frame that has no place, or of a type that ends it.  The others
        stay, in their order.

        @param until: the types that end it.
        @param data: comes first behind that.
        @return: the payloads, one behind the other, and the type that ended it.
        """
        held, at = self._held + data, self._at
        taken, left = [], []
        end: FrameType | None = None
        while len(held) - at >= HEAD_SIZE:
            head = _HEAD.unpack_from(held, at)[0]
            found = self._types.get(head >> 24)
            stop = at + HEAD_SIZE + (head & 0xFFFFFF)
            if found in until:
                end = found
            if found is None or end is not None or stop > len(held):
                break
            if found is kind:
                taken.append(held[at + HEAD_SIZE : stop])
            else:
                left.append(held[at:stop])
            at = stop
        left.append(held[at:])
        self._held, self._at = b"".join(left), 0
        return b"".join(taken), end


#: What clients may send, and servers.
CLIENT_TYPES = frozenset(kind for kind in FrameType if kind >= 0x40)
SERVER_TYPES = frozenset(kind for kind in FrameType if kind < 0x40)
