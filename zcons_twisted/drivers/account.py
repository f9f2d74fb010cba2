# -*- test-case-name: zcons_twisted.test.test_zone_process -*-
"""
What is told of a zone's process: what runs, or how it ended last and who had asked for
that; and of one that is started again and again, how often it was and when it is next.
"""

from __future__ import annotations

import math
from datetime import datetime

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ..interfaces import IAccountableLife, IZoneLife

__all__ = ["Account", "askedWords", "haltFor", "haltedWords"]


#: How a command ends that does as it is told when it is halted: there is nothing to say
#: of it but who had asked for that.
_AS_TOLD = ("signal 1", "signal 15")


def haltFor(life: IZoneLife, who: str) -> Deferred[str]:
    """
    Halt a zone for somebody, of whom its life tells afterwards if it is one that does.
    """
    if IAccountableLife.providedBy(life):
        return IAccountableLife(life).haltFor(who)
    return life.halt()


def haltedWords(who: str, how: str) -> str:
    """
    How a zone ended, for those who look at it.

    @param who: who had asked for that, or C{""} where nobody had.
    @param how: what is known besides, or C{""}.
    """
    return ", ".join(filter(None, (f"halted by {who}" if who else "", how)))


def askedWords(who: str, how: str) -> str:
    """
    The same for those who are told that it has halted.
    """
    return ", ".join(filter(None, (f"asked for by {who}" if who else "", how)))


class Account:
    """
    The account of one zone's process.

    @ivar who: who has asked for its end, as far as that is known.
    @ivar how: how it ended, unless that goes without saying, or why it did not begin.
    """

    def __init__(self, clock: IReactorTime) -> None:
        """
        @param clock: tells how long it is until the next start.
        """
        self.who = ""
        self.how = ""
        self._clock = clock
        self._pid = 0
        self._text = "not booted yet"
        self._words = ""
        self._asked = self._ended = self._failed = False
        self._starts = 0

    def counts(self) -> None:
        """
        Starts are counted from here on.
        """
        self._starts = 0

    @property
    def reason(self) -> str:
        """
        Why the zone halted, as far as that is known.
        """
        return askedWords(self.who, self.how)

    def runs(self, pid: int, found: float | None = None) -> None:
        """
        It has been started.

        @param found: where an earlier server did that: when, in seconds since the
            epoch.
        """
        self.who = self.how = ""
        self._pid = pid
        self._asked = self._ended = self._failed = False
        self._starts += 1
        self._text = f"process {pid}"
        if found is not None:
            since = datetime.fromtimestamp(found).isoformat(" ", "seconds")
            self._text += f", found running since {since}"

    def failed(self, why: str, what: str = "boot failed") -> None:
        """
        It did not begin.

        @param what: what has failed, in a word or two.
        """
        self.how = why
        self._ended = self._failed = True
        self._text = f"{what}: {why}"

    def ended(self, pid: int, words: str) -> bool:
        """
        It has ended.

        @return: whether that is news; one that had not begun has nothing more to tell.
        """
        if self._failed:
            return False
        self._pid = pid
        self._words = words
        self._ended = True
        if not self._asked or (self.who and words not in _AS_TOLD):
            self.how = words
        self._tellEnd()
        return True

    def asked(self, who: str) -> None:
        """
        Somebody asks for its end, which may have come already.

        @param who: who it is, or C{""} where that is not known.
        """
        self.who = who
        self._asked = True
        if self._ended and not self._failed:
            self._tellEnd()

    def askedInVain(self) -> None:
        """
        It did not end: however it ends later is by itself.
        """
        self.who = ""
        self._asked = False

    def told(self, next_: IDelayedCall | None) -> str:
        """
        All that is told.

        @param next_: the next start, where it is to be started again.
        """
        parts = []
        if self._starts > 1 and (next_ is not None or not self._ended):
            parts.append(f"started {self._starts} times")
        if next_ is not None:
            left = max(0.0, round(next_.getTime() - self._clock.seconds(), 3))
            parts.append(f"next in {math.ceil(left)} s")
        return ("; " if self._ended else ", ").join(
            filter(None, (self._text, ", ".join(parts)))
        )

    def _tellEnd(self) -> None:
        words = haltedWords(self.who, self.how) or self._words
        self._text = f"process {self._pid} ended: {words}"
