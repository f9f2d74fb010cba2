# -*- test-case-name: zcons_twisted.test.test_manager -*-
"""
Tests for L{zcons_twisted.drivers.manager}: the open manager of a pty pair.
"""

from __future__ import annotations

import errno
import os
import socket

from twisted.internet.interfaces import IReadDescriptor, IWriteDescriptor
from zope.interface.verify import verifyObject

from ..drivers.manager import ASK_EACH, DRAIN_MAX
from ..errors import DeviceError
from ..fanout import BATCH_MAX, CROWD_BATCH_MAX
from ..guard import READ_MAX
from ..interfaces import IManagerDevice
from .manager_case import ManagerTestCase


class OutputTests(ManagerTestCase):
    """
    What the zone prints is handed on in batches.
    """

    def test_interfaces(self) -> None:
        """
        A manager is a device, and something to read and to write for a reactor.
        """
        for interface in (IManagerDevice, IReadDescriptor, IWriteDescriptor):
            verifyObject(interface, self.manager)
        self.assertEqual(self.manager.logPrefix(), "console manager")

    def test_beginsPaused(self) -> None:
        """
        Nothing is taken before that is said.
        """
        os.write(self.zone, b"login: ")
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"")
        self.manager.resumeReading()
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"login: ")

    def test_paused(self) -> None:
        """
        Nothing is taken while it is paused, and nothing is lost.
        """
        self.manager.resumeReading()
        self.manager.pauseReading()
        os.write(self.zone, b"login: ")
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"")
        self.manager.resumeReading()
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"login: ")

    def test_batch(self) -> None:
        """
        Much is handed on in few pieces of no more than 16 KiB.
        """
        pieces = self.receiver.batches
        manager = self.open()
        manager.resumeReading()
        written = 0
        for _ in range(40):
            try:
                written += os.write(self.zone, b"x" * 1000)
            except BlockingIOError:
                break
        self.reactor.settle()
        self.assertEqual(sum(map(len, pieces)), written)
        self.assertLessEqual(max(map(len, pieces)), BATCH_MAX)
        self.assertEqual(BATCH_MAX, 16384)

    def test_crowd(self) -> None:
        """
        A batch is as long as the receiver wants it, of reads that each have a place in
        the history.
        """
        sizes = []

        def read(fd: int, size: int) -> bytes:
            sizes.append(size)
            return b"x" * min(size, 4096)

        self.patch(os, "read", read)
        self.receiver.most = CROWD_BATCH_MAX
        self.manager.doRead()
        self.assertEqual(list(map(len, self.receiver.batches)), [CROWD_BATCH_MAX])
        self.assertEqual(max(sizes), READ_MAX)

    def test_collected(self) -> None:
        """
        A batch is as many reads as there is something to read, until a short one.
        """
        reads = [b"a" * 4095, b"b" * 4095, b"c", b"d"]
        self.patch(os, "read", lambda fd, size: reads.pop(0))
        self.manager.doRead()
        self.assertEqual(self.receiver.printed, b"a" * 4095 + b"b" * 4095 + b"c")
        self.assertEqual(reads, [b"d"])

    def test_collectedToTheLast(self) -> None:
        """
        A batch ends where there is nothing more to read.
        """
        reads = [b"a" * 4095]

        def read(fd: int, size: int) -> bytes:
            if not reads:
                raise BlockingIOError
            return reads.pop(0)

        self.patch(os, "read", read)
        self.manager.doRead()
        self.assertEqual(self.receiver.printed, b"a" * 4095)

    def test_full(self) -> None:
        """
        A batch ends when it is full, or so nearly that the next read would bring next
        to nothing, so that others have their turn.
        """
        for each, sizes in ((4096, [BATCH_MAX]), (4095, [BATCH_MAX - 4])):
            self.receiver.batches.clear()
            self.patch(os, "read", lambda fd, size, each=each: b"x" * min(size, each))
            self.manager.doRead()
            self.assertEqual([len(batch) for batch in self.receiver.batches], sizes)

    def test_urgent(self) -> None:
        """
        A batch ends when something interactive waits, which is asked after each
        second read of a full pty.
        """
        self.patch(os, "read", lambda fd, size: b"x" * min(size, 4095))
        self.receiver.waits = True
        self.manager.doRead()
        self.assertEqual(self.receiver.batches, [b"x" * 2 * 4095])
        self.assertGreaterEqual(2 * 4095, ASK_EACH)
        self.assertLess(4095, ASK_EACH)

    def test_givesWay(self) -> None:
        """
        Whoever ended a batch has the next turn, or the one behind that, but no more.
        """
        self.patch(os, "read", lambda fd, size: b"x" * min(size, 4095))
        self.receiver.waits = True
        self.manager.doRead()
        self.assertEqual(len(self.receiver.batches), 1)
        for batches in (1, 1, 2, 2, 2, 3):
            self.manager.doRead()
            self.assertEqual(len(self.receiver.batches), batches)

    def test_givesNoWay(self) -> None:
        """
        Where it has had its turn meanwhile, there is nothing to wait for.
        """
        self.patch(os, "read", lambda fd, size: b"x" * min(size, 4095))
        self.receiver.waits = True
        self.manager.doRead()
        self.receiver.waits = False
        self.manager.doRead()
        self.assertEqual(len(self.receiver.batches), 2)

    def test_limit(self) -> None:
        """
        The limit is the documented one.
        """
        self.assertEqual(ASK_EACH, 7168)

    def test_restOfAFlood(self) -> None:
        """
        A flood whose batch ends in a short read is a flood still.
        """
        reads = [b"x" * 4095, b"y"] * 3
        self.patch(os, "read", lambda fd, size: reads.pop(0))
        self.manager.resumeReading()
        for _ in range(3):
            self.manager.doRead()
            self.assertEqual(self.receiver.descriptors, set())
        self.assertEqual(self.receiver.printed, (b"x" * 4095 + b"y") * 3)

    def test_interactive(self) -> None:
        """
        A manager that is read is interactive, but not while it floods, while it is
        held, or when it is closed.
        """
        fd = self.manager.fileno()
        self.assertEqual(self.receiver.descriptors, set())
        self.manager.resumeReading()
        self.assertEqual(self.receiver.descriptors, {fd})
        reads = [b"x" * 4095] * 2 + [b"y"] + [b"x" * 4095] * 2
        self.patch(os, "read", lambda fd, size: reads.pop(0))
        self.receiver.waits = True
        self.manager.doRead()
        self.assertEqual(self.receiver.descriptors, set())
        self.receiver.waits = False
        self.manager.doRead()
        self.assertEqual(self.receiver.descriptors, {fd})
        self.manager.pauseReading()
        self.assertEqual(self.receiver.descriptors, set())
        self.receiver.waits = True
        self.manager.doRead()
        self.manager.resumeReading()
        self.assertEqual(self.receiver.descriptors, set())
        self.manager.close()
        self.assertEqual(self.receiver.descriptors, set())

    def test_noBreak(self) -> None:
        """
        A pty has no break, and a socket no size: that is told, or harmless.
        """
        self.manager.setWindow(24, 80)
        error = self.assertRaises(DeviceError, self.manager.sendBreak)
        self.assertEqual(str(error), "a pty has no break")

    def test_drain(self) -> None:
        """
        What is there can be taken at once, held or not.
        """
        os.write(self.zone, b"last words\n")
        self.assertEqual(self.manager.drain(), 11)
        self.assertEqual(self.receiver.printed, b"last words\n")
        self.assertEqual(self.manager.drain(), 0)

    def test_drainIsBounded(self) -> None:
        """
        A zone that prints without end is not drained without end.
        """
        self.patch(os, "read", lambda fd, size: b"x" * min(size, 4095))
        taken = self.manager.drain()
        self.assertGreaterEqual(taken, DRAIN_MAX)
        self.assertLess(taken, DRAIN_MAX + BATCH_MAX)

    def test_drainOfAClosed(self) -> None:
        """
        A closed manager has nothing to take.
        """
        self.manager.close()
        self.assertEqual(self.manager.drain(), 0)


class InputTests(ManagerTestCase):
    """
    What is typed is written as far as the zone takes it.
    """

    def test_now(self) -> None:
        """
        The zone gets it without a turn of the reactor.
        """
        self.assertEqual(self.manager.writeNow(b"ls\n"), 3)
        self.assertEqual(os.read(self.zone, 100), b"ls\n")

    def test_partial(self) -> None:
        """
        A zone that does not read takes what fits, then nothing, and is asked again
        when it has read.
        """
        taken = 0
        while part := self.manager.writeNow(b"x" * 1_000_000):
            taken += part
        self.assertGreater(taken, 0)
        self.manager.wantWritable()
        self.reactor.pump()
        self.assertEqual(self.receiver.writables, 0)
        while taken:
            taken -= len(os.read(self.zone, 1_000_000))
        self.reactor.settle()
        self.assertEqual(self.receiver.writables, 1)
        self.assertEqual(self.reactor.getWriters(), [])

    def test_failing(self) -> None:
        """
        What could not be written because the device fails was not taken, and the
        failure is told.
        """
        self.manager.resumeReading()

        def refuse(fd: int, data: bytes) -> int:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

        self.patch(os, "write", refuse)
        self.assertEqual(self.manager.writeNow(b"ls\n"), 0)
        self.assertEqual(self.receiver.reasons, ["Invalid argument"])
        self.assertFalse(self.manager.isOpen)

    def test_hungUpWhileWriting(self) -> None:
        """
        A hang-up noticed by writing is mended, and what was not written is asked for
        again by whoever has it.
        """
        self.holds = [True]

        def refuse(fd: int, data: bytes) -> int:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        self.patch(os, "write", refuse)
        self.assertEqual(self.manager.writeNow(b"ls\n"), 0)
        self.assertEqual((self.receiver.reasons, self.manager.isOpen), ([], True))


class ExchangeTests(ManagerTestCase):
    """
    A manager goes on with another pair.
    """

    def setUp(self) -> None:
        """
        There is another pair.
        """
        super().setUp()
        self.other = socket.socketpair()
        for each in self.other:
            self.addCleanup(each.close)
            each.setblocking(False)

    def exchange(self) -> int:
        """
        Go on with it.

        @return: the new descriptor.
        """
        fd = os.dup(self.other[0].fileno())
        self.manager.exchange(fd)
        return fd

    def test_reading(self) -> None:
        """
        What is read from then on is the other one's; the old descriptor is closed.
        """
        self.manager.resumeReading()
        before = self.manager.fileno()
        fd = self.exchange()
        self.assertEqual(self.manager.fileno(), fd)
        self.assertRaises(OSError, os.fstat, before)
        self.pair[1].send(b"old")
        self.other[1].send(b"new")
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"new")
        self.assertEqual(self.receiver.descriptors, {fd})

    def test_paused(self) -> None:
        """
        One that is paused stays so.
        """
        self.exchange()
        self.other[1].send(b"new")
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"")
        self.manager.resumeReading()
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"new")

    def test_writing(self) -> None:
        """
        Who waits to write is told when the other one takes it.
        """
        while self.manager.writeNow(b"x" * 1_000_000):
            pass
        self.manager.wantWritable()
        self.exchange()
        self.reactor.settle()
        self.assertEqual(self.receiver.writables, 1)
        self.assertEqual(self.manager.writeNow(b"ls"), 2)
        self.assertEqual(self.other[1].recv(9), b"ls")

    def test_closed(self) -> None:
        """
        One that is closed has no use for another.
        """
        self.manager.close()
        self.assertRaises(OSError, os.fstat, self.exchange())
