# -*- test-case-name: zcons_twisted.test.test_client_attach -*-
"""
What is typed, or piped in, on its way to the zone.

Input that the zone does not take, or that waits for a lost connection, pauses a pipe at
once, but a terminal only after L{TYPED_AHEAD_MAX} more bytes, so that the way out is
still seen.
"""

from __future__ import annotations

from typing import Protocol

from .escapes import BREAK, EscapeMachine, LineCharacters
from .lasting import Lasting
from .streams import InputStream
from .user_side import AttachOptions, UserReactor, UserSide

__all__ = ["TYPED_AHEAD_MAX", "Keyboard", "Typist"]

#: How much typed input is taken from a terminal while the zone takes none.
TYPED_AHEAD_MAX = 1024 * 1024

#: What C{^C} is in raw mode: whoever only looks may leave by it.
_INTERRUPT = b"\x03"


class Typist(Protocol):
    """
    Who types.
    """

    def left(self, shown: bytes) -> None:
        """
        By the way out, which is shown so.
        """

    def asksHelp(self) -> None:
        """
        What are the escapes?
        """

    def asksBreak(self) -> None:
        """
        Send a break.
        """

    def hungUp(self) -> None:
        """
        The terminal is gone.
        """

    def saidAll(self) -> None:
        """
        There is no more input, and it was no terminal.
        """


class Keyboard:
    """
    One user's input.

    @ivar typed: whether anything was sent.
    """

    def __init__(
        self,
        reactor: UserReactor,
        options: AttachOptions,
        user: UserSide,
        typist: Typist,
    ) -> None:
        """
        @param reactor: what waits for input.
        @param options: what the command line says.
        @param user: what the user has.
        @param typist: hears of what is not for the zone.
        """
        self._onlyLooks = options.role == "watch"
        self._isTerminal = user.terminal is not None
        self._typist = typist
        self._session: Lasting | None = None
        self._unsent: int | None = None
        characters = user.terminal.characters if user.terminal else LineCharacters()
        self._escapes = EscapeMachine(options.command, characters)
        self._input = InputStream(reactor, user.input, self._typed, self._ended)

    def begin(self, session: Lasting) -> None:
        """
        Read, where there is somebody to read of.
        """
        self._session = session
        if self._isTerminal or not self._onlyLooks:
            self._input.resume()

    def close(self) -> None:
        """
        Read no more.
        """
        self._input.close()

    def _typed(self, data: bytes) -> None:
        while data:
            typed = self._escapes.feed(data)
            data = typed.rest
            if self._onlyLooks:
                if typed.leave is not None or _INTERRUPT in typed.send:
                    self._typist.left(b"")
                    return
            else:
                self._send(typed.send)
                if typed.leave is not None:
                    self._typist.left(typed.leave)
            if typed.asked == BREAK and not self._onlyLooks:
                self._typist.asksBreak()
            elif typed.asked:
                self._typist.asksHelp()

    def _send(self, data: bytes) -> None:
        session = self._session
        if session is None or not data or session.write(data):
            return
        if self._unsent is None:
            self._unsent = 0
            session.whenWritable().addCallback(self._room)
        self._unsent += len(data)
        allowed = TYPED_AHEAD_MAX if self._isTerminal else 0
        if self._unsent > allowed:
            self._input.pause()

    def _room(self, result: None) -> None:
        self._unsent = None
        self._input.resume()

    def _ended(self) -> None:
        self._send(self._escapes.end())
        if self._isTerminal:
            # Raw terminals have no end of file: it hung up.
            self._typist.hungUp()
        else:
            self._typist.saidAll()
