# -*- test-case-name: zcons_twisted.test.test_qmp -*-
"""
QMP, QEMU's own protocol: JSON objects, one a line.  Nothing here does I/O.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ZConsError

__all__ = [
    "LINE_MAX",
    "Answer",
    "Greeting",
    "Happening",
    "MalformedQmp",
    "Message",
    "QmpReader",
    "Refusal",
    "command",
]

#: Longest line that is taken from QEMU, in bytes, without its newline.
LINE_MAX = 64 * 1024


class MalformedQmp(ZConsError):
    """
    What came is not what QEMU says.
    """


@dataclass(frozen=True, slots=True)
class Greeting:
    """
    The first line: QEMU's version, in digits and dots.
    """

    version: str


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A command was done.
    """

    number: int
    value: Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    A command was not done.

    @ivar why: in QEMU's words.
    """

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Happening:
    """
    Something happened to the machine.

    @ivar name: what, C{SHUTDOWN} for example.
    """

    name: str
    data: Mapping[str, Any] = field(default_factory=dict)


Message = Greeting | Answer | Refusal | Happening


def command(number: int, name: str, arguments: Mapping[str, Any]) -> bytes:
    """
    A command as a line.

    @param number: comes back with its answer.
    """
    line: dict[str, Any] = {"execute": name, "id": number}
    if arguments:
        line["arguments"] = dict(arguments)
    return json.dumps(line).encode("ascii") + b"\n"


class QmpReader:
    """
    Makes messages of what QEMU sends, however it is cut.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._greeted = False

    def feed(self, data: bytes) -> Iterator[Message]:
        """
        More has come.

        @return: the messages that are complete.
        @raise MalformedQmp: it can't be understood, and nothing after it.
        """
        self._held += data
        while True:
            end = self._held.find(b"\n", 0, LINE_MAX + 1)
            if end < 0:
                break
            line = bytes(self._held[:end])
            del self._held[: end + 1]
            if line.strip():
                yield self._message(line)
        if len(self._held) > LINE_MAX:
            raise MalformedQmp(f"a line is longer than {LINE_MAX} bytes")

    def _message(self, line: bytes) -> Message:
        try:
            # So deep a line that the parser gives up is as bad as one that is no JSON.
            said = json.loads(line)
        except (ValueError, RecursionError):
            said = None
        message = _understood(said) if isinstance(said, dict) else None
        if message is None or isinstance(message, Greeting) is self._greeted:
            raise MalformedQmp(f"{ascii(line[:60])[1:]} was not expected")
        self._greeted = True
        return message


def _understood(said: dict[str, Any]) -> Message | None:
    """
    What an object says, or L{None} for what QEMU never says.
    """
    match said:
        case {"QMP": {"version": {"qemu": {"major": int(a), "minor": int(b)}}}}:
            return Greeting(f"{a}.{b}")
        case {"event": str(name)}:
            data = said.get("data", {})
            return Happening(name, data) if isinstance(data, dict) else None
        case {"return": value, "id": int(number)}:
            return Answer(number, value)
        case {"error": {"desc": str(why)}, "id": int(number)}:
            return Refusal(number, why)
    return None
