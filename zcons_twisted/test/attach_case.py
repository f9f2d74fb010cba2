# -*- test-case-name: zcons_twisted.test.test_client_attach -*-
"""
What the tests of C{zconsole attach} share.
"""

from __future__ import annotations

import errno
import os
import termios
from typing import Any

from twisted.internet.defer import Deferred
from twisted.protocols.amp import AMP
from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.attach import (
    Attachment,
)
from zcons_twisted.client.connecting import Opener
from zcons_twisted.client.escapes import LineCharacters
from zcons_twisted.client.user_side import AttachOptions, UserSide
from zcons_twisted.doors.commands import Status
from zcons_twisted.frames import Attach, parseAttach
from zcons_twisted.rundir import RunDirectory

from .client_fakes import (
    ClientReactor,
    FakeDescriptor,
    FakeTransport,
    accepts,
    connectedSocket,
    ends,
    prints,
)
from .test_client_reports import status

__all__ = ["CLOSED", "CONNECTED", "HALTED", "AttachingCase", "Door", "FakeTerminal"]

HALTED = b"\r\n[NOTICE: Zone halted.  Disconnecting...]\r\n"
CONNECTED = b"[Connected to zone 'z' console]\n"
CLOSED = b"\n[Connection to zone 'z' console closed]\n"


class FakeTerminal:
    """
    A terminal that keeps whether it is raw.
    """

    characters = LineCharacters()
    raw = False
    broken = False
    size = (30, 100)

    def makeRaw(self) -> None:
        """
        Raw from now on.
        """
        if self.broken:
            raise termios.error(errno.EIO, "Input/output error")
        self.raw = True

    def restore(self) -> None:
        """
        As it was.
        """
        self.raw = False


class Door(AMP):
    """
    A control door that remembers one session.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__()
        self.ended = {
            "pid": os.getpid(),
            "uid": 0,
            "at": 0.0,
            "reason": reason,
            "text": text,
        }

    @Status.responder
    def status(self) -> dict[str, Any]:
        """
        What it remembers.
        """
        return status(ended=[self.ended])


class AttachingCase(SynchronousTestCase):
    """
    What the tests below need.
    """

    def setUp(self) -> None:
        """
        A user, at a terminal.
        """
        self.reactor = ClientReactor()
        self.input = FakeDescriptor()
        self.output = FakeDescriptor()
        self.terminal: Any = FakeTerminal()
        self.said: list[str] = []
        self.told: list[str] = []
        self.shown = True
        self.number = 0
        self.offset = 0

    def begin(self, opener: Opener = connectedSocket, **options: Any) -> None:
        """
        Attach, as far as the greeting.
        """
        options.setdefault("command", b"~")
        user = UserSide(
            self.input,
            self.output,
            self.terminal,
            self.said.append,
            self.shown,
            self.told.append,
        )
        self.attachment = Attachment(
            self.reactor,
            AttachOptions("z", RunDirectory("/run/x"), **options),
            user,
            opener,
        )
        self.exit = Deferred.fromCoroutine(self.attachment.run())

    @property
    def server(self) -> FakeTransport:
        """
        The session's connection.
        """
        return self.reactor.transports[self.number]

    @property
    def asked(self) -> Attach:
        """
        What was asked for.
        """
        return parseAttach(self.server.value().partition(b"\n")[0])

    def seat(self, rest: bytes = b"", **options: Any) -> None:
        """
        Attach, and be seated.
        """
        self.begin(**options)
        self.letIn(rest)

    def letIn(self, rest: bytes = b"", **more: Any) -> None:
        """
        The server accepts.
        """
        self.server.clear()
        self.server.protocol.dataReceived(accepts(offset=self.offset, **more))
        self.prints(rest)

    def prints(self, data: bytes) -> None:
        """
        The zone prints something.
        """
        self.server.protocol.dataReceived(prints(data, self.offset))
        self.offset += len(data)

    def ends(self, reason: str, text: str) -> None:
        """
        The server says its last word.
        """
        self.server.protocol.dataReceived(ends(reason, text))

    def type_(self, *pieces: bytes | OSError) -> None:
        """
        Input comes.
        """
        self.input.incoming.extend(pieces)
        for _ in pieces:
            self.reactor.readers[0].doRead()

    def exited(self, code: int) -> None:
        """
        It is over, with everything put back and nothing left.
        """
        self.assertEqual(self.successResultOf(self.exit), code)
        if self.terminal is not None:
            self.assertFalse(self.terminal.raw)
        self.assertTrue(self.input.closed)
        self.assertEqual(self.reactor.readers, [])
        self.assertEqual(self.reactor.writers, [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        for transport in self.reactor.transports:
            self.assertFalse(transport.connected)
