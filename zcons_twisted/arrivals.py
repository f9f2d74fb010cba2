# -*- test-case-name: zcons_twisted.test.test_arrivals -*-
"""
Files that are waited for: who waits is called as soon as one is there.

The sockets of a virtual machine come when that is started, and it prints at once.  To
look for them once a second would miss the beginning; to look for them often enough
would cost something all the time.  The kernel tells.

Where it can't (not every system does, and there is not always room for one more to be
told), nobody is called, so that one has to look by oneself as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

if TYPE_CHECKING:
    from .inotify import Inotify

__all__ = ["Arrivals"]

Call = Callable[[], None]


@implementer(IReadDescriptor)
class Arrivals:
    """
    All that is waited for.  Nothing is open while that is nothing.
    """

    def __init__(self, reactor: IReactorFDSet) -> None:
        """
        @param reactor: provides descriptors.
        """
        self._reactor = reactor
        self._inotify: Inotify | None = None
        # By watch: who is to be called for which name; and by whom: which paths these
        # are.
        self._expected: dict[int, dict[str, set[Call]]] = {}
        self._paths: dict[Call, dict[str, tuple[int, str]]] = {}

    def expect(self, path: str, call: Call) -> None:
        """
        Call when there is something new at a path.  Harmless to say again and again,
        for the directory may not be there yet, or not any more.
        """
        paths = self._paths.get(call, {})
        if path in paths:
            return
        directory, name = os.path.split(os.path.realpath(path))
        try:
            watch = self._opened().watch(directory)
        except OSError:
            # It is to be looked for, then.
            self._closeWhereIdle()
            return
        self._expected.setdefault(watch, {}).setdefault(name, set()).add(call)
        paths[path] = watch, name
        self._paths[call] = paths

    def expectNoMore(self, call: Call) -> None:
        """
        Call no more, whatever it was for.  Harmless to say twice.
        """
        for watch, name in set(self._paths.pop(call, {}).values()):
            names = self._expected[watch]
            names[name].discard(call)
            if not names[name]:
                del names[name]
            if not names and self._inotify is not None:
                del self._expected[watch]
                self._inotify.forget(watch)
        self._closeWhereIdle()

    # As a descriptor.

    def fileno(self) -> int:
        """
        See L{IReadDescriptor}.
        """
        return -1 if self._inotify is None else self._inotify.fileno()

    def logPrefix(self) -> str:
        """
        See L{IReadDescriptor}.
        """
        return "arrivals"

    def doRead(self) -> None:
        """
        See L{IReadDescriptor}.
        """
        calls: dict[Call, None] = {}
        for watch, name in self._opened().read():
            if name is None:
                self._gone(watch)
                continue
            for each in [watch] if watch != -1 else list(self._expected):
                names = self._expected.get(each, {})
                # What happened to the directory itself concerns all that is in it.
                for wanted in [name] if name else list(names):
                    calls.update(dict.fromkeys(names.get(wanted, ())))
        for call in calls:
            call()
        self._closeWhereIdle()

    def connectionLost(self, reason: Failure) -> None:
        """
        See L{IReadDescriptor}.
        """
        self._expected.clear()
        self._paths.clear()
        self._closeWhereIdle()

    # Inside.

    def _gone(self, watch: int) -> None:
        """
        The directory is not watched any more.
        """
        for calls in self._expected.pop(watch, {}).values():
            for call in calls:
                paths = self._paths[call]
                for path, place in list(paths.items()):
                    if place[0] == watch:
                        del paths[path]

    def _opened(self) -> Inotify:
        if self._inotify is None:
            # Few servers need it.
            from .inotify import Inotify

            self._inotify = Inotify()
            self._reactor.addReader(self)
        return self._inotify

    def _closeWhereIdle(self) -> None:
        if self._inotify is not None and not self._expected:
            self._reactor.removeReader(self)
            self._inotify.close()
            self._inotify = None
