# -*- test-case-name: zcons_twisted.test.test_structured -*-
"""
Peers with structured sessions, for the tests of these.
"""

from __future__ import annotations

import json
import socket
from typing import Any

from ..frames import (
    SERVER_TYPES,
    Frame,
    FrameReader,
    FrameType,
    encodeFrame,
    encodeObject,
    parseGap,
    parseOutput,
)
from .door_case import DoorTestCase


class Attached:
    """
    A peer with a structured session.

    @ivar answer: the line that it was answered with.
    @ivar closed: whether its connection has ended.
    """

    def __init__(self, case: StructuredTestCase, peer: socket.socket) -> None:
        self.answer: dict[str, Any] = {}
        self.closed = False
        self.peer = peer
        self._case = case
        self._reader = FrameReader(SERVER_TYPES)

    def frames(self) -> list[Frame]:
        """
        What it got since it was asked last.
        """
        data = b""
        while (piece := self._case.got(self.peer)) is not None and piece:
            data += piece
        self.closed = self.closed or piece is None
        if not self.answer and data:
            line, _, data = data.partition(b"\n")
            self.answer = json.loads(line)
        return list(self._reader.feed(data))

    def told(self) -> list[tuple[Any, ...]]:
        """
        The same in a form that is easy to compare.
        """
        return [told(frame) for frame in self.frames()]

    def say(self, kind: FrameType, payload: bytes = b"", **given: Any) -> None:
        """
        Send a frame.
        """
        content = encodeObject(given) if given else payload
        self._case.say(self.peer, encodeFrame(kind, content))


def told(frame: Frame) -> tuple[Any, ...]:
    """
    A frame in a form that is easy to compare.
    """
    name = frame.type.name.lower()
    if frame.type is FrameType.OUTPUT:
        return (name, *parseOutput(frame.payload))
    if frame.type is FrameType.GAP:
        return (name, *parseGap(frame.payload))
    if frame.type in (FrameType.PONG, FrameType.CONFIRMED):
        return (name, frame.payload)
    content = json.loads(frame.payload)
    if frame.type is FrameType.OPERATOR:
        holder = content["operator"]
        return (name, content["role"], None if holder is None else holder["pid"])
    if frame.type is FrameType.ANSWER:
        return (name, content["request"], content["ok"], content["text"])
    if frame.type is FrameType.END:
        return (name, content["reason"], content["text"])
    return (name, content)


class StructuredTestCase(DoorTestCase):
    """
    A console socket that peers attach to.
    """

    def attachBy(self, **given: Any) -> Attached:
        """
        Somebody sends an C{ATTACH} line.
        """
        line = b"ATTACH " + encodeObject({"v": 1, **given}) + b"\n"
        return Attached(self, self.connect(line))

    def join(self, role: str = "operator", **given: Any) -> Attached:
        """
        Somebody attaches, is let in, and has been told what there is.
        """
        attached = self.attachBy(role=role, **given)
        attached.frames()
        self.assertTrue(attached.answer["ok"], attached.answer)
        return attached
