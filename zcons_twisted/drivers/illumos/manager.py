# -*- test-case-name: zcons_twisted.test.test_illumos_manager -*-
"""
The manager of a C{zcons} device, open.

Its bytes go the way of a pty's.  What is different is what a hostile process of the
zone can do to it: not hang it up, but put messages on the stream that are no plain
bytes.  An empty one looks like an end, and is passed over; one of high priority is not
announced as something to read, so that it is looked for; one that makes the read
fail costs the device, which is opened again.
"""

from __future__ import annotations

import select
import termios
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ...errors import DeviceError
from ...interfaces import IDeviceReceiver
from ...reactors import DescriptorReactor
from ..manager import PtyManager

__all__ = ["EMPTY_MAX", "PRIORITY_SECONDS", "StreamsManager"]

#: So many empty messages one after the other are an end.
EMPTY_MAX = 64
#: Seconds between two looks for a message of high priority.
PRIORITY_SECONDS = 1.0


class StreamsManager(PtyManager):
    """
    An open manager.  It begins paused.
    """

    def __init__(
        self,
        reactor: DescriptorReactor,
        fd: int,
        receiver: IDeviceReceiver,
        sendBreak: Callable[[int, int], None] = termios.tcsendbreak,
    ) -> None:
        """
        @param reactor: provides descriptors and time.
        @param fd: the manager, not blocking; closed by us.
        @param receiver: hears of what comes.
        @param sendBreak: as L{termios.tcsendbreak}.
        """
        super().__init__(reactor, fd, receiver, _noHangup)
        self._readOnce = self._readFrom
        self._readFrom = self._readSome
        self._clock: IReactorTime = reactor
        self._sendBreak = sendBreak
        self._looking: IDelayedCall | None = None

    def pauseReading(self) -> None:
        """
        See L{IManagerDevice<zcons_twisted.interfaces.IManagerDevice>}.
        """
        super().pauseReading()
        self._lookNoMore()

    def resumeReading(self) -> None:
        """
        See L{IManagerDevice<zcons_twisted.interfaces.IManagerDevice>}.
        """
        super().resumeReading()
        if self.isOpen and self._looking is None:
            self._looking = self._clock.callLater(PRIORITY_SECONDS, self._look)

    def sendBreak(self) -> None:
        """
        See L{IManagerDevice<zcons_twisted.interfaces.IManagerDevice>}.
        """
        try:
            self._sendBreak(self._fd, 0)
        except (OSError, termios.error) as e:
            raise DeviceError(f"the console takes no break: {e.args[-1]}") from None

    def close(self) -> None:
        """
        See L{IManagerDevice<zcons_twisted.interfaces.IManagerDevice>}.
        """
        self._lookNoMore()
        super().close()

    def _readSome(self, fd: int, most: int) -> int:
        """
        As the receiver's C{readFrom}, but for empty messages.
        """
        for _ in range(EMPTY_MAX):
            got = self._readOnce(fd, most)
            if got:
                return got
        return 0

    def _look(self) -> None:
        self._looking = self._clock.callLater(PRIORITY_SECONDS, self._look)
        asked = select.poll()
        asked.register(self._fd, select.POLLPRI)
        if any(events & select.POLLPRI for _, events in asked.poll(0)):
            self.doRead()

    def _lookNoMore(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None


def _noHangup() -> bool:
    """
    Closing the zone's end is invisible at ours, so there is nothing to hold anew.
    """
    return False
