# -*- test-case-name: zcons_twisted.test.test_log_queue -*-
"""
Lines of the log that can wait until nobody else does.

To write a line takes longer than to seat a peer, and when many come at once each would
wait for the lines of those before it.  So the lines are kept for a moment, each with
its own time, and written when the newcomers have been answered: a few in a turn of the
reactor, in their order.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import LogEvent, Logger, LogLevel

__all__ = ["LINES_A_TURN", "LINES_WAITING_MAX", "LINE_WAITS_SECONDS", "LogQueue"]

#: How long a line waits.
LINE_WAITS_SECONDS = 0.02
#: How many are written in one turn of the reactor.
LINES_A_TURN = 8
#: How many may wait: beyond, each that comes has the first written at once.
LINES_WAITING_MAX = 4096


class LogQueue:
    """
    Such lines of one server.
    """

    def __init__(
        self, clock: IReactorTime, now: Callable[[], float] = time.time
    ) -> None:
        """
        @param clock: measures the moment.
        @param now: the time in seconds since the epoch.
        """
        self._clock = clock
        self._now = now
        self._lines: deque[tuple[Logger, LogEvent]] = deque()
        self._timer: IDelayedCall | None = None

    def info(self, log: Logger, text: str, fields: Mapping[str, object]) -> None:
        """
        Write a line soon.

        @param log: whose it is.
        @param text: a format of Twisted's log.
        @param fields: what it is filled with.
        """
        event: LogEvent = dict(
            fields,
            log_logger=log,
            log_level=LogLevel.info,
            log_namespace=log.namespace,
            log_source=log.source,
            log_format=text,
            log_time=self._now(),
        )
        self._lines.append((log, event))
        if len(self._lines) > LINES_WAITING_MAX:
            self._write(1)
        if self._timer is None:
            self._timer = self._clock.callLater(LINE_WAITS_SECONDS, self._some)

    def flush(self) -> None:
        """
        Write all that wait.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._write(len(self._lines))

    def _some(self) -> None:
        self._write(min(LINES_A_TURN, len(self._lines)))
        self._timer = self._clock.callLater(0, self._some) if self._lines else None

    def _write(self, count: int) -> None:
        for _ in range(count):
            log, event = self._lines.popleft()
            log.observer(event)
