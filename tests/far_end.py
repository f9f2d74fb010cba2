"""
The other end of an endpoint console: a server that does what a test wants, and can
die and come back.
"""

from __future__ import annotations

import os
import socket
import struct

from support import Readiness, content

from zcons_twisted.interfaces import DriverOptions
from zcons_twisted.service import ZoneConfig


class FarEnd:
    """
    Whatever makes the console that is connected to.

    @ivar connection: the latest connection.
    """

    def __init__(self, path: str = "") -> None:
        """
        @param path: of its socket; a TCP port where there is none.
        """
        self._path = path
        self.port = 0
        self.connection: socket.socket | None = None
        self._listening: socket.socket | None = None

    @property
    def description(self) -> str:
        """
        The endpoint.
        """
        if self._path:
            return f"unix:{self._path}"
        return f"tcp:127.0.0.1:{self.port}"

    def config(self, **options: str) -> ZoneConfig:
        """
        A zone whose console it is.
        """
        given = DriverOptions(endpoint=self.description, **options)  # type: ignore
        return ZoneConfig("z1", "endpoint", given)

    def listen(self) -> FarEnd:
        """
        Be there.
        """
        if self._path:
            if os.path.exists(self._path):
                os.unlink(self._path)
            self._listening = socket.socket(socket.AF_UNIX)
            self._listening.bind(self._path)
            self._listening.listen(1)
        else:
            self._listening = socket.create_server(("127.0.0.1", self.port))
            self.port = self._listening.getsockname()[1]
        self._listening.setblocking(False)
        return self

    async def accept(self) -> socket.socket:
        """
        Take a connection.
        """
        assert self._listening is not None
        readable = await Readiness(self._listening.fileno()).readable(30)
        assert readable, "nobody connects"
        self.connection, _ = self._listening.accept()
        self.connection.setblocking(False)
        return self.connection

    async def prints(self, data: bytes) -> None:
        """
        Print something.
        """
        assert self.connection is not None
        view = memoryview(data)
        while view:
            try:
                view = view[self.connection.send(view[:65536]) :]
            except BlockingIOError:
                took = await Readiness(self.connection.fileno()).writable(30)
                assert took, f"{len(view)} bytes are not taken"

    async def reads(self, size: int) -> bytes:
        """
        Read so much of what is typed.
        """
        got = b""
        assert self.connection is not None
        while len(got) < size:
            try:
                data = self.connection.recv(min(65536, size - len(got)))
            except BlockingIOError:
                readable = await Readiness(self.connection.fileno()).readable(30)
                assert readable, f"{len(got)} of {size} bytes came"
            else:
                assert data, f"an end after {len(got)} of {size} bytes"
                got += data
        return got

    async def ended(self) -> bool:
        """
        Wait for the other side to say anything more, or to close.

        @return: whether it has closed in good order.
        """
        assert self.connection is not None
        readable = await Readiness(self.connection.fileno()).readable(30)
        assert readable, "neither an end nor anything else"
        return self.connection.recv(1) == b""

    def hangUp(self, reset: bool = False) -> None:
        """
        Close the connection, in good order or not.
        """
        assert self.connection is not None
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.connection = None

    def die(self) -> None:
        """
        Be there no more.
        """
        if self.connection is not None:
            self.hangUp()
        if self._listening is not None:
            self._listening.close()
            self._listening = None


async def flood(far: FarEnd, size: int) -> bytes:
    """
    Have it print a lot.

    @return: what.
    """
    data = content(size)
    await far.prints(data)
    return data
