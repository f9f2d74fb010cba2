# -*- test-case-name: zcons_twisted.test.test_client_main -*-
"""
Tests for L{zcons_twisted.client.main}.
"""

from __future__ import annotations

import contextlib
import io
import os
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted import __version__
from zcons_twisted.client.command_line import buildParser
from zcons_twisted.client.main import main
from zcons_twisted.events import EVENT_NAMES


def run(*argv: str) -> tuple[int, str, str]:
    """
    Exit status, standard output and standard error of a command line.
    """
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(argv)
    return status, out.getvalue(), err.getvalue()


class CommandLineTests(SynchronousTestCase):
    """
    What may be said, and what is answered to the rest.
    """

    def test_attach(self) -> None:
        """
        All options of C{attach}.
        """
        parse = buildParser().parse_args
        plain = parse(["attach", "z"])
        self.assertEqual(
            (plain.zone, plain.disconnect, plain.escape, plain.noEscape, plain.quiet),
            ("z", False, None, False, False),
        )
        full = parse(["--rundir", "/x", "attach", "-dQ", "-e", "\\035", "z"])
        self.assertEqual(
            (full.rundir, full.disconnect, full.escape, full.noEscape, full.quiet),
            ("/x", True, b"\x1d", False, True),
        )

    def test_events(self) -> None:
        """
        Every event can be posted by its name.
        """
        for name in EVENT_NAMES:
            parsed = buildParser().parse_args(["event", "z", name])
            self.assertEqual((parsed.event, parsed.boot_args), (name, None))

    def test_usage(self) -> None:
        """
        What is wrong is told in one line after the usage, with status 2.
        """
        for argv, text in (
            ((), "required: COMMAND"),
            (("dance",), "invalid choice: 'dance'"),
            (("attach",), "required: ZONE"),
            (("attach", "-x", "z"), "attach has no option -x"),
            (("history", "-n", "5", "z"), "history has no option -n"),
            (("who", "z", "y"), "unrecognized arguments: y"),
            (("attach", "-E", "-e", "x", "z"), "not allowed with argument -E"),
            (("attach", "-e", "ab", "z"), "give one character"),
            (("expect", "z", "("), "'(' is no regular expression"),
            (("expect", "z", "x", "--timeout", "-1"), "is not a number of seconds"),
            (("attach", "--wait", "soon", "z"), "is not a number of seconds"),
            (("attach", "../z"), "'../z' is not allowed"),
            (("attach", "global"), "the global zone has no zone console"),
            (("attach", "-e", "\\999", "z"), "Unrecognized escape character option"),
            (("attach", "-e", "\\777", "z"), "Octal escape character '\\777' too"),
            (("event", "z", "exploded"), "invalid choice: 'exploded'"),
            (("boot", "z", "--boot-args"), "expected one argument"),
            (("halt",), "one of the arguments ZONE --all is required"),
            (("halt", "z", "--all"), "not allowed with argument"),
            (("boot", "z", "--boot-args", "-" * 256), "256 bytes are too long"),
            (("boot", "z", "--boot-args", "\udcff"), "not UTF-8"),
            (("attach", "a\x1bb"), "a\\x1bb"),
        ):
            status, out, err = run(*argv)
            usage, _, message = err.partition("zconsole: ")
            self.assertEqual((status, out), (2, ""), argv)
            self.assertIn("usage: zconsole", usage)
            if len(argv) > 1:
                self.assertIn(f"usage: zconsole {argv[0]}", usage)
            self.assertIn(text, message)
            self.assertNotIn("\x1b", err)
            self.assertEqual(message.count("\n"), 1)

    def test_bootArguments(self) -> None:
        """
        Boot arguments begin with a hyphen as a rule.
        """
        with mock.patch("zcons_twisted.client.main._inquire") as inquire:
            inquire.return_value = 0
            for argv in (
                ("--boot-args", "-v -s", "z"),
                ("z", "--boot-args", "-v -s"),
                ("z", "--boot-args=-v -s"),
            ):
                self.assertEqual(run("--rundir", "/x", "boot", *argv)[0], 0)
                self.assertEqual(inquire.call_args[0][0].boot_args, "-v -s")

    def test_help(self) -> None:
        """
        Help and version are no errors.
        """
        status, out, _ = run("--help")
        self.assertEqual(status, 0)
        for command in ("attach", "take", "watch", "history", "who", "status", "list"):
            self.assertIn(command, out)
        for option in ("-V", "--version"):
            self.assertEqual(run(option), (0, f"zconsole {__version__}\n", ""))
        self.assertIn("~. leaves the console", run("attach", "--help")[1])

    def test_rundir(self) -> None:
        """
        The run directory may stand before the command, or after it.
        """
        parse = buildParser().parse_args
        for argv in (["--rundir", "/x", "list"], ["list", "--rundir", "/x"]):
            self.assertEqual(parse(argv).rundir, "/x")
        self.assertEqual(parse(["--rundir", "/x", "who", "z"]).rundir, "/x")
        self.assertIsNone(parse(["list"]).rundir)


class RunDirectoryTests(SynchronousTestCase):
    """
    Where servers are looked for.
    """

    def test_none(self) -> None:
        """
        Where no directory can be found out, we are told what to do.
        """
        with mock.patch.dict(os.environ), mock.patch("os.getuid", return_value=1000):
            os.environ.pop("XDG_RUNTIME_DIR", None)
            status, _, err = run("list")
        self.assertEqual(status, 1)
        self.assertRegex(err, r"\Azconsole: .*give --rundir DIR\n\Z")

    def test_empty(self) -> None:
        """
        A directory without consoles is said to be such, and is no error.
        """
        for command in ("list", "status"):
            status, out, err = run("--rundir", "/nowhere/at/all", command)
            self.assertEqual((status, out), (0, ""))
            self.assertEqual(
                err, "zconsole: no zone has a console in /nowhere/at/all\n"
            )

    def test_emptyAsJson(self) -> None:
        """
        For programs it is an empty list.
        """
        for command in ("list", "status"):
            status, out, _ = run("--rundir", "/nowhere/at/all", command, "--json")
            self.assertEqual((status, out), (0, "[]\n"))

    def test_emptyReload(self) -> None:
        """
        Where there is no zone there is no server that could be asked, and nothing to
        boot; what is to be down is.
        """
        self.assertEqual(run("--rundir", "/nowhere/at/all", "reload")[0], 1)
        for command, status in (("boot", 1), ("halt", 0), ("shutdown", 0)):
            found = run("--rundir", "/nowhere/at/all", command, "--all")
            self.assertEqual(found[0], status)

    def test_unreadable(self) -> None:
        """
        A directory that can't be read is.
        """
        path = self.mktemp()
        with open(path, "w"):
            pass
        status, _, err = run("--rundir", path, "list")
        self.assertEqual(status, 1)
        self.assertIn("can't be read", err)


class CommandTests(SynchronousTestCase):
    """
    What each command runs.
    """

    def test_which(self) -> None:
        """
        To watch one zone is to attach to it; several are watched by lines, each once.
        """
        for words, name in (
            (("attach", "a"), "_attach"),
            (("take", "a"), "_attach"),
            (("watch", "a"), "_attach"),
            (("watch", "a", "a"), "_attach"),
            (("watch", "a", "b", "a"), "_watch"),
            (("history", "a"), "_history"),
            (("who", "a"), "_inquire"),
        ):
            with mock.patch(f"zcons_twisted.client.main.{name}") as run_:
                run_.return_value = 0
                self.assertEqual(run("--rundir", "/x", *words)[0], 0)
            arguments = run_.call_args[0]
            if name == "_watch":
                self.assertEqual(arguments[2], ["a", "b"])
            else:
                self.assertEqual(arguments[0].zone, "a")

    def test_interrupted(self) -> None:
        """
        C{^C} that comes before anybody listens to it ends the command, and leaves
        C{watch}.
        """
        for command, status in (("attach", 130), ("history", 130), ("watch", 0)):
            with mock.patch("zcons_twisted.client.main._do") as do:
                do.side_effect = KeyboardInterrupt
                self.assertEqual(run("--rundir", "/x", command, "a"), (status, "", ""))
