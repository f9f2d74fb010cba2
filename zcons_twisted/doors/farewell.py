# -*- test-case-name: zcons_twisted.test.test_peer_close -*-
"""
The end of a connection whose peer has not taken yet what was said last.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from twisted.internet.interfaces import IWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from ..reactors import DescriptorReactor

__all__ = ["LINGER_SECONDS", "Farewell", "sendWhatFits"]

#: Seconds that a closed connection is given to take what was already said.
LINGER_SECONDS = 2.0


def sendWhatFits(connection: socket.socket, data: bytes) -> bytes:
    """
    Send what can be sent without waiting.

    @return: the rest; nothing where nobody receives any more.
    """
    while data:
        try:
            taken = connection.send(data)
        except BlockingIOError:
            break
        except OSError:
            return b""
        data = data[taken:]
    return data


@implementer(IWriteDescriptor)
class Farewell:
    """
    Sends the rest as the peer takes it, for L{LINGER_SECONDS} at most.
    """

    def __init__(
        self,
        reactor: DescriptorReactor,
        connection: socket.socket,
        rest: bytes,
        over: Callable[[], None],
    ) -> None:
        """
        @param reactor: provides descriptors and time.
        @param connection: not blocking; nobody else uses it any more.
        @param rest: what is to be sent.
        @param over: called once, when there is nothing to wait for any more; closes
            the connection.
        """
        self._reactor = reactor
        self._socket = connection
        self._fd = connection.fileno()
        self._rest = rest
        self._over = over
        self._linger = reactor.callLater(LINGER_SECONDS, self._end)
        reactor.addWriter(self)

    def fileno(self) -> int:
        """
        The descriptor.
        """
        return self._fd

    def logPrefix(self) -> str:
        """
        What the reactor calls us in its log.
        """
        return "console peer"

    def doWrite(self) -> None:
        """
        The reactor says that more can be sent.
        """
        self._rest = sendWhatFits(self._socket, self._rest)
        if not self._rest:
            self._end()

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor says that the connection is over.
        """
        self._end()

    def _end(self) -> None:
        self._reactor.removeWriter(self)
        if self._linger.active():
            self._linger.cancel()
        self._over()
