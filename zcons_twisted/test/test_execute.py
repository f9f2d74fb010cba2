# -*- test-case-name: zcons_twisted.test.test_execute -*-
"""
Tests for L{zcons_twisted.drivers.execute}.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from ..drivers.execute import ExecDriver, makeDriver
from ..errors import BadOption
from ..events import ZoneState
from ..interfaces import DriverOptions, IConsoleDriver, IZoneLife, IZoneStates
from ..rundir import RunDirectory
from ..testing import FakeReactor, MemoryEvents


class ExecDriverTests(SynchronousTestCase):
    """
    The exec driver is a pty and a command that runs on it.
    """

    def setUp(self) -> None:
        """
        A run directory of our own.
        """
        self.reactor = FakeReactor()
        self.rundir = RunDirectory(os.path.abspath(self.mktemp()))

    def make(self, *command: str) -> IConsoleDriver:
        """
        A driver, as a plugin makes it.
        """
        return makeDriver(
            self.reactor, "z", self.rundir, DriverOptions(command), MemoryEvents()
        )

    def test_interfaces(self) -> None:
        """
        It is a driver, and its process knows the zone's state and lives its life.
        """
        driver = self.make("cat")
        verifyObject(IConsoleDriver, driver)
        verifyObject(IZoneStates, driver.states)
        verifyObject(IZoneLife, driver.life)
        self.assertIsInstance(driver, ExecDriver)
        self.assertEqual(driver.kind, "exec")

    def test_noCommand(self) -> None:
        """
        Without a command there is none.
        """
        error = self.assertRaises(BadOption, self.make)
        self.assertEqual(str(error), "zone 'z': the exec driver needs --exec COMMAND")

    def test_boots(self) -> None:
        """
        The command gets the subsidiary three times, and the server's environment.
        """
        self.patch(os, "environ", {"PATH": "/bin"})
        driver = self.make("cat", "-u")
        self.successResultOf(driver.init())
        done = driver.life.boot("")
        (process,) = self.reactor.processes
        process.begins()
        self.successResultOf(done)
        self.assertEqual(process.arguments[-2:], ["cat", "-u"])
        self.assertEqual(process.environment["PATH"], "/bin")
        self.assertIs(driver.states.state(), ZoneState.RUNNING)
        self.successResultOf(driver.destroy())

    def test_term(self) -> None:
        """
        It is told of a type of terminal: the zone's own, the server's, or one that
        every terminal understands.
        """
        for environ, option, term in (
            ({}, "", "vt100"),
            ({"TERM": ""}, "", "vt100"),
            ({"TERM": "linux"}, "", "linux"),
            ({"TERM": "linux"}, "xterm", "xterm"),
        ):
            self.patch(os, "environ", environ)
            driver = makeDriver(
                self.reactor,
                "z",
                self.rundir,
                DriverOptions(("cat",), term=option),
                MemoryEvents(),
            )
            self.successResultOf(driver.init())
            driver.life.boot("")
            process = self.reactor.processes.pop()
            self.assertEqual(process.environment["TERM"], term)
            self.successResultOf(driver.destroy())

    def test_noDevice(self) -> None:
        """
        Without a device nothing boots.
        """
        done = self.make("cat").life.boot("")
        self.reactor.pump([0.02] * 3)
        self.assertIn("did not boot", self.failureResultOf(done).getErrorMessage())
        self.assertEqual(self.reactor.processes, [])
