# -*- test-case-name: zcons_twisted.test.test_nexus_holder -*-
"""
The servers that are connected to a nexus: who is let in, and who is left, and why.
"""

from __future__ import annotations

import os
import select
import socket
import sys
from collections.abc import Callable

from .wire import Box, Connection, Malformed

__all__ = ["Servers"]

# Most bytes of the reason that a server is told.
_WHY_MAX = 1000


class Servers:
    """
    All of them.
    """

    def __init__(
        self,
        epoll: select.epoll,
        do: Callable[[Connection, Box], None],
        left: Callable[[Connection], None],
    ) -> None:
        """
        @param epoll: tells of descriptors for which L{ready} is to be called.
        @param do: does what one has asked for.
        @param left: is told that one has gone, while its connection is still open.
        """
        self._epoll = epoll
        self._do = do
        self._left = left
        self._connected: dict[int, Connection] = {}

    def __len__(self) -> int:
        return len(self._connected)

    def welcome(self, connected: socket.socket) -> None:
        """
        Somebody has connected; those of other users are closed without a word.
        """
        server = Connection(connected)
        if server.uid != os.geteuid():
            server.close()
            return
        self._connected[server.fileno()] = server
        self._epoll.register(server.fileno(), select.EPOLLIN)

    def ready(self, fd: int, what: int) -> bool:
        """
        A descriptor has something to tell.

        @param what: as epoll has it.
        @return: whether it is one of ours.
        """
        server = self._connected.get(fd)
        if server is None:
            return False
        try:
            boxes = server.receive() if what & ~select.EPOLLOUT else []
            if boxes is None:
                self._leave(server)
                return True
            for box in boxes:
                self._do(server, box)
            self._flush(server)
        except OSError:
            # It has gone.
            self._leave(server)
        except Exception as e:
            # Whatever it sent: what is held for others matters more.
            self._drop(server, str(e) if isinstance(e, Malformed) else repr(e))
        return True

    def tell(self, server: Connection, box: Box) -> None:
        """
        Tell one something that it has not asked for, if it is still there.
        """
        if self._connected.get(server.fileno()) is not server:
            return
        server.send(box)
        try:
            self._flush(server)
        except Malformed as e:
            self._drop(server, str(e))
        except OSError:
            self._leave(server)

    def _flush(self, server: Connection) -> None:
        out = 0 if server.flush() else select.EPOLLOUT
        self._epoll.modify(server.fileno(), select.EPOLLIN | out)

    def _drop(self, server: Connection, why: str) -> None:
        """
        Leave one that is still there, and say why: to itself, where it listens, and to
        whoever reads our standard error, a service manager's log for example.
        """
        try:
            sys.stderr.write(f"nexus: process {server.pid} is left: {why}\n")
            server.send({"_command": b"Dropped", "why": why.encode()[:_WHY_MAX]})
            server.flush()
        except (Malformed, OSError):
            # Nobody listens.
            pass
        self._leave(server)

    def _leave(self, server: Connection) -> None:
        if self._connected.pop(server.fileno(), None) is not None:
            self._epoll.unregister(server.fileno())
            self._left(server)
            server.close()
