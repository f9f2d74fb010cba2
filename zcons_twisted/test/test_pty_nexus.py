# -*- test-case-name: zcons_twisted.test.test_pty_nexus -*-
"""
Tests for L{zcons_twisted.drivers.pty}: pairs that a nexus keeps.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from zope.interface.verify import verifyObject

from ..drivers.handing import ADOPT_SECONDS
from ..drivers.pty import PtyDriver
from ..errors import DeviceError
from ..events import ZoneEvent, ZoneState
from ..interfaces import IOutlivingDriver
from ..nexus.client import ASK_TRIES, Nexus, NexusLost, Unanswered
from ..nexus.keeping import Claimed
from ..nexus.pair import PtyInstance
from .pty_case import PtyTestCase
from .support import descriptorsInUse


class FakePairs:
    """
    The pairs that a nexus keeps, in this process.

    @ivar calls: what was asked, in order.
    @ivar failures: what is raised by the next calls of a name.
    @ivar note: what an earlier server noted.
    """

    def __init__(self) -> None:
        self.kept: PtyInstance | None = None
        self.calls: list[str] = []
        self.failures: dict[str, list[Exception]] = {}
        self.note = ""
        self.typed = b""

    def call(self, what: str) -> None:
        """
        Remember a call, and fail if that was said.
        """
        self.calls.append(what)
        if self.failures.get(what):
            raise self.failures[what].pop(0)

    async def count(self) -> int:
        """
        How many there are.
        """
        self.call("count")
        return int(self.kept is not None)

    async def create(self) -> None:
        """
        One.
        """
        self.call("create")
        self.kept = PtyInstance("z")

    async def claim(self) -> Claimed:
        """
        A descriptor of our own.
        """
        self.call("claim")
        if self.kept is None:
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        pair = PtyInstance("z", os.dup(self.kept.master))
        typed, self.typed = self.typed, b""
        return Claimed(pair, {}, self.note, typed)

    async def adopt(self, pair: PtyInstance, process: dict[str, Any]) -> None:
        """
        Another one's.
        """
        self.call("adopt")
        self.kept = PtyInstance("z", os.dup(pair.master))

    async def release(self, pair: PtyInstance | None, typed: bytes) -> bool:
        """
        It stays.
        """
        if pair is not None:
            pair.close()
        self.call("release")
        self.typed = typed
        return pair is not None

    async def remove(self, pair: PtyInstance | None) -> tuple[int, int]:
        """
        It goes.
        """
        self.call("remove")
        found = int(self.kept is not None)
        for each in (pair, self.kept):
            if each is not None:
                each.close()
        self.kept = None
        return found, found


class NexusCase(PtyTestCase):
    """
    Drivers whose pairs are kept elsewhere.
    """

    def setUp(self) -> None:
        """
        There is no pair yet.
        """
        self.pairs = FakePairs()
        self.typed: list[bytes] = []
        super().setUp()

    def make(self, zone: str) -> PtyDriver:
        """
        A driver.
        """
        driver = super().make(zone)
        driver.useNexus(Nexus(self.reactor, self.rundir.path), self.typed.append)
        driver._pairs = self.pairs
        return driver


class OutlivingTests(NexusCase):
    """
    The device outlives the driver, if that is wanted.
    """

    def test_interface(self) -> None:
        """
        The driver says so.
        """
        verifyObject(IOutlivingDriver, self.driver)
        self.assertTrue(self.driver.outlives)
        self.assertFalse(self.driver.resumed)
        self.assertEqual(self.driver.keeper, 0)

    def test_leave(self) -> None:
        """
        What one driver leaves the next one finds: the same pair, by the same link.
        """
        self.init()
        name = os.readlink(self.driver.path)
        zone = self.openZone()
        self.successResultOf(self.driver.leave(b""))
        os.write(zone, b"waits")
        self.assertIsNone(self.driver.pair)
        self.driver = self.make("z")
        self.init()
        self.assertEqual(os.readlink(self.driver.path), name)
        manager = self.driver.open(self.receiver)
        manager.resumeReading()
        self.arrives(self.pair.master)
        self.assertEqual(self.receiver.printed, b"waits")
        manager.close()
        self.assertEqual(self.pairs.calls.count("create"), 1)

    def test_typed(self) -> None:
        """
        What was typed and waits is left with the device, and is told once when that is
        claimed.
        """
        self.init()
        self.successResultOf(self.driver.leave(b"waits"))
        self.assertEqual(self.typed, [])
        for _ in range(2):
            self.driver = self.make("z")
            self.init()
            self.assertEqual(self.typed, [b"waits"])
            self.successResultOf(self.driver.leave(b""))

    def test_typedNotLeft(self) -> None:
        """
        Where it can't be left it is given back.
        """
        self.init()
        self.pairs.failures = {"release": [OSError(errno.EIO, "no")]}
        self.failureResultOf(self.driver.leave(b"waits"), OSError)
        self.assertEqual(self.typed, [b"waits"])
        self.successResultOf(self.driver.leave(b"more"))
        self.assertEqual(self.typed, [b"waits", b"more"])

    def test_state(self) -> None:
        """
        The zone's state is as the earlier server left it.
        """
        self.pairs.note = "running"
        self.init()
        self.assertIs(self.driver.states.state(), ZoneState.RUNNING)
        self.driver.states.posted(ZoneEvent.HALTED)
        self.assertIs(self.driver.states.state(), ZoneState.INSTALLED)

    def test_nexusGoes(self) -> None:
        """
        A nexus that goes while it is asked is followed by another one, which is asked
        from the beginning; three times in all.
        """
        gone = Unanswered("the nexus has not answered")
        self.pairs.failures = {"create": [gone], "claim": [gone]}
        self.init()
        self.assertEqual(
            self.pairs.calls,
            ["count", "create", "count", "create", "claim", "count", "claim"],
        )
        other = self.make("z")
        self.pairs.failures = {"count": [gone] * ASK_TRIES}
        self.failureResultOf(other.init(), Unanswered)
        self.assertEqual((ASK_TRIES, self.pairs.failures), (3, {"count": []}))

    def test_busy(self) -> None:
        """
        A pair that another server has is not touched; each lap asks for it again.
        """
        busy = OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self.pairs.failures = {"claim": [busy, busy, NexusLost("gone")]}
        self.init()
        self.assertFalse(os.path.exists(self.driver.path))
        told = []
        for _ in range(2):
            error = self.assertRaises(DeviceError, self.driver.open, self.receiver)
            told.append(str(error))
        text = "console manager of zone 'z': "
        busyText = text + "Device or resource busy"
        self.assertEqual(told, [busyText, text + "gone"])
        manager = self.driver.open(self.receiver)
        self.assertTrue(os.isatty(self.openZone()))
        manager.close()

    def test_destroy(self) -> None:
        """
        At the end nothing is left.
        """
        before = descriptorsInUse()
        self.init()
        self.assertEqual(self.successResultOf(self.driver.destroy()), (1, 1))
        self.assertEqual(os.listdir("/proc/self/fd"), before)
        self.assertFalse(os.path.exists(os.path.dirname(self.driver.path)))
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class LostTests(NexusCase):
    """
    A nexus that ends is followed by another one.
    """

    def test_adopted(self) -> None:
        """
        It is handed the pair, and nothing else changes.
        """
        self.init()
        assert self.pairs.kept is not None
        self.pairs.kept.close()
        self.pairs.kept = None
        self.driver.lost()
        self.assertEqual(self.pairs.calls[-2:], ["claim", "adopt"])
        self.assertEqual(self.successResultOf(self.driver.count()), 1)
        self.assertTrue(os.isatty(self.openZone()))

    def test_hasIt(self) -> None:
        """
        One that a service manager started again has it already.
        """
        self.init()
        before = descriptorsInUse()
        self.driver.lost()
        self.assertEqual(self.pairs.calls[-1], "claim")
        self.assertEqual(os.listdir("/proc/self/fd"), before)

    def test_none(self) -> None:
        """
        Where there is none it is told in one line, and tried again until the end.
        """
        self.init()
        lost = NexusLost("no nexus")
        self.pairs.failures = {"claim": [lost, lost]}
        with capturedLogs() as events:
            self.driver.lost()
        self.assertEqual(
            [formatEvent(event) for event in events],
            [
                "z: no nexus keeps the console device, which goes with this server;"
                " trying again every 10 s: no nexus"
            ],
        )
        self.reactor.advance(ADOPT_SECONDS)
        self.assertEqual(len(self.reactor.getDelayedCalls()), 1)
        self.reactor.advance(ADOPT_SECONDS)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.pairs.failures = {"claim": [lost]}
        self.driver.lost()
        self.successResultOf(self.driver.destroy())
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_nothingToLose(self) -> None:
        """
        A driver without a pair has nothing to hand over.
        """
        self.driver.lost()
        self.assertEqual(self.pairs.calls, [])

    def test_oneAtATime(self) -> None:
        """
        What is done with pairs is done one after the other.
        """
        first: Deferred[int] = Deferred()

        async def count() -> int:
            return await first

        self.patch(self.pairs, "count", count)
        ready = self.driver.init()
        gone = self.driver.destroy()
        self.assertNoResult(gone)
        first.callback(0)
        self.successResultOf(ready)
        self.assertEqual(self.successResultOf(gone), (1, 1))
