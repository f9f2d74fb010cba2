# -*- test-case-name: zcons_twisted.test.test_endpoint -*-
"""
Tests for L{zcons_twisted.drivers.endpoint}.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys

from twisted.internet.defer import Deferred
from twisted.internet.error import (
    ConnectError,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    DNSLookupError,
)
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from ..drivers.endpoint import (
    CONNECT_SECONDS,
    EndpointDriver,
    makeDriver,
)
from ..drivers.endpoint_line import LineZone
from ..drivers.endpoint_reasons import REASON_MAX, reasonOf
from ..drivers.endpoint_stream import StreamManager
from ..drivers.endpoint_transport import TransportManager
from ..drivers.qmp_zone import QmpZone
from ..drivers.serial_line import SerialEndpoint
from ..errors import BadOption, DeviceError
from ..events import ZoneEvent, ZoneState
from ..interfaces import (
    DriverOptions,
    IAdjustableDriver,
    IConsoleDriver,
    IDeviceReceiver,
    IManagerDevice,
    IZoneConnection,
    IZoneStates,
)
from ..rundir import RunDirectory
from ..testing import FakeReactor, MemoryEvents, MemoryReceiver
from .endpoint_case import MemoryEndpoint, SocketEndpoint
from .support import descriptorsInUse


class EndpointTestCase(SynchronousTestCase):
    """
    An endpoint driver and what it connects to.
    """

    def setUp(self) -> None:
        """
        Nothing is connected yet.
        """
        self.reactor = FakeReactor()
        self.events = MemoryEvents()
        self.receiver = MemoryReceiver()
        self.endpoint = SocketEndpoint(self, self.reactor)
        self.driver = EndpointDriver(
            self.reactor, "z", self.endpoint, "unix:/console", self.events
        )

    def open(self) -> IManagerDevice:
        """
        Connect, and read.
        """
        device = self.successResultOf(self.driver.open(self.receiver))
        self.addCleanup(device.close)
        device.resumeReading()
        return device

    def reason(self, opening: Deferred[IManagerDevice]) -> str:
        """
        @return: why a device can't be opened.
        """
        return str(self.failureResultOf(opening, DeviceError).getErrorMessage())


class DriverTests(EndpointTestCase):
    """
    A console device at an endpoint.
    """

    def test_interfaces(self) -> None:
        """
        It is a driver, and what it opens a device, whatever the transport.
        """
        verifyObject(IConsoleDriver, self.driver)
        verifyObject(IZoneStates, self.driver.states)
        verifyObject(IZoneConnection, self.driver.states)
        device = self.open()
        verifyObject(IManagerDevice, device)
        self.assertIsInstance(device, StreamManager)
        verifyObject(IDeviceReceiver, device._receiver)  # type: ignore[attr-defined]

    def test_instances(self) -> None:
        """
        The other end has the device; there is one of it while the zone is served.
        """
        self.assertEqual(self.successResultOf(self.driver.count()), 0)
        self.successResultOf(self.driver.init())
        self.driver.hold()
        self.driver.release()
        self.assertEqual(self.successResultOf(self.driver.count()), 1)
        self.assertEqual(self.successResultOf(self.driver.destroy()), (1, 1))
        self.assertEqual(self.successResultOf(self.driver.destroy()), (0, 0))

    def test_bothWays(self) -> None:
        """
        What the other end prints is read, and what is typed reaches it.
        """
        device = self.open()
        self.endpoint.end.send(b"login: ")
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"login: ")
        self.assertEqual(device.writeNow(b"root\n"), 5)
        self.assertEqual(self.endpoint.end.recv(100), b"root\n")

    def test_beginsPaused(self) -> None:
        """
        Nothing is read before somebody wants it, and nothing of it is lost.
        """
        device = self.successResultOf(self.driver.open(self.receiver))
        self.addCleanup(device.close)
        self.endpoint.end.send(b"early")
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"")
        device.resumeReading()
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"early")

    def test_otherTransport(self) -> None:
        """
        A transport without a descriptor serves as well.
        """
        endpoint = MemoryEndpoint()
        driver = EndpointDriver(self.reactor, "z", endpoint, "memory", self.events)
        device = self.successResultOf(driver.open(self.receiver))
        self.assertIsInstance(device, TransportManager)
        device.resumeReading()
        endpoint.transport.protocol.dataReceived(b"login: ")
        self.assertEqual(self.receiver.printed, b"login: ")

    def test_close(self) -> None:
        """
        Closed, nothing of it is open, and the other end sees it.
        """
        before = descriptorsInUse()
        self.open().close()
        self.reactor.settle()
        self.assertEqual(self.endpoint.end.recv(100), b"")
        self.endpoint.end.close()
        self.assertEqual(os.listdir("/proc/self/fd"), before)
        self.assertEqual((self.receiver.reasons, self.events.events), ([], []))

    def test_refused(self) -> None:
        """
        Where nobody listens, it is told why.
        """
        self.endpoint.failures = [ConnectionRefusedError(errno.ECONNREFUSED, "no")]
        self.assertEqual(
            self.reason(self.driver.open(self.receiver)),
            "can't connect: Connection refused",
        )

    def test_neverAnswers(self) -> None:
        """
        One that does not answer in ten seconds is given up.
        """
        self.assertEqual(CONNECT_SECONDS, 10.0)
        self.endpoint.silent = True
        opening = self.driver.open(self.receiver)
        self.reactor.advance(9.9)
        self.assertNoResult(opening)
        self.reactor.advance(0.2)
        self.assertEqual(self.reason(opening), "can't connect: no answer in 10 seconds")
        self.assertEqual(self.endpoint.cancelled, 1)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_cancelled(self) -> None:
        """
        Nobody waits for it any more: it is given up, and a connection that comes after
        all is closed.
        """
        self.endpoint.silent = True
        opening = self.driver.open(self.receiver)
        opening.cancel()
        self.reason(opening)
        assert self.endpoint.factory is not None
        self.endpoint.make(self.endpoint.factory)
        self.reactor.settle()
        self.assertEqual(self.endpoint.end.recv(100), b"")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_lost(self) -> None:
        """
        When the other end closes, what it sent last is read, and then it is lost.
        """
        self.open()
        self.endpoint.end.send(b"bye")
        self.endpoint.end.close()
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"bye")
        self.assertEqual(self.receiver.reasons, ["closed by the other side"])


class LineTests(EndpointTestCase):
    """
    A zone of which only the connection is known.
    """

    def state(self) -> ZoneState:
        """
        @return: the zone's state.
        """
        return self.driver.states.state()

    def test_state(self) -> None:
        """
        It runs while there is a connection.
        """
        self.assertEqual(self.state(), ZoneState.INSTALLED)
        self.open()
        self.assertEqual(self.state(), ZoneState.RUNNING)
        self.endpoint.end.close()
        self.reactor.settle()
        self.assertEqual(self.state(), ZoneState.INSTALLED)

    def test_connected(self) -> None:
        """
        Whether there is a connection is known, whatever else is told of the zone.
        """
        zone = LineZone(self.events)
        self.assertFalse(zone.connected())
        zone.consoleOpened(None)
        zone.posted(ZoneEvent.HALTED)
        self.assertTrue(zone.connected())
        zone.consoleLost("x")
        zone.posted(ZoneEvent.BOOTING)
        self.assertFalse(zone.connected())
        zone.consoleFailed()
        self.assertFalse(zone.connected())

    def test_told(self) -> None:
        """
        A connection that is lost and made again is told, as no more than that; the
        first one is not.
        """
        self.open()
        self.assertEqual(self.events.events, [])
        self.endpoint.end.close()
        self.reactor.settle()
        self.open()
        self.assertEqual(
            self.events.events,
            [
                (ZoneEvent.DISCONNECTED, "closed by the other side"),
                (ZoneEvent.CONNECTED, ""),
            ],
        )

    def test_toldLate(self) -> None:
        """
        One that was waited for is told.
        """
        self.endpoint.failures = [ConnectionRefusedError(errno.ECONNREFUSED, "no")]
        self.reason(self.driver.open(self.receiver))
        self.assertEqual(self.events.events, [])
        self.open()
        self.assertEqual(self.events.events, [(ZoneEvent.CONNECTED, "")])

    def test_posted(self) -> None:
        """
        Somebody outside may know more of the zone.
        """
        zone = LineZone(self.events)
        zone.consoleOpened(None)
        zone.posted(ZoneEvent.HALTED)
        self.assertEqual(zone.state(), ZoneState.INSTALLED)
        zone.posted(ZoneEvent.DISCONNECTED)
        self.assertEqual(zone.state(), ZoneState.INSTALLED)


class ReasonTests(SynchronousTestCase):
    """
    Why there is no connection, in few words.
    """

    def test_reasons(self) -> None:
        """
        What the system says is told in its words.
        """
        for error, reason in (
            (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "Connection refused"),
            (ConnectError(errno.ENOENT, "x"), "No such file or directory"),
            (OSError(errno.EBUSY, "x"), "Device or resource busy"),
            (ConnectionDone(), "closed by the other side"),
            (ConnectionLost(), "connection lost"),
            (DeviceError("no answer"), "no answer"),
            (ValueError(), "ValueError"),
        ):
            self.assertEqual(reasonOf(Failure(error)), reason)

    def test_hostile(self) -> None:
        """
        What the other end has written is told plainly, and not at length.
        """
        self.assertEqual(REASON_MAX, 200)
        told = reasonOf(Failure(DNSLookupError("\r\n[NOTICE: x]\r\n" + "y" * 300)))
        self.assertIn("\\x0d\\x0a[NOTICE: x]", told)
        self.assertEqual(len(told), 200)


class MakerTests(SynchronousTestCase):
    """
    A driver from options.
    """

    def make(self, **options: str) -> IConsoleDriver:
        """
        A driver.
        """
        return makeDriver(
            FakeReactor(),
            "z",
            RunDirectory(os.path.abspath(self.mktemp())),
            DriverOptions(**options),  # type: ignore[arg-type]
            MemoryEvents(),
        )

    def bad(self, **options: str) -> str:
        """
        @return: why there is no driver.
        """
        return str(self.assertRaises(BadOption, self.make, **options))

    def test_endpoints(self) -> None:
        """
        Every endpoint that Twisted knows will do, and serial lines.
        """
        for text in ("unix:/x", "tcp:localhost:4000", "serial:/dev/x:baudrate=9600"):
            driver = self.make(endpoint=text)
            self.assertEqual((driver.kind, driver.path), ("endpoint", text))
            self.assertIs(driver.life, None)
        assert isinstance(driver, EndpointDriver)
        self.assertIsInstance(driver._endpoint, SerialEndpoint)

    def test_qmp(self) -> None:
        """
        With QMP, the zone has a life.
        """
        driver = self.make(endpoint="unix:/x", qmp="/q")
        self.assertIsInstance(driver.life, QmpZone)
        self.assertIs(driver.states, driver.life)

    def test_adjust(self) -> None:
        """
        How long a machine is given to power down can be changed meanwhile.
        """
        driver = self.make(endpoint="unix:/x", qmp="/q")
        verifyObject(IAdjustableDriver, driver)
        assert isinstance(driver, EndpointDriver)
        driver.adjust(DriverOptions(grace=3.0))
        assert isinstance(driver.life, QmpZone)
        self.assertEqual(driver.life.grace, 3.0)
        plain = self.make(endpoint="unix:/x")
        assert isinstance(plain, EndpointDriver)
        plain.adjust(DriverOptions(grace=3.0))

    def test_passedSockets(self) -> None:
        """
        What systemd has told of passed sockets is left for the server, though Twisted's
        endpoints would have it.
        """
        told = {"LISTEN_PID": "1", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"}
        script = (
            "import os, sys;"
            " from zcons_twisted.drivers import endpoint, endpoint_strings;"
            " assert 'twisted.internet.endpoints' not in sys.modules;"
            " endpoint_strings._endpoints();"
            " print(*(os.environ[name] for name in sys.argv[1:]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, *told],
            env={"PYTHONPATH": os.pathsep.join(sys.path), **told},
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        self.assertEqual(done.stdout, "1 2 a:b\n")

    def test_bad(self) -> None:
        """
        What can't be connected to is told in a line.
        """
        for text, why in (
            ("x", "Unknown endpoint type: 'x'"),
            ("tcp:1", "missing 1 required positional argument: 'port'"),
            ("serial", "one path is needed, serial:/dev/ttyS0 for example"),
            ("serial:/x:parity=maybe", "parity=maybe: choose one of none, even, odd"),
        ):
            self.assertEqual(
                self.bad(endpoint=text), f"zone 'z': --endpoint {text}: {why}"
            )

    def test_missing(self) -> None:
        """
        There must be an endpoint, and a character device is QMP's.
        """
        self.assertEqual(
            self.bad(), "zone 'z': the endpoint driver needs --endpoint STRING"
        )
        self.assertEqual(
            self.bad(endpoint="unix:/x", qmpChardev="con"),
            "zone 'z': --qmp-chardev is of no use without --qmp SOCKET",
        )
