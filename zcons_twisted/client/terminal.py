# -*- test-case-name: zcons_twisted.test.test_client_terminal -*-
"""
The user's terminal: raw while a session lasts, and as it was ever after.
"""

from __future__ import annotations

import os
import signal
import termios
from typing import Any

from .escapes import LineCharacters

__all__ = [
    "UserTerminal",
    "lineCharacters",
    "rawAgain",
    "rawAttributes",
    "suspend",
]

#: What C{tcgetattr} returns: four flag words, two speeds, and the characters.
Attributes = list[Any]

_INPUT, _OUTPUT, _LOCAL, _CHARACTERS = 0, 1, 3, 6

#: A special character that is switched off.
_OFF = b"\0"

_RAW_INPUT = (
    termios.ISTRIP
    | termios.IXON
    | termios.IXANY
    | termios.INLCR
    | termios.ICRNL
    | termios.IGNCR
    # Not everywhere.
    | getattr(termios, "IUCLC", 0)
)
_RAW_LOCAL = termios.ICANON | termios.ISIG | termios.ECHO | termios.IEXTEN


def rawAttributes(saved: Attributes) -> Attributes:
    """
    Raw mode as the zone console's client has always set it: what is typed goes to
    the zone character by character, what the zone prints is shown untouched, and
    everything else (BRKINT, IXOFF, parity) stays.
    """
    raw = [*saved]
    raw[_INPUT] &= ~_RAW_INPUT
    raw[_OUTPUT] &= ~termios.OPOST
    raw[_LOCAL] &= ~_RAW_LOCAL
    raw[_CHARACTERS] = [*saved[_CHARACTERS]]
    raw[_CHARACTERS][termios.VMIN] = 1
    raw[_CHARACTERS][termios.VTIME] = 0
    return raw


def lineCharacters(saved: Attributes) -> LineCharacters:
    """
    The characters that matter for escapes, from the user's own settings.
    """
    characters = saved[_CHARACTERS]
    wanted = (termios.VKILL, termios.VEOL, termios.VSUSP, termios.VINTR)
    ending = b"".join(c for c in (characters[i] for i in wanted) if c != _OFF)
    endOfFile = characters[termios.VEOF]
    return LineCharacters(ending, b"" if endOfFile == _OFF else endOfFile)


class UserTerminal:
    """
    A terminal whose settings are put back.

    @ivar characters: see L{lineCharacters}.
    """

    def __init__(self, descriptor: int) -> None:
        """
        @param descriptor: the terminal.
        @raise termios.error: it is none, or it is gone.
        """
        self._descriptor = descriptor
        self._saved: Attributes = termios.tcgetattr(descriptor)
        self._raw = False
        self.characters = lineCharacters(self._saved)

    @property
    def raw(self) -> bool:
        """
        Is it raw now?
        """
        return self._raw

    @property
    def size(self) -> tuple[int, int]:
        """
        Its rows and columns, 0 where it does not know.
        """
        try:
            rows, columns = termios.tcgetwinsize(self._descriptor)
        except termios.error:
            return 0, 0
        return rows, columns

    def makeRaw(self) -> None:
        """
        Make it raw.  What was typed before and not read yet stays, and is read then.

        @raise termios.error: it can't be done.
        """
        raw = rawAttributes(self._saved)
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, raw)
        self._raw = True

    def restore(self) -> None:
        """
        Put back what was there, when everything written has been shown.  A
        terminal that is gone needs nothing.
        """
        if not self._raw:
            return
        self._raw = False
        # From a background job this would stop us, raw terminal and all.
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._saved)
        except termios.error:
            pass
        finally:
            signal.signal(signal.SIGTTOU, before)


def suspend(terminal: UserTerminal | None) -> None:
    """
    A signal stops this process: its terminal is put back for as long as that lasts.
    """
    raw = terminal is not None and terminal.raw
    if terminal is not None:
        terminal.restore()
    os.kill(os.getpid(), signal.SIGSTOP)
    if terminal is not None and raw:
        _makeRawAgain(terminal)


def rawAgain(terminal: UserTerminal | None) -> None:
    """
    This process was stopped without having been told, and goes on.
    """
    if terminal is not None and terminal.raw:
        _makeRawAgain(terminal)


def _makeRawAgain(terminal: UserTerminal) -> None:
    try:
        terminal.makeRaw()
    except termios.error:
        # It is gone, and the end of input or SIGHUP says so.
        return
