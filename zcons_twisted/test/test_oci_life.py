# -*- test-case-name: zcons_twisted.test.test_oci_life -*-
"""
Tests for L{zcons_twisted.oci.life}.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from zope.interface.verify import verifyObject

from ..backoff import BackOff
from ..drivers.spawning import endOf
from ..drivers.zone_process import ZoneProcess
from ..events import ZoneState
from ..interfaces import DriverOptions, IZoneLife, IZoneReady, IZoneShutdown
from ..oci.ending import ContainerEnd
from ..oci.life import ContainerLife
from .test_zone_found import PID, FakeSpawner, factsOf
from .zone_case import ZoneTestCase


class ContainerLifeTests(ZoneTestCase):
    """
    A container can be made before it is to begin.
    """

    zone: ContainerLife

    def setUp(self) -> None:
        """
        It is down.
        """
        self.signals: list[tuple[int, int]] = []
        self.spawner = FakeSpawner()
        self.home = self.mktemp()
        os.mkdir(self.home)
        super().setUp()

    def make(self, respawn: str = "never", *_others: Any) -> ZoneProcess:
        """
        Another one.
        """
        end = ContainerEnd(
            self.reactor,
            "z",
            self.device,
            self.home,
            ("clean",),
            lambda pid, number: self.signals.append((pid, number)),
        )
        self.zone = ContainerLife(
            self.reactor,
            "z",
            DriverOptions(("life",), respawn),
            self.device,
            self.events,
            {},
            end,
            ("ready",),
        )
        self.zone._backOff = BackOff(1, 8, lambda: 0.0)
        self.spawner.started.clear()
        self.spawner.notes.clear()
        self.zone.spawner = self.spawner
        return self.zone

    def readied(self) -> None:
        """
        It is made ready.
        """
        done = self.zone.ready()
        self.zone.created()
        self.assertEqual(self.successResultOf(done), "zone ready")
        self.assertEqual(self.told(), [("READIED", "")])

    def runs(self) -> None:
        """
        It is booted.
        """
        done = self.zone.boot()
        self.zone.created()
        self.zone.began()
        self.successResultOf(done)
        self.told()

    def gone(self, code: int | None = 0, number: int | None = None) -> None:
        """
        Its shim has ended.
        """
        self.zone.ended(endOf(code, number))
        self.settle()

    def test_interfaces(self) -> None:
        """
        It can be all that a life can.
        """
        for interface in (IZoneLife, IZoneReady, IZoneShutdown):
            verifyObject(interface, self.zone)

    def test_boots(self) -> None:
        """
        One that is just booted is ready on its way, and waits for nobody.
        """
        done = self.zone.boot("-s")
        self.assertEqual(self.spawner.started, [("life", "-s")])
        self.assertEqual(
            self.successResultOf(self.zone.ready()), "zone is already ready"
        )
        self.zone.created()
        self.zone.began()
        self.assertEqual(self.successResultOf(done), "zone booted")
        self.assertEqual(self.told(), [("BOOTING", "-s"), ("READIED", "")])
        self.zone.created()
        self.assertEqual((self.told(), self.signals), ([], []))

    def test_ready(self) -> None:
        """
        It is ready when the container is there, and then boot lets it begin.
        """
        done = self.zone.ready()
        self.assertEqual(self.spawner.started, [("ready", "")])
        self.assertIs(self.zone.state(), ZoneState.READY)
        self.assertNoResult(done)
        self.assertEqual(self.told(), [])
        self.zone.created()
        self.assertEqual(self.successResultOf(done), "zone ready")
        self.assertEqual(self.told(), [("READIED", "")])
        self.assertEqual(
            self.successResultOf(self.zone.ready()), "zone is already ready"
        )
        self.assertEqual(self.spawner.notes, ["ready"])
        booted = self.zone.boot()
        self.assertEqual(self.told(), [("BOOTING", "")])
        self.assertEqual(self.signals, [(PID, signal.SIGUSR1)])
        self.assertNoResult(booted)
        self.zone.began()
        self.assertEqual(self.successResultOf(booted), "zone booted")
        self.assertEqual(self.spawner.notes, ["ready", ""])
        self.gone()
        self.assertEqual(self.told(), [("HALTED", "exit status 0")])
        self.assertDown()
        self.zone.boot()
        self.assertEqual(self.spawner.started[1:], [("life", "")])

    def test_together(self) -> None:
        """
        Who wants it ready, or booted, while it is made waits for that.
        """
        ready = [self.zone.ready(), self.zone.ready()]
        booted = self.zone.boot()
        self.zone.created()
        for each in ready:
            self.assertEqual(self.successResultOf(each), "zone ready")
        self.assertEqual(self.told(), [("READIED", ""), ("BOOTING", "")])
        self.zone.began()
        self.assertEqual(self.successResultOf(booted), "zone booted")
        self.assertEqual(len(self.spawner.started), 1)

    def test_refused(self) -> None:
        """
        One that is ready takes no boot arguments, for it has been made without; nor can
        it be rebooted or shut down.
        """
        self.readied()
        self.assertEqual(
            self.refusal(self.zone.boot("-s")),
            "a container that is ready takes no boot arguments any more: halt it first",
        )
        self.assertEqual(
            self.refusal(self.zone.reboot()),
            "reboot operation is invalid for zones in state 'ready': boot it",
        )
        self.assertEqual(
            self.refusal(self.zone.shutdown()),
            "shutdown operation is invalid for zones in state 'ready': halt it",
        )
        self.zone.halt()
        self.assertEqual(
            self.refusal(self.zone.ready()),
            "zone is shutting down: try again in a moment",
        )

    def test_halt(self) -> None:
        """
        It can be halted, made or not.
        """
        for made in (True, False):
            ready = self.zone.ready()
            if made:
                self.zone.created()
                self.successResultOf(ready)
                self.told()
            done = self.zone.halt()
            self.assertEqual(self.signals.pop(), (PID, signal.SIGTERM))
            self.gone()
            self.assertEqual(self.successResultOf(done), "zone halted")
            if not made:
                self.assertEqual(self.refusal(ready), "zone was halted")
            self.assertEqual(self.told(), [("HALTED", "")])
            self.assertDown()

    def test_gone(self) -> None:
        """
        One that ends before it was to begin has halted, whatever the policy.
        """
        self.make("always")
        self.readied()
        self.gone(None, 9)
        self.assertEqual(self.told(), [("HALTED", "signal 9")])
        self.assertDown()

    def test_running(self) -> None:
        """
        One that runs is ended first, without a word; it is ready when it has been made
        anew.
        """
        self.runs()
        shutdown = self.zone.shutdown()
        self.signals.clear()
        done = self.zone.ready()
        self.assertEqual(self.refusal(shutdown), "zone was made ready anew")
        self.assertEqual(self.signals, [(PID, signal.SIGTERM)])
        self.assertEqual(self.spawner.notes[-1], "ready")
        self.gone()
        self.assertEqual(self.spawner.started, [("life", ""), ("ready", "")])
        self.assertEqual(self.told(), [])
        self.zone.created()
        self.assertEqual(self.successResultOf(done), "zone ready")
        self.assertEqual(self.told(), [("READIED", "")])
        self.assertEqual(len(self.events.unread), 1)

    def test_waiting(self) -> None:
        """
        One that waits to be started again waits no more.
        """
        self.make("always")
        self.runs()
        self.gone()
        self.assertIs(self.zone.state(), ZoneState.DOWN)
        self.told()
        self.readied()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_notReady(self) -> None:
        """
        Where it can't be made that is told; it stays down, and of one that was up it is
        told that it has halted.
        """
        for up in (False, True):
            self.make("always")
            if up:
                self.runs()
            done = self.zone.ready()
            if up:
                self.gone()
            booted = self.zone.boot()
            self.zone.beginFailed("no room\n")
            for each in (done, booted):
                self.assertEqual(self.refusal(each), "zone is not ready: no room\\x0a")
            self.gone(127)
            self.assertEqual(self.told(), [("HALTED" if up else "NULL", "")])
            self.assertEqual(self.zone.account, "not ready: no room\\x0a")
            self.assertDown()

    def test_bootFails(self) -> None:
        """
        One that is ready and can't begin has not booted.
        """
        self.readied()
        done = self.zone.boot()
        self.zone.beginFailed("no")
        self.assertEqual(self.refusal(done), "zone did not boot: no")
        self.gone(127)
        self.assertEqual(self.told(), [("BOOTING", ""), ("BOOT_FAILED", "no")])
        self.assertDown()

    # Over a server's end.

    def find(self, note: str, **facts: Any) -> None:
        """
        An earlier server has left it so.
        """
        self.make("always")
        self.zone.found(factsOf(**facts), note)
        self.settle()

    def test_found(self) -> None:
        """
        One that was ready is ready.
        """
        self.find("ready")
        self.assertIs(self.zone.state(), ZoneState.READY)
        self.assertEqual(
            self.successResultOf(self.zone.ready()), "zone is already ready"
        )
        self.zone.boot()
        self.assertEqual(self.signals, [(PID, signal.SIGUSR1)])
        self.assertEqual(self.told(), [("BOOTING", "")])

    def test_foundBooting(self) -> None:
        """
        One that was about to run is.
        """
        self.find("")
        self.zone.boot()
        self.assertEqual((self.signals, self.told()), ([], []))

    def test_foundEnding(self) -> None:
        """
        One that was to be made ready anew is.
        """
        self.find("ready", began=True)
        self.assertEqual(self.signals, [(PID, signal.SIGTERM)])
        self.gone()
        self.assertEqual(self.spawner.started, [("ready", "")])

    def test_foundEnded(self) -> None:
        """
        One that is not there any more has halted.
        """
        self.find("ready", ended=True, code=0)
        self.assertEqual(self.told(), [("HALTED", "exit status 0")])
        self.assertDown()
        self.find("ready", ended=True, reaped=True, code=0)
        self.assertDown()
