# -*- test-case-name: zcons_twisted.test.test_client_attach_resume -*-
"""
Tests for L{zcons_twisted.client.attach}: a connection that is lost and comes back.
"""

from __future__ import annotations

import signal
from typing import Any

from twisted.internet.defer import Deferred

from zcons_twisted.client.attach import (
    Attachment,
)
from zcons_twisted.client.lasting import RESUME_SECONDS
from zcons_twisted.client.streams import HIGH_WATER
from zcons_twisted.client.user_side import AttachOptions, UserSide
from zcons_twisted.rundir import RunDirectory

from .attach_case import CONNECTED, AttachingCase
from .client_fakes import (
    connectedSocket,
    nobody,
    refuses,
    typed,
)


class ResumeTests(AttachingCase):
    """
    A connection that is lost is tried again.
    """

    def setUp(self) -> None:
        """
        Somebody at a console, from its offset 100 on.
        """
        super().setUp()
        self.offset = 100
        self.there = True

    def opener(self, path: str) -> Any:
        """
        Somebody, while there is.
        """
        return (connectedSocket if self.there else nobody)(path)

    def lose(self, **options: Any) -> None:
        """
        The server is killed.
        """
        self.seat(b"before", opener=self.opener, **options)
        self.there = False
        self.server.loseConnection()

    def back(self) -> None:
        """
        There is one again.
        """
        self.there = True
        self.number = len(self.reactor.transports)
        self.reactor.advance(2.0)

    def test_resumed(self) -> None:
        """
        It goes on where it was, and what was typed meanwhile is sent.
        """
        self.lose(disconnect=True)
        self.assertEqual(self.told, ["[Connection lost; trying again]"])
        self.type_(b"typed")
        self.reactor.advance(0.1)
        self.reactor.advance(0.2)
        self.assertTrue(self.terminal.raw)
        self.back()
        self.assertEqual(self.asked.start, ("offset", 106))
        self.assertEqual(self.asked.role, "operator")
        self.letIn(b" after")
        self.assertEqual(self.told[1:], ["[Connected again]"])
        self.assertEqual(typed(self.server.value()), b"typed")
        self.assertEqual(self.output.written, CONNECTED + b"before after")
        self.type_(b"\r~.")
        self.ends("left", "the client left")
        self.exited(0)

    def loseTyped(self, terminal: bool) -> None:
        """
        The server is killed before it has confirmed what was typed, and there is
        another.
        """
        if not terminal:
            self.terminal = None
        self.seat(opener=self.opener)
        self.type_(b"abc")
        self.there = False
        self.server.loseConnection()
        self.back()
        self.letIn()
        self.assertEqual(self.told[1], "[Connected again]")
        self.assertIn("3 bytes", self.told[2])
        self.type_(b"\r~.")
        self.ends("left", "the client left")

    def test_typedAndLost(self) -> None:
        """
        What was typed may be lost: people read that.
        """
        self.loseTyped(terminal=True)
        self.exited(0)

    def test_typedAndLostByScript(self) -> None:
        """
        A script knows by the exit status.
        """
        self.loseTyped(terminal=False)
        self.exited(3)
        self.assertEqual(len([line for line in self.said if "3 bytes" in line]), 0)

    def test_restarts(self) -> None:
        """
        A server that says that it restarts is not called lost; the next one that goes
        without a word is.
        """
        self.seat(opener=self.opener)
        self.ends("restarting", "the server restarts")
        self.assertEqual(self.told, ["[The server restarts; connecting again]"])
        self.back()
        self.letIn()
        self.server.loseConnection()
        self.assertEqual(
            self.told[1:], ["[Connected again]", "[Connection lost; trying again]"]
        )
        self.attachment.signalled(signal.SIGTERM)
        self.exited(143)

    def test_onTheTerminal(self) -> None:
        """
        Where standard error is the same terminal, it is told there.
        """
        self.told = None  # type: ignore[assignment]
        user = UserSide(self.input, self.output, None, self.said.append, True)
        attachment = Attachment(
            self.reactor,
            AttachOptions("z", RunDirectory("/run/x")),
            user,
            self.opener,
        )
        self.exit = Deferred.fromCoroutine(attachment.run())
        self.letIn()
        self.server.loseConnection()
        self.assertEqual(
            self.output.written,
            CONNECTED + b"\r\n[Connection lost; trying again]\r\n",
        )
        attachment.signalled(signal.SIGTERM)
        self.assertEqual(self.successResultOf(self.exit), 143)

    def test_quiet(self) -> None:
        """
        With C{-Q} nothing is told.
        """
        self.lose(quiet=True)
        self.assertEqual(self.told, [])
        self.type_(b"\r~.")
        self.exited(0)

    def test_left(self) -> None:
        """
        The way out works at once.
        """
        self.lose()
        self.type_(b"\r~.")
        self.exited(0)

    def test_signal(self) -> None:
        """
        So does a signal.
        """
        self.lose()
        self.attachment.signalled(signal.SIGTERM)
        self.exited(143)

    def test_paused(self) -> None:
        """
        A terminal that takes nothing is not forgotten, and its new size is told.
        """
        self.seat(opener=self.opener)
        self.output.room = 0
        self.prints(b"x" * HIGH_WATER)
        self.server.loseConnection()
        self.terminal.size = (50, 132)
        self.attachment.resized(signal.SIGWINCH)
        self.back()
        self.assertEqual((self.asked.rows, self.asked.columns), (50, 132))
        self.letIn()
        self.assertEqual(self.server.producerState, "paused")

    def test_pipeWaits(self) -> None:
        """
        A pipe is not read while there is no connection.
        """
        self.terminal = None
        self.lose()
        self.type_(b"x")
        self.assertEqual(self.reactor.readers, [])
        self.back()
        self.letIn()
        self.assertEqual(len(self.reactor.readers), 1)

    def test_gone(self) -> None:
        """
        It is not tried for ever.
        """
        self.lose()
        for _ in range(int(RESUME_SECONDS)):
            self.assertNoResult(self.exit)
            self.reactor.advance(1.0)
        (line,) = self.said
        self.assertTrue(line.startswith("the connection was lost for 60 s: no server"))
        self.exited(3)

    def test_taken(self) -> None:
        """
        Somebody else may have been faster.
        """
        self.lose(role="take")
        self.back()
        self.assertEqual(self.asked.role, "operator")
        self.server.protocol.dataReceived(refuses("busy", "no", 99))
        self.assertEqual(self.said, ["Console is already in use by process ID 99."])
        self.exited(3)
