# -*- test-case-name: zcons_twisted.test.test_client_speech -*-
"""
What a session can tell besides output, and how it can end.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = [
    "Anew",
    "Answer",
    "Confirmed",
    "End",
    "EndCause",
    "Gap",
    "Happening",
    "Notice",
    "Operator",
    "Pong",
    "SeatChange",
    "Unconfirmed",
    "Welcome",
]


@dataclass(frozen=True, slots=True)
class Operator:
    """
    Who has the operator's seat, as the kernel told the server.

    @ivar pid: the process, 0 where it is out of the server's sight.
    @ivar uid: its user.
    @ivar since: when it attached, in seconds since the epoch.
    """

    pid: int
    uid: int
    since: float


@dataclass(frozen=True, slots=True)
class Welcome:
    """
    How things stood when a structured session was let in.

    @ivar zone: the zone.
    @ivar state: its state's label.
    @ivar role: C{operator} or C{watch}.
    @ivar offset: where our output begins.
    @ivar oldest: the oldest offset that is kept.
    @ivar end: the offset after the last byte that there was.
    @ivar operator: who has the operator's seat, if anybody.
    @ivar sessions: how many were attached.
    @ivar birth: which history the offsets are of, as far as the server tells.
    @ivar present: whether there may be somebody who reads what is typed.
    @ivar note: what the server says of how it stands, where there is something to know;
        may come from outside, so escape it before it is shown.
    @ivar boot: where the zone's last boot began, or L{None} where that is not told.
    @ivar printed: when the zone printed something last, in seconds since the epoch, or
        L{None} where that is not known.
    """

    zone: str
    state: str
    role: str
    offset: int
    oldest: int
    end: int
    operator: Operator | None
    sessions: int
    birth: str = ""
    present: bool = True
    boot: int | None = None
    note: str = ""
    printed: float | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """
    Output that is missing in this place.

    @ivar offset: where.
    @ivar missing: how many bytes.
    """

    offset: int
    missing: int


@dataclass(frozen=True, slots=True)
class Notice:
    """
    Something happened to the zone.

    @ivar event: what, one of L{zcons_twisted.events.EVENT_NAMES}.
    @ivar text: the same for people; may come from outside, so escape it before
        it is shown.
    @ivar time: when, in seconds since the epoch.
    @ivar offset: the offset that it belongs before.
    @ivar arguments: the boot arguments that belong to it, or why it happened; they do
        come from outside.
    """

    event: str
    text: str
    time: float
    offset: int
    arguments: str


@dataclass(frozen=True, slots=True)
class SeatChange:
    """
    Somebody sat down in the operator's seat, or left it.

    @ivar operator: who has it now.
    @ivar role: our own role now.
    """

    operator: Operator | None
    role: str


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came of something that we asked.

    @ivar request: C{input}, C{break}, C{seat}, C{ping} or C{confirm}.
    @ivar ok: whether it was done.
    @ivar text: why not, for people.
    """

    request: str
    ok: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class Pong:
    """
    A ping came back.

    @ivar payload: what was sent with it.
    """

    payload: bytes


@dataclass(frozen=True, slots=True)
class Confirmed:
    """
    The zone has all that was typed before we asked.

    @ivar payload: what was sent with the question.
    """

    payload: bytes


@dataclass(frozen=True, slots=True)
class Anew:
    """
    The server that we are attached to again has another history than the one before,
    or less of it: what comes begins at its beginning, and not where we had been.

    @ivar offset: where it begins.
    @ivar birth: which history it is.
    """

    offset: int
    birth: str


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """
    What was typed last before the connection broke may be lost.

    @ivar typed: how many bytes.
    """

    typed: int


Happening = Gap | Notice | SeatChange | Answer | Pong | Confirmed | Anew | Unconfirmed


class EndCause(enum.Enum):
    """
    Who ended a session.
    """

    #: We did, by closing, aborting or leaving it.
    OURS = "ours"
    #: The server did.
    SERVER = "server"
    #: The connection broke; in a structured session, it closed without a word.
    LOST = "lost"
    #: The server sent what it may not send.
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class End:
    """
    How a session ended.

    @ivar cause: who ended it.
    @ivar detail: what broke, where something did.
    @ivar reason: the server's word for why, or C{""} where it said none.
    @ivar text: the same for people; escape it before it is shown.
    @ivar typed: how many bytes of what the session typed go on to the next server,
        where the server said that.
    """

    cause: EndCause
    detail: str = ""
    reason: str = ""
    text: str = ""
    typed: int | None = None
