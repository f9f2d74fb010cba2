# -*- test-case-name: zcons_twisted.test.test_client_descriptors -*-
"""
Standard input and output without waiting, and without leaving C{O_NONBLOCK} on
them: that flag belongs to the open file, which the user's shell and every other
program at the terminal share.

  - A terminal or a pipe is opened anew through C{/proc/self/fd}: a private open
    file that may have the flag.
  - A socket is told with each call.
  - A regular file or a device such as C{/dev/null} never keeps anybody waiting;
    nor may it be opened anew, as its offset would be lost.
  - Where opening anew is not allowed (after C{su}, say), it is used as it is:
    only when it is ready, and in pieces that a ready one takes.
"""

from __future__ import annotations

import os
import socket
import stat
from typing import Protocol

__all__ = ["Descriptor", "openPrivate"]

#: What a descriptor that is ready, but may keep us waiting, is given at once.
SMALL_PIECE = 512

#: Most bytes a read asks for.
READ_SIZE = 65536


class Descriptor(Protocol):
    """
    One end of the user's input or output.

    @ivar eager: writes never wait, so there is no need to ask first whether it
        is ready.
    """

    eager: bool

    def fileno(self) -> int:
        """
        The number to wait on.
        """

    def read(self) -> bytes:
        """
        What there is, C{b""} at the end.

        @raise BlockingIOError: nothing yet.
        """

    def write(self, data: bytes | memoryview) -> int:
        """
        Write some.

        @raise BlockingIOError: no room yet.
        """

    def close(self) -> None:
        """
        Give back what was opened; the user's own stays open.
        """


class _File:
    """
    A descriptor to read and write as it is.
    """

    def __init__(self, number: int, *, own: bool, eager: bool) -> None:
        self._number = number
        self._own = own
        self.eager = eager

    def fileno(self) -> int:
        return self._number

    def read(self) -> bytes:
        return os.read(self._number, READ_SIZE)

    def write(self, data: bytes | memoryview) -> int:
        return os.write(self._number, data if self.eager else data[:SMALL_PIECE])

    def close(self) -> None:
        if self._own:
            self._own = False
            os.close(self._number)


class _Socket:
    """
    A socket, asked not to wait with each call.
    """

    eager = True

    def __init__(self, number: int) -> None:
        # A duplicate shares the open file's flags, and they are left alone.
        self._socket = socket.socket(fileno=os.dup(number))

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> bytes:
        return self._socket.recv(READ_SIZE, socket.MSG_DONTWAIT)

    def write(self, data: bytes | memoryview) -> int:
        return self._socket.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def close(self) -> None:
        self._socket.close()


def openPrivate(number: int, *, writing: bool) -> Descriptor:
    """
    A descriptor of the user's that can be used without waiting.

    @param number: the user's descriptor, which stays open and as it is.
    @param writing: whether it is for output.
    """
    mode = os.fstat(number).st_mode
    if stat.S_ISSOCK(mode):
        return _Socket(number)
    terminal = os.isatty(number)
    if not terminal and not stat.S_ISFIFO(mode):
        return _File(number, own=False, eager=True)
    flags = os.O_WRONLY if writing else os.O_RDONLY
    flags |= os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        return _File(os.open(f"/proc/self/fd/{number}", flags), own=True, eager=True)
    except OSError:
        # For a pipe whose reader is gone the next write will tell.
        return _ownTerminal(number, flags) or _File(number, own=False, eager=False)


def _ownTerminal(number: int, flags: int) -> Descriptor | None:
    """
    The same terminal under the name that may always be opened, if it is the one
    that controls us: after C{su}, its device belongs to another user.
    """
    try:
        if not os.isatty(number) or os.tcgetpgrp(number) <= 0:
            return None
        return _File(os.open("/dev/tty", flags), own=True, eager=True)
    except OSError:
        # tcgetpgrp fails for a terminal that isn't our controlling one.
        return None
