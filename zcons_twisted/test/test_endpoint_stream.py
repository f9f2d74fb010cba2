# -*- test-case-name: zcons_twisted.test.test_endpoint_stream -*-
"""
Tests for L{zcons_twisted.drivers.endpoint_stream}.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from ..drivers.endpoint_stream import StreamManager
from ..errors import DeviceError
from ..input_queue import InputQueue
from ..testing import FakeReactor, MemoryReceiver
from .support import numbered


class StreamManagerTests(SynchronousTestCase):
    """
    A console at the other end of a socket.
    """

    def setUp(self) -> None:
        """
        It is open, and read.
        """
        self.reactor = FakeReactor()
        self.receiver = MemoryReceiver()
        ours, self.zone = socket.socketpair()
        for each in (ours, self.zone):
            each.setblocking(False)
        self.addCleanup(self.zone.close)
        self.closed = 0
        self.breaks: list[Callable[[], None]] = []
        self.device = StreamManager(
            self.reactor, ours.detach(), self.receiver, self.count, self.breaks.append
        )
        self.addCleanup(self.device.close)
        self.device.resumeReading()

    def count(self) -> None:
        """
        The transport is closed.
        """
        self.closed += 1

    def fill(self) -> int:
        """
        Type until the zone takes no more.

        @return: how many bytes that was.
        """
        taken = 0
        while got := self.device.writeNow(b"x" * 4096):
            taken += got
        return taken

    def test_nothingTypedIsLost(self) -> None:
        """
        What the zone does not take waits, and comes completely and in order.
        """
        queue = InputQueue(lambda pause: None)
        self.receiver.writable = queue.writable  # type: ignore[method-assign]
        queue.connect(self.device)
        typed = numbered(0, 2_000_000)
        queue.write(typed)
        self.assertTrue(queue.size)
        got = b""
        while len(got) < len(typed):
            try:
                got += self.zone.recv(65536)
            except BlockingIOError:
                self.reactor.pump()
        self.assertEqual(got, typed)
        self.assertEqual(queue.size, 0)

    def test_paused(self) -> None:
        """
        While nothing is taken, it stays where it is.
        """
        self.device.pauseReading()
        self.zone.send(b"later")
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"")
        self.device.resumeReading()
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"later")

    def test_lastOutput(self) -> None:
        """
        What a zone prints last is read, however long it is and even when it takes no
        input any more.
        """
        printed = numbered(0, 100_000)
        self.zone.send(printed)
        self.fill()
        self.device.wantWritable()
        self.zone.close()
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, printed)
        # What was typed and not read makes it a reset, not an end.
        self.assertEqual(self.receiver.reasons, ["Connection reset by peer"])
        self.assertEqual(self.closed, 1)

    def test_lastOutputHeld(self) -> None:
        """
        It is not lost because the operator holds the output while the zone goes.
        """
        self.device.pauseReading()
        self.zone.send(b"last words")
        self.fill()
        self.device.wantWritable()
        self.zone.close()
        self.reactor.settle()
        self.assertEqual(self.device.writeNow(b"into nothing"), 0)
        self.device.wantWritable()
        self.reactor.settle()
        self.assertEqual((self.receiver.printed, self.receiver.reasons), (b"", []))
        self.device.resumeReading()
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"last words")
        self.assertEqual(len(self.receiver.reasons), 1)

    def test_typedIntoNothing(self) -> None:
        """
        What is typed when the zone has gone is not taken, and its end is told once.
        """
        self.zone.close()
        self.assertEqual(self.device.writeNow(b"x"), 0)
        self.assertEqual(self.device.writeNow(b"x"), 0)
        self.reactor.settle()
        self.assertEqual(self.receiver.reasons, ["closed by the other side"])

    def test_droppedByTheReactor(self) -> None:
        """
        A reactor that finds the other end gone has it read to its end.
        """
        self.zone.send(b"bye")
        self.zone.close()
        self.device.connectionLost(None)  # type: ignore[arg-type]
        self.assertEqual(self.receiver.printed, b"bye")
        self.assertEqual(self.receiver.reasons, ["closed by the other side"])
        self.reactor.settle()

    def test_close(self) -> None:
        """
        Closed, it tells nothing, and closing again does nothing.
        """
        self.device.close()
        self.device.close()
        self.reactor.settle()
        self.assertEqual(self.zone.recv(10), b"")
        self.assertEqual((self.closed, self.receiver.reasons), (1, []))
        self.assertEqual(self.receiver.descriptors, set())

    def test_window(self) -> None:
        """
        It has no size.
        """
        self.device.setWindow(24, 80)
        self.assertEqual(self.device.logPrefix(), "console stream")

    def test_break(self) -> None:
        """
        While a break lasts nothing is written, and afterwards what waited is; a second
        break meanwhile is the same one.
        """
        self.device.sendBreak()
        self.device.sendBreak()
        self.assertEqual(self.device.writeNow(b"x"), 0)
        self.device.wantWritable()
        self.reactor.settle()
        self.assertEqual(self.receiver.writables, 0)
        (over,) = self.breaks
        over()
        self.reactor.settle()
        self.assertEqual(self.receiver.writables, 1)
        self.assertEqual(self.device.writeNow(b"x"), 1)

    def test_breakAlone(self) -> None:
        """
        Nobody is told that there is room who has not asked.
        """
        self.device.sendBreak()
        self.breaks[0]()
        self.reactor.settle()
        self.assertEqual(self.receiver.writables, 0)
        self.device.sendBreak()
        self.device.close()
        self.breaks[1]()

    def test_breakFails(self) -> None:
        """
        A break that can't be sent holds nothing up.
        """

        def refuse(over: object) -> None:
            raise DeviceError("not now")

        self.device._beginBreak = refuse
        self.assertRaises(DeviceError, self.device.sendBreak)
        self.assertEqual(self.device.writeNow(b"x"), 1)

    def test_noBreak(self) -> None:
        """
        Not every connection has one.
        """
        self.device._beginBreak = None
        error = self.assertRaises(DeviceError, self.device.sendBreak)
        self.assertEqual(str(error), "this connection has no break")
