# -*- test-case-name: zcons_twisted.test.test_listening -*-
"""
Unix sockets made safely: a dead server's socket replaced, a live one's refused,
permissions set before anybody can connect.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import RunDirectoryError, ZoneServed
from ..notices import escaped
from ..reactors import DescriptorReactor

__all__ = [
    "ACCEPT_PAUSE",
    "BACKLOG",
    "NO_SOCKETS",
    "Listener",
    "ListeningDoor",
    "PassedSocket",
    "PassedSockets",
    "bindSocket",
    "checkSocket",
]

#: Connections that may wait to be accepted, as in the C program.
BACKLOG = 4
#: Seconds without accepting, when there were no descriptors left.
ACCEPT_PAUSE = 1.0

_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class PassedSocket(socket.socket):
    """
    A listening socket that whoever started the server has made, and takes away.
    """


class PassedSockets(Protocol):
    """
    Sockets that were made for a server before it started.
    """

    def find(self, path: str) -> PassedSocket | None:
        """
        One of them, as a descriptor of its own that may be closed.

        @param path: where it is bound.
        """


class _NoSockets:
    def find(self, path: str) -> PassedSocket | None:
        return None


#: Nobody has made any.
NO_SOCKETS: PassedSockets = _NoSockets()


def checkSocket(path: str, zone: str, passed: PassedSockets = NO_SOCKETS) -> None:
    """
    Could a socket be made here, as far as others are concerned?

    @param zone: for messages.
    @param passed: sockets that are there already.
    @raise ZoneServed: a live server listens there.
    """
    given = passed.find(path)
    if given is not None:
        given.close()
    elif _isLive(path):
        raise ZoneServed(f"zone '{zone}' is already served: somebody listens on {path}")


def bindSocket(
    path: str,
    zone: str,
    gid: int | None = None,
    passed: PassedSockets = NO_SOCKETS,
) -> socket.socket:
    """
    A listening unix socket with mode 0600 or, for a group, 0660.

    @param path: where; what a dead server left there is replaced.
    @param zone: for messages.
    @param gid: the group that may connect, or L{None}.
    @param passed: sockets that are there already: they are used as they are.
    @raise ZoneServed: a live server listens there.
    @raise RunDirectoryError: it can't be made.
    """
    given = passed.find(path)
    if given is not None:
        given.setblocking(False)
        return given
    checkSocket(path, zone)
    made = _UnixSocket()
    bound = False
    step = "bind to"
    try:
        made.setblocking(False)
        if os.path.lexists(path):
            os.unlink(path)
        # The permissions are right from the first instant: nobody can connect
        # between bind and chmod, least of all before listen.
        umask = os.umask(0o177)
        try:
            made.bind(path)
            bound = True
        finally:
            os.umask(umask)
        if gid is not None:
            os.chown(path, -1, gid)
            os.chmod(path, 0o660)
        step = "listen on"
        made.listen(BACKLOG)
    except OSError as e:
        if bound:
            os.unlink(path)
        made.close()
        raise RunDirectoryError(
            f"console setup: could not {step} socket {path}: {e.strerror}"
        ) from None
    return made


class _UnixSocket(socket.socket):
    """
    A unix stream socket that knows it is one.  Python's own looks both up in an
    enumeration at each C{accept}, which is a tenth of what seating a peer costs.
    """

    family = socket.AF_UNIX
    type = socket.SOCK_STREAM

    def __init__(self) -> None:
        super().__init__(self.family, self.type)


def _isLive(path: str) -> bool:
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.setblocking(False)
    try:
        probe.connect(path)
    except BlockingIOError:
        # Its backlog is full, so somebody holds it.
        return True
    except OSError:
        return False
    else:
        return True
    finally:
        probe.close()


def _identity(path: str) -> tuple[int, int]:
    """
    What a path names, apart from its name.  The whole of a stat takes a KiB.

    @raise FileNotFoundError: nothing.
    """
    found = os.lstat(path)
    return found.st_dev, found.st_ino


@implementer(IReadDescriptor)
class Listener:
    """
    Accepts connections, and stops for a while when there are no descriptors left
    instead of trying without end.

    @ivar path: the socket's path.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: DescriptorReactor,
        path: str,
        listening: socket.socket,
        accepted: Callable[[socket.socket], None],
    ) -> None:
        """
        @param path: the socket's path, removed at the end unless the socket was
            passed to us.
        @param listening: from L{bindSocket}; closed by us.
        @param accepted: gets each connection, which does not block.
        """
        self._reactor = reactor
        self.path = path
        self._socket = listening
        self._accepted = accepted
        self._pause: IDelayedCall | None = None
        self._told: int | None = None
        self._closed = False
        self._identity = _identity(path)
        reactor.addReader(self)

    def fileno(self) -> int:
        """
        The descriptor, or -1 when it is closed.
        """
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """
        What the reactor calls us in its log.
        """
        return "listener"

    def doRead(self) -> None:
        """
        Somebody connects.  If others do as well the reactor says so again; asking for
        them here would cost each newcomer a call that finds nobody.
        """
        try:
            self._acceptOne()
        except OSError as e:
            # Else nobody is there, or the newcomer was gone before we came to it.
            if e.errno in _NO_ROOM:
                self._rest(e)

    def isThere(self) -> bool:
        """
        Is the socket to be found by its path?  One that was passed to us is not ours to
        look after.
        """
        if isinstance(self._socket, PassedSocket):
            return True
        try:
            return _identity(self.path) == self._identity
        except OSError:
            return False

    def giveWay(self) -> None:
        """
        Another one takes our place: let those in who wait here still, and close.
        """
        try:
            while not self._closed:
                self._acceptOne()
        except OSError:
            # That were all, or all that there was room for.
            self.close()

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor lets go of us.
        """
        self.close()

    def close(self) -> None:
        """
        Accept no more, and leave no socket behind.  Harmless to say twice.
        """
        if self._closed:
            return
        self._closed = True
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._reactor.removeReader(self)
        try:
            # Not what somebody else has made, or may have put there since.
            passed = isinstance(self._socket, PassedSocket)
            if not passed and _identity(self.path) == self._identity:
                os.unlink(self.path)
        except FileNotFoundError:
            pass
        self._socket.close()

    def _acceptOne(self) -> None:
        """
        @raise OSError: nobody can be accepted now.
        """
        connection, _address = self._socket.accept()
        if self._told is not None:
            self._told = None
            self._log.info("{path}: accepts again", path=escaped(self.path))
        connection.setblocking(False)
        try:
            self._accepted(connection)
        except Exception:
            self._log.failure("while accepting on {path}", path=escaped(self.path))

    def _rest(self, error: OSError) -> None:
        if error.errno != self._told:
            # Once, not each second that it lasts.
            self._told = error.errno
            self._log.error(
                "{path}: can't accept: {error}; trying again every {seconds:g} s",
                path=escaped(self.path),
                error=error.strerror,
                seconds=ACCEPT_PAUSE,
            )
        self._reactor.removeReader(self)
        self._pause = self._reactor.callLater(ACCEPT_PAUSE, self._again)

    def _again(self) -> None:
        self._pause = None
        self._reactor.addReader(self)


class ListeningDoor:
    """
    A door of a zone that listens on a socket, as long as there is one to be found.
    """

    def __init__(
        self, reactor: DescriptorReactor, zone: str, gid: int | None = None
    ) -> None:
        """
        @param zone: for messages.
        @param gid: the group that may connect, or L{None}.
        """
        self._descriptors = reactor
        self._zone = zone
        self._gid = gid
        self._listener: Listener | None = None

    def start(self, path: str, passed: PassedSockets = NO_SOCKETS) -> None:
        """
        Listen.

        @param passed: sockets that are there already.
        @raise ZoneServed: a live server listens there.
        @raise RunDirectoryError: the socket can't be made.
        """
        listening = bindSocket(path, self._zone, self._gid, passed)
        self._listener = Listener(self._descriptors, path, listening, self.accepted)

    def mend(self) -> bool:
        """
        Listen anew where somebody has removed the socket.  Who is there stays.

        @return: whether that was so.
        @raise ZConsError: it can't be made again; the one that is open stays so.
        """
        lost = self._listener
        if lost is None or lost.isThere():
            return False
        self.start(lost.path)
        lost.giveWay()
        return True

    def accepted(self, connection: socket.socket) -> None:
        """
        Somebody has connected.

        @param connection: theirs, not blocking.
        """
        raise NotImplementedError

    def listenNoMore(self) -> None:
        """
        Let nobody in any more.  Harmless to say twice.
        """
        if self._listener is not None:
            self._listener.close()
            self._listener = None
