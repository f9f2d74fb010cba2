# -*- test-case-name: zcons_twisted.test.test_endpoint_ends -*-
"""
Our end of a console's connection, where that is a descriptor: a socket, or a serial
line.

A socket is taken from the transport that Twisted has connected it with: it is read and
written without that, and may have come from an earlier server without any.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress, ITCPTransport
from twisted.internet.tcp import Connection

from ..reactors import DescriptorReactor
from .endpoint_transport import ConsoleProtocol
from .serial_line import SerialTransport

__all__ = ["DEAD_SECONDS", "OurEnd", "SocketEnd", "foundEnd", "lookAfterPeer", "ourEnd"]

#: Seconds after which a TCP peer that does not even acknowledge is taken to be dead.
DEAD_SECONDS = 120

#: How often the kernel asks after a TCP peer in the second half of that.
_PROBES = 4


class OurEnd(Protocol):
    """
    One end.

    @ivar sendBreak: begins a break, and calls what it is given when that is over; or
        L{None} where there are no breaks.
    """

    @property
    def sendBreak(self) -> Callable[[Callable[[], None]], None] | None:
        """
        See above.
        """

    def fileno(self) -> int:
        """
        The descriptor.
        """

    def getPeer(self) -> IAddress | None:
        """
        Where the other end is, if that can be told.
        """

    def abortConnection(self) -> None:
        """
        Close it.  Harmless to say twice.
        """

    def leave(self) -> None:
        """
        Close it for us alone: somebody else has it, too, and goes on with it.
        """


class SocketEnd:
    """
    A connected socket.
    """

    sendBreak: Callable[[Callable[[], None]], None] | None = None

    def __init__(self, fd: int, peer: IAddress | None) -> None:
        """
        @param fd: the socket, not blocking; closed by us.
        @param peer: the other end's address.
        """
        self._fd = fd
        self._peer = peer

    def fileno(self) -> int:
        """
        See L{OurEnd}.
        """
        return self._fd

    def getPeer(self) -> IAddress | None:
        """
        See L{OurEnd}.
        """
        return self._peer

    def abortConnection(self) -> None:
        """
        See L{OurEnd}.
        """
        if self._fd != -1:
            os.close(self._fd)
            self._fd = -1

    leave = abortConnection


def ourEnd(transport: Any) -> OurEnd | None:
    """
    Our end of a connection, taken from its transport, which is of no more use.

    @param transport: paused, and with nothing to write.
    @return: L{None} for a transport that only Twisted can read and write, which is left
        as it is.
    """
    if isinstance(transport, SerialTransport):
        return transport
    if not isinstance(transport, Connection) or transport.TLS:
        return None
    end = SocketEnd(os.dup(transport.fileno()), transport.getPeer())
    # The socket itself goes on: a transport would shut it down.
    transport.getHandle().close()
    return end


def foundEnd(reactor: DescriptorReactor, fd: int, path: str) -> OurEnd:
    """
    Our end of a connection that an earlier server has made.

    @param fd: a socket or a line; closed by the end.
    @param path: where it is, if it is at a path.
    """
    os.set_blocking(fd, False)
    if os.isatty(fd):
        return SerialTransport(reactor, fd, path, ConsoleProtocol())
    return SocketEnd(fd, _peerOf(fd, path))


def _peerOf(fd: int, path: str) -> IAddress | None:
    if path:
        return UNIXAddress(os.fsencode(path))
    with socket.socket(fileno=os.dup(fd)) as asked:
        try:
            name = asked.getpeername()
        except OSError:
            # It is over already.
            return None
        if asked.family == socket.AF_INET:
            return IPv4Address("TCP", *name)
        if asked.family == socket.AF_INET6:
            return IPv6Address("TCP", *name)
    return None


def lookAfterPeer(transport: Any) -> None:
    """
    Have what is typed sent at once, and a peer that has vanished noticed: neither an
    unplugged terminal server nor a firewall that forgets says anything.
    """
    while not isinstance(transport, Connection):
        # An encrypted connection is one inside another.
        inner = transport.__dict__.get("transport")
        if inner is None:
            return
        transport = inner
    if not ITCPTransport.providedBy(transport):
        return
    handle = transport.getHandle()
    if handle.family not in (socket.AF_INET, socket.AF_INET6):
        return
    transport.setTcpNoDelay(True)
    transport.setTcpKeepAlive(True)
    for option, value in (
        (socket.TCP_KEEPIDLE, DEAD_SECONDS // 2),
        (socket.TCP_KEEPINTVL, DEAD_SECONDS // 2 // _PROBES),
        (socket.TCP_KEEPCNT, _PROBES),
        (socket.TCP_USER_TIMEOUT, DEAD_SECONDS * 1000),
    ):
        handle.setsockopt(socket.IPPROTO_TCP, option, value)
