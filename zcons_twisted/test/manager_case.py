# -*- test-case-name: zcons_twisted.test.test_manager -*-
"""
A manager over a socket pair, for the tests of what it does.
"""

from __future__ import annotations

import os
import socket

from twisted.trial.unittest import SynchronousTestCase

from ..drivers.manager import PtyManager
from ..testing import FakeReactor, MemoryReceiver


class ManagerTestCase(SynchronousTestCase):
    """
    A socket pair in a pty pair's place: a pty hands bytes on in its own time, which no
    test could know.
    """

    def setUp(self) -> None:
        """
        The manager is open, and paused as it begins.
        """
        self.reactor = FakeReactor()
        self.pair = socket.socketpair()
        for each in self.pair:
            self.addCleanup(each.close)
            each.setblocking(False)
        self.master, self.zone = (each.fileno() for each in self.pair)
        self.receiver = MemoryReceiver()
        self.holds: list[bool] = []
        self.manager = self.open()

    def open(self) -> PtyManager:
        """
        Open the manager.
        """
        fd = os.dup(self.master)
        manager = PtyManager(self.reactor, fd, self.receiver, self.holdAnew)
        self.addCleanup(manager.close)
        return manager

    def holdAnew(self) -> bool:
        """
        Hold as the test said.
        """
        return bool(self.holds) and self.holds.pop(0)

    def fails(self, *numbers: int) -> None:
        """
        The next reads fail.
        """
        left = list(numbers)
        read = os.read

        def failing(fd: int, size: int) -> bytes:
            if left:
                number = left.pop(0)
                raise OSError(number, os.strerror(number))
            return read(fd, size)

        self.patch(os, "read", failing)
