# -*- test-case-name: zcons_twisted.test.test_client_session -*-
"""
Futures of whichever framework: the part of C{txaio} that is used here, and what is
made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["CallLater", "Frame", "Moment", "Timer"]


class Frame(Protocol):
    """
    The part of the C{txaio} API that a session uses: C{txaio.tx}, C{txaio.aio} or
    what their C{with_config} returns.
    """

    def create_future(self) -> Any:
        """
        A new future.
        """

    def resolve(self, future: Any, result: Any = None) -> None:
        """
        Give a future its result.
        """

    def reject(self, future: Any, error: Any = None) -> None:
        """
        Give a future an error.
        """

    def is_called(self, future: Any) -> bool:
        """
        Has a future its result or error, or was it cancelled?
        """


class Timer(Protocol):
    """
    A call that was put off: Twisted's and asyncio's have this in common.
    """

    def cancel(self) -> object:
        """
        Don't call.
        """


#: Call after some seconds: C{callLater} of a reactor, C{call_later} of a loop.
#: (C{txaio} has one too, but under Twisted for one reactor a process only.)
CallLater = Callable[[float, Callable[[], None]], Timer]


class Moment:
    """
    Something that happens once, and that any number may wait for, before and
    after it.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._waiting: list[Any] = []
        self._happen: Callable[[Any], None] | None = None

    def wait(self) -> Any:
        """
        A future of its own for each who waits.
        """
        future = self._frame.create_future()
        if self._happen is None:
            self._waiting.append(future)
        else:
            self._happen(future)
        return future

    def resolve(self, result: Any) -> None:
        """
        It happened.
        """
        self._settle(lambda future: self._frame.resolve(future, result))

    def reject(self, error: Exception) -> None:
        """
        It can't happen any more.
        """
        self._settle(lambda future: self._frame.reject(future, error))

    def _settle(self, happen: Callable[[Any], None]) -> None:
        if self._happen is not None:
            return
        self._happen = happen
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            # Whoever waited may have given up.
            if not self._frame.is_called(future):
                happen(future)
