# -*- test-case-name: zcons_twisted.test.test_urgency -*-
"""
Is anything waiting that should not wait for a batch?

A console that floods is read in batches, and a batch must not cost a keystroke.  So all
that is interactive, which is every session and every console that is not in a flood, is
also in an epoll set of its own, and that set is asked after each piece of a batch,
without waiting: a quarter of a microsecond (measured: a key under a flood takes 0.1 ms
instead of 1.1 ms, a neighbour's echo 0.3 ms instead of 3.9 ms, at the same output).

A batch that was ended is not all: consoles in a flood are always ready, and so have
their turn before whoever has just become ready.  Once somebody was found waiting, each
of them gives way until that one has had its turn, but not for more than two turns of
the reactor: it is in the second that it comes behind those that gave way in the first.
Where there is no epoll to rely on, the same question is put to poll(2).
"""

from __future__ import annotations

import select

from .systems import hasEpoll

__all__ = ["Urgency"]


class Urgency:
    """
    All that is interactive in one server.  It has a descriptor only while there is
    something.
    """

    def __init__(self) -> None:
        self._set: select.epoll | _PollSet | None = None
        self._members: set[int] = set()
        self._waited = False

    def add(self, fd: int) -> None:
        """
        A descriptor is interactive from now on.  Harmless to say twice.
        """
        if fd in self._members:
            return
        try:
            if self._set is None:
                self._set = select.epoll() if hasEpoll() else _PollSet()
            self._set.register(fd, select.EPOLLIN)
        except OSError:
            # There are no descriptors left: then it waits for the batch.
            return
        self._members.add(fd)

    def remove(self, fd: int) -> None:
        """
        A descriptor is not, or is about to be closed.  Harmless to say twice.
        """
        if fd in self._members:
            self._members.remove(fd)
            assert self._set is not None
            self._set.unregister(fd)
            if not self._members:
                self._set.close()
                self._set = None

    def waits(self) -> bool:
        """
        Has one of them something to be read?
        """
        self._waited = self._set is not None and bool(self._set.poll(0, 1))
        return self._waited

    def stillWaits(self) -> bool:
        """
        Had one when it was asked last, and has one still?  Where none had, this is
        for nothing.
        """
        return self._waited and self.waits()


class _PollSet:
    """
    As much of an epoll set as is needed here, on systems that have none.
    """

    def __init__(self) -> None:
        self._polled = select.poll()

    def register(self, fd: int, events: int) -> None:
        """
        Put a descriptor in; to be read is all that can be waited for.
        """
        self._polled.register(fd, select.POLLIN)

    def unregister(self, fd: int) -> None:
        """
        Take one out.
        """
        self._polled.unregister(fd)

    def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
        """
        Those that are ready now.
        """
        return self._polled.poll(timeout)

    def close(self) -> None:
        """
        There is nothing to give back.
        """
