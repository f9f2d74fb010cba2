# -*- test-case-name: zcons_twisted.test.test_client_past -*-
"""
C{zconsole history}: what a zone has printed, exactly as it did.

On a terminal notices and gaps are shown among it; otherwise the output has the zone's
bytes and nothing else, and gaps are told on standard error.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred

from zcons_twisted.errors import RunDirectoryError
from zcons_twisted.frames import Attach

from .endings import ExitStatus, told, verdict
from .errors import AttachError, CouldNotConnect
from .happenings import Anew, End, EndCause, Gap, Happening
from .lasting import Ears, Lasting
from .looking import Looker, Looking
from .showing import gapSaid, shownRaw

__all__ = ["Past"]


class Past(Looking):
    """
    One run of it.
    """

    def __init__(
        self, looker: Looker, zone: str, start: str | tuple[str, int], follow: bool
    ) -> None:
        """
        @param zone: whose history.
        @param start: where to begin, as L{Attach.start} says.
        @param follow: go on with what is printed from now on.
        """
        super().__init__(looker)
        self._follow = follow
        self._end: int | None = None
        self._reached = False
        self._session = Lasting(
            looker.reactor,
            looker.rundir,
            zone,
            Attach("watch", start, locale=looker.locale),
            Ears(self._shows, self._happened, self._lost, self._again),
            looker.opener,
        )
        self.sessions.append(self._session)

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
            self._refused(f"Could not connect to zone console: {e}")
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

    def _refused(self, text: str) -> None:
        self.looker.say(text)
        self.finish(ExitStatus.FAILED)

    def _shows(self, data: bytes) -> None:
        end = self._end
        if end is None:
            self.show(data)
            return
        beyond = self._session.position - end
        wanted = data[: max(0, len(data) - max(0, beyond))]
        if wanted:
            self.show(wanted)
        if beyond >= 0:
            self._atEnd()

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
        elif self.looker.shown:
            data = shownRaw(happening, self.looker.encoding)
            if data:
                self.show(data)
        elif isinstance(happening, Gap):
            self.looker.say(gapSaid(happening))
        elif isinstance(happening, Anew):
            self.looker.say("the history begins anew")

    def _lost(self) -> None:
        if not self.looker.quiet:
            self.looker.say("[Connection lost; trying again]")

    def _again(self) -> None:
        if not self.looker.quiet:
            self.looker.say("[Connected again]")

    def _ended(self, end: End) -> None:
        if end.cause is not EndCause.OURS:
            result = verdict(False, told(end), b"")
            self.looker.say(result.message)
            self.finish(result.status)
