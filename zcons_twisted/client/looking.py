# -*- test-case-name: zcons_twisted.test.test_client_looking -*-
"""
Looking at consoles without a terminal of one's own: what C{zconsole history} and
C{zconsole watch} with several zones have in common.

Output that is not taken pauses every session, and so holds up nobody else: the server
lets a watcher that falls behind miss something and says how much.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from zcons_twisted.rundir import RunDirectory

from .connecting import Opener, openUnix
from .descriptors import Descriptor
from .endings import ExitStatus
from .lasting import Lasting
from .running import within
from .streams import OutputStream
from .user_side import UserReactor

__all__ = ["GOODBYE_SECONDS", "Looker", "Looking"]

#: How long the servers may take to be told that we leave.
GOODBYE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Looker:
    """
    Somebody who looks.

    @ivar reactor: where it happens.
    @ivar rundir: where the servers are.
    @ivar output: where it is shown.
    @ivar say: shows one line on standard error.
    @ivar shown: whether the output is a terminal.
    @ivar quiet: leave out remarks about connections.
    @ivar locale: for notices.
    @ivar encoding: the character set that they are shown in.
    @ivar opener: one attempt to connect, as L{openUnix}.
    @ivar now: the time in seconds since the epoch.
    @ivar input: the terminal that lines are typed at, where somebody may leave by one.
    """

    reactor: UserReactor
    rundir: RunDirectory
    output: Descriptor
    say: Callable[[str], None]
    shown: bool = False
    quiet: bool = False
    locale: str = "C"
    encoding: str = "utf-8"
    opener: Opener = openUnix
    now: Callable[[], float] = time.time
    input: Descriptor | None = None


class Looking:
    """
    One run of such a command.
    """

    def __init__(self, looker: Looker) -> None:
        """
        @param looker: who looks.
        """
        self.looker = looker
        self.sessions: list[Lasting] = []
        self._over: Deferred[int] = Deferred()
        self._output = OutputStream(
            looker.reactor, looker.output, self._room, self._failed
        )

    async def run(self) -> int:
        """
        Look, and come back when it is over.

        @return: the exit status.
        """
        self.begin()
        status = await self._over
        await self._goodbye()
        if status < ExitStatus.SIGNAL:
            await self._output.whenDrained()
        self._output.close()
        return status

    def begin(self) -> None:
        """
        Attach to what is to be looked at.
        """
        raise NotImplementedError

    def signalled(self, number: int) -> None:
        """
        A signal ends it.
        """
        self.finish(ExitStatus.SIGNAL + number)
        self._output.abandon()

    @property
    def isOver(self) -> bool:
        """
        Is it?
        """
        return self._over.called

    def finish(self, status: int) -> None:
        """
        It is over.
        """
        if not self._over.called:
            self._over.callback(status)

    def show(self, data: bytes) -> None:
        """
        Show something.
        """
        if not self.shows(data):
            for session in self.sessions:
                session.pauseOutput()

    def shows(self, data: bytes) -> bool:
        """
        Show something that comes from no session.

        @return: whether there is room for more; if not, wait for L{whenShown}.
        """
        return self._output.write(data)

    def whenShown(self) -> Deferred[None]:
        """
        Fires when everything has been shown, or can't be any more.
        """
        return self._output.whenDrained()

    async def _goodbye(self) -> None:
        """
        Tell each server; one that takes nothing is not waited for.
        """
        closing = [session.close() for session in self.sessions]
        closed: Any = DeferredList(closing, consumeErrors=True)
        await within(self.looker.reactor, GOODBYE_SECONDS, closed)
        for session in self.sessions:
            session.abort()

    def _room(self) -> None:
        for session in self.sessions:
            session.resumeOutput()

    def _failed(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):
            # Whoever read our output has seen enough.
            self.finish(ExitStatus.DONE)
        else:
            self.looker.say(f"could not write the output: {error.strerror}")
            self.finish(ExitStatus.FAILED)
