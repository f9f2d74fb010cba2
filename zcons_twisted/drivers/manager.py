# -*- test-case-name: zcons_twisted.test.test_pty -*-
"""
The manager of a pty pair, open: where a zone's bytes come in and go out.

Reads are collected into a batch, straight into the history, and told at once: a pty
gives up about 4 KiB a read whatever is asked for, and one write of 16 KiB costs a
receiver far less than four of 4 KiB (measured: 98 -> 134 MiB/s, and a third of the
CPU less).
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import termios
from collections.abc import Callable

from twisted.internet.interfaces import (
    IReactorFDSet,
    IReadDescriptor,
    IWriteDescriptor,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import DeviceError
from ..guard import READ_MAX
from ..interfaces import IDeviceReceiver, IManagerDevice
from ..nexus.pair import TERMINAL_MAX, isRead, setGoing

__all__ = ["ASK_EACH", "DRAIN_MAX", "GIVE_WAY_TURNS", "PtyManager"]

#: Most bytes taken by one call of L{PtyManager.drain}: what a pty holds, and a batch;
#: the batch that it ends with comes on top.
DRAIN_MAX = 48 * 1024

#: After so many bytes of a batch it is asked whether anything interactive waits.
ASK_EACH = 7 * 1024

#: Turns of the reactor that a flood gives way for; others that wait are found in the
#: first or the second, unless there are more of them than one turn has room for.
GIVE_WAY_TURNS = 2

#: A read that brings less than this has probably emptied the pty: asking again
#: would cost a system call on every keystroke to be told so.
_SHORT = 1024


@implementer(IManagerDevice, IReadDescriptor, IWriteDescriptor)
class PtyManager:
    """
    An open manager.  It begins paused.

    @ivar isOpen: until L{close} or until it is lost.
    @ivar given: how many typed bytes the terminal was given since it was last known
        to be empty.
    """

    def __init__(
        self,
        reactor: IReactorFDSet,
        fd: int,
        receiver: IDeviceReceiver,
        holdAnew: Callable[[], bool],
    ) -> None:
        """
        @param reactor: provides descriptors.
        @param fd: the master, not blocking; closed by us.
        @param receiver: hears of what comes.
        @param holdAnew: takes a live hold on the subsidiary; tells whether it has one.
        """
        self.isOpen = True
        self.given = 0
        self._reactor = reactor
        self._fd = fd
        self._receiver = receiver
        self._readFrom = receiver.readFrom
        self._advanced = receiver.advanced
        self._batchMax = receiver.batchMax
        self._urgent = receiver.urgent
        self._stillUrgent = receiver.stillUrgent
        self._floods = False
        self._gaveWay = 0
        self._got = 0
        self._holdAnew = holdAnew
        self._reading = False
        self._writing = False
        self._failures = 0

    def pauseReading(self) -> None:
        """
        See L{IManagerDevice}.
        """
        self._reading = False
        if self.isOpen:
            self._reactor.removeReader(self)
            self._receiver.interactive(self._fd, False)

    def resumeReading(self) -> None:
        """
        See L{IManagerDevice}.
        """
        self._reading = True
        if self.isOpen:
            self._reactor.addReader(self)
            if not self._floods:
                self._receiver.interactive(self._fd, True)

    def writeNow(self, data: bytes) -> int:
        """
        See L{IManagerDevice}.
        """
        try:
            taken = os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as e:
            # What was not written stays with the writer; the read side says the rest.
            self._failed(e)
            return 0
        self.given += taken
        return taken

    def wantWritable(self) -> None:
        """
        See L{IManagerDevice}.
        """
        self._writing = True
        if self.isOpen:
            self._reactor.addWriter(self)

    def setWindow(self, rows: int, columns: int) -> None:
        """
        See L{IManagerDevice}.
        """
        size = struct.pack("4H", rows, columns, 0, 0)
        try:
            fcntl.ioctl(self._fd, termios.TIOCSWINSZ, size)
        except OSError:
            # The read side tells what is wrong with the device.
            return

    def sendBreak(self) -> None:
        """
        See L{IManagerDevice}.
        """
        raise DeviceError("a pty has no break")

    def close(self) -> None:
        """
        See L{IManagerDevice}.
        """
        if self.isOpen:
            self.isOpen = False
            self._receiver.interactive(self._fd, False)
            self._reactor.removeReader(self)
            self._reactor.removeWriter(self)
            os.close(self._fd)
            self._fd = -1

    def exchange(self, fd: int) -> None:
        """
        Go on with another master, where this one is open.  What its predecessor still
        had is lost.

        @param fd: not blocking; ours from now on.
        """
        if not self.isOpen:
            os.close(fd)
            return
        reading, writing = self._reading, self._writing
        self.pauseReading()
        self._reactor.removeWriter(self)
        os.close(self._fd)
        self._fd = fd
        self._failures = 0
        self._floods = False
        if reading:
            self.resumeReading()
        if writing:
            self.wantWritable()

    def fileno(self) -> int:
        """
        The descriptor, or -1 when it is closed.
        """
        return self._fd

    def logPrefix(self) -> str:
        """
        What the reactor calls us in its log.
        """
        return "console manager"

    def doRead(self) -> None:
        """
        The zone has printed something.

        Whoever ended a batch comes after us, for managers that flood are always ready
        before it: in the turn of the reactor that follows, where we gave way in this
        one already.  It shall not wait for a piece of each.
        """
        if self._floods and self._gaveWay < GIVE_WAY_TURNS and self._stillUrgent():
            self._gaveWay += 1
            return
        self._gaveWay = 0
        self._read()

    def drain(self) -> int:
        """
        Take all that is there, held or not, but no more than a pty can hold.

        @return: how many bytes it was.
        """
        taken = 0
        while self.isOpen and taken < DRAIN_MAX:
            got = self._read()
            if not got:
                break
            taken += got
        return taken

    def tryAgain(self, turn: int, subsidiary: int) -> bool:
        """
        After a hang-up: have the terminal go on, and whoever waits for it try whether
        the zone takes more.

        @param turn: how often this has been asked since.
        @param subsidiary: held open.
        @return: whether anybody waits still.
        """
        if not turn and self.given > TERMINAL_MAX:
            setGoing(subsidiary)
        elif turn and isRead(subsidiary):
            self.given = 0
        if self._writing and self.isOpen:
            self.doWrite()
        return self._writing and self.isOpen

    def doWrite(self) -> None:
        """
        The zone has read something.
        """
        self._writing = False
        self._reactor.removeWriter(self)
        self._receiver.writable()

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor found the manager hung up, and has dropped it.
        """
        if self.isOpen:
            self._failed(OSError(errno.EIO, os.strerror(errno.EIO)))

    def _read(self) -> int:
        """
        Read up to a batch, and have it told at once.
        """
        self._got = 0
        error: OSError | None = None
        try:
            self._readBatch()
        except BlockingIOError:
            # That was all.
            pass
        except OSError as e:
            error = e
        got = self._got
        if got:
            self._failures = 0
            if (got >= _SHORT) is not self._floods:
                self._flood(got >= _SHORT)
            self._advanced()
        if error is not None and self.isOpen:
            self._failed(error)
        return got

    def _readBatch(self) -> None:
        room = self._batchMax()
        ask = room - ASK_EACH
        while True:
            got = self._readFrom(self._fd, min(room, READ_MAX))
            if not got:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            self._got += got
            room -= got
            if got < _SHORT or room < _SHORT:
                return
            if room <= ask:
                if self._urgent():
                    return
                ask = room - ASK_EACH

    def _flood(self, floods: bool) -> None:
        """
        A console in a flood is not interactive: it would have itself to wait for.
        """
        self._floods = floods
        if self._reading:
            self._receiver.interactive(self._fd, not floods)

    def _failed(self, error: OSError) -> None:
        """
        A hang-up is over as soon as somebody holds the subsidiary again.  A second
        one with nothing read between is no hang-up.
        """
        self._failures += 1
        if self._failures == 1 and error.errno == errno.EIO and self._holdAnew():
            if self._reading:
                self._reactor.addReader(self)
            if self._writing:
                self._reactor.addWriter(self)
            return
        self.close()
        self._receiver.lost(error.strerror or str(error))
