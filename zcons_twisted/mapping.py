# -*- test-case-name: zcons_twisted.test.test_history_file -*-
"""
A file mapped into memory, as a history's storage.

Somebody may take the file away under our hands, cut it short, or fill its disk.  To
store into a page that is not there would be the end of the server, so the file system
is made to promise each part before its first use, and the file is looked at from time
to time; where it is cut short, what is left of it is taken into memory.
"""

from __future__ import annotations

import contextlib
import errno
import math
import mmap
import os
import time

from twisted.logger import Logger

__all__ = ["CLAIM_SECONDS", "LOOK_SECONDS", "Mapping", "claim"]

_log = Logger()

#: How long after a part of the file was refused none is asked for.
CLAIM_SECONDS = 10.0

#: How often it is looked whether the file has a name still.
LOOK_SECONDS = 1.0

_PIECE = 1024 * 1024

#: What a file system says that makes no promises: ZFS, for one.
_NO_PROMISES = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS}


class Mapping:
    """
    One such file.

    @ivar memory: what is mapped.
    """

    def __init__(self, path: str, fd: int, size: int) -> None:
        """
        @param path: the file, for the log.
        @param fd: the same, open; closed by whoever has opened it.
        @param size: its size.
        """
        self._path = path
        self._size = size
        self._map, self._fd, self._owned = _mapped(fd, size)
        self.memory = memoryview(self._map)
        self._refused: float | None = None
        self._why = ""
        self._look = 0.0

    @property
    def problem(self) -> str:
        """
        See L{Storage<zcons_twisted.storage.Storage>}.
        """
        if self._look == math.inf:
            return "its file was removed: it ends with this server"
        return f"does not grow: {self._why}" if self._why else ""

    def claim(self, start: int, length: int) -> bool:
        """
        See L{Storage<zcons_twisted.storage.Storage>}.
        """
        refused = self._refused
        if refused is not None and time.monotonic() < refused + CLAIM_SECONDS:
            return False
        try:
            claim(self._fd, start, length)
        except OSError as e:
            self._refused = time.monotonic()
            self._why = e.strerror or str(e)
            if refused is None:
                _log.error(
                    "{path}: history grows no further: {error}",
                    path=self._path,
                    error=self._why,
                )
            return False
        if refused is not None:
            self._refused = None
            self._why = ""
            _log.info("{path}: history grows again", path=self._path)
        return True

    def isWhole(self) -> bool:
        """
        See L{Storage<zcons_twisted.storage.Storage>}.
        """
        now = time.monotonic()
        if now >= self._look:
            self._look = now + LOOK_SECONDS
            self._lookForName()
        return self._map.size() >= self._size

    def rest(self) -> None:
        """
        See L{Storage<zcons_twisted.storage.Storage>}.  The first look at a page brings
        in many around it; an idle console keeps none of them.
        """
        self._map.madvise(mmap.MADV_DONTNEED)

    def _lookForName(self) -> None:
        if not os.fstat(self._fd).st_nlink:
            self._look = math.inf
            _log.error(
                "{path}: it was removed: history ends with this server",
                path=self._path,
            )

    def salvage(self, length: int) -> tuple[memoryview, int]:
        """
        See L{Storage<zcons_twisted.storage.Storage>}.
        """
        memory = memoryview(mmap.mmap(-1, self._size))
        left = 0
        # What a device does not give back is lost.
        with contextlib.suppress(OSError):
            while left < length:
                got = os.pread(self._fd, min(_PIECE, length - left), left)
                if not got:
                    break
                memory[left : left + len(got)] = got
                left += len(got)
        _log.error(
            "{path}: it was cut short or can't be read any more: history goes on in"
            " memory only, without what was lost",
            path=self._path,
        )
        return memory, left

    def close(self) -> None:
        """
        See L{Storage<zcons_twisted.storage.Storage>}.
        """
        self.memory.release()
        if self._owned:
            os.close(self._fd)
            self._owned = False
        # Somebody may still have a piece of it in hand.
        with contextlib.suppress(BufferError):
            self._map.close()


def _mapped(fd: int, size: int) -> tuple[mmap.mmap, int, bool]:
    """
    Map a file.

    @return: the mapping, a descriptor of the file that lasts as long, and whether that
        is ours to close.
    """
    # A mapping keeps a descriptor of its own, which nobody is told: it is the first
    # that was free, unless a thread was quicker.
    free = os.dup(fd)
    os.close(free)
    memory = mmap.mmap(fd, size)
    with contextlib.suppress(OSError):
        if os.path.sameopenfile(free, fd):
            return memory, free, False
    return memory, os.dup(fd), True


def claim(fd: int, start: int, length: int) -> None:
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
