"""
A raw peer with a structured session.
"""

from __future__ import annotations

import json
from typing import Any

from support import Doors, Peer

from zcons_twisted.frames import (
    SERVER_TYPES,
    Frame,
    FrameReader,
    FrameType,
    encodeFrame,
    encodeObject,
    parseGap,
    parseOutput,
)


def text(start: int, stop: int) -> bytes:
    """
    A part of what L{support.numbered} gives.
    """
    first = start // 16 * 16
    lines = b"".join(b"%015d\n" % at for at in range(first, stop, 16))
    return lines[start - first :][: stop - start]


class Structured:
    """
    A raw peer with a structured session.

    @ivar answer: what its first line was answered with.
    @ivar at: the offset of the output that comes next.
    @ivar gaps: the gaps that came, with their offsets.
    @ivar others: the frames that were neither output nor gap.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.answer: dict[str, Any] = {}
        self.at = 0
        self.gaps: list[tuple[int, int]] = []
        self.others: list[Frame] = []
        self._missing = 0
        self._reader = FrameReader(SERVER_TYPES)

    async def attach(self, **given: Any) -> Structured:
        """
        Attach, let in or not.
        """
        await self.peer.send(b"ATTACH " + encodeObject({"v": 1, **given}) + b"\n")
        self.answer = json.loads(await self.peer.until(b"\n"))
        self.at = self.answer.get("offset", 0)
        return self

    async def say(self, kind: FrameType, payload: bytes = b"", **given: Any) -> None:
        """
        Send a frame.
        """
        content = encodeObject(given) if given else payload
        await self.peer.send(encodeFrame(kind, content))

    def take(self) -> list[tuple[int, bytes]]:
        """
        The output of what is there, each piece of it in its place: behind the last
        one, or behind a gap.  Output that was lost before it could be kept is a gap
        that has no offsets of its own.  No offset is less than one before.
        """
        pieces = []
        held, self.peer.held = self.peer.held, b""
        for frame in self._reader.feed(held):
            if frame.type is FrameType.OUTPUT:
                offset, data = parseOutput(frame.payload)
                assert offset in (self.at, self.at + self._missing)
                self.at = offset + len(data)
                self._missing = 0
                pieces.append((offset, data))
            elif frame.type is FrameType.GAP:
                self.gaps.append(parseGap(frame.payload))
                offset, missing = self.gaps[-1]
                assert offset in (self.at, self.at + self._missing)
                self.at = offset
                self._missing = missing
            else:
                self.others.append(frame)
        return pieces

    async def to(self, end: int, base: int = 0) -> None:
        """
        Read up to an offset, and look at every byte of the numbered text.

        @param base: the offset at which that began; what is before it is not looked
            at.
        """
        while True:
            for offset, data in self.take():
                if offset >= base:
                    assert data == text(offset - base, offset - base + len(data))
            if self.at >= end:
                return
            assert await self.peer.more()

    async def told(self, kind: FrameType) -> dict[str, Any]:
        """
        The next frame of a type.
        """
        while True:
            self.take()
            for frame in self.others:
                if frame.type is kind:
                    self.others.remove(frame)
                    found: dict[str, Any] = json.loads(frame.payload)
                    return found
            assert await self.peer.more()


async def structured(server: Doors, **given: Any) -> Structured:
    """
    Connect and attach.
    """
    return await Structured(await server.connect()).attach(**given)
