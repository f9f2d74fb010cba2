# -*- test-case-name: zcons_twisted.test.test_structured -*-
"""
What an C{ATTACH} line is answered with, and where the output of the session that it
begins starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .frames import VERSION, Attach, encodeObject
from .history import History
from .sessions import Session
from .tails import lastLines

if TYPE_CHECKING:
    from .console import Console

__all__ = ["TAIL_MAX", "accepted", "refused", "startOffset", "whoseSeat"]

#: Most bytes of history that are looked through for its last lines.
TAIL_MAX = 4 * 1024 * 1024


def startOffset(history: History, attach: Attach) -> int | None:
    """
    Where a session's output begins.

    @param attach: what it asks for.
    @return: the offset, or L{None} for what is printed from now on.
    """
    history.settle()
    start = attach.start
    if isinstance(start, str):
        if start == "boot":
            return history.boot[0]
        return None if start == "live" else history.oldest
    unit, number = start
    if unit == "lines":
        return lastLines(history, int(number), TAIL_MAX)
    if unit == "bytes":
        return max(history.oldest, history.end - int(number))
    if attach.birth and attach.birth != history.birth:
        # Nothing of this history is known yet; what is not kept of it is a gap.
        return 0
    return min(int(number), history.end)


def whoseSeat(session: Session | None) -> dict[str, Any] | None:
    """
    An operator, as structured sessions are told of it.
    """
    if session is None:
        return None
    who = session.peer.who
    return {"pid": who.pid, "uid": who.uid, "since": session.peer.since}


def accepted(
    console: Console, session: Session, start: int | None, note: str = ""
) -> bytes:
    """
    The answer to an C{ATTACH} line that is let in, with its newline.

    @param note: what a newcomer has to know of the zone, in one line.
    """
    history = console.history
    first, last = history.boot
    return (
        encodeObject(
            {
                "v": VERSION,
                "ok": True,
                "zone": console.zone,
                "state": console.presence.label(),
                "present": console.presence.present(),
                "note": note,
                "role": session.role.value,
                "birth": history.birth,
                "offset": history.end if start is None else start,
                "oldest": history.oldest,
                "end": history.end,
                "printed": console.fanout.printedAt,
                "boot": [first, last],
                "operator": whoseSeat(console.operator),
                "sessions": len(console.sessions),
            }
        )
        + b"\n"
    )


def refused(reason: str, text: str, operator: Session | None = None) -> bytes:
    """
    The answer to one that is not, with its newline.

    @param reason: C{busy}, C{malformed} or C{server-stopping}.
    """
    return (
        encodeObject(
            {
                "v": VERSION,
                "ok": False,
                "reason": reason,
                "text": text,
                "operator": whoseSeat(operator),
            }
        )
        + b"\n"
    )
