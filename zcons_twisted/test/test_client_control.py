# -*- test-case-name: zcons_twisted.test.test_client_control -*-
"""
Tests for L{zcons_twisted.client.control}.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.protocols.amp import AMP
from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.control import ANSWER_SECONDS, ask
from zcons_twisted.client.errors import CommandError
from zcons_twisted.doors.commands import Boot, Event, Halt, Refused
from zcons_twisted.rundir import RunDirectory

from .client_fakes import ClientReactor, connectedSocket, nobody


class FakeDoor(AMP):
    """
    A control door that boots and refuses to halt.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict[str, Any]] = []

    @Boot.responder
    def boot(self, **arguments: Any) -> dict[str, str]:
        """
        It boots.
        """
        self.asked.append(arguments)
        return {"message": "zone booted"}

    @Halt.responder
    def halt(self) -> dict[str, str]:
        """
        It does not halt.
        """
        raise Refused("not \x1b[2J now")


class AskTests(SynchronousTestCase):
    """
    One command to one control door.
    """

    def setUp(self) -> None:
        """
        A run directory and a reactor.
        """
        self.rundir = RunDirectory(self.mktemp())
        os.makedirs(self.rundir.path)
        self.reactor = ClientReactor()

    def ask(
        self, command: Any, opener: Any = connectedSocket, **arguments: Any
    ) -> Deferred[dict[str, Any]]:
        """
        Ask zone z.
        """
        return Deferred.fromCoroutine(
            ask(self.reactor, self.rundir, "z", command, opener=opener, **arguments)
        )

    def answered(self, asking: Deferred[dict[str, Any]], door: AMP) -> None:
        """
        Let a door answer, and the answer come back.
        """
        (transport,) = self.reactor.transports
        answers = StringTransport()
        door.makeConnection(answers)
        door.dataReceived(transport.value())
        transport.protocol.dataReceived(answers.value())
        self.assertFalse(transport.connected)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def refusal(self, asking: Deferred[dict[str, Any]]) -> str:
        """
        What is told of a failure: one line.
        """
        text = str(self.failureResultOf(asking, CommandError).value)
        self.assertNotIn("\n", text)
        return text

    def test_answer(self) -> None:
        """
        The answer comes back, and the connection is closed.
        """
        asking = self.ask(Boot, bootArguments="-v")
        door = FakeDoor()
        self.answered(asking, door)
        self.assertEqual(self.successResultOf(asking), {"message": "zone booted"})
        self.assertEqual(door.asked, [{"bootArguments": "-v"}])

    def test_leftOut(self) -> None:
        """
        An argument that is not given is not sent.
        """
        door = FakeDoor()
        self.answered(self.ask(Boot, bootArguments=None), door)
        self.assertEqual(door.asked, [{"bootArguments": None}])

    def test_refused(self) -> None:
        """
        A refusal is told in the server's words, control characters escaped.
        """
        asking = self.ask(Halt)
        self.answered(asking, FakeDoor())
        self.assertEqual(self.refusal(asking), "not \\x1b[2J now")

    def test_unknown(self) -> None:
        """
        A server that does not know a command says so.
        """
        asking = self.ask(Event, name="halted")
        self.answered(asking, FakeDoor())
        self.assertIn("does not understand", self.refusal(asking))
        self.flushLoggedErrors()

    def test_tooLate(self) -> None:
        """
        The server has so long and no longer.
        """
        asking = self.ask(Halt)
        self.reactor.advance(ANSWER_SECONDS)
        self.assertIn("did not answer within 10 s", self.refusal(asking))
        self.assertTrue(self.reactor.transports[0].aborted)

    def test_closed(self) -> None:
        """
        A server that goes in the middle is told of.
        """
        asking = self.ask(Halt)
        self.reactor.transports[0].loseConnection()
        self.assertIn("without an answer", self.refusal(asking))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_noServer(self) -> None:
        """
        Where there is no server, we are told how to get one.
        """
        self.assertIn("no server serves zone z", self.refusal(self.ask(Halt, nobody)))

    def test_noControlDoor(self) -> None:
        """
        A server that has a console and no control door is told of as that.
        """
        with open(self.rundir.consoleSocket("z"), "w"):
            pass
        self.assertEqual(
            self.refusal(self.ask(Halt, nobody)),
            "the server of zone z has no control door",
        )
