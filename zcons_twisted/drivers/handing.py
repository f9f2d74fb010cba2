# -*- test-case-name: zcons_twisted.test.test_handing -*-
"""
Handing what a zone has to a nexus, until there is one that keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import DeviceError

__all__ = ["ADOPT_SECONDS", "HandingOver"]

#: Seconds before handing something to another nexus is tried again.
ADOPT_SECONDS = 10.0


class HandingOver:
    """
    That of one zone.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        zone: str,
        what: str,
        hand: Callable[[], Deferred[None]],
    ) -> None:
        """
        @param clock: measures the time between two tries.
        @param what: what is handed over, in words.
        @param hand: tries it.
        """
        self._clock = clock
        self._zone = zone
        self._what = what
        self._hand = hand
        self._wanted = False
        self._again: IDelayedCall | None = None
        self._told = ""

    def begin(self) -> None:
        """
        Hand it over now.
        """
        self.stop()
        self._wanted = True
        self._hand().addCallbacks(self._done, self._failed)

    def stop(self) -> None:
        """
        It is not ours any more.
        """
        self._wanted = False
        if self._again is not None and self._again.active():
            self._again.cancel()
        self._again = None

    def failed(self, error: Exception) -> None:
        """
        Tell that no nexus keeps it; once for as long as the reason is the same.
        """
        why = getattr(error, "strerror", None) or str(error)
        if why == self._told:
            return
        self._told = why
        self._log.error(
            "{zone}: no nexus keeps {what}, which goes with this server; trying again"
            " every {seconds:g} s: {error}",
            zone=self._zone,
            seconds=ADOPT_SECONDS,
            what=self._what,
            error=why,
        )

    def _done(self, _ignored: None) -> None:
        self._told = ""

    def _failed(self, failure: Failure) -> None:
        failure.trap(OSError, DeviceError)
        if self._wanted:
            self.failed(cast(Exception, failure.value))
            if self._again is None:
                self._again = self._clock.callLater(ADOPT_SECONDS, self.begin)
