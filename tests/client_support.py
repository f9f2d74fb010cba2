"""
The real C{zconsole}, at a real terminal or with pipes.
"""

from __future__ import annotations

import os
import select
import sys
import termios
from typing import Any

from support import Program, until
from twisted.internet import reactor
from twisted.python.failure import Failure

#: Not among what is ever shown last.
END = b"\0"


def zconsole(rundir: str, *words: str) -> list[str]:
    """
    The words of a command line.
    """
    return [sys.executable, "-m", "zcons_twisted.client", "--rundir", rundir, *words]


def client(rundir: str, *words: str) -> Program:
    """
    C{zconsole} with pipes.
    """
    return Program(zconsole(rundir, *words))


class AtTerminal(Program):
    """
    C{zconsole} at a terminal that is its controlling one.

    @ivar before: the terminal's settings before it was started.
    """

    def __init__(self, rundir: str, *words: str) -> None:
        super().__init__(zconsole(rundir, *words))
        self._exited: int | None = None
        self._hidden = False

    def start(
        self, env: dict[str, str] | None = None, cwd: str | None = None
    ) -> AtTerminal:
        """
        See L{Program}.
        """
        manager, user = os.openpty()
        self.user = os.dup(user)
        self.before = termios.tcgetattr(user)
        # A triple is the terminal to use; the library closes the user's end here.
        pty: Any = (manager, user, os.ttyname(user))
        reactor.spawnProcess(
            self,
            self.argv[0],
            self.argv,
            {**os.environ, **(env or {})},
            cwd,
            usePTY=pty,
        )
        assert self.transport is not None
        self.pid = self.transport.pid
        return self

    @property
    def settings(self) -> list[Any]:
        """
        The terminal's settings now.
        """
        return termios.tcgetattr(self.user)

    @property
    def raw(self) -> bool:
        """
        Is the terminal raw now?
        """
        return not self.settings[3] & termios.ICANON

    async def seated(self) -> None:
        """
        Wait until there is a session.
        """
        await self.says(b" console]\r\n")
        await until(lambda: self.raw, "raw mode")

    def look(self, wanted: bool) -> None:
        """
        Take what is shown, or let it wait, as a terminal that was stopped does.
        """
        assert self.transport is not None
        self._hidden = not wanted
        if wanted:
            self.transport.resumeProducing()
        else:
            self.transport.pauseProducing()

    def processExited(self, reason: Failure) -> None:
        """
        It has ended; the terminal, which we have open too, has not.
        """
        self._exited = reason.value.exitCode
        if reason.value.exitCode is None:
            self._exited = -reason.value.signal

    async def ends(self, deadline: float = 30.0) -> int:
        """
        See L{Program}.
        """
        await until(lambda: self._exited is not None, f"end: {self.output!r}", deadline)
        if self.status is None:
            await self._last()
            self.status = self._exited
        assert self.status is not None
        return self.status

    async def _last(self) -> None:
        """
        Wait for what it has shown last: what we write to the terminal comes behind it.
        """
        if self._hidden or not select.select([], [self.user], [], 0)[1]:
            return
        try:
            os.write(self.user, END)
        except OSError:
            # It was hung up.
            return
        await until(lambda: self.output.endswith(END), f"the last of {self.output!r}")
        self.output = self.output.removesuffix(END)

    async def kill(self) -> None:
        """
        See L{Program}.
        """
        # Nobody takes what it shows from here on.
        self._hidden = True
        await super().kill()
        if self.user >= 0:
            os.close(self.user)
            self.user = -1
