# -*- test-case-name: zcons_twisted.test.test_frames -*-
"""
The codec of structured sessions: the C{ATTACH} line, the answer to it, and the frames
that follow, both ways.  No I/O.  docs/protocol/structured.rst specifies it to the byte.

A frame is one byte of type, three bytes of length, most significant first, and that
many bytes of payload.  Small structured things are JSON objects; output and input are
bytes.  The C{ATTACH} line is in L{zcons_twisted.attach_line}.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .attach_line import VERSION, Attach, formatAttach, isAttach, parseAttach
from .json_object import BadFrame, encodeObject, parseObject

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

_HEAD = struct.Struct(">I")
_OFFSET = struct.Struct(">Q")
_OUTPUT_HEAD = struct.Struct(">IQ")
_GAP = struct.Struct(">QQ")


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
