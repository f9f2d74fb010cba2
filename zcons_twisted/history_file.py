# -*- test-case-name: zcons_twisted.test.test_history_file -*-
"""
A console's history in a mapped file, so that it outlives the server.

What is there and can't be used (damaged, cut short, somebody else's) is set aside with
a line in the log, and a new one is begun; one of another size is gone on with.  Where
no file can be had, the history is in memory alone: a full disk takes nobody's console
away.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import stat
from collections.abc import Callable

from twisted.logger import Logger

from .errors import DamagedHistory
from .header import checkFormat
from .history import HEAD_SIZE, HISTORY_MAX, HISTORY_MIN, History, historySize
from .mapping import Mapping, claim
from .storage import Memory

__all__ = ["DAMAGED_MAX", "HistoryFile"]

_log = Logger()

#: How many histories that were set aside are kept.
DAMAGED_MAX = 4


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
        self._ring = ring
        self._gid = gid
        self._now = now
        try:
            self.history = self._open()
            self.history.rest()
        except OSError as e:
            _log.error(
                "{path}: history is kept in memory only: {error}",
                path=path,
                error=e.strerror or str(e),
            )
            memory = memoryview(mmap.mmap(-1, historySize(ring)))
            problem = f"in memory only: {e.strerror or e}"
            self.history = History(memory, ring, Memory(problem))

    def _open(self) -> History:
        fd = os.open(
            self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "it is no file")
            if found.st_size == 0:
                return self._begin(fd)
            self._protect(fd)
            return self._found(fd, found.st_size)
        except DamagedHistory as e:
            os.close(fd)
            fd = -1
            self._setAside(str(e))
            return self._open()
        finally:
            if fd >= 0:
                os.close(fd)

    def _begin(self, fd: int) -> History:
        self._protect(fd)
        os.ftruncate(fd, historySize(self._ring))
        return self._mapped(fd, self._ring)

    def _mapped(self, fd: int, ring: int) -> History:
        # The header and the marks; the rest is claimed as it is needed.
        claim(fd, 0, HEAD_SIZE)
        mapping = Mapping(self._path, fd, historySize(ring))
        try:
            return History(mapping.memory, ring, mapping)
        except (DamagedHistory, OSError):
            mapping.close()
            raise

    def _found(self, fd: int, size: int) -> History:
        """
        Go on with what is there.
        """
        checkFormat(memoryview(os.pread(fd, 8, 0).ljust(8, b"\0")).cast("Q"))
        ring = size - historySize(0)
        if not HISTORY_MIN <= ring <= HISTORY_MAX:
            raise DamagedHistory(f"it has {size} bytes")
        history = self._mapped(fd, ring)
        if ring == self._ring:
            return self._recovered(history)
        most = historySize(self._ring)
        if history.reach <= most:
            # Nothing is behind it, or nothing is yet.
            history.close()
            os.ftruncate(fd, most)
            return self._recovered(self._mapped(fd, self._ring))
        return self._shortened(self._recovered(history))

    def _recovered(self, history: History) -> History:
        missing = history.recover(self._now())
        if missing:
            _log.warn(
                "{path}: the last server ended while it read: {missing} bytes are"
                " missing",
                path=self._path,
                missing=missing,
            )
        return history

    def _shortened(self, old: History) -> History:
        """
        Put a smaller file with what there is room for in the place of a larger one.
        """
        path = f"{self._path}.new"
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            fd = os.open(path, flags, 0o600)
            try:
                new = self._begin(fd)
            finally:
                os.close(fd)
            try:
                new.adopt(old)
                os.replace(path, self._path)
            except OSError:
                new.close()
                raise
        except OSError as e:
            _log.error(
                "{path}: history stays as large as it was: {error}",
                path=self._path,
                error=e.strerror or str(e),
            )
            with contextlib.suppress(OSError):
                os.unlink(path)
            return old
        old.close()
        return new

    def _protect(self, fd: int) -> None:
        """
        Let nobody read it who is not meant to.
        """
        found = os.fstat(fd)
        mode = 0o600
        if self._gid is not None:
            mode = 0o640
            if found.st_gid != self._gid:
                os.fchown(fd, -1, self._gid)
        if stat.S_IMODE(found.st_mode) != mode:
            os.fchmod(fd, mode)

    def _setAside(self, why: str) -> None:
        """
        Keep what can't be used: the last L{DAMAGED_MAX} of such.
        """
        directory, name = os.path.split(f"{self._path}.damaged")
        numbers = [0]
        for entry in os.listdir(directory or "."):
            start, _, number = entry.rpartition(".")
            if start == name and number.isascii() and number.isdigit():
                numbers.append(int(number))
        aside = os.path.join(directory, f"{name}.{max(numbers) + 1}")
        os.replace(self._path, aside)
        for old in sorted(numbers[1:])[: -(DAMAGED_MAX - 1)]:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(directory, f"{name}.{old}"))
        _log.error(
            "{path}: {why}; it is set aside as {aside} and a new history begins",
            path=self._path,
            why=why,
            aside=aside,
        )
