# -*- test-case-name: zcons_twisted.test.test_instances -*-
"""
Tests for L{zcons_twisted.drivers.instances}: the seed's rules by which a zone gets
exactly one console device.
"""

from __future__ import annotations

import errno
import os
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from ..drivers.instances import (
    HOLD_SECONDS,
    HOLD_TRIES,
    destroyInstances,
    initInstances,
)
from ..errors import DeviceError


class Store:
    """
    A store of instances that remembers what it is asked, and fails where it is told.
    """

    def __init__(self, found: int) -> None:
        self.calls: list[str] = []
        self.failures: dict[str, list[int]] = {}
        self.found = found
        self.kept = 0

    def call(self, what: str) -> None:
        """
        Remember a call, and fail if that was said.
        """
        self.calls.append(what)
        numbers = self.failures.get(what)
        if numbers:
            number = numbers.pop(0)
            if number:
                raise OSError(number, os.strerror(number))

    def count(self) -> int:
        """
        How many there are.
        """
        self.call("count")
        return self.found

    def create(self) -> None:
        """
        One more.
        """
        self.call("create")

    def makeLinks(self) -> None:
        """
        Links.
        """
        self.call("links")

    def hold(self) -> None:
        """
        A hold.
        """
        self.call("hold")

    def release(self) -> None:
        """
        No hold.
        """
        self.call("release")

    def remove(self) -> tuple[int, int]:
        """
        No instances.
        """
        self.call("remove")
        return self.found - self.kept, self.found


class InstancesTestCase(SynchronousTestCase):
    """
    A store and a clock.
    """

    def setUp(self) -> None:
        """
        Remember what is logged.
        """
        self.clock = Clock()
        self.warnings: list[str] = []
        observer = cast(ILogObserver, self.warned)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def warned(self, event: LogEvent) -> None:
        """
        Remember warnings.
        """
        if event["log_level"].name == "warn":
            self.warnings.append(formatEvent(event))

    def init(self, store: Store) -> Deferred[None]:
        """
        Make sure of one instance.
        """
        return Deferred.fromCoroutine(initInstances(store, "z", self.clock))


class InitTests(InstancesTestCase):
    """
    One instance is used again, none is made, and anything else is put in order.
    """

    def calls(self, found: int) -> list[str]:
        """
        @return: what is done where so many were found.
        """
        store = Store(found)
        self.successResultOf(self.init(store))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        return store.calls

    def test_one(self) -> None:
        """
        One instance is used again: its links are made, and it is held.
        """
        self.assertEqual(self.calls(1), ["count", "links", "hold"])
        self.assertEqual(self.warnings, [])

    def test_none(self) -> None:
        """
        Where there is none one is made.
        """
        self.assertEqual(self.calls(0), ["count", "create", "links", "hold"])
        self.assertEqual(self.warnings, [])

    def test_several(self) -> None:
        """
        Where there are several all are removed, with a warning, and one is made.
        """
        self.assertEqual(
            self.calls(3), ["count", "release", "remove", "create", "links", "hold"]
        )
        self.assertEqual(
            self.warnings,
            [
                "WARNING: multiple zone console instances detected for zone 'z';"
                " 3 of 3 successfully removed."
            ],
        )

    def test_uncountable(self) -> None:
        """
        Where nobody can tell all are removed and one is made.
        """
        store = Store(0)
        store.failures = {"count": [errno.EIO]}
        self.successResultOf(self.init(store))
        self.assertEqual(
            store.calls, ["count", "release", "remove", "create", "links", "hold"]
        )
        self.assertEqual(
            self.warnings, ["z: console instances can't be counted: Input/output error"]
        )

    def test_later(self) -> None:
        """
        A store may answer later.
        """
        store = Store(1)
        answer: Deferred[int] = Deferred()
        self.patch(store, "count", lambda: answer)
        ready = self.init(store)
        self.assertNoResult(ready)
        answer.callback(0)
        self.successResultOf(ready)
        self.assertEqual(store.calls, ["create", "links", "hold"])

    def test_impossibleCount(self) -> None:
        """
        A count that says it can't be told is treated the same.
        """
        self.assertEqual(
            self.calls(-1), ["count", "release", "remove", "create", "links", "hold"]
        )


class HoldTests(InstancesTestCase):
    """
    A device that is still coming up is given time.
    """

    def test_comesUp(self) -> None:
        """
        Holding is tried five times, a second apart, while the device is not there.
        """
        store = Store(1)
        store.failures = {"hold": [errno.ENXIO] * 4}
        ready = self.init(store)
        for tries in range(1, 5):
            self.assertEqual(store.calls.count("hold"), tries)
            self.clock.advance(0.75)
            self.assertEqual(store.calls.count("hold"), tries)
            self.assertNoResult(ready)
            self.clock.advance(0.25)
        self.successResultOf(ready)
        self.assertEqual((HOLD_TRIES, HOLD_SECONDS), (5, 1.0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_neverComesUp(self) -> None:
        """
        After the fifth try it is given up.
        """
        store = Store(1)
        store.failures = {"hold": [errno.ENXIO] * 9}
        ready = self.init(store)
        self.clock.pump([1, 1, 1, 1])
        failure = self.failureResultOf(ready, DeviceError)
        self.assertEqual(
            failure.getErrorMessage(),
            "console setup: could not hold the subsidiary of the console device of zone"
            " 'z': No such device or address",
        )
        self.assertEqual(store.calls.count("hold"), 5)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_otherErrors(self) -> None:
        """
        Any other error is told at once, the first time or later.
        """
        for before in (0, 2):
            store = Store(1)
            store.failures = {"hold": [errno.ENXIO] * before + [errno.EACCES]}
            ready = self.init(store)
            self.clock.pump([1] * before)
            failure = self.failureResultOf(ready, DeviceError)
            self.assertIn("Permission denied", failure.getErrorMessage())
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled(self) -> None:
        """
        Who does not need it any more can stop the trying.
        """
        store = Store(1)
        store.failures = {"hold": [errno.ENXIO]}
        ready = self.init(store)
        ready.addErrback(lambda failure: None)
        ready.cancel()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class StepTests(InstancesTestCase):
    """
    What fails is told with the step that it failed at.
    """

    def step(self, what: str, found: int) -> str:
        """
        @return: why there is no device when a step fails.
        """
        store = Store(found)
        store.failures = {what: [errno.ENOSPC]}
        failure = self.failureResultOf(self.init(store), DeviceError)
        self.assertEqual(store.calls[-1], what)
        return str(failure.getErrorMessage())

    def test_create(self) -> None:
        """
        An instance that can't be made is told.
        """
        self.assertEqual(
            self.step("create", 0),
            "console setup: could not create the console device of zone 'z':"
            " No space left on device",
        )

    def test_links(self) -> None:
        """
        Links that can't be made are told.
        """
        self.assertIn("could not create links to", self.step("links", 1))

    def test_remove(self) -> None:
        """
        Instances that can't be removed are told, and not as a failure to count.
        """
        message = self.step("remove", 2)
        self.assertIn("No space left on device", message)
        self.assertNotIn("count", message)

    def test_noText(self) -> None:
        """
        An error without a text of its own is told by what it says.
        """
        store = Store(0)

        def create() -> None:
            raise OSError("out of consoles")

        store.create = create  # type: ignore[method-assign]
        failure = self.failureResultOf(self.init(store), DeviceError)
        self.assertIn("out of consoles", failure.getErrorMessage())


class DestroyTests(InstancesTestCase):
    """
    At the end the subsidiary is released and every instance removed.
    """

    def destroy(self, store: Store) -> tuple[int, int]:
        """
        Remove every instance.
        """
        done = Deferred.fromCoroutine(destroyInstances(store, "z"))
        result: tuple[int, int] = self.successResultOf(done)
        return result

    def test_one(self) -> None:
        """
        One instance is removed without a word.
        """
        store = Store(1)
        self.assertEqual(self.destroy(store), (1, 1))
        self.assertEqual((store.calls, self.warnings), (["release", "remove"], []))

    def test_several(self) -> None:
        """
        That there were several is told, and how many could be removed.
        """
        store = Store(3)
        store.kept = 1
        self.assertEqual(self.destroy(store), (2, 3))
        self.assertEqual(
            self.warnings,
            [
                "WARNING: multiple zone console instances detected for zone 'z';"
                " 2 of 3 successfully removed."
            ],
        )

    def test_notReleased(self) -> None:
        """
        A subsidiary that can't be released keeps no instance from being removed.
        """
        store = Store(1)
        store.failures = {"release": [errno.EBADF]}
        self.assertEqual(self.destroy(store), (1, 1))
        self.assertEqual(
            self.warnings,
            [
                "WARNING: error while releasing subsidiary handle of zone console for"
                " z: Bad file descriptor"
            ],
        )
