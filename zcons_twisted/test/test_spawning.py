# -*- test-case-name: zcons_twisted.test.test_spawning -*-
"""
Tests for L{zcons_twisted.drivers.spawning}: processes that a nexus starts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Coroutine, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.protocols.amp import Command
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from ..drivers.spawning import Facts, NexusSpawner, endOf
from ..nexus.client import Nexus, Unanswered
from ..nexus.commands import Claim, NexusFault, Reap
from ..testing import FakeReactor
from .support import descriptorsInUse
from .test_zone_found import PID, factsOf


def exitCode(reason: Failure) -> object:
    """
    The exit status in the end of a process.
    """
    return getattr(reason.value, "exitCode", "none")


class KnowingNexus(Nexus):
    """
    A nexus that starts nothing, and knows what it is told to know.

    @ivar spawned: what it answers.
    @ivar known: what it knows of the zone's process, or L{None} where it has nothing.
    @ivar asked: what it was asked.
    """

    def __init__(self) -> None:
        super().__init__(FakeReactor(), "/run/zones")
        self.spawned: Deferred[Facts] = Deferred()
        self.known: Facts | None = {}
        self.asked: list[type[Command]] = []
        self.specs: list[Mapping[str, Any]] = []

    async def spawn(self, zone: str, spec: Mapping[str, Any]) -> Facts:
        """
        See L{Nexus}.
        """
        self.specs.append(spec)
        return await self.spawned

    async def call(self, command: type[Command], **arguments: object) -> dict[str, Any]:
        """
        See L{Nexus}.
        """
        self.asked.append(command)
        if command is Reap:
            return {}
        if self.known is None:
            raise NexusFault("6 No such device or address")
        process = json.dumps(self.known) if self.known else ""
        return {"master": os.open(os.devnull, os.O_RDWR), "process": process}


class Hears:
    """
    Remembers what a process has told.
    """

    def __init__(self) -> None:
        self.heard: list[str] = []

    def began(self) -> None:
        """
        See L{ProcessEars<zcons_twisted.drivers.spawning.ProcessEars>}.
        """
        self.heard.append("began")

    def beginFailed(self, why: str) -> None:
        """
        See L{ProcessEars<zcons_twisted.drivers.spawning.ProcessEars>}.
        """
        self.heard.append(why)

    def ended(self, reason: Failure) -> None:
        """
        See L{ProcessEars<zcons_twisted.drivers.spawning.ProcessEars>}.
        """
        self.heard.append(f"ended {exitCode(reason)}")


class NexusSpawnerTests(SynchronousTestCase):
    """
    A zone's process is a child of the nexus.
    """

    def setUp(self) -> None:
        """
        It is being started.
        """
        self.nexus = KnowingNexus()
        self.works = 0
        self.spawner = NexusSpawner(self.nexus, "z", self.alone)
        self.ears = Hears()
        self.done = self.spawn()

    def alone(self, work: Coroutine[Any, Any, Facts]) -> Deferred[Facts]:
        """
        Nothing else is done with the device.
        """
        self.works += 1
        return Deferred.fromCoroutine(work)

    def spawn(self) -> Deferred[Facts]:
        """
        Have it started.
        """
        return Deferred.fromCoroutine(
            self.spawner.spawn(["sleep", "9"], {"PATH": "/bin"}, "-s", self.ears)
        )

    def test_spawn(self) -> None:
        """
        What is known of it is what the nexus says, and it is heard from then on.
        """
        self.spawner.began(PID, "")
        facts = factsOf(born=5)
        self.nexus.spawned.callback(facts)
        self.assertEqual(self.successResultOf(self.done), facts)
        (spec,) = self.nexus.specs
        self.assertEqual(spec["command"][-2:], ["sleep", "9"])
        self.assertEqual(spec["environment"], {"PATH": "/bin"})
        self.assertEqual((spec["arguments"], spec["terminal"]), ("-s", True))
        self.spawner.began(PID, "")
        self.spawner.ended(PID + 1, 3, None)
        self.spawner.ended(PID, 3, None)
        self.spawner.ended(PID, 3, None)
        self.assertEqual(self.ears.heard, ["began", "ended 3"])
        self.assertEqual((self.nexus.asked, self.works), ([Reap], 1))

    def test_answerLost(self) -> None:
        """
        Where the answer was lost the nexus is asked again: a process that nobody knew
        of is the one that it was to start.
        """
        before = len(descriptorsInUse())
        self.nexus.known = factsOf(born=5, began=True)
        self.nexus.spawned.errback(Unanswered("no"))
        self.assertEqual(self.successResultOf(self.done), self.nexus.known)
        self.assertEqual((self.nexus.asked, self.works), ([Claim], 2))
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
        self.spawner.ended(PID, 3, None)
        self.assertEqual(self.ears.heard, ["ended 3"])

    def test_sameAsBefore(self) -> None:
        """
        One that was known before is not, nor one whose end was taken note of; and there
        may be none, or nothing of the zone.
        """
        known: list[Facts | None] = [
            factsOf(born=5, ended=True),
            factsOf(born=6, ended=True, reaped=True),
            {},
            None,
        ]
        self.nexus.spawned.callback(factsOf(born=5))
        self.successResultOf(self.done)
        for self.nexus.known in known:
            self.nexus.spawned = Deferred()
            done = self.spawn()
            self.nexus.spawned.errback(Unanswered("no"))
            self.failureResultOf(done, Unanswered)
        # Its number may be another one's.
        self.nexus.known = factsOf(born=6)
        self.nexus.spawned = Deferred()
        done = self.spawn()
        self.nexus.spawned.errback(Unanswered("no"))
        self.successResultOf(done)

    def test_foundAgain(self) -> None:
        """
        What the nexus told while it was not heard is found out.
        """
        self.nexus.spawned.callback(factsOf())
        self.spawner.foundAgain({})
        self.spawner.foundAgain(factsOf(pid=PID + 1, ended=True))
        self.spawner.foundAgain(factsOf())
        self.assertEqual(self.ears.heard, [])
        self.spawner.foundAgain(factsOf(began=True, why="no"))
        self.assertEqual(self.ears.heard, ["no"])
        self.spawner.foundAgain(factsOf(began=True))
        self.assertEqual(self.ears.heard, ["no", "began"])
        self.spawner.foundAgain(factsOf(began=True, ended=True, code=4))
        self.assertEqual(self.ears.heard, ["no", "began", "began", "ended 4"])
        self.assertEqual(self.nexus.asked, [Reap])

    def test_reapedAgain(self) -> None:
        """
        An end that was taken note of, without the nexus' having heard of that, is told
        to it once more.
        """
        self.nexus.spawned.callback(factsOf())
        self.spawner.ended(PID, 4, None)
        self.spawner.foundAgain(factsOf(ended=True, reaped=True))
        self.assertEqual(self.nexus.asked, [Reap])
        self.spawner.foundAgain(factsOf(ended=True))
        self.assertEqual(self.nexus.asked, [Reap, Reap])
        self.assertEqual(self.ears.heard, ["ended 4"])

    def test_words(self) -> None:
        """
        What can't be handed to a program is not.
        """
        bad = self.spawner.spawn(["a\0"], {}, "", self.ears)
        failure = self.failureResultOf(Deferred.fromCoroutine(bad), ValueError)
        self.assertEqual(str(failure.value), "a word with a NUL: 'a\\x00'")

    def test_endOf(self) -> None:
        """
        An end of which nothing is known is no success.
        """
        self.assertIsNone(exitCode(endOf(None, None)))
        self.assertEqual(exitCode(endOf(0, None)), 0)
