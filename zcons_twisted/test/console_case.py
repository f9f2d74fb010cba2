# -*- test-case-name: zcons_twisted.test.test_console -*-
"""
A console in memory, for the tests of its rules.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from ..console import Console, OnHalt
from ..credentials import Credentials
from ..events import ZoneState
from ..laps import Laps
from ..sessions import LegacySession
from ..testing import FakeReactor, MemoryDevice, MemoryDriver, MemoryLink, MemoryStates
from .support import OURS, makeSession


class ConsoleTestCase(SynchronousTestCase):
    """
    A console with a device in memory, of a zone that runs.
    """

    onHalt = OnHalt.STAY

    def setUp(self) -> None:
        """
        The device is open and nobody is attached.
        """
        self.reactor = FakeReactor()
        self.states = MemoryStates(ZoneState.RUNNING)
        self.driver = MemoryDriver(states=self.states)
        self.deaths = 0
        self.console = Console(
            "z", self.states, self.onHalt, self.reactor.seconds, self.died
        )
        self.laps = Laps(self.reactor, self.driver, self.console)
        self.laps.begin()

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
    ) -> tuple[LegacySession, MemoryLink]:
        """
        Somebody is seated, as the console socket does it.
        """
        link = MemoryLink()
        session = makeSession(self.reactor, link, line, who)
        self.console.attach(session)
        self.console.seated(session)
        return session, link
