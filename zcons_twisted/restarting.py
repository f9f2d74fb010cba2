# -*- test-case-name: zcons_twisted.test.test_restarting -*-
"""
Running the same C{twistd} command again in the same process, once it has stopped in
good order.

C{twistd} removes its pid file and flushes its log last, so it is done when the
interpreter exits.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Sequence

__all__ = ["Restart", "commandAgain"]

_LOGS = ("-l", "--logfile", "--syslog", "--logger")


def commandAgain(
    original: Sequence[str], argv: Sequence[str], daemonized: bool
) -> list[str]:
    """
    The command that runs this program again without another fork: the process keeps
    its number, and whoever watches it notices nothing.

    @param original: the interpreter's own command line.
    @param argv: the program's part of it, from the program's name on.
    @param daemonized: whether the program has put itself into the background.  It is
        there then; what it would do besides is asked for by name.
    """
    head = [*original[: len(original) - len(argv) + 1]]
    words = list(argv[1:])
    if daemonized:
        own = words[: words.index("zconsole")] if "zconsole" in words else words
        if not any(word.startswith(_LOGS) for word in own):
            head.append("--logfile=twistd.log")
        head.append("--nodaemon")
    return [*head, *words]


class Restart:
    """
    Remembers how this program was started.
    """

    def __init__(self, execv: Callable[[str, list[str]], object] = os.execv) -> None:
        """
        @param execv: becomes another program.
        """
        self._execv = execv
        self._directory = os.getcwd()
        self._pid = os.getpid()

    def atExit(self) -> None:
        """
        Run it again when this process would exit.
        """
        atexit.register(self.now)

    def now(self) -> None:
        """
        Run it again.
        """
        daemonized = os.getpid() != self._pid
        words = commandAgain(sys.orig_argv, sys.argv, daemonized)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        # A relative --rundir of twistd is to be found from where it began.
        os.chdir(self._directory)
        self._execv(sys.executable, words)
