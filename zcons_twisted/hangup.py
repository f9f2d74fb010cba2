# -*- test-case-name: zcons_twisted.test.test_peer -*-
"""
Noticing that a descriptor has hung up without reading from it.

A reactor can only wait for something to read or for room to write.  The held
subsidiary of a pty must not be read, for what is there is the zone's; a half-closed
connection has nothing more to read and says so for ever.  So the descriptor goes
into an epoll set of its own, which is asked for nothing and hence tells of hang-ups
only, and the reactor waits for that set.
"""

from __future__ import annotations

import select
from collections.abc import Callable

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

__all__ = ["HangupWatch"]


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
