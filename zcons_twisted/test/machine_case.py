# -*- test-case-name: zcons_twisted.test.test_qmp_machine -*-
"""
A virtual machine for tests: a QEMU that is told things and says what a test wants.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from ..drivers.qmp_client import QmpClient
from ..drivers.qmp_zone import QmpZone
from ..errors import LifecycleError
from ..events import ZoneEvent, ZoneState
from ..testing import MemoryEvents


class FakeClient:
    """
    What reaches QEMU.

    @ivar running: whether it has been begun.
    @ivar connected: whether QEMU can be told anything.
    @ivar availables: how often it was told that QEMU may be there.
    @ivar told: what it was told, in order, and has not answered.
    """

    def __init__(self) -> None:
        self.running = False
        self.connected = True
        self.availables = 0
        self.told: list[tuple[str, dict[str, Any], Deferred[Any]]] = []

    def start(self) -> None:
        """
        Begin.
        """
        self.running = True

    def stop(self) -> None:
        """
        End.
        """
        self.running = False

    @property
    def isReady(self) -> bool:
        """
        Can QEMU be told anything?
        """
        return self.connected

    def available(self) -> None:
        """
        QEMU may be there.
        """
        self.availables += 1

    def call(self, name: str, **arguments: Any) -> Deferred[Any]:
        """
        Tell QEMU something.
        """
        if not self.connected:
            return fail(LifecycleError(f"QEMU can't be told to {name}: gone"))
        done: Deferred[Any] = Deferred()
        self.told.append((name, arguments, done))
        return done


class FakeLine:
    """
    What connects to the console.

    @ivar drains: how often the machine's output was taken.
    @ivar opens: how often it was asked to connect at once.
    """

    def __init__(self) -> None:
        self.drains = self.opens = 0

    def drain(self) -> None:
        """
        Count it.
        """
        self.drains += 1

    def openNow(self) -> None:
        """
        Count it.
        """
        self.opens += 1

    def whyNot(self) -> str:
        """
        For a reason.
        """
        return "can't connect: Connection refused"


class MachineTestCase(SynchronousTestCase):
    """
    A machine that nobody has seen yet.
    """

    chardev = "con"

    def setUp(self) -> None:
        """
        QEMU is looked after.
        """
        self.clock = Clock()
        self.events = MemoryEvents()
        self.client = FakeClient()
        self.line = FakeLine()
        self.overs = 0
        self.zone = QmpZone(self.clock, "z", self.events, 10.0, self.chardev)
        self.zone.connect(cast(QmpClient, self.client), self.line)

    def over(self) -> None:
        """
        Count a break that is over.
        """
        self.overs += 1

    def names(self) -> list[str]:
        """
        @return: what QEMU was told and has not answered.
        """
        return [name for name, _, _ in self.client.told]

    def answers(self, name: str, value: Any = None) -> dict[str, Any]:
        """
        QEMU answers what it was told first.

        @return: the arguments.
        """
        told, arguments, done = self.client.told.pop(0)
        self.assertEqual(told, name)
        done.callback(value)
        return arguments

    def refuses(self, name: str) -> None:
        """
        QEMU does not do what it was told first.
        """
        told, _, done = self.client.told.pop(0)
        self.assertEqual(told, name)
        done.errback(LifecycleError("QEMU: no"))

    def ready(self, status: str = "running", pid: int = 7) -> None:
        """
        QEMU takes commands, and tells its status.
        """
        self.zone.qmpReady(pid)
        running = status in ("running", "guest-panicked-but-running")
        self.answers("query-status", {"status": status, "running": running})

    def runs(self) -> None:
        """
        The machine runs, and its console is connected since an earlier server was here.
        """
        self.zone.consoleOpened(UNIXAddress(b"/console"), True)
        self.ready()

    def happens(self, name: str, reason: str | None = None) -> None:
        """
        Something happens to the machine.
        """
        self.zone.qmpHappened(name, {} if reason is None else {"reason": reason})

    def told(self) -> list[ZoneEvent]:
        """
        @return: the events since this was last asked.
        """
        events = [event for event, _ in self.events.events]
        self.events.events.clear()
        return events

    def assertIs_(self, state: ZoneState, account: str) -> None:
        """
        The zone is so.
        """
        self.assertEqual((self.zone.state(), self.zone.account), (state, account))
