# -*- test-case-name: zcons_twisted.test.test_zone_lock -*-
"""
One server a zone: the lock that it holds as long as it serves the zone.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable

from ..errors import RunDirectoryError, ZoneServed
from ..lock_file import LockFile

__all__ = ["ZoneLock"]

_UNKNOWN = "(unknown)"


class ZoneLock:
    """
    The lock that makes a server the only one of its zone in a run directory.

    The kernel lets go of it when its holder dies, however that happens.
    """

    def __init__(
        self,
        path: str,
        zone: str,
        signal: str = "",
        isFound: Callable[[], bool] = lambda: True,
    ) -> None:
        """
        @param path: the lock file.
        @param zone: for messages.
        @param signal: what has this server make sockets again that somebody has
            removed, C{HUP} for example; it is told in the file.
        @param isFound: is the zone's socket there, by which its server is found?
        """
        self._path = path
        self._zone = zone
        self._signal = signal
        self._isFound = isFound
        self._fd: int | None = None

    def acquire(self) -> None:
        """
        Take the lock.

        @raise ZoneServed: somebody has it; the message says who.
        @raise RunDirectoryError: the file can't be made.
        """
        while self._fd is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            try:
                fd = os.open(self._path, flags | os.O_NONBLOCK, 0o600)
            except OSError as e:
                raise self._cantBeMade(e.strerror) from None
            try:
                self._lock(fd)
                # Else its last holder removed it between our two steps.
                if self._isCurrent(fd):
                    os.ftruncate(fd, 0)
                    os.pwrite(fd, LockFile(os.getpid(), self._signal).encoded(), 0)
                    self._fd = fd
            except OSError as e:
                raise self._cantBeMade(e.strerror) from None
            finally:
                if self._fd is None:
                    os.close(fd)

    def _lock(self, fd: int) -> None:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise self._cantBeMade("something else is there")
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._served(LockFile.read(fd)) from None

    def _served(self, by: LockFile) -> ZoneServed:
        told = f"zone '{self._zone}' is already served by process {by.pid or _UNKNOWN}"
        if by.remedy and not self._isFound():
            return ZoneServed(f"{told}, but its socket is gone: {by.remedy}")
        return ZoneServed(f"{told}: stop that one first")

    def _cantBeMade(self, why: str | None) -> RunDirectoryError:
        return RunDirectoryError(f"lock file {self._path} can't be made: {why}")

    def mend(self) -> None:
        """
        Where somebody has removed the file, make another one and lock that.

        @raise ZoneServed: somebody else has it; we keep what we have.
        @raise RunDirectoryError: it can't be made.
        """
        lost = self._fd
        if lost is None or self._isCurrent(lost):
            return
        self._fd = None
        try:
            self.acquire()
        except BaseException:
            self._fd = lost
            raise
        os.close(lost)

    def release(self) -> None:
        """
        Let go, and leave no file behind.  Harmless to say twice.
        """
        if self._fd is not None:
            # Somebody may have removed our file, and somebody else made a new one.
            if self._isCurrent(self._fd):
                os.unlink(self._path)
            os.close(self._fd)
            self._fd = None

    def check(self) -> None:
        """
        Would L{acquire} be refused now?  Not to the one who has it.

        @raise ZoneServed: it would.
        """
        if self._fd is None and os.path.exists(self._path):
            self.acquire()
            self.release()

    def _isCurrent(self, fd: int) -> bool:
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            return False
        return os.path.samestat(os.fstat(fd), there)
