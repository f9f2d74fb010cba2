"""
A history that a new server finds, after a crash or in whatever state its file is.
"""

from __future__ import annotations

import json
import struct
import time
import zlib

from cuts import Source

from zcons_twisted.errors import DamagedHistory
from zcons_twisted.frames import FrameReader, FrameType
from zcons_twisted.header import HEADER_SIZE, Field
from zcons_twisted.history import (
    HISTORY_MIN,
    READ_MAX,
    History,
    historySize,
)
from zcons_twisted.locales import Language
from zcons_twisted.marks import MARK_SIZE, MARKS, Mark, MarkKind
from zcons_twisted.relay import Follower
from zcons_twisted.structured import FrameVoice
from zcons_twisted.tails import lastLines
from zcons_twisted.testing import MemoryLink

MARK = struct.Struct("=QQdQHH")


def left(source: Source) -> bytearray:
    """
    What somebody has left: a real history, with whatever the input says done to it.
    """
    memory = bytearray(historySize(HISTORY_MIN))
    if source.number(2):
        begun = History(memoryview(memory), HISTORY_MIN)
        for _ in range(source.number(8)):
            begun.append(bytes(source.number(30_000)))
            begun.event(1.0, 1 + source.number(7), "-v")
            begun.mark(Mark(begun.end, 1.0, MarkKind.GAP, source.number(9), ""))
        begun.close()
    for _ in range(source.number(16)):
        change(memory, source)
    return memory


def change(memory: bytearray, source: Source) -> None:
    """
    One change: of a number in the header, of a mark, or of any byte.
    """
    kind = source.number(4)
    if kind == 0:
        at = source.number(len(Field)) * 8
        memory[at : at + 8] = source.take(8).ljust(8, b"\0")
    elif kind == 1:
        at = source.number(len(Field)) * 8
        memory[at : at + 8] = struct.pack("=Q", source.number(1 << 20))
    elif kind == 2:
        at = HEADER_SIZE + source.number(2 * MARKS) * MARK_SIZE
        record = source.take(MARK.size).ljust(MARK.size, b"\0")
        if source.number(2):
            record = MARK.pack(
                source.number(8),
                source.number(100_000),
                float(source.number(100)),
                source.number(9),
                source.number(3),
                0,
            )
        record += struct.pack("=I", zlib.crc32(record))
        memory[at : at + len(record)] = record
    else:
        at = source.number(len(memory))
        data = source.take(1 + source.number(32))[: len(memory) - at]
        memory[at : at + len(data)] = data


def consume(data: bytes) -> None:
    """
    What is damaged is found to be, and all else can be read from its oldest byte to
    its end, sent to sessions, and gone on with.
    """
    source = Source(data)
    memory = left(source)
    size = len(memory)
    try:
        history = History(memoryview(memory), HISTORY_MIN)
    except DamagedHistory as e:
        assert str(e).isprintable()
        return
    missing = history.recover(2.0)
    assert 0 <= missing <= READ_MAX
    look(history)
    # A second server finds nothing new to be missing.
    history.close()
    history = History(memoryview(memory), HISTORY_MIN)
    assert history.recover(3.0) == 0
    end = history.end
    more = b"and on " * 300
    history.append(more)
    history.event(4.0, 1, "-s")
    assert history.end == end + len(more)
    assert history.read(end, history.end) == more
    look(history)
    replay(history)
    assert len(memory) == size


def look(history: History) -> None:
    """
    Everything in it can be read.
    """
    assert 0 <= history.oldest <= history.end
    assert history.end - history.oldest <= HISTORY_MIN
    kept = history.read(history.oldest, history.end)
    assert len(kept) == history.end - history.oldest
    first, last = history.boot
    assert 0 <= first <= last <= history.end
    for lines in (0, 1, 1000):
        at = lastLines(history, lines, 1 << 20)
        assert history.oldest <= at <= history.end
    assert len(history.marks) <= 2 * MARKS
    assert history.marks.first(history.end + 1) == history.marks.made
    for mark in history.marks:
        assert mark.offset <= history.end
        # It is shown in local time.
        time.localtime(mark.time)


def replay(history: History) -> None:
    """
    A session gets all of it, in frames that are such.
    """
    link = MemoryLink()
    follower = Follower(
        link,
        history,
        FrameVoice(Language(), False),
        lambda follower: None,
        0,
    )
    follower.behind = True
    while follower.behind:
        follower.writable()
    reader = FrameReader(frozenset(FrameType))
    for frame in reader.feed(link.received):
        if frame.type is FrameType.NOTICE:
            json.loads(frame.payload)
    assert follower.cursor == history.end
