# -*- test-case-name: zcons_twisted.test.test_hangup -*-
"""
Noticing that a descriptor has hung up without reading from it.

A reactor can only wait for something to read or for room to write.  The held
subsidiary of a pty must not be read, for what is there is the zone's; a half-closed
connection has nothing more to read and says so for ever.  So such descriptors are in an
epoll set of their own, which is asked for nothing and hence tells of hang-ups only, and
the reactor waits for that set.  One set does for all that one reactor has of them.

Where there is no epoll to rely on, or no descriptor left for one, the descriptor is
looked at again and again.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Protocol
from weakref import WeakKeyDictionary, proxy

from twisted.internet.interfaces import (
    IDelayedCall,
    IReactorFDSet,
    IReactorTime,
    IReadDescriptor,
    IWriteDescriptor,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from .reactors import DescriptorReactor
from .systems import hasEpoll

__all__ = ["LOOK_SECONDS", "HangupLook", "HangupSet", "Watch", "watchHangup"]

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
    alive: Callable[[], bool] = lambda: True,
) -> Watch:
    """
    Watch one descriptor until it hangs up.

    @param fd: the descriptor; it must stay open until the watch is stopped.
    @param hungUp: called once.
    @param alive: tells of a hang-up where the system's poll(2) does not.
    """
    if hasEpoll():
        try:
            return _setOf(reactor).watch(fd, hungUp)
        except OSError:
            # There are no descriptors left: it can be looked at without one.
            pass
    return HangupLook(reactor, fd, hungUp, alive)


@implementer(IReadDescriptor, IWriteDescriptor)
class HangupSet:
    """
    Watches descriptors until they hang up; has a descriptor of its own only while
    there are any.
    """

    def __init__(self, reactor: IReactorFDSet) -> None:
        """
        @param reactor: waits for us.
        """
        # It is kept by whoever watches; we are kept with it.
        self._reactor: IReactorFDSet = proxy(reactor)
        self._set: select.epoll | None = None
        self._watches: dict[int, _Watched] = {}

    def watch(self, fd: int, hungUp: Callable[[], None]) -> Watch:
        """
        Watch one descriptor.

        @param fd: it must stay open until the watch is stopped.
        @param hungUp: called once.
        @raise OSError: there are no descriptors left, or that one can't be watched.
        """
        if self._set is None:
            self._set = select.epoll()
            self._reactor.addReader(self)
        try:
            self._set.register(fd, 0)
        except OSError:
            self._closeWhereEmpty()
            raise
        watched = self._watches[fd] = _Watched(self, fd, hungUp)
        return watched

    def forget(self, watched: _Watched) -> bool:
        """
        Watch it no more.

        @return: whether it was watched until now.
        """
        if self._watches.get(watched.fd) is not watched or self._set is None:
            return False
        del self._watches[watched.fd]
        self._set.unregister(watched.fd)
        self._closeWhereEmpty()
        return True

    def fileno(self) -> int:
        """
        The set's own descriptor, or -1 while there is nothing to watch.
        """
        return -1 if self._set is None else self._set.fileno()

    def logPrefix(self) -> str:
        """
        What the reactor calls us in its log.
        """
        return "hang-up watch"

    def doRead(self) -> None:
        """
        The set may have something to tell: hang-ups, for it was asked for nothing
        else.  What a reactor says may be for one that had our number before.
        """
        if self._set is None:
            return
        hung = [self._watches.get(fd) for fd, _ in self._set.poll(0)]
        for watched in hung:
            # One that was told may have had others stopped.
            if watched is not None and self.forget(watched):
                watched.hungUp()

    def doWrite(self) -> None:
        """
        Said for one that had our number before.
        """

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor lets go of us: the same, unless it ends.
        """
        if self._set is not None:
            self._reactor.addReader(self)

    def _closeWhereEmpty(self) -> None:
        if not self._watches and self._set is not None:
            self._reactor.removeReader(self)
            self._set.close()
            self._set = None


class _Watched:
    """
    One that is watched.
    """

    def __init__(
        self, watchedBy: HangupSet, fd: int, hungUp: Callable[[], None]
    ) -> None:
        self.fd = fd
        self.hungUp = hungUp
        self._set = watchedBy

    def stop(self) -> None:
        """
        See L{Watch}.
        """
        self._set.forget(self)


_sets: WeakKeyDictionary[IReactorFDSet, HangupSet] = WeakKeyDictionary()


def _setOf(reactor: IReactorFDSet) -> HangupSet:
    """
    The one that all who have this reactor share.
    """
    found = _sets.get(reactor)
    if found is None:
        found = _sets[reactor] = HangupSet(reactor)
    return found


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
        @param fd: the descriptor; it must stay open until the watch is stopped.
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
