# -*- test-case-name: zcons_twisted.test.test_endpoint_kept -*-
"""
Tests for L{zcons_twisted.drivers.endpoint}: connections that outlive the server, and
those that come when something is there.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Any, cast

from twisted.internet.address import UNIXAddress
from twisted.internet.error import ConnectionRefusedError
from zope.interface.verify import verifyObject

from ..arrivals import Arrivals
from ..drivers.endpoint import EndpointDriver
from ..drivers.endpoint_transport import TransportManager
from ..drivers.qmp_zone import QmpZone
from ..errors import DeviceError
from ..events import ZoneEvent, ZoneState
from ..interfaces import IConnectingDriver, IManagerDevice, IOutlivingDriver
from ..nexus.client import Nexus, NexusLost
from ..notices import UNKNOWN_TEXT
from ..testing import MemoryEvents, MemoryReceiver
from .direct_nexus import DirectNexus
from .endpoint_case import MemoryEndpoint
from .support import descriptorsInUse, shortDirectory
from .test_endpoint import EndpointTestCase

STOPPED = (ZoneEvent.DISCONNECTED, "the server stops")


class KeptTests(EndpointTestCase):
    """
    A connection outlives the driver, where there is a nexus.
    """

    def setUp(self) -> None:
        """
        There is a nexus, and nothing is connected yet.
        """
        super().setUp()
        self.nexus = DirectNexus(self)
        self.begin()

    def begin(self, past: bool = False, path: str = "") -> None:
        """
        A server begins with the zone.
        """
        self.nexus.nextServer()
        self.events = MemoryEvents()
        self.receiver = MemoryReceiver()
        self.driver = self.make(self.endpoint, past, path)
        self.successResultOf(self.driver.init())

    def make(self, endpoint: Any, past: bool = False, path: str = "") -> EndpointDriver:
        """
        A driver.
        """
        self.typed: list[bytes] = []
        driver = EndpointDriver(
            self.reactor, "z", endpoint, "unix:/console", self.events, path
        )
        driver.useNexus(cast(Nexus, self.nexus), self.typed.append)
        driver.prepare(Arrivals(self.reactor), past)
        return driver

    def leave(self, device: IManagerDevice) -> None:
        """
        The server stops, and leaves the zone as it is.
        """
        device.close()
        self.successResultOf(self.driver.leave(b""))

    def test_interfaces(self) -> None:
        """
        The driver says so.
        """
        verifyObject(IOutlivingDriver, self.driver)
        verifyObject(IConnectingDriver, self.driver)
        self.assertTrue(self.driver.outlives)
        self.assertEqual((self.driver.keeper, self.driver.resumed), (4242, False))
        other = EndpointDriver(self.reactor, "z", self.endpoint, "x", self.events)
        self.assertEqual((other.outlives, other.keeper), (False, 0))

    def test_left(self) -> None:
        """
        What one driver leaves the next one finds, with what was printed meanwhile;
        nothing has happened to the zone.
        """
        before = len(descriptorsInUse())
        self.leave(self.open())
        # The nexus has one, and this test the other end.
        self.assertEqual(len(os.listdir("/proc/self/fd")), before + 2)
        self.assertEqual(self.events.events, [])
        self.endpoint.end.send(b"meanwhile")
        self.begin(past=True)
        self.assertTrue(self.driver.resumed)
        device = self.open()
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"meanwhile")
        self.assertEqual((len(self.endpoint.ends), self.events.events), (1, []))
        self.assertEqual(self.driver.states.state(), ZoneState.RUNNING)
        device.close()
        self.assertEqual(self.successResultOf(self.driver.destroy()), (1, 1))
        self.assertEqual(self.endpoint.end.recv(1), b"")

    def test_killed(self) -> None:
        """
        So it is when one goes without a word.
        """
        device = self.open()
        self.assertEqual(self.nexus.held(), 1)
        device.close()
        # The end that it still has is closed with it.
        assert self.driver._end is not None
        self.driver._end.abortConnection()
        self.endpoint.end.send(b"meanwhile")
        self.begin(past=True)
        self.open()
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"meanwhile")

    def test_lastWords(self) -> None:
        """
        What was printed last is read, also if the other end has gone meanwhile; then it
        is connected to anew.
        """
        self.leave(self.open())
        self.endpoint.end.send(b"last words")
        self.endpoint.end.close()
        self.begin()
        self.open()
        self.reactor.settle()
        self.assertEqual(self.receiver.printed, b"last words")
        self.assertEqual(self.receiver.reasons, ["closed by the other side"])
        self.assertEqual(self.nexus.held(), 0)
        self.open()
        self.assertEqual((len(self.endpoint.ends), self.nexus.held()), (2, 1))

    def test_stopped(self) -> None:
        """
        A server that stops for good closes it, and says so; so does one that can't
        leave it.
        """
        self.open().close()
        self.assertRaises(BlockingIOError, self.endpoint.end.recv, 1)
        self.successResultOf(self.driver.destroy())
        self.assertEqual(self.endpoint.end.recv(1), b"")
        self.assertEqual((self.nexus.held(), self.nexus.ears), (0, {}))
        self.assertEqual(self.events.events, [STOPPED])
        self.successResultOf(self.driver.destroy())
        self.assertEqual(self.events.events, [STOPPED])
        self.begin()
        device = self.open()
        self.nexus.failures = {"Release": [NexusLost("gone")]}
        self.leave(device)
        self.assertEqual(self.events.events, [STOPPED])

    def test_nothingOpen(self) -> None:
        """
        Where nothing is connected nothing is left or told.
        """
        self.successResultOf(self.driver.leave(b""))
        self.begin()
        self.successResultOf(self.driver.destroy())
        self.assertEqual((self.nexus.held(), self.events.events), (0, []))

    def test_stoppedBeforeItOpens(self) -> None:
        """
        What was found is closed, too, if nobody has opened it.
        """
        self.leave(self.open())
        self.begin()
        self.successResultOf(self.driver.destroy())
        self.assertEqual(self.endpoint.end.recv(1), b"")
        self.assertEqual(self.events.events, [])

    def test_past(self) -> None:
        """
        A connection that is made anew does not follow on what is there already, which
        is told once.
        """
        self.begin(past=True)
        self.open()
        self.assertEqual(self.events.events, [(ZoneEvent.CONNECTED, UNKNOWN_TEXT)])
        self.events.events.clear()
        self.endpoint.end.close()
        self.reactor.settle()
        self.open()
        self.assertEqual(self.events.events[1:], [(ZoneEvent.CONNECTED, "")])

    def test_encrypted(self) -> None:
        """
        What only Twisted can read and write can't be kept: it is as without a nexus.
        """
        endpoint = MemoryEndpoint()
        self.driver = self.make(endpoint)
        device = self.open()
        self.assertIsInstance(device, TransportManager)
        self.assertFalse(self.driver.outlives)
        self.successResultOf(self.driver.destroy())
        self.assertEqual((self.nexus.held(), self.events.events), (0, [STOPPED]))

    def test_machine(self) -> None:
        """
        A machine whose console is found is heard all the time, and its address is as it
        was.
        """
        self.leave(self.open())
        self.begin(path="/console")
        zone = QmpZone(self.reactor, "z", self.events, 10.0)
        self.driver.watch(zone, MemoryEndpoint(), "/nowhere/qmp")
        self.open()
        self.assertTrue(zone._console._resumed)
        self.assertEqual(zone._chardev.peer, UNIXAddress(b"/console"))
        self.successResultOf(self.driver.leave(b""))
        self.assertIsNone(zone._client)


class ArrivalTests(EndpointTestCase):
    """
    A unix socket is connected to as soon as it is there.
    """

    def setUp(self) -> None:
        """
        It is not there yet, nor is QMP's.
        """
        super().setUp()
        self.directory = shortDirectory(self)
        self.path = os.path.join(self.directory, "console")
        self.qmp = MemoryEndpoint()
        self.qmp.failures = [ConnectionRefusedError(errno.ECONNREFUSED, "no")] * 3
        self.driver = EndpointDriver(
            self.reactor, "z", self.endpoint, "unix:x", self.events, self.path
        )
        self.zone = QmpZone(self.reactor, "z", self.events, 10.0)
        self.driver.watch(self.zone, self.qmp, os.path.join(self.directory, "qmp"))
        self.driver.prepare(Arrivals(self.reactor), False)
        self.addCleanup(self.driver.destroy)

    def absent(self) -> str:
        """
        Try to connect to it, in vain.

        @return: why.
        """
        return str(self.assertRaises(DeviceError, self.driver.open, self.receiver))

    def comes(self, name: str) -> None:
        """
        A socket is there.
        """
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(os.path.join(self.directory, name))
        self.reactor.settle()

    def test_near(self) -> None:
        """
        Such a socket may be tried often; others, further away, may not.
        """
        self.assertTrue(self.driver.near)
        other = EndpointDriver(self.reactor, "z", self.endpoint, "tcp:x", self.events)
        self.assertFalse(other.near)

    def test_absent(self) -> None:
        """
        While it is not there it is not even tried, which costs more than to look.
        """
        self.assertEqual(self.driver.whyNot(), "not connected yet")
        why = self.absent()
        self.assertEqual(why, "can't connect: No such file or directory")
        self.assertEqual((self.driver.whyNot(), self.endpoint.ends), (why, []))

    def test_comes(self) -> None:
        """
        When it comes, or QMP's does, the console and QEMU are tried at once; when it is
        connected, nobody waits any more.
        """
        self.absent()
        self.comes("other")
        self.assertEqual(self.receiver.availables, 0)
        self.comes("console")
        self.assertEqual(self.receiver.availables, 1)
        self.comes("qmp")
        self.assertEqual(self.receiver.availables, 2)
        self.open()
        os.unlink(self.path)
        self.comes("console")
        self.assertEqual(self.receiver.availables, 2)
        self.assertEqual(self.reactor.getReaders(), [self.driver._manager])

    def test_qemuComes(self) -> None:
        """
        When QEMU is there its console is tried at once.
        """
        self.qmp.failures = []
        self.absent()
        self.zone.qmpReady(7)
        self.assertEqual(self.receiver.availables, 1)

    def test_stopped(self) -> None:
        """
        A server that stops waits for nothing.
        """
        self.absent()
        self.successResultOf(self.driver.destroy())
        self.assertEqual(self.reactor.getReaders(), [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_nobodyTells(self) -> None:
        """
        A driver that is told of no files looks by itself.
        """
        driver = EndpointDriver(
            self.reactor, "z", self.endpoint, "unix:x", self.events, self.path
        )
        driver.openNow()
        self.assertRaises(DeviceError, driver.open, self.receiver)
        self.comes("console")
        device = self.successResultOf(driver.open(self.receiver))
        device.close()
        self.successResultOf(driver.destroy())
