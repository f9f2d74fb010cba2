# -*- test-case-name: zcons_twisted.test.test_tap -*-
"""
Tests for L{zcons_twisted.tap}: the options of C{twistd zconsole}.
"""

from __future__ import annotations

import contextlib
import grp
import io
import os

from twisted.trial.unittest import SynchronousTestCase

from .. import __version__
from ..console import OnHalt
from ..interfaces import DriverOptions
from ..rundir import RunDirectory
from ..shards import Shard
from ..tap import Options
from ..zone_config import ZoneConfig


def parsed(*words: str) -> Options:
    """
    The options that a command line gives.
    """
    options = Options()
    options.parseOptions(list(words))
    return options


class OptionsTests(SynchronousTestCase):
    """
    Options after a C{--zone} belong to that zone, those before the first to all.
    """

    def test_oneZone(self) -> None:
        """
        A zone by itself has a pty, and its console stays.
        """
        options = parsed("--zone", "z")
        self.assertEqual(
            options.zones(), [ZoneConfig("z", "pty", DriverOptions(), OnHalt.STAY)]
        )
        self.assertEqual((options["rundir"], options["group"]), (None, None))

    def test_everything(self) -> None:
        """
        A zone may have all options.
        """
        options = parsed(
            *("--rundir", "/run/x", "--group", "7", "--zone", "z"),
            *("--exec", "sh -c 'echo hi'", "--respawn", "always", "--grace", "2.5"),
            *("--on-halt", "exit"),
        )
        command = ("sh", "-c", "echo hi")
        self.assertEqual(
            options.zones(),
            [
                ZoneConfig(
                    "z", "exec", DriverOptions(command, "always", 2.5), OnHalt.EXIT
                )
            ],
        )
        self.assertEqual(options["rundir"], RunDirectory("/run/x"))
        self.assertEqual(options["group"], 7)

    def test_perZone(self) -> None:
        """
        Each zone has its own options.
        """
        first, second, third = parsed(
            *("--zone", "a", "--exec", "cat", "--grace", "1"),
            *("--zone", "b", "--on-halt", "exit"),
            *("--zone", "c", "--exec", "sh"),
        ).zones()
        self.assertEqual((first.driver, first.options.grace), ("exec", 1.0))
        self.assertEqual((second.driver, second.onHalt), ("pty", OnHalt.EXIT))
        self.assertEqual(third.options, DriverOptions(("sh",), "never", 10.0))

    def test_defaults(self) -> None:
        """
        What comes before the first zone is for all that don't say otherwise, and does
        no harm to a zone that it is of no use to.
        """
        first, second, third = parsed(
            *("--grace", "3", "--on-halt", "exit", "--zone", "a", "--exec", "cat"),
            *("--zone", "b", "--exec", "cat", "--grace", "4", "--on-halt", "stay"),
            *("--zone", "c"),
        ).zones()
        self.assertEqual((first.options.grace, first.onHalt), (3.0, OnHalt.EXIT))
        self.assertEqual((second.options.grace, second.onHalt), (4.0, OnHalt.STAY))
        self.assertEqual((third.driver, third.onHalt), ("pty", OnHalt.EXIT))

    def test_file(self) -> None:
        """
        A configuration file may be named, with a part of it, and with zones besides;
        it is meant from where the server was started.
        """
        source = parsed(
            *("--config", "f", "--shard", "2/3", "--grace", "3", "--zone", "a")
        ).source()
        self.assertEqual(source.zones, [ZoneConfig("a")])
        self.assertEqual(source.file, os.path.abspath("f"))
        self.assertEqual(source.shard, Shard(2, 3))
        self.assertEqual(parsed("--config", "f").source().zones, [])

    def test_driver(self) -> None:
        """
        A driver can be named.
        """
        (zone,) = parsed("--zone", "z", "--driver", "x", "--respawn", "never").zones()
        self.assertEqual(zone.driver, "x")

    def test_relativeDirectory(self) -> None:
        """
        A directory is meant from where the server was started.
        """
        options = parsed("--rundir", "x", "--zone", "z")
        self.assertEqual(options["rundir"].path, os.path.abspath("x"))

    def test_groupByName(self) -> None:
        """
        A group may be named.
        """
        first = grp.getgrall()[0]
        options = parsed("--group", first.gr_name, "--zone", "z")
        self.assertEqual(options["group"], grp.getgrnam(first.gr_name).gr_gid)

    def test_help(self) -> None:
        """
        The help tells every option in a line, and where the sockets are.
        """
        text = str(Options())
        for option in (
            "zone",
            "exec",
            "driver",
            "respawn",
            "grace",
            "on-halt",
            "rundir",
        ):
            self.assertIn(f"--{option}=", text)
        self.assertIn("/var/run/zones", text)
        for line in text.partition("Options:\n")[2].partition("\n\n")[0].splitlines():
            # A name, perhaps, and a part of a text that is filled.
            self.assertRegex(line, r"\A +(--[a-z-]+=? +)?\S+( \S+)*\Z")

    def test_version(self) -> None:
        """
        The version is ours, not Twisted's.
        """
        with contextlib.redirect_stdout(io.StringIO()) as out:
            stop = self.assertRaises(SystemExit, parsed, "--version")
        self.assertEqual(stop.code, 0)
        self.assertEqual(out.getvalue(), f"zcons_twisted {__version__}\n")


class BadOptionsTests(SynchronousTestCase):
    """
    Every bad option gets one line and exit status 1.
    """

    def line(self, *words: str) -> str:
        """
        @return: what a person is told of a command line.
        """
        stop = self.assertRaises(SystemExit, parsed, *words)
        # What Python does with a text: print it to standard error, and exit with 1.
        self.assertIsInstance(stop.code, str)
        line = str(stop.code)
        self.assertTrue(line.startswith("twistd zconsole: "), line)
        self.assertEqual(line.count("\n"), 0)
        return line.removeprefix("twistd zconsole: ")

    def test_noZone(self) -> None:
        """
        A server needs a zone.
        """
        self.assertEqual(self.line(), "which zone?  Give --zone NAME or --config FILE")

    def test_badName(self) -> None:
        """
        A zone has a name that it may have.
        """
        self.assertIn("is not allowed", self.line("--zone", "../z"))
        self.assertIn("no zone console", self.line("--zone", "global"))

    def test_twice(self) -> None:
        """
        A zone is given once.
        """
        self.assertEqual(
            self.line("--zone", "z", "--zone", "z"), "zone 'z' is given twice"
        )

    def test_exec(self) -> None:
        """
        A command has words that a shell would understand.
        """
        self.assertEqual(
            self.line("--zone", "z", "--exec", "echo 'hi"),
            "--exec echo 'hi: no closing quotation",
        )
        for empty in ("", "  ", "''"):
            self.assertEqual(
                self.line("--zone", "z", "--exec", empty),
                f"--exec {empty}: a command is needed",
            )

    def test_hostileExec(self) -> None:
        """
        What was typed is shown without its control characters.
        """
        line = self.line("--zone", "z", "--exec", "echo '\x1b[2J\n")
        self.assertTrue(line.isprintable(), line)

    def test_execOnPty(self) -> None:
        """
        The pty driver runs no command.
        """
        self.assertEqual(
            self.line("--zone", "z", "--driver", "pty", "--exec", "cat"),
            "zone 'z': --exec is of no use to the pty driver",
        )

    def test_noCommand(self) -> None:
        """
        What concerns a command needs one, or something else that it is of use to.
        """
        remedies = {
            "respawn": "--exec COMMAND or --oci BUNDLE",
            "grace": "--exec COMMAND or --oci BUNDLE or --endpoint STRING",
        }
        for option, value in (("respawn", "always"), ("grace", "3")):
            self.assertEqual(
                self.line("--zone", "z", f"--{option}", value),
                f"zone 'z': --{option} is of no use to the pty driver:"
                f" add {remedies[option]}",
            )

    def test_choices(self) -> None:
        """
        A choice is one of those that there are.
        """
        self.assertEqual(
            self.line("--zone", "z", "--on-halt", "explode"),
            "--on-halt explode: choose one of exit, stay",
        )
        self.assertEqual(
            self.line("--zone", "z", "--respawn", "often"),
            "--respawn often: choose one of never, on-failure, always",
        )

    def test_grace(self) -> None:
        """
        A grace period is a number of seconds, an hour at most.
        """
        for value in ("soon", "-1", "3601", "nan", "inf", ""):
            self.assertEqual(
                self.line("--zone", "z", "--exec", "cat", "--grace", value),
                f"--grace {value}: a number of seconds from 0 to 3600 is needed",
            )

    def test_group(self) -> None:
        """
        A group is one that there is.
        """
        self.assertEqual(
            self.line("--group", "no such group", "--zone", "z"),
            "there is no group 'no such group'",
        )

    def test_noDirectory(self) -> None:
        """
        A directory has a name.
        """
        self.assertEqual(
            self.line("--rundir", "", "--zone", "z"), "--rundir needs a directory"
        )

    def test_unknownOption(self) -> None:
        """
        An option is one that there is.
        """
        self.assertIn("explode", self.line("--explode"))

    def test_check(self) -> None:
        """
        Only a file can be checked.
        """
        self.assertEqual(
            self.line("--zone", "z", "--check"),
            "--check needs a configuration: add --config FILE",
        )

    def test_shard(self) -> None:
        """
        Only a file has shards, and those that there are.
        """
        self.assertEqual(
            self.line("--zone", "z", "--shard", "1/2"),
            "--shard needs a configuration: add --config FILE",
        )
        self.assertIn("--shard 3/2: K/N", self.line("--config", "f", "--shard", "3/2"))

    def test_noFile(self) -> None:
        """
        A file has a name.
        """
        self.assertEqual(self.line("--config", ""), "--config needs a file")

    def test_forNobody(self) -> None:
        """
        What is said for all zones of the command line needs one.
        """
        self.assertEqual(
            self.line("--history", "4M", "--config", "f"),
            "--history is for zones given by --zone: for those of the file, put it into"
            " [defaults] there",
        )

    def test_words(self) -> None:
        """
        A word belongs to an option.
        """
        self.assertEqual(self.line("--zone", "z", "cat"), "'cat' belongs to no option")

    def test_missingValue(self) -> None:
        """
        An option that needs a value has one.
        """
        self.assertIn("zone", self.line("--zone"))

    def test_nexus(self) -> None:
        """
        Pairs are kept by a process of their own unless that is not wanted.
        """
        self.assertTrue(parsed("--zone", "z")["nexus"])
        self.assertTrue(parsed("--nexus", "own", "--zone", "z")["nexus"])
        self.assertFalse(parsed("--nexus", "none", "--zone", "z")["nexus"])
        self.assertIn(
            "--nexus x: choose one of own, none",
            self.line("--nexus", "x", "--zone", "z"),
        )

    def test_onStop(self) -> None:
        """
        Zones are halted when the server stops unless they are to be kept.
        """
        self.assertFalse(parsed("--zone", "z")["keep"])
        self.assertFalse(parsed("--on-stop", "halt", "--zone", "z")["keep"])
        self.assertTrue(parsed("--on-stop", "keep", "--zone", "z")["keep"])
        self.assertIn(
            "--on-stop x: choose one of halt, keep",
            self.line("--on-stop", "x", "--zone", "z"),
        )
