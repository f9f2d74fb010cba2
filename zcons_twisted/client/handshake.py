# -*- test-case-name: zcons_twisted.test.test_client_handshake -*-
r"""
How a legacy session begins, from the client's side, without I/O.

The client sends one C{IDENT} line; the server answers with one line, and after
C{OK} the connection is a byte pipe in both directions.  Bytes that follow the
line in the same read are console output already.

Unlike the C client, which takes every other reply (and none at all) for the pid of
the operator, this one tells four cases apart: seated, busy, refused with a text,
and no reply.
"""

from __future__ import annotations

import re

from zcons_twisted.errors import BadIdent
from zcons_twisted.ident import OK, formatIdent
from zcons_twisted.notices import escaped

from .errors import AttachError, ConsoleInUse, HandshakeFailed
from .speech import PlainSpeech

__all__ = ["REPLY_MAX", "Handshake"]

#: Longest reply in bytes, its newline not counted.
REPLY_MAX = 1023

_PID = re.compile(rb"[0-9]+")
_SEATED = OK.rstrip(b"\n")


class Handshake:
    """
    One handshake: what to send, and what the reply means.

    @ivar hello: the bytes to send first.
    @ivar speech: how it goes on once we are seated.
    @ivar welcome: a server that speaks so does not tell how things stand.
    """

    welcome = None

    def __init__(self, pid: int, locale: str = "C", disconnect: bool = False) -> None:
        """
        @param pid: our own process ID.
        @param locale: the name of the locale for notices; one that the protocol
            can't carry is replaced by C{C}.
        @param disconnect: end the session when the zone halts or fails to boot.
        """
        try:
            self.hello = formatIdent(pid, locale, disconnect)
        except BadIdent:
            self.hello = formatIdent(pid, "C", disconnect)
        self.speech = PlainSpeech()
        self._held = b""

    def feed(self, data: bytes) -> bytes | None:
        """
        Take what the server sent, however it is split.

        @return: once we are seated, the bytes that came after the reply; until
            then L{None}.
        @raise AttachError: we are not seated; the message says why.
        """
        self._held += data
        reply, newline, rest = self._held.partition(b"\n")
        if len(reply) > REPLY_MAX:
            self._held = b""
            raise HandshakeFailed(
                f"protocol error: the server's reply is longer than {REPLY_MAX} bytes"
            )
        if not newline:
            return None
        self._held = b""
        if reply == _SEATED:
            return rest
        raise _refusal(reply)

    def end(self) -> AttachError:
        """
        The server sends no more: what that means.  A pid counts without its
        newline too.
        """
        held, self._held = self._held, b""
        if _PID.fullmatch(held):
            return _refusal(held)
        return HandshakeFailed(
            "the server closed the connection without an answer: it stopped, or it"
            " does not admit you"
        )


def _refusal(reply: bytes) -> AttachError:
    if _PID.fullmatch(reply):
        return ConsoleInUse(reply.decode("ascii"))
    if not reply:
        return HandshakeFailed("protocol error: the server's reply is empty")
    text = escaped(reply.decode("utf-8", "surrogateescape"))
    return HandshakeFailed(f"the server refused: {text}")
