# -*- test-case-name: zcons_twisted.test.test_arrivals -*-
"""
Linux' inotify, as far as it tells that something has come into a directory.

Twisted has one, which closes itself when any of its directories is removed, and starts
a compiler to find the C library.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator

__all__ = ["Inotify"]

# From Linux' inotify.h.
_ATTRIB, _MOVED_TO, _CREATE, _ONLYDIR = 0x4, 0x80, 0x100, 0x01000000
_Q_OVERFLOW, _IGNORED = 0x4000, 0x8000

#: Watch, mask, cookie, length of the name.
_EVENT = struct.Struct("=iIII")
_READ = 64 * 1024


class Inotify:
    """
    One instance.
    """

    def __init__(self) -> None:
        """
        @raise OSError: there is none to be had.
        """
        libc = ctypes.CDLL(None, use_errno=True)
        try:
            init, self._add = libc.inotify_init1, libc.inotify_add_watch
            self._remove = libc.inotify_rm_watch
        except AttributeError:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from None
        init.argtypes = [ctypes.c_int]
        self._add.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32]
        self._remove.argtypes = [ctypes.c_int, ctypes.c_int]
        self._fd = _done(init(os.O_NONBLOCK | os.O_CLOEXEC))

    def fileno(self) -> int:
        """
        Its descriptor, readable when something has come.
        """
        return self._fd

    def watch(self, directory: str) -> int:
        """
        Watch a directory.

        @return: the watch, the same for the same directory.
        @raise OSError: it can't be watched.
        """
        mask = _ATTRIB | _MOVED_TO | _CREATE | _ONLYDIR
        return _done(self._add(self._fd, os.fsencode(directory), mask))

    def forget(self, watch: int) -> None:
        """
        Watch it no more.
        """
        self._remove(self._fd, watch)

    def read(self) -> Iterator[tuple[int, str | None]]:
        """
        What has come: the watch and the name, or L{None} where that directory is
        watched no more.  For watch -1, anything may have come anywhere.
        """
        try:
            data = os.read(self._fd, _READ)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            watch, mask, _cookie, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size
            name = data[at : at + length].rstrip(b"\0")
            at += length
            if mask & _Q_OVERFLOW:
                yield -1, ""
            else:
                yield watch, None if mask & _IGNORED else os.fsdecode(name)

    def close(self) -> None:
        """
        Watch nothing any more.
        """
        os.close(self._fd)


def _done(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
