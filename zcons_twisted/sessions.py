# -*- test-case-name: zcons_twisted.test.test_sessions -*-
"""
A session: one attached peer, who it is, and how it is told things and ended.

A session knows no rules; L{zcons_twisted.console.Console} has them.  The kind here is
the legacy session: a byte pipe with notices in band.  The other kind is in
L{zcons_twisted.structured}.
"""

from __future__ import annotations

import enum
from typing import NamedTuple, Protocol

from twisted.internet.interfaces import IReactorTime

from .credentials import Credentials
from .events import ZoneEvent
from .history import History
from .locales import Language
from .marks import Mark, MarkKind
from .notices import REASONED, forgottenText, framed, gapText, noticeText
from .relay import Follower, OutputLink, Voice

__all__ = [
    "UNHEARD_SECONDS",
    "EndReason",
    "LegacyVoice",
    "Peer",
    "Role",
    "Session",
    "SessionHost",
    "SessionLink",
]


#: Seconds before a legacy session is told again that what it types reaches nobody.
UNHEARD_SECONDS = 10.0


class EndReason(enum.Enum):
    """
    Why a session ended, in a word for programs.
    """

    #: The client went of its own accord.
    LEFT = "left"
    #: It closed its connection, though it could have said that it leaves.
    CLOSED = "closed"
    #: Its connection broke, or it was found dead.
    LOST = "lost"
    #: The zone halted, and the session had asked to be ended then.
    HALTED = "halted"
    #: The zone did not boot, and the session had asked to be ended then.
    BOOT_FAILED = "boot-failed"
    ZONE_UNINSTALLED = "zone-uninstalled"
    #: Somebody ended it through the control door.
    DETACHED = "detached"
    #: Somebody took the operator's seat.
    TAKEN_OVER = "taken-over"
    #: It sent what it may not send.
    MALFORMED = "malformed"
    #: It asked more than it took answers for.
    TOO_SLOW = "too-slow"
    SERVER_STOPPING = "server-stopping"
    #: The server goes and leaves the zone as it is, for the next one: come again.
    RESTARTING = "restarting"


class Role(enum.Enum):
    """
    What a session may do.
    """

    OPERATOR = "operator"
    WATCH = "watch"

    @property
    def noun(self) -> str:
        """
        What somebody is who has it.
        """
        return "operator" if self is Role.OPERATOR else "watcher"


class Peer(NamedTuple):
    """
    Whose a session is.

    @ivar who: the peer, from the kernel.
    @ivar told: the process ID that it told of itself, or L{None}.
    @ivar locale: the locale that it named.
    @ivar disconnect: whether its session ends when the zone halts or fails to boot.
    @ivar since: when it attached, in seconds since the epoch.
    """

    who: Credentials
    told: int | None
    locale: str
    disconnect: bool
    since: float


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

    def breathe(self) -> None:
        """
        Take nothing more until the others have had their turn; then the session gets
        an empty C{received}, before anything else.
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

    def close(self, rest: bytes, patient: bool) -> None:
        """
        Send the rest, for as long as that is allowed to take, and close.

        @param patient: whether the peer is waited for until it has read that.
        """


class LegacyVoice:
    """
    Output as it is, notices among it in the session's language.
    """

    framed = False
    pieceMax = 64 * 1024

    def __init__(self, language: Language, disconnect: bool) -> None:
        """
        @param language: what notices are written in.
        @param disconnect: whether they tell that the session ends.
        """
        self._language = language
        self._disconnect = disconnect

    def head(self, offset: int, length: int) -> bytes:
        """
        Nothing: there are no frames.
        """
        return b""

    def mark(self, mark: Mark) -> bytes:
        """
        A notice in band, in illumos' own words: why a zone ended is not among them.
        """
        if mark.kind is MarkKind.GAP:
            return self.gap(mark.offset, mark.number)
        event = ZoneEvent(mark.number)
        text = noticeText(
            event,
            self._disconnect,
            "" if event in REASONED else mark.text,
            self._language.translate,
        )
        return b"" if text is None else framed(text, self._language.encoding)

    def gap(self, offset: int, missing: int) -> bytes:
        """
        A notice of how much is missing.
        """
        text = gapText(missing, self._language.translate)
        return framed(text, self._language.encoding)

    def forgotten(self, offset: int, before: Mark) -> bytes:
        """
        A notice that there were others.
        """
        text = forgottenText(self._language.translate)
        return framed(text, self._language.encoding)

    def remark(self, text: str) -> bytes:
        """
        Something else in band.
        """
        notice = self._language.translate("NOTICE: %s").replace("%s", _upper(text), 1)
        return framed(notice, self._language.encoding)

    def farewell(self, reason: EndReason, text: str) -> bytes:
        """
        The protocol ends a session by closing.  But one that lost the seat is told to
        whom.
        """
        if reason is not EndReason.TAKEN_OVER:
            return b""
        notice = self._language.translate("NOTICE: Console %s").replace("%s", text, 1)
        return framed(notice, self._language.encoding)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


class FarewellVoice(Voice, Protocol):
    """
    A voice that can also say good-bye.
    """

    def remark(self, text: str) -> bytes:
        """
        What is told of what became of input.
        """

    def farewell(self, reason: EndReason, text: str) -> bytes:
        """
        What is told last.
        """


class SessionHost(Protocol):
    """
    The console that a session belongs to.
    """

    def typed(self, session: Session, data: bytes) -> bool:
        """
        It sent something to type; may it?
        """

    def halfClosed(self, session: Session) -> None:
        """
        It sends no more, but still receives.
        """

    def vanished(self, session: Session) -> None:
        """
        It has gone while it was paused.
        """

    def gone(self, session: Session, reason: EndReason, text: str) -> None:
        """
        Its connection is over, by its own doing.
        """

    def followerChanged(self, follower: Follower) -> None:
        """
        It has fallen behind, or has caught up.
        """


class Session:
    """
    One attached peer.  What its connection tells comes to the methods here.

    This is the legacy session, as it stands: what it sends is typed.

    @ivar peer: whose it is.
    @ivar role: what it may do.
    @ivar link: its connection.
    @ivar follower: its position in the history.
    @ivar silent: it has closed its sending side, and only looks.
    @ivar endsAtOnce: where it is to end when the zone halts, whether it does so when
        that was before it came.  A client of illumos may come before the zone boots,
        and waits for it.
    @ivar departure: what an orderly end of its connection means, in a word and in one
        line.  Here, where there is no other way to leave, that it left.
    @ivar resumes: a peer that is told that the server restarts comes again, and goes on
        where it was.
    """

    endsAtOnce = False
    departure: tuple[EndReason, str] = (EndReason.LEFT, "the client left")
    resumes = False

    def __init__(
        self,
        clock: IReactorTime,
        link: SessionLink,
        host: SessionHost,
        history: History,
        voice: FarewellVoice,
        peer: Peer,
        role: Role = Role.OPERATOR,
        start: int | None = None,
    ) -> None:
        """
        @param clock: measures how often it is told that nobody hears it.
        @param host: the console that it belongs to.
        @param history: what it follows.
        @param voice: how it is told things.
        @param role: what it asks to do.
        @param start: the offset that its output begins at; now, where L{None}.
        """
        self.peer = peer
        self.role = role
        self.link = link
        self.silent = False
        self._host = host
        self.follower = Follower(link, history, voice, self.followerChanged, start)
        self.writable = self.follower.writable
        self._voice = voice
        self._clock = clock
        self._unheardUntil = 0.0

    def received(self, data: bytes) -> None:
        """
        The peer sent something.
        """
        self._host.typed(self, data)

    def unheard(self, text: str) -> None:
        """
        What it typed reaches nobody; it is told, but not again and again.

        @param text: why, in one line.
        """
        now = self._clock.seconds()
        if now >= self._unheardUntil:
            self._unheardUntil = now + UNHEARD_SECONDS
            self.follower.say(self._voice.remark(text))

    def receivedLast(self, data: bytes) -> None:
        """
        The session leaves the seat: all that it sent is to be worked off now.
        """
        self.received(data)

    def followerChanged(self, follower: Follower) -> None:
        """
        The session has fallen behind, or has caught up.
        """
        self._host.followerChanged(follower)

    def halfClosed(self) -> None:
        """
        The peer sends no more.
        """
        self.silent = True
        self._host.halfClosed(self)

    def vanished(self) -> None:
        """
        The peer has gone, and what it sent last waits.
        """
        self._host.vanished(self)

    def lost(self, why: str) -> None:
        """
        The connection is over.
        """
        if why:
            self._host.gone(self, EndReason.LOST, f"connection lost: {why}")
        else:
            self._host.gone(self, *self.departure)

    def operatorChanged(self, operator: Session | None) -> None:
        """
        Somebody else, or nobody, has the operator's seat now.
        """

    def end(self, reason: EndReason, text: str, patient: bool = False) -> None:
        """
        Close the connection once what waits has been sent.

        @param patient: whether the peer is waited for until it has read that.
        """
        resumes = self.resumes and reason is EndReason.RESTARTING
        rest = self.follower.begun() if resumes else self.follower.rest()
        self.link.close(rest + self._voice.farewell(reason, text), patient)
