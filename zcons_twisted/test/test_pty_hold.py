# -*- test-case-name: zcons_twisted.test.test_pty_hold -*-
"""
Tests for L{zcons_twisted.drivers.pty}: the hold on the subsidiary.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import termios

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent

from ..nexus.pair import PtyInstance
from .pty_case import PtyTestCase


class HoldTests(PtyTestCase):
    """
    The subsidiary is always held, whatever a zone does to it.
    """

    def test_lastClose(self) -> None:
        """
        When the zone's last process closes its console, nothing happens to it.
        """
        self.init()
        manager = self.driver.open(self.receiver)
        manager.resumeReading()
        for text in (b"first", b"second"):
            fd = os.open(self.driver.path, os.O_RDWR | os.O_NOCTTY)
            os.write(fd, text)
            os.close(fd)
            self.arrives(self.pair.master)
        self.assertEqual(self.receiver.printed, b"firstsecond")
        self.assertEqual(self.receiver.reasons, [])

    def test_deadHold(self) -> None:
        """
        A hold that the zone has killed is noticed and replaced.
        """
        self.init()
        dead = self.driver._hold.fd
        self.hangUp()
        self.assertNotEqual(self.driver._hold.fd, dead)
        self.assertTrue(os.isatty(self.driver._hold.fd))

    def test_manyHangups(self) -> None:
        """
        A zone that makes a game of it is told of once a minute.
        """
        self.init()
        with capturedLogs() as events:
            for seconds in (0, 1, 58, 1):
                self.reactor.advance(seconds)
                self.hangUp()
        self.assertEqual(
            [formatEvent(event) for event in events],
            [
                "z: the console was hung up, 1 times since last told; holding anew",
                "z: the console was hung up, 3 times since last told; holding anew",
            ],
        )

    def test_cantBeHeld(self) -> None:
        """
        A hold that can't be replaced is told in the log, and the console goes on.
        """
        self.init()
        self.successResultOf(Deferred.fromCoroutine(self.driver.remove()))
        self.assertFalse(self.driver.holdAnew())

    def test_noDescriptors(self) -> None:
        """
        A hold that could not be replaced for want of descriptors is so when there are
        some, however long that takes, and notices the next hang-up.
        """
        self.init()

        def none(instance: PtyInstance) -> int:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        patch = self.patch(PtyInstance, "openSubsidiary", none)
        self.hangUp()
        for _ in range(10):
            self.reactor.advance(1)
        self.assertEqual(len(self.reactor.getDelayedCalls()), 1)
        patch.restore()
        for _ in range(10):
            self.reactor.advance(1)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.hangUp()

    def test_released(self) -> None:
        """
        The subsidiary can be let go, twice too.
        """
        self.init()
        self.driver.release()
        self.driver.release()
        self.assertEqual(self.reactor.getReaders(), [])

    def test_exclusiveUse(self) -> None:
        """
        A zone that claims its console for itself keeps the next life out of nothing.
        """
        self.init()
        opened = PtyInstance.openSubsidiary
        tries: list[int] = []

        def busyOnce(instance: PtyInstance) -> int:
            tries.append(1)
            if len(tries) == 1:
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
            return opened(instance)

        fcntl.ioctl(self.openZone(), termios.TIOCEXCL)
        self.patch(PtyInstance, "openSubsidiary", busyOnce)
        os.close(self.driver.openSubsidiary())
        self.assertEqual(len(tries), 2)
        self.openZone()

    def test_otherErrors(self) -> None:
        """
        Any other error, or exclusive use with no hold to undo it by, is told.
        """
        self.init()

        def refuse(instance: PtyInstance) -> int:
            raise OSError(self.number, os.strerror(self.number))

        self.patch(PtyInstance, "openSubsidiary", refuse)
        self.number = errno.EMFILE
        self.assertRaises(OSError, self.driver.openSubsidiary)
        self.number = errno.EBUSY
        self.driver.release()
        self.assertRaises(OSError, self.driver.openSubsidiary)

    def test_discardInput(self) -> None:
        """
        What was typed and nobody has read is dropped: lines, what is no line yet, and
        what the terminal has no room for.
        """
        self.assertEqual(self.driver.discardInput(), 0)
        self.init()
        zone = self.openZone()
        before = termios.tcgetattr(zone)
        line = b"x" * 99 + b"\n"
        for text in (b"touch /tmp/stale", b"touch /tmp/stale\n", 300 * line):
            typed = os.write(self.pair.master, text)
            self.assertEqual(self.driver.discardInput(), typed)
            self.assertRaises(BlockingIOError, os.read, zone, 1)
            self.drain()
        self.assertEqual(termios.tcgetattr(zone), before)
        os.write(self.pair.master, b"new\n")
        self.arrives(zone)
        self.assertEqual(os.read(zone, 100), b"new\n")

    def drain(self) -> None:
        """
        Take what the terminal echoes.
        """
        with contextlib.suppress(BlockingIOError):
            while os.read(self.pair.master, 65536):
                pass

    def test_discardHungUp(self) -> None:
        """
        Where there is no terminal to empty there is nothing.
        """
        self.init()

        def refuse(instance: PtyInstance) -> int:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        self.patch(PtyInstance, "openSubsidiary", refuse)
        self.assertEqual(self.driver.discardInput(), 0)

        def hungUp(fd: int) -> object:
            raise termios.error(errno.EIO, os.strerror(errno.EIO))

        self.patch(
            PtyInstance, "openSubsidiary", lambda pair: os.open("/dev/null", os.O_RDWR)
        )
        self.patch(termios, "tcgetattr", hungUp)
        self.assertEqual(self.driver.discardInput(), 0)

    def test_terminalSession(self) -> None:
        """
        Nobody has a fresh console as a terminal, nor one that is not there.
        """
        self.assertEqual(self.driver.terminalSession(), 0)
        self.init()
        self.assertEqual(self.driver.terminalSession(), 0)

    def test_terminalOfSomebody(self) -> None:
        """
        Whose it is is told by the kernel.
        """
        self.init()
        answers = [struct.pack("i", 4711), struct.pack("i", -1)]
        self.patch(fcntl, "ioctl", lambda *arguments: answers.pop(0))
        self.assertEqual(self.driver.terminalSession(), 4711)
        self.assertEqual(self.driver.terminalSession(), 0)
