# -*- test-case-name: zcons_twisted.test.test_client_inquiries -*-
"""
Tests for L{zcons_twisted.client.inquiries}.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.protocols.amp import AMP
from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.connecting import Opener
from zcons_twisted.client.inquiries import Inquiry
from zcons_twisted.doors.commands import Detach, Event, Refused, Restart, Status
from zcons_twisted.rundir import RunDirectory

from .client_fakes import ClientReactor, connectedSocket, nobody
from .test_client_reports import status


class Door(AMP):
    """
    A control door that answers, and has nobody to detach.
    """

    @Status.responder
    def status(self) -> dict[str, Any]:
        """
        All about a zone.
        """
        return status()

    @Event.responder
    def event(self, name: str, bootArguments: str | None) -> dict[str, str]:
        """
        An event.
        """
        return {"message": f"{name} {bootArguments}\x1b"}

    @Restart.responder
    def restart(self) -> dict[str, str]:
        """
        It does.
        """
        return {"message": "server restarts"}

    @Detach.responder
    def detach(self) -> dict[str, str]:
        """
        Nobody.
        """
        raise Refused("nobody is attached")


class InquiryTests(SynchronousTestCase):
    """
    Commands, their text and their exit status.
    """

    def setUp(self) -> None:
        """
        Someone who asks.
        """
        self.rundir = RunDirectory(self.mktemp())
        os.makedirs(self.rundir.path)
        self.reactor = ClientReactor()
        self.shown: list[str] = []
        self.said: list[str] = []

    def inquiry(self, opener: Opener = connectedSocket) -> Inquiry:
        """
        Someone who asks.
        """
        return Inquiry(
            self.reactor, self.rundir, self.shown.append, self.said.append, opener
        )

    def exit(self, work: Any) -> int:
        """
        The exit status, once every door that was asked has answered.
        """
        working = Deferred.fromCoroutine(work)
        for transport in self.reactor.transports:
            answers = StringTransport()
            door = Door()
            door.makeConnection(answers)
            door.dataReceived(transport.value())
            transport.protocol.dataReceived(answers.value())
        result: int = self.successResultOf(working)
        return result

    def test_order(self) -> None:
        """
        What is done is told in the server's words, control characters escaped.
        """
        given = {"name": "booting", "bootArguments": "-v"}
        self.assertEqual(self.exit(self.inquiry().order("event", "z", given)), 0)
        self.assertEqual(self.shown, ["booting -v\\x1b\n"])

    def test_refused(self) -> None:
        """
        What is refused is an error.
        """
        self.assertEqual(self.exit(self.inquiry().order("detach", "z", {})), 1)
        self.assertEqual((self.shown, self.said), ([], ["nobody is attached"]))

    def test_restart(self) -> None:
        """
        A server is restarted once, however many zones it has; a zone that can't be
        asked is an error.
        """
        self.assertEqual(self.exit(self.inquiry().restart(["y", "z"])), 0)
        self.assertEqual((self.shown, self.said), (["server restarts\n"], []))
        self.reactor.transports.clear()
        self.assertEqual(self.exit(self.inquiry(nobody).restart(["z"])), 1)
        self.assertIn("no server serves zone z", self.said[0])

    def test_status(self) -> None:
        """
        All zones that were asked for are shown, with a line between.
        """
        self.assertEqual(self.exit(self.inquiry().status(["z", "y"])), 0)
        (text,) = self.shown
        self.assertEqual(text.count("zone:"), 2)
        self.assertIn("\n\nzone:", text)

    def test_statusFails(self) -> None:
        """
        A zone that can't be asked is an error.
        """
        self.assertEqual(self.exit(self.inquiry(nobody).status(["z"])), 1)
        self.assertIn("no server serves zone z", self.said[0])

    def test_who(self) -> None:
        """
        Who is attached is shown under a heading, and a zone that can't be asked is an
        error.
        """
        self.assertEqual(self.exit(self.inquiry().who("z")), 0)
        self.assertTrue(self.shown[0].startswith("ROLE  PID"))
        self.reactor.transports.clear()
        self.assertEqual(self.exit(self.inquiry(nobody).who("z")), 1)
        self.assertIn("no server serves zone z", self.said[0])

    def test_list(self) -> None:
        """
        Each zone has a line.
        """
        self.assertEqual(self.exit(self.inquiry().list(["y", "z"])), 0)
        self.assertEqual(
            [line.split() for line in self.shown[0].splitlines()[1:]],
            [["y", "running", "-"], ["z", "running", "-"]],
        )

    def test_listLeftBehind(self) -> None:
        """
        A socket that a dead server left is told of, and is no error.
        """
        self.assertEqual(self.exit(self.inquiry(nobody).list(["z"])), 0)
        self.assertIn("its socket was left behind", self.shown[0])

    def test_listWithoutControlDoor(self) -> None:
        """
        A server without a control door is not taken for dead.
        """
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(self.rundir.consoleSocket("z"))
            server.listen()
            self.assertEqual(self.exit(self.inquiry(nobody).list(["z"])), 0)
        self.assertIn("no control door", self.shown[0])
