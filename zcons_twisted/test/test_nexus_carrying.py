# -*- test-case-name: zcons_twisted.test.test_nexus_carrying -*-
"""
Tests for L{zcons_twisted.nexus.client}: requests that carry descriptors.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred

from ..nexus.client import CARRYING_MAX, START_SECONDS, NexusLost, Unanswered
from ..nexus.commands import Adopt
from .nexus_case import NexusTestCase
from .support import descriptorsInUse


class CarryingTests(NexusTestCase):
    """
    Descriptors travel ahead of what they belong to, so there may not be too many.
    """

    def spawn(self, count: int) -> list[Deferred[dict[str, Any]]]:
        """
        Have so many processes started.
        """
        done = [
            Deferred.fromCoroutine(self.nexus.spawn(f"z{n}", {"command": ["x"]}))
            for n in range(count)
        ]
        self.reactor.exchange()
        return done

    def test_some(self) -> None:
        """
        16 are under way at the same time; the next one comes when one is answered, and
        those who wait have no file open for it.
        """
        # What other tests have left is not closed meanwhile.
        before = len(descriptorsInUse())
        done = self.spawn(1000)
        (nexus,) = self.reactor.nexus
        self.assertEqual((CARRYING_MAX, len(nexus.spawning)), (16, 16))
        self.assertEqual(len(os.listdir("/proc/self/fd")), before + 16)
        nexus.spawns()
        self.assertEqual(len(nexus.spawning), 15)
        self.reactor.exchange()
        self.assertEqual(len(nexus.spawning), 16)
        self.assertEqual(self.successResultOf(done[0]), {"pid": 7})
        while nexus.spawning:
            nexus.spawns()
            self.reactor.exchange()
        for each in done[1:]:
            self.successResultOf(each)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_others(self) -> None:
        """
        Nothing else has to wait for that, but for what carries one as well.
        """
        self.spawn(16)
        self.assertEqual(self.successResultOf(self.count()), {"count": 3})
        null = os.open(os.devnull, os.O_RDWR)
        self.addCleanup(os.close, null)
        adopted = Deferred.fromCoroutine(
            self.nexus.call(Adopt, zone="z", master=null, process=None)
        )
        self.reactor.exchange()
        self.assertNoResult(adopted)
        self.reactor.nexus[0].spawns()
        self.reactor.exchange()
        self.assertEqual(self.successResultOf(adopted), {"instance": 5})

    def test_lost(self) -> None:
        """
        Where the connection is lost nobody knows of those that were under way, and none
        that waited is asked of another one: it has to be handed the devices first.
        """
        before = len(descriptorsInUse())
        done = self.spawn(1000)
        self.reactor.nexus[0].breaks()
        self.reactor.exchange()
        asked = self.count()
        self.assertEqual(self.successResultOf(asked), {"count": 3})
        for number, each in enumerate(done):
            failure = self.failureResultOf(each, Unanswered)
            self.assertEqual(
                str(failure.value),
                "the nexus has not answered"
                if number < 16
                else "the nexus has gone before it was asked",
            )
        self.assertEqual(self.reactor.nexus[1].spawning, [])
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
        (again,) = self.spawn(1)
        self.reactor.nexus[1].spawns()
        self.reactor.exchange()
        self.successResultOf(again)

    def test_none(self) -> None:
        """
        Where there is no nexus all hear of it together.
        """
        self.reactor.there = False
        done = self.spawn(40)
        while not done[-1].called:
            self.reactor.processes[-1].ends(1)
            self.reactor.advance(1)
        for each in done:
            self.failureResultOf(each, NexusLost)
        self.assertLess(self.reactor.seconds(), START_SECONDS + 2)
