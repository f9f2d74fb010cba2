# -*- test-case-name: zcons_twisted.test.test_testing -*-
"""
The zones of L{zcons_twisted.testing}: their states, lives, events and processes, with
nothing running.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from twisted.internet import error
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import (
    IAddress,
    IProcessProtocol,
    IProcessTransport,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from .drivers.leader import STATUS_FD
from .errors import LifecycleError
from .events import ZoneEvent, ZoneState, stateAfter
from .interfaces import (
    IZoneEvents,
    IZoneLife,
    IZoneReady,
    IZoneShutdown,
    IZoneStates,
)

__all__ = [
    "FIRST_FAKE_PID",
    "FakeProcess",
    "MemoryEvents",
    "MemoryLife",
    "MemorySessions",
    "MemoryStates",
]

#: The process ID of the first fake process: more than any kernel gives, so that
#: nothing real can be hit by a signal that is meant for a fake.
FIRST_FAKE_PID = 2**22 + 1


@implementer(IZoneStates)
class MemoryStates:
    """
    A zone's state, as a test sets it and events change it.

    @ivar current: the state, or L{None} where it can't be told.
    """

    def __init__(self, current: ZoneState | None = ZoneState.INSTALLED) -> None:
        self.current = current

    def state(self) -> ZoneState:
        """
        See L{IZoneStates}.
        """
        if self.current is None:
            raise OSError("no state")
        return self.current

    def posted(self, event: ZoneEvent) -> None:
        """
        See L{IZoneStates}.
        """
        if self.current is not None:
            self.current = stateAfter(event, self.current)


@implementer(IZoneLife, IZoneReady, IZoneShutdown)
class MemoryLife:
    """
    The life of a zone that does what it is told, or refuses.

    @ivar account: what is told of it.
    @ivar calls: what was asked for, in order, with the boot arguments.
    @ivar refusal: set it, and everything fails with this text.
    @ivar pending: set it, and the next request is answered by this Deferred.
    """

    def __init__(self) -> None:
        self.account = "process 1"
        self.calls: list[tuple[str, ...]] = []
        self.refusal: str | None = None
        self.pending: Deferred[str] | None = None

    def boot(self, arguments: str = "") -> Deferred[str]:
        """
        See L{IZoneLife}.
        """
        return self._answer("zone booted", "boot", arguments)

    def halt(self) -> Deferred[str]:
        """
        See L{IZoneLife}.
        """
        return self._answer("zone halted", "halt")

    def reboot(self, arguments: str = "") -> Deferred[str]:
        """
        See L{IZoneLife}.
        """
        return self._answer("zone rebooted", "reboot", arguments)

    def ready(self) -> Deferred[str]:
        """
        See L{IZoneReady}.
        """
        return self._answer("zone ready", "ready")

    def shutdown(self, reboot: bool = False, arguments: str = "") -> Deferred[str]:
        """
        See L{IZoneShutdown}.
        """
        if reboot:
            return self._answer("zone rebooted", "shutdown, reboot", arguments)
        return self._answer("zone halted", "shutdown")

    def _answer(self, text: str, *call: str) -> Deferred[str]:
        self.calls.append(call)
        if self.refusal is not None:
            return fail(LifecycleError(self.refusal))
        pending, self.pending = self.pending, None
        return succeed(text) if pending is None else pending


@implementer(IZoneEvents)
class MemoryEvents:
    """
    Remembers the events of a zone.

    @ivar events: each with its arguments, in order.
    @ivar unread: for each life that ended, how many typed bytes it had not read.
    """

    def __init__(self) -> None:
        self.events: list[tuple[ZoneEvent, str]] = []
        self.unread: list[int] = []

    def lifeEnded(self, unread: int) -> None:
        """
        See L{IZoneEvents}.
        """
        self.unread.append(unread)

    def event(self, event: ZoneEvent, arguments: str = "") -> None:
        """
        See L{IZoneEvents}.
        """
        self.events.append((event, arguments))


class MemorySessions:
    """
    The processes of sessions, in memory: a
    L{Session<zcons_twisted.drivers.sweep.Session>}.

    @ivar left: the processes that are left of each session.
    @ivar sent: each process that was signalled, with the signals.
    """

    def __init__(self) -> None:
        self.left: dict[int, list[int]] = {}
        self.sent: list[tuple[int, tuple[int, ...]]] = []

    def members(self, sid: int) -> list[int]:
        """
        What is left of a session.
        """
        return list(self.left.get(sid, ()))

    def isMember(self, pid: int, sid: int) -> bool:
        """
        Whether a process is left of a session.
        """
        return pid in self.left.get(sid, ())

    def signal(self, pids: Iterable[int], *numbers: int) -> None:
        """
        Remember it in L{sent}.
        """
        self.sent += [(pid, numbers) for pid in pids]


@implementer(IProcessTransport)
@dataclass(eq=False)
class FakeProcess:
    """
    A process that L{FakeReactor.spawnProcess} was asked for; nothing runs.

    @ivar pid: its process ID.
    @ivar protocol: hears of what it does.
    @ivar arguments: the words it was started with.
    @ivar environment: its environment.
    @ivar childFDs: its descriptors.
    @ivar signals: the signals it was sent through this transport.
    """

    pid: int
    protocol: IProcessProtocol
    executable: str
    arguments: list[str]
    environment: dict[str, str]
    childFDs: dict[int, int | str]
    signals: list[str | int] = field(default_factory=list)

    def begins(self) -> None:
        """
        It has become the zone's command.
        """
        self.protocol.childConnectionLost(STATUS_FD)

    def failsToBegin(self, why: str) -> None:
        """
        It can't become the zone's command, and ends.
        """
        self.protocol.childDataReceived(STATUS_FD, why.encode())
        self.protocol.childConnectionLost(STATUS_FD)
        self.ends(127)

    def ends(self, status: int = 0, signal: int | None = None) -> None:
        """
        It ends, by itself or by a signal.
        """
        reason: Exception
        if status == 0 and signal is None:
            reason = error.ProcessDone(0)
        else:
            reason = error.ProcessTerminated(status, signal)
        self.protocol.processExited(Failure(reason))
        self.protocol.processEnded(Failure(reason))

    def signalProcess(self, signalID: str | int) -> None:
        """
        Remember it in L{signals}.
        """
        self.signals.append(signalID)

    def closeStdin(self) -> None:
        """
        Nothing is connected to it.
        """

    def closeStdout(self) -> None:
        """
        Nothing is connected to it.
        """

    def closeStderr(self) -> None:
        """
        Nothing is connected to it.
        """

    def closeChildFD(self, descriptor: int) -> None:
        """
        Nothing is connected to it.
        """

    def loseConnection(self) -> None:
        """
        Nothing is connected to it.
        """

    def write(self, data: bytes) -> None:
        """
        Nothing is connected to it.
        """

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """
        Nothing is connected to it.
        """

    def writeToChild(self, childFD: int, data: bytes) -> None:
        """
        Nothing is connected to it.
        """

    def getPeer(self) -> IAddress:
        """
        A process has no address.
        """
        raise NotImplementedError

    def getHost(self) -> IAddress:
        """
        A process has no address.
        """
        raise NotImplementedError
