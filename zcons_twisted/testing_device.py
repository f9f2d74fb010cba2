# -*- test-case-name: zcons_twisted.test.test_testing -*-
"""
The devices of L{zcons_twisted.testing}: a console device in memory, and somebody who
hears of one.
"""

from __future__ import annotations

import os

from zope.interface import implementer

from .errors import DeviceError
from .interfaces import IDeviceReceiver, IManagerDevice

__all__ = ["MemoryDevice", "MemoryReceiver"]


@implementer(IManagerDevice)
class MemoryDevice:
    """
    A console device in memory.

    @ivar written: what the zone has got as input.
    @ivar room: how many bytes of input it takes before L{zoneReads}, or L{None}
        for all.
    @ivar reading: whether its output is taken.
    @ivar wanted: whether a call was asked for, for when there is room again.
    @ivar window: the lines and columns that it was told of last, or L{None}.
    @ivar breaks: how many breaks were sent, or L{None} where it has none.
    @ivar closed: whether our end is closed.
    """

    def __init__(self, receiver: IDeviceReceiver, room: int | None = None) -> None:
        """
        @param receiver: hears of what happens.
        """
        self.written = b""
        self.room = room
        self.reading = False
        self.wanted = False
        self.window: tuple[int, int] | None = None
        self.breaks: int | None = None
        self.closed = False
        self._receiver = receiver
        self._printed: list[bytes] = []
        self._failure: str | None = None

    def pauseReading(self) -> None:
        """
        See L{IManagerDevice}.
        """
        self.reading = False

    def resumeReading(self) -> None:
        """
        See L{IManagerDevice}.  What the zone printed meanwhile comes at once.
        """
        self.reading = True
        self._deliver()

    def writeNow(self, data: bytes) -> int:
        """
        See L{IManagerDevice}.
        """
        if self._failure is not None:
            reason, self._failure = self._failure, None
            self._receiver.lost(reason)
            return 0
        taken = len(data) if self.room is None else min(self.room, len(data))
        if self.room is not None:
            self.room -= taken
        self.written += data[:taken]
        return taken

    def wantWritable(self) -> None:
        """
        See L{IManagerDevice}.
        """
        self.wanted = True

    def setWindow(self, rows: int, columns: int) -> None:
        """
        See L{IManagerDevice}.
        """
        self.window = (rows, columns)

    def sendBreak(self) -> None:
        """
        See L{IManagerDevice}.
        """
        if self.breaks is None:
            raise DeviceError("a device in memory has no break")
        self.breaks += 1

    def close(self) -> None:
        """
        See L{IManagerDevice}.
        """
        self.closed = True
        self.reading = False

    def zonePrints(self, data: bytes) -> None:
        """
        The zone prints something, which is handed on unless we are paused.
        """
        self._printed.append(data)
        self._deliver()

    def zoneReads(self, room: int | None = None) -> None:
        """
        The zone reads: there is room for input again.

        @param room: for how many bytes, or L{None} for all that come.
        """
        self.room = room
        if self.wanted:
            self.wanted = False
            self._receiver.writable()

    def fail(self, reason: str = "Input/output error") -> None:
        """
        The device fails now.
        """
        self._receiver.lost(reason)

    def failAtNextWrite(self, reason: str = "Input/output error") -> None:
        """
        The device fails when it is next written to, and takes nothing of that.
        """
        self._failure = reason

    def _deliver(self) -> None:
        while self.reading and self._printed:
            self._receiver.output(self._printed.pop(0))


@implementer(IDeviceReceiver)
class MemoryReceiver:
    """
    Remembers what a console device tells.

    @ivar printed: what the zone has printed.
    @ivar batches: the same, in the pieces that were told.
    @ivar most: set it, and so much is to be told at once.
    @ivar waits: set it, and something interactive waits.
    @ivar descriptors: those that are interactive now.
    @ivar writables: how often more could be written.
    @ivar availables: how often the device could be opened.
    @ivar reasons: why the device was lost; at most one.
    """

    def __init__(self) -> None:
        self.availables = 0
        self.printed = b""
        self.batches: list[bytes] = []
        self.most = 16 * 1024
        self.waits = False
        self._waited = False
        self.descriptors: set[int] = set()
        self.writables = 0
        self.reasons: list[str] = []
        self._read = b""

    def readFrom(self, fd: int, most: int) -> int:
        """
        See L{IDeviceReceiver}.
        """
        data = os.read(fd, most)
        self._read += data
        return len(data)

    def advanced(self) -> None:
        """
        See L{IDeviceReceiver}.
        """
        read, self._read = self._read, b""
        self.output(read)

    def output(self, data: bytes) -> None:
        """
        See L{IDeviceReceiver}.
        """
        self.batches.append(data)
        self.printed += data

    def batchMax(self) -> int:
        """
        See L{IDeviceReceiver}.
        """
        return self.most

    def urgent(self) -> bool:
        """
        See L{IDeviceReceiver}.
        """
        self._waited = self.waits
        return self.waits

    def stillUrgent(self) -> bool:
        """
        See L{IDeviceReceiver}.
        """
        return self._waited and self.urgent()

    def interactive(self, fd: int, yes: bool) -> None:
        """
        See L{IDeviceReceiver}.
        """
        if yes:
            self.descriptors.add(fd)
        else:
            self.descriptors.discard(fd)

    def writable(self) -> None:
        """
        See L{IDeviceReceiver}.
        """
        self.writables += 1

    def available(self) -> None:
        """
        See L{IDeviceReceiver}.
        """
        self.availables += 1

    def lost(self, reason: str) -> None:
        """
        See L{IDeviceReceiver}.
        """
        self.reasons.append(reason)
