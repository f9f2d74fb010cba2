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
            (
                ("shutdown", "z", "--boot-args", "-v"),
                "argument --boot-args: not allowed without argument -r",
            ),
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

    def empty(self) -> str:
        """
        A directory without consoles.
        """
        path: str = self.mktemp()
        os.mkdir(path)
        return path

    def test_none(self) -> None:
        """
        Where no directory can be found out, we are told what to do.
        """
        with mock.patch.dict(os.environ), mock.patch("os.getuid", return_value=1000):
            for name in ("XDG_RUNTIME_DIR", "ZCONSOLE_RUNDIR"):
                os.environ.pop(name, None)
            status, _, err = run("list")
        self.assertEqual(status, 1)
        self.assertRegex(err, r"\Azconsole: .*give --rundir DIR\n\Z")

    def test_empty(self) -> None:
        """
        A directory without consoles is said to be such, and is no error, but for who
        wants something of a server.
        """
        for command, expected in (("list", 0), ("status", 0), ("restart", 1)):
            path = self.empty()
            status, out, err = run("--rundir", path, command)
            self.assertEqual((status, out), (expected, ""))
            self.assertEqual(err, f"zconsole: no zone has a console in {path}\n")

    def test_emptyAsJson(self) -> None:
        """
        For programs it is an empty list.
        """
        for command in ("list", "status"):
            status, out, _ = run("--rundir", self.empty(), command, "--json")
            self.assertEqual((status, out), (0, "[]\n"))

    def test_emptyReload(self) -> None:
        """
        Where there is no zone there is no server that could be asked, and nothing to
        boot; what is to be down is.
        """
        self.assertEqual(run("--rundir", self.empty(), "reload")[0], 1)
        for command, status in (("boot", 1), ("halt", 0), ("shutdown", 0)):
            found = run("--rundir", self.empty(), command, "--all")
            self.assertEqual(found[0], status)

    def test_missing(self) -> None:
        """
        A directory that somebody has named and that is not there is an error.
        """
        for words in (("list",), ("list", "--json"), ("status",), ("reload",)):
            status, out, err = run("--rundir", "/no/where", *words)
            self.assertEqual((status, out), (1, ""))
            self.assertEqual(
                err,
                "zconsole: there is no directory /no/where: is it another one"
                " (--rundir)?\n",
            )

    def test_nobodyReads(self) -> None:
        """
        Where nobody reads what is wrong, the exit status tells it all the same.
        """
        with mock.patch("sys.stderr") as errors:
            errors.write.side_effect = BrokenPipeError
            self.assertEqual(main(["--rundir", "/no/where", "list"]), 1)

    def test_notMadeYet(self) -> None:
        """
        The default one is made by the first server: before that there are no zones.
        """
        base = os.path.dirname(self.empty())
        environ = {"XDG_RUNTIME_DIR": base, "ZCONSOLE_RUNDIR": ""}
        with mock.patch.dict(os.environ, environ):
            with mock.patch("os.getuid", return_value=1000):
                status, out, err = run("list")
                asJson = run("list", "--json")
                reloaded = run("reload")
        self.assertEqual((status, out), (0, ""))
        self.assertEqual(
            err,
            f"zconsole: no zone has a console: no server has made {base}/zones yet; is"
            " it in another directory (--rundir)?\n",
        )
        self.assertEqual(asJson[:2], (0, "[]\n"))
        self.assertEqual(reloaded[0], 1)

    def test_variable(self) -> None:
        """
        The environment may name the directory; the command line goes before it.
        """
        with mock.patch.dict(os.environ, {"ZCONSOLE_RUNDIR": "/of/environment"}):
            for words, path in (
                ((), "/of/environment"),
                (("--rundir", "/x"), "/x"),
            ):
                status, _, err = run(*words, "list")
                self.assertEqual(status, 1)
                self.assertIn(f"there is no directory {path}: ", err)

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

    def test_toType(self) -> None:
        """
        What is typed comes from words or from a file, not both; what can't be read is
        told before anybody is asked for the seat.
        """
        path = self.mktemp()
        with open(path, "w") as file:
            file.write("secret\n")
        words: tuple[str, ...]
        for words, text in (
            (("send", "a", "x", "y"), b"x y"),
            (("send", "a", "--file", path, "--line"), b"secret\r"),
            (("expect", "a", "p", "--send", "x"), b"x"),
            (("expect", "a", "p", "--send", "", "--line"), b"\r"),
            (("expect", "a", "p", "--send-file", path), b"secret\n"),
            (("expect", "a", "p"), None),
        ):
            class_ = "Sending" if words[0] == "send" else "Expecting"
            module = class_.lower()
            with (
                mock.patch(f"zcons_twisted.client.{module}.{class_}") as made,
                mock.patch("zcons_twisted.client.main._looker"),
                mock.patch("zcons_twisted.client.main._run", return_value=0),
            ):
                self.assertEqual(run("--rundir", "/x", *words)[0], 0)
            at = 2 if words[0] == "send" else 3
            self.assertEqual(made.call_args[0][at], text)
        for words, status, told in (
            (("send", "a", "x", "--file", path), 2, "give one of them"),
            (("send", "a"), 2, "there is nothing to type: give TEXT, --file FILE, or"),
            (("send", "a", "--file", "/no/where"), 1, "/no/where can't be read: No"),
            (("expect", "a", "p", "--send-file", "/"), 1, "/ can't be read: Is a"),
        ):
            found, out, err = run("--rundir", "/x", *words)
            self.assertEqual((found, out), (status, ""))
            self.assertRegex(err, r"\Azconsole: .*\n\Z")
            self.assertIn(told, err)

    def test_interrupted(self) -> None:
        """
        C{^C} that comes before anybody listens to it ends the command, and leaves
        C{watch}.
        """
        for command, status in (("attach", 130), ("history", 130), ("watch", 0)):
            with mock.patch("zcons_twisted.client.main._do") as do:
                do.side_effect = KeyboardInterrupt
                self.assertEqual(run("--rundir", "/x", command, "a"), (status, "", ""))
