# -*- test-case-name: zcons_twisted.test.test_client_silence -*-
"""
Waiting for a zone to have nothing more to say.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall

from .tx import AttachReactor

__all__ = ["Silence"]


class Silence:
    """
    One such wait.
    """

    def __init__(
        self, reactor: AttachReactor, seconds: float | None, over: Callable[[], None]
    ) -> None:
        """
        @param reactor: measures it.
        @param seconds: how long it has to last, or L{None}: nobody waits for it.
        @param over: called once when it has lasted so long.
        """
        self._reactor = reactor
        self._seconds = seconds
        self._over = over
        self._began = False
        self._timer: IDelayedCall | None = None

    def begin(self) -> None:
        """
        From now on.
        """
        self._began = True
        self.heard()

    def heard(self) -> None:
        """
        The zone has said something: it begins anew.
        """
        self.pause()
        if self._began and self._seconds is not None:
            self._timer = self._reactor.callLater(self._seconds, self._lasted)

    def pause(self) -> None:
        """
        Nothing can be heard until L{heard}.
        """
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def stop(self) -> None:
        """
        Nobody waits any more.
        """
        self._began = False
        self.pause()

    def _lasted(self) -> None:
        self._timer = None
        self._over()
