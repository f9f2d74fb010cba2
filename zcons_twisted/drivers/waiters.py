# -*- test-case-name: zcons_twisted.test.test_waiters -*-
"""
Those who wait for what becomes of a zone.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ..errors import LifecycleError

__all__ = ["SHUTDOWN_SECONDS", "ShutdownWaiters", "Waiters"]

#: Seconds that a zone which was asked to go down is waited for, as on illumos.
SHUTDOWN_SECONDS = 60.0


class Waiters:
    """
    Those who wait for one thing; false where there are none.
    """

    def __init__(self) -> None:
        self._waiting: list[Deferred[str]] = []

    def __len__(self) -> int:
        """
        How many there are.
        """
        return len(self._waiting)

    def wait(self) -> Deferred[str]:
        """
        One more.
        """
        done: Deferred[str] = Deferred()
        self._waiting.append(done)
        return done

    def answer(self, text: str) -> None:
        """
        It has happened.
        """
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done.callback(text)

    def refuse(self, why: str) -> None:
        """
        It does not happen.
        """
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done.errback(LifecycleError(why))


class ShutdownWaiters(Waiters):
    """
    Those who have asked a zone to go down by itself, for as long as that counts.
    """

    def __init__(self, clock: IReactorTime, over: Callable[[], None]) -> None:
        """
        @param clock: measures how long that is.
        @param over: called when the zone has not gone by then.
        """
        super().__init__()
        self._clock = clock
        self._over = over
        self._timer: IDelayedCall | None = None

    @property
    def wanted(self) -> bool:
        """
        Is the zone to stay down when it goes?
        """
        return self._timer is not None

    def begin(self) -> None:
        """
        The zone is asked now.
        """
        self.stop()
        self._timer = self._clock.callLater(SHUTDOWN_SECONDS, self._tooLong)

    def answer(self, text: str) -> None:
        """
        It has gone.
        """
        self.stop()
        super().answer(text)

    def refuse(self, why: str) -> None:
        """
        It is not to go any more.
        """
        self.stop()
        super().refuse(why)

    def stop(self) -> None:
        """
        Wait no more.
        """
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _tooLong(self) -> None:
        self.refuse(
            f"zone did not go down within {SHUTDOWN_SECONDS:g} s, and runs on:"
            " 'zconsole halt' ends it"
        )
        self._over()
