# -*- test-case-name: zcons_twisted.test.test_zone_process -*-
"""
A zone's process that is none, for the tests of its life.
"""

from __future__ import annotations

import os

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from ..backoff import BackOff
from ..drivers.sweep import LOOK_SECONDS_MAX, Sweep
from ..drivers.verdict import Reading, ofCommand
from ..drivers.zone_process import ZoneProcess
from ..errors import LifecycleError
from ..events import ZoneState
from ..interfaces import DriverOptions
from ..testing import FakeProcess, FakeReactor, MemoryEvents, MemorySessions


class FakeDevice:
    """
    What a zone's process needs of its device.

    @ivar terminalOf: the session whose terminal it is.
    @ivar printed: how many bytes each drain finds; none when there are no more.
    @ivar opened: the descriptors that were opened.
    @ivar error: set it, and it can't be opened.
    @ivar unread: how many typed bytes wait in it.
    """

    def __init__(self) -> None:
        self.terminalOf = 0
        self.printed: list[int] = []
        self.drains = 0
        self.opened: list[int] = []
        self.error: OSError | None = None
        self.unread = 0

    def openSubsidiary(self) -> int:
        """
        Something to close.
        """
        if self.error is not None:
            raise self.error
        self.opened.append(os.open(os.devnull, os.O_RDWR))
        return self.opened[-1]

    def terminalSession(self) -> int:
        """
        What L{terminalOf} says.
        """
        return self.terminalOf

    def discardInput(self) -> int:
        """
        What L{unread} says, once.
        """
        unread, self.unread = self.unread, 0
        return unread

    def drain(self) -> int:
        """
        What L{printed} says.
        """
        self.drains += 1
        return self.printed.pop(0) if self.printed else 0


class ZoneTestCase(SynchronousTestCase):
    """
    A zone that is a command.
    """

    def setUp(self) -> None:
        """
        It is down.
        """
        self.reactor = FakeReactor()
        self.device = FakeDevice()
        self.sessions = MemorySessions()
        self.events = MemoryEvents()
        self.zone = self.make()

    def make(
        self, respawn: str = "never", grace: float = 10.0, read: Reading = ofCommand
    ) -> ZoneProcess:
        """
        Another zone, with waits of 1, 2, 4 and then always 8 seconds.
        """
        return ZoneProcess(
            self.reactor,
            "z",
            DriverOptions(("sleep", "9"), respawn, grace),
            self.device,
            self.events,
            {"PATH": "/bin"},
            Sweep(self.reactor, "z", self.device, self.sessions),
            BackOff(1, 8, lambda: 0.0),
            read,
        )

    @property
    def process(self) -> FakeProcess:
        """
        The process that was started last.
        """
        return self.reactor.processes[-1]

    def told(self) -> list[tuple[str, str]]:
        """
        @return: the events since this was asked last.
        """
        told = [(event.name, arguments) for event, arguments in self.events.events]
        self.events.events.clear()
        return told

    def booted(self) -> FakeProcess:
        """
        Boot the zone.

        @return: its process.
        """
        done = self.zone.boot()
        self.process.begins()
        self.assertEqual(self.successResultOf(done), "zone booted")
        self.told()
        return self.process

    def settle(self) -> None:
        """
        Time for some looks that make sure of the end, and for nothing else.
        """
        for _ in range(8):
            calls = [call.getTime() for call in self.reactor.getDelayedCalls()]
            wait = min(calls, default=9e9) - self.reactor.seconds()
            if wait <= LOOK_SECONDS_MAX:
                self.reactor.advance(wait)

    def goes(self, status: int = 0, signal: int | None = None) -> None:
        """
        The process ends, and the looks that make sure of it pass.
        """
        self.process.ends(status, signal)
        self.settle()

    def refusal(self, done: Deferred[str]) -> str:
        """
        @return: why something was refused.
        """
        return str(self.failureResultOf(done, LifecycleError).getErrorMessage())

    def assertDown(self, state: ZoneState = ZoneState.INSTALLED) -> None:
        """
        The zone is down and nothing is left of it.
        """
        self.assertIs(self.zone.state(), state)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        for fd in self.device.opened:
            self.assertRaises(OSError, os.fstat, fd)
