# -*- test-case-name: zcons_twisted.test.test_client_command_line -*-
"""
Tests for L{zcons_twisted.client.command_line}; what it refuses is tested with
L{zcons_twisted.client.main}.
"""

from __future__ import annotations

import contextlib
import io

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.command_line import buildParser
from zcons_twisted.client.times import EXPECT_SECONDS, SEND_SECONDS, WAIT_SECONDS


class SessionTests(SynchronousTestCase):
    """
    The commands that attach.
    """

    def test_replay(self) -> None:
        """
        What to show of what was printed before is a number of lines, all, or nothing.
        """
        for words, start in (
            ((), None),
            (("--replay", "all"), "all"),
            (("--replay", "none"), "live"),
            (("--replay", "0"), ("lines", 0)),
            (("--replay", "100"), ("lines", 100)),
            (("--replay", "9" * 19), ("lines", 2**63 - 1)),
        ):
            for command in ("attach", "take"):
                given = buildParser().parse_args([command, *words, "z"])
                self.assertEqual((given.zone, given.replay), ("z", start))

    def test_send(self) -> None:
        """
        What is to be typed may stand before and after options.
        """
        for words in (
            ("--line", "z", "echo", "done"),
            ("z", "--line", "echo", "done"),
            ("z", "echo", "--line", "done"),
            ("z", "echo", "done", "--line"),
        ):
            given = buildParser().parse_args(["send", *words])
            self.assertEqual((given.zone, given.line), ("z", True))
            self.assertEqual(given.text, ["echo", "done"])

    def test_watch(self) -> None:
        """
        One may watch many.
        """
        given = buildParser().parse_args(["watch", "-Q", "a", "b"])
        self.assertEqual((given.zones, given.quiet), (["a", "b"], True))

    def test_numbers(self) -> None:
        """
        A number has no sign, and is no more than the protocol carries.
        """
        parser = buildParser()
        for word in ("-1", "x", "", "1.5", "1_0", "\u0663"):
            with (
                contextlib.redirect_stderr(io.StringIO()) as errors,
                self.assertRaises(SystemExit),
            ):
                parser.parse_args(["attach", f"--replay={word}", "z"])
            self.assertIn("is not a number from 0 on", errors.getvalue())
        for word in ("9" * 30, "9" * 9999):
            lines = parser.parse_args(["attach", f"--replay={word}", "z"]).replay
            self.assertEqual(lines, ("lines", 2**63 - 1))

    def test_wait(self) -> None:
        """
        How long the zone has to be silent: some seconds, or for ever.
        """
        for words, seconds in (
            ([], WAIT_SECONDS),
            (["--wait", "0.5"], 0.5),
            (["--wait", "forever"], None),
        ):
            self.assertEqual(
                buildParser().parse_args(["attach", *words, "z"]).wait, seconds
            )
        self.assertEqual((WAIT_SECONDS, SEND_SECONDS, EXPECT_SECONDS), (2, 10, 60))

    def test_whatElse(self) -> None:
        """
        What is none of what may be given is told what that is, in words.
        """
        for option, told in (
            ("--replay", "'x' is not a number from 0 on, nor all, nor none"),
            ("--wait", "'x' is not a number of seconds from 0 to a year, nor forever"),
        ):
            with (
                contextlib.redirect_stderr(io.StringIO()) as errors,
                self.assertRaises(SystemExit),
            ):
                buildParser().parse_args(["attach", option, "x", "z"])
            self.assertIn(f"zconsole: argument {option}: {told}\n", errors.getvalue())

    def test_tooLong(self) -> None:
        """
        Nobody waits for more than a year, unless for ever.
        """
        for word, good in (("31622400", True), ("31622401", False), ("nan", False)):
            words = ["send", "--timeout", word, "z"]
            if good:
                self.assertEqual(buildParser().parse_args(words).timeout, 31622400)
                continue
            with (
                contextlib.redirect_stderr(io.StringIO()) as errors,
                self.assertRaises(SystemExit),
            ):
                buildParser().parse_args(words)
            told = f"'{word}' is not a number of seconds from 0 to a year\n"
            self.assertIn(told, errors.getvalue())


class OrderTests(SynchronousTestCase):
    """
    In which order words may stand.
    """

    def test_mixed(self) -> None:
        """
        Options may stand before, behind and among the words of each command.
        """
        for words, wanted in (
            ("send z --line poweroff", {"text": ["poweroff"], "line": True}),
            ("send z a --line b --timeout 3", {"text": ["a", "b"], "timeout": 3}),
            ("send --line z", {"text": [], "line": True}),
            ("expect --line z --send a x", {"zone": "z", "line": True, "send": "a"}),
            ("watch a --replay 3 b -Q c", {"zones": ["a", "b", "c"], "quiet": True}),
            ("event z --boot-args=-v booting", {"event": "booting"}),
            ("boot --boot-args=-v z", {"zone": "z", "boot_args": "-v"}),
            ("shutdown z -r", {"zone": "z", "reboot": True, "boot_args": None}),
            ("shutdown --reboot --boot-args=-s z", {"reboot": True, "boot_args": "-s"}),
            ("shutdown --all", {"allZones": True, "reboot": False}),
            ("status --rundir /x z", {"zone": "z", "rundir": "/x"}),
            ("--rundir /x status", {"zone": None, "rundir": "/x"}),
        ):
            given = vars(buildParser().parse_args(words.split()))
            self.assertEqual({name: given[name] for name in wanted}, wanted, words)

    def test_noOptions(self) -> None:
        """
        Behind C{--} there are no options any more, and C{-} is none.
        """
        for words, text, line in (
            ("send z --line -- -x --line", ["-x", "--line"], True),
            ("send z - --line", ["-"], True),
        ):
            given = buildParser().parse_args(words.split())
            self.assertEqual((given.text, given.line), (text, line), words)
        given = buildParser().parse_args(["expect", "z", "--", "-x"])
        self.assertEqual(given.pattern.pattern, b"-x")


class ScriptTests(SynchronousTestCase):
    """
    The commands C{send} and C{expect}.
    """

    def test_send(self) -> None:
        """
        Words are typed with a space between.
        """
        given = buildParser().parse_args(["send", "--line", "z", "ls", "/"])
        self.assertEqual(
            (given.text, given.line, given.timeout), (["ls", "/"], True, 10)
        )

    def test_expect(self) -> None:
        """
        A regular expression for bytes, and what is typed first.
        """
        given = buildParser().parse_args(["expect", "z", "[$] $"])
        self.assertEqual(given.pattern.pattern, b"[$] $")
        self.assertEqual((given.send, given.replay, given.timeout), (None, None, 60))
        words = ["expect", "z", "x", "--send", "ls", "--line", "--timeout", "3"]
        given = buildParser().parse_args([*words, "--replay", "all"])
        self.assertEqual((given.send, given.line), ("ls", True))
        self.assertEqual((given.replay, given.timeout), ("all", 3))
        self.assertFalse(given.raw)
        self.assertTrue(buildParser().parse_args(["expect", "z", "x", "--raw"]).raw)

    def test_files(self) -> None:
        """
        What is typed may be in a file, so that no other user sees it.
        """
        parse = buildParser().parse_args
        self.assertEqual(parse(["send", "z", "--file", "-"]).file, "-")
        given = parse(["expect", "z", "x", "--send-file", "/f", "--line"])
        self.assertEqual((given.send, given.sendFile, given.line), (None, "/f", True))
        with (
            contextlib.redirect_stderr(io.StringIO()) as errors,
            self.assertRaises(SystemExit),
        ):
            parse(["expect", "z", "x", "--send-file", "/f", "--send", "y"])
        self.assertIn("not allowed with", errors.getvalue())


class HistoryTests(SynchronousTestCase):
    """
    The command C{history}.
    """

    def test_options(self) -> None:
        """
        Some lines, or what comes from an offset on, but not both.
        """
        parse = buildParser().parse_args
        given = parse(["history", "z"])
        self.assertEqual((given.lines, given.since, given.follow), (None, None, False))
        given = parse(["history", "--lines", "5", "--follow", "z"])
        self.assertEqual((given.lines, given.since, given.follow), (5, None, True))
        self.assertEqual(parse(["history", "--since", "7", "z"]).since, 7)
        self.assertTrue(parse(["history", "--since-boot", "z"]).sinceBoot)
        self.assertFalse(given.sinceBoot)
        with (
            contextlib.redirect_stderr(io.StringIO()),
            self.assertRaises(SystemExit),
        ):
            parse(["history", "--since", "7", "--lines", "5", "z"])
