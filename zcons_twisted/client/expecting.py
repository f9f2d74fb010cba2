# -*- test-case-name: zcons_twisted.test.test_client_expecting -*-
"""
C{zconsole expect}: wait for a zone to print something, perhaps after having typed
something.

What is waited for is looked for in what the zone prints, over the bounds of pieces and
of lost connections, as it is: escape sequences and C{CR LF} and all.  What was printed
is shown up to its end.
"""

from __future__ import annotations

import re

from zcons_twisted.frames import Attach
from zcons_twisted.notices import escaped
from zcons_twisted.sessions import EndReason

from .endings import ExitStatus
from .happenings import End, Gap, Happening
from .looking import Looker
from .sending import Typing
from .showing import gapSaid
from .times import EXPECT_SECONDS

__all__ = ["WINDOW_SIZE", "Expecting"]

#: How many bytes of output what is waited for may extend over.
WINDOW_SIZE = 64 * 1024

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
    ) -> None:
        """
        @param pattern: what is waited for.
        @param text: what to type first, or L{None}: then nobody's seat is needed.
        @param start: where to begin to look, as L{Attach.start} says; where L{None},
            with the last line, or after what is typed.
        """
        if start is None:
            start = ("lines", 1) if text is None else "live"
        role = "watch" if text is None else "operator"
        asked = Attach(role, start, True, looker.locale)
        super().__init__(looker, zone, asked, seconds)
        self._pattern = pattern
        self._text = text
        self._window = b""

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
        if self.isOver:
            return
        before = len(self._window)
        window = self._window + data
        found = self._pattern.search(window)
        if found is None:
            self._window = window[-WINDOW_SIZE:]
            self.show(data)
        else:
            self.show(data[: max(0, found.end() - before)])
            self.finish(ExitStatus.DONE)

    def happened(self, happening: Happening) -> None:
        """
        What is missing is told.
        """
        super().happened(happening)
        if isinstance(happening, Gap):
            self.looker.say(gapSaid(happening))

    def ended(self, end: End) -> None:
        """
        A zone that is down prints nothing more.
        """
        why = _HALTED.get(end.reason)
        if why is None:
            super().ended(end)
        else:
            self.fail(f"{why} without {self._wanted}", ExitStatus.ZONE_ENDED)

    def late(self) -> None:
        """
        It has not come.
        """
        text = f"no {self._wanted} within {self._seconds:g} s"
        self.fail(text, ExitStatus.TIMED_OUT)

    @property
    def _wanted(self) -> str:
        return f"'{escaped(self._pattern.pattern.decode('utf-8', 'surrogateescape'))}'"
