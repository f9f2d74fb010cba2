# -*- test-case-name: zcons_twisted.test.test_oci_ending -*-
"""
Tests for L{zcons_twisted.oci.ending}.
"""

from __future__ import annotations

import os
import signal

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from ..drivers.sweep import KILL_SECONDS, LOOK_SECONDS, LOOKS_MAX
from ..oci.ending import CLEAN_SECONDS, ContainerEnd, leftovers
from ..oci.shim import LIFE_PREFIX
from ..testing import FakeReactor
from .zone_case import FakeDevice

PID = 2**22 + 7


class ContainerEndTests(SynchronousTestCase):
    """
    A container is ended by its shim, or for it.
    """

    def setUp(self) -> None:
        """
        It runs.
        """
        self.reactor = FakeReactor()
        self.device = FakeDevice()
        self.home = self.mktemp()
        os.mkdir(self.home)
        self.signals: list[tuple[int, int]] = []
        self.done = 0
        self.end = ContainerEnd(
            self.reactor, "z", self.device, self.home, ("clean", "it"), self.signal
        )
        self.end.began(PID)

    def signal(self, pid: int, number: int) -> None:
        """
        Remember a signal.
        """
        self.signals.append((pid, number))

    def begin(self, grace: float = 10.0) -> None:
        """
        It is to end.
        """
        self.end.begin(grace, self.ended)

    def ended(self) -> None:
        """
        Nothing is left.
        """
        self.done += 1

    def leave(self) -> None:
        """
        Have a life leave something behind.
        """
        os.mkdir(os.path.join(self.home, f"{LIFE_PREFIX}1"))

    def look(self, times: int = 1) -> None:
        """
        Time for looks at what was printed.
        """
        for _ in range(times):
            self.reactor.advance(LOOK_SECONDS)

    def test_inOrder(self) -> None:
        """
        The shim is told to stop the container, and its end is told when all that was
        printed has been taken.
        """
        self.begin()
        self.assertEqual(self.signals, [(PID, signal.SIGTERM)])
        self.reactor.advance(5)
        self.device.printed = [0, 7, 5]
        self.end.reaped()
        self.look(2)
        self.assertEqual(self.done, 0)
        self.look(2)
        self.assertEqual((self.done, self.device.drains), (1, 4))
        self.assertEqual(self.end.leader, 0)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_tell(self) -> None:
        """
        The shim may be told to stop the container, and nothing be done besides; or to
        let it begin.
        """
        self.end.tell()
        self.end.let()
        self.assertEqual(self.signals, [(PID, signal.SIGTERM), (PID, signal.SIGUSR1)])
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.end.reaped()
        self.end.tell()
        self.assertEqual((len(self.signals), self.done), (2, 0))

    def test_stubborn(self) -> None:
        """
        When its grace is over it is killed, and when that does not help so is the
        shim.
        """
        self.begin(3)
        self.reactor.advance(2.9)
        self.assertEqual(len(self.signals), 1)
        self.reactor.advance(0.2)
        self.assertEqual(self.signals[1:], [(PID, signal.SIGQUIT)])
        self.reactor.advance(KILL_SECONDS - 0.2)
        self.assertEqual(len(self.signals), 2)
        self.reactor.advance(0.2)
        self.assertEqual(self.signals[2:], [(PID, signal.SIGKILL)])

    def test_again(self) -> None:
        """
        A second request to end it begins the grace period anew.
        """
        self.begin(3)
        self.reactor.advance(2)
        self.begin(3)
        self.reactor.advance(2)
        self.assertEqual([number for _, number in self.signals], [15, 15])

    def test_ended(self) -> None:
        """
        One that has ended by itself is not signalled.
        """
        self.end.reaped()
        self.begin()
        self.look()
        self.assertEqual((self.signals, self.done), ([], 1))

    def test_vanishes(self) -> None:
        """
        A shim that ends at that very moment is no error.
        """

        def gone(pid: int, number: int) -> None:
            raise ProcessLookupError

        self.end._signal = gone
        self.begin()
        self.end.reaped()
        self.look()
        self.assertEqual(self.done, 1)

    def test_chatty(self) -> None:
        """
        Somebody who goes on writing is not waited for without end.
        """
        self.device.printed = [1] * 1000
        self.end.reaped()
        self.begin()
        self.look(LOOKS_MAX - 1)
        self.assertEqual(self.done, 0)
        self.look()
        self.assertEqual(self.done, 1)

    def test_leftovers(self) -> None:
        """
        What a shim leaves behind is removed before the end is told.
        """
        self.leave()
        self.begin()
        with capturedLogs() as told:
            self.end.reaped()
            # And again, while that is under way.
            self.end.reaped()
        self.assertEqual(
            [formatEvent(event) for event in told],
            [
                "z: the container's shim has ended before its container: removing what"
                " is left"
            ],
        )
        (process,) = self.reactor.processes
        self.assertEqual(process.arguments, ["clean", "it"])
        self.look(9)
        self.assertEqual(self.done, 0)
        process.ends()
        self.look(2)
        self.assertEqual(self.done, 1)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_cannotClean(self) -> None:
        """
        Where that can't be, it is told why, and the zone ends all the same.
        """
        self.leave()
        self.end.reaped()
        self.begin()
        (process,) = self.reactor.processes
        with capturedLogs() as told:
            process.protocol.childDataReceived(2, b"much\n\x1bwhy\n")
            process.ends(1)
        (event,) = told
        self.assertEqual(
            formatEvent(event),
            "z: what is left of the container can't be removed: \\x1bwhy",
        )
        self.look(2)
        self.assertEqual(self.done, 1)

    def test_cleaningHangs(self) -> None:
        """
        What does not come to an end is killed.
        """
        self.leave()
        self.end.reaped()
        self.begin()
        (process,) = self.reactor.processes
        self.reactor.advance(CLEAN_SECONDS - 0.1)
        self.assertEqual(process.signals, [])
        self.reactor.advance(0.2)
        self.assertEqual(process.signals, ["KILL"])
        self.assertEqual(CLEAN_SECONDS, 60)

    def test_stop(self) -> None:
        """
        What is left as it is gets no more signals, and nothing is told.
        """
        self.begin(3)
        self.end.stop()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.end.reaped()
        self.assertEqual(self.done, 0)

    def test_stopWhileCleaning(self) -> None:
        """
        Nor after a removal that was under way.
        """
        self.leave()
        self.end.reaped()
        self.begin()
        self.end.stop()
        self.reactor.processes[0].ends()
        self.assertEqual((self.done, self.reactor.getDelayedCalls()), (0, []))

    def test_leftoversOf(self) -> None:
        """
        Lives' directories are left over, other things are not.
        """
        self.leave()
        os.mkdir(os.path.join(self.home, "s"))
        self.assertEqual(leftovers(self.home), [f"{LIFE_PREFIX}1"])
        self.assertEqual(leftovers(self.mktemp()), [])
