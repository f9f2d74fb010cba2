# -*- test-case-name: zcons_twisted.test.test_endpoint_ends -*-
"""
Tests for L{zcons_twisted.drivers.endpoint_ends}.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from twisted.internet import unix
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory
from twisted.internet.tcp import Server
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from ..drivers.endpoint_ends import (
    DEAD_SECONDS,
    OurEnd,
    foundEnd,
    lookAfterPeer,
    ourEnd,
)
from ..drivers.endpoint_transport import ConsoleProtocol
from ..drivers.serial_line import LineSettings, SerialTransport, openLine
from ..testing import FakeReactor
from .support import descriptorsInUse


class EndTests(SynchronousTestCase):
    """
    Our end of a connection is a descriptor.
    """

    def setUp(self) -> None:
        """
        There is a connection.
        """
        self.reactor = FakeReactor()
        self.ours, self.theirs = socket.socketpair()
        for each in (self.ours, self.theirs):
            each.setblocking(False)
            self.addCleanup(each.close)

    def taken(self) -> OurEnd:
        """
        Taken from its transport.
        """
        made: list[ConsoleProtocol] = []

        class Making(Factory):
            noisy = False

            def buildProtocol(self, addr: object) -> Any:
                made.append(ConsoleProtocol())
                return made[0]

        unix.Server._fromConnectedSocket(self.ours.fileno(), Making(), self.reactor)
        self.ours.close()
        end = ourEnd(made[0].transport)
        assert end is not None
        return end

    def test_taken(self) -> None:
        """
        It goes on without its transport, and the other end notices nothing.
        """
        before = len(descriptorsInUse())
        end = self.taken()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
        self.assertEqual(self.reactor.getReaders(), [])
        self.theirs.send(b"hello")
        self.assertEqual(os.read(end.fileno(), 100), b"hello")
        self.assertIsInstance(end.getPeer(), UNIXAddress)
        self.assertIsNone(end.sendBreak)
        end.abortConnection()
        self.assertEqual(self.theirs.recv(1), b"")
        end.abortConnection()
        self.assertEqual(end.fileno(), -1)

    def test_left(self) -> None:
        """
        Left, it is closed for us, and not for whoever has it, too.
        """
        end = self.taken()
        other = os.dup(end.fileno())
        end.leave()
        self.assertRaises(BlockingIOError, self.theirs.recv, 1)
        os.close(other)
        self.assertEqual(self.theirs.recv(1), b"")

    def test_others(self) -> None:
        """
        A transport that only Twisted can read and write is left as it is, for example
        an encrypted one.
        """
        self.assertIsNone(ourEnd(StringTransport()))
        encrypted = unix.Server._fromConnectedSocket(
            self.ours.fileno(), MemoryFactory(), self.reactor
        )
        encrypted.TLS = True
        self.assertIsNone(ourEnd(encrypted))
        encrypted.TLS = False
        encrypted.connectionLost(Failure(ConnectionDone()))

    def test_found(self) -> None:
        """
        One that an earlier server made is as good, and its address is found.
        """
        self.theirs.send(b"hello")
        self.ours.setblocking(True)
        end = foundEnd(self.reactor, self.ours.detach(), "/run/x")
        self.assertFalse(os.get_blocking(end.fileno()))
        self.assertEqual(os.read(end.fileno(), 100), b"hello")
        self.assertEqual(end.getPeer(), UNIXAddress(b"/run/x"))
        end.abortConnection()

    def test_foundAddresses(self) -> None:
        """
        That of a TCP peer is its own; one that has gone has none.
        """
        for host, kind in (("127.0.0.1", IPv4Address), ("::1", IPv6Address)):
            family = socket.AF_INET if kind is IPv4Address else socket.AF_INET6
            with socket.create_server((host, 0), family=family) as listening:
                ours = socket.create_connection(listening.getsockname()[:2])
                port = listening.getsockname()[1]
                end = foundEnd(self.reactor, ours.detach(), "")
            peer: Any = end.getPeer()
            self.assertEqual((type(peer), peer.host, peer.port), (kind, host, port))
            end.abortConnection()
        with socket.socket() as unconnected:
            end = foundEnd(self.reactor, unconnected.detach(), "")
        self.assertIsNone(end.getPeer())
        end.abortConnection()
        end = foundEnd(self.reactor, self.ours.detach(), "")
        self.assertIsNone(end.getPeer())
        end.abortConnection()

    def test_line(self) -> None:
        """
        A serial line is its own transport, paused, with breaks.
        """
        machine, subsidiary = os.openpty()
        for fd in (machine, subsidiary):
            self.addCleanup(os.close, fd)
        fd = openLine(os.ttyname(subsidiary), LineSettings())
        end = foundEnd(self.reactor, fd, "")
        self.assertIsInstance(end, SerialTransport)
        self.assertIs(ourEnd(end), end)
        self.assertEqual(self.reactor.getReaders(), [])
        self.assertIsNotNone(end.sendBreak)
        end.abortConnection()


class PeerTests(SynchronousTestCase):
    """
    A peer that vanishes says nothing.
    """

    def setUp(self) -> None:
        """
        Nothing is connected yet.
        """
        self.reactor = FakeReactor()

    def test_peer(self) -> None:
        """
        A TCP peer that vanishes is noticed within two minutes, whether something is on
        its way or not, and what is typed is sent at once.
        """
        self.assertEqual(DEAD_SECONDS, 120)
        listening = socket.create_server(("127.0.0.1", 0))
        ours = socket.create_connection(listening.getsockname())
        for each in (listening, ours):
            self.addCleanup(each.close)
        transport = Server._fromConnectedSocket(
            ours.fileno(), socket.AF_INET, MemoryFactory(), self.reactor
        )
        lookAfterPeer(transport)
        asked = (
            socket.TCP_NODELAY,
            socket.TCP_KEEPIDLE,
            socket.TCP_KEEPINTVL,
            socket.TCP_KEEPCNT,
            socket.TCP_USER_TIMEOUT,
        )
        found = [ours.getsockopt(socket.IPPROTO_TCP, each) for each in asked]
        self.assertEqual(found, [1, 60, 15, 4, 120_000])
        self.assertTrue(ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        transport.connectionLost(Failure(ConnectionDone()))

    def test_noPeer(self) -> None:
        """
        Other transports are left as they are.
        """
        lookAfterPeer(StringTransport())


class MemoryFactory:
    """
    Makes protocols that do nothing.
    """

    def buildProtocol(self, addr: object) -> object:
        """
        See L{IProtocolFactory<twisted.internet.interfaces.IProtocolFactory>}.
        """
        return Nothing()


class Nothing:
    """
    A protocol that does nothing.
    """

    def makeConnection(self, transport: object) -> None:
        """
        See L{IProtocol<twisted.internet.interfaces.IProtocol>}.
        """

    def connectionLost(self, reason: object) -> None:
        """
        See L{IProtocol<twisted.internet.interfaces.IProtocol>}.
        """
