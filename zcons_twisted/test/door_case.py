# -*- test-case-name: zcons_twisted.test.test_console_socket -*-
"""
A console and its console socket, for the tests of what peers get.
"""

from __future__ import annotations

import os
import socket

from ..credentials import Admission
from ..doors.console_socket import ConsoleSocket
from ..handshakes import PendingHandshakes
from .console_case import ConsoleTestCase
from .support import shortDirectory


class DoorTestCase(ConsoleTestCase):
    """
    A console socket that peers connect to.
    """

    def setUp(self) -> None:
        """
        The door listens.
        """
        super().setUp()
        self.handshakes = PendingHandshakes(self.reactor, perUser=3)
        self.door = self.makeDoor(Admission.ours())
        self.path = os.path.join(shortDirectory(self), "z.console_sock")
        self.door.start(self.path)
        self.addCleanup(self.reactor.settle)
        self.addCleanup(self.door.stop, "the test is over")

    def makeDoor(self, admission: Admission) -> ConsoleSocket:
        """
        A console socket that does not listen yet.
        """
        return ConsoleSocket(self.reactor, self.console, admission, self.handshakes)

    def connect(self, data: bytes = b"") -> socket.socket:
        """
        A peer connects, and perhaps says something.
        """
        peer = socket.socket(socket.AF_UNIX)
        self.addCleanup(peer.close)
        peer.connect(self.path)
        peer.setblocking(False)
        peer.send(data)
        self.reactor.settle()
        return peer

    def seat(self, line: bytes = b"IDENT 7 C 0\n") -> socket.socket:
        """
        A peer connects and is seated.
        """
        peer = self.connect(line)
        self.assertEqual(self.got(peer), b"OK\n")
        return peer

    def got(self, peer: socket.socket) -> bytes | None:
        """
        @return: what a peer has got, L{None} for an end and nothing before it.
        """
        self.reactor.settle()
        try:
            return peer.recv(1 << 20) or None
        except BlockingIOError:
            return b""

    def say(self, peer: socket.socket, data: bytes) -> None:
        """
        A peer sends something.
        """
        peer.send(data)
        self.reactor.settle()
