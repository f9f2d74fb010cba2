# -*- test-case-name: zcons_twisted.test.test_pty -*-
"""
A pty driver, for the tests of what it does.
"""

from __future__ import annotations

import os
import select

from twisted.trial.unittest import SynchronousTestCase

from ..drivers.pty import PtyDriver
from ..nexus.pair import PtyInstance
from ..rundir import RunDirectory
from ..testing import FakeReactor, MemoryReceiver


class PtyTestCase(SynchronousTestCase):
    """
    A pty driver in a run directory of its own.
    """

    def setUp(self) -> None:
        """
        There is no device yet.
        """
        self.reactor = FakeReactor()
        self.rundir = RunDirectory(os.path.abspath(self.mktemp()))
        self.driver = self.make("z")
        self.receiver = MemoryReceiver()

    def make(self, zone: str) -> PtyDriver:
        """
        The driver of a zone.
        """
        driver = PtyDriver(self.reactor, zone, self.rundir)
        self.addCleanup(driver.destroy)
        return driver

    def init(self) -> None:
        """
        Have a device.
        """
        self.successResultOf(self.driver.init())

    @property
    def pair(self) -> PtyInstance:
        """
        The driver's pair.
        """
        assert self.driver.pair is not None
        return self.driver.pair

    def arrives(self, fd: int) -> None:
        """
        The kernel takes its own time to hand bytes from one end of a pty to the other:
        wait for them, and for nothing else.
        """
        self.assertEqual(select.select([fd], [], [], 60)[0], [fd])
        self.reactor.settle()

    def hangUp(self) -> None:
        """
        What vhangup(2) makes of the hold, which only root may do.
        """
        hold = self.driver._hold
        assert hold._watch is not None
        hold._watch.stop()
        hold._hungUp()

    def openZone(self) -> int:
        """
        The zone opens its console by the link that it finds.
        """
        fd = os.open(self.driver.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.addCleanup(os.close, fd)
        return fd
