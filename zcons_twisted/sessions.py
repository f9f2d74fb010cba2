# -*- test-case-name: zcons_twisted.test.test_sessions -*-
"""
A session: one attached peer, who it is, and how it is told things and ended.

This is the legacy session: a byte pipe with notices in band.  A session knows no
rules; L{zcons_twisted.console.Console} has them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from .credentials import Credentials
from .events import ZoneEvent
from .ident import Ident
from .locales import Language
from .notices import framed, gapText, noticeText
from .relay import Outlet, OutputLink

__all__ = ["EndReason", "Ended", "LegacySession", "SessionLink"]


class EndReason(enum.Enum):
    """
    Why a session ended, in a word for programs.
    """

    #: The client went of its own accord.
    LEFT = "left"
    #: Its connection broke, or it was found dead.
    LOST = "lost"
    #: The zone halted, and the session had asked to be ended then.
    HALTED = "halted"
    #: The zone did not boot, and the session had asked to be ended then.
    BOOT_FAILED = "boot-failed"
    ZONE_UNINSTALLED = "zone-uninstalled"
    #: Somebody ended it through the control door.
    DETACHED = "detached"
    #: It had closed its sending side, and somebody came who types.
    REPLACED = "replaced"
    SERVER_STOPPING = "server-stopping"


@dataclass(frozen=True, slots=True)
class Ended:
    """
    A session that is over.

    @ivar who: whose it was.
    @ivar at: when it ended, in seconds since the epoch.
    @ivar reason: why.
    @ivar text: the same for people, in one line.
    """

    who: Credentials
    at: float
    reason: EndReason
    text: str


class SessionLink(OutputLink, Protocol):
    """
    A session's connection.
    """

    def pauseReading(self) -> None:
        """
        Take nothing more from the peer for now.
        """

    def resumeReading(self) -> None:
        """
        Take what the peer sends again.
        """

    def alive(self) -> bool:
        """
        Is there still somebody at the other end who receives?
        """

    def sendsNoMore(self) -> bool:
        """
        Has the peer closed its sending side, or gone?  What it had sent may still wait
        here, where reading is paused.
        """

    def drain(self) -> bytes:
        """
        What a dead peer had sent and we have not taken yet.
        """

    def close(self, rest: bytes) -> None:
        """
        Send the rest, for as long as that is allowed to take, and close.
        """


class LegacySession:
    """
    A session of the C{IDENT} protocol.

    @ivar who: the peer, from the kernel.
    @ivar ident: what it told of itself.
    @ivar since: when it was seated, in seconds since the epoch.
    @ivar halfClosed: it sends no more, and so gives up the seat to whoever comes.
    """

    def __init__(
        self,
        clock: IReactorTime,
        link: SessionLink,
        who: Credentials,
        ident: Ident,
        language: Language,
        since: float,
    ) -> None:
        """
        @param clock: measures the stall rule.
        @param link: the connection.
        @param language: what its notices are written in.
        """
        self.link = link
        self.who = who
        self.ident = ident
        self.since = since
        self.halfClosed = False
        self._language = language
        self.outlet = Outlet(clock, link, self._gap)

    def notice(self, event: ZoneEvent, arguments: str) -> None:
        """
        Tell of an event, where it is one that sessions are told of.

        @param arguments: the boot arguments that belong to it.
        """
        text = noticeText(
            event, self.ident.disconnect, arguments, self._language.translate
        )
        if text is not None:
            self.outlet.notice(framed(text, self._language.encoding))

    def end(self) -> None:
        """
        Close the connection once what waits has been sent.
        """
        self.link.close(self.outlet.finish())

    def _gap(self, missed: int) -> bytes:
        text = gapText(missed, self._language.translate)
        return framed(text, self._language.encoding)
