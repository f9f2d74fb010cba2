# -*- test-case-name: zcons_twisted.test.test_sweep -*-
"""
Tests for L{zcons_twisted.drivers.sweep}: ending what is left of a zone.
"""

from __future__ import annotations

import signal

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from ..drivers.sweep import (
    KILL_SECONDS,
    LOOK_SECONDS,
    LOOK_SECONDS_MAX,
    LOOKS_MAX,
    Sweep,
)
from ..testing import MemorySessions
from .zone_case import FakeDevice

GO = (signal.SIGHUP, signal.SIGCONT, signal.SIGTERM)


class SweepTests(SynchronousTestCase):
    """
    What is left of a zone is told to go, then made to go.
    """

    def setUp(self) -> None:
        """
        A zone whose leader is process 100, in a session of its own.
        """
        self.clock = Clock()
        self.device = FakeDevice()
        self.sessions = MemorySessions()
        self.sweep = Sweep(self.clock, "z", self.device, self.sessions)
        self.sweep.began(100)
        self.times = 0

    def done(self) -> None:
        """
        Count.
        """
        self.times += 1

    def begin(self, grace: float = 10.0) -> None:
        """
        End the zone.
        """
        self.sweep.begin(grace, self.done)

    def look(self, times: int = 1) -> None:
        """
        Time for some looks.
        """
        self.clock.pump([LOOK_SECONDS_MAX] * times)

    def kills(self) -> int:
        """
        @return: how often the leader's session was killed.
        """
        return self.sessions.sent.count((100, (signal.SIGKILL,)))

    def test_goesByItself(self) -> None:
        """
        A zone that goes when it is told to is done when nothing of it is left.
        """
        self.begin()
        self.assertEqual(self.sessions.sent, [(100, GO)])
        self.look(5)
        self.assertEqual(self.times, 0)
        self.sweep.reaped()
        self.look(2)
        self.assertEqual((self.times, self.kills()), (1, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_tell(self) -> None:
        """
        It may be told to go, and nothing be done besides.
        """
        self.sweep.tell()
        self.assertEqual(self.sessions.sent, [(100, GO)])
        self.assertEqual((self.times, self.clock.getDelayedCalls()), (0, []))
        self.sweep.reaped()
        self.sweep.tell()
        self.assertEqual((len(self.sessions.sent), self.times), (1, 0))

    def test_children(self) -> None:
        """
        It is not done while others of its session run.
        """
        self.sessions.left[100] = [101]
        self.begin()
        self.sweep.reaped()
        self.look(10)
        self.assertEqual(self.times, 0)
        self.sessions.left.clear()
        self.look(2)
        self.assertEqual(self.times, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_killed(self) -> None:
        """
        What is left after the grace period is killed, not before.
        """
        self.begin(1.0)
        self.clock.advance(0.98)
        self.assertEqual(self.kills(), 0)
        self.clock.advance(0.02)
        self.assertEqual(self.kills(), 1)
        self.sweep.reaped()
        self.look(2)
        self.assertEqual(self.times, 1)

    def test_noGrace(self) -> None:
        """
        Without a grace period it is killed at once.
        """
        self.begin(0.0)
        self.assertEqual(self.sessions.sent, [(100, GO), (100, (signal.SIGKILL,))])

    def test_cantBeKilled(self) -> None:
        """
        What is still there five seconds after it was killed is left alone.
        """
        self.sessions.left[100] = [101]
        self.begin(1.0)
        self.sweep.reaped()
        self.clock.advance(1.0 + KILL_SECONDS - 0.01)
        self.assertEqual(self.times, 0)
        self.look(3)
        self.assertEqual((self.times, KILL_SECONDS), (1, 5.0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cantBeKilledAndPrints(self) -> None:
        """
        That something is left alone is told once, however long it goes on printing.
        """
        self.sessions.left[100] = [101]
        self.device.printed = [1] * 5
        with capturedLogs() as events:
            self.begin(0.0)
            self.sweep.reaped()
            self.clock.advance(KILL_SECONDS)
            self.look(10)
        self.assertEqual(
            [formatEvent(event) for event in events],
            ["z: processes of session [100] can't be killed"],
        )
        self.assertEqual(self.times, 1)

    def test_looksLessOften(self) -> None:
        """
        A zone that takes its time is looked at less and less often, but twice a second,
        and at the very end of its grace period.
        """
        self.begin(10.0)
        waits = []
        while self.clock.seconds() < 10:
            (call,) = self.clock.getDelayedCalls()
            waits.append(call.getTime() - self.clock.seconds())
            self.clock.advance(waits[-1])
        self.assertEqual(max(waits), LOOK_SECONDS_MAX)
        self.assertLess(waits[0], 2 * LOOK_SECONDS)
        self.assertEqual(self.kills(), 1)

    def test_leaderIsWaitedFor(self) -> None:
        """
        A leader that was not reaped is never left alone.
        """
        self.begin(1.0)
        self.clock.pump([1.0] * 20)
        self.assertEqual(self.times, 0)
        self.sweep.reaped()
        self.look(2)
        self.assertEqual(self.times, 1)

    def test_terminalTaken(self) -> None:
        """
        A session that has taken the console for itself goes as well.
        """
        self.device.terminalOf = 200
        self.sessions.left[200] = [200]
        self.begin()
        self.sweep.reaped()
        self.assertEqual(set(self.sessions.sent), {(100, GO), (200, GO)})
        self.look(5)
        self.assertEqual(self.times, 0)
        self.device.terminalOf = 0
        self.look(2)
        self.assertEqual(self.times, 1)

    def test_nothingLeft(self) -> None:
        """
        Where nothing is left nothing is signalled: a number that was reaped may be
        somebody else's.
        """
        self.sweep.reaped()
        self.begin()
        self.look(2)
        self.assertEqual((self.times, self.sessions.sent), (1, []))

    def test_numberIsForgotten(self) -> None:
        """
        A life's number means nothing once that life is over.
        """
        self.sweep.reaped()
        self.begin()
        self.look(2)
        self.sessions.left[100] = [100]
        self.begin(0.0)
        self.look(2)
        self.assertEqual((self.times, self.sessions.sent), (2, []))

    def test_lastOutput(self) -> None:
        """
        It is done when all that was printed has been taken, not before.
        """
        self.device.printed = [5, 5, 5]
        self.sweep.reaped()
        self.begin()
        self.look(2)
        self.assertEqual(self.times, 0)
        self.look()
        self.assertEqual((self.times, self.device.drains), (1, 4))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_onMoreLook(self) -> None:
        """
        One look that finds nothing printed is not enough.
        """
        self.device.printed = [0, 7]
        self.sweep.reaped()
        self.begin()
        self.assertEqual(self.times, 0)
        self.look(2)
        self.assertEqual((self.times, self.device.printed), (1, []))

    def test_endlessOutput(self) -> None:
        """
        Somebody who prints without end keeps nobody waiting for ever.
        """
        self.device.printed = [1] * 1000
        self.sweep.reaped()
        self.begin()
        self.look(LOOKS_MAX)
        self.assertEqual(self.times, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_begunAgain(self) -> None:
        """
        Who begins again while it goes on is told in the first one's place.
        """
        self.begin()
        others: list[int] = []
        self.sweep.begin(10.0, lambda: others.append(1))
        self.sweep.reaped()
        self.look(3)
        self.assertEqual((self.times, others), (0, [1]))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_reapedBefore(self) -> None:
        """
        A leader that ends by itself begins nothing.
        """
        self.sweep.reaped()
        self.assertEqual((self.sweep.leader, self.clock.getDelayedCalls()), (0, []))
