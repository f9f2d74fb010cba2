# -*- test-case-name: zcons_twisted.test.test_peer -*-
"""
Noticing that a descriptor has hung up without reading from it.

A reactor can only wait for something to read or for room to write.  The held
subsidiary of a pty must not be read, for what is there is the zone's; a half-closed
connection has nothing more to read and says so for ever.  So the descriptor goes
into an epoll set of its own, which is asked for nothing and hence tells of hang-ups
only, and the reactor waits for that set.

Where there is no epoll to rely on, the descriptor is looked at again and again.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import (
    IDelayedCall,
    IReactorFDSet,
    IReactorTime,
    IReadDescriptor,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from .reactors import DescriptorReactor
from .systems import hasEpoll

__all__ = ["LOOK_SECONDS", "HangupLook", "HangupWatch", "Watch", "watchHangup"]

#: Seconds between two looks, where looking is all that can be done.
LOOK_SECONDS = 0.5


class Watch(Protocol):
    """
    What waits for a hang-up.
    """

    def stop(self) -> None:
        """
        Wait no more.  Harmless to say twice.
        """


def watchHangup(
    reactor: DescriptorReactor,
    fd: int,
    hungUp: Callable[[], None],
    alive: Callable[[], bool],
) -> Watch:
    """
    Watch one descriptor until it hangs up.

    @param fd: the descriptor; it must stay open until the watch is stopped.
    @param hungUp: called once.
    @param alive: tells of a hang-up where the system's poll(2) does not.
    @raise OSError: there are no descriptors left.
    """
    if hasEpoll():
        return HangupWatch(reactor, fd, hungUp)
    return HangupLook(reactor, fd, hungUp, alive)


@implementer(IReadDescriptor)
class HangupWatch:
    """
    Watches one descriptor until it hangs up.
    """

    def __init__(
        self, reactor: IReactorFDSet, fd: int, hungUp: Callable[[], None]
    ) -> None:
        """
        @param reactor: waits for us.
        @param fd: the descriptor; it must stay open until L{stop}.
        @param hungUp: called once.
        @raise OSError: there are no descriptors left.
        """
        self._reactor = reactor
        self._hungUp = hungUp
        self._set = select.epoll()
        try:
            self._set.register(fd, 0)
        except OSError:
            self._set.close()
            raise
        self._fd = self._set.fileno()
        reactor.addReader(self)

    def fileno(self) -> int:
        """
        The set's own descriptor, or -1 when we have stopped.
        """
        return self._fd

    def logPrefix(self) -> str:
        """
        What the reactor calls us in its log.
        """
        return "hang-up watch"

    def doRead(self) -> None:
        """
        The set has something to tell: a hang-up, for it was asked for nothing else.
        """
        self.stop()
        self._hungUp()

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor lets go of us.
        """
        self.stop()

    def stop(self) -> None:
        """
        Watch no more.  Harmless to say twice.
        """
        if self._fd != -1:
            self._reactor.removeReader(self)
            self._fd = -1
            self._set.close()


class HangupLook:
    """
    Looks at one descriptor every L{LOOK_SECONDS} until it hangs up.
    """

    def __init__(
        self,
        clock: IReactorTime,
        fd: int,
        hungUp: Callable[[], None],
        alive: Callable[[], bool],
    ) -> None:
        """
        @param clock: measures the time between looks.
        @param fd: the descriptor; it must stay open until L{stop}.
        @param hungUp: called once.
        @param alive: is asked as well.
        """
        self._clock = clock
        self._hungUp = hungUp
        self._alive = alive
        self._polled = select.poll()
        self._polled.register(fd, 0)
        self._again: IDelayedCall | None = clock.callLater(LOOK_SECONDS, self._look)

    def stop(self) -> None:
        """
        Look no more.  Harmless to say twice.
        """
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def _look(self) -> None:
        if self._polled.poll(0) or not self._alive():
            self._again = None
            self._hungUp()
        else:
            self._again = self._clock.callLater(LOOK_SECONDS, self._look)
