# -*- test-case-name: zcons_twisted.test.test_serial -*-
"""
Serial lines as client endpoints: C{serial:/dev/ttyS0:baudrate=115200}.

A line is made raw and claimed: by an exclusive lock, which every program that uses
lines politely looks at, and by C{TIOCEXCL}, which the kernel holds against the others.
It is not emptied, so that nothing is lost that came before, and it is left as it is:
neither are its old settings put back, nor does closing it hang up (C{HUPCL} is off), so
that whatever is at the other end does not notice a server that is started anew.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import termios
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred, execute
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.fdesc import readFromFD, writeToFD
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import BadOption, DeviceError
from ..reactors import DescriptorReactor

__all__ = [
    "BAUD_DEFAULT",
    "BREAK_SECONDS",
    "LineSettings",
    "SerialAddress",
    "SerialEndpoint",
    "SerialTransport",
    "lineSettings",
]

#: Bits a second, unless told otherwise.
BAUD_DEFAULT = 115200

#: Seconds that a break lasts.
BREAK_SECONDS = 0.3

_T = TypeVar("_T")

# From Linux' asm-generic/ioctls.h; Python does not name them.
_TIOCSBRK = 0x5427
_TIOCCBRK = 0x5428

_SIZES = {"5": termios.CS5, "6": termios.CS6, "7": termios.CS7, "8": termios.CS8}
_PARITIES = {"none": 0, "even": termios.PARENB, "odd": termios.PARENB | termios.PARODD}
_STOPS = {"1": 0, "2": termios.CSTOPB}
_SPEEDS: dict[int, int] = {
    int(name[1:]): getattr(termios, name)
    for name in dir(termios)
    if name[0] == "B" and name[1:].isdigit() and name != "B0"
}


@dataclass(frozen=True, slots=True)
class LineSettings:
    """
    How a line is set, in the words of termios.

    @ivar speed: C{B115200} for example.
    @ivar control: character size, parity and stop bits.
    @ivar rtscts: whether the wires RTS and CTS say who may send.
    @ivar xonxoff: whether C{^S} and C{^Q} do.
    """

    speed: int = _SPEEDS[BAUD_DEFAULT]
    control: int = termios.CS8
    rtscts: bool = False
    xonxoff: bool = False

    def applied(self, attributes: list[Any]) -> list[Any]:
        """
        A terminal's attributes, changed to a raw line with these settings.
        """
        characters = list(attributes[6])
        characters[termios.VMIN] = 1
        characters[termios.VTIME] = 0
        iflag = termios.IGNBRK
        if self.xonxoff:
            iflag |= termios.IXON | termios.IXOFF
        cflag = self.control | termios.CREAD | termios.CLOCAL
        if self.rtscts:
            cflag |= termios.CRTSCTS
        return [iflag, 0, cflag, 0, self.speed, self.speed, characters]


def lineSettings(
    baudrate: str = str(BAUD_DEFAULT),
    bytesize: str = "8",
    parity: str = "none",
    stopbits: str = "1",
    rtscts: str = "no",
    xonxoff: str = "no",
) -> LineSettings:
    """
    A line's settings from the words of an endpoint string.

    @raise BadOption: one of them can't be had.
    """
    speed = _SPEEDS.get(int(baudrate)) if _number(baudrate) else None
    if speed is None:
        rates = ", ".join(map(str, sorted(_SPEEDS)))
        raise BadOption(f"baudrate={baudrate}: choose one of {rates}")
    yesNo = {"yes": True, "no": False}
    return LineSettings(
        speed,
        _chosen("bytesize", bytesize, _SIZES)
        | _chosen("parity", parity, _PARITIES)
        | _chosen("stopbits", stopbits, _STOPS),
        _chosen("rtscts", rtscts, yesNo),
        _chosen("xonxoff", xonxoff, yesNo),
    )


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _chosen(name: str, word: str, choices: dict[str, _T]) -> _T:
    try:
        return choices[word]
    except KeyError:
        raise BadOption(f"{name}={word}: choose one of {', '.join(choices)}") from None


@implementer(IAddress)
@dataclass(frozen=True)
class SerialAddress:
    """
    Where a line is.
    """

    path: str


class BreakIO(Protocol):
    """
    As L{fcntl.ioctl}, as far as breaks go.
    """

    def __call__(self, fd: int, request: int, /) -> object:
        """
        Begin a break, or end it.
        """


class SerialTransport(FileDescriptor):
    """
    An open line as a transport.
    """

    def __init__(
        self,
        reactor: DescriptorReactor,
        fd: int,
        path: str,
        protocol: IProtocol,
        ioctl: BreakIO = fcntl.ioctl,
    ) -> None:
        """
        @param reactor: provides descriptors and time.
        @param fd: the line, set and not blocking; closed by us.
        """
        super().__init__(reactor)
        self._fd = fd
        self._address = SerialAddress(path)
        self._protocol = protocol
        self._clock = reactor
        self._ioctl = ioctl
        self._leaving = False
        self._breaking: IDelayedCall | None = None
        self.connected = 1
        # First this, for the protocol may not want to read yet.
        self.startReading()
        protocol.makeConnection(self)

    def fileno(self) -> int:
        """
        The line's descriptor, or -1 when it is closed.
        """
        return self._fd

    def doRead(self) -> Any:
        """
        Something came.
        """
        return readFromFD(self._fd, self._protocol.dataReceived)

    def writeSomeData(self, data: bytes) -> Any:
        """
        Write what the line takes.
        """
        return writeToFD(self._fd, data)

    def connectionLost(self, reason: Failure) -> None:
        """
        The line is of no more use.
        """
        if self.disconnected:
            return
        super().connectionLost(reason)
        if not self._leaving:
            _empty(self._fd)
        os.close(self._fd)
        self._fd = -1
        self._protocol.connectionLost(reason)

    def abortConnection(self) -> None:
        """
        Close the line now, whatever is still to be written.
        """
        if self.disconnected:
            return
        self.stopReading()
        self.stopWriting()
        self.connectionLost(Failure(ConnectionAborted()))

    def leave(self) -> None:
        """
        Close the line for us alone: somebody else has it open as well, so that what it
        has not sent yet is still sent.  A break does not last until then.
        """
        if self._breaking is not None:
            self._breaking.cancel()
            self._stopBreak()
        self._leaving = True
        self.abortConnection()

    def getPeer(self) -> SerialAddress:
        """
        Where the line is.
        """
        return self._address

    def getHost(self) -> SerialAddress:
        """
        The same.
        """
        return self._address

    def sendBreak(self, done: Callable[[], None]) -> None:
        """
        Send a break of L{BREAK_SECONDS}.

        @param done: called when it is over, unless the line is closed before that.
        @raise DeviceError: the line has none.
        """
        try:
            self._ioctl(self._fd, _TIOCSBRK)
        except OSError as e:
            raise DeviceError(f"the line takes no break: {e.strerror}") from None
        self._breaking = self._clock.callLater(BREAK_SECONDS, self._endBreak, done)

    def _endBreak(self, done: Callable[[], None]) -> None:
        self._breaking = None
        if not self.disconnected:
            self._stopBreak()
            done()

    def _stopBreak(self) -> None:
        try:
            self._ioctl(self._fd, _TIOCCBRK)
        except OSError:
            # Gone; who reads from it is told.
            return


@implementer(IStreamClientEndpoint)
class SerialEndpoint:
    """
    A serial line.
    """

    def __init__(
        self, reactor: DescriptorReactor, path: str, settings: LineSettings
    ) -> None:
        """
        @param path: the line's device, C{/dev/ttyS0} for example.
        """
        self._reactor = reactor
        self._path = path
        self._settings = settings

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """
        Open the line.

        @raise OSError: it can't be opened; the Deferred fails.
        """
        return execute(self._connect, protocolFactory)

    def _connect(self, factory: IProtocolFactory) -> IProtocol:
        fd = openLine(self._path, self._settings)
        protocol = factory.buildProtocol(SerialAddress(self._path))
        if protocol is None:
            os.close(fd)
            raise ConnectionDone("nobody wants it")
        SerialTransport(self._reactor, fd, self._path, protocol)
        return protocol


def _empty(fd: int) -> None:
    """
    Give up what a line has not sent yet: to close it would wait for that, and with it
    everything else.
    """
    try:
        termios.tcflush(fd, termios.TCOFLUSH)
    except termios.error:
        # It is gone, and so is what it had.
        pass


def openLine(path: str, settings: LineSettings) -> int:
    """
    Open a line, claim it and set it.

    @return: its descriptor.
    @raise OSError: it can't be had.
    """
    flags = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
    fd = os.open(path, flags)
    try:
        if not stat.S_ISCHR(os.fstat(fd).st_mode) or not os.isatty(fd):
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY)) from None
        fcntl.ioctl(fd, termios.TIOCEXCL)
        wanted = settings.applied(termios.tcgetattr(fd))
        termios.tcsetattr(fd, termios.TCSANOW, wanted)
    except termios.error as e:
        os.close(fd)
        raise OSError(*e.args) from None
    except BaseException:
        os.close(fd)
        raise
    return fd
