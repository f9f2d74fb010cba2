# -*- test-case-name: zcons_twisted.test.test_client_past -*-
"""
C{zconsole history}: what a zone has printed, exactly as it did.

On a terminal notices and gaps are shown among it, and what a terminal would answer is
left out; otherwise the output has the zone's bytes and nothing else, and gaps are told
on standard error.  Where no server serves the zone, what the last one left is read from
its file.
"""

from __future__ import annotations

import errno
import time

from twisted.internet.defer import CancelledError, Deferred

from zcons_twisted.answers import startOffset
from zcons_twisted.errors import RunDirectoryError
from zcons_twisted.frames import Attach

from .ears import Ears
from .endings import ExitStatus, told, verdict
from .errors import AttachError, CouldNotConnect
from .happenings import Anew, End, EndCause, Gap, Happening, Notice
from .lasting import Lasting
from .leftover import Reading, Unreadable, openLeft
from .looking import Looker, Looking
from .queries import QueryFilter
from .replay import Replay
from .showing import AGAIN_TEXT, dated, gapSaid, lostText, remark, shownRaw

__all__ = ["Past"]


class Past(Looking):
    """
    One run of it.
    """

    def __init__(
        self,
        looker: Looker,
        zone: str,
        start: str | tuple[str, int],
        follow: bool,
        times: bool = False,
    ) -> None:
        """
        @param zone: whose history.
        @param start: where to begin, as L{Attach.start} says.
        @param follow: go on with what is printed from now on.
        @param times: tell when something happened, and where the output is no
            terminal, tell of it at all, on standard error.
        """
        super().__init__(looker)
        self._zone = zone
        self._follow = follow
        self._times = times
        self._wanted = Attach("watch", start, locale=looker.locale)
        self._end: int | None = None
        self._reached = False
        self._queries = QueryFilter(looker.encoding) if looker.shown else None
        self._session = Lasting(
            looker.reactor,
            looker.rundir,
            zone,
            self._wanted,
            Ears(self._shows, self._happened, self._lost, self._again),
            looker.opener,
        )
        self.sessions.append(self._session)
        # Whoever follows it is shown what was printed before as well.
        self._replay = Replay(
            self._session, 0.0, self._past, self.show, lambda past: self._unhold()
        )

    def begin(self) -> None:
        """
        Attach.
        """
        self._attaching = Deferred.fromCoroutine(self._attach())

    def signalled(self, number: int) -> None:
        """
        A signal ends it.
        """
        super().signalled(number)
        self._attaching.cancel()

    async def _attach(self) -> None:
        session = self._session
        try:
            await session.attach()
        except CancelledError:
            return
        except CouldNotConnect as e:
            why = f"Could not connect to zone console: {e}"
            if self._follow or e.number not in (errno.ENOENT, errno.ECONNREFUSED):
                self._refused(why)
            else:
                await self._readFile(why)
            return
        except (AttachError, RunDirectoryError) as e:
            self._refused(str(e))
            return
        session.whenEnded().addCallback(self._ended)
        welcome = session.welcome
        if welcome is not None and not self._follow:
            self._end = welcome.end
        session.deliver()
        if self._end is not None and session.position >= self._end:
            self._atEnd()

    async def _readFile(self, why: str) -> None:
        """
        Show what the last server has left.

        @param why: there is none to be asked.
        """
        looker = self.looker
        try:
            history = openLeft(looker.rundir, self._zone, time.time())
        except Unreadable as e:
            looker.say(why)
            self._refused(f"nor can its history be read: {e}")
            return
        path = looker.rundir.historyFile(self._zone)
        looker.say(f"no server serves zone {self._zone}: this is what {path} has")
        start = startOffset(history, self._wanted) or 0
        reading = Reading(
            history,
            start,
            lambda data: self.shows(self._withoutQueries(data)),
            self._happened,
        )
        while not reading.goOn():
            await self.whenShown()
        self.finish(ExitStatus.DONE)

    def _refused(self, text: str) -> None:
        self.looker.say(text)
        self.finish(ExitStatus.FAILED)

    def _shows(self, data: bytes) -> None:
        end = self._end
        if end is None:
            self._replay.output(data)
            return
        beyond = self._session.position - end
        wanted = data[: max(0, len(data) - max(0, beyond))]
        if wanted:
            self._past(wanted)
        if beyond >= 0:
            self._atEnd()

    def finish(self, status: int) -> None:
        """
        It is over; what is not finished is shown as it is.
        """
        self._unhold()
        super().finish(status)

    def _past(self, data: bytes) -> None:
        if shown := self._withoutQueries(data):
            self.show(shown)

    def _withoutQueries(self, data: bytes) -> bytes:
        """
        What a terminal is shown of what was printed long ago.
        """
        return data if self._queries is None else self._queries.feed(data)

    def _unhold(self) -> None:
        if self._queries is not None and (held := self._queries.end()):
            self.show(held)

    def _atEnd(self) -> None:
        """
        Notices may lie at the very end: whatever the server has to tell comes before
        its answer.
        """
        if self._reached:
            return
        self._reached = True
        self._session.ping().addCallback(lambda answer: self.finish(ExitStatus.DONE))

    def _happened(self, happening: Happening) -> None:
        if isinstance(happening, Anew) and not self._follow:
            self.looker.say(
                "the history has begun anew; the rest of the one before is lost"
            )
            self.finish(ExitStatus.SERVER_ENDED)
        elif self._times and isinstance(happening, Notice):
            self._tellTime(happening)
        elif self.looker.shown:
            data = shownRaw(happening, self.looker.encoding)
            if data:
                self.show(data)
        elif isinstance(happening, Gap):
            self.looker.say(gapSaid(happening))
        elif isinstance(happening, Anew):
            self.looker.say("the history begins anew")

    def _tellTime(self, notice: Notice) -> None:
        notice = dated(notice)
        if self.looker.shown:
            self.show(shownRaw(notice, self.looker.encoding))
        else:
            self.looker.say(f"{remark(notice)}, at offset {notice.offset}")

    def _lost(self) -> None:
        if not self.looker.quiet:
            self.looker.say(lostText(self._session.restarts))

    def _again(self) -> None:
        self._replay.again()
        if not self.looker.quiet:
            self.looker.say(AGAIN_TEXT)

    def _ended(self, end: End) -> None:
        if end.cause is not EndCause.OURS:
            result = verdict(False, told(end), b"")
            self.looker.say(result.message)
            self.finish(result.status)
