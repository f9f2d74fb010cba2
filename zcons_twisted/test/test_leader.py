# -*- test-case-name: zcons_twisted.test.test_leader -*-
"""
Tests for L{zcons_twisted.drivers.leader}: what runs in the child before a zone's
command.  The operating system is not there; integration tests have a real one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import termios
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from ..drivers import leader


class Replaced(BaseException):
    """
    The process is another one now, or none.
    """


class LeaderTests(SynchronousTestCase):
    """
    The child makes itself a session leader on the console and becomes the command.
    """

    def setUp(self) -> None:
        """
        An operating system that remembers what it is asked, and fails where it is told.
        """
        self.calls: list[tuple[Any, ...]] = []
        self.failures: dict[str, Exception] = {}
        for module, name in (
            (os, "setsid"),
            (os, "execvp"),
            (os, "write"),
            (os, "_exit"),
            (fcntl, "ioctl"),
            (fcntl, "fcntl"),
            (signal, "signal"),
            (termios, "tcflow"),
            (termios, "tcgetattr"),
            (termios, "tcsetattr"),
        ):
            self.patch(module, name, self.remember(name))

    def remember(self, name: str) -> Any:
        """
        A call of the system.
        """

        def call(*arguments: Any) -> Any:
            self.calls.append((name, *arguments))
            if name in self.failures:
                raise self.failures[name]
            if name in ("execvp", "_exit"):
                raise Replaced
            return [0, 0, 0, 0, 15, 15, [b"\x03"]]

        return call

    def called(self, name: str) -> list[tuple[Any, ...]]:
        """
        @return: the arguments of all calls of one name.
        """
        return [call[1:] for call in self.calls if call[0] == name]

    def becomes(self, *command: str) -> None:
        """
        Run until the process is another one, or none.
        """
        self.assertRaises(Replaced, leader.main, list(command))

    def test_becomesTheCommand(self) -> None:
        """
        The command is run with its own words, as the last thing that is done.
        """
        self.becomes("sleep", "9")
        self.assertEqual(self.calls[-1], ("execvp", "sleep", ["sleep", "9"]))
        self.assertEqual(self.called("write"), [])

    def test_limit(self) -> None:
        """
        It has as many open files as the server had before it allowed itself more, and
        knows nothing of it.
        """
        limits: list[tuple[int, int]] = []
        self.patch(resource, "getrlimit", lambda which: (5000, 5000))
        self.patch(resource, "setrlimit", lambda which, both: limits.append(both))
        self.patch(os, "environ", {leader.SOFT_LIMIT: "1024", "A": "b"})
        self.becomes("cat")
        self.becomes("cat")
        self.assertEqual(limits, [(1024, 5000)])
        self.assertEqual(os.environ, {"A": "b"})

    def test_sessionFirst(self) -> None:
        """
        It is a session leader before it takes the console as its terminal, and has it
        before it sets it up.
        """
        self.becomes("cat")
        self.assertEqual(
            [call[:3] for call in self.calls[:5]],
            [
                ("setsid",),
                ("ioctl", 0, termios.TIOCSCTTY),
                ("ioctl", 0, 0x5423),
                ("ioctl", 0, termios.TIOCNXCL),
                ("tcflow", 0, termios.TCOON),
            ],
        )

    def test_decentTerminal(self) -> None:
        """
        Whatever the last life left, the terminal echoes, edits lines and knows
        signals; its control characters stay, and so does what was typed.
        """
        self.becomes("cat")
        ((fd, when, attributes),) = self.called("tcsetattr")
        self.assertEqual((fd, when), (0, termios.TCSANOW))
        self.assertTrue(attributes[0] & termios.ICRNL)
        self.assertTrue(attributes[1] & termios.ONLCR)
        local = termios.ECHO | termios.ICANON | termios.ISIG
        self.assertEqual(attributes[3] & local, local)
        self.assertEqual(attributes[4:], [15, 15, [b"\x03"]])

    def test_statusClosesWithTheCommand(self) -> None:
        """
        Descriptor 3 is closed by becoming the command, and no signal is ignored then.
        """
        self.becomes("cat")
        self.assertEqual(
            self.called("fcntl"), [(leader.STATUS_FD, fcntl.F_SETFD, fcntl.FD_CLOEXEC)]
        )
        self.assertEqual(
            self.called("signal"),
            [(signal.SIGPIPE, signal.SIG_DFL), (signal.SIGXFSZ, signal.SIG_DFL)],
        )

    def test_noCommand(self) -> None:
        """
        A command that can't be run is told with its reason through descriptor 3.
        """
        error = OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        self.failures["execvp"] = error
        self.becomes("nothing", "9")
        self.assertEqual(
            self.called("write"), [(3, b"nothing: No such file or directory")]
        )
        self.assertEqual(self.calls[-1], ("_exit", 127))

    def test_noTerminal(self) -> None:
        """
        A console that can't be had as a terminal is told, and nothing is run.
        """
        for name, error in (
            ("ioctl", OSError(errno.EPERM, "Operation not permitted")),
            ("tcflow", termios.error(5, "Input/output error")),
        ):
            self.calls.clear()
            self.failures = {name: error}
            self.becomes("cat")
            self.assertEqual(
                self.called("write"),
                [(3, f"console terminal: {error.args[1]}".encode())],
            )
            self.assertEqual(self.calls[-1], ("_exit", 127))
            self.assertEqual(self.called("execvp"), [])
