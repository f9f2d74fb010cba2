# -*- test-case-name: zcons_twisted.test.test_client_connecting -*-
"""
Connecting to a unix socket without waiting in the kernel.

A unix socket connects at once or not at all, so one plain system call does for
Twisted and asyncio alike.  Neither framework's own way is used, because a full
backlog (C{EAGAIN}; a console socket's is 4) is taken for a connection under way
by both: Twisted then reports a clean close, asyncio a success.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable

from zcons_twisted.errors import RunDirectoryError
from zcons_twisted.rundir import WHO_MAY, RunDirectory

from .errors import CouldNotConnect
from .holding import lostSocket
from .outliving import outlived

__all__ = ["RETRY_SECONDS", "Dialler", "greet", "isServed", "openUnix"]

#: How long to wait between two attempts while the backlog is full.
RETRY_SECONDS = 0.05

#: Of so many zones somebody is told who has named none of them.
ZONES_NAMED = 8

#: How often to try: some five seconds in all.
ATTEMPTS = 100

Opener = Callable[[str], "socket.socket | None"]


def openUnix(path: str) -> socket.socket | None:
    """
    Try once to connect.

    @return: a connected socket that does not block, or L{None} when the
        server's backlog is full just now.
    @raise OSError: there is no server, or it may not be reached.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    number = connection.connect_ex(path)
    if number == 0:
        return connection
    connection.close()
    if number == errno.EAGAIN:
        return None
    raise OSError(number, os.strerror(number))


def greet(fd: int, hello: bytes) -> bytes:
    """
    Send the first bytes of a connection.  The C program says who is there and closes
    before it looks at them.  That can be read then, but not by a framework's own
    transport, which reads no more when it could not write.

    @param fd: the connection, which does not block.
    @return: what has still to be sent.
    """
    try:
        return hello[os.write(fd, hello) :]
    except BlockingIOError:
        return hello
    except OSError:
        # It is closed: that is read behind what was said.
        return b""


class Dialler:
    """
    The attempts to reach one zone's socket: each framework brings the waiting
    between them.
    """

    def __init__(self, path: str, zone: str, opener: Opener = openUnix) -> None:
        """
        @param path: the socket.
        @param zone: whose socket it is, for messages.
        @param opener: one attempt, as L{openUnix}.
        """
        self._path = path
        self._zone = zone
        self._open = opener
        self._left = ATTEMPTS

    def attempt(self) -> socket.socket | None:
        """
        Try once.

        @return: the connection, or L{None}: try again after L{RETRY_SECONDS}.
        @raise CouldNotConnect: there is no point in trying again.
        """
        try:
            connection = self._open(self._path)
        except OSError as e:
            process = 0
            if e.errno == errno.ECONNREFUSED:
                rundir = RunDirectory(os.path.dirname(self._path))
                process = outlived(rundir, self._zone)
            raise CouldNotConnect(
                self._told(e, process), e.errno or 0, process
            ) from None
        if connection is None:
            self._left -= 1
            if self._left <= 0:
                raise CouldNotConnect(
                    f"the server of zone {self._zone} is too busy to answer",
                    errno.EAGAIN,
                )
        return connection

    def _told(self, error: OSError, process: int) -> str:
        if error.errno == errno.ENOENT:
            there = os.path.dirname(self._path)
            lost = lostSocket(RunDirectory(there), self._zone)
            if lost:
                return lost
            others = _zonesIn(there)
            if others:
                return (
                    f"no server serves zone {self._zone} in {there}; 'zconsole list'"
                    f" shows {others} there"
                )
            return (
                f"no server serves zone {self._zone} in {there}: is its server"
                " running, or is it in another directory (--rundir)?"
            )
        if error.errno == errno.ECONNREFUSED:
            return (
                f"the server of zone {self._zone} is gone and has left"
                f" {self._path} behind: start it again"
                + (f"; its zone runs on (process {process})" if process else "")
            )
        why = error.strerror or str(error)
        if error.errno == errno.EACCES:
            why += f": {WHO_MAY}"
        return f"{self._path}: {why}"


def _zonesIn(directory: str) -> str:
    """
    Some of the zones that are served there.
    """
    try:
        zones = RunDirectory(directory).zones()
    except RunDirectoryError:
        return ""
    more = ["..."] if len(zones) > ZONES_NAMED else []
    return ", ".join(zones[:ZONES_NAMED] + more)


def isServed(path: str) -> bool:
    """
    Is there a process behind a stream socket's path?  It is not disturbed: a
    datagram socket can't connect to it, and the kernel refuses with another
    error where nobody is there.

    @param path: the socket.
    @return: L{False} for a socket that a dead server left behind, and where
        there is none.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)
        number = probe.connect_ex(path)
    return number not in (errno.ECONNREFUSED, errno.ENOENT)
