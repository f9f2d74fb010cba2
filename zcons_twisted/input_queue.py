# -*- test-case-name: zcons_twisted.test.test_input_queue -*-
"""
What is typed on a console, on its way to the zone, without I/O.

It is never dropped while the zone lives: above L{INPUT_HIGH} the one who types is
paused until the zone has read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

__all__ = [
    "INPUT_BACKLOG_MAX",
    "INPUT_HIGH",
    "INPUT_LOW",
    "InputDevice",
    "InputQueue",
]

#: With more typed bytes than this waiting for the zone, the session is paused ...
INPUT_HIGH = 64 * 1024
#: ... until fewer than this wait.
INPUT_LOW = 16 * 1024

#: With more than this waiting, no dead operator's last input is taken in, and so
#: its seat is not free yet.
INPUT_BACKLOG_MAX = 1024 * 1024


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
        # Made when something waits, as it seldom does: an empty one takes 0.7 KiB.
        self._waiting: deque[bytes] | None = None
        self._device: InputDevice | None = None
        # Who is to be told, and how much waits before that.
        self._told: Callable[[], None] | None = None
        self._before = 0

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
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(data)
        self.size += len(data)
        self._pauseWhere(self.size > INPUT_HIGH or self._device is None)

    def writable(self) -> None:
        """
        The device takes more.
        """
        while self._waiting and self._device is not None:
            waiting = self._waiting
            data = waiting[0]
            taken = self._device.writeNow(data)
            if self._waiting is not waiting:
                # It was dropped when the device failed under our hands.
                return
            self.size -= taken
            self._before -= taken
            if taken < len(data):
                waiting[0] = data[taken:]
                if self._device is not None:
                    self._device.wantWritable()
                break
            waiting.popleft()
        if not self._waiting:
            self._waiting = None
        if self._told is not None and self._before <= 0:
            told, self._told = self._told, None
            told()
        if self.size < INPUT_LOW and self._device is not None:
            self._pauseWhere(False)

    def whenGiven(self, told: Callable[[], None] | None) -> None:
        """
        Tell somebody once the device has all that was typed up to now; only who asked
        last is told.

        @param told: called at once or later; L{None} to tell nobody any more.
        """
        self._told = None
        if told is None:
            return
        if not self.size:
            told()
        else:
            self._told, self._before = told, self.size

    def take(self) -> bytes:
        """
        What waits, in order, which is for somebody else to give to the zone; here it is
        given nothing any more.
        """
        self._device = None
        taken = b"".join(self._waiting or ())
        self._waiting = None
        self.size = 0
        return taken

    def discard(self) -> int:
        """
        Whom it was typed for is gone: drop what waits.

        @return: how many bytes it was.
        """
        size, self.size = self.size, 0
        self._waiting = None
        told, self._told = self._told, None
        self._pauseWhere(False)
        if told is not None:
            # Nothing waits any more.
            told()
        return size

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
