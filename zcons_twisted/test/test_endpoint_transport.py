# -*- test-case-name: zcons_twisted.test.test_endpoint_transport -*-
"""
Tests for L{zcons_twisted.drivers.endpoint_transport}.
"""

from __future__ import annotations

from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IHandshakeListener, IPushProducer, ISSLTransport
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import alsoProvides
from zope.interface.verify import verifyObject

from ..drivers.endpoint_transport import (
    WRITE_MAX,
    ConsoleProtocol,
    OneConnection,
    TransportManager,
)
from ..errors import DeviceError
from ..interfaces import IManagerDevice
from ..testing import MemoryReceiver
from .endpoint_case import MemoryTransport


class TransportTestCase(SynchronousTestCase):
    """
    A protocol on a transport in memory.
    """

    def setUp(self) -> None:
        """
        It is not connected yet.
        """
        self.clock = Clock()
        self.receiver = MemoryReceiver()
        self.protocol = ConsoleProtocol()
        self.transport = MemoryTransport()
        self.transport.protocol = self.protocol


class ProtocolTests(TransportTestCase):
    """
    A connection on its way to be a device.
    """

    def test_interface(self) -> None:
        """
        It hears of the end of a TLS handshake.
        """
        verifyObject(IHandshakeListener, self.protocol)

    def test_oneConnection(self) -> None:
        """
        The factory makes it, and says nothing about it.
        """
        factory = OneConnection(self.protocol)
        self.assertIs(factory.buildProtocol(None), self.protocol)
        self.assertFalse(factory.noisy)

    def test_plain(self) -> None:
        """
        A plain connection is ready at once, and paused.
        """
        self.protocol.makeConnection(self.transport)
        self.assertIs(self.successResultOf(self.protocol.ready), None)
        self.assertEqual(self.transport.producerState, "paused")
        self.protocol.dataReceived(b"nobody reads it yet")

    def test_encrypted(self) -> None:
        """
        An encrypted one is ready when the other end is who it should be.
        """
        alsoProvides(self.transport, ISSLTransport)
        self.protocol.makeConnection(self.transport)
        self.assertNoResult(self.protocol.ready)
        self.assertEqual(self.transport.producerState, "producing")
        self.protocol.handshakeCompleted()
        self.assertIs(self.successResultOf(self.protocol.ready), None)
        self.assertEqual(self.transport.producerState, "paused")

    def test_lostEarly(self) -> None:
        """
        One that is lost before that is not.
        """
        alsoProvides(self.transport, ISSLTransport)
        self.protocol.makeConnection(self.transport)
        self.protocol.connectionLost(Failure(ConnectionLost()))
        self.failureResultOf(self.protocol.ready, ConnectionLost)

    def test_givenUp(self) -> None:
        """
        One that nobody waits for is closed, now or as soon as there is one.
        """
        self.protocol.giveUp()
        self.protocol.makeConnection(self.transport)
        self.assertTrue(self.transport.aborted)
        other = ConsoleProtocol()
        transport = MemoryTransport()
        transport.protocol = other
        other.makeConnection(transport)
        other.giveUp()
        self.assertTrue(transport.aborted)

    def test_leaveNothing(self) -> None:
        """
        There may be nothing to leave.
        """
        self.protocol.leave(self.clock)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class TransportManagerTests(TransportTestCase):
    """
    A console on any transport.
    """

    def setUp(self) -> None:
        """
        It is connected.
        """
        super().setUp()
        self.protocol.makeConnection(self.transport)
        self.device = TransportManager(self.clock, self.protocol, self.receiver)

    def test_interfaces(self) -> None:
        """
        It is a device, and a producer for the transport.
        """
        verifyObject(IManagerDevice, self.device)
        verifyObject(IPushProducer, self.device)
        self.assertIs(self.transport.producer, self.device)
        self.assertTrue(self.transport.streaming)

    def test_output(self) -> None:
        """
        What comes is told, and is held at the transport.
        """
        self.assertEqual(self.transport.producerState, "paused")
        self.device.resumeReading()
        self.assertEqual(self.transport.producerState, "producing")
        self.protocol.dataReceived(b"login: ")
        self.device.pauseReading()
        self.assertEqual(self.transport.producerState, "paused")
        self.assertEqual(self.receiver.printed, b"login: ")

    def test_input(self) -> None:
        """
        What is typed is taken until the transport's buffer is full, and no piece of it
        is longer than 16 KiB.
        """
        self.assertEqual(WRITE_MAX, 16384)
        pieces: list[bytes] = []

        def write(data: bytes) -> None:
            pieces.append(data)
            if len(pieces) == 3:
                self.device.pauseProducing()

        self.transport.write = write  # type: ignore[method-assign]
        typed = b"x" * 100_000
        self.assertEqual(self.device.writeNow(typed), 3 * 16384)
        self.assertEqual([len(piece) for piece in pieces], [16384] * 3)
        self.assertEqual(self.device.writeNow(typed), 0)
        self.device.wantWritable()
        self.device.resumeProducing()
        self.assertEqual(self.receiver.writables, 1)
        self.device.resumeProducing()
        self.assertEqual(self.receiver.writables, 1)
        self.assertEqual(self.device.writeNow(b"rest"), 4)

    def test_stopped(self) -> None:
        """
        A transport that wants nothing any more gets nothing.
        """
        self.device.stopProducing()
        self.assertEqual(self.device.writeNow(b"x"), 0)

    def test_lost(self) -> None:
        """
        Its end is told once.
        """
        self.transport.loseConnection()
        self.assertEqual(self.receiver.reasons, ["closed by the other side"])
        self.device.pauseReading()
        self.device.resumeReading()
        self.device.close()
        self.assertEqual(self.device.writeNow(b"x"), 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_close(self) -> None:
        """
        Closed, it tells nothing more.
        """
        self.device.close()
        self.device.close()
        self.assertFalse(self.transport.connected)
        self.assertIs(self.transport.producer, None)
        self.assertEqual(self.receiver.reasons, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_closeStuck(self) -> None:
        """
        An end that does not see it closed in two seconds is given up.
        """
        self.transport.loseConnection = lambda: None  # type: ignore[method-assign]
        self.device.close()
        self.assertFalse(self.transport.aborted)
        self.clock.advance(2)
        self.assertTrue(self.transport.aborted)

    def test_nothingElse(self) -> None:
        """
        It has neither a size nor a break.
        """
        self.device.setWindow(24, 80)
        self.assertRaises(DeviceError, self.device.sendBreak)
