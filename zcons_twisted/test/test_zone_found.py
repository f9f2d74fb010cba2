# -*- test-case-name: zcons_twisted.test.test_zone_found -*-
"""
Tests for L{zcons_twisted.drivers.zone_process}: a zone that an earlier server ran.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from ..drivers.spawning import ProcessEars, endOf
from ..drivers.zone_process import ZoneProcess
from ..events import ZoneState
from ..nexus.client import ASK_TRIES, Unanswered
from .zone_case import ZoneTestCase

PID = 2**22 + 77


def factsOf(**facts: Any) -> dict[str, Any]:
    """
    What is known of the process, as far as nothing else is said.
    """
    known = {"pid": PID, "arguments": "", "started": 0.0, "began": False}
    return {**known, "why": "", "ended": False, "reaped": False, **facts}


class FakeSpawner:
    """
    Starts nothing, and remembers what it is asked.

    @ivar notes: what was noted, in order.
    @ivar spawned: set it, and starting takes until it fires.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.started: list[tuple[str, ...]] = []
        self.spawned: Deferred[dict[str, Any]] | None = None
        self.resumed: list[int] = []
        self._facts: Mapping[str, Any] = {}
        self._ears: ProcessEars | None = None

    async def spawn(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        arguments: str,
        ears: ProcessEars,
    ) -> dict[str, Any]:
        """
        Start nothing.
        """
        self.started.append((*command, arguments))
        facts = factsOf() if self.spawned is None else await self.spawned
        self._facts, self._ears = facts, ears
        return facts

    def resume(self, facts: Mapping[str, Any], ears: ProcessEars) -> None:
        """
        Somebody listens.
        """
        self.resumed.append(facts["pid"])
        self._facts = facts
        self._ears = ears

    def foundEnded(self) -> None:
        """
        Tell of the end that was found.
        """
        assert self._ears is not None
        self._ears.ended(endOf(self._facts.get("code"), self._facts.get("signal")))

    def note(self, text: str) -> None:
        """
        Remember it.
        """
        self.notes.append(text)


class FoundTestCase(ZoneTestCase):
    """
    A zone of which an earlier server has left a process.
    """

    def setUp(self) -> None:
        """
        Nothing has been found yet.
        """
        super().setUp()
        self.spawner = FakeSpawner()

    def found(
        self, note: str = "", respawn: str = "never", **facts: Any
    ) -> ZoneProcess:
        """
        Find the process so.
        """
        self.zone = self.make(respawn)
        self.zone.spawner = self.spawner
        self.zone.found(factsOf(**{"began": True, **facts}), note)
        return self.zone


class RunningTests(FoundTestCase):
    """
    A process that runs goes on.
    """

    def test_nothing(self) -> None:
        """
        Where nothing was started there is nothing to go on with.
        """
        self.zone.found({}, "")
        self.assertFalse(self.zone.resumed)
        self.assertIs(self.zone.state(), ZoneState.INSTALLED)

    def test_runs(self) -> None:
        """
        It runs, as C{status} says, and nothing is posted.
        """
        zone = self.found()
        self.settle()
        self.assertTrue(zone.resumed)
        self.assertIs(zone.state(), ZoneState.RUNNING)
        self.assertRegex(zone.account, f"^process {PID}, found running since 19")
        self.assertEqual(self.successResultOf(zone.boot()), "zone is already booted")
        self.assertEqual((self.told(), self.spawner.started), ([], []))
        self.assertEqual(self.spawner.resumed, [PID])

    def test_begins(self) -> None:
        """
        One that had not begun yet may still do so.
        """
        zone = self.found(began=False)
        self.assertIs(zone.state(), ZoneState.READY)
        zone.began()
        self.assertIs(zone.state(), ZoneState.RUNNING)
        self.settle()

    def test_didNotBegin(self) -> None:
        """
        One that could not begin, as was not known before, fails to boot now.
        """
        zone = self.found(why="no such thing", ended=True, code=127)
        self.settle()
        self.assertEqual(self.told(), [("BOOT_FAILED", "no such thing")])
        self.assertEqual(zone.account, "boot failed: no such thing")
        self.assertDown()

    def test_ended(self) -> None:
        """
        One that has ended meanwhile has halted, a turn later, and how is told.
        """
        ends: tuple[tuple[dict[str, Any], str], ...] = (
            ({"code": 3}, "exit status 3"),
            ({"code": 0}, "exit status 0"),
            ({"signal": 9}, "signal 9"),
            ({}, "exit status unknown"),
        )
        for how, text in ends:
            zone = self.found(ended=True, **how)
            self.assertEqual(self.told(), [])
            self.settle()
            self.assertEqual(self.told(), [("HALTED", text)])
            self.assertEqual(zone.account, f"process {PID} ended: {text}")
            self.assertDown()

    def test_endedAgain(self) -> None:
        """
        One that is to be started again then is.
        """
        self.found(respawn="on-failure", ended=True, signal=9)
        self.settle()
        self.assertEqual(self.told(), [("REBOOTING", "")])
        self.reactor.advance(1)
        self.assertEqual(self.spawner.started, [("sleep", "9", "")])

    def test_halting(self) -> None:
        """
        A halt that the earlier server had begun is carried through.
        """
        self.sessions.left[PID] = [PID]
        zone = self.found("halt")
        self.settle()
        self.assertIs(zone.state(), ZoneState.SHUTTING_DOWN)
        self.sessions.left.clear()
        zone.ended(endOf(None, 15))
        self.settle()
        self.assertEqual(self.told(), [("HALTED", "")])

    def test_leave(self) -> None:
        """
        A zone that is left is left as it is.
        """
        zone = self.found("halt")
        self.settle()
        zone.leave()
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class DownTests(FoundTestCase):
    """
    A zone whose end an earlier server had taken note of.
    """

    def test_halted(self) -> None:
        """
        One that was halted stays so, whatever the policy.
        """
        for respawn in ("never", "always"):
            zone = self.found("halt", respawn, ended=True, reaped=True, code=0)
            self.settle()
            self.assertTrue(zone.resumed)
            self.assertEqual(zone.account, f"process {PID} ended: exit status 0")
            self.assertDown()
        self.assertEqual((self.told(), self.spawner.started), ([], []))

    def test_waiting(self) -> None:
        """
        One that was to be started again is.
        """
        for note, respawn in (
            ("respawn", "always"),
            ("reboot", "never"),
            ("rebooted", "never"),
        ):
            self.spawner.started.clear()
            zone = self.found(note, respawn, ended=True, reaped=True, signal=9)
            self.assertIs(zone.state(), ZoneState.DOWN)
            self.settle()
            self.assertEqual(self.spawner.started, [("sleep", "9", "")])


class SpawningTests(FoundTestCase):
    """
    Starting a process may take its time.
    """

    def setUp(self) -> None:
        """
        The zone boots.
        """
        super().setUp()
        self.zone.spawner = self.spawner
        self.spawned = self.spawner.spawned = Deferred()
        self.booted_ = self.zone.boot("-s")

    def test_spawned(self) -> None:
        """
        Then it is known, with what the next server is to know of it.
        """
        self.reactor.advance(2)
        self.spawned.callback(factsOf(arguments="-s"))
        self.zone.began()
        self.successResultOf(self.booted_)
        self.assertEqual(self.zone.facts, factsOf(arguments="-s", began=True))
        self.assertEqual(self.spawner.notes, [""])

    def test_halted(self) -> None:
        """
        A zone that is halted meanwhile ends as soon as it is known what to end.
        """
        done = self.zone.halt()
        self.settle()
        self.assertNoResult(done)
        self.spawned.callback(factsOf())
        self.settle()
        self.assertNoResult(done)
        self.zone.ended(endOf(None, 15))
        self.settle()
        self.successResultOf(done)
        self.refusal(self.booted_)
        self.assertEqual(self.spawner.notes[-1], "halt")

    def test_fails(self) -> None:
        """
        One that can't be started is told, halted meanwhile or not.
        """
        self.spawned.errback(OSError(12, "no memory"))
        self.settle()
        self.assertEqual(self.refusal(self.booted_), "zone did not boot: no memory")

    def test_haltedAndFails(self) -> None:
        """
        The same for a zone that was halted meanwhile.
        """
        done = self.zone.halt()
        self.spawned.errback(OSError(12, "no memory"))
        self.settle()
        self.successResultOf(done)
        self.refusal(self.booted_)
        self.assertDown()

    def test_toldBefore(self) -> None:
        """
        A process may have begun, and ended, before it is known here.
        """
        self.spawned.callback(factsOf(began=True, ended=True, code=3))
        self.assertEqual(self.successResultOf(self.booted_), "zone booted")
        self.settle()
        self.assertEqual(self.zone.account, f"process {PID} ended: exit status 3")
        self.assertDown()

    def test_couldNotBegin(self) -> None:
        """
        The same for one that could not begin.
        """
        self.spawned.callback(factsOf(began=True, why="no", ended=True, code=127))
        self.settle()
        self.assertEqual(self.refusal(self.booted_), "zone did not boot: no")
        self.assertDown()

    def test_unanswered(self) -> None:
        """
        Where nobody knows whether it was started it is started again, three times in
        all; what was started before goes first.
        """
        for number in (1, 2):
            self.assertEqual(len(self.spawner.started), number)
            failed, self.spawner.spawned = self.spawner.spawned, Deferred()
            self.device.terminalOf = 70 + number
            self.sessions.left[70 + number] = [70 + number]
            assert failed is not None
            failed.errback(Unanswered("gone"))
            self.settle()
            self.assertEqual(len(self.spawner.started), number)
            pid, numbers = self.sessions.sent[-1]
            self.assertEqual((pid, numbers[-1]), (70 + number, signal.SIGTERM))
            del self.sessions.left[70 + number]
            self.settle()
        self.assertNoResult(self.booted_)
        assert self.spawner.spawned is not None
        self.spawner.spawned.errback(Unanswered("the nexus has not answered"))
        self.settle()
        self.assertEqual(
            self.refusal(self.booted_),
            "zone did not boot: the nexus has not answered",
        )
        self.assertEqual((ASK_TRIES, len(self.spawner.started)), (3, 3))
        self.assertDown()

    def test_taken(self) -> None:
        """
        What nobody knew of may take the console before the next one does: it goes, and
        another one is started.
        """
        self.spawned.errback(Unanswered("gone"))
        self.spawner.spawned = None
        self.settle()
        self.assertEqual(len(self.spawner.started), 2)
        self.device.terminalOf = 70
        self.sessions.left[70] = [70]
        self.zone.beginFailed("console terminal: Operation not permitted")
        self.zone.ended(endOf(127, None))
        self.settle()
        self.assertIs(self.zone.state(), ZoneState.READY)
        pids = [pid for pid, numbers in self.sessions.sent if signal.SIGTERM in numbers]
        self.assertIn(70, pids)
        self.device.terminalOf = 0
        self.sessions.left.clear()
        self.settle()
        self.assertEqual(len(self.spawner.started), 3)
        self.zone.began()
        self.assertEqual(self.successResultOf(self.booted_), "zone booted")
        self.assertEqual(self.told(), [("BOOTING", "-s")])

    def test_takenOnce(self) -> None:
        """
        But not where all that was started is known.
        """
        self.spawned.callback(factsOf())
        self.device.terminalOf = 70
        self.zone.beginFailed("console terminal: Operation not permitted")
        self.zone.ended(endOf(127, None))
        self.assertIn("not permitted", self.refusal(self.booted_))
        self.device.terminalOf = 0
        self.settle()
        self.assertEqual(len(self.spawner.started), 1)
        self.assertDown()
