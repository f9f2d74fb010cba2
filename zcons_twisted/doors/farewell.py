# -*- test-case-name: zcons_twisted.test.test_peer_close -*-
"""
The end of a connection whose peer has not taken yet what was said last.

A peer that is sending when its connection is closed may be told that it can't, and then
does not read what was said before.  Where that matters it is waited for until it has
read the end, and what it still sends is nobody's.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

from twisted.internet.interfaces import IReadDescriptor, IWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from ..reactors import DescriptorReactor

__all__ = ["LINGER_SECONDS", "Farewell", "sendWhatFits"]

#: Seconds that a closed connection is given to take what was already said.
LINGER_SECONDS = 2.0

_RECEIVE_MAX = 64 * 1024


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


@implementer(IReadDescriptor, IWriteDescriptor)
class Farewell:
    """
    Sends the rest as the peer takes it, and perhaps waits until it goes as well, for
    L{LINGER_SECONDS} at most.
    """

    def __init__(
        self,
        reactor: DescriptorReactor,
        connection: socket.socket,
        rest: bytes,
        over: Callable[[], None],
        patient: bool = False,
    ) -> None:
        """
        @param reactor: provides descriptors and time.
        @param connection: not blocking; nobody else uses it any more.
        @param rest: what is to be sent.
        @param patient: whether the peer is waited for when it has been sent.
        @param over: called once, when there is nothing to wait for any more; closes
            the connection.
        """
        self._reactor = reactor
        self._socket = connection
        self._fd = connection.fileno()
        self._rest = rest
        self._over = over
        self._patient = patient
        self._linger = reactor.callLater(LINGER_SECONDS, self._end)
        if patient:
            reactor.addReader(self)
        if rest:
            reactor.addWriter(self)
        else:
            self._said()

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
            self._reactor.removeWriter(self)
            self._said()

    def doRead(self) -> None:
        """
        The peer says something that nobody hears any more, or goes.
        """
        try:
            if self._socket.recv(_RECEIVE_MAX):
                return
        except BlockingIOError:
            return
        except OSError:
            # It has gone.
            pass
        self._end()

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor says that the connection is over.
        """
        self._end()

    def _said(self) -> None:
        if not self._patient:
            self._end()
            return
        with suppress(OSError):
            # Where it has gone, that is read.
            self._socket.shutdown(socket.SHUT_WR)

    def _end(self) -> None:
        self._reactor.removeReader(self)
        self._reactor.removeWriter(self)
        if self._linger.active():
            self._linger.cancel()
        self._over()
