# -*- test-case-name: zcons_twisted.test.test_client_inquiries -*-
"""
Tests for L{zcons_twisted.client.inquiries}.
"""

from __future__ import annotations

import errno
import json
import os
import socket
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.protocols.amp import AMP
from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client import connecting, inquiries
from zcons_twisted.client.connecting import Opener
from zcons_twisted.client.control import ANSWER_SECONDS
from zcons_twisted.client.inquiries import ASKED_AT_ONCE, STAY_SECONDS, Inquiry
from zcons_twisted.doors.commands import (
    Boot,
    Detach,
    Event,
    Halt,
    Refused,
    Reload,
    Restart,
    Shutdown,
    Status,
)
from zcons_twisted.rundir import RunDirectory

from .client_fakes import ClientReactor, connectedSocket, nobody
from .test_client_reports import status


class Door(AMP):
    """
    A control door that answers, and has nobody to detach.
    """

    problems: list[str] | None = None
    zoneState = "running"
    zoneLife: str | None = None

    @Reload.responder
    def reload(self) -> dict[str, Any]:
        """
        What came of it, or that nothing did.
        """
        if self.problems is None:
            raise Refused("f:1: no\nf:2: no")
        return {"message": "zones: 1 started", "problems": self.problems}

    @Status.responder
    def status(self) -> dict[str, Any]:
        """
        All about a zone.
        """
        return status(state=self.zoneState, life=self.zoneLife)

    @Boot.responder
    def boot(self, bootArguments: str | None) -> dict[str, str]:
        """
        It does.
        """
        return {"message": "zone booted"}

    @Shutdown.responder
    def shutdown(self, reboot: bool | None, bootArguments: str | None) -> Any:
        """
        It does, and boots again if that is wanted.
        """
        return {"message": "zone booted" if reboot else "zone halted"}

    @Halt.responder
    def halt(self) -> dict[str, str]:
        """
        It does.
        """
        return {"message": "zone halted"}

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
        self.answerAll()
        result: int = self.successResultOf(working)
        return result

    def answerAll(self) -> None:
        """
        Every door that is asked answers.
        """
        # More may be asked while the first answer.
        for transport in self.reactor.transports:
            answers = StringTransport()
            door = Door()
            door.makeConnection(answers)
            door.dataReceived(transport.value())
            transport.protocol.dataReceived(answers.value())

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

    def test_boot(self) -> None:
        """
        A zone that does not stay up when it was booted is an error; one that has done
        its work, or stays, is none.  So it is with one that was shut down for that.
        """
        orders: list[tuple[str, dict[str, Any]]]
        orders = [("boot", {}), ("shutdown", {"reboot": True})] * 3
        for state, life, code in (
            ("running", "process 7", 0),
            ("installed", "process 7 ended: exit status 0", 0),
            ("installed", "process 7 ended: exit status 42", 1),
            ("down", "boot failed: no such file", 1),
            ("down", "process 7 ended: exit status 0; next in 1 s", 0),
            ("down", "process 7 ended: exit status 3; started 2 times, next in 1 s", 1),
        ):
            self.setUp()
            self.patch(Door, "zoneState", state)
            self.patch(Door, "zoneLife", life)
            order, given = orders.pop(0)
            working = Deferred.fromCoroutine(self.inquiry().order(order, "z", given))
            self.answerAll()
            # It is not looked at before it had the time to fail.
            self.reactor.advance(STAY_SECONDS * 0.9)
            self.assertEqual(len(self.reactor.transports), 1)
            self.assertNoResult(working)
            self.reactor.advance(STAY_SECONDS * 0.1)
            del self.reactor.transports[0]
            self.answerAll()
            self.assertEqual(self.successResultOf(working), code)
            self.assertEqual(STAY_SECONDS, 0.5)
            self.assertEqual(self.shown, ["zone booted\n"])
            told = [f"but the zone did not stay up: {life}"] if code else []
            self.assertEqual(self.said, told)

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

    def test_statusAsJson(self) -> None:
        """
        For programs it is JSON, an object a zone; what can't be asked has its reason.
        """
        work = self.inquiry().status(["z", "y"], asJson=True)
        self.assertEqual(self.exit(work), 0)
        rows = json.loads(self.shown.pop())
        self.assertEqual([row["zone"] for row in rows], ["z", "y"])
        (row, _other) = rows
        self.assertEqual((row["state"], row["end"]), ("running", 36))
        self.assertEqual((row["operator"], row["watchers"]), (None, []))
        self.assertEqual((row["counters"], row["error"]), ({"output": 32}, None))
        self.reactor.transports.clear()
        work = self.inquiry(nobody).status(["z"], asJson=True)
        self.assertEqual(self.exit(work), 1)
        (row,) = json.loads(self.shown.pop())
        self.assertEqual(set(row), {"zone", "error"})
        self.assertIn("no server serves zone z", row["error"])
        self.assertEqual(self.said, [])

    def all(self, name: str, state: str, life: str | None) -> list[str]:
        """
        What is told when all zones are to do something, and each is so.
        """
        self.patch(Door, "zoneState", state)
        self.patch(Door, "zoneLife", life)
        self.reactor.transports.clear()
        self.shown.clear()
        work = self.inquiry().orderAll(name, ["y", "z"], {})
        self.assertEqual(self.exit(work), 0)
        return self.shown

    def test_all(self) -> None:
        """
        All zones that servers run can be halted, or booted: those that it concerns.
        """
        halted = ["y: zone halted\n", "z: zone halted\n"]
        booted = ["y: zone booted\n", "z: zone booted\n"]
        self.assertEqual(self.all("halt", "running", "process 7"), halted)
        self.assertEqual(self.all("halt", "down", "process 7 ended: x"), halted)
        self.assertEqual(self.all("halt", "installed", "process 7 ended: x"), [])
        self.assertEqual(self.all("halt", "running", None), [])
        self.assertEqual(self.all("boot", "installed", "not booted yet"), booted)
        self.assertEqual(self.all("boot", "running", "process 7"), [])
        self.assertEqual(self.said, [])

    def test_allButOne(self) -> None:
        """
        One that can't do it keeps no other; one whose server is dead is passed over,
        and one whose server does not answer is an error.
        """
        self.patch(Door, "zoneLife", "process 7")
        work = self.inquiry().orderAll("detach", ["y", "z"], {})
        self.assertEqual(self.exit(work), 1)
        told = ["y: nobody is attached", "z: nobody is attached"]
        self.assertEqual((self.shown, self.said), ([], told))
        self.reactor.transports.clear()
        for served in (False, True):
            self.said.clear()
            self.patch(inquiries, "isServed", lambda path, served=served: served)
            work = self.inquiry(nobody).orderAll("halt", ["y"], {})
            self.assertEqual(self.exit(work), int(served))
            self.assertEqual(len(self.said), int(served))

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
        what = ["running", "exec", "-", "0", "-"]
        self.assertEqual(
            [line.split() for line in self.shown[0].splitlines()[1:]],
            [["y", *what], ["z", *what]],
        )

    def test_listAsJson(self) -> None:
        """
        For programs it is JSON, an object a zone.
        """
        work = self.inquiry().list(["y", "z"], asJson=True)
        self.assertEqual(self.exit(work), 0)
        rows = json.loads(self.shown[0])
        self.assertEqual([row["zone"] for row in rows], ["y", "z"])
        self.assertEqual([row["error"] for row in rows], [None, None])

    def test_notAllAtOnce(self) -> None:
        """
        However many zones there are, only so many are asked at the same time.
        """
        zones = [f"z{n}" for n in range(ASKED_AT_ONCE + 9)]
        work = Deferred.fromCoroutine(self.inquiry().list(zones))
        self.assertEqual(len(self.reactor.transports), 64)
        self.answerAll()
        self.assertEqual(len(self.reactor.transports), 64 + 9)
        self.assertEqual(self.successResultOf(work), 0)

    def test_noAnswer(self) -> None:
        """
        Servers that do not answer are given up all at the same time, however many
        zones they have.
        """
        self.patch(inquiries, "isServed", lambda path: True)
        zones = [f"z{n}" for n in range(3 * ASKED_AT_ONCE)]
        work = Deferred.fromCoroutine(self.inquiry().list(zones))
        self.reactor.advance(ANSWER_SECONDS)
        self.assertEqual(self.successResultOf(work), 0)
        told = self.shown[0]
        self.assertEqual(told.count("did not answer within 10 s"), ASKED_AT_ONCE)
        self.assertEqual(told.count("was not asked: others took 10 s"), len(zones) - 64)

    def test_reload(self) -> None:
        """
        Each server is asked once, by one of its zones.
        """
        Door.problems = []
        self.assertEqual(self.exit(self.inquiry().reload(["y", "z"])), 0)
        self.assertEqual(self.shown, ["process 7: zones: 1 started\n"])
        self.assertEqual(self.said, [])

    def test_reloadProblems(self) -> None:
        """
        What could not be done is told a line each, and is a failure.
        """
        Door.problems = ["a", "b\x1b"]
        self.assertEqual(self.exit(self.inquiry().reload(["z"])), 1)
        self.assertEqual(self.said, ["process 7: a", "process 7: b\\x1b"])

    def test_reloadRefused(self) -> None:
        """
        So is a configuration that is wrong.
        """
        Door.problems = None
        self.assertEqual(self.exit(self.inquiry().reload(["z"])), 1)
        self.assertEqual(self.shown, [])
        self.assertEqual(self.said, ["process 7: f:1: no", "process 7: f:2: no"])

    def test_reloadNobody(self) -> None:
        """
        A server that is gone has nothing to reload; where it was asked for, that is a
        failure.
        """
        self.assertEqual(self.exit(self.inquiry(nobody).reload(["y", "z"])), 0)
        self.assertEqual(self.exit(self.inquiry(nobody).reload(["z"])), 1)
        self.assertIn("no server serves zone z", self.said[0])

    def test_listLeftBehind(self) -> None:
        """
        A socket that a dead server left is told of, and is no error.
        """
        self.assertEqual(self.exit(self.inquiry(nobody).list(["z"])), 0)
        self.assertIn("z     no server  -", self.shown[0])
        told = "dead servers have left sockets behind for z: start them again"
        self.assertIn(f"{told}, or remove ", self.said[0])

    def test_listOutlived(self) -> None:
        """
        So is that the zone runs on, which is no time to remove anything.
        """
        self.patch(connecting, "outlived", lambda *_: 7)

        def refused(path: str) -> None:
            raise OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))

        self.assertEqual(self.exit(self.inquiry(refused).list(["z"])), 0)
        self.assertIn("z     no server (runs on: process 7)  -", self.shown[0])
        told = "dead servers have left sockets behind for z: start them again"
        self.assertEqual(self.said, [told])

    def test_listWithoutControlDoor(self) -> None:
        """
        A server without a control door is not taken for dead.
        """
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(self.rundir.consoleSocket("z"))
            server.listen()
            self.assertEqual(self.exit(self.inquiry(nobody).list(["z"])), 0)
        self.assertIn("no control door", self.shown[0])
