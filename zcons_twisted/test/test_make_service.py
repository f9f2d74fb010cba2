# -*- test-case-name: zcons_twisted.test.test_make_service -*-
"""
Tests for L{zcons_twisted.tap}: the server that the options ask for.
"""

from __future__ import annotations

import os
import signal

from twisted.trial.unittest import SynchronousTestCase

from ..rundir import RunDirectory
from ..server import ConsoleServer
from ..tap import makeService
from ..testing import FakeReactor
from .support import shortDirectory
from .test_tap import parsed


class MakeServiceTests(SynchronousTestCase):
    """
    C{twistd zconsole} starts a server that can be started, or says why not.
    """

    def setUp(self) -> None:
        """
        A run directory that is not there yet, and signals as they were afterwards.
        """
        self.reactor = FakeReactor()
        self.path = os.path.join(shortDirectory(self), "zones")
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    def make(self, *words: str) -> ConsoleServer:
        """
        The server of a command line, stopped when the test is over.
        """
        made = makeService(
            parsed("--rundir", self.path, "--nexus", "none", "--zone", "z", *words),
            self.reactor,
        )
        assert isinstance(made, ConsoleServer)
        self.addCleanup(self.reactor.settle)
        self.addCleanup(made.stopService)
        return made

    def line(self, *words: str) -> str:
        """
        @return: why a server can't be made.
        """
        stop = self.assertRaises(SystemExit, self.make, *words)
        return str(stop.code)

    def test_make(self) -> None:
        """
        The server has its zones; all that is made is the directory.
        """
        server = self.make("--zone", "y")
        self.assertEqual([zone.zone for zone in server.zones()], ["z", "y"])
        self.assertEqual(os.listdir(self.path), [])
        self.assertEqual(self.reactor.getReaders(), [])

    def test_start(self) -> None:
        """
        Started as twistd does it, it serves its zones.
        """
        server = self.make()
        server.privilegedStartService()
        server.startService()
        self.assertEqual(RunDirectory(self.path).zones(), ["z"])

    def test_group(self) -> None:
        """
        A group that was named may come in.
        """
        server = self.make("--group", str(os.getegid()))
        server.startService()
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o750)

    def test_unsafeDirectory(self) -> None:
        """
        A directory that can't be trusted is told before anything is started.
        """
        os.mkdir(self.path)
        os.chmod(self.path, 0o777)
        self.assertIn("may be written by others", self.line())

    def test_cantBeMade(self) -> None:
        """
        So is one that can't be made.
        """
        self.path = "/proc/zones"
        self.assertIn("twistd zconsole: run directory /proc/zones", self.line())

    def test_unknownDriver(self) -> None:
        """
        So is a driver that there is not.
        """
        told = self.line("--driver", "x")
        self.assertIn("choose one of endpoint, exec, oci, pty", told)

    def test_served(self) -> None:
        """
        So is a zone that another server serves.
        """
        self.make().startService()
        self.assertIn(f"already served by process {os.getpid()}", self.line())

    def test_servedMeanwhile(self) -> None:
        """
        What goes wrong later is told in one line as well.
        """
        first, second = self.make(), self.make()
        first.startService()
        stop = self.assertRaises(SystemExit, second.privilegedStartService)
        self.assertIn("twistd zconsole: zone 'z' is already served", str(stop.code))

    def test_defaultDirectory(self) -> None:
        """
        Without a directory it is the user's own, or root's.
        """
        self.patch(os, "geteuid", lambda: 4711)
        self.patch(os, "environ", {})
        stop = self.assertRaises(
            SystemExit, makeService, parsed("--zone", "z"), self.reactor
        )
        self.assertIn("XDG_RUNTIME_DIR is not set", str(stop.code))

    def test_stopsWithTheLastZone(self) -> None:
        """
        When the last console has ended by itself, the server ends.
        """
        server = self.make("--on-halt", "exit")
        server.startService()
        server.zones()[0].event(0)  # type: ignore[arg-type]
        self.reactor.settle()
        self.assertEqual(self.reactor.stops, 1)

    def test_hangup(self) -> None:
        """
        A server whose terminal goes ends in good order.
        """
        self.make().startService()
        os.kill(os.getpid(), signal.SIGHUP)
        self.assertEqual(self.reactor.stops, 0)
        self.reactor.settle()
        self.assertEqual(self.reactor.stops, 1)

    def test_nohup(self) -> None:
        """
        One that was told to outlive its terminal does.
        """
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.make().startService()
        os.kill(os.getpid(), signal.SIGHUP)
        self.reactor.settle()
        self.assertEqual(self.reactor.stops, 0)
