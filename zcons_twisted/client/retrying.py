# -*- test-case-name: zcons_twisted.test.test_client_lasting -*-
"""
Trying again, under Twisted, until there is somebody.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from zcons_twisted.backoff import BackOff

from .errors import CouldNotConnect, HandshakeFailed
from .session import ConsoleSession
from .tx import AttachReactor

__all__ = ["FIRST_SECONDS", "LONGEST_SECONDS", "tryAgain"]

#: The first wait between two attempts, and the longest.
FIRST_SECONDS = 0.1
LONGEST_SECONDS = 2.0


async def tryAgain(
    reactor: AttachReactor,
    attempt: Callable[[], Deferred[ConsoleSession]],
    failed: Callable[[str], None],
) -> ConsoleSession:
    """
    Attach, as often as it takes; for whoever cancels it when it takes too long.

    @param reactor: measures the waits.
    @param attempt: attaches.
    @param failed: is told why it has not come to that.
    """
    backOff = BackOff(FIRST_SECONDS, LONGEST_SECONDS)
    while True:
        await _pause(reactor, backOff.wait())
        try:
            return await attempt()
        except (CouldNotConnect, HandshakeFailed) as e:
            failed(str(e))


async def _pause(reactor: AttachReactor, seconds: float) -> None:
    pause: Deferred[None] = Deferred()
    waiting = reactor.callLater(seconds, pause.callback, None)
    try:
        await pause
    finally:
        if waiting.active():
            waiting.cancel()
