# -*- test-case-name: zcons_twisted.test.test_client_greeting -*-
"""
How a structured session begins, from the client's side, without I/O: the C{ATTACH}
line, the one line of JSON that answers it, and what to do about a server that knows
no such line.
"""

from __future__ import annotations

import re
from dataclasses import replace

from zcons_twisted.frames import Attach, BadFrame, formatAttach, parseObject
from zcons_twisted.notices import escaped

from .errors import (
    AttachError,
    ConsoleInUse,
    HandshakeFailed,
    NotSpoken,
    OnlyOperators,
)
from .handshake import Handshake
from .happenings import Welcome
from .speech import FramedSpeech, parseWelcome

__all__ = ["ANSWER_MAX", "StructuredHandshake", "fallback"]

#: Longest answer in bytes, its newline not counted.
ANSWER_MAX = 64 * 1024

# The names of locales that the line can carry.
_LOCALE = re.compile("[!-~]{0,255}")
_PID = re.compile(rb"[0-9]+")


class StructuredHandshake:
    """
    One structured handshake: what to send, and what the answer means.

    @ivar hello: the bytes to send first.
    @ivar speech: once we are let in, how it goes on.
    @ivar welcome: once we are let in, how things stand.
    """

    def __init__(self, attach: Attach) -> None:
        """
        @param attach: what to ask for; a locale that the protocol can't carry is
            replaced by C{C}.
        """
        if not _LOCALE.fullmatch(attach.locale):
            attach = replace(attach, locale="C")
        self.hello = formatAttach(attach)
        self.speech = FramedSpeech(0)
        self.welcome: Welcome | None = None
        self._attach = attach
        self._held = b""
        self._silent = True

    def feed(self, data: bytes) -> bytes | None:
        """
        Take what the server sent, however it is split.

        @return: once we are let in, the bytes that came after the answer; until
            then L{None}.
        @raise AttachError: we are not; the message says why.
        """
        self._silent = False
        self._held += data
        answer, newline, rest = self._held.partition(b"\n")
        if len(answer) > ANSWER_MAX:
            self._held = b""
            raise HandshakeFailed(
                f"protocol error: the server's answer is longer than {ANSWER_MAX} bytes"
            )
        if not newline:
            return None
        self._held = b""
        self._understand(answer)
        return rest

    def end(self) -> AttachError:
        """
        The server sends no more: what that means.
        """
        if self._silent:
            return NotSpoken(
                "the server closed the connection without an answer: it stopped, or it"
                " does not admit you, or it knows no structured sessions"
            )
        held, self._held = self._held, b""
        if _PID.fullmatch(held):
            return self._legacyBusy(held)
        return HandshakeFailed("the server closed the connection within its answer")

    def _understand(self, answer: bytes) -> None:
        if _PID.fullmatch(answer):
            raise self._legacyBusy(answer)
        try:
            given = parseObject(answer)
            if given.get("ok") is not True:
                reason, text = given.get("reason"), given.get("text")
                if reason == "busy" and isinstance(given.get("operator"), dict):
                    raise ConsoleInUse(escaped(str(given["operator"].get("pid"))))
                raise HandshakeFailed(f"the server refused: {escaped(str(text))}")
            self.welcome = parseWelcome(given)
        except BadFrame as e:
            raise HandshakeFailed(
                f"protocol error: the server's answer is none: {e}"
            ) from None
        self.speech = FramedSpeech(self.welcome.offset)

    def _legacyBusy(self, pid: bytes) -> AttachError:
        """
        A server that knows only operators says who is there before it looks at the
        line.
        """
        holder = pid.decode("ascii")
        if self._attach.role == "operator":
            return ConsoleInUse(holder)
        return OnlyOperators(f", and process ID {holder} is there")


def fallback(attach: Attach, pid: int) -> Handshake:
    """
    The legacy handshake in place of a structured one that was L{NotSpoken}.

    @param pid: our own process ID.
    @raise OnlyOperators: it can't do what was asked for.
    """
    if attach.role != "operator":
        raise OnlyOperators(", or does not admit you")
    return Handshake(pid, attach.locale, attach.disconnect)
