# -*- test-case-name: zcons_twisted.test.test_client_lasting -*-
"""
A session that outlives its connection, under Twisted.

When the connection of a structured session breaks, or the server goes away without
having ended the session, or restarts, it is attached anew at the offset that it had
come to, so that it misses nothing that history has; where that is another history by
then, it begins anew and says so.  What is typed meanwhile waits, and is sent if the
zone is still the one that it was typed for: a zone that has booted since, or is down,
does not get it.  What was typed before, and never confirmed to have come to the zone,
may be lost; that is said, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import txaio.tx
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.python.failure import Failure

from zcons_twisted.frames import Attach
from zcons_twisted.notices import droppedText, unconfirmedText
from zcons_twisted.rundir import RunDirectory
from zcons_twisted.sessions import EndReason

from . import tx
from .connecting import Opener, openUnix
from .ears import Ears
from .happenings import (
    Anew,
    Answer,
    End,
    EndCause,
    Gap,
    Happening,
    Notice,
    SeatChange,
    Unconfirmed,
    Welcome,
)
from .moments import Moment
from .retrying import tryAgain
from .sent import Sent
from .session import ConsoleSession

__all__ = ["BOOTS", "RESUME_SECONDS", "Lasting"]

#: How long a lost connection is tried again.
RESUME_SECONDS = 60.0

#: The events with which a life of the zone begins.
BOOTS = ("booting", "rebooting")


class Lasting:
    """
    One such session.
    """

    def __init__(
        self,
        reactor: tx.AttachReactor,
        rundir: RunDirectory,
        zone: str,
        asked: Attach,
        ears: Ears,
        opener: Opener = openUnix,
    ) -> None:
        """
        @param reactor: where it lives.
        @param rundir: the server's run directory.
        @param zone: the zone's name.
        @param asked: what to ask for when it begins.
        @param ears: who hears of what.
        @param opener: one attempt to connect, as L{openUnix}.
        """
        self._reactor = reactor
        self._rundir = rundir
        self._zone = zone
        self._asked = asked
        self._ears = ears
        self._opener = opener
        self._session: ConsoleSession | None = None
        self._trying: Deferred[Any] | None = None
        self._why = ""
        self._leaving = self._paused = self._givesUp = False
        self._ahead = b""
        self._room = Moment(txaio.tx)
        self._ended = Moment(txaio.tx)
        self._told: list[Gap | Notice] = []
        self._known: list[Gap | Notice] = []
        self._sent = Sent()
        # Whether we have asked what became of it.
        self._asking = False
        self._birth = ""
        #: How things stood when it began, where a server told that.
        self.welcome: Welcome | None = None
        #: Where the zone's last boot began, where a server told that.
        self.boot: int | None = None
        #: Whether it has more to it than bytes.
        self.structured = False
        #: Where what had been printed when it was attached last ends, if that is known.
        self.before: int | None = None
        #: Whether the server that was lost last said that there will be one again.
        self.restarts = False

    def attach(self) -> Deferred[None]:
        """
        Begin.

        @return: fires when it is seated, and fails with an
            L{AttachError<zcons_twisted.client.errors.AttachError>}; may be cancelled.
        """

        async def begin() -> None:
            session = await self._attempt()
            self.welcome = session.welcome
            if session.welcome is not None:
                self._birth = session.welcome.birth
            self._seat(session)

        return Deferred.fromCoroutine(begin())

    def deliver(self) -> None:
        """
        Begin to give out what the zone prints, once it is seated.
        """
        if self._session is not None:
            self._session.deliver(self._ears.output, self._happened)

    def whenEnded(self) -> Any:
        """
        A Deferred of the last L{End}.
        """
        return self._ended.wait()

    @property
    def position(self) -> int:
        """
        The offset after the last byte of output.
        """
        session = self._session
        return 0 if session is None or session.position is None else session.position

    def write(self, data: bytes) -> bool:
        """
        Send what was typed, or keep it until there is a connection again.

        @return: whether there is room for more; if not, wait for L{whenWritable}.
        """
        if self._session is not None:
            room = self._session.write(data)
            if self.structured:
                self._sent.add(data)
                self._askOnce(self._session)
            return room
        self._ahead += data
        return False

    def whenWritable(self) -> Any:
        """
        A Deferred that fires when there is room for more input, or when it is over.
        """
        if self._session is not None:
            return self._session.whenWritable()
        return self._room.wait()

    def pauseOutput(self) -> None:
        """
        Read no more for now.
        """
        self._paused = True
        if self._session is not None:
            self._session.pauseOutput()

    def resumeOutput(self) -> None:
        """
        Read again.
        """
        self._paused = False
        if self._session is not None:
            self._session.resumeOutput()

    def window(self, rows: int, columns: int) -> None:
        """
        Our terminal has another size; older servers don't hear of it.
        """
        self._asked = replace(self._asked, rows=rows, columns=columns)
        if self._session is not None and self._session.structured:
            self._session.window(rows, columns)

    def sendBreak(self) -> Any:
        """
        Send a break.

        @return: a Deferred of an L{Answer}, or of L{None} where there is no connection.
        @raise NotStructured: the server knows none.
        """
        return succeed(None) if self._session is None else self._session.sendBreak()

    def giveUp(self) -> Any:
        """
        Type no more, and go on looking, where the server lets us.

        @return: a Deferred that fires when it has, after all that was typed.
        """
        self._givesUp = True
        if self._session is None:
            return self._room.wait()
        if not self._session.structured:
            return succeed(None)
        self._asked = replace(self._asked, role="watch")
        return self._session.giveUp()

    def ping(self) -> Any:
        """
        A Deferred that fires once everything that the server had to tell has come.
        """
        if self._session is not None and self._session.structured:
            return self._session.ping()
        return self._room.wait()

    def leave(self) -> None:
        """
        End it in good order.
        """
        self._leaving = True
        if self._trying is not None:
            self._trying.cancel()
        elif self._session is not None:
            self._session.leave()

    def close(self) -> Any:
        """
        End it in good order, without waiting for what the server still has to tell.

        @return: a Deferred that fires when it is closed.
        """
        if self._session is None:
            self.abort()
            return succeed(None)
        self._leaving = True
        self._session.close()
        return self.whenEnded()

    def abort(self) -> None:
        """
        End it at once.
        """
        self._leaving = True
        if self._trying is not None:
            self._trying.cancel()
        elif self._session is not None:
            self._session.abort()

    # Inside.

    def _attempt(self) -> Deferred[ConsoleSession]:
        return tx.attach(
            self._reactor, self._rundir, self._zone, self._asked, opener=self._opener
        )

    def _seat(self, session: ConsoleSession) -> None:
        self._session = session
        self._asking = False
        self.structured = session.structured
        if session.welcome is not None:
            self.boot, self.before = session.welcome.boot, session.welcome.end
        if self._paused:
            session.pauseOutput()
        session.whenEnded().addCallback(self._sessionEnded)

    def _sessionEnded(self, end: End) -> None:
        session, self._session = self._session, None
        position = None if session is None else session.position
        if self._leaving or not _comesAgain(end) or position is None:
            self._over(end)
            return
        self._ahead = self._sent.end(end)
        role = "watch" if self._asked.role == "watch" else "operator"
        self._asked = replace(
            self._asked, role=role, start=("offset", position), birth=self._birth
        )
        self._known = [h for h in self._told if h.offset >= position]
        self._room = Moment(txaio.tx)
        self._why = end.detail or end.text
        self.restarts = end.cause is EndCause.SERVER
        self._ears.lost()
        # Whoever is told may have had enough.
        if not self._leaving:
            trying = self._trying = Deferred.fromCoroutine(
                tryAgain(self._reactor, self._attempt, self._failed)
            )
            late = self._reactor.callLater(RESUME_SECONDS, trying.cancel)
            trying.addBoth(self._tried, late)
        else:
            self._over(End(EndCause.OURS))

    def _failed(self, why: str) -> None:
        self._why = why

    def _tried(self, result: ConsoleSession | Failure, late: Any) -> None:
        self._trying = None
        if late.active():
            late.cancel()
        if isinstance(result, ConsoleSession):
            self._resume(result)
        elif self._leaving:
            self._over(End(EndCause.OURS))
        elif result.check(CancelledError):
            text = f"the connection was lost for {RESUME_SECONDS:g} s: {self._why}"
            self._over(End(EndCause.LOST, text))
        else:
            self._over(End(EndCause.LOST, result.getErrorMessage()))

    def _resume(self, session: ConsoleSession) -> None:
        before = self.boot
        self._seat(session)
        lost = self._sent.begin()
        ahead, self._ahead = self._ahead, b""
        welcome = session.welcome
        same = welcome is None or (
            welcome.present and (before, self._birth) == (welcome.boot, welcome.birth)
        )
        self._askOnce(session)
        if ahead and same:
            self.write(ahead)
        if self._givesUp and self._asked.role != "watch":
            self.giveUp()
        session.whenWritable().addCallback(self._room.resolve)
        self._ears.again()
        if lost:
            self._ears.happening(Unconfirmed(lost))
        if ahead and not same:
            self._ears.happening(Answer("input", False, droppedText(len(ahead))))
        if welcome is not None:
            self._compare(welcome)
        self.deliver()

    def _compare(self, welcome: Welcome) -> None:
        """
        Is it the history that we knew, and is there as much of it as we have seen?
        """
        start = self._asked.start
        known, self._birth = self._birth, welcome.birth
        seen = start[1] if isinstance(start, tuple) else 0
        if known != welcome.birth or welcome.offset < seen:
            self._told, self._known = [], []
            self._ears.happening(Anew(welcome.offset, welcome.birth))

    def _askOnce(self, session: ConsoleSession) -> None:
        """
        Ask whether what was typed has come to the zone, unless we have asked already.
        """
        if not self._asking and self._sent:
            self._asking = True
            session.confirm().addCallback(self._confirmed, session, len(self._sent))

    def _confirmed(self, answer: Answer, session: ConsoleSession, sent: int) -> None:
        if session is self._session:
            self._asking = False
            if answer.ok:
                self._sent.confirmed(sent)
                self._askOnce(session)

    def _happened(self, happening: Happening) -> None:
        """
        A session that begins where another ended is told again what lies there.
        """
        if isinstance(happening, SeatChange) and happening.role == "watch":
            self._sent.forget()
            self._asking = False
        if isinstance(happening, Gap | Notice):
            if happening in self._known:
                self._known.remove(happening)
                return
            self._told = [h for h in self._told if h.offset == happening.offset]
            self._told.append(happening)
        if isinstance(happening, Notice) and happening.event in BOOTS:
            # Earlier ones are told to who begins before them.
            self.boot = max(self.boot or 0, happening.offset)
        self._ears.happening(happening)

    def _over(self, end: End) -> None:
        lost = len(self._sent) + len(self._ahead)
        if lost and end.cause is EndCause.LOST:
            detail = f"{end.detail}; {unconfirmedText(lost)}"
            end = replace(end, detail=detail)
        self._room.resolve(None)
        self._ended.resolve(end)


def _comesAgain(end: End) -> bool:
    """
    Will there be a server again that knows where we were?
    """
    return end.cause is EndCause.LOST or (
        end.cause is EndCause.SERVER and end.reason == EndReason.RESTARTING.value
    )
