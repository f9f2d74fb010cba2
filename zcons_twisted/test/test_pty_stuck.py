# -*- test-case-name: zcons_twisted.test.test_pty_stuck -*-
"""
Tests for L{zcons_twisted.drivers.pty}: input that waits while the zone hangs up.
"""

from __future__ import annotations

import os
import tty

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent

from ..drivers import hold
from ..drivers.hold import ASK_SECONDS
from ..nexus.pair import unstick
from .pty_case import PtyTestCase


class StuckTests(PtyTestCase):
    """
    A hang-up tells nobody that the terminal takes input again.
    """

    def waiting(self) -> None:
        """
        Somebody waits to write.
        """
        self.manager = self.driver.open(self.receiver)
        self.manager.wantWritable()

    def test_askedAgain(self) -> None:
        """
        Who waits to write is asked to try again, at once and for as long as it waits.
        """
        self.init()
        self.waiting()
        asked: list[float] = []
        assert self.driver._manager is not None
        again = self.driver._manager.askAgain

        def askAgain() -> bool:
            asked.append(self.reactor.seconds())
            return again()

        self.patch(self.driver._manager, "askAgain", askAgain)
        self.patch(hold, "unstick", lambda subsidiary: False)
        self.hangUp()
        for _ in range(40):
            self.reactor.advance(0.1)
        self.assertEqual(asked[0], 0)
        self.assertGreater(len(asked), len(ASK_SECONDS) + 1)
        self.assertEqual(self.reactor.getWriters(), [self.driver._manager])

    def test_nobodyWaits(self) -> None:
        """
        Where nobody waits it is soon left alone, and never emptied.
        """
        self.init()
        self.driver.open(self.receiver)
        self.patch(hold, "unstick", self.fail)
        self.hangUp()
        for _ in range(len(ASK_SECONDS)):
            self.reactor.advance(max(ASK_SECONDS))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_emptied(self) -> None:
        """
        A terminal that is stuck is emptied, and the log says so.
        """
        self.init()
        self.waiting()
        self.patch(hold, "unstick", lambda subsidiary: True)
        with capturedLogs() as events:
            self.hangUp()
            self.reactor.advance(ASK_SECONDS[0])
        self.assertIn(
            "z: the hang-up left the console stuck: it is emptied",
            [formatEvent(event) for event in events],
        )

    def test_destroyed(self) -> None:
        """
        A device that is removed meanwhile is asked nothing any more.
        """
        self.init()
        self.waiting()
        self.hangUp()
        self.manager.close()
        self.successResultOf(self.driver.destroy())
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_readable(self) -> None:
        """
        A terminal with something for its reader is not stuck, and keeps it.
        """
        self.init()
        zone = self.openZone()
        tty.setraw(zone)
        os.write(self.pair.master, b"typed")
        self.arrives(zone)
        self.assertFalse(unstick(zone))
        self.assertEqual(os.read(zone, 100), b"typed")

    def test_empty(self) -> None:
        """
        One with nothing for its reader may be stuck; to empty it harms nobody.
        """
        self.init()
        self.assertTrue(unstick(self.openZone()))

    def test_gone(self) -> None:
        """
        One that is gone is nothing to see to.
        """
        self.init()
        zone = self.openZone()
        self.successResultOf(Deferred.fromCoroutine(self.driver.remove()))
        self.assertFalse(unstick(zone))
