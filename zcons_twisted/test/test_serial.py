# -*- test-case-name: zcons_twisted.test.test_serial -*-
"""
Tests for L{zcons_twisted.drivers.serial_line} and its parser, on a pty as a line.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
import termios
import tty

from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import (
    IAddress,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from ..drivers.endpoint import EndpointDriver
from ..drivers.serial_line import (
    BREAK_SECONDS,
    LineSettings,
    SerialAddress,
    SerialEndpoint,
    SerialTransport,
    openLine,
)
from ..errors import DeviceError
from ..testing import FakeReactor, MemoryEvents, MemoryReceiver
from .support import descriptorsInUse

_SBRK, _CBRK = 0x5427, 0x5428


class Remembering(Protocol):
    """
    Remembers what comes.
    """

    transport: SerialTransport

    def __init__(self) -> None:
        self.got = b""
        self.reasons: list[Failure] = []

    def dataReceived(self, data: bytes) -> None:
        """
        Something comes.
        """
        self.got += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        It is over.
        """
        self.reasons.append(reason)


class LineTestCase(SynchronousTestCase):
    """
    A pty as a line: the machine at its other end has the master.
    """

    def setUp(self) -> None:
        """
        Nobody has opened it yet.
        """
        self.reactor = FakeReactor()
        self.machine, subsidiary = os.openpty()
        os.set_blocking(self.machine, False)
        self.path = os.ttyname(subsidiary)
        # It stays as it is set while nobody has it open.
        self.addCleanup(os.close, subsidiary)
        self.subsidiary = subsidiary
        self.endpoint = SerialEndpoint(self.reactor, self.path, LineSettings())

    def hangUp(self) -> None:
        """
        The machine goes, and with it the line.
        """
        if self.machine != -1:
            os.close(self.machine)
            self.machine = -1

    def tearDown(self) -> None:
        """
        Nothing is left of it.
        """
        self.hangUp()
        self.reactor.settle()

    def arrives(self, fd: int) -> None:
        """
        The kernel takes its own time to hand bytes from one end of a pty to the other:
        wait for them, and for nothing else.
        """
        self.assertEqual(select.select([fd], [], [], 60)[0], [fd])
        self.reactor.settle()

    def connect(self) -> Remembering:
        """
        Open it.
        """
        connecting = self.endpoint.connect(Factory.forProtocol(Remembering))
        protocol = self.successResultOf(connecting)
        assert isinstance(protocol, Remembering)
        return protocol


class LineTests(LineTestCase):
    """
    An open line.
    """

    def test_bothWays(self) -> None:
        """
        Bytes come and go as they are.
        """
        protocol = self.connect()
        every = bytes(range(256))
        os.write(self.machine, every)
        self.arrives(self.subsidiary)
        self.assertEqual(protocol.got, every)
        protocol.transport.write(every)
        self.reactor.settle()
        self.arrives(self.machine)
        self.assertEqual(os.read(self.machine, 1000), every)

    def test_addresses(self) -> None:
        """
        It is at its path.
        """
        transport = self.connect().transport
        for address in (transport.getPeer(), transport.getHost()):
            self.assertEqual(address, SerialAddress(self.path))
            verifyObject(IAddress, address)

    def test_keepsWhatCame(self) -> None:
        """
        What came before it was opened is not thrown away.
        """
        tty.setraw(self.subsidiary)
        os.write(self.machine, b"early")
        self.arrives(self.subsidiary)
        protocol = self.connect()
        self.reactor.settle()
        self.assertEqual(protocol.got, b"early")

    def test_claimed(self) -> None:
        """
        A line that somebody has can't be had, until it is closed.
        """
        protocol = self.connect()
        failure = self.failureResultOf(
            self.endpoint.connect(Factory.forProtocol(Remembering)), OSError
        )
        self.assertEqual(failure.value.errno, errno.EBUSY)
        protocol.transport.abortConnection()
        self.connect().transport.abortConnection()

    def test_exclusive(self) -> None:
        """
        Nor by those who look at no locks.
        """
        self.connect()
        # What TIOCEXCL has set can be asked for by TIOCGEXCL.
        raw = fcntl.ioctl(self.subsidiary, 0x80045440, b"\0" * 4)
        self.assertEqual(raw, b"\1\0\0\0")

    def test_noLine(self) -> None:
        """
        What is no line is told to be none, and stays as it was.
        """
        fifo = os.path.abspath(self.mktemp())
        os.mkfifo(fifo)
        for path, number in (
            ("/dev/null", errno.ENOTTY),
            (fifo, errno.ENOTTY),
            ("/nowhere", errno.ENOENT),
        ):
            before = descriptorsInUse()
            error = self.assertRaises(OSError, openLine, path, LineSettings())
            self.assertEqual(error.errno, number)
            self.assertEqual(os.listdir("/proc/self/fd"), before)

    def test_cantBeSet(self) -> None:
        """
        A line that can't be set is not kept open.
        """

        def refuse(*arguments: object) -> None:
            raise termios.error(errno.EINVAL, "Invalid argument")

        self.patch(termios, "tcsetattr", refuse)
        before = descriptorsInUse()
        error = self.assertRaises(OSError, openLine, self.path, LineSettings())
        self.assertEqual(error.errno, errno.EINVAL)
        self.assertEqual(os.listdir("/proc/self/fd"), before)

    def test_descriptor(self) -> None:
        """
        It blocks nobody, and no child gets it.
        """
        fd = openLine(self.path, LineSettings())
        self.addCleanup(os.close, fd)
        self.assertFalse(os.get_blocking(fd))
        self.assertFalse(os.get_inheritable(fd))
        self.assertTrue(stat.S_ISCHR(os.fstat(fd).st_mode))

    def test_unplugged(self) -> None:
        """
        A line that goes is lost, once.
        """
        protocol = self.connect()
        self.hangUp()
        self.reactor.settle()
        self.assertEqual(len(protocol.reasons), 1)

    def test_abort(self) -> None:
        """
        Closed, it is closed at once, whatever is still to be written.
        """
        protocol = self.connect()
        transport = protocol.transport
        transport.write(b"x" * 100_000)
        self.reactor.settle()
        transport.abortConnection()
        transport.abortConnection()
        self.assertEqual(transport.fileno(), -1)
        (reason,) = protocol.reasons
        self.assertTrue(reason.check(ConnectionAborted))

    def test_left(self) -> None:
        """
        Left to somebody else who has it open, what waits in it is sent all the same.
        """
        emptied: list[int] = []
        self.patch(termios, "tcflush", lambda fd, queue: emptied.append(queue))
        protocol = self.connect()
        other = os.dup(protocol.transport.fileno())
        self.addCleanup(os.close, other)
        protocol.transport.leave()
        self.assertEqual((protocol.transport.fileno(), emptied), (-1, []))
        self.assertEqual(len(protocol.reasons), 1)
        protocol.transport.leave()

    def test_nobodyWantsIt(self) -> None:
        """
        A factory that makes nothing leaves nothing open.
        """

        class Nobody(Factory):
            def buildProtocol(self, addr: object) -> None:
                return None

        before = descriptorsInUse()
        self.failureResultOf(self.endpoint.connect(Nobody()))
        self.assertEqual(os.listdir("/proc/self/fd"), before)


class BreakTests(LineTestCase):
    """
    A break.
    """

    def setUp(self) -> None:
        """
        The line is open, and what is asked of it is remembered.
        """
        super().setUp()
        self.asked: list[int] = []
        self.error: OSError | None = None
        self.protocol = Remembering()
        self.transport = SerialTransport(
            self.reactor,
            openLine(self.path, LineSettings()),
            self.path,
            self.protocol,
            self.ioctl,
        )
        self.over = 0

    def ioctl(self, fd: int, request: int) -> None:
        """
        Remember it, or refuse it.
        """
        self.assertEqual(fd, self.transport.fileno())
        if self.error is not None:
            raise self.error
        self.asked.append(request)

    def done(self) -> None:
        """
        The break is over.
        """
        self.over += 1

    def test_break(self) -> None:
        """
        It lasts three tenths of a second, and nothing waits for it.
        """
        self.assertEqual(BREAK_SECONDS, 0.3)
        self.transport.sendBreak(self.done)
        self.assertEqual(self.asked, [_SBRK])
        self.reactor.advance(0.29)
        self.assertEqual((self.asked, self.over), ([_SBRK], 0))
        self.reactor.advance(0.02)
        self.assertEqual((self.asked, self.over), ([_SBRK, _CBRK], 1))

    def test_refused(self) -> None:
        """
        A line without breaks says so.
        """
        self.error = OSError(errno.ENOTTY, "Inappropriate ioctl")
        error = self.assertRaises(DeviceError, self.transport.sendBreak, self.done)
        self.assertEqual(str(error), "the line takes no break: Inappropriate ioctl")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_goneMeanwhile(self) -> None:
        """
        A line may go while a break lasts.
        """
        self.transport.sendBreak(self.done)
        self.error = OSError(errno.EIO, "Input/output error")
        self.reactor.advance(1)
        self.assertEqual(self.over, 1)
        self.error = None
        self.transport.sendBreak(self.done)
        self.transport.abortConnection()
        self.reactor.advance(1)
        self.assertEqual((self.asked, self.over), ([_SBRK, _SBRK], 1))

    def test_left(self) -> None:
        """
        A line that is left to somebody else is not left in a break.
        """
        self.transport.sendBreak(self.done)
        self.transport.leave()
        self.reactor.advance(1)
        self.assertEqual((self.asked, self.over), ([_SBRK, _CBRK], 0))
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class DeviceTests(LineTestCase):
    """
    A line as a console device.
    """

    def setUp(self) -> None:
        """
        It is open, and read.
        """
        super().setUp()
        self.receiver = MemoryReceiver()
        self.driver = EndpointDriver(
            self.reactor, "z", self.endpoint, "serial:x", MemoryEvents()
        )
        self.device = self.successResultOf(self.driver.open(self.receiver))
        self.addCleanup(self.device.close)
        self.device.resumeReading()

    def test_bothWays(self) -> None:
        """
        Bytes come and go.
        """
        os.write(self.machine, b"login: ")
        self.arrives(self.subsidiary)
        self.assertEqual(self.receiver.printed, b"login: ")
        self.assertEqual(self.device.writeNow(b"root\r"), 5)
        self.arrives(self.machine)
        self.assertEqual(os.read(self.machine, 100), b"root\r")

    def test_break(self) -> None:
        """
        It has a break, while which nothing is typed.
        """
        self.device.sendBreak()
        self.assertEqual(self.device.writeNow(b"x"), 0)
        self.reactor.advance(1)
        self.assertEqual(self.device.writeNow(b"x"), 1)

    def test_unplugged(self) -> None:
        """
        A line that goes is lost.
        """
        os.write(self.machine, b"bye")
        self.arrives(self.subsidiary)
        self.hangUp()
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"bye")
        self.assertEqual(self.receiver.reasons, ["closed by the other side"])

    def test_closed(self) -> None:
        """
        A line that is closed is free again.
        """
        self.device.close()
        fd = openLine(self.path, LineSettings())
        os.close(fd)
