# -*- test-case-name: zcons_twisted.test.test_standing -*-
"""
Tests for L{zcons_twisted.standing}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from ..events import ZoneState
from ..interfaces import ILastingLife
from ..presence import Presence
from ..standing import BRIEF_MAX, brief, standing
from ..testing import MemoryLife, MemoryStates
from .test_presence import KnownStates, RemoteStates


@implementer(ILastingLife)
class LastingLife(MemoryLife):
    """
    The life of a zone that is not the server's own.
    """


class BothStates(KnownStates, RemoteStates):
    """
    The state of a virtual machine.
    """


class StandingTests(SynchronousTestCase):
    """
    Who attaches is told why a zone does not answer.
    """

    def told(
        self,
        states: MemoryStates,
        device: str = "open",
        life: MemoryLife | None = None,
        account: str = "",
    ) -> str:
        """
        What is told.
        """
        if life is not None:
            life.account = account
        return standing("z", Presence("z", states), life, device)

    def test_nothing(self) -> None:
        """
        Of one that others run, and whose device is open, there is nothing to say; nor
        of one that runs.
        """
        self.assertEqual(self.told(MemoryStates(ZoneState.INSTALLED)), "")
        running = KnownStates(ZoneState.RUNNING)
        self.assertEqual(self.told(running, life=MemoryLife(), account="x"), "")
        self.assertEqual(self.told(RemoteStates(ZoneState.RUNNING)), "")

    def test_down(self) -> None:
        """
        One that is down tells why, and how it is started.
        """
        states = KnownStates(ZoneState.INSTALLED)
        states.there = False
        for account, why in (
            ("process 7 ended: exit status 3", "exit status 3"),
            ("process 7 ended: halted by root", "halted by root"),
            ("boot failed: runc: no \x1b", "boot failed: runc: no \\x1b"),
            ("not booted yet", "not booted yet"),
        ):
            self.assertEqual(
                self.told(states, "open", MemoryLife(), account),
                f"zone 'z' is down ({why}): 'zconsole boot z' starts it",
            )
        self.assertEqual(self.told(states), "zone 'z' is down")
        told = self.told(states, "open", MemoryLife(), "boot failed: " + "x" * 1000)
        self.assertIn("x" * 384 + "...): 'zconsole", told)

    def test_machine(self) -> None:
        """
        A virtual machine is started from here only while there is a hypervisor.
        """
        states = BothStates(ZoneState.INSTALLED)
        states.there = False
        account = "ended: guest-shutdown"
        self.assertEqual(
            self.told(states, "can't connect: gone", LastingLife(), account),
            "zone 'z' is down (guest-shutdown)",
        )
        states.connected = lambda: True  # type: ignore[method-assign]
        self.assertEqual(
            self.told(states, "open", LastingLife(), account),
            "zone 'z' is down (guest-shutdown): 'zconsole boot z' starts it",
        )

    def test_unconnected(self) -> None:
        """
        A console without a connection tells why, and that it is tried again.
        """
        states = RemoteStates(ZoneState.INSTALLED)
        states.there = False
        for device, told in (
            ("can't connect: Connection refused; trying again", "Connection refused;"),
            ("closed by the other side; trying again", "closed by the other side;"),
        ):
            self.assertEqual(
                self.told(states, device),
                f"console is not connected: {told} trying again",
            )
        self.assertEqual(
            self.told(states, "opening"), "console is not connected: opening"
        )

    def test_unopened(self) -> None:
        """
        So does a device that can't be opened.
        """
        self.assertEqual(
            self.told(MemoryStates(), "Device or resource busy; trying again"),
            "console is not open: Device or resource busy; trying again",
        )


class BriefTests(SynchronousTestCase):
    """
    An account in a few words.
    """

    def test_words(self) -> None:
        """
        What it was that ended goes without saying.
        """
        for account, words in (
            ("process 7 ended: signal 9", "signal 9"),
            (
                "process 7 ended: exit status 1; started 4 times, next in 8 s",
                "exit status 1; started 4 times, next in 8 s",
            ),
            ("ended: halted by root, guest-shutdown", "halted by root, guest-shutdown"),
            ("boot failed: a thing ended: badly", "boot failed: a thing ended: badly"),
            ("not booted yet", "not booted yet"),
            ("", ""),
        ):
            self.assertEqual(brief(account), words)

    def test_long(self) -> None:
        """
        A long one is cut.
        """
        self.assertEqual(BRIEF_MAX, 80)
        self.assertEqual(brief("x" * 80), "x" * 80)
        self.assertEqual(brief("x" * 81), "x" * 77 + "...")
