# -*- test-case-name: zcons_twisted.test.test_maker -*-
"""
Tests for L{zcons_twisted.drivers.maker}, and for the plugins that come with us.
"""

from __future__ import annotations

import os

from twisted.application.service import IServiceMaker
from twisted.plugin import IPlugin, getPlugins
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from ..drivers.maker import findDriverMaker
from ..errors import BadOption
from ..interfaces import DriverOptions, IConsoleDriverMaker
from ..rundir import RunDirectory
from ..tap import Options
from ..testing import FakeReactor, MemoryEvents


class DriverMakerTests(SynchronousTestCase):
    """
    Drivers are found through Twisted's plugins.
    """

    def test_found(self) -> None:
        """
        The drivers that come with us are there, each with a line that says what it is.
        """
        for name in ("pty", "exec", "endpoint", "zcons"):
            maker = findDriverMaker(name)
            verifyObject(IConsoleDriverMaker, maker)
            verifyObject(IPlugin, maker)
            self.assertEqual(maker.name, name)
            self.assertTrue(maker.description)

    def test_made(self) -> None:
        """
        Each makes drivers of its own kind.
        """
        rundir = RunDirectory(os.path.abspath(self.mktemp()))
        options = DriverOptions(("cat",), endpoint="unix:/nowhere")
        for name in ("pty", "exec", "endpoint"):
            driver = findDriverMaker(name).driver(
                FakeReactor(), "z", rundir, options, MemoryEvents()
            )
            self.assertEqual(driver.kind, name)

    def test_unknown(self) -> None:
        """
        A driver that there is not is refused, with those that there are.
        """
        error = self.assertRaises(BadOption, findDriverMaker, "zcons\n")
        self.assertEqual(
            str(error),
            "there is no driver 'zcons\\n': choose one of endpoint, exec, oci, pty,"
            " zcons",
        )


class ServicePluginTests(SynchronousTestCase):
    """
    twistd finds us.
    """

    def test_found(self) -> None:
        """
        C{zconsole} is one of twistd's commands, once, and has our options.
        """
        (maker,) = [
            each for each in getPlugins(IServiceMaker) if each.tapname == "zconsole"
        ]
        self.assertIs(maker.options, Options)
        self.assertTrue(maker.description)
