# -*- test-case-name: zcons_twisted.test.test_input_queue -*-
"""
Tests for L{InputQueue<zcons_twisted.input_queue.InputQueue>}, also with whatever chance
makes of it.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from ..input_queue import INPUT_BACKLOG_MAX, INPUT_HIGH, INPUT_LOW, InputQueue
from ..testing import MemoryDevice, MemoryReceiver
from .examples import given, quickly, st


class QueueReceiver(MemoryReceiver):
    """
    Hears of a device for an input queue.
    """

    def __init__(self, queue: InputQueue) -> None:
        super().__init__()
        self.queue = queue

    def writable(self) -> None:
        """
        The zone has read.
        """
        self.queue.writable()

    def lost(self, reason: str) -> None:
        """
        The device is no more.
        """
        self.queue.disconnect()


class InputQueueTests(SynchronousTestCase):
    """
    What is typed goes to the zone completely and in order, or waits.
    """

    def setUp(self) -> None:
        """
        A device that takes everything.
        """
        self.pauses: list[bool] = []
        self.queue = InputQueue(self.pauses.append)
        self.device = MemoryDevice(QueueReceiver(self.queue))
        self.queue.connect(self.device)

    def test_limits(self) -> None:
        """
        The limits are those that are documented.
        """
        self.assertEqual(
            (INPUT_HIGH, INPUT_LOW, INPUT_BACKLOG_MAX), (65536, 16384, 1048576)
        )

    def test_atOnce(self) -> None:
        """
        What the zone takes is written at once.
        """
        self.queue.write(b"ls\n")
        self.assertEqual(self.device.written, b"ls\n")
        self.assertEqual((self.queue.size, self.pauses), (0, []))

    def test_restWaits(self) -> None:
        """
        What the zone does not take waits until it reads.
        """
        self.device.room = 2
        self.queue.write(b"abcdef")
        self.queue.write(b"ghi")
        self.assertEqual((self.device.written, self.queue.size), (b"ab", 7))
        self.device.zoneReads(5)
        self.assertEqual((self.device.written, self.queue.size), (b"abcdefg", 2))
        self.device.zoneReads()
        self.assertEqual((self.device.written, self.queue.size), (b"abcdefghi", 0))
        self.assertFalse(self.device.wanted)

    def test_whenGiven(self) -> None:
        """
        Whoever asks last is told when the device has all that was typed before.
        """
        told: list[str] = []
        self.queue.whenGiven(lambda: told.append("at once"))
        self.device.room = 2
        self.queue.write(b"abcdef")
        self.queue.whenGiven(lambda: told.append("first"))
        self.queue.write(b"ghi")
        self.queue.whenGiven(lambda: told.append("last"))
        self.queue.write(b"jk")
        self.assertEqual(told, ["at once"])
        self.device.zoneReads(6)
        self.assertEqual(told, ["at once"])
        self.device.zoneReads(1)
        self.assertEqual(told, ["at once", "last"])
        self.queue.whenGiven(lambda: told.append("never"))
        self.queue.whenGiven(None)
        self.device.zoneReads()
        self.assertEqual(told, ["at once", "last"])

    def test_highMark(self) -> None:
        """
        Whoever types is paused above the high mark, not at it.
        """
        self.device.room = 0
        self.queue.write(b"x" * INPUT_HIGH)
        self.assertEqual(self.pauses, [])
        self.queue.write(b"y")
        self.assertEqual(self.pauses, [True])
        self.queue.write(b"z")
        self.assertEqual((self.pauses, self.queue.paused), ([True], True))

    def test_lowMark(self) -> None:
        """
        They go on when fewer bytes wait than the low mark, not at it.
        """
        self.device.room = 0
        self.queue.write(b"x" * (INPUT_HIGH + 1))
        self.device.zoneReads(INPUT_HIGH + 1 - INPUT_LOW)
        self.assertEqual(self.pauses, [True])
        self.device.zoneReads(1)
        self.assertEqual((self.pauses, self.queue.paused), ([True, False], False))

    def test_discarded(self) -> None:
        """
        What waits for somebody who is gone is dropped, and who typed it may go on.
        """
        self.device.room = 1
        self.queue.write(b"x" * (INPUT_HIGH + 2))
        self.assertEqual(self.pauses, [True])
        self.assertEqual(self.queue.discard(), INPUT_HIGH + 1)
        self.assertEqual((self.pauses, self.queue.size), ([True, False], 0))
        self.assertEqual(self.queue.discard(), 0)
        self.device.zoneReads()
        self.queue.write(b"new")
        self.assertEqual(self.device.written, b"xnew")

    def test_taken(self) -> None:
        """
        What waits can be had by somebody else, in order, and the zone does not get it
        here any more.
        """
        self.device.room = 1
        for typed in (b"one", b"two"):
            self.queue.write(typed)
        self.assertEqual(self.queue.take(), b"netwo")
        self.assertEqual((self.queue.take(), self.queue.size), (b"", 0))
        self.device.zoneReads()
        self.queue.write(b"late")
        self.assertEqual((self.device.written, self.queue.discard()), (b"o", 4))

    def test_deviceLost(self) -> None:
        """
        Without a device what is typed waits, and whoever types is paused.
        """
        self.queue.disconnect()
        self.assertEqual(self.pauses, [])
        self.queue.write(b"ls\n")
        self.assertEqual((self.device.written, self.queue.size), (b"", 3))
        self.assertEqual(self.pauses, [True])

    def test_nextDevice(self) -> None:
        """
        What waited goes to the next device, in order, and typing goes on.
        """
        self.device.room = 1
        self.queue.write(b"abc")
        self.queue.disconnect()
        self.assertEqual(self.pauses, [True])
        self.queue.write(b"def")
        again = MemoryDevice(QueueReceiver(self.queue))
        self.queue.connect(again)
        self.assertEqual((self.device.written, again.written), (b"a", b"bcdef"))
        self.assertEqual(self.pauses, [True, False])

    def test_lostWhileWritingFirst(self) -> None:
        """
        A device that is lost at the first byte takes nothing of it with it.
        """
        self.device.failAtNextWrite()
        self.queue.write(b"abc")
        again = MemoryDevice(QueueReceiver(self.queue))
        self.queue.connect(again)
        self.assertEqual(again.written, b"abc")
        self.assertEqual((self.queue.size, self.queue.paused), (0, False))

    def test_lostWhileWritingLater(self) -> None:
        """
        The same holds for what had waited.
        """
        self.device.room = 0
        self.queue.write(b"abc")
        self.device.failAtNextWrite()
        self.device.zoneReads()
        again = MemoryDevice(QueueReceiver(self.queue))
        self.queue.connect(again)
        self.assertEqual((self.queue.size, again.written), (0, b"abc"))

    def test_droppedWhileWriting(self) -> None:
        """
        Where what waits is dropped when the device is lost, nothing of it is left.
        """
        self.device.room = 0
        self.queue.write(b"abc")
        self.queue.write(b"def")
        dropped: list[int] = []

        def lost(reason: str) -> None:
            self.queue.disconnect()
            dropped.append(self.queue.discard())

        self.patch(self.device._receiver, "lost", lost)
        self.device.failAtNextWrite()
        self.device.zoneReads()
        self.assertEqual((dropped, self.queue.size), ([6], 0))
        again = MemoryDevice(QueueReceiver(self.queue))
        self.queue.connect(again)
        self.queue.write(b"new")
        self.assertEqual(again.written, b"new")

    def test_nothingWaits(self) -> None:
        """
        A device that could take more changes nothing when nothing waits.
        """
        self.queue.writable()
        self.assertEqual((self.device.written, self.pauses), (b"", []))


class ConservationTests(SynchronousTestCase):
    """
    Whatever happens in whatever order, nothing typed is lost.
    """

    @quickly
    @given(
        st.lists(
            st.one_of(
                st.binary(min_size=1, max_size=50),
                st.integers(0, 60),
                st.sampled_from(["lose", "fail"]),
            ),
            max_size=60,
        )
    )
    def test_input(self, steps: list[bytes | int | str]) -> None:
        """
        What was typed is what all devices together got, in order, whenever one of
        them failed.
        """
        queue = InputQueue(lambda pause: None)
        devices: list[MemoryDevice] = []
        typed = b""

        def another() -> None:
            devices.append(MemoryDevice(QueueReceiver(queue), room=0))
            queue.connect(devices[-1])

        another()
        for step in steps:
            if isinstance(step, bytes):
                typed += step
                queue.write(step)
            elif isinstance(step, int):
                devices[-1].zoneReads(step)
            elif step == "fail":
                devices[-1].failAtNextWrite()
            else:
                devices[-1].fail()
                another()
        devices[-1].fail()
        another()
        devices[-1].zoneReads()
        self.assertEqual(b"".join(device.written for device in devices), typed)
        self.assertEqual(queue.size, 0)
