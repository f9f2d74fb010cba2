# -*- test-case-name: zcons_twisted.test.test_ident -*-
"""
The C{IDENT} line that a client sends first, and the server's two replies.

Three dialects are in the wild, told apart by their fields alone::

    A   IDENT <pid> <locale> <flag>     illumos since 2015, and our own client
    B   IDENT <locale> <flags>          SmartOS and OmniOS
    0   IDENT <pid> <locale>            Solaris 10 and illumos before 2015

The grammar is strict: fields are divided by one space each and a line that fits no
dialect is refused, where the C program read outside its text.  What we do with
every odd line, and why, is tabled in docs/protocol/ident.rst.

A told pid is kept as a remark only: who somebody is comes from the kernel.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import BadIdent

__all__ = [
    "IDENT_LINE_MAX",
    "OK",
    "Ident",
    "LineReader",
    "busyReply",
    "formatIdent",
    "parseIdent",
]

#: Longest first line in bytes, its newline not counted (illumos' C{BUFSIZ} is
#: 1024 with a NUL).
IDENT_LINE_MAX = 1023

#: The reply that seats a client; from then on the connection is a byte pipe.
OK = b"OK\n"

#: Largest told pid: a C{pid_t} is 32 bits with a sign.
PID_MAX = 2**31 - 1

_DISCONNECT = 0x1

_PID = rb"(?P<pid>[0-9]{1,10})"
_NAMED_LOCALE = rb"(?P<locale>(?![0-9]+(?: |\Z))[!-~]+)"
_DIALECTS = (
    ("A", re.compile(rb"IDENT " + _PID + rb" (?P<locale>[!-~]*) (?P<flag>[0-9])")),
    ("B", re.compile(rb"IDENT " + _NAMED_LOCALE + rb" (?P<flags>[0-9]{1,10})")),
    ("0", re.compile(rb"IDENT " + _PID + rb" " + _NAMED_LOCALE)),
)


class Ident(NamedTuple):
    """
    What a client says of itself.

    @ivar dialect: C{"A"}, C{"B"} or C{"0"}.
    @ivar pid: the pid that it tells, or L{None} where the dialect has none.
    @ivar locale: its locale's name, C{""} meaning the same as C{"C"}.
    @ivar disconnect: whether its session ends when the zone halts or fails to
        boot (C{-d}).
    """

    dialect: str
    pid: int | None
    locale: str
    disconnect: bool


def parseIdent(line: bytes) -> Ident:
    """
    Parse a first line.

    @param line: the line without its newline.
    @raise BadIdent: it fits none of the dialects.
    """
    for dialect, pattern in _DIALECTS:
        match = pattern.fullmatch(line)
        if match is None:
            continue
        pid = None if dialect == "B" else int(match["pid"])
        if pid is not None and pid > PID_MAX:
            raise BadIdent(f"pid {pid} is larger than any process ID ({PID_MAX})")
        if dialect == "B":
            disconnect = bool(int(match["flags"]) & _DISCONNECT)
        else:
            disconnect = dialect == "A" and match["flag"] != b"0"
        return Ident(dialect, pid, match["locale"].decode("ascii"), disconnect)
    raise BadIdent(f"not an IDENT line: {ascii(line[:64])}")


def formatIdent(pid: int, locale: str, disconnect: bool) -> bytes:
    """
    The line that our own client sends, in dialect A, with its newline.

    @raise BadIdent: a server would refuse the line.
    """
    line = b"IDENT %d %s %d" % (pid, locale.encode("ascii", "replace"), disconnect)
    if len(line) > IDENT_LINE_MAX:
        raise BadIdent(f"locale name of {len(locale)} characters is too long")
    parseIdent(line)
    return line + b"\n"


def busyReply(pid: int) -> bytes:
    """
    The reply to a client that finds the operator's seat taken.

    @param pid: the pid of the operator.
    """
    return b"%d\n" % (pid,)


class LineReader:
    """
    Collects the first line of a peer, however it is split, within
    L{IDENT_LINE_MAX}.
    """

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, bytes] | None:
        """
        Take bytes as they come.

        @return: the line without its newline and whatever came after it, or
            L{None} while there is no newline yet.
        @raise BadIdent: the line is longer than L{IDENT_LINE_MAX}.
        """
        self._held += data
        line, newline, rest = self._held.partition(b"\n")
        if len(line) > IDENT_LINE_MAX:
            self._held = b""
            raise BadIdent(f"first line is longer than {IDENT_LINE_MAX} bytes")
        if not newline:
            return None
        self._held = b""
        return line, rest

    def end(self) -> bytes:
        """
        The peer sends no more: what has come of a line without a newline.
        """
        held, self._held = self._held, b""
        return held
