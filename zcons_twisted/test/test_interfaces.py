# -*- test-case-name: zcons_twisted.test.test_interfaces -*-
"""
Tests for L{zcons_twisted.interfaces}: what those who write drivers rely on.
"""

from __future__ import annotations

import dataclasses

from twisted.plugin import IPlugin
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyClass

from .. import interfaces
from ..drivers.execute import ExecDriver
from ..drivers.maker import DriverMaker
from ..drivers.manager import PtyManager
from ..drivers.pty import PtyDriver
from ..drivers.zone_process import ZoneProcess
from ..service import ZoneConsoleService


class InterfacesTests(SynchronousTestCase):
    """
    What is promised is there, and our own classes keep it.
    """

    def test_ourOwn(self) -> None:
        """
        Every class of ours that provides an interface has all of it.
        """
        for interface, ours in (
            (interfaces.IConsoleDriver, PtyDriver),
            (interfaces.IConsoleDriver, ExecDriver),
            (interfaces.IConsoleDriverMaker, DriverMaker),
            (interfaces.IManagerDevice, PtyManager),
            (interfaces.IZoneStates, ZoneProcess),
            (interfaces.IZoneLife, ZoneProcess),
            (interfaces.IZoneEvents, ZoneConsoleService),
        ):
            self.assertTrue(interface.implementedBy(ours), ours)
            verifyClass(interface, ours, tentative=True)

    def test_plugins(self) -> None:
        """
        What makes drivers is a plugin, which is how it is found.
        """
        self.assertTrue(interfaces.IConsoleDriverMaker.extends(IPlugin))

    def test_documented(self) -> None:
        """
        Everything that somebody has to write says what it is to do.
        """
        for name in interfaces.__all__:
            if name != "DriverOptions":
                for method, described in getattr(
                    interfaces, name
                ).namesAndDescriptions():
                    self.assertTrue(described.__doc__, f"{name}.{method}")

    def test_options(self) -> None:
        """
        A zone that nothing was said of runs no command and no container, is not started
        again and is connected to nothing.
        """
        options = interfaces.DriverOptions()
        self.assertEqual(
            dataclasses.astuple(options),
            ((), "never", 10.0, "", (), "", "", "", "", "", ""),
        )
        self.assertRaises(
            dataclasses.FrozenInstanceError, setattr, options, "grace", 1.0
        )
