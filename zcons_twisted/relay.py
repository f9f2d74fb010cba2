# -*- test-case-name: zcons_twisted.test.test_relay -*-
"""
Flow control in both directions of a console, without I/O.

Output goes through an L{Outlet}, one a session.  Its L{write<Outlet.write>} is on
the path of every byte: it sends at once, and only what the session does not
take waits.  While something waits the zone is held, which is how a terminal that is
read slowly paces a program; but never by one that is stalled.  A session is
stalled when it took less than L{STALL_BYTES} in L{STALL_SECONDS} while
output waited.  From then on the console runs free, and what the session missed is
counted and told in its place.

Input goes through an L{InputQueue}, one a console.  It is never dropped: above
L{INPUT_HIGH} the one who types is paused until the zone has read.

The history ring's place is in front of the outlets: the backlog of an outlet then
becomes a position in the ring, and nothing else here changes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

__all__ = [
    "INPUT_BACKLOG_MAX",
    "INPUT_HIGH",
    "INPUT_LOW",
    "OUTPUT_BACKLOG_MAX",
    "STALL_BYTES",
    "STALL_SECONDS",
    "InputQueue",
    "Outlet",
    "OutputLink",
]

#: A session that takes fewer bytes than this ...
STALL_BYTES = 960
#: ... in this many seconds, while output waits, is stalled.
STALL_SECONDS = 1.0

#: Most bytes that wait for one session.  A batch from the device and some
#: notices fit; what does not is skipped and counted.
OUTPUT_BACKLOG_MAX = 64 * 1024

#: With more typed bytes than this waiting for the zone, the session is paused ...
INPUT_HIGH = 64 * 1024
#: ... until fewer than this wait.
INPUT_LOW = 16 * 1024

#: With more than this waiting, no dead operator's last input is taken in, and so
#: its seat is not free yet.
INPUT_BACKLOG_MAX = 1024 * 1024


class OutputLink(Protocol):
    """
    Where an outlet's bytes go.
    """

    def sendNow(self, data: bytes) -> int:
        """
        Send what can be sent without waiting.

        @return: how many bytes were taken.
        """

    def wantWritable(self) -> None:
        """
        Ask for one call of L{Outlet.writable} when more can be sent.
        """

    def unread(self) -> int | None:
        """
        Bytes that were sent and that the session has not read yet, or L{None} where
        that can't be told.
        """


class Outlet:
    """
    Output on its way to one session.

    @ivar skipped: bytes that it missed in all.
    @ivar stalled: whether it holds nobody up because it takes too little.
    """

    def __init__(
        self,
        clock: IReactorTime,
        link: OutputLink,
        gap: Callable[[int], bytes],
    ) -> None:
        """
        @param clock: tells when a second is over.
        @param link: where the bytes go.
        @param gap: from a number of missed bytes to what the session gets in their
            place.
        """
        self.skipped = 0
        self.stalled = False
        self._clock = clock
        self._link = link
        self._gap = gap
        self._hold: Callable[[bool], None] = _holdNobody
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._missing = 0
        self._taken = 0
        self._unread: int | None = None
        self._waitsSince = 0.0
        self._window: IDelayedCall | None = None

    def holds(self, hold: Callable[[bool], None]) -> None:
        """
        Let this session pace the zone.

        @param hold: called with L{True} to hold the zone's output and with
            L{False} to let it go again.
        """
        self._hold = hold

    def write(self, data: bytes) -> None:
        """
        What the zone printed: send it, or keep what is not taken, or count it as
        missed.
        """
        if not self._waiting:
            taken = self._link.sendNow(data)
            if taken < len(data):
                self._wait(data[taken:])
        elif (
            self.stalled or self._missing or self._size + len(data) > OUTPUT_BACKLOG_MAX
        ):
            self._missing += len(data)
            self.skipped += len(data)
        else:
            self._keep(data)

    def notice(self, data: bytes) -> None:
        """
        What we have to say: behind what waits, and behind a gap if there is one.
        It is missed, and counted, only where it would grow the backlog beyond its
        limit.
        """
        if not self._waiting:
            self.write(data)
            return
        gap = self._gap(self._missing) if self._missing else b""
        if self._size + len(gap) + len(data) > OUTPUT_BACKLOG_MAX:
            self._missing += len(data)
            self.skipped += len(data)
            return
        self._missing = 0
        self._keep(gap + data)

    def writable(self) -> None:
        """
        The link takes more: send what waits.
        """
        while self._waiting:
            data = self._waiting.popleft()
            taken = self._link.sendNow(data)
            self._taken += taken
            self._size -= taken
            if taken < len(data):
                self._waiting.appendleft(data[taken:])
                self._link.wantWritable()
                return
        missing, self._missing = self._missing, 0
        self.stalled = False
        if missing:
            self.write(self._gap(missing))
        if not self._waiting:
            self._hold(False)

    def finish(self) -> bytes:
        """
        No more output comes.  Nobody is held up by this session any more.

        @return: what still waits for it.
        """
        if self._window is not None:
            self._window.cancel()
            self._window = None
        rest = b"".join(self._waiting)
        if self._missing:
            rest += self._gap(self._missing)
        self._waiting.clear()
        self._size = self._missing = 0
        self.stalled = False
        self._hold(False)
        self._hold = _holdNobody
        return rest

    def _wait(self, data: bytes) -> None:
        self._keep(data)
        self._beginWindow()
        self._link.wantWritable()
        self._hold(True)
        # A window that is still open from an earlier wait is not armed anew: it
        # looks at when this wait began.
        if self._window is None:
            self._window = self._clock.callLater(STALL_SECONDS, self._endWindow)

    def _keep(self, data: bytes) -> None:
        self._waiting.append(data)
        self._size += len(data)

    def _endWindow(self) -> None:
        self._window = None
        if not self._waiting or self.stalled:
            return
        left = self._waitsSince + STALL_SECONDS - self._clock.seconds()
        if left <= 0:
            if self._accepted() < STALL_BYTES:
                self.stalled = True
                self._hold(False)
                return
            self._beginWindow()
            left = STALL_SECONDS
        self._window = self._clock.callLater(left, self._endWindow)

    def _beginWindow(self) -> None:
        self._taken = 0
        self._unread = self._link.unread()
        self._waitsSince = self._clock.seconds()

    def _accepted(self) -> int:
        """
        How many bytes the session has taken since its window began.  What it has read
        counts, where that can be told: a connection takes nothing for a long while
        after it was full, however steadily it is read.
        """
        if self._taken < STALL_BYTES and self._unread is not None:
            unread = self._link.unread()
            if unread is not None:
                return self._taken + self._unread - unread
        return self._taken


def _holdNobody(hold: bool) -> None:
    """
    What an outlet that paces nothing does.
    """


class InputQueue:
    """
    What was typed and has not been read by the zone yet, in order.

    It outlives the device: what waited when a device failed goes to the next one.
    """

    def __init__(self, pause: Callable[[bool], None]) -> None:
        """
        @param pause: called with L{True} when the one who types must wait and with
            L{False} when they may go on.
        """
        self.size = 0
        self.paused = False
        self._pause = pause
        self._waiting: deque[bytes] = deque()
        self._device: InputDevice | None = None

    def connect(self, device: InputDevice) -> None:
        """
        A device is open: what waits goes to it.
        """
        self._device = device
        self.writable()

    def disconnect(self) -> None:
        """
        There is no device: what is typed waits for the next one.
        """
        self._device = None
        self._pauseWhere(self.size > 0)

    def write(self, data: bytes) -> None:
        """
        Somebody typed: the zone gets it now, or as soon as it reads.
        """
        if not self._waiting and self._device is not None:
            taken = self._device.writeNow(data)
            if taken == len(data):
                return
            data = data[taken:]
            # Not if the device failed under our hands.
            if self._device is not None:
                self._device.wantWritable()
        self._waiting.append(data)
        self.size += len(data)
        self._pauseWhere(self.size > INPUT_HIGH or self._device is None)

    def writable(self) -> None:
        """
        The device takes more.
        """
        while self._waiting and self._device is not None:
            data = self._waiting.popleft()
            taken = self._device.writeNow(data)
            self.size -= taken
            if taken < len(data):
                self._waiting.appendleft(data[taken:])
                if self._device is not None:
                    self._device.wantWritable()
                break
        if self.size < INPUT_LOW and self._device is not None:
            self._pauseWhere(False)

    def _pauseWhere(self, pause: bool) -> None:
        if pause != self.paused:
            self.paused = pause
            self._pause(pause)


class InputDevice(Protocol):
    """
    Where an input queue's bytes go.
    """

    def writeNow(self, data: bytes) -> int:
        """
        Write what can be written without waiting.

        @return: how many bytes were taken.
        """

    def wantWritable(self) -> None:
        """
        Ask for one call of L{InputQueue.writable} when more can be written.
        """
