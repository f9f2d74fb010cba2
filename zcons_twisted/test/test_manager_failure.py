# -*- test-case-name: zcons_twisted.test.test_manager_failure -*-
"""
Tests for L{zcons_twisted.drivers.manager}: a device that hangs up, or fails.
"""

from __future__ import annotations

import errno
import os

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from .manager_case import ManagerTestCase


class FailureTests(ManagerTestCase):
    """
    A hang-up is mended once; whatever else fails ends the lap.
    """

    def test_hungUp(self) -> None:
        """
        A hang-up with nobody else to hold the subsidiary is mended by holding it
        anew.
        """
        self.holds = [True]
        self.fails(errno.EIO)
        self.manager.resumeReading()
        self.manager.doRead()
        os.write(self.zone, b"back\n")
        self.reactor.settle()
        self.assertEqual(
            (self.receiver.printed, self.receiver.reasons), (b"back\n", [])
        )

    def test_hungUpTwice(self) -> None:
        """
        A second hang-up with nothing read in between is no hang-up: the device is
        lost.
        """
        self.holds = [True, True]
        self.fails(errno.EIO, errno.EIO)
        self.manager.doRead()
        self.assertEqual(self.receiver.reasons, [])
        self.manager.doRead()
        self.assertEqual(self.receiver.reasons, ["Input/output error"])
        self.assertEqual((self.manager.isOpen, self.manager.fileno()), (False, -1))

    def test_hungUpNowAndThen(self) -> None:
        """
        A zone that hangs up again and again, and prints in between, loses nothing.
        """
        self.holds = [True] * 3
        self.manager.resumeReading()
        for number in range(3):
            self.fails(errno.EIO)
            self.manager.doRead()
            os.write(self.zone, b"%d" % number)
            self.reactor.settle()
        self.assertEqual((self.receiver.printed, self.receiver.reasons), (b"012", []))

    def test_cantBeHeld(self) -> None:
        """
        A hang-up that can't be mended is a lost device.
        """
        self.fails(errno.EIO)
        self.manager.doRead()
        self.assertEqual(self.receiver.reasons, ["Input/output error"])

    def test_otherErrors(self) -> None:
        """
        Any other error is a lost device, at once.
        """
        self.holds = [True]
        self.fails(errno.ENODEV)
        self.manager.doRead()
        self.assertEqual(self.receiver.reasons, ["No such device"])

    def test_endOfFile(self) -> None:
        """
        A device that says it is at its end has hung up.
        """
        self.patch(os, "read", lambda fd, size: b"")
        self.manager.doRead()
        self.assertEqual(self.receiver.reasons, ["Input/output error"])

    def test_printedBefore(self) -> None:
        """
        What was printed before a failure is handed on before it is told.
        """
        reads = [b"x" * 2000]

        def read(fd: int, size: int) -> bytes:
            if reads:
                return reads.pop(0)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        self.patch(os, "read", read)
        self.manager.doRead()
        self.assertEqual(len(self.receiver.printed), 2000)
        self.assertEqual(self.receiver.reasons, ["Input/output error"])

    def test_closedByWhatWasPrinted(self) -> None:
        """
        A manager that is closed by whoever gets the last output tells of no failure.
        """
        reads = [b"x" * 2000]

        def read(fd: int, size: int) -> bytes:
            if reads:
                return reads.pop(0)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        self.patch(self.receiver, "output", lambda data: self.manager.close())
        self.manager = self.open()
        self.patch(os, "read", read)
        self.manager.doRead()
        self.assertEqual(self.receiver.reasons, [])

    def test_reactorSaysSo(self) -> None:
        """
        A hang-up that the reactor finds is mended like any other: reading goes on, and
        so does waiting for the zone to take input.
        """
        self.holds = [True]
        self.manager.resumeReading()
        self.manager.wantWritable()
        self.reactor.removeAll()
        self.manager.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(self.receiver.reasons, [])
        self.assertEqual(self.reactor.getReaders(), [self.manager])
        self.assertEqual(self.reactor.getWriters(), [self.manager])

    def test_nothingWasAsked(self) -> None:
        """
        A mended manager waits for nothing that nobody asked for, or that was told
        already.
        """
        self.holds = [True, True]
        self.manager.wantWritable()
        self.reactor.pump()
        self.assertEqual(self.receiver.writables, 1)
        self.manager.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(self.reactor.removeAll(), [])
        manager = self.open()
        manager.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(self.reactor.removeAll(), [])

    def test_reactorSaysSoOfAPaused(self) -> None:
        """
        A paused one stays paused.
        """
        self.holds = [True]
        self.manager.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(self.reactor.getReaders(), [])

    def test_close(self) -> None:
        """
        A closed manager leaves nothing behind, does nothing any more, and may be
        closed twice.
        """
        self.manager.resumeReading()
        self.manager.wantWritable()
        self.manager.close()
        self.manager.close()
        self.manager.resumeReading()
        self.manager.pauseReading()
        self.manager.wantWritable()
        self.manager.connectionLost(Failure(ConnectionLost()))
        self.assertEqual((self.reactor.removeAll(), self.receiver.reasons), ([], []))
