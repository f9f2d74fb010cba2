# -*- test-case-name: zcons_twisted.test.test_zone_process -*-
"""
Tests for L{zcons_twisted.drivers.zone_process}: boot.
"""

from __future__ import annotations

import errno
import os
import signal
import sys

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from ..drivers import leader
from ..drivers.waiters import Waiters
from ..drivers.zone_process import RESPAWN_POLICIES
from ..errors import LifecycleError
from ..events import ZoneEvent, ZoneState
from ..interfaces import IAccountableLife, IZoneStates
from .zone_case import ZoneTestCase


class BootTests(ZoneTestCase):
    """
    A zone that is down can be booted.
    """

    def test_interfaces(self) -> None:
        """
        A zone's process tells its state and has a life.
        """
        verifyObject(IAccountableLife, self.zone)
        verifyObject(IZoneStates, self.zone)

    def test_policies(self) -> None:
        """
        What may happen when the command ends by itself is one of three.
        """
        self.assertEqual(RESPAWN_POLICIES, ("never", "on-failure", "always"))

    def test_boot(self) -> None:
        """
        A zone boots: it is ready while its process starts and runs when the command
        has begun, and then whoever asked is answered.
        """
        self.assertIs(self.zone.state(), ZoneState.INSTALLED)
        done = self.zone.boot()
        self.assertEqual(self.told(), [("BOOTING", "")])
        self.assertIs(self.zone.state(), ZoneState.READY)
        self.assertNoResult(done)
        self.process.begins()
        self.assertIs(self.zone.state(), ZoneState.RUNNING)
        self.assertEqual(self.successResultOf(done), "zone booted")
        self.assertEqual(self.told(), [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_stateBeforeEvent(self) -> None:
        """
        Who hears that the zone boots finds it alive.
        """
        states: list[ZoneState] = []
        self.patch(self.events, "event", lambda *told: states.append(self.zone.state()))
        self.zone.boot()
        self.assertTrue(states[0].alive)

    def test_process(self) -> None:
        """
        The command runs on the console as session leader, knowing the zone's name and
        its boot arguments.
        """
        self.zone.boot("-s verbose")
        fd = self.device.opened[0]
        self.assertEqual(
            (
                self.process.arguments,
                self.process.environment,
                self.process.childFDs,
            ),
            (
                [sys.executable, "-IS", leader.__file__, "sleep", "9"],
                {"PATH": "/bin", "ZONENAME": "z", "ZONE_BOOT_ARGS": "-s verbose"},
                {0: fd, 1: fd, 2: fd, 3: "r"},
            ),
        )
        self.assertEqual(self.told(), [("BOOTING", "-s verbose")])
        self.assertRaises(OSError, os.fstat, fd)

    def test_already(self) -> None:
        """
        A zone that runs, or is about to, is not booted twice.
        """
        self.zone.boot()
        again = self.zone.boot()
        self.assertNoResult(again)
        self.process.begins()
        self.assertEqual(self.successResultOf(again), "zone booted")
        self.assertEqual(
            self.successResultOf(self.zone.boot()), "zone is already booted"
        )
        self.assertEqual(len(self.reactor.processes), 1)

    def test_whileItEnds(self) -> None:
        """
        A zone that is going down can't be booted yet.
        """
        self.booted()
        self.zone.halt()
        self.assertEqual(
            self.refusal(self.zone.boot()),
            "zone is shutting down: try again in a moment",
        )

    def test_again(self) -> None:
        """
        A zone that was halted can be booted again.
        """
        self.booted()
        self.zone.halt()
        self.goes()
        self.told()
        self.booted()
        self.assertEqual(len(self.reactor.processes), 2)

    def test_terminalTaken(self) -> None:
        """
        Who has the console as a terminal is swept away before the zone boots on it.
        """
        self.device.terminalOf = 200
        self.sessions.left[200] = [200]
        done = self.zone.boot()
        self.assertEqual(self.reactor.processes, [])
        self.assertEqual(self.sessions.sent[0][0], 200)
        self.device.terminalOf = 0
        self.settle()
        self.process.begins()
        self.successResultOf(done)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_haltedWhileSweeping(self) -> None:
        """
        A zone that is halted before its process was started has none.
        """
        self.device.terminalOf = 200
        self.sessions.left[200] = [200]
        booted = self.zone.boot()
        halted = self.zone.halt()
        self.device.terminalOf = 0
        self.settle()
        self.assertEqual(self.refusal(booted), "zone was halted")
        self.successResultOf(halted)
        self.assertEqual(self.reactor.processes, [])
        self.assertDown()

    def test_postedEvents(self) -> None:
        """
        Events from outside don't change the state: the process tells it.
        """
        self.zone.posted(ZoneEvent.BOOTING)
        self.assertIs(self.zone.state(), ZoneState.INSTALLED)


class AccountTests(ZoneTestCase):
    """
    What runs, or how it ended, is told in a few words.
    """

    def test_notBooted(self) -> None:
        """
        A zone that was never booted says so.
        """
        self.assertEqual(self.zone.account, "not booted yet")

    def test_runs(self) -> None:
        """
        A zone that runs is a process.
        """
        process = self.booted()
        self.assertEqual(self.zone.account, f"process {process.pid}")

    def test_ended(self) -> None:
        """
        One that has ended tells its exit status or its signal.
        """
        for status, number, how in (
            (0, None, "exit status 0"),
            (7, None, "exit status 7"),
            (0, signal.SIGKILL, "signal 9"),
        ):
            process = self.booted()
            self.goes(status, number)
            self.assertEqual(self.zone.account, f"process {process.pid} ended: {how}")

    def test_bootFailed(self) -> None:
        """
        One that did not boot tells why, and the next boot is another story.
        """
        done = self.zone.boot()
        self.process.failsToBegin("sleep: No such file or directory")
        self.settle()
        self.refusal(done)
        self.assertEqual(
            self.zone.account, "boot failed: sleep: No such file or directory"
        )
        process = self.booted()
        self.assertEqual(self.zone.account, f"process {process.pid}")


class WaitersTests(SynchronousTestCase):
    """
    Those who have asked for the same.
    """

    def test_all(self) -> None:
        """
        All are answered, or refused, each once; who asks meanwhile waits for the next.
        """
        waiters = Waiters()
        first, second = waiters.wait(), waiters.wait()
        more: list[Deferred[str]] = []

        def again(text: str) -> str:
            more.append(waiters.wait())
            return text

        second.addCallback(again)
        self.assertEqual(len(waiters), 2)
        waiters.answer("done")
        self.assertEqual(self.successResultOf(first), "done")
        self.assertEqual(self.successResultOf(second), "done")
        self.assertNoResult(more[0])
        waiters.refuse("no")
        self.assertEqual(
            self.failureResultOf(more[0], LifecycleError).getErrorMessage(), "no"
        )
        self.assertEqual(len(waiters), 0)


class BootFailedTests(ZoneTestCase):
    """
    A zone that can't be booted says why.
    """

    def test_command(self) -> None:
        """
        A command that can't be run is a failed boot, with its reason.
        """
        done = self.zone.boot()
        self.process.failsToBegin("sleep: No such file or directory")
        self.settle()
        self.assertEqual(
            self.refusal(done), "zone did not boot: sleep: No such file or directory"
        )
        self.assertEqual(
            self.told(),
            [("BOOTING", ""), ("BOOT_FAILED", "sleep: No such file or directory")],
        )
        self.assertDown()

    def test_cantBeStarted(self) -> None:
        """
        So is a process that can't be started, whatever is wrong with it.
        """
        for error in (
            OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)),
            OSError("no fork"),
        ):
            self.reactor.spawnError = error
            done = self.zone.boot()
            self.settle()
            why = error.strerror or str(error)
            self.assertEqual(self.refusal(done), f"zone did not boot: {why}")
            self.assertEqual(self.told(), [("BOOTING", ""), ("BOOT_FAILED", why)])
            self.assertDown()

    def test_noConsole(self) -> None:
        """
        So is a console that can't be opened.
        """
        self.device.error = OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        done = self.zone.boot()
        self.settle()
        self.assertIn("No such device or address", self.refusal(done))
        self.assertDown()

    def test_impossibleArguments(self) -> None:
        """
        So are arguments that no process can be given, and the next boot is a new one.
        """
        done = self.zone.boot("-s\0")
        self.settle()
        self.assertIn("NUL", self.refusal(done))
        self.assertDown()
        self.assertEqual(self.sessions.sent, [])
        self.booted()

    def test_told(self) -> None:
        """
        A command that says nothing of a failure and ends was booted, and has ended.
        """
        self.zone.boot()
        self.process.begins()
        self.goes(1)
        self.assertEqual(self.told(), [("BOOTING", ""), ("HALTED", "exit status 1")])
        self.assertDown()

    def test_saidInPieces(self) -> None:
        """
        The reason may come in pieces.
        """
        done = self.zone.boot()
        self.process.protocol.childDataReceived(3, b"sleep: No such")
        self.process.failsToBegin(" file")
        self.settle()
        self.assertEqual(self.refusal(done), "zone did not boot: sleep: No such file")
