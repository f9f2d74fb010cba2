# -*- test-case-name: zcons_twisted.test.test_client_running -*-
"""
Running a reactor for one piece of work, and signals while it runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping
from types import FrameType
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from .tx import AttachReactor

__all__ = ["ENDING_SIGNALS", "RunReactor", "runToEnd", "watchSignals", "within"]

#: The signals that end a command, in the order that people know them by: each whose
#: default is to end a process, and that a person or the system sends on purpose.
ENDING_SIGNALS = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGVTALRM,
    signal.SIGXCPU,
)

OnSignal = Callable[[int], None]


class RunReactor(Protocol):
    """
    What is needed of a reactor: C{IReactorCore}, C{IReactorFDSet} and
    C{IReactorFromThreads} have it.
    """

    def run(self, installSignalHandlers: bool = ...) -> None:
        """
        As in C{IReactorCore}; so the next two.
        """

    def stop(self) -> None:
        """
        Stop.
        """

    def callWhenRunning(self, callable: Callable[..., Any]) -> Any:
        """
        Call once it runs.
        """

    def addReader(self, reader: IReadDescriptor) -> None:
        """
        As in C{IReactorFDSet}; so the next one.
        """

    def removeReader(self, reader: IReadDescriptor) -> None:
        """
        Stop reading.
        """

    def callFromThread(self, callable: Callable[..., Any], *args: object) -> None:
        """
        As in C{IReactorFromThreads}.
        """


@implementer(IReadDescriptor)
class _Bell:
    """
    The pipe that the interpreter writes to when a signal arrives, so that a
    reactor that waits notices.
    """

    def __init__(self) -> None:
        self._near, self._far = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def hang(self) -> int:
        return signal.set_wakeup_fd(self._far, warn_on_full_buffer=False)

    def fileno(self) -> int:
        return self._near

    def logPrefix(self) -> str:
        return "signals"

    def doRead(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._near, 4096)

    def connectionLost(self, reason: Failure) -> None:
        """
        It is never lost.
        """

    def close(self) -> None:
        os.close(self._near)
        os.close(self._far)


@contextlib.contextmanager
def watchSignals(reactor: RunReactor, wanted: Mapping[int, OnSignal]) -> Iterator[None]:
    """
    Hear of signals in the reactor's own time, and put back what was there before.
    Signals that are ignored (by C{nohup}, or for a job in the background) stay
    ignored.

    @param reactor: what is told.
    @param wanted: what to call, by signal.
    """
    bell = _Bell()
    reactor.addReader(bell)
    bellBefore = bell.hang()
    before = {}

    def told(number: int, frame: FrameType | None) -> None:
        reactor.callFromThread(wanted[number], number)

    try:
        for number in wanted:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, told)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(bellBefore)
        reactor.removeReader(bell)
        bell.close()


def runToEnd(
    reactor: RunReactor,
    work: Coroutine[Deferred[Any], Any, int],
    wanted: Mapping[int, OnSignal],
) -> int:
    """
    Run the reactor until a piece of work is done.

    @param reactor: a reactor that has not run yet.
    @param work: what to do; its result is the exit status.
    @param wanted: what to call for which signal.
    @return: the exit status.
    @raise Exception: what the work raised.
    """
    results: list[int | Failure] = []

    def done(result: int | Failure) -> None:
        results.append(result)
        reactor.stop()

    def begin() -> None:
        Deferred.fromCoroutine(work).addBoth(done)

    reactor.callWhenRunning(begin)
    with watchSignals(reactor, wanted):
        reactor.run(installSignalHandlers=False)
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return int(results[0])


async def within(reactor: AttachReactor, seconds: float, event: Deferred[Any]) -> None:
    """
    Wait for something, but no longer than that.
    """
    limit = reactor.callLater(seconds, event.cancel)
    try:
        await event
    except CancelledError:
        pass
    finally:
        if limit.active():
            limit.cancel()
