# -*- test-case-name: zcons_twisted.test.test_client_session -*-
"""
What a structured session can ask its server for.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from zcons_twisted.frames import FrameType, encodeObject

from .happenings import Answer, Confirmed, Happening, Pong
from .moments import Frame, Moment

__all__ = ["Requests"]


class Requests:
    """
    The part of a session that asks.  The server answers what is asked of one kind in
    the order that it was asked.
    """

    def __init__(self, frame: Frame) -> None:
        """
        @param frame: makes the futures.
        """
        self._makes = frame
        self._open: dict[str, deque[Moment]] = {}
        # How many of those that wait to be confirmed have been answered.
        self._confirmed = 0

    def window(self, rows: int, columns: int) -> None:
        """
        Tell the size of our terminal; the operator's is the zone's.

        @raise NotStructured: a legacy session can't; so the next five.
        """
        size = encodeObject({"rows": rows, "columns": columns})
        self._request(FrameType.WINDOW, size)

    def sendBreak(self) -> Any:
        """
        Send a break to the zone.

        @return: a future of the L{Answer<zcons_twisted.client.happenings.Answer>};
            it never fails.
        """
        return self._ask("break", FrameType.BREAK)

    def claim(self, take: bool = False) -> Any:
        """
        Ask for the operator's seat.

        @param take: take it from whoever has it.
        @return: as L{sendBreak}.
        """
        want = "take" if take else "operator"
        return self._ask("seat", FrameType.SEAT, encodeObject({"want": want}))

    def giveUp(self) -> Any:
        """
        Give up the operator's seat, and go on watching.

        @return: as L{sendBreak}.
        """
        return self._ask("seat", FrameType.SEAT, encodeObject({"want": "watch"}))

    def ping(self, payload: bytes = b"") -> Any:
        """
        Have something come back.

        @param payload: at most L{PING_MAX<zcons_twisted.frames.PING_MAX>} bytes.
        @return: as L{sendBreak}.
        """
        return self._ask("ping", FrameType.PING, payload)

    def confirm(self) -> Any:
        """
        Ask to be told once the zone has all that was typed up to now.

        @return: as L{sendBreak}.
        """
        asked = self._confirmed + len(self._open.get("confirm", ()))
        return self._ask("confirm", FrameType.CONFIRM, b"%d" % asked)

    def _request(self, kind: FrameType, payload: bytes = b"") -> bool:
        """
        Send a frame.

        @return: whether that could be done; a session that has ended sends nothing.
        @raise NotStructured: a legacy session can't.
        @raise NotSeated: there is no session yet.
        """
        raise NotImplementedError

    def _ask(self, request: str, kind: FrameType, payload: bytes = b"") -> Any:
        sent = self._request(kind, payload)
        moment = Moment(self._makes)
        self._open.setdefault(request, deque()).append(moment)
        if not sent:
            self._unanswered()
        return moment.wait()

    def _answered(self, happening: Happening) -> None:
        """
        Something was told; perhaps it is an answer.
        """
        if isinstance(happening, Pong):
            happening = Answer("ping", True)
        elif isinstance(happening, Confirmed):
            self._confirm(happening.payload)
        if isinstance(happening, Answer):
            waiting = self._open.get(happening.request)
            if happening.request == "confirm":
                # Nothing that was typed in that seat is confirmed any more.
                self._unanswered("confirm", happening.text)
            elif waiting:
                waiting.popleft().resolve(happening)

    def _confirm(self, payload: bytes) -> None:
        """
        A question is answered, and with it all that were asked before.
        """
        waiting = self._open.get("confirm", deque())
        number = int(payload) if payload.isdigit() else -1
        while waiting and self._confirmed <= number:
            self._confirmed += 1
            waiting.popleft().resolve(Answer("confirm", True))

    def _unanswered(
        self, request: str = "", text: str = "the session has ended"
    ) -> None:
        """
        Nothing is answered any more, or nothing of one kind.
        """
        for kind in [request] if request else list(self._open):
            waiting = self._open.pop(kind, deque())
            if kind == "confirm":
                self._confirmed += len(waiting)
            for moment in waiting:
                moment.resolve(Answer(kind, False, text))
