# -*- test-case-name: zcons_twisted.test.test_endpoint_stream -*-
"""
A console at the other end of a descriptor: a socket, or a serial line.

It is read straight into the history as a pty is, past the transport, so that nothing is
on its way between the two when a server is killed, that a flood gives way to
keystrokes, and that what was printed can be taken before something that happened is
told.  And it is written to past the transport's buffer, so that no more is taken from
who types than the kernel takes.  It is no faster: the transport's reads of 64 KiB are
fewer (measured with 512 MiB through a unix socket, nobody attached: 0.35 to 0.5 s
instead of 0.25 to 0.3 s of CPU).

When the other end closes, what it printed last is still to be read, and is not lost
because the operator holds the output just then or types into nothing: only the read
side tells that a stream is over.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from twisted.internet.interfaces import IReactorFDSet
from twisted.python.failure import Failure

from ..errors import DeviceError
from ..interfaces import IDeviceReceiver
from .manager import PtyManager

__all__ = ["StreamManager"]


class StreamManager(PtyManager):
    """
    An open manager.  It begins paused.
    """

    def __init__(
        self,
        reactor: IReactorFDSet,
        fd: int,
        receiver: IDeviceReceiver,
        closeTransport: Callable[[], None],
        sendBreak: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        """
        @param reactor: provides descriptors.
        @param fd: the stream, not blocking; closed by us.
        @param receiver: hears of what comes.
        @param closeTransport: closes what else there is of it.
        @param sendBreak: begins a break, and calls what it is given when the break is
            over; L{None} where there are no breaks.
        """
        super().__init__(reactor, fd, receiver, _noHangup)
        self._closeTransport = closeTransport
        self._beginBreak = sendBreak
        self._breaking = False
        self._deaf = False

    def writeNow(self, data: bytes) -> int:
        """
        See L{IManagerDevice<zcons_twisted.interfaces.IManagerDevice>}.
        """
        if self._deaf or self._breaking:
            return 0
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError:
            self._deaf = True
            return 0

    def wantWritable(self) -> None:
        """
        See L{IManagerDevice<zcons_twisted.interfaces.IManagerDevice>}.
        """
        if self._breaking:
            self._writing = True
        elif not self._deaf:
            super().wantWritable()

    def setWindow(self, rows: int, columns: int) -> None:
        """
        See L{IManagerDevice<zcons_twisted.interfaces.IManagerDevice>}.  A stream has
        no size.
        """

    def sendBreak(self) -> None:
        """
        See L{IManagerDevice<zcons_twisted.interfaces.IManagerDevice>}.  Nothing is
        written while a break lasts.
        """
        if self._beginBreak is None:
            raise DeviceError("this connection has no break")
        if self._breaking:
            return
        self._breaking = True
        try:
            self._beginBreak(self._breakOver)
        except DeviceError:
            self._breaking = False
            raise

    def close(self) -> None:
        """
        See L{IManagerDevice<zcons_twisted.interfaces.IManagerDevice>}.
        """
        if self.isOpen:
            super().close()
            self._closeTransport()

    def logPrefix(self) -> str:
        """
        What the reactor calls us in its log.
        """
        return "console stream"

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor found that the other end has gone, and has dropped us.
        """
        self._deaf = True
        self._writing = False
        while self.isOpen and self._reading:
            if not self._read() and self.isOpen:
                self._failed(OSError(errno.EIO, os.strerror(errno.EIO)))

    def _breakOver(self) -> None:
        self._breaking = False
        if self.isOpen and self._writing:
            self._writing = False
            self.wantWritable()

    def _failed(self, error: OSError) -> None:
        self.close()
        if error.errno == errno.EIO:
            # An end, and a line that is hung up, are told so.
            self._receiver.lost("closed by the other side")
        else:
            self._receiver.lost(error.strerror or str(error))


def _noHangup() -> bool:
    """
    A stream that has ended stays so.
    """
    return False
