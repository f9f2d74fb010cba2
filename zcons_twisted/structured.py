# -*- test-case-name: zcons_twisted.test.test_structured -*-
"""
The structured session: what an C{ATTACH} line begins.  Output comes with its offsets,
notices apart from output, and everything that happens is told in frames.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .answers import whoseSeat
from .errors import DeviceError
from .events import TOLD_NAMES, ZoneEvent
from .frames import (
    CLIENT_TYPES,
    INPUT_MAX,
    OUTPUT_MAX,
    PING_MAX,
    Attach,
    BadFrame,
    FrameReader,
    FrameType,
    encodeFrame,
    encodeGap,
    encodeObject,
    outputHead,
    parseObject,
)
from .locales import Language
from .marks import Mark, MarkKind
from .notices import forgottenText, noticeText
from .sessions import EndReason, Peer, Role, Session, SessionLink

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime

    from .console import Console
    from .relay import Follower

__all__ = [
    "REQUESTS_MAX",
    "FrameVoice",
    "StructuredSession",
]

#: Most requests of one session that are worked off in one turn of the reactor.
REQUESTS_MAX = 64

# What is typed behind one of these is typed by no operator.
_LEAVES = frozenset((FrameType.SEAT, FrameType.LEAVE))

_NAMES = {event: name for name, event in TOLD_NAMES.items()}


def _answered(request: str, why: str) -> dict[str, Any]:
    return {"request": request, "ok": not why, "text": why}


class FrameVoice:
    """
    Everything in frames.
    """

    framed = True
    pieceMax = OUTPUT_MAX

    def __init__(
        self, language: Language, disconnect: bool, since: float = 0.0
    ) -> None:
        """
        @param language: what the texts of notices are written in.
        @param disconnect: whether they tell that the session ends.
        @param since: when it began: what happened before does not end it.
        """
        self._language = language
        #: How much its session has typed that goes on to the next server, if any does.
        self.typed: int | None = None
        self._disconnect = disconnect
        self._since = since

    def head(self, offset: int, length: int) -> bytes:
        """
        The head of an output frame.
        """
        return outputHead(offset, length)

    def mark(self, mark: Mark) -> bytes:
        """
        A notice, or a gap.
        """
        if mark.kind is MarkKind.GAP:
            return encodeGap(mark.offset, mark.number)
        event = ZoneEvent(mark.number)
        ends = self._disconnect and mark.time >= self._since
        text = noticeText(event, ends, mark.text, self._language.translate)
        return _notice(_NAMES[event], text, mark.time, mark.offset, mark.text)

    def gap(self, offset: int, missing: int) -> bytes:
        """
        A gap.
        """
        return encodeGap(offset, missing)

    def forgotten(self, offset: int, before: Mark) -> bytes:
        """
        A notice that there were others.
        """
        text = forgottenText(self._language.translate)
        return _notice("forgotten", text, before.time, offset, "")

    def remark(self, text: str) -> bytes:
        """
        An answer to what was typed.
        """
        return encodeFrame(FrameType.ANSWER, encodeObject(_answered("input", text)))

    def farewell(self, reason: EndReason, text: str) -> bytes:
        """
        Why it ends.
        """
        content: dict[str, Any] = {"reason": reason.value, "text": text}
        if self.typed is not None:
            content["typed"] = self.typed
        return encodeFrame(FrameType.END, encodeObject(content))


def _notice(
    event: str, text: str | None, time: float, offset: int, arguments: str
) -> bytes:
    content = {
        "event": event,
        "text": text,
        "time": time,
        "offset": offset,
        "arguments": arguments,
    }
    return encodeFrame(FrameType.NOTICE, encodeObject(content))


class StructuredSession(Session):
    """
    A session that speaks in frames.
    """

    endsAtOnce = True
    resumes = True
    # There is a word for leaving.
    departure = EndReason.CLOSED, "the client closed its connection without leaving"

    def __init__(
        self,
        clock: IReactorTime,
        link: SessionLink,
        console: Console,
        language: Language,
        peer: Peer,
        attach: Attach,
        start: int | None,
    ) -> None:
        """
        @param attach: what the client asks for.
        @param start: the offset that its output begins at; now, where L{None}.
        """
        self._frames = FrameVoice(language, attach.disconnect, peer.since)
        super().__init__(
            clock,
            link,
            console,
            console.history,
            self._frames,
            peer,
            Role.WATCH if attach.role == "watch" else Role.OPERATOR,
            start,
        )
        self._console = console
        self._typed = 0
        self._untold = False
        self._leaves = False
        self._size = (attach.rows, attach.columns)
        self._reader = FrameReader(CLIENT_TYPES, INPUT_MAX)
        self._requests: dict[FrameType, Callable[[bytes], None]] = {
            FrameType.INPUT: self._input,
            FrameType.WINDOW: self._window,
            FrameType.BREAK: self._break,
            FrameType.SEAT: self._seat,
            FrameType.PING: self._ping,
            FrameType.LEAVE: self._leave,
            FrameType.CONFIRM: self._confirm,
        }

    def received(self, data: bytes) -> None:
        """
        The peer sent something; what it may not send ends its session alone.
        """
        if self._work(data, REQUESTS_MAX):
            self.link.breathe()

    def unheard(self, text: str) -> None:
        """
        Each time, as any other answer.
        """
        self._tell(self._voice.remark(text))

    def receivedLast(self, data: bytes) -> None:
        """
        See L{Session}.
        """
        typed, end = self._reader.take(FrameType.INPUT, _LEAVES, data)
        if self._leaves:
            return
        if typed:
            self._type(typed)
        if end is FrameType.LEAVE:
            self._leaves = True
            self.departure = Session.departure

    def end(self, reason: EndReason, text: str, patient: bool = False) -> None:
        """
        See L{Session}.  Whoever goes on with another server is told how much of what it
        typed does as well, and is to read that.
        """
        handsOver = self._console.handsOver
        if handsOver:
            self._frames.typed = self._typed
        super().end(reason, text, patient or handsOver)

    def followerChanged(self, follower: Follower) -> None:
        """
        See L{Session}.
        """
        super().followerChanged(follower)
        if self._untold and not follower.behind:
            self._tellOperator()

    def operatorChanged(self, operator: Session | None) -> None:
        """
        Tell who has the seat, and let the zone have its size if it is this one.  One
        that is behind is told only what holds when it has caught up.
        """
        if operator is self and all(self._size):
            self._console.seat.resize(self, *self._size)
        if self.follower.behind:
            self._untold = True
        else:
            self._tellOperator()

    def _tellOperator(self) -> None:
        self._untold = False
        operator = whoseSeat(self._console.operator)
        self._say(FrameType.OPERATOR, {"operator": operator, "role": self.role.value})

    def _work(self, data: bytes, most: int) -> bool:
        """
        Do what the peer asks for, so many requests of it.

        @return: whether there may be more.
        """
        try:
            for frame in self._reader.feed(data):
                if self not in self._console.sessions:
                    return False
                self._requests[frame.type](frame.payload)
                most -= 1
                if not most:
                    return True
        except BadFrame as e:
            self._console.gone(self, EndReason.MALFORMED, f"malformed input: {e}")
        return False

    def _input(self, payload: bytes) -> None:
        if not self._type(payload):
            self._answer("input", "only the operator may type")

    def _type(self, data: bytes) -> bool:
        may = self._console.typed(self, data)
        if may:
            self._typed += len(data)
        return may

    def _window(self, payload: bytes) -> None:
        given = parseObject(payload)
        rows, columns = given.get("rows"), given.get("columns")
        for size in (rows, columns):
            if type(size) is not int or not 0 <= size <= 65535:
                raise BadFrame("rows and columns must be numbers from 0 to 65535")
        self._size = (int(rows or 0), int(columns or 0))
        if all(self._size):
            self._console.seat.resize(self, *self._size)

    def _break(self, payload: bytes) -> None:
        try:
            self._console.seat.sendBreak(self)
        except DeviceError as e:
            self._answer("break", str(e))
        else:
            self._answer("break")

    def _seat(self, payload: bytes) -> None:
        want = parseObject(payload).get("want")
        if want == "watch":
            self._console.giveUp(self)
            self._answer("seat")
        elif want in ("operator", "take"):
            holder = self._console.claim(self, want == "take")
            if holder is None:
                self._answer("seat")
            else:
                self._answer("seat", f"{holder.peer.who} has the operator's seat")
        else:
            raise BadFrame("want must be operator, take or watch")

    def _ping(self, payload: bytes) -> None:
        if len(payload) > PING_MAX:
            raise BadFrame(f"a ping of more than {PING_MAX} bytes")
        self._tell(encodeFrame(FrameType.PONG, payload))

    def _confirm(self, payload: bytes) -> None:
        if len(payload) > PING_MAX:
            raise BadFrame(f"a request to confirm of more than {PING_MAX} bytes")
        confirmed = encodeFrame(FrameType.CONFIRMED, payload)
        if not self._console.seat.confirm(self, lambda: self._tell(confirmed)):
            self._answer("confirm", "only the operator may type")

    def _leave(self, payload: bytes) -> None:
        self._leaves = True
        self.departure = Session.departure
        self._console.gone(self, *self.departure)

    def _answer(self, request: str, why: str = "") -> None:
        self._say(FrameType.ANSWER, _answered(request, why))

    def _say(self, kind: FrameType, content: dict[str, Any]) -> None:
        self._tell(encodeFrame(kind, encodeObject(content)))

    def _tell(self, frame: bytes) -> None:
        if not self.follower.say(frame):
            text = "it took no answers to what it asked"
            self._console.gone(self, EndReason.TOO_SLOW, text)
