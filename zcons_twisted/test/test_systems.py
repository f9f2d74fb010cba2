# -*- test-case-name: zcons_twisted.test.test_systems -*-
"""
Tests for L{zcons_twisted.systems}.
"""

from __future__ import annotations

import os
import select
import sys

from twisted.trial.unittest import SynchronousTestCase

from .. import systems
from ..systems import hasConsoleDevices, hasEpoll


class SystemsTests(SynchronousTestCase):
    """
    Systems are told apart where that makes a difference.
    """

    def test_epoll(self) -> None:
        """
        Epoll is relied upon on Linux alone, and where Python has it.
        """
        self.patch(select, "epoll", object)
        for platform, has in (("linux", True), ("sunos5", False)):
            self.patch(sys, "platform", platform)
            self.assertIs(hasEpoll(), has)
        self.patch(sys, "platform", "linux")
        del select.epoll
        self.assertFalse(hasEpoll())

    def test_consoleDevices(self) -> None:
        """
        One like illumos gives its zones a console device.
        """
        missing = os.path.abspath(self.mktemp())
        self.patch(systems, "CONSOLE_DEVICES", missing)
        for platform, has in (("linux", False), ("sunos5", True)):
            self.patch(sys, "platform", platform)
            self.assertIs(hasConsoleDevices(), has)
        self.patch(sys, "platform", "linux")
        os.mkdir(missing)
        self.assertTrue(hasConsoleDevices())
