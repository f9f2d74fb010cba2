# -*- test-case-name: zcons_twisted.test.test_testing -*-
"""
The reactor of L{zcons_twisted.testing}: a clock, descriptors that are looked at only
when a test says so, and processes that are none.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from twisted.internet import main, unix
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IListeningPort,
    IProcessProtocol,
    IProcessTransport,
    IProtocolFactory,
    IReadDescriptor,
    IWriteDescriptor,
)
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from .reactors import ServerReactor
from .testing_zone import FIRST_FAKE_PID, FakeProcess

__all__ = ["FakeReactor"]

#: More turns than anything takes that ever comes to rest.
_TURNS_MAX = 10_000

_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class _NoThreads:
    """
    A thread pool that does at once what it is given.
    """

    def callInThreadWithCallback(
        self,
        onResult: Callable[[bool, Any], None],
        function: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        try:
            result = function(*args, **kwargs)
        except Exception:
            onResult(False, Failure())
        else:
            onResult(True, result)


@implementer(ServerReactor)
class FakeReactor(Clock):
    """
    A reactor that a test moves by hand: C{advance} lets time pass, L{pump} serves
    the descriptors that are ready.

    @ivar processes: what L{spawnProcess} was asked for, in order.
    @ivar spawnError: set it, and L{spawnProcess} raises it.
    @ivar stops: how often L{stop} was called.
    """

    _log = Logger()

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[FakeProcess] = []
        self.spawnError: OSError | None = None
        self.stops = 0
        self.running = True
        # Dicts keep an order, so that a test goes the same way each time.
        self._readers: dict[IReadDescriptor, None] = {}
        self._writers: dict[IWriteDescriptor, None] = {}

    # For tests.

    def pump(self, timings: Iterable[float] = (0.0,)) -> None:
        """
        Turn as a reactor does: make the calls that are due, then serve each
        descriptor that is ready once.  Nothing is waited for.

        @param timings: the seconds that pass before each turn.
        """
        for seconds in timings:
            self.advance(seconds)
            for selectable, events in self._ready():
                if selectable in self._readers or selectable in self._writers:
                    self._serve(selectable, events)

    def settle(self) -> None:
        """
        Turn until there is nothing left to do.

        @raise AssertionError: there always is something.
        """
        for _ in range(_TURNS_MAX):
            due = [c for c in self.getDelayedCalls() if c.getTime() <= self.seconds()]
            if not due and not self._ready():
                return
            self.pump()
        raise AssertionError("the reactor never comes to rest")

    # As a reactor: descriptors.

    def addReader(self, reader: IReadDescriptor) -> None:
        """
        See L{IReactorFDSet<twisted.internet.interfaces.IReactorFDSet>}.
        """
        self._readers[reader] = None

    def addWriter(self, writer: IWriteDescriptor) -> None:
        """
        See L{IReactorFDSet<twisted.internet.interfaces.IReactorFDSet>}.
        """
        self._writers[writer] = None

    def removeReader(self, reader: IReadDescriptor) -> None:
        """
        See L{IReactorFDSet<twisted.internet.interfaces.IReactorFDSet>}.
        """
        self._readers.pop(reader, None)

    def removeWriter(self, writer: IWriteDescriptor) -> None:
        """
        See L{IReactorFDSet<twisted.internet.interfaces.IReactorFDSet>}.
        """
        self._writers.pop(writer, None)

    def removeAll(self) -> list[IReadDescriptor | IWriteDescriptor]:
        """
        See L{IReactorFDSet<twisted.internet.interfaces.IReactorFDSet>}.
        """
        removed: dict[Any, None] = {}
        removed.update(self._readers)
        removed.update(self._writers)
        self._readers.clear()
        self._writers.clear()
        return list(removed)

    def getReaders(self) -> list[IReadDescriptor]:
        """
        See L{IReactorFDSet<twisted.internet.interfaces.IReactorFDSet>}.
        """
        return list(self._readers)

    def getWriters(self) -> list[IWriteDescriptor]:
        """
        See L{IReactorFDSet<twisted.internet.interfaces.IReactorFDSet>}.
        """
        return list(self._writers)

    def _ready(self) -> list[tuple[Any, int]]:
        poll = select.poll()
        known: dict[int, Any] = {}
        for each in [*self._readers, *self._writers]:
            wanted = select.POLLIN if each in self._readers else 0
            wanted |= select.POLLOUT if each in self._writers else 0
            known[each.fileno()] = each
            poll.register(each.fileno(), wanted)
        return [(known[fd], events) for fd, events in poll.poll(0)]

    def _serve(self, selectable: Any, events: int) -> None:
        """
        As Twisted's own epoll reactor does it.
        """
        why: Any = None
        if events & _GONE and not events & select.POLLIN:
            reading = selectable in self._readers
            why = main.CONNECTION_DONE if reading else main.CONNECTION_LOST
        else:
            try:
                if events & select.POLLIN:
                    why = selectable.doRead()
                if not why and events & select.POLLOUT:
                    why = selectable.doWrite()
            except Exception:
                self._log.failure("while serving {selectable}", selectable=selectable)
                why = sys.exc_info()[1]
        if why:
            self.removeReader(selectable)
            self.removeWriter(selectable)
            selectable.connectionLost(Failure(why))

    # As a reactor: connections and processes.

    def adoptStreamConnection(
        self, fileDescriptor: int, addressFamily: int, factory: IProtocolFactory
    ) -> None:
        """
        See L{IReactorSocket<twisted.internet.interfaces.IReactorSocket>}; unix
        sockets only.
        """
        unix.Server._fromConnectedSocket(fileDescriptor, factory, self)

    def adoptStreamPort(
        self, fileDescriptor: int, addressFamily: int, factory: IProtocolFactory
    ) -> IListeningPort:
        """
        Not done by this fake.
        """
        raise NotImplementedError

    def adoptDatagramPort(
        self,
        fileDescriptor: int,
        addressFamily: int,
        protocol: object,
        maxPacketSize: int = 8192,
    ) -> IListeningPort:
        """
        Not done by this fake.
        """
        raise NotImplementedError

    def spawnProcess(
        self,
        processProtocol: IProcessProtocol,
        executable: str | bytes,
        args: Iterable[str | bytes] = (),
        env: Mapping[Any, Any] | None = None,
        path: str | bytes | None = None,
        uid: int | None = None,
        gid: int | None = None,
        usePTY: object = False,
        childFDs: Mapping[int, int | str] | None = None,
    ) -> IProcessTransport:
        """
        Start nothing: the test says in L{processes} what the process does.
        """
        if self.spawnError is not None:
            raise self.spawnError
        words = [str(word) for word in args]
        environment = dict(env or {})
        for text in (*words, *environment, *environment.values()):
            if "\0" in text:
                # What the real one does.
                raise TypeError(f"Arguments contain a NUL: {ascii(text)}")
        process = FakeProcess(
            FIRST_FAKE_PID + len(self.processes),
            processProtocol,
            str(executable),
            words,
            environment,
            dict(childFDs or {}),
        )
        self.processes.append(process)
        processProtocol.makeConnection(process)
        return process

    # As a reactor: the rest.

    def stop(self) -> None:
        """
        Remember it in L{stops}.
        """
        self.stops += 1
        self.running = False

    def getThreadPool(self) -> _NoThreads:
        """
        A pool that does at once what it is given.
        """
        return _NoThreads()

    def callFromThread(
        self, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> None:
        """
        Make a call in the next turn.
        """
        self.callLater(0, callable, *args, **kwargs)

    def callWhenRunning(
        self, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> None:
        """
        It always runs: make the call.
        """
        callable(*args, **kwargs)

    def resolve(
        self, name: str, timeout: Iterable[int] = (1, 3, 11, 45)
    ) -> Deferred[str]:
        """
        Not done by this fake.
        """
        raise NotImplementedError

    def run(self) -> None:
        """
        Not done by this fake.
        """
        raise NotImplementedError

    def crash(self) -> None:
        """
        Not done by this fake.
        """
        raise NotImplementedError

    def iterate(self, delay: float = 0) -> None:
        """
        Not done by this fake.
        """
        raise NotImplementedError

    def fireSystemEvent(self, eventType: str) -> None:
        """
        Not done by this fake.
        """
        raise NotImplementedError

    def addSystemEventTrigger(
        self,
        phase: str,
        eventType: str,
        callable: Callable[..., Any],
        *args: object,
        **kwargs: object,
    ) -> object:
        """
        Not done by this fake.
        """
        raise NotImplementedError

    def removeSystemEventTrigger(self, triggerID: object) -> None:
        """
        Not done by this fake.
        """
        raise NotImplementedError
