# -*- test-case-name: zcons_twisted.test.test_client_speech -*-
"""
What goes over a connection once a session is let in, without I/O: plain bytes in a
legacy session, frames in a structured one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any, Protocol

from zcons_twisted.frames import (
    INPUT_MAX,
    SERVER_TYPES,
    BadFrame,
    Frame,
    FrameReader,
    FrameType,
    encodeFrame,
    parseGap,
    parseObject,
    parseOutput,
)

from .errors import NotStructured
from .happenings import (
    Answer,
    Confirmed,
    End,
    EndCause,
    Gap,
    Happening,
    Notice,
    Operator,
    Pong,
    SeatChange,
    Welcome,
)

__all__ = ["FramedSpeech", "PlainSpeech", "Speech", "parseWelcome"]

Heard = bytes | Happening | End


class Speech(Protocol):
    """
    How both sides talk.

    @ivar structured: whether in frames.
    @ivar position: the offset after the last byte of output, or L{None} where that
        can't be told.
    """

    structured: bool
    position: int | None

    def typed(self, data: bytes) -> bytes:
        """
        What to send for what was typed.
        """

    def request(self, kind: FrameType, payload: bytes = b"") -> bytes:
        """
        What to send to ask for something.

        @raise NotStructured: a legacy session has no words for it.
        """

    def heard(self, data: bytes) -> Iterator[Heard]:
        """
        Take what the server sent, however it is split.

        @return: output, and whatever else is told, in their order; nothing after
            an L{End}.
        @raise BadFrame: it can't be understood.
        """


class PlainSpeech:
    """
    A legacy session: bytes both ways.
    """

    structured: bool = False
    position: int | None = None

    def typed(self, data: bytes) -> bytes:
        """
        As it is.
        """
        return data

    def request(self, kind: FrameType, payload: bytes = b"") -> bytes:
        """
        Nothing can be asked for.
        """
        raise NotStructured("this zone's server knows no more than typing")

    def heard(self, data: bytes) -> Iterator[Heard]:
        """
        As it is.
        """
        yield data


class FramedSpeech:
    """
    A structured session: frames both ways.
    """

    structured: bool = True

    def __init__(self, position: int) -> None:
        """
        @param position: where output begins.
        """
        self.position: int | None = position
        self._position = position
        self._reader = FrameReader(SERVER_TYPES)
        self._parsers: dict[FrameType, Callable[[bytes], Heard]] = {
            FrameType.OUTPUT: self._output,
            FrameType.GAP: _gap,
            FrameType.NOTICE: _notice,
            FrameType.OPERATOR: _seatChange,
            FrameType.END: _end,
            FrameType.PONG: Pong,
            FrameType.ANSWER: _answer,
            FrameType.CONFIRMED: Confirmed,
        }

    def typed(self, data: bytes) -> bytes:
        """
        Frames of no more than L{INPUT_MAX} bytes.
        """
        return b"".join(
            encodeFrame(FrameType.INPUT, data[at : at + INPUT_MAX])
            for at in range(0, len(data), INPUT_MAX)
        )

    def request(self, kind: FrameType, payload: bytes = b"") -> bytes:
        """
        One frame.
        """
        return encodeFrame(kind, payload)

    def heard(self, data: bytes) -> Iterator[Heard]:
        """
        What the frames mean.
        """
        for frame in self._reader.feed(data):
            heard = self._parse(frame)
            if heard != b"":
                yield heard
            if isinstance(heard, End):
                return

    def _parse(self, frame: Frame) -> Heard:
        try:
            return self._parsers[frame.type](frame.payload)
        except (KeyError, TypeError, ValueError):
            name = frame.type.name.lower()
            raise BadFrame(f"a frame of type {name} without what it needs") from None

    def _output(self, payload: bytes) -> bytes:
        offset, data = parseOutput(payload)
        if offset < self._position:
            raise BadFrame(f"output of offset {offset} after {self._position}")
        # Only output moves it: what a gap skips may or may not have had offsets.
        self.position = self._position = offset + len(data)
        return data


def parseWelcome(answer: dict[str, Any]) -> Welcome:
    """
    The answer to an C{ATTACH} line that was let in.

    @raise BadFrame: it lacks something.
    """
    try:
        return Welcome(
            _text(answer["zone"]),
            _text(answer["state"]),
            _text(answer["role"]),
            _number(answer["offset"]),
            _number(answer["oldest"]),
            _number(answer["end"]),
            _operator(answer["operator"]),
            _number(answer["sessions"]),
            _text(answer.get("birth", "")),
            answer.get("present") is not False,
            _boot(answer.get("boot")),
            _text(answer.get("note", "")),
            _printed(answer.get("printed")),
        )
    except (IndexError, KeyError, TypeError, ValueError):
        raise BadFrame("its answer lacks something") from None


def _boot(given: object) -> int | None:
    if given is None:
        return None
    if not isinstance(given, list):
        raise TypeError("no offsets")
    return _number(given[0])


def _printed(given: Any) -> float | None:
    if given is None:
        return None
    seconds = float(given)
    if not isfinite(seconds):
        raise ValueError("no time")
    return seconds


def _gap(payload: bytes) -> Gap:
    return Gap(*parseGap(payload))


def _notice(payload: bytes) -> Notice:
    given = parseObject(payload)
    return Notice(
        _text(given["event"]),
        _text(given["text"] or ""),
        float(given["time"]),
        _number(given["offset"]),
        _text(given["arguments"]),
    )


def _seatChange(payload: bytes) -> SeatChange:
    given = parseObject(payload)
    return SeatChange(_operator(given["operator"]), _text(given["role"]))


def _end(payload: bytes) -> End:
    given = parseObject(payload)
    reason, text = _text(given["reason"]), _text(given["text"])
    typed = _number(given["typed"]) if "typed" in given else None
    return End(EndCause.SERVER, "", reason, text, typed)


def _answer(payload: bytes) -> Answer:
    given = parseObject(payload)
    return Answer(_text(given["request"]), given["ok"] is True, _text(given["text"]))


def _operator(given: Any) -> Operator | None:
    if given is None:
        return None
    return Operator(_number(given["pid"]), _number(given["uid"]), float(given["since"]))


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise TypeError("no text")
    return given


def _number(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool):
        raise TypeError("no number")
    return given
