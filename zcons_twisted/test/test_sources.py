# -*- test-case-name: zcons_twisted.test.test_sources -*-
"""
Tests for L{zcons_twisted.sources}: where a server's zones come from.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from ..config import BadConfig, ServerConfig
from ..errors import BadOption
from ..rundir import RunDirectory
from ..shards import Shard
from ..sources import ZoneSource
from ..testing import FakeReactor
from ..zone_config import ZoneConfig
from .support import shortDirectory

#: Enough open files for any test.
PLENTY = 100_000

ENVIRON = {"XDG_RUNTIME_DIR": "/run/user/7"}


class ZoneSourceTests(SynchronousTestCase):
    """
    The command line goes before the file, and its zones are served besides.
    """

    def setUp(self) -> None:
        """
        A user, and where the file is.
        """
        self.patch(os, "geteuid", lambda: 7)
        self.file = os.path.join(shortDirectory(self), "f")

    def write(self, text: str) -> None:
        """
        This is in the file.
        """
        with open(self.file, "w") as file:
            file.write(text)

    def read(self, source: ZoneSource, limit: int = PLENTY) -> ServerConfig:
        """
        What a source says.
        """
        return source.read(FakeReactor(), ENVIRON, limit)

    def problems(self, source: ZoneSource) -> list[str]:
        """
        What is wrong with its file.
        """
        error = self.assertRaises(BadConfig, self.read, source)
        return [line.removeprefix(f"{self.file}:") for line in error.problems]

    def test_commandLine(self) -> None:
        """
        There need not be a file.
        """
        zones = [ZoneConfig("a")]
        self.assertEqual(
            self.read(ZoneSource(zones)),
            ServerConfig(zones, RunDirectory("/run/user/7/zones"), None),
        )

    def test_file(self) -> None:
        """
        What the command line does not say the file does.
        """
        self.write('[server]\nrundir = "/x"\ngroup = 9\n[zones.b]\n')
        found = self.read(ZoneSource([ZoneConfig("a")], file=self.file))
        self.assertEqual([zone.name for zone in found.zones], ["a", "b"])
        self.assertEqual((found.rundir, found.gid), (RunDirectory("/x"), 9))
        source = ZoneSource([], RunDirectory("/y"), 0, self.file)
        found = self.read(source)
        self.assertEqual((found.rundir, found.gid), (RunDirectory("/y"), 0))

    def test_both(self) -> None:
        """
        A zone is in one of them only.
        """
        self.write("[zones.a]\n[zones.b]")
        self.assertEqual(
            self.problems(ZoneSource([ZoneConfig("b")], file=self.file)),
            ["2: zone 'b': it is given by --zone as well"],
        )

    def test_drivers(self) -> None:
        """
        Drivers are asked whether they can do with their options.
        """
        self.write('[zones.a]\ndriver = "exec"\n[zones.b]\ndriver = "floppy"')
        self.assertEqual(
            self.problems(ZoneSource(file=self.file)),
            [
                "2: zone 'a': the exec driver needs --exec COMMAND",
                "4: zone 'b': there is no driver 'floppy': choose one of endpoint,"
                " exec, oci, pty, zcons",
            ],
        )

    def test_socketPath(self) -> None:
        """
        Sockets have to fit into the run directory.
        """
        self.write(f'[zones.a]\n[server]\nrundir = "/{"x" * 100}"\n')
        (problem,) = self.problems(ZoneSource(file=self.file))
        self.assertIn("1: zone 'a': socket path /xxx", problem)

    def test_shard(self) -> None:
        """
        A shard has its part of the file's zones, and the command line's besides; all
        of the file is checked.
        """
        self.write("".join(f"[zones.z{n}]\n" for n in range(30)))
        found: list[str] = []
        for number in (1, 2, 3):
            mine = ZoneConfig(f"mine{number}")
            source = ZoneSource([mine], file=self.file, shard=Shard(number, 3))
            first, *others = self.read(source).zones
            self.assertEqual(first, mine)
            found += [zone.name for zone in others]
        self.assertEqual(sorted(found), sorted(f"z{n}" for n in range(30)))
        self.write("[zones.global]\n[zones.a]\nx=1")
        problems = self.problems(ZoneSource(file=self.file, shard=Shard(1, 3)))
        self.assertEqual(len(problems), 2)

    def test_files(self) -> None:
        """
        Too many zones for the open files that are allowed are refused, but only those
        of this shard count.
        """
        self.write("".join(f"[zones.z{n}]\n" for n in range(30)))
        error = self.assertRaises(
            BadOption, self.read, ZoneSource(file=self.file), 64 + 9 * 29
        )
        self.assertIn("30 zones need 334 open files", str(error))
        self.read(ZoneSource(file=self.file, shard=Shard(1, 3)), 64 + 9 * 29)

    def test_again(self) -> None:
        """
        The file may be read anew; where the server is, and who may come in, stays.
        """
        self.write("[zones.a]\n")
        source = ZoneSource(file=self.file)
        before = self.read(source)
        reactor = FakeReactor()
        self.write("[zones.b]\n")
        found = source.readAgain(reactor, ENVIRON, PLENTY, before)
        self.assertEqual(found.zones, [ZoneConfig("b")])
        for text, name in (('rundir = "/x"', "rundir"), ("group = 9", "group")):
            self.write(f"[server]\n{text}\n")
            error = self.assertRaises(
                BadConfig, source.readAgain, reactor, ENVIRON, PLENTY, before
            )
            self.assertEqual(
                error.problems,
                [f"{self.file}: '{name}' can't be changed while the server runs"],
            )
