# -*- test-case-name: zcons_twisted.test.test_pty_nexus -*-
"""
Handing a zone's pair to another nexus, until there is one that keeps it.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import DeviceError

__all__ = ["ADOPT_SECONDS", "HandingOver"]

#: Seconds before handing a pair to another nexus is tried again.
ADOPT_SECONDS = 10.0


class HandingOver:
    """
    That of one zone.
    """

    _log = Logger()

    def __init__(
        self, clock: IReactorTime, zone: str, hand: Callable[[], Deferred[None]]
    ) -> None:
        """
        @param clock: measures the time between two tries.
        @param hand: tries it.
        """
        self._clock = clock
        self._zone = zone
        self._hand = hand
        self._wanted = False
        self._again: IDelayedCall | None = None

    def begin(self) -> None:
        """
        Hand it over now.
        """
        self._wanted = True
        self._again = None
        self._hand().addErrback(self._failed)

    def stop(self) -> None:
        """
        It is not ours any more.
        """
        self._wanted = False
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def _failed(self, failure: Failure) -> None:
        failure.trap(OSError, DeviceError)
        if not self._wanted:
            return
        self._log.error(
            "{zone}: no nexus keeps the console device, which goes with this server;"
            " trying again in {seconds:g} s: {error}",
            zone=self._zone,
            seconds=ADOPT_SECONDS,
            error=getattr(failure.value, "strerror", None) or str(failure.value),
        )
        self._again = self._clock.callLater(ADOPT_SECONDS, self.begin)
