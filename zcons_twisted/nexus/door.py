# -*- test-case-name: zcons_twisted.test.test_nexus_holder -*-
"""
The nexus' socket in a run directory: there is one nexus a directory, however many begin
at the same time.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket

__all__ = ["BACKLOG", "SOCKET_NAME", "Door"]

#: The socket's name in the run directory.
SOCKET_NAME = "nexus_sock"
#: Servers that may wait to be accepted.
BACKLOG = 64


class Door:
    """
    The socket, listening.
    """

    def __init__(self, path: str, listening: socket.socket) -> None:
        """
        @param path: where it was bound.
        """
        self._path = path
        self._listening = listening
        self._identity = os.lstat(path)

    @classmethod
    def open(cls, rundir: str) -> Door | None:
        """
        Listen, with mode 0600 from the first instant; L{None} where another nexus does.

        The run directory itself is locked meanwhile: of two that begin at the same time
        one is the first.

        @raise OSError: that can't be done.
        """
        directory = _locked(rundir)
        path = os.path.join(rundir, SOCKET_NAME)
        try:
            if _isLive(path):
                return None
            if os.path.lexists(path):
                os.unlink(path)
            listening = socket.socket(socket.AF_UNIX)
            umask = os.umask(0o177)
            try:
                listening.bind(path)
            finally:
                os.umask(umask)
            listening.listen(BACKLOG)
            listening.setblocking(False)
            return cls(path, listening)
        finally:
            os.close(directory)

    def fileno(self) -> int:
        """
        Its descriptor.
        """
        return self._listening.fileno()

    def accept(self) -> socket.socket | None:
        """
        Who connects, not blocking, if anybody still does.
        """
        try:
            connected, _address = self._listening.accept()
        except OSError:
            return None
        connected.setblocking(False)
        return connected

    def mend(self) -> bool:
        """
        Be found again where somebody has removed the socket.  The descriptor has the
        same number afterwards; who had not been accepted by then is refused.

        @return: whether that was so.
        @raise OSError: that can't be done, or another nexus is there by now.
        """
        if os.path.lexists(self._path):
            return False
        fresh = Door.open(os.path.dirname(self._path))
        if fresh is None:
            raise OSError(errno.EADDRINUSE, "another nexus is there")
        os.dup2(fresh.fileno(), self.fileno(), inheritable=False)
        fresh._listening.close()
        self._identity = fresh._identity
        return True

    def remove(self) -> None:
        """
        Be found no more.  Harmless to say twice.
        """
        try:
            directory = _locked(os.path.dirname(self._path))
        except OSError:
            # Somebody has emptied the directory, and more.
            return
        try:
            # Not what somebody else may have put there since.
            if os.path.samestat(os.lstat(self._path), self._identity):
                os.unlink(self._path)
        except FileNotFoundError:
            return
        finally:
            os.close(directory)


def _locked(directory: str) -> int:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd


def _isLive(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        # Full is live, too.
        return probe.connect_ex(path) in (0, errno.EAGAIN)
