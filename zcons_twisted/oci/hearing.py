# -*- test-case-name: zcons_twisted.test.test_oci_hearing -*-
"""
The server's end of what containers' shims tell: a socket in the zone's own directory,
where only processes of our own user are heard.
"""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IFileDescriptorReceiver,
    IReactorTime,
    ITransport,
)
from twisted.internet.protocol import ServerFactory
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from ..credentials import peerCredentials
from ..doors.listening import Listener
from ..notices import escaped
from ..reactors import ServerReactor
from .runtime import WHY_MAX
from .telling import ACCEPTED, SOCKET_NAME

__all__ = ["BACKLOG", "HEARD_MAX", "HEAR_SECONDS", "Heard", "Hearing"]

#: Most bytes of what a shim says.
HEARD_MAX = 16 * 1024

#: Seconds for a shim to say what it has to say.
HEAR_SECONDS = 10.0

#: Shims that wait to be heard; there is one a zone, as a rule.
BACKLOG = 4

#: What a shim has said, with the descriptor that came with it or -1, which is the
#: callee's; fires when it has been seen to.
Heard = Callable[[dict[str, Any], int], Deferred[None]]


@implementer(IFileDescriptorReceiver)
class _Peer(LineReceiver):
    """
    One shim.
    """

    delimiter = b"\n"
    MAX_LENGTH = HEARD_MAX

    _log = Logger()

    def __init__(self, zone: str, clock: IReactorTime, heard: Heard) -> None:
        self._zone = zone
        self._clock = clock
        self._heard = heard
        self._fd = -1
        self._many = False
        self._deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """
        Others are not heard.
        """
        connection = cast(socket.socket, self._transport.socket)
        if peerCredentials(connection).uid != os.geteuid():
            self._transport.abortConnection()
            return
        self._deadline = self._clock.callLater(
            HEAR_SECONDS, self._transport.abortConnection
        )

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """
        It has sent one; there is one at most.
        """
        if self._fd != -1:
            os.close(descriptor)
            self._many = True
        else:
            self._fd = descriptor

    def lineReceived(self, line: bytes) -> None:
        """
        It has said something.
        """
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        if self._many or not isinstance(said, dict):
            self._transport.abortConnection()
            return
        fd, self._fd = self._fd, -1
        done = self._heard(said, fd)
        done.addCallbacks(lambda _ignored: ACCEPTED, self._refusal)
        done.addCallback(self._transport.write)
        done.addCallback(lambda _ignored: self._transport.loseConnection())

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """
        It has gone.
        """
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        if self._fd != -1:
            os.close(self._fd)
            self._fd = -1

    @property
    def _transport(self) -> Any:
        # Any: what a unix socket's transport can do is in several interfaces.
        return cast(ITransport, self.transport)

    def _refusal(self, failure: Failure) -> bytes:
        error = failure.value
        why = escaped(getattr(error, "strerror", None) or str(error))
        if not isinstance(error, OSError):
            self._log.failure("{zone}: {why}", failure, zone=self._zone, why=why)
        return why.encode("utf-8", "replace")[:WHY_MAX] + b"\n"


class Hearing:
    """
    Where the shims of one zone are heard.
    """

    def __init__(
        self, reactor: ServerReactor, zone: str, home: str, heard: Heard
    ) -> None:
        """
        @param reactor: listens, and measures time.
        @param home: the zone's own directory.
        @param heard: is told what they say.
        """
        self._reactor = reactor
        self._path = os.path.join(home, SOCKET_NAME)
        self._listener: Listener | None = None
        self._factory: ServerFactory[Any] = ServerFactory()
        self._factory.protocol = lambda: _Peer(zone, reactor, heard)
        self._factory.noisy = False

    def begin(self) -> None:
        """
        Hear from now on.  The zone is ours alone: whatever socket is there is dead.

        @raise OSError: that can't be done.
        """
        if self._listener is not None:
            return
        if os.path.lexists(self._path):
            os.unlink(self._path)
        listening = socket.socket(socket.AF_UNIX)
        umask = os.umask(0o177)
        try:
            listening.bind(self._path)
            listening.listen(BACKLOG)
        except OSError as e:
            listening.close()
            why = f"{self._path}: {e.strerror or e}: choose another --rundir"
            raise OSError(e.errno or errno.EINVAL, why) from None
        finally:
            os.umask(umask)
        listening.setblocking(False)
        self._listener = Listener(self._reactor, self._path, listening, self._accepted)

    def end(self) -> None:
        """
        Hear no more.
        """
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    def _accepted(self, connection: socket.socket) -> None:
        try:
            self._reactor.adoptStreamConnection(
                connection.fileno(), socket.AF_UNIX, self._factory
            )
        finally:
            connection.close()
