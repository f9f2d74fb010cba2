# -*- test-case-name: zcons_twisted.test.test_client_replay -*-
"""
What was printed before somebody came, told apart from what is printed now.

A session that begins in the past, or is resumed, gets first what had been printed when
it was let in; the answer tells where that ends.  What happened at that very place comes
last of it, so that all of it has come is known only when the server has answered
another question, or has told of something new.
"""

from __future__ import annotations

from collections.abc import Callable

from .happenings import Answer, Happening, Notice
from .lasting import Lasting
from .reports import age
from .showing import dated

__all__ = ["RECENT_SECONDS", "Replay", "replayedText"]

#: Nobody is told that the last output was so few seconds ago.
RECENT_SECONDS = 10.0


def replayedText(session: Lasting, now: float) -> str:
    """
    What is said where what was printed before ends.

    @param now: the time, in seconds since the epoch.
    """
    text = "End of what was printed before"
    printed = None if session.welcome is None else session.welcome.printed
    if printed is None or now - printed < RECENT_SECONDS:
        return text
    return f"{text}; the last output was {age(now - printed)} ago"


class Replay:
    """
    How far one session is with that.
    """

    def __init__(
        self,
        session: Lasting,
        since: float,
        past: Callable[[bytes], None],
        live: Callable[[bytes], None],
        over: Callable[[bool], None],
    ) -> None:
        """
        @param session: the session, seated or not.
        @param since: when it began, in seconds since the epoch.
        @param past: is given what was printed before.
        @param live: is given what is printed now.
        @param over: is told when there is no more of the past, once for each
            connection; and whether there was any when the session began.
        """
        self._session = session
        self._since = since
        self._past = past
        self._live = live
        self._over = over
        # Whether this is what the session began with.
        self._isFirst = True
        self._any = self._asked = self._isOver = False

    def again(self) -> None:
        """
        The connection was lost, and there is another one.
        """
        self._isFirst = self._isFirst and self._any and not self._isOver
        self._asked = self._isOver = False

    def output(self, data: bytes) -> None:
        """
        The zone printed something.
        """
        session = self._session
        new = len(data)
        if session.before is not None:
            new = min(new, max(0, session.position - session.before))
        old = len(data) - new
        if old:
            self._any = True
            self._past(data[:old])
            self._reached()
        if new:
            self._finish()
            self._live(data[old:])

    def happened(self, happening: Happening) -> Happening:
        """
        Something happened.

        @return: what is to be shown of it: of what is past, its time as well.
        """
        if self._isOver or not isinstance(happening, Notice):
            return happening
        if happening.time >= self._since:
            if happening.offset >= (self._session.before or 0):
                self._finish()
            return happening
        self._any = True
        self._reached()
        return dated(happening)

    def _reached(self) -> None:
        """
        Is it at the end?  Then all of it has come when the server answers.
        """
        session = self._session
        if not self._asked and session.position >= (session.before or 0):
            self._asked = True
            session.ping().addCallback(self._answered)

    def _answered(self, answer: Answer) -> None:
        if answer.ok:
            self._finish()

    def _finish(self) -> None:
        if not self._isOver:
            self._isOver = True
            self._over(self._any and self._isFirst)
