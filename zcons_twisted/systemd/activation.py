# -*- test-case-name: zcons_twisted.test.test_systemd_activation -*-
"""
Sockets that systemd has made for the server: C{sd_listen_fds(3)}.

They are told apart by where they are bound: whatever path a zone's socket has is looked
for among them, and what is there is used as it is, and never removed.  So a zone can be
attached to while its server is being started.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import MutableMapping

from twisted.logger import Logger

from ..doors.listening import PassedSocket
from ..notices import escaped

__all__ = ["FIRST_DESCRIPTOR", "ActivatedSockets"]

#: The first descriptor that is passed.
FIRST_DESCRIPTOR = 3


class ActivatedSockets:
    """
    The sockets that were passed: L{PassedSockets
    <zcons_twisted.doors.listening.PassedSockets>}.
    """

    _log = Logger()

    def __init__(self) -> None:
        self._found: dict[str, int] = {}

    @classmethod
    def fromEnvironment(
        cls,
        environ: MutableMapping[str, str],
        pid: int,
        first: int | None = None,
    ) -> ActivatedSockets:
        """
        Those that the environment tells of, which is taken out of it: it is not for
        what the server runs.

        @param pid: our process ID.
        @param first: the number of the first of them; L{FIRST_DESCRIPTOR}, where
            L{None}.
        """
        sockets = cls()
        if first is None:
            first = FIRST_DESCRIPTOR
        count = environ.pop("LISTEN_FDS", "")
        names = environ.pop("LISTEN_FDNAMES", "").split(":")
        whose = environ.pop("LISTEN_PID", "")
        if whose == str(pid) and count.isdecimal():
            for number in range(int(count)):
                name = names[number] if number < len(names) else "unknown"
                sockets._take(first + number, name)
        return sockets

    def paths(self) -> list[str]:
        """
        Where they are bound.
        """
        return sorted(self._found)

    def find(self, path: str) -> PassedSocket | None:
        """
        One of them, as a descriptor of its own that may be closed.

        @param path: where it is bound.
        """
        fd = self._found.get(_resolved(path))
        if fd is None:
            return None
        return PassedSocket(fileno=os.dup(fd))

    def _take(self, fd: int, name: str) -> None:
        try:
            os.set_inheritable(fd, False)
            why = self._unfit(fd)
        except OSError as e:
            why = e.strerror or str(e)
        if why is not None:
            self._log.warn(
                "descriptor {fd} ({name}) that was passed is not used: {why}",
                fd=fd,
                name=escaped(name),
                why=escaped(why),
            )

    def _unfit(self, fd: int) -> str | None:
        """
        Remember a socket, or say why it can't be used.
        """
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            return "it is no socket"
        with socket.socket(fileno=os.dup(fd)) as passed:
            unix = passed.family == socket.AF_UNIX
            stream = passed.type == socket.SOCK_STREAM
            listens = passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            address = passed.getsockname()
        if not (unix and stream and listens):
            return "it is no unix socket that listens"
        if not isinstance(address, str) or not address.startswith("/"):
            return "it has no path"
        self._found[_resolved(address)] = fd
        return None


def _resolved(path: str) -> str:
    """
    A path whose directory is spelled in one way only.
    """
    directory, name = os.path.split(path)
    return os.path.join(os.path.realpath(directory), name)
