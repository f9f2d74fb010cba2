# -*- test-case-name: zcons_twisted.test.test_console -*-
"""
A console in memory, for the tests of its rules.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from ..console import Console, OnHalt
from ..credentials import Credentials
from ..events import ZoneState
from ..history import HISTORY_MIN
from ..laps import Laps
from ..sessions import Session
from ..testing import FakeReactor, MemoryDevice, MemoryDriver, MemoryLink, MemoryStates
from .support import OURS, makeHistory, makeSession


class ConsoleTestCase(SynchronousTestCase):
    """
    A console with a device in memory, of a zone that runs.
    """

    onHalt = OnHalt.STAY
    ring = HISTORY_MIN

    def setUp(self) -> None:
        """
        The device is open and nobody is attached.
        """
        self.reactor = FakeReactor()
        self.states = MemoryStates(ZoneState.RUNNING)
        self.driver = MemoryDriver(states=self.states)
        self.deaths = 0
        self.console = self.makeConsole()
        self.laps = Laps(self.reactor, self.driver, self.console)
        self.laps.begin()

    def makeConsole(self) -> Console:
        """
        A console with a history in memory.
        """
        return Console(
            "z",
            self.states,
            self.onHalt,
            self.reactor.seconds,
            self.died,
            makeHistory(self.ring),
            self.reactor,
        )

    def died(self) -> None:
        """
        Count how often the console asked to be taken down.
        """
        self.deaths += 1

    @property
    def device(self) -> MemoryDevice:
        """
        The device as it is now.
        """
        return self.driver.device

    def attach(
        self, line: bytes = b"IDENT 7 C 0", who: Credentials = OURS
    ) -> tuple[Session, MemoryLink]:
        """
        Somebody is seated, as the console socket does it.
        """
        link = MemoryLink()
        session = makeSession(
            self.reactor, link, self.console, self.console.history, line, who
        )
        self.console.attach(session)
        self.console.attached(session)
        return session, link
