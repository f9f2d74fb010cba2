# -*- test-case-name: zcons_twisted.test.test_client_attach -*-
"""
What L{zcons_twisted.client.attach} is told, and what it works with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from zcons_twisted.rundir import RunDirectory

from . import tx
from .descriptors import Descriptor
from .streams import FDReactor
from .terminal import UserTerminal

__all__ = ["SCREEN_ROWS", "AttachOptions", "UserReactor", "UserSide"]

#: A screenful, where there is no terminal to ask.
SCREEN_ROWS = 24


class UserReactor(tx.AttachReactor, FDReactor, Protocol):
    """
    A reactor with time, sockets and descriptors.
    """


@dataclass(frozen=True, slots=True)
class AttachOptions:
    """
    What the command line says.

    @ivar zone: whose console.
    @ivar rundir: where its server is.
    @ivar disconnect: end when the zone halts or fails to boot (C{-d}).
    @ivar command: the command character, or L{None} for none (C{-e}, C{-E}).
    @ivar quiet: leave out the first and last line (C{-Q}).
    @ivar locale: for notices.
    @ivar encoding: the character set that they are shown in.
    @ivar role: C{operator}, C{take}, or C{watch} for somebody who only looks.
    @ivar start: where output begins, as L{zcons_twisted.frames.Attach.start} says, or
        L{None} for the last screenful.
    @ivar wait: after the end of input that is no terminal's, how many seconds the zone
        has to be silent for the session to end; L{None} for ever.
    """

    zone: str
    rundir: RunDirectory
    disconnect: bool = False
    command: bytes | None = None
    quiet: bool = False
    locale: str = "C"
    encoding: str = "utf-8"
    role: str = "operator"
    start: str | tuple[str, int] | None = None
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class UserSide:
    """
    What the user has.

    @ivar input: where typed input comes from.
    @ivar output: where the console is shown.
    @ivar terminal: the terminal that input comes from, if it is one.
    @ivar say: shows one line on standard error.
    @ivar shown: whether the output is a terminal: then its end is a hang-up, and not
        somebody who has seen enough.
    @ivar tell: shows a remark about the connection on standard error, or L{None}
        where that is the terminal that shows the console anyway.
    """

    input: Descriptor
    output: Descriptor
    terminal: UserTerminal | None
    say: Callable[[str], None]
    shown: bool = False
    tell: Callable[[str], None] | None = None

    def size(self) -> tuple[int, int]:
        """
        The terminal's rows and columns, 0 where there is none.
        """
        return (0, 0) if self.terminal is None else self.terminal.size

    def start(self) -> str | tuple[str, int]:
        """
        Where output begins unless somebody chooses: with the last screenful, or with
        what is new where nobody looks.
        """
        return ("lines", self.size()[0] or SCREEN_ROWS) if self.shown else "live"
