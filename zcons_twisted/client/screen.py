# -*- test-case-name: zcons_twisted.test.test_client_attach -*-
"""
What somebody sees who sits at a console: what the zone prints, what happens among it,
and what this program has to say of the session.

Output that the user's side does not take pauses the session.  On a terminal, what was
printed before the session came is shown without what terminals answer, and a line
tells where it ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .happenings import Anew, Happening, Unconfirmed
from .lasting import Lasting
from .queries import QueryFilter
from .replay import Replay, replayedText
from .showing import AGAIN_TEXT, lostText, remark, shownRaw
from .streams import OutputStream
from .user_side import AttachOptions, UserReactor, UserSide

__all__ = ["Screen"]


class Screen:
    """
    One user's.

    @ivar output: where all of it goes.
    """

    def __init__(
        self,
        reactor: UserReactor,
        options: AttachOptions,
        user: UserSide,
        failed: Callable[[OSError], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        @param reactor: what waits for room.
        @param options: what the command line says.
        @param user: what the user has.
        @param failed: is told when nobody takes the output any more.
        @param now: the time in seconds since the epoch.
        """
        self._options = options
        self._user = user
        self._now = now
        self._since = now()
        self._session: Lasting | None = None
        self._replay: Replay | None = None
        self._queries = QueryFilter(options.encoding)
        self.output = OutputStream(reactor, user.output, self._room, failed)

    def begin(self, session: Lasting) -> None:
        """
        There is a session.
        """
        self._session = session
        if self._user.shown:
            self._replay = Replay(
                session, self._since, self._past, self._write, self._replayed
            )

    def show(self, data: bytes) -> None:
        """
        The zone printed something.
        """
        if self._replay is None:
            self._write(data)
        else:
            self._replay.output(data)

    def happened(self, happening: Happening) -> None:
        """
        Something happened, to the zone or to the session.
        """
        tell = self._user.tell
        if isinstance(happening, Anew | Unconfirmed) and tell is not None:
            tell(f"[{remark(happening)}]")
            return
        if self._replay is not None:
            happening = self._replay.happened(happening)
        self._write(shownRaw(happening, self._options.encoding))

    def lost(self) -> None:
        """
        The connection is lost, and is tried again.
        """
        if self._session is not None:
            self._tell(lostText(self._session.restarts))

    def again(self) -> None:
        """
        There is one again.
        """
        if self._replay is not None:
            self._replay.again()
        self._tell(AGAIN_TEXT)

    def line(self, text: str) -> None:
        """
        Show something of our own.
        """
        self.output.write(text.encode())

    # Inside.

    def _tell(self, text: str) -> None:
        if self._options.quiet:
            return
        if self._user.tell is None:
            self.line(f"\r\n{text}\r\n")
        else:
            self._user.tell(text)

    def _write(self, data: bytes) -> None:
        if data and not self.output.write(data) and self._session is not None:
            self._session.pauseOutput()

    def _room(self) -> None:
        if self._session is not None:
            self._session.resumeOutput()

    def _past(self, data: bytes) -> None:
        self._write(self._queries.feed(data))

    def _replayed(self, anything: bool) -> None:
        """
        There is no more of the past.  A sequence that is not finished goes on with what
        comes now, so it comes behind the line.
        """
        session = self._session
        if anything and session is not None and not self._options.quiet:
            self.line(f"\r\n[{replayedText(session, self._now())}]\r\n")
        self._write(self._queries.end())
