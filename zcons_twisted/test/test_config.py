# -*- test-case-name: zcons_twisted.test.test_config -*-
"""
Tests for L{zcons_twisted.config}: the configuration file.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from ..config import BadConfig, BadValue, ServerConfig, parseConfig, readConfig
from ..console import OnHalt
from ..interfaces import DriverOptions
from ..rundir import RunDirectory
from ..zone_config import ZoneConfig
from .support import shortDirectory


def unchecked(zone: ZoneConfig, rundir: RunDirectory | None) -> None:
    """
    Every zone can be served.
    """


def parsed(text: str) -> ServerConfig:
    """
    What a text says.
    """
    return parseConfig(text, "f", unchecked)


class ConfigTests(SynchronousTestCase):
    """
    A file says what the command line can say.
    """

    def test_empty(self) -> None:
        """
        It may say nothing.
        """
        self.assertEqual(parsed(""), ServerConfig([], None, None))
        self.assertEqual(parsed("[zones]\n[defaults]\n[server]"), ServerConfig())

    def test_everything(self) -> None:
        """
        A zone may have all options.
        """
        config = parsed(
            '[server]\nrundir = "/run/x"\ngroup = 7\n[zones.a]\n'
            "exec = \"sh -c 'a b'\"\n"
            'respawn = "always"\ngrace = 2\nhistory = "2M"\non-halt = "exit"\n'
            "[zones.b]"
        )
        options = DriverOptions(("sh", "-c", "a b"), "always", 2.0)
        self.assertEqual(
            config.zones,
            [
                ZoneConfig("a", "exec", options, OnHalt.EXIT, 2 << 20),
                ZoneConfig("b"),
            ],
        )
        self.assertEqual(config.rundir, RunDirectory("/run/x"))
        self.assertEqual(config.gid, 7)

    def test_defaults(self) -> None:
        """
        What all have in common is said once.
        """
        first, second = parsed(
            '[zones]\na = {}\nb = {grace = 1, exec = ["x", "y z"]}\n'
            '[defaults]\nexec = "cat"\ngrace = 3\nhistory = 65536\n'
        ).zones
        self.assertEqual(first.options, DriverOptions(("cat",), "never", 3.0))
        self.assertEqual(second.options, DriverOptions(("x", "y z"), "never", 1.0))
        self.assertEqual((first.history, second.history), (65536, 65536))

    def test_quotedName(self) -> None:
        """
        A zone's name may have dots.
        """
        (zone,) = parsed('[zones."a.b"]\n').zones
        self.assertEqual(zone.name, "a.b")

    def test_file(self) -> None:
        """
        It is a file.
        """
        name = os.path.join(shortDirectory(self), "f")
        with open(name, "w") as file:
            file.write("[zones.a]\r\n")
        self.assertEqual(readConfig(name, unchecked).zones, [ZoneConfig("a")])

    def test_checked(self) -> None:
        """
        Each zone is asked about, with the run directory.
        """
        asked: list[tuple[str, RunDirectory | None]] = []
        parseConfig(
            '[zones.a]\n[zones.b]\n[server]\nrundir = "/x"',
            "f",
            lambda zone, rundir: asked.append((zone.name, rundir)),
        )
        self.assertEqual(asked, [("a", RunDirectory("/x")), ("b", RunDirectory("/x"))])


class BadConfigTests(SynchronousTestCase):
    """
    Everything that is wrong is told at once, each in one line with its place.
    """

    def assertTold(self, text: str, *lines: str) -> None:
        """
        This is told of a text.
        """
        error = self.assertRaises(BadConfig, parsed, text)
        self.assertEqual(error.problems, [f"f:{line}" for line in lines])

    def test_all(self) -> None:
        """
        One mistake does not hide another.
        """
        self.assertTold(
            '[defaults]\ngrace = "3"\n[zones.a]\nhistory = 1\n\nrespwan = "never"\n'
            '[zones.global]\n[zones.b]\ndriver = "pty"\nexec = "cat"\n[zoens]\n'
            '[server]\nrundir = "x"\n',
            "2: [defaults]: grace = '3': a number of seconds from 0 to 3600 is needed",
            "4: zone 'a': history = 1: from 64K to 1G is possible",
            "6: zone 'a': option 'respwan' is not known: is 'respawn' meant?",
            "7: the global zone has no zone console",
            "10: zone 'b': exec is of no use to the pty driver",
            "11: table 'zoens' is not known: is 'zones' meant?",
            "13: [server]: rundir = 'x': a directory is needed, as a path that begins"
            " with /",
        )

    def test_syntax(self) -> None:
        """
        What is no TOML is told with its line.
        """
        self.assertTold("a = 1\nb\n", "2: expected '=' after a key in a key/value pair")
        self.assertTold("a = [\n1\n\n", "2: unclosed array")
        self.assertTold("[a]\n[a]", "2: cannot declare ('a',) twice")

    def test_nested(self) -> None:
        """
        What nobody would write is no more than that.
        """
        self.assertTold("a = " + "[" * 5000 + "]" * 5000, "1: it is nested too deeply")

    def test_noTables(self) -> None:
        """
        Zones are tables.
        """
        self.assertTold(
            "defaults = 3\nzones.a = 1\nserver = []",
            "1: 'defaults' has to be a table: [defaults]",
            "2: 'zones.a' has to be a table: [zones.a]",
            "3: 'server' has to be a table: [server]",
        )
        self.assertTold("[[zones]]\n", "1: 'zones' has to be a table: [zones]")

    def test_dots(self) -> None:
        """
        Who writes a name with a dot as it is, is told how to write it.
        """
        self.assertTold(
            "[zones.a.example]\n",
            "1: zone 'a': option 'example' is not known: a zone's name with a dot is"
            ' written "a.example"',
        )
        for text, names in (
            ("[zones.a.b.org]", '"a.b.org"'),
            ("[zones.a.b.org]\nexec = 'x'\n[zones.a.b.net]", '"a.b.org" or "a.b.net"'),
            ("[zones.a.b.c]\n[zones.a.b]\nexec = 'x'", '"a.b" or "a.b.c"'),
            (f"[zones.a.b{'.c' * 3000}]", f'"a.b{".c" * 3000}"'),
        ):
            self.assertTold(
                text,
                "1: zone 'a': option 'b' is not known: a zone's name with a dot is"
                f" written {names}",
            )

    def test_group(self) -> None:
        """
        A group is one that there is.
        """
        self.assertTold(
            '[server]\ngroup = "no such"\n',
            "2: [server]: group = 'no such': there is no group 'no such'",
        )
        self.assertTold(
            "server.group = true",
            "1: [server]: group = True: the name or number of a group is needed",
        )

    def test_hostile(self) -> None:
        """
        What somebody wrote is shown in one line, without control characters, and not
        at any length.
        """
        text = '[zones."\\n\\u001b"]\n[defaults]\nhistory = "' + "x" * 999 + '"\n'
        error = self.assertRaises(BadConfig, parsed, text)
        for line in error.problems:
            self.assertTrue(line.isprintable(), line)
            self.assertLess(len(line), 250)

    def test_inDefaults(self) -> None:
        """
        What is wrong for all zones is told once, where it is.
        """
        self.assertTold(
            '[zones.a]\n[zones.b]\n[defaults]\ndriver = "pty"\nexec = "cat"\n',
            "5: zone 'a': exec is of no use to the pty driver",
            "5: zone 'b': exec is of no use to the pty driver",
        )

    def test_notServed(self) -> None:
        """
        So is a zone that can't be served.
        """

        def check(zone: ZoneConfig, rundir: RunDirectory | None) -> None:
            raise BadValue("driver", "no")

        text = (
            "[zones.a]\n[zones.b]\ngrace = 1\n[zones.c]\nhistory = '2M'\ndriver='x'\n"
        )
        error = self.assertRaises(BadConfig, parseConfig, text, "f", check)
        self.assertEqual(
            error.problems,
            [
                "f:1: zone 'a': no",
                "f:3: zone 'b': grace is of no use to the pty driver: add exec COMMAND"
                " or oci BUNDLE or endpoint STRING",
                "f:6: zone 'c': no",
            ],
        )

    def test_cantBeRead(self) -> None:
        """
        A file may not be there, or be none, or be something else.
        """
        base = shortDirectory(self)
        name = os.path.join(base, "f")
        error = self.assertRaises(BadConfig, readConfig, name, unchecked)
        line = f"{name}: can't be read: No such file or directory"
        self.assertEqual(error.problems, [line])
        error = self.assertRaises(BadConfig, readConfig, base, unchecked)
        self.assertEqual(error.problems, [f"{base}: can't be read: Is a directory"])
        with open(name, "wb") as file:
            file.write(b"# \xc3\xbc\n# \xfc\n")
        error = self.assertRaises(BadConfig, readConfig, name, unchecked)
        self.assertEqual(error.problems, [f"{name}:2: this is not UTF-8"])
