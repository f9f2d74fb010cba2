"""
The first line of a peer of the console socket: C{IDENT} in its dialects, or C{ATTACH}.
"""

from __future__ import annotations

from cuts import cut

from zcons_twisted.errors import BadIdent
from zcons_twisted.frames import BadFrame, formatAttach, isAttach, parseAttach
from zcons_twisted.ident import (
    IDENT_LINE_MAX,
    PID_MAX,
    LineReader,
    formatIdent,
    parseIdent,
)

BadLine = (BadIdent, BadFrame)


def consume(data: bytes) -> None:
    """
    However the line is cut, the same comes of it; and what is understood is said back
    in a form that is understood as the same.
    """
    whole = line(LineReader(), [data])
    assert line(LineReader(), list(cut(data, len(data)))) == whole
    if whole is None or isinstance(whole, str):
        return
    first, rest = whole
    assert len(first) <= IDENT_LINE_MAX
    assert first + b"\n" + rest == data
    understand(first)


def line(reader: LineReader, pieces: list[bytes]) -> tuple[bytes, bytes] | str | None:
    """
    What a reader makes of pieces: the line and what follows, why it is none, or
    nothing yet.
    """
    for n, piece in enumerate(pieces):
        try:
            found = reader.feed(piece)
        except BadIdent as e:
            return str(e)
        if found is not None:
            return found[0], found[1] + b"".join(pieces[n + 1 :])
    return None


def understand(first: bytes) -> None:
    """
    What a line says.
    """
    try:
        if isAttach(first):
            asked = parseAttach(first)
            said = formatAttach(asked)
            assert parseAttach(said[:-1]) == asked
            return
        told = parseIdent(first)
    except BadLine as e:
        # It goes into the log, and to the peer.
        assert str(e).isprintable(), e
        return
    assert told.pid is None or 0 <= told.pid <= PID_MAX
    assert told.locale.isascii() and (told.locale.isprintable() or not told.locale)
    if told.dialect == "A":
        said = formatIdent(told.pid or 0, told.locale, told.disconnect)
        assert parseIdent(said[:-1]) == told
