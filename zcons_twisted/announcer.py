# -*- test-case-name: zcons_twisted.test.test_announcer -*-
"""
Telling everybody who has the operator's seat.

Whoever gains or loses it is told at once.  The others are told at once as well, but no
more often than every L{ANNOUNCE_SECONDS}, for it is only the last change that matters
to them: one peer may ask for the seat and give it up a thousand times in one breath,
and there may be hundreds to be told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from .sessions import Session

__all__ = ["ANNOUNCE_SECONDS", "Announcer"]

#: Seconds between two announcements.
ANNOUNCE_SECONDS = 0.1


class Announcer:
    """
    Announces one console's operator.
    """

    def __init__(
        self,
        clock: IReactorTime,
        sessions: Collection[Session],
        operator: Callable[[], Session | None],
    ) -> None:
        """
        @param clock: measures the time between two announcements.
        @param sessions: those that are attached.
        @param operator: tells who has the seat.
        """
        self._clock = clock
        self._sessions = sessions
        self._operator = operator
        self._again = False
        self._pause: IDelayedCall | None = None

    def changed(self, *concerned: Session) -> None:
        """
        The seat has another operator, or none.

        @param concerned: those who have it now, or had it.
        """
        for session in concerned:
            self._tell(session)
        if len(self._sessions) <= sum(each in self._sessions for each in concerned):
            return
        if self._pause is not None:
            self._again = True
            return
        self._announce(concerned)

    def close(self) -> None:
        """
        Announce nothing any more.  Harmless to say twice.
        """
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None

    def _announce(self, except_: Collection[Session] = ()) -> None:
        self._again = False
        self._pause = self._clock.callLater(ANNOUNCE_SECONDS, self._paused)
        for session in tuple(self._sessions):
            if session not in except_:
                self._tell(session)

    def _paused(self) -> None:
        self._pause = None
        if self._again:
            self._announce()

    def _tell(self, session: Session) -> None:
        # One that takes no more is ended by being told.
        if session in self._sessions:
            session.operatorChanged(self._operator())
