"""
The frames of a structured session, as each side reads them.
"""

from __future__ import annotations

from cuts import Source, cut

from zcons_twisted.client.happenings import End
from zcons_twisted.client.speech import FramedSpeech, parseWelcome
from zcons_twisted.frames import (
    CLIENT_TYPES,
    INPUT_MAX,
    PAYLOAD_MAX,
    SERVER_TYPES,
    BadFrame,
    Frame,
    FrameReader,
    FrameType,
    encodeFrame,
    parseObject,
    parseOutput,
)

SIDES = (
    (CLIENT_TYPES, INPUT_MAX),
    (SERVER_TYPES, PAYLOAD_MAX),
)


def consume(data: bytes) -> None:
    """
    However frames are cut, the same come of them, and they are the bytes that came; a
    client understands them or says that it does not.
    """
    source = Source(data)
    types, most = SIDES[source.number(2)]
    where = source.number(256)
    stream = source.rest()
    whole = read(types, most, [stream])
    assert read(types, most, list(cut(stream, where))) == whole
    frames, why = whole
    said = b"".join(encodeFrame(frame.type, frame.payload) for frame in frames)
    assert stream.startswith(said)
    if not why:
        # What is held back is less than a frame.
        assert len(stream) - len(said) < 4 + most
    if types is SERVER_TYPES:
        listen(stream, frames, where)
    welcome(stream)


def read(
    types: frozenset[FrameType], most: int, pieces: list[bytes]
) -> tuple[list[Frame], str]:
    """
    The frames of a stream, and why it went no further.
    """
    reader = FrameReader(types, most)
    frames: list[Frame] = []
    try:
        for piece in pieces:
            frames.extend(reader.feed(piece))
    except BadFrame as e:
        # Generators give what came before: so that cutting makes no difference, the
        # last piece is looked at again, a frame at a time.
        reader = FrameReader(types, most)
        frames = []
        try:
            for frame in reader.feed(b"".join(pieces)):
                frames.append(frame)
        except BadFrame as again:
            assert str(again) == str(e)
        return frames, str(e)
    return frames, ""


def listen(stream: bytes, frames: list[Frame], where: int) -> None:
    """
    What a client hears.
    """
    speech = FramedSpeech(0)
    output = b""
    ended = False
    try:
        for piece in cut(stream, where):
            for heard in speech.heard(piece):
                assert not ended
                if isinstance(heard, bytes):
                    output += heard
                ended = isinstance(heard, End)
            if ended:
                break
    except BadFrame as e:
        assert str(e).isprintable(), e
    printed = b"".join(
        parseOutput(frame.payload)[1]
        for frame in frames
        if frame.type is FrameType.OUTPUT and len(frame.payload) >= 8
    )
    # Nothing but an output frame can make output.
    assert printed.startswith(output)


def welcome(stream: bytes) -> None:
    """
    What a client makes of an answer to its first line.
    """
    try:
        parseWelcome(parseObject(stream.partition(b"\n")[0]))
    except BadFrame as e:
        assert str(e).isprintable(), e
