# -*- test-case-name: zcons_twisted.test.test_logbook -*-
"""
Who came and went, in the log; but no more than the log can bear.

Each attach, each end and each refusal is a line of its own, with who it was.  A program
that attaches in a loop does that thousands of times a second: it would fill a disk, and
writing its lines takes longer than seating it.  So beyond L{LINES_MAX} in a second they
are counted, by what was done and by which user, and told together when the second is
over.
"""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from .credentials import Credentials
from .log_queue import LogQueue

__all__ = ["KINDS_MAX", "LINES_MAX", "LINES_SECONDS", "Logbook"]

#: So many comings and goings of one console are told one by one ...
LINES_MAX = 32
#: ... in so many seconds.
LINES_SECONDS = 1.0
#: Beyond, so many kinds of them are counted apart, and the rest together.
KINDS_MAX = 64


class Logbook:
    """
    One console's comings and goings.
    """

    _log = Logger()

    def __init__(
        self, zone: str, clock: IReactorTime, queue: LogQueue | None = None
    ) -> None:
        """
        @param zone: the zone's name, for the lines.
        @param clock: measures the second.
        @param queue: writes the lines when nobody waits; where L{None}, they are
            written at once.
        """
        self._zone = zone
        self._clock = clock
        self._queue = queue
        self._began = clock.seconds() - LINES_SECONDS
        self._told = 0
        self._more: dict[tuple[str, int | None], int] = {}
        self._timer: IDelayedCall | None = None

    def attached(self, who: Credentials, role: str) -> None:
        """
        A peer has come in.

        @param role: what it is now, in a word for people.
        """
        text = "console attached by {who} as {role}"
        self.tell("attached", who.uid, text, who=who, role=role)

    def tookSeat(self, who: Credentials) -> None:
        """
        One that was attached has the operator's seat now.
        """
        self.tell("took the seat", who.uid, "{who} has the operator's seat", who=who)

    def gaveUpSeat(self, who: Credentials, lost: int) -> None:
        """
        An operator goes on as a watcher.

        @param lost: how many bytes that it had typed found no room.
        """
        text = "{who} gives up the operator's seat"
        if lost:
            text += "; {lost} bytes that it had typed found no room"
        self.tell("gave up the seat", who.uid, text, who=who, lost=lost)

    def left(self, who: Credentials, reason: str, text: str) -> None:
        """
        A session has ended.

        @param reason: why, in a word for programs.
        @param text: the same in one line for people.
        """
        line = "console left by {who}: {text}"
        self.tell("left", who.uid, line, who=who, reason=reason, text=text)

    def refused(self, who: Credentials, holder: Credentials) -> None:
        """
        A peer found the seat taken.
        """
        text = "console refused to {who}: {holder} has it"
        self.tell("refused", who.uid, text, who=who, holder=holder)

    def malformed(self, who: Credentials, why: str) -> None:
        """
        A peer was refused for what it said, or did not say.
        """
        self.tell("refused", who.uid, "{who} refused: {why}", who=who, why=why)

    def notAdmitted(self, who: Credentials) -> None:
        """
        A peer may not come in at all.
        """
        self.tell("not admitted", who.uid, "{who} is not admitted", who=who)

    def controlled(self, who: Credentials, what: str) -> None:
        """
        A peer of the control door had something done.
        """
        self.tell(what, who.uid, "control: {what} by {who}", what=what, who=who)

    def tell(self, kind: str, uid: int, text: str, /, **fields: object) -> None:
        """
        Something happened.

        @param kind: what, in a word: C{attached}, C{left}, ...
        @param uid: the user who did it.
        @param text: a format of Twisted's log, without the zone's name.
        @param fields: what it is filled with.
        """
        now = self._clock.seconds()
        if self._timer is None and now - self._began >= LINES_SECONDS:
            self._began = now
            self._told = 0
        if self._told < LINES_MAX:
            self._told += 1
            self._write(text, fields)
            return
        key: tuple[str, int | None] = (kind, uid)
        if key not in self._more and len(self._more) >= KINDS_MAX:
            key = (kind, None)
        self._more[key] = self._more.get(key, 0) + 1
        if self._timer is None:
            left = self._began + LINES_SECONDS - now
            self._timer = self._clock.callLater(left, self._flush)

    def close(self) -> None:
        """
        Tell what was only counted, and what waits.  Harmless to say twice.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._flush()
        if self._queue is not None:
            self._queue.flush()

    def _flush(self) -> None:
        self._timer = None
        more, self._more = self._more, {}
        told = ", ".join(
            f"{count} {kind} by {_user(uid)}" for (kind, uid), count in more.items()
        )
        self._write("and within a second {more}", {"more": told})

    def _write(self, text: str, fields: dict[str, object]) -> None:
        fields["zone"] = self._zone
        text = f"{{zone}}: {text}"
        if self._queue is None:
            self._log.info(text, **fields)
        else:
            self._queue.info(self._log, text, fields)


def _user(uid: int | None) -> str:
    if uid is None:
        return "others"
    return f"user {uid}" if uid else "root"
