# -*- test-case-name: zcons_twisted.test.test_history_file -*-
"""
A console's history in a mapped file, so that it outlives the server.

What is there and can't be used (damaged, cut short, somebody else's) is set aside with
a line in the log, and a new one is begun.  Where no file can be had, the history is
in memory alone: a full disk takes nobody's console away.
"""

from __future__ import annotations

import errno
import mmap
import os
import stat
from collections.abc import Callable

from twisted.logger import Logger

from .errors import DamagedHistory
from .history import HEAD_SIZE, History, historySize

__all__ = ["HistoryFile"]

_log = Logger()


class HistoryFile:
    """
    The file of one history.

    @ivar history: what it holds.
    """

    def __init__(
        self,
        path: str,
        ring: int,
        now: Callable[[], float],
        gid: int | None = None,
    ) -> None:
        """
        Open the file, or begin it.

        @param path: where it is.
        @param ring: how many bytes are kept.
        @param now: the time in seconds since the epoch.
        @param gid: a group that may read it besides its owner, or L{None}.
        """
        self._path = path
        self._size = historySize(ring)
        try:
            self.history = self._open(ring, gid)
        except OSError as e:
            _log.error(
                "{path}: history is kept in memory only: {error}",
                path=path,
                error=e.strerror or str(e),
            )
            self.history = History(memoryview(mmap.mmap(-1, self._size)), ring)
        missing = self.history.recover(now())
        if missing:
            _log.warn(
                "{path}: the last server ended while it read: {missing} bytes are"
                " missing",
                path=path,
                missing=missing,
            )

    def _open(self, ring: int, gid: int | None) -> History:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._path, flags, 0o600)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "it is no file")
            if found.st_size not in (0, self._size):
                return self._aside(ring, gid, f"it has {found.st_size} bytes")
            if gid is not None:
                os.fchown(fd, -1, gid)
                os.fchmod(fd, 0o640)
            # The header and the marks; the rest is claimed as it is needed.
            _claim(fd, 0, HEAD_SIZE)
            os.ftruncate(fd, self._size)
            memory = memoryview(mmap.mmap(fd, self._size))
        finally:
            os.close(fd)
        try:
            return History(memory, ring, self._extend)
        except DamagedHistory as e:
            return self._aside(ring, gid, str(e))

    def _aside(self, ring: int, gid: int | None, why: str) -> History:
        aside = f"{self._path}.damaged"
        os.replace(self._path, aside)
        _log.error(
            "{path}: {why}; it is set aside as {aside} and a new history begins",
            path=self._path,
            why=why,
            aside=aside,
        )
        return self._open(ring, gid)

    def _extend(self, start: int, length: int) -> bool:
        """
        Have the file system promise a part of the file: to store into a page that it
        then can't provide would be the end of the server.
        """
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                _claim(fd, start, length)
            finally:
                os.close(fd)
        except OSError as e:
            _log.error(
                "{path}: history grows no further: {error}",
                path=self._path,
                error=e.strerror or str(e),
            )
            return False
        return True


#: What a file system says that makes no promises: ZFS, for one.
_NO_PROMISES = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS}


def _claim(fd: int, start: int, length: int) -> None:
    """
    Have the file system promise a part of a file; where it makes no promises, what is
    there is written once more, which takes the room now instead of later.

    @raise OSError: there is no room.
    """
    try:
        os.posix_fallocate(fd, start, length)
        return
    except OSError as e:
        if e.errno not in _NO_PROMISES:
            raise
    data = os.pread(fd, length, start).ljust(length, b"\0")
    while data:
        written = os.pwrite(fd, data, start)
        start += written
        data = data[written:]
