# -*- test-case-name: zcons_twisted.test.test_client_expecting -*-
"""
C{zconsole expect}: wait for a zone to print something, perhaps after having typed
something.

What is waited for is looked for in what the zone prints, over the bounds of pieces and
of lost connections, without its escape sequences unless they are asked for; and only in
what the zone has printed since it booted last, for the prompt of a life that is over
says nothing of this one.  What was printed is shown up to its end.
"""

from __future__ import annotations

import re

from zcons_twisted.frames import Attach
from zcons_twisted.notices import unconfirmedText
from zcons_twisted.sessions import EndReason

from .endings import ExitStatus
from .happenings import End, Gap, Happening, Notice, Unconfirmed
from .lasting import BOOTS
from .looking import Looker
from .matching import Match
from .searching import Search, SearchTooLong
from .sending import Typing
from .showing import gapSaid
from .times import EXPECT_SECONDS

__all__ = ["Expecting"]

_HALTED = {
    EndReason.HALTED.value: "the zone halted",
    EndReason.BOOT_FAILED.value: "the zone did not boot",
}


class Expecting(Typing):
    """
    One run of it.
    """

    def __init__(
        self,
        looker: Looker,
        zone: str,
        pattern: re.Pattern[bytes],
        text: bytes | None = None,
        start: str | tuple[str, int] | None = None,
        seconds: float = EXPECT_SECONDS,
        raw: bool = False,
        search: Search = re.Pattern.search,
    ) -> None:
        """
        @param pattern: what is waited for.
        @param text: what to type first, or L{None}: then nobody's seat is needed.
        @param start: where to begin to look, as L{Attach.start} says; where L{None},
            with the last line, or after what is typed; but never before the zone's
            last boot.
        @param raw: whether escape sequences are looked at as well.
        @param search: how the pattern is looked for.
        """
        if start is None:
            start = ("lines", 1) if text is None else "live"
        role = "watch" if text is None else "operator"
        asked = Attach(role, start, True, looker.locale)
        super().__init__(looker, zone, asked, seconds)
        self._match = Match(pattern, raw, search)
        self._text = text

    def seated(self) -> None:
        """
        Type, and see what comes.
        """
        if self._text is not None:
            self.session.write(self._text)
        self.session.deliver()

    def heard(self, data: bytes) -> None:
        """
        Is it there?
        """
        data = self._ofThisLife(data)
        if self.isOver or not data:
            return
        try:
            found = self._match.feed(data)
        except SearchTooLong:
            self.fail(
                f"it takes too long to look for {self._match.wanted} in what the zone"
                " prints: give a simpler pattern",
                ExitStatus.FAILED,
            )
            return
        if found is None:
            self.show(data)
        else:
            self.show(data[:found])
            self.finish(ExitStatus.DONE)

    def happened(self, happening: Happening) -> None:
        """
        What may be missing is told, and a life that begins has printed nothing yet.
        """
        super().happened(happening)
        if isinstance(happening, Gap):
            self.looker.say(gapSaid(happening))
        elif isinstance(happening, Unconfirmed):
            # It may be there all the same, and what is waited for may come.
            self.looker.say(unconfirmedText(happening.typed))
        elif isinstance(happening, Notice) and happening.event in BOOTS:
            self._match.forget()

    def ended(self, end: End) -> None:
        """
        A zone that is down prints nothing more.
        """
        why = _HALTED.get(end.reason)
        if why is None:
            super().ended(end)
        else:
            self.fail(f"{why} without {self._match.wanted}", ExitStatus.ZONE_ENDED)

    def late(self) -> None:
        """
        It has not come.
        """
        line = self._match.lastLine
        seen = "nothing was printed" if line is None else f"the last line is {line}"
        text = f"no {self._match.wanted} within {self._seconds:g} s; {seen}"
        self.fail(text, ExitStatus.TIMED_OUT)

    def _ofThisLife(self, data: bytes) -> bytes:
        """
        As much of it as the zone has printed since its last boot.
        """
        boot = self.session.boot
        if boot is None:
            return data
        return data[max(0, boot - (self.session.position - len(data))) :]
