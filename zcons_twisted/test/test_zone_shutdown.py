# -*- test-case-name: zcons_twisted.test.test_zone_shutdown -*-
"""
Tests for L{zcons_twisted.drivers.zone_process}: shutdown.
"""

from __future__ import annotations

import signal

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from ..drivers.spawning import endOf
from ..drivers.verdict import ofContainer
from ..events import ZoneState
from ..interfaces import IZoneReady, IZoneShutdown
from .test_zone_found import PID, FoundTestCase
from .zone_case import ZoneTestCase

ASKED = (signal.SIGHUP, signal.SIGCONT, signal.SIGTERM)


class ShutdownTests(ZoneTestCase):
    """
    A zone can be asked to go down by itself.
    """

    def test_interface(self) -> None:
        """
        A zone's process offers that; it can't be ready without running.
        """
        verifyObject(IZoneShutdown, self.zone)
        self.assertFalse(IZoneReady.providedBy(self.zone))

    def test_goes(self) -> None:
        """
        It is asked as halt asks it, and nothing is told until it goes by itself; then
        it has halted.
        """
        process = self.booted()
        self.sessions.left[process.pid] = [process.pid]
        done = self.zone.shutdown()
        self.assertEqual(self.sessions.sent, [(process.pid, ASKED)])
        self.assertIs(self.zone.state(), ZoneState.RUNNING)
        self.assertEqual(self.told(), [])
        self.assertNoResult(done)
        del self.sessions.left[process.pid]
        self.goes(signal=signal.SIGTERM)
        self.assertEqual(self.successResultOf(done), "zone halted")
        self.assertEqual(self.told(), [("HALTED", "")])
        self.assertDown()

    def test_notForced(self) -> None:
        """
        One that does not go is not killed, however long that takes: after a minute that
        is the answer, and the zone runs on as before.
        """
        self.zone = self.make(respawn="always", grace=1)
        process = self.booted()
        self.sessions.left[process.pid] = [process.pid]
        done = self.zone.shutdown()
        self.reactor.advance(59.9)
        self.assertNoResult(done)
        self.reactor.advance(0.2)
        self.assertIn("did not go down within 60 s", self.refusal(done))
        self.reactor.advance(1000)
        self.assertEqual(len(self.sessions.sent), 1)
        self.assertIs(self.zone.state(), ZoneState.RUNNING)
        del self.sessions.left[process.pid]
        self.goes(1)
        self.assertEqual(self.told(), [("REBOOTING", "")])

    def test_staysDown(self) -> None:
        """
        It stays down, whatever the policy, and even if it wants to reboot.
        """
        for ends in (1, 0):
            self.zone = self.make(respawn="always", read=ofContainer)
            self.booted()
            done = self.zone.shutdown()
            self.process.ends(ends, signal.SIGHUP if not ends else None)
            self.settle()
            self.assertEqual(self.successResultOf(done), "zone halted")
            self.assertDown()
            self.told()

    def test_again(self) -> None:
        """
        Who asks again is answered with the others, and the zone hears it again.
        """
        process = self.booted()
        self.sessions.left[process.pid] = [process.pid]
        done = [self.zone.shutdown(), self.zone.shutdown()]
        self.assertEqual(self.sessions.sent, [(process.pid, ASKED)] * 2)
        del self.sessions.left[process.pid]
        self.goes()
        for each in done:
            self.assertEqual(self.successResultOf(each), "zone halted")

    def test_down(self) -> None:
        """
        A zone that is down is down; one that waits to be started again, and has nobody
        who could be asked, is halted.
        """
        self.assertEqual(
            self.successResultOf(self.zone.shutdown()), "zone is already halted"
        )
        self.zone = self.make(respawn="always")
        self.booted()
        self.goes()
        self.assertIs(self.zone.state(), ZoneState.DOWN)
        self.told()
        self.assertEqual(self.successResultOf(self.zone.shutdown()), "zone halted")
        self.assertEqual(self.told(), [("HALTED", "exit status 0")])
        self.assertDown()

    def test_ready(self) -> None:
        """
        One that is about to run can't be asked yet.
        """
        self.zone.boot()
        self.assertEqual(
            self.refusal(self.zone.shutdown()),
            "shutdown operation is invalid for zones in state 'ready': halt it",
        )

    def test_ending(self) -> None:
        """
        One that ends already is waited for.
        """
        self.booted()
        halted = self.zone.halt()
        done = self.zone.shutdown()
        self.goes()
        for each in (halted, done):
            self.assertEqual(self.successResultOf(each), "zone halted")

    def test_halted(self) -> None:
        """
        Somebody may have it halted meanwhile, which is what was wanted.
        """
        self.booted()
        done = self.zone.shutdown()
        halted = self.zone.halt()
        self.goes()
        for each in (halted, done):
            self.assertEqual(self.successResultOf(each), "zone halted")
        self.assertDown()

    def test_rebooted(self) -> None:
        """
        Or rebooted, which is not.
        """
        self.booted()
        done = self.zone.shutdown()
        self.zone.reboot()
        self.assertEqual(self.refusal(done), "zone was rebooted")
        self.goes()
        self.process.begins()
        self.assertIs(self.zone.state(), ZoneState.RUNNING)
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class RebootTests(ZoneTestCase):
    """
    It can be asked to go down by itself, and be started again.
    """

    def shutdown(self, arguments: str = "") -> Deferred[str]:
        """
        Ask a zone that runs.
        """
        self.booted()
        return self.zone.shutdown(True, arguments)

    def test_goes(self) -> None:
        """
        Nothing is told until it goes; then it reboots, with the boot arguments, and the
        answer comes when it runs.
        """
        done = self.shutdown("-v")
        self.assertEqual(self.told(), [])
        self.goes(signal=signal.SIGTERM)
        self.assertEqual(self.told(), [("REBOOTING", "-v")])
        self.assertEqual(self.process.environment["ZONE_BOOT_ARGS"], "-v")
        self.assertNoResult(done)
        self.process.begins()
        self.assertEqual(self.successResultOf(done), "zone rebooted")
        self.assertIs(self.zone.state(), ZoneState.RUNNING)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_once(self) -> None:
        """
        That was for once: a shutdown that comes later has it stay down.
        """
        self.shutdown()
        self.goes()
        self.process.begins()
        done = self.zone.shutdown()
        self.goes()
        self.assertEqual(self.successResultOf(done), "zone halted")
        self.assertDown()

    def test_bootFails(self) -> None:
        """
        Where it can't be started again, that is the answer.
        """
        done = self.shutdown()
        self.goes()
        self.process.failsToBegin("no such command")
        self.settle()
        self.assertEqual(self.refusal(done), "zone did not boot: no such command")

    def test_notForced(self) -> None:
        """
        One that does not go runs on.
        """
        done = self.shutdown()
        self.reactor.advance(61)
        self.assertIn("did not go down within 60 s", self.refusal(done))
        self.assertIs(self.zone.state(), ZoneState.RUNNING)

    def test_halted(self) -> None:
        """
        Who has it halted meanwhile has the last word, before it goes and after.
        """
        done = self.shutdown()
        self.zone.halt()
        self.goes()
        self.assertEqual(self.successResultOf(done), "zone halted")
        self.assertDown()
        done = self.shutdown()
        self.process.ends()
        self.zone.halt()
        self.settle()
        self.assertEqual(self.refusal(done), "zone was halted")
        self.assertDown()

    def test_down(self) -> None:
        """
        A zone that is down is not rebooted; one that waits to be started is started.
        """
        self.assertEqual(
            self.refusal(self.zone.shutdown(True)),
            "reboot operation is invalid for zones in state 'installed': boot it",
        )
        self.zone = self.make(respawn="always")
        self.booted()
        self.goes()
        done = self.zone.shutdown(True)
        self.process.begins()
        self.assertEqual(self.successResultOf(done), "zone rebooted")


class FoundTests(FoundTestCase):
    """
    The wish outlives the server, as the zone does.
    """

    def test_noted(self) -> None:
        """
        It is noted while it counts.
        """
        zone = self.found()
        self.settle()
        done = zone.shutdown()
        self.reactor.advance(61)
        self.refusal(done)
        self.assertEqual(self.spawner.notes, ["shutdown", ""])

    def test_left(self) -> None:
        """
        A server that goes leaves nobody waiting.
        """
        zone = self.found()
        self.settle()
        done = zone.shutdown()
        zone.leave()
        self.assertEqual(self.refusal(done), "the server stops")
        self.assertEqual(self.spawner.notes, ["shutdown"])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_found(self) -> None:
        """
        The next server has it stay down when it goes, within a minute.
        """
        zone = self.found("shutdown", "always")
        self.settle()
        self.assertIs(zone.state(), ZoneState.RUNNING)
        self.assertEqual(self.sessions.sent, [])
        zone.ended(endOf(0, None))
        self.settle()
        self.assertEqual(self.told(), [("HALTED", "")])
        self.assertDown()
        self.found("shutdown", "always")
        self.settle()
        self.reactor.advance(60)
        self.assertEqual(self.spawner.notes[-1], "")

    def test_foundReboot(self) -> None:
        """
        And has it start again where that was wanted, also if it has gone by then.
        """
        zone = self.found()
        self.settle()
        zone.shutdown(True)
        noted = self.spawner.notes[-1]
        zone = self.found(noted)
        self.settle()
        zone.ended(endOf(0, None))
        self.settle()
        self.assertEqual(self.told(), [("REBOOTING", "")])
        self.assertIs(zone.state(), ZoneState.READY)
        zone = self.found(noted, ended=True, reaped=True, code=0)
        self.settle()
        self.assertIs(zone.state(), ZoneState.READY)

    def test_foundDown(self) -> None:
        """
        One that has gone meanwhile is down, and so is one of which it is not known what
        an earlier server has noted.
        """
        for note in ("shutdown", "what is that?"):
            zone = self.found(note, "always", ended=True, reaped=True, code=0)
            self.settle()
            self.assertEqual(zone.account, f"process {PID} ended: exit status 0")
            self.assertDown()
