# -*- test-case-name: zcons_twisted.test.test_reloading -*-
"""
Tests for L{zcons_twisted.reloading}: the zones of a server that runs are changed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent

from ..console import OnHalt
from ..errors import BadOption, DeviceError, ZoneServed
from ..interfaces import DriverOptions
from ..outcomes import Outcome
from ..reloading import Reloads, planChange
from ..server import ConsoleServer
from ..zone_config import ZoneConfig
from .service_case import ServiceTestCase


class FakeNexus:
    """
    A nexus whose socket is gone.

    @ivar failure: why it can't be made again.
    """

    failure: Exception | None = None

    async def mend(self) -> bool:
        """
        See L{Nexus<zcons_twisted.nexus.client.Nexus>}.
        """
        if self.failure is not None:
            raise self.failure
        return True

    async def leave(self) -> None:
        """
        See L{Nexus<zcons_twisted.nexus.client.Nexus>}.
        """


class ChangeTests(ServiceTestCase):
    """
    Zones that have not changed are not touched; the others as little as possible.
    """

    def server(self, *configs: ZoneConfig) -> ConsoleServer:
        """
        A server that runs.
        """
        made = ConsoleServer(self.reactor, list(configs), self.rundir)
        self.addCleanup(self.stop, made)
        made.startService()
        self.reactor.settle()
        return made

    def change(self, server: ConsoleServer, *configs: ZoneConfig) -> Outcome:
        """
        Serve these from now on.
        """
        changing = server.change(configs)
        for _ in range(6):
            self.endProcesses()
            self.reactor.settle()
            self.reactor.advance(1)
        return self.successResultOf(changing)

    def names(self, server: ConsoleServer) -> list[str]:
        """
        The zones that are served.
        """
        return [zone.zone for zone in server.zones()]

    def test_nothing(self) -> None:
        """
        The same again changes nothing, whatever order it has.
        """
        a, b = ZoneConfig("a"), ZoneConfig("b")
        server = self.server(a, b)
        before = server.zones()
        peer = self.attach("a")
        outcome = self.change(server, b, replace(a))
        self.assertEqual(outcome, Outcome(untouched=2))
        self.assertEqual(str(outcome), "zones: 2 untouched")
        self.assertEqual(server.zones(), before)
        self.assertRaises(BlockingIOError, peer.recv, 1)

    def test_mended(self) -> None:
        """
        But a zone that can't be found any more, because somebody has removed its
        sockets or all of the directory, can be found afterwards; its process and its
        sessions stay.
        """
        config = self.command("a")
        server = self.server(config, ZoneConfig("b"))
        self.reactor.processes[0].begins()
        peer = self.attach("a")
        for remove in (
            lambda: os.unlink(self.rundir.consoleSocket("a")),
            lambda: os.unlink(self.rundir.controlSocket("a")),
            lambda: shutil.rmtree(self.rundir.path),
        ):
            remove()
            with capturedLogs() as logs:
                outcome = self.successResultOf(server.change([config, ZoneConfig("b")]))
            whole = not os.path.exists(self.rundir.historyFile("a"))
            mended = ["a", "b"] if whole else ["a"]
            self.assertEqual(outcome, Outcome(mended=mended, untouched=2))
            told = f"zones: {len(mended)} with sockets or links made again, 2 untouched"
            self.assertEqual(str(outcome), told)
            text = "a: somebody has removed its sockets: they are made again"
            self.assertIn(text, [formatEvent(event) for event in logs])
            files = os.listdir(self.rundir.path)
            for name in ("console_sock", "control_sock", "zconsole.lock"):
                self.assertIn(f"a.{name}", files)
            self.assertRaises(BlockingIOError, peer.recv, 1)
        self.assertEqual(len(self.reactor.processes), 1)
        peer.close()
        self.reactor.settle()
        self.attach("a").close()

    def test_mendedLink(self) -> None:
        """
        The link by which the zone finds its console is made again, too.
        """
        server = self.server(ZoneConfig("a"))
        directory = self.rundir.deviceDirectory("a")
        before = os.readlink(f"{directory}/zoneconsole")
        shutil.rmtree(directory)
        outcome = self.successResultOf(server.change([ZoneConfig("a")]))
        self.assertEqual(outcome, Outcome(mended=["a"], untouched=1))
        self.assertEqual(os.readlink(f"{directory}/zoneconsole"), before)

    def test_mendedNexus(self) -> None:
        """
        And so is the socket of the nexus; where it can't be, that is told.
        """
        server = self.server()
        nexus = self.nexus = FakeNexus()
        self.patch(server, "_nexus", nexus)
        outcome = self.change(server)
        self.assertEqual(outcome, Outcome(nexus=True))
        self.assertEqual(
            str(outcome), "zones: 0 untouched; the nexus' socket made again"
        )
        for error in (OSError(2, "No such file"), DeviceError("No such file")):
            nexus.failure = error
            (problem,) = self.change(server).problems
            self.assertEqual(
                problem, "the socket of the nexus can't be made again: No such file"
            )

    def test_mendedWithChange(self) -> None:
        """
        So can one that is changed as it is.
        """
        server = self.server(ZoneConfig("a"))
        os.unlink(self.rundir.consoleSocket("a"))
        wanted = ZoneConfig("a", onHalt=OnHalt.EXIT)
        outcome = self.successResultOf(server.change([wanted]))
        self.assertEqual(outcome, Outcome(changed=["a"], mended=["a"]))

    def test_cantMend(self) -> None:
        """
        Where somebody else has the zone by now, that is told, and nothing is taken from
        anybody.
        """
        server = self.server(ZoneConfig("a"))
        shutil.rmtree(self.rundir.path)
        other = self.server(ZoneConfig("a"))
        outcome = self.successResultOf(server.change([ZoneConfig("a")]))
        self.assertEqual((outcome.mended, outcome.untouched), ([], 1))
        (problem,) = outcome.problems
        told = "zone 'a': what was removed can't be made again: zone 'a' is already"
        self.assertIn(told, problem)
        self.attach("a").close()
        self.assertEqual(len(other.zones()), 1)

    def test_startAndStop(self) -> None:
        """
        A new zone is served, and one that is not there any more has gone.
        """
        server = self.server(ZoneConfig("a"), ZoneConfig("b"))
        kept = server.zones()[1]
        gone = self.attach("a")
        outcome = self.change(server, ZoneConfig("b"), ZoneConfig("c"))
        self.assertEqual(outcome, Outcome(["c"], ["a"], untouched=1))
        self.assertEqual(str(outcome), "zones: 1 started, 1 stopped, 1 untouched")
        self.assertEqual(self.names(server), ["b", "c"])
        self.assertIs(server.zones()[0], kept)
        self.assertEqual(self.rundir.zones(), ["b", "c"])
        self.assertEqual(gone.recv(100), b"")
        self.attach("c")

    def test_live(self) -> None:
        """
        What can be changed as it is, is; sessions and the zone's process stay.
        """
        first = self.command("a")
        server = self.server(first)
        process = self.reactor.processes[0]
        process.begins()
        peer = self.attach("a")
        (zone,) = server.zones()
        options = DriverOptions(("cat",), "always", 3.0)
        wanted = replace(first, onHalt=OnHalt.EXIT, options=options)
        changing = server.change([wanted])
        outcome = self.successResultOf(changing)
        self.assertEqual(outcome, Outcome(changed=["a"]))
        self.assertEqual(server.zones(), [zone])
        self.assertEqual((zone.config, zone.console.onHalt), (wanted, OnHalt.EXIT))
        self.assertRaises(BlockingIOError, peer.recv, 1)
        # It is started again now.
        process.ends()
        self.reactor.pump([0.02] * 3 + [1])
        self.assertEqual(len(self.reactor.processes), 2)

    def test_restart(self) -> None:
        """
        What needs a restart has one: its command, its driver, how much is kept.
        """
        first = self.command("a")
        for wanted in (
            replace(first, options=DriverOptions(("dog",))),
            ZoneConfig("a"),
            ZoneConfig("a", history=1 << 16),
        ):
            server = self.server(first)
            (zone,) = server.zones()
            outcome = self.change(server, wanted)
            self.assertEqual(outcome, Outcome(restarted=["a"]))
            (now,) = server.zones()
            self.assertIsNot(now, zone)
            self.assertEqual(now.config, wanted)
            self.attach("a")
            self.stop(server)

    def test_notAdjustable(self) -> None:
        """
        A driver that can't be changed as it is has its zone restarted when its options
        change, but not for the console's own.
        """
        self.useMemory()
        first = ZoneConfig("a", "memory")
        server = self.server(first)
        plan = planChange(server.zones(), [replace(first, onHalt=OnHalt.EXIT)])
        self.assertEqual(len(plan.change), 1)
        options = DriverOptions(grace=3.0)
        plan = planChange(server.zones(), [replace(first, options=options)])
        self.assertEqual(len(plan.restart), 1)

    def test_served(self) -> None:
        """
        Where a new zone can't be served nothing is changed at all.
        """
        self.server(ZoneConfig("c"))
        server = self.server(ZoneConfig("a"))
        changing = server.change([ZoneConfig("b"), ZoneConfig("c")])
        self.failureResultOf(changing, ZoneServed)
        self.assertEqual(self.names(server), ["a"])
        self.assertEqual(self.rundir.zones(), ["a", "c"])

    def test_cantStart(self) -> None:
        """
        What is found out later is told, and the others are served.
        """
        server = self.server(ZoneConfig("a"))
        os.mkdir(self.rundir.consoleSocket("b"))
        outcome = self.change(server, ZoneConfig("b"), ZoneConfig("c"))
        self.assertEqual((outcome.started, outcome.stopped), (["c"], ["a"]))
        (problem,) = outcome.problems
        self.assertIn("zone 'b' is not served: console setup", problem)
        self.assertEqual(self.names(server), ["c"])
        os.rmdir(self.rundir.consoleSocket("b"))
        outcome = self.change(server, ZoneConfig("b"), ZoneConfig("c"))
        self.assertEqual(outcome, Outcome(["b"], untouched=1))

    def test_stoppedMeanwhile(self) -> None:
        """
        A server that is stopped while it changes starts nothing more.
        """
        server = self.server(ZoneConfig("a"))
        changing = server.change([ZoneConfig("b"), ZoneConfig("c")])
        stopped = server.stopService()
        self.reactor.settle()
        self.reactor.advance(1)
        self.successResultOf(stopped)
        self.successResultOf(changing)
        self.assertReleased()

    def test_zoneThatEnded(self) -> None:
        """
        A zone whose console has ended by itself is served anew.
        """
        config = ZoneConfig("a", onHalt=OnHalt.EXIT)
        server = self.server(config, ZoneConfig("b"))
        server.zones()[0].event(0)  # type: ignore[arg-type]
        self.reactor.settle()
        self.assertEqual(self.names(server), ["b"])
        outcome = self.change(server, config, ZoneConfig("b"))
        self.assertEqual(outcome.started, ["a"])


class ReloadsTests(ServiceTestCase):
    """
    One reload is done at a time.
    """

    def setUp(self) -> None:
        """
        Reloads that take as long as a test wants.
        """
        super().setUp()
        self.done: list[Deferred[Outcome]] = []
        self.reloads = Reloads(self.reload)

    def reload(self) -> Deferred[Outcome]:
        """
        Begin one.
        """
        self.done.append(Deferred())
        return self.done[-1]

    def results(self, asked: Sequence[Deferred[Outcome]]) -> list[int]:
        """
        What came of some.
        """
        return [self.successResultOf(each).untouched for each in asked]

    def test_one(self) -> None:
        """
        Whoever asks gets what came of it.
        """
        asked = self.reloads.ask()
        self.done[0].callback(Outcome(untouched=1))
        self.assertEqual(self.results([asked]), [1])

    def test_meanwhile(self) -> None:
        """
        Whoever asks while one is under way, which may have read what was there
        before, gets the outcome of the next, and all of them of the same.
        """
        first = self.reloads.ask()
        others = [self.reloads.ask() for _ in range(3)]
        self.assertEqual(len(self.done), 1)
        self.done[0].callback(Outcome(untouched=1))
        self.assertEqual(len(self.done), 2)
        self.done[1].callback(Outcome(untouched=2))
        self.assertEqual(self.results([first, *others]), [1, 2, 2, 2])
        self.assertEqual(len(self.done), 2)

    def test_refused(self) -> None:
        """
        A configuration that is wrong is told to who asked, and the next one is read
        all the same.
        """
        asked = self.reloads.ask()
        self.done[0].errback(BadOption("no"))
        self.failureResultOf(asked, BadOption)
        again = self.reloads.ask()
        self.done[1].callback(Outcome())
        self.results([again])

    def test_broken(self) -> None:
        """
        So is what nobody expected, and it is in the log.
        """
        asked = self.reloads.ask()
        self.done[0].errback(ZeroDivisionError())
        self.failureResultOf(asked, ZeroDivisionError)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
