# -*- test-case-name: zcons_twisted.test.test_control_commands -*-
"""
Tests for L{zcons_twisted.doors.control_protocol}: each command of the control door.
"""

from __future__ import annotations

import os
import pwd

from twisted.internet.defer import Deferred

from ..console import OnHalt
from ..doors.commands import Break, Detach, Event, Restart, Status
from ..events import EVENT_NAMES
from ..history import HISTORY_MIN
from ..sessions import EndReason
from .control_case import ControlTestCase
from .support import OURS


class StatusTests(ControlTestCase):
    """
    How a zone's console is can be asked.
    """

    def test_nobodyAttached(self) -> None:
        """
        The zone, its state, its device and the server are told.
        """
        self.reactor.advance(5)
        status = self.done(Status)
        counters = {each["name"]: each["value"] for each in status.pop("counters")}
        self.assertEqual(counters, {**dict(self.console.totals()), "opened": 1})
        self.assertEqual(
            status,
            {
                "zone": "z",
                "state": "running",
                "driver": "memory",
                "life": "process 1",
                "device": "/nowhere/zoneconsole",
                "deviceState": "open",
                "onHalt": "stay",
                "serverPid": os.getpid(),
                "nexusPid": None,
                "since": 0.0,
                "operator": [],
                "watchers": [],
                "printedAt": None,
                "oldest": 0,
                "end": 0,
                "historyProblem": None,
                "birth": self.console.history.birth,
                "boot": 0,
                "bootEnd": 0,
                "ended": [],
            },
        )

    def test_printed(self) -> None:
        """
        When the zone printed something last is told.
        """
        self.reactor.advance(5)
        self.device.zonePrints(b"x")
        self.reactor.advance(5)
        self.assertEqual(self.done(Status)["printedAt"], 5.0)

    def test_operator(self) -> None:
        """
        The operator is told with its real pid and user, its own words as a remark, and
        since when it is there.
        """
        self.reactor.advance(5)
        self.attach(b"IDENT 4711 de_DE.UTF-8 0")
        (operator,) = self.done(Status)["operator"]
        self.assertEqual(
            operator,
            {
                "pid": os.getpid(),
                "uid": os.geteuid(),
                "user": pwd.getpwuid(os.geteuid()).pw_name,
                "since": 5.0,
                "locale": "de_DE.UTF-8",
                "toldPid": 4711,
                "halfClosed": False,
                "stalled": False,
            },
        )

    def test_operatorThatToldNothing(self) -> None:
        """
        A dialect without a pid tells none.
        """
        self.attach(b"IDENT C 1")
        (operator,) = self.done(Status)["operator"]
        self.assertIsNone(operator.get("toldPid"))

    def test_unnamedUser(self) -> None:
        """
        A user that has no name is told by number.
        """
        self.attach(who=type(OURS)(9, 4_000_000_000, 0))
        (operator,) = self.done(Status)["operator"]
        self.assertEqual(
            (operator["pid"], operator["uid"], operator["user"]),
            (9, 4_000_000_000, "4000000000"),
        )

    def test_stalled(self) -> None:
        """
        An operator that does not read is told as such.
        """
        _, link = self.attach()
        link.room = 0
        self.device.zonePrints(b"abc")
        self.reactor.advance(1)
        (operator,) = self.done(Status)["operator"]
        self.assertEqual((operator["stalled"], operator["halfClosed"]), (True, False))

    def test_halfClosed(self) -> None:
        """
        A session that has closed its sending side is told among the watchers; it
        paces nothing and so is not stalled.
        """
        session, link = self.attach()
        session.halfClosed()
        link.room = 0
        self.device.zonePrints(b"abc")
        self.reactor.advance(1)
        status = self.done(Status)
        (watcher,) = status["watchers"]
        self.assertEqual((watcher["stalled"], watcher["halfClosed"]), (False, True))
        self.assertEqual(status["operator"], [])

    def test_history(self) -> None:
        """
        How much was printed and how much of it is kept is told, with what sessions
        have missed so far.
        """
        session, link = self.attach()
        link.room = 0
        self.device.zonePrints(b"missed")
        self.reactor.advance(1)
        self.device.zonePrints(b"x" * HISTORY_MIN)
        link.take(1, session.writable)
        status = self.done(Status)
        self.assertEqual((status["oldest"], status["end"]), (6, 6 + HISTORY_MIN))
        self.assertIn({"name": "skipped", "value": 6}, status["counters"])
        self.assertIn({"name": "output", "value": 6 + HISTORY_MIN}, status["counters"])

    def test_ended(self) -> None:
        """
        The sessions that ended are told with their reasons, the newest last.
        """
        for text in ("first", "second"):
            session, _ = self.attach()
            self.console.gone(session, EndReason.LEFT, text)
        ended = self.done(Status)["ended"]
        self.assertEqual([each.pop("text") for each in ended], ["first", "second"])
        self.assertEqual(
            ended[0],
            {
                **{"pid": OURS.pid, "uid": OURS.uid, "at": 0.0, "reason": "left"},
                "role": "operator",
            },
        )

    def test_deviceLost(self) -> None:
        """
        A device that is not open is told with the reason.
        """
        self.device.fail("hung up")
        peer = self.connect()
        self.ask(peer, Status)
        status = self.answer(peer, Status)
        self.assertEqual(status["deviceState"], "hung up; trying again")

    def test_unknownState(self) -> None:
        """
        A state that can't be told is told as unknown.
        """
        self.states.current = None
        self.console.onHalt = OnHalt.EXIT
        status = self.done(Status)
        self.assertEqual((status["state"], status["onHalt"]), ("unknown", "exit"))
        self.flushLoggedErrors(OSError)

    def test_leftMeanwhile(self) -> None:
        """
        An operator that leaves while its name is looked up is not told.
        """
        found: Deferred[dict[int, str]] = Deferred()
        self.door.userNames = lambda uids: found
        session, _ = self.attach()
        peer = self.connect()
        self.ask(peer, Status)
        self.console.gone(session, EndReason.LEFT, "the client left")
        found.callback({})
        self.assertEqual(self.answer(peer, Status)["operator"], [])

    def test_cameMeanwhile(self) -> None:
        """
        One that comes while names are looked up is told by number.
        """
        found: Deferred[dict[int, str]] = Deferred()
        self.door.userNames = lambda uids: found
        peer = self.connect()
        self.ask(peer, Status)
        self.attach()
        found.callback({})
        (operator,) = self.answer(peer, Status)["operator"]
        self.assertEqual(operator["user"], str(os.geteuid()))


class EventTests(ControlTestCase):
    """
    Zone events can be posted.
    """

    def test_everyEvent(self) -> None:
        """
        Each event is told to the operator under its name.
        """
        for name in EVENT_NAMES:
            session, link = self.attach()
            self.assertEqual(
                self.done(Event, name=name), {"message": f"event '{name}' posted"}
            )
            self.assertNotEqual(link.received, b"", name)
            self.console.gone(session, EndReason.LEFT, "the client left")
        self.assertEqual(self.console.counters.events, len(EVENT_NAMES))

    def test_bootArguments(self) -> None:
        """
        Boot arguments are told with the event.
        """
        _, link = self.attach()
        self.done(Event, name="booting", bootArguments="-s")
        self.assertEqual(
            link.received, b"\r\n[NOTICE: Zone booting up with arguments: -s]\r\n"
        )

    def test_unknown(self) -> None:
        """
        An event that there is not is refused, with those that there are.
        """
        self.assertEqual(
            self.refused(Event, name="exploded\n"),
            "there is no event 'exploded\\n': choose one of booting, readied, halted,"
            " rebooting, uninstalling, boot-failed, bad-args",
        )

    def test_tooLong(self) -> None:
        """
        Arguments that are too long are refused and nothing is posted.
        """
        self.assertIn(
            "too long", self.refused(Event, name="booting", bootArguments="x" * 256)
        )
        self.assertEqual(self.console.counters.events, 0)

    def test_dying(self) -> None:
        """
        A console in its death throes is told nothing any more.
        """
        self.console.dying = True
        self.assertEqual(
            self.refused(Event, name="booting"),
            "the server of zone 'z' ends: start it again",
        )

    def test_lastEvent(self) -> None:
        """
        An event that ends the console is answered all the same.
        """
        self.console.onHalt = OnHalt.EXIT
        self.assertEqual(
            self.done(Event, name="halted"), {"message": "event 'halted' posted"}
        )
        self.assertEqual(self.deaths, 1)


class RestartTests(ControlTestCase):
    """
    A server that can may be restarted.
    """

    def test_restart(self) -> None:
        """
        It is told so, and then it does.
        """
        asked: list[float] = []
        self.door.restart = lambda: asked.append(self.reactor.seconds())
        answer = self.done(Restart)
        self.assertEqual(
            answer, {"message": f"server restarts (process {os.getpid()})"}
        )
        self.reactor.settle()
        self.assertEqual(len(asked), 1)

    def test_cant(self) -> None:
        """
        One whose zones would go with it is not.
        """
        self.assertIn("would end the zones of this server", self.refused(Restart))

    def test_dying(self) -> None:
        """
        Nor is one that ends anyhow.
        """
        self.door.restart = self.fail
        self.console.dying = True
        self.assertIn("ends: start it again", self.refused(Restart))


class BreakTests(ControlTestCase):
    """
    A break can be sent, by whoever may control the zone.
    """

    def test_sent(self) -> None:
        """
        On a line that has breaks.
        """
        self.device.breaks = 0
        self.assertEqual(self.done(Break), {"message": "break sent"})
        self.assertEqual(self.device.breaks, 1)

    def test_refused(self) -> None:
        """
        Not on others, nor where the device is not open.
        """
        self.assertEqual(self.refused(Break), "a device in memory has no break")
        self.device.fail()
        self.assertEqual(self.refused(Break), "the device is not open")


class DetachTests(ControlTestCase):
    """
    The operator's session can be ended.
    """

    def test_detach(self) -> None:
        """
        The operator is detached, and by whom is remembered.
        """
        _, link = self.attach()
        self.assertEqual(self.done(Detach), {"message": f"{OURS} detached"})
        self.assertTrue(link.closed)
        (ended,) = self.console.ended
        self.assertEqual(
            (ended.reason, ended.text), (EndReason.DETACHED, f"detached by {OURS}")
        )

    def test_nobody(self) -> None:
        """
        Where nobody has the operator's seat that is refused.
        """
        self.assertEqual(self.refused(Detach), "zone 'z' has no operator")

    def test_null(self) -> None:
        """
        The null event is not for outside.
        """
        self.assertIn("there is no event 'null'", self.refused(Event, name="null"))
