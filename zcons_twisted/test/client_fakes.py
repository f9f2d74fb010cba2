# -*- test-case-name: zcons_twisted.test -*-
"""
What the tests of the client share: a reactor in memory, and a user's side.
"""

from __future__ import annotations

import errno
import itertools
import os
import socket
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import (
    IProtocolFactory,
    IReadDescriptor,
    IWriteDescriptor,
)
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.python.failure import Failure

from zcons_twisted.frames import (
    CLIENT_TYPES,
    OUTPUT_MAX,
    Frame,
    FrameReader,
    FrameType,
    encodeFrame,
    encodeObject,
    outputHead,
)

__all__ = [
    "ClientReactor",
    "FakeDescriptor",
    "FakeTransport",
    "accepts",
    "busyAtOnce",
    "connectedSocket",
    "ends",
    "frames",
    "nobody",
    "prints",
    "refuses",
    "tells",
    "typed",
]


def accepts(**more: Any) -> bytes:
    """
    A server's answer that lets us in.
    """
    answer = {
        "v": 1,
        "ok": True,
        "zone": "z",
        "state": "running",
        "role": "operator",
        "offset": 0,
        "oldest": 0,
        "end": 0,
        "boot": [0, 0],
        "operator": None,
        "sessions": 1,
    }
    return encodeObject({**answer, **more}) + b"\n"


def refuses(reason: str, text: str, holder: int | None = None) -> bytes:
    """
    A server's answer that does not.
    """
    operator = None if holder is None else {"pid": holder, "uid": 0, "since": 0.0}
    answer = {"v": 1, "ok": False, "reason": reason, "text": text}
    return encodeObject({**answer, "operator": operator}) + b"\n"


def prints(data: bytes, offset: int = 0) -> bytes:
    """
    Output.
    """
    pieces = [data[at : at + OUTPUT_MAX] for at in range(0, len(data), OUTPUT_MAX)]
    starts = itertools.accumulate(map(len, pieces), initial=offset)
    return b"".join(
        outputHead(start, len(piece)) + piece
        for start, piece in zip(starts, pieces, strict=False)
    )


def tells(kind: FrameType, **content: Any) -> bytes:
    """
    Anything else.
    """
    return encodeFrame(kind, encodeObject(content))


def ends(reason: str, text: str, **more: object) -> bytes:
    """
    A server's last word.
    """
    return tells(FrameType.END, reason=reason, text=text, **more)


def frames(data: bytes) -> list[Frame]:
    """
    What a client has sent after its first line.
    """
    return list(FrameReader(CLIENT_TYPES).feed(data))


def typed(data: bytes) -> bytes:
    """
    As much of it as was typed.
    """
    return b"".join(f.payload for f in frames(data) if f.type is FrameType.INPUT)


def connectedSocket(path: str) -> socket.socket:
    """
    An opener that always finds somebody.
    """
    ours, theirs = socket.socketpair()
    theirs.close()
    return ours


def busyAtOnce(path: str) -> socket.socket:
    """
    An opener that finds the C program, which says who is there and closes.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.send(b"4711\n")
    theirs.close()
    return ours


def nobody(path: str) -> socket.socket | None:
    """
    An opener that never finds anybody.
    """
    raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))


class FakeTransport(StringTransportWithDisconnection):
    """
    A transport in memory that loses its connection when it is asked to.
    """

    #: The protocol, which is the transport's producer as well.
    protocol: Any
    producer: Any
    aborted = False

    def abortConnection(self) -> None:
        """
        Lose the connection at once.
        """
        self.aborted = True
        if self.connected:
            self.connected = False
            self.protocol.connectionLost(Failure(ConnectionAborted()))


class ClientReactor(Clock):
    """
    As much of a reactor as the client needs, in memory.

    @ivar transports: those of adopted connections, in their order.
    @ivar readers: who waits for input.
    @ivar writers: who waits for room.
    """

    def __init__(self) -> None:
        super().__init__()
        self.transports: list[FakeTransport] = []
        self.readers: list[IReadDescriptor] = []
        self.writers: list[IWriteDescriptor] = []

    def adoptStreamConnection(
        self, fileDescriptor: int, addressFamily: Any, factory: IProtocolFactory
    ) -> None:
        """
        Connect a protocol to a transport in memory.
        """
        protocol: Any = factory.buildProtocol(UNIXAddress(None))
        transport = FakeTransport()
        transport.protocol = protocol
        self.transports.append(transport)
        protocol.makeConnection(transport)

    def addReader(self, reader: IReadDescriptor) -> None:
        """
        Keep it.
        """
        if reader not in self.readers:
            self.readers.append(reader)

    def removeReader(self, reader: IReadDescriptor) -> None:
        """
        Forget it.
        """
        if reader in self.readers:
            self.readers.remove(reader)

    def addWriter(self, writer: IWriteDescriptor) -> None:
        """
        Keep it.
        """
        if writer not in self.writers:
            self.writers.append(writer)

    def removeWriter(self, writer: IWriteDescriptor) -> None:
        """
        Forget it.
        """
        if writer in self.writers:
            self.writers.remove(writer)


class FakeDescriptor:
    """
    One end of a user's input or output.

    @ivar incoming: what is still to be read, piece by piece; an error is raised.
    @ivar written: what was written.
    @ivar room: how much more may be written.
    @ivar error: raised by writing.
    """

    def __init__(self, eager: bool = True) -> None:
        self.eager = eager
        self.incoming: list[bytes | OSError] = []
        self.written = b""
        self.room = 1 << 30
        self.error: OSError | None = None
        self.closed = False

    def fileno(self) -> int:
        """
        No real one.
        """
        return 99

    def read(self) -> bytes:
        """
        The next piece.
        """
        if not self.incoming:
            raise BlockingIOError
        piece = self.incoming.pop(0)
        if isinstance(piece, OSError):
            raise piece
        return piece

    def write(self, data: bytes | memoryview) -> int:
        """
        As much as there is room for.
        """
        if self.error is not None:
            raise self.error
        if not self.room:
            raise BlockingIOError
        taken = bytes(data[: self.room])
        self.room -= len(taken)
        self.written += taken
        return len(taken)

    def close(self) -> None:
        """
        Keep that.
        """
        self.closed = True
