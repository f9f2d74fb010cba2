# -*- test-case-name: zcons_twisted.test.test_control_socket -*-
"""
A console and its control socket, for the tests of what can be asked there.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from twisted.protocols.amp import Command, parseString

from ..credentials import Admission
from ..doors.commands import Refused
from ..doors.control_socket import ControlSocket
from ..testing import MemoryLife
from .console_case import ConsoleTestCase
from .support import shortDirectory


class ControlTestCase(ConsoleTestCase):
    """
    A control socket of a zone that the server runs.
    """

    def setUp(self) -> None:
        """
        The door listens.
        """
        super().setUp()
        self.life = MemoryLife()
        self.driver.life = self.life
        self.door = ControlSocket(
            self.reactor, self.console, self.driver, self.laps, Admission.ours()
        )
        self.path = os.path.join(shortDirectory(self), "z.control_sock")
        self.door.start(self.path)
        self.addCleanup(self.reactor.settle)
        self.addCleanup(self.door.stop)

    def connect(self) -> socket.socket:
        """
        Somebody connects.
        """
        peer = socket.socket(socket.AF_UNIX)
        self.addCleanup(peer.close)
        peer.connect(self.path)
        peer.setblocking(False)
        self.reactor.settle()
        return peer

    def ask(self, peer: socket.socket, command: type[Command], **given: Any) -> None:
        """
        Send a command.
        """
        box = command.makeArguments(given, None)
        box[b"_ask"] = b"1"
        box[b"_command"] = command.commandName
        peer.sendall(box.serialize())
        self.reactor.settle()

    def answer(self, peer: socket.socket, command: type[Command]) -> dict[str, Any]:
        """
        @return: the answer to the only command that is under way.
        @raise Refused: it was refused.
        """
        self.reactor.settle()
        (box,) = parseString(peer.recv(1 << 20))
        if b"_error" in box:
            self.assertEqual(box[b"_error_code"], b"REFUSED")
            raise Refused(box[b"_error_description"].decode())
        found: dict[str, Any] = command.parseResponse(box, None)
        return found

    def done(self, command: type[Command], **given: Any) -> dict[str, Any]:
        """
        Connect, have something done, and go.

        @return: the answer.
        """
        peer = self.connect()
        self.ask(peer, command, **given)
        answer = self.answer(peer, command)
        peer.close()
        self.reactor.settle()
        return answer

    def refused(self, command: type[Command], **given: Any) -> str:
        """
        @return: why something is refused.
        """
        return str(self.assertRaises(Refused, self.done, command, **given))

    def gone(self, peer: socket.socket) -> bool:
        """
        @return: whether a connection has been closed by the door.
        """
        self.reactor.settle()
        try:
            return peer.recv(1) == b""
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
