# -*- test-case-name: zcons_twisted.test.test_twistd_server -*-
"""
Tests for L{zcons_twisted.twistd_server}: a server with a configuration file, signals
and a manager.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import sys
from typing import Any, cast

from twisted.application.service import Application
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.logger import ILogObserver
from twisted.python.failure import Failure

from .. import tap
from ..console import OnHalt
from ..rundir import RunDirectory
from ..systemd.journal import JournalObserver
from ..twistd_server import TwistdServer
from ..zone_config import ZoneConfig
from .service_case import ServiceTestCase
from .test_tap import parsed


class TwistdServerTestCase(ServiceTestCase):
    """
    A configuration file, and signals as they were afterwards.
    """

    def setUp(self) -> None:
        """
        The environment is a test's own.
        """
        super().setUp()
        self.environ: dict[str, str] = {}
        self.patch(os, "environ", self.environ)
        self.settled: list[list[str]] = []
        self.patch(tap, "settle", lambda: self.settled.append(self.rundir.zones()))
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        self.base = os.path.dirname(self.rundir.path)
        self.file = os.path.join(self.base, "zones.toml")
        self.lines: list[str] = []

    def write(self, text: str) -> None:
        """
        This is in the file.
        """
        with open(self.file, "w") as file:
            file.write(text)

    def make(self, *words: str) -> TwistdServer:
        """
        The server, not started yet.
        """
        own = ("--nexus", "none", "--rundir", self.rundir.path, "--config", self.file)
        options = parsed(*own, *words)
        made = tap.makeService(options, self.reactor)
        assert isinstance(made, TwistdServer)
        self.addCleanup(self.stop, made)
        return made

    def start(self, text: str, *words: str) -> TwistdServer:
        """
        A server that runs.
        """
        self.write(text)
        made = self.make(*words)
        made.privilegedStartService()
        made.startService()
        self.reactor.settle()
        return made

    def hangUp(self) -> None:
        """
        SIGHUP.
        """
        os.kill(os.getpid(), signal.SIGHUP)
        for _ in range(3):
            self.reactor.settle()
            self.reactor.advance(1)


class ConfigTests(TwistdServerTestCase):
    """
    A server serves what its file says.
    """

    def told(self, *words: str) -> str:
        """
        Why there is no server.
        """
        return str(self.assertRaises(SystemExit, self.make, *words).code)

    def test_served(self) -> None:
        """
        Its zones are served, and those of the command line.
        """
        self.start("[zones.a]\n[zones.b]", "--zone", "c")
        self.assertEqual(self.rundir.zones(), ["a", "b", "c"])

    def test_settled(self) -> None:
        """
        What it has is taken for what stays once all zones are served, and anew after
        each change.
        """
        self.start("[zones.a]\n[zones.b]")
        self.assertEqual(self.settled, [["a", "b"]])
        self.write("[zones.b]\n[zones.c]")
        self.hangUp()
        self.assertEqual(self.settled, [["a", "b"], ["b", "c"]])

    def test_bad(self) -> None:
        """
        All that is wrong is told, a line each, and nothing is made.
        """
        self.write("[zones.a]\nx = 1\n[zones.b]\ny = 1\n")
        self.assertEqual(
            self.told(),
            f"{self.file}:2: zone 'a': option 'x' is not known\n"
            f"{self.file}:4: zone 'b': option 'y' is not known",
        )
        self.assertFalse(os.path.exists(self.rundir.path))

    def test_check(self) -> None:
        """
        A check says the same, or that nothing is wrong, and makes nothing either.
        """
        self.write("[zones.a]\nx = 1\n")
        self.assertIn(":2: zone 'a'", self.told("--check"))
        self.write("[zones.a]\n")
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            stop = self.assertRaises(SystemExit, self.make, "--check")
        self.assertEqual(stop.code, 0)
        self.assertEqual(out.getvalue(), f"{self.file}: no errors, 1 zones\n")
        self.assertFalse(os.path.exists(self.rundir.path))

    def test_checkWhileServed(self) -> None:
        """
        A file can be checked while a server serves it.
        """
        self.start("[zones.a]\n")
        with contextlib.redirect_stdout(io.StringIO()):
            stop = self.assertRaises(SystemExit, self.make, "--check")
        self.assertEqual(stop.code, 0)

    def test_stoppedTwice(self) -> None:
        """
        A signal that comes when the server has ended by itself is no error.
        """
        stops: list[int] = []

        def stop() -> None:
            if stops:
                raise ReactorNotRunning
            stops.append(1)

        self.patch(self.reactor, "stop", stop)
        self.start("[zones.a]")
        for _ in range(2):
            self.reactor.stop()
        self.assertEqual(stops, [1])

    def test_empty(self) -> None:
        """
        A server of no zones waits for some.
        """
        server = self.start("")
        self.assertEqual((server.zones(), self.reactor.stops), ([], 0))
        self.write("[zones.a]")
        self.hangUp()
        self.assertEqual(self.rundir.zones(), ["a"])


class ReloadTests(TwistdServerTestCase):
    """
    SIGHUP has the file read anew.
    """

    def test_hangup(self) -> None:
        """
        What has changed in it is changed, and the server goes on.
        """
        server = self.start("[zones.a]\n[zones.b]\n")
        kept = server.zones()[0]
        self.write('[zones.a]\non-halt = "exit"\n[zones.c]\n')
        self.hangUp()
        self.assertEqual(self.rundir.zones(), ["a", "c"])
        self.assertIs(server.zones()[0], kept)
        self.assertEqual(kept.config, ZoneConfig("a", onHalt=OnHalt.EXIT))
        self.assertEqual(self.reactor.stops, 0)

    def test_nohup(self) -> None:
        """
        It does even where it was ignored before: with a file, it does not stop.
        """
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.start("[zones.a]\n")
        self.write("[zones.b]\n")
        self.hangUp()
        self.assertEqual(self.rundir.zones(), ["b"])

    def test_bad(self) -> None:
        """
        A file with an error changes nothing, and the next one is read all the same.
        """
        self.start("[zones.a]\n")
        for bad in ("[zones.b]\nx = 1", "[", '[server]\nrundir = "/x"\n[zones.b]'):
            self.write(bad)
            self.hangUp()
            if "rundir" not in bad:
                self.assertEqual(self.rundir.zones(), ["a"])
        os.unlink(self.file)
        self.hangUp()
        self.write("[zones.c]")
        self.hangUp()
        self.assertEqual(self.rundir.zones(), ["c"])

    def test_mended(self) -> None:
        """
        And sockets that somebody has removed are made again, whatever is in the file.
        """
        self.start("[zones.a]\n")
        for text in ("[zones.a]\n", "["):
            self.write(text)
            os.unlink(self.rundir.consoleSocket("a"))
            self.hangUp()
            self.attach("a").close()
        with open(self.rundir.lockFile("a")) as file:
            self.assertEqual(file.read(), f"{os.getpid()}\nHUP\n")

    def test_mendedWithoutFile(self) -> None:
        """
        Without a file that is what SIGUSR2 is for: SIGHUP stops the server.
        """
        self.addCleanup(signal.signal, signal.SIGUSR2, signal.getsignal(signal.SIGUSR2))
        signal.signal(signal.SIGUSR2, signal.SIG_DFL)
        own = ("--nexus", "none", "--rundir", self.rundir.path, "--zone", "a")
        server = tap.makeService(parsed(*own), self.reactor)
        assert isinstance(server, TwistdServer)
        self.addCleanup(self.stop, server)
        server.privilegedStartService()
        server.startService()
        self.reactor.settle()
        self.assertIn("no configuration file", self.reload(server))
        os.unlink(self.rundir.consoleSocket("a"))
        with open(self.rundir.lockFile("a")) as file:
            self.assertEqual(file.read(), f"{os.getpid()}\nUSR2\n")
        os.kill(os.getpid(), signal.SIGUSR2)
        for _ in range(3):
            self.reactor.settle()
        self.attach("a").close()
        os.unlink(self.rundir.consoleSocket("a"))
        self.assertEqual(
            self.reload(server),
            "zones: 1 with sockets or links made again, 1 untouched",
        )
        self.assertEqual(self.reactor.stops, 0)

    def reload(self, server: TwistdServer) -> str:
        """
        What comes of a reload that somebody asks for at the control door.
        """
        asked = server._parts.reload
        assert asked is not None
        told: list[object] = []
        asked().addBoth(told.append)
        self.reactor.settle()
        (result,) = told
        if isinstance(result, Failure):
            return str(result.getErrorMessage())
        return str(result)

    def test_shard(self) -> None:
        """
        A shard stays one.
        """
        text = "".join(f"[zones.z{n}]\n" for n in range(20))
        server = self.start("", "--shard", "2/4")
        self.write(text)
        self.hangUp()
        names = {zone.zone for zone in server.zones()}
        self.assertGreater(len(names), 1)
        self.assertLess(len(names), 12)

    def test_afterStop(self) -> None:
        """
        A server that stops reads nothing any more.
        """
        server = self.start("[zones.a]\n")
        self.stop(server)
        self.write("[zones.b]\n")
        self.hangUp()
        self.assertEqual(self.rundir.zones(), [])


class ManagerTests(TwistdServerTestCase):
    """
    systemd is told, and what it passes is used.
    """

    def setUp(self) -> None:
        """
        A manager.
        """
        super().setUp()
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        path = os.path.join(self.base, "notify")
        self.manager.bind(path)
        self.manager.setblocking(False)
        self.environ.update(NOTIFY_SOCKET=path, WATCHDOG_USEC="4000000")

    def heard(self) -> list[str]:
        """
        The first word of each message so far.
        """
        words = []
        while True:
            try:
                words.append(self.manager.recv(4096).decode().split("\n")[0])
            except BlockingIOError:
                return words

    def test_life(self) -> None:
        """
        It is told when all zones are served, and that we live, read anew and stop.
        """
        server = self.start("[zones.a]\n[zones.b]\n")
        self.assertEqual(self.heard(), ["READY=1", "WATCHDOG=1"])
        self.attach("a")
        self.reactor.advance(5)
        self.assertIn("STATUS=2 zones, 1 attached", self.heard())
        self.hangUp()
        words = [word for word in self.heard() if word != "WATCHDOG=1"]
        self.assertEqual(words[:2], ["RELOADING=1", "READY=1"])
        self.stop(server)
        self.assertEqual(self.heard()[0], "STOPPING=1")

    def test_badReload(self) -> None:
        """
        A reload that changes nothing is over as well.
        """
        self.start("[zones.a]\n")
        self.heard()
        self.write("[")
        self.hangUp()
        words = [word for word in self.heard() if word != "WATCHDOG=1"]
        self.assertEqual(words, ["RELOADING=1", "READY=1"])

    def test_late(self) -> None:
        """
        A device that takes its time is waited for.
        """
        driver = self.useMemory()
        driver.initResult = Deferred()
        self.start("[zones.a]\n")
        self.assertEqual(self.heard(), [])
        driver.initResult.callback(None)
        self.assertEqual(self.heard()[0], "READY=1")

    def test_notForZones(self) -> None:
        """
        What it tells us is not for the zones that we run.
        """
        self.environ["LISTEN_FDS"] = "0"
        self.start('[zones.a]\nexec = "cat"\n')
        self.assertNotIn("NOTIFY_SOCKET", self.environ)
        self.assertNotIn("WATCHDOG_USEC", self.environ)
        self.assertNotIn("LISTEN_FDS", self.environ)

    def test_passed(self) -> None:
        """
        A socket that it has made is used, through a change too, and stays.
        """
        self.rundir.make(os.geteuid())
        path = self.rundir.consoleSocket("a")
        theirs = socket.socket(socket.AF_UNIX)
        self.addCleanup(theirs.close)
        theirs.bind(path)
        theirs.listen()
        os.dup2(theirs.fileno(), 250)
        self.addCleanup(os.close, 250)
        self.patch(
            sys.modules["zcons_twisted.systemd.activation"], "FIRST_DESCRIPTOR", 250
        )
        self.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
        server = self.start("[zones.a]\n[zones.b]")
        self.attach("a").close()
        self.write("[zones.b]\n")
        self.hangUp()
        self.assertTrue(os.path.exists(path))
        self.write("[zones.a]\n[zones.b]")
        self.hangUp()
        self.attach("a")
        self.attach("b")
        self.stop(server)
        self.assertTrue(os.path.exists(path))
        self.assertFalse(os.path.exists(self.rundir.consoleSocket("b")))


class JournalTests(TwistdServerTestCase):
    """
    Where the output is the journal, the log is made for it.
    """

    def observer(self, **twistd: Any) -> object:
        """
        The log of an application.
        """
        near, far = os.pipe()
        self.addCleanup(os.close, near)
        self.addCleanup(os.close, far)
        real = os.fstat(far)
        self.environ["JOURNAL_STREAM"] = f"{real.st_dev}:{real.st_ino}"
        fstat = os.fstat
        self.patch(os, "fstat", lambda fd: real if fd == 1 else fstat(fd))
        self.write("[zones.a]\n")
        options = parsed("--rundir", self.rundir.path, "--config", self.file)
        options.parent = cast(Any, twistd)
        application = Application("zones")
        tap.makeService(options, self.reactor).setServiceParent(application)
        return application.getComponent(ILogObserver, None)

    def test_journal(self) -> None:
        """
        It is one for the journal.
        """
        self.assertIsInstance(self.observer(), JournalObserver)

    def test_elsewhere(self) -> None:
        """
        Where twistd was told where the log goes, it goes there.
        """
        self.assertIs(self.observer(logfile="/x"), None)
        self.assertIs(self.observer(logger="x.y"), None)


class RunDirectoryTests(TwistdServerTestCase):
    """
    The run directory may be in the file.
    """

    def test_fromFile(self) -> None:
        """
        It is used where the command line names none.
        """
        path = os.path.join(self.base, "other")
        self.write(f'[server]\nrundir = "{path}"\n[zones.a]\n')
        server = tap.makeService(
            parsed("--nexus", "none", "--config", self.file), self.reactor
        )
        assert isinstance(server, TwistdServer)
        self.addCleanup(self.stop, server)
        server.startService()
        self.assertEqual(RunDirectory(path).zones(), ["a"])
