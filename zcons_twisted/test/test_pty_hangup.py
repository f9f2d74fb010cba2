# -*- test-case-name: zcons_twisted.test.test_pty_hangup -*-
"""
Tests for L{zcons_twisted.drivers.pty}: input that waits while the zone hangs up.
"""

from __future__ import annotations

import os
import tty

from ..drivers import manager
from ..drivers.hold import ASK_SECONDS
from ..nexus.pair import TERMINAL_MAX
from .pty_case import PtyTestCase


class WaitingTests(PtyTestCase):
    """
    A hang-up tells nobody that the terminal takes input again.
    """

    def setUp(self) -> None:
        """
        There is a device, in use by one who writes down when it is told to try.
        """
        super().setUp()
        self.init()
        self.tries: list[float] = []
        self.patch(self.receiver, "writable", self.writable)
        self.manager = self.driver.open(self.receiver)

    def writable(self) -> None:
        """
        Try, in vain for as long as the terminal is full.
        """
        self.tries.append(self.reactor.seconds())
        if self.full:
            self.manager.wantWritable()

    def wait(self, full: bool) -> None:
        """
        Somebody waits to write.
        """
        self.full = full
        self.manager.wantWritable()

    def elapse(self, seconds: int) -> None:
        """
        Let time pass.
        """
        for _ in range(10 * seconds):
            self.reactor.advance(0.1)

    def test_tried(self) -> None:
        """
        Who waits to write tries it at once, and again for as long as it waits: it is
        writing that sets a full terminal going again.
        """
        self.wait(full=True)
        self.hangUp()
        self.assertEqual(self.tries, [0])
        self.elapse(10)
        self.assertGreater(len(self.tries), 10)
        self.assertEqual(self.reactor.getWriters(), [self.manager])

    def test_taken(self) -> None:
        """
        Once it could write it is left alone.
        """
        self.wait(full=True)
        self.hangUp()
        self.full = False
        self.elapse(10)
        self.assertEqual(len(self.tries), 2)
        self.assertEqual(self.reactor.getWriters(), [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_waitsLater(self) -> None:
        """
        Who comes to wait only after the hang-up tries it as well.
        """
        self.hangUp()
        self.reactor.advance(sum(ASK_SECONDS[:2]))
        self.wait(full=True)
        self.elapse(10)
        self.assertGreater(len(self.tries), 5)

    def test_nobodyWaits(self) -> None:
        """
        Where nobody waits nobody tries, and it is soon over.
        """
        self.hangUp()
        for _ in range(len(ASK_SECONDS)):
            self.reactor.advance(max(ASK_SECONDS))
        self.assertEqual(self.tries, [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_setGoing(self) -> None:
        """
        Where the terminal may have been given more than lies ready in it, the kernel is
        told to go on with that; not again once the zone has read it, for that costs who
        reads just then.
        """
        told: list[int] = []
        self.patch(manager, "setGoing", told.append)
        fd = self.openZone()
        tty.setraw(fd)
        for size, times in ((TERMINAL_MAX, 0), (1, 1), (0, 2)):
            self.manager.writeNow(b"x" * size)
            self.hangUp()
            self.assertEqual(len(told), times)
        self.elapse(10)
        # Nobody has read it yet.
        self.hangUp()
        self.assertEqual(len(told), 3)
        left = TERMINAL_MAX + 1
        while left:
            self.arrives(fd)
            left -= len(os.read(fd, left))
        self.elapse(10)
        self.hangUp()
        self.assertEqual(len(told), 3)

    def test_destroyed(self) -> None:
        """
        A device that is removed meanwhile is asked nothing any more.
        """
        self.wait(full=True)
        self.hangUp()
        self.manager.close()
        self.successResultOf(self.driver.destroy())
        self.assertEqual(self.reactor.getDelayedCalls(), [])
