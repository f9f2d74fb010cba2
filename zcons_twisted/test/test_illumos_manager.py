# -*- test-case-name: zcons_twisted.test.test_illumos_manager -*-
"""
Tests for L{zcons_twisted.drivers.illumos.manager}.
"""

from __future__ import annotations

import errno
import os
import socket
import termios

from zope.interface.verify import verifyObject

from ..drivers.illumos.manager import EMPTY_MAX, PRIORITY_SECONDS, StreamsManager
from ..errors import DeviceError
from ..interfaces import IManagerDevice
from .manager_case import ManagerTestCase


class StreamsManagerTests(ManagerTestCase):
    """
    What a zone puts on the stream costs it no more than the device.
    """

    def open(self) -> StreamsManager:
        """
        Open the manager.
        """
        self.breaks: list[tuple[int, int]] = []
        manager = StreamsManager(
            self.reactor, os.dup(self.master), self.receiver, self.sendBreak
        )
        self.addCleanup(manager.close)
        return manager

    def sendBreak(self, fd: int, duration: int) -> None:
        """
        As the system.
        """
        self.breaks.append((fd, duration))

    def reads(self, *results: int | bytes) -> list[int]:
        """
        The next reads bring this: a number for an error.

        @return: how many are left, in one place.
        """
        left = list(results)
        read = os.read
        count = [len(left)]

        def told(fd: int, size: int) -> bytes:
            if not left:
                return read(fd, size)
            result = left.pop(0)
            count[0] = len(left)
            if isinstance(result, int):
                raise OSError(result, os.strerror(result))
            return result

        self.patch(os, "read", told)
        return count

    def test_interface(self) -> None:
        """
        It is a device.
        """
        verifyObject(IManagerDevice, self.manager)

    def test_relay(self) -> None:
        """
        Bytes go both ways.
        """
        self.manager.resumeReading()
        os.write(self.zone, b"printed")
        self.reactor.pump()
        self.assertEqual(self.receiver.printed, b"printed")
        self.assertEqual(self.manager.writeNow(b"typed"), 5)
        self.assertEqual(os.read(self.zone, 9), b"typed")

    def test_empty(self) -> None:
        """
        Messages of no bytes are passed over.
        """
        self.manager.resumeReading()
        os.write(self.zone, b"x")
        self.reads(*[b""] * (EMPTY_MAX - 1), b"behind them")
        self.reactor.pump()
        self.assertEqual(self.receiver.printed, b"behind them")
        self.assertEqual(self.receiver.reasons, [])

    def test_nothingButEmpty(self) -> None:
        """
        So many of them are an end: the device is given up.
        """
        self.manager.resumeReading()
        os.write(self.zone, b"x")
        left = self.reads(*[b""] * (EMPTY_MAX + 5))
        self.reactor.pump()
        self.assertEqual(self.receiver.reasons, ["Input/output error"])
        self.assertEqual(left, [5])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_tainted(self) -> None:
        """
        So is one that can't be read, after what came before.
        """
        for number in (errno.EBADMSG, errno.EIO, errno.ENXIO):
            self.receiver.reasons = []
            self.manager = self.open()
            self.manager.resumeReading()
            os.write(self.zone, b"x")
            self.reads(b"y" * 2000, number)
            self.reactor.pump()
            self.assertEqual(self.receiver.reasons, [os.strerror(number)])
            self.assertFalse(self.manager.isOpen)
            self.assertEqual(self.receiver.printed, b"y" * 2000)
            self.receiver.printed = b""
            os.read(self.master, 9)

    def test_priority(self) -> None:
        """
        A message of high priority, which wakes no reader, is looked for now and then.
        """
        looked: list[bool] = []
        self.patch(self.manager, "doRead", lambda: looked.append(True))
        self.manager.resumeReading()
        # Of a second one nothing is begun.
        self.manager.resumeReading()
        self.reactor.advance(PRIORITY_SECONDS)
        self.assertEqual(looked, [])
        with socket.create_server(("127.0.0.1", 0)) as listening:
            ours = socket.create_connection(listening.getsockname())
            theirs, _ = listening.accept()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        os.dup2(ours.fileno(), self.manager.fileno())
        theirs.send(b"!", socket.MSG_OOB)
        self.reactor.advance(PRIORITY_SECONDS - 0.001)
        self.assertEqual(looked, [])
        self.reactor.advance(0.001)
        self.assertEqual(looked, [True])
        self.reactor.pump([PRIORITY_SECONDS] * 3)
        self.assertEqual(looked, [True] * 4)
        self.assertEqual(len(self.reactor.getDelayedCalls()), 1)

    def test_paused(self) -> None:
        """
        Nothing is looked for while nothing is read, nor on a device that is closed.
        """
        self.manager.resumeReading()
        self.manager.pauseReading()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.manager.resumeReading()
        self.manager.close()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.manager.resumeReading()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_break(self) -> None:
        """
        A break is the terminal's own.
        """
        self.manager.sendBreak()
        self.assertEqual(self.breaks, [(self.manager.fileno(), 0)])

    def test_noBreak(self) -> None:
        """
        A device that takes none says so.
        """
        for error in (
            termios.error(errno.EINVAL, "Invalid argument"),
            OSError(errno.EINVAL, "Invalid argument"),
        ):

            def refuse(fd: int, duration: int, error: Exception = error) -> None:
                raise error

            self.patch(self.manager, "_sendBreak", refuse)
            told = self.assertRaises(DeviceError, self.manager.sendBreak)
            self.assertEqual(str(told), "the console takes no break: Invalid argument")
