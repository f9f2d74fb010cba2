# -*- test-case-name: zcons_twisted.test.test_console_events -*-
"""
Tests for L{zcons_twisted.console}: events, the rules that end a session, and those
that end a console.
"""

from __future__ import annotations

from ..console import OnHalt
from ..events import ZoneEvent, ZoneState
from ..sessions import EndReason
from ..testing import MemoryLink
from .console_case import ConsoleTestCase
from .support import makeSession

HALTED = b"\r\n[NOTICE: Zone halted]\r\n"


class EventTests(ConsoleTestCase):
    """
    The operator is told what happens to the zone, and some of it ends its session.
    """

    def told(self, line: bytes, event: ZoneEvent, arguments: str = "") -> bytes:
        """
        An event comes while somebody is attached.

        @return: what that one gets.
        """
        _, link = self.attach(line)
        self.console.event(event, arguments)
        return link.received

    def test_goesOn(self) -> None:
        """
        Without C{-d} a session goes on through everything but an uninstallation.
        """
        for event in ZoneEvent:
            if event is not ZoneEvent.UNINSTALLING:
                session, _ = self.attach()
                self.console.event(event)
                self.assertIs(self.console.operator, session, event)
                self.console.gone(session, EndReason.LEFT, "the client left")

    def test_uninstalling(self) -> None:
        """
        A zone that is being uninstalled ends the session, with or without C{-d}.
        """
        for line in (b"IDENT 7 C 0", b"IDENT 7 C 1"):
            self.assertEqual(
                self.told(line, ZoneEvent.UNINSTALLING),
                b"\r\n[NOTICE: Zone is being uninstalled.  Disconnecting...]\r\n",
            )
            self.assertIsNone(self.console.operator)
            ended = self.console.ended[-1]
            self.assertEqual(
                (ended.reason, ended.text),
                (EndReason.ZONE_UNINSTALLED, "the zone is being uninstalled"),
            )

    def test_haltedWithDisconnect(self) -> None:
        """
        With C{-d} a session ends when the zone halts, after it was told.
        """
        self.assertEqual(
            self.told(b"IDENT 7 C 1", ZoneEvent.HALTED),
            b"\r\n[NOTICE: Zone halted.  Disconnecting...]\r\n",
        )
        self.assertIsNone(self.console.operator)
        ended = self.console.ended[-1]
        self.assertEqual(
            (ended.reason, ended.text), (EndReason.HALTED, "the zone halted")
        )

    def test_bootFailedWithDisconnect(self) -> None:
        """
        With C{-d} a session ends when the zone does not boot, after it was told.
        """
        self.assertEqual(
            self.told(b"IDENT 7 C 1", ZoneEvent.BOOT_FAILED),
            b"\r\n[NOTICE: Zone boot failed.  Disconnecting...]\r\n",
        )
        ended = self.console.ended[-1]
        self.assertEqual(
            (ended.reason, ended.text), (EndReason.BOOT_FAILED, "the zone did not boot")
        )

    def test_otherEventsWithDisconnect(self) -> None:
        """
        With C{-d} a session goes on through reboots and warnings.
        """
        session, _ = self.attach(b"IDENT 7 C 1")
        for event in (
            ZoneEvent.BOOTING,
            ZoneEvent.READIED,
            ZoneEvent.REBOOTING,
            ZoneEvent.BAD_ARGS,
            ZoneEvent.NULL,
        ):
            self.console.event(event)
            self.assertIs(self.console.operator, session)

    def test_arguments(self) -> None:
        """
        Boot arguments are told with the event, without their control characters.
        """
        self.assertEqual(
            self.told(b"IDENT 7 C 0", ZoneEvent.BOOTING, "-s\x1b[2J"),
            b"\r\n[NOTICE: Zone booting up with arguments: -s\\x1b[2J]\r\n",
        )

    def test_behindOutput(self) -> None:
        """
        A notice comes behind the output that waits; so does the end of the session.
        """
        _, link = self.attach(b"IDENT 7 C 1")
        link.room = 0
        self.device.zonePrints(b"bye")
        self.console.event(ZoneEvent.HALTED)
        self.assertEqual(
            link.received, b"bye\r\n[NOTICE: Zone halted.  Disconnecting...]\r\n"
        )
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_lastInput(self) -> None:
        """
        What was typed before an event ended the session goes to the zone.
        """
        _, link = self.attach(b"IDENT 7 C 1")
        link.sent = b"exit\n"
        self.console.event(ZoneEvent.HALTED)
        self.assertEqual(self.device.written, b"exit\n")

    def test_makesTheState(self) -> None:
        """
        An event that is posted from outside tells the zone's state.
        """
        self.console.event(ZoneEvent.HALTED)
        self.assertEqual(self.console.presence.label(), "installed")
        self.console.event(ZoneEvent.BOOTING)
        self.assertEqual(self.console.presence.label(), "running")

    def test_counted(self) -> None:
        """
        Events are counted, attached or not; the null event is none.
        """
        self.console.event(ZoneEvent.BOOTING)
        self.console.event(ZoneEvent.NULL)
        self.attach()
        self.console.event(ZoneEvent.HALTED)
        self.assertEqual(self.console.counters.events, 2)

    def test_unknownState(self) -> None:
        """
        A state that can't be told is called unknown, and the reason is in the log.
        """
        self.states.current = None
        self.assertEqual(self.console.presence.label(), "unknown")
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)


class StayTests(ConsoleTestCase):
    """
    A console that is told to stay outlives everything.
    """

    def test_stays(self) -> None:
        """
        It stays with the zone down and nobody attached.
        """
        self.states.current = ZoneState.INSTALLED
        session, _ = self.attach()
        self.console.gone(session, EndReason.LEFT, "the client left")
        self.console.event(ZoneEvent.HALTED)
        self.device.fail()
        self.assertEqual((self.deaths, self.console.dying), (0, False))


class ExitTests(ConsoleTestCase):
    """
    A console that is told to exit ends when the zone is down and nobody is attached.
    """

    onHalt = OnHalt.EXIT

    def setUp(self) -> None:
        """
        The zone is down.
        """
        super().setUp()
        self.states.current = ZoneState.INSTALLED

    def test_oneLapFirst(self) -> None:
        """
        A console that has just begun waits for something to happen.
        """
        self.assertEqual((self.deaths, self.console.dying), (0, False))

    def test_sessionEnds(self) -> None:
        """
        It ends when the last session does.
        """
        session, _ = self.attach()
        self.console.gone(session, EndReason.LEFT, "the client left")
        self.assertEqual((self.deaths, self.console.dying), (1, True))

    def test_event(self) -> None:
        """
        It ends with an event, the null one too, when nobody is attached.
        """
        self.console.event(ZoneEvent.NULL)
        self.assertEqual(self.deaths, 1)

    def test_haltedWithDisconnect(self) -> None:
        """
        It ends when a halt ends the session.
        """
        self.states.current = ZoneState.RUNNING
        self.attach(b"IDENT 7 C 1")
        self.console.event(ZoneEvent.HALTED)
        self.assertEqual(self.deaths, 1)

    def test_deviceLost(self) -> None:
        """
        It ends when the device fails.
        """
        self.device.fail()
        self.assertEqual(self.deaths, 1)

    def test_attached(self) -> None:
        """
        Whoever is attached keeps the console of a halted zone, and sees it boot.
        """
        self.states.current = ZoneState.RUNNING
        session, link = self.attach()
        self.console.event(ZoneEvent.HALTED)
        self.device.fail()
        self.console.event(ZoneEvent.NULL)
        self.assertEqual((link.received, self.deaths), (HALTED, 0))
        self.console.gone(session, EndReason.LEFT, "the client left")
        self.assertEqual(self.deaths, 1)

    def test_aliveStates(self) -> None:
        """
        It ends in the states below C{ready}, and in no other.
        """
        for state in ZoneState:
            self.console.dying = False
            self.deaths = 0
            self.states.current = state
            self.console.event(ZoneEvent.NULL)
            self.assertEqual(self.deaths, int(state < ZoneState.READY), state)

    def test_booting(self) -> None:
        """
        A zone that boots keeps its console.
        """
        self.console.event(ZoneEvent.BOOTING)
        self.assertEqual(self.deaths, 0)

    def test_once(self) -> None:
        """
        In its death throes a console asks to be taken down only once.
        """
        self.console.event(ZoneEvent.NULL)
        self.console.event(ZoneEvent.HALTED)
        self.device.fail()
        self.assertEqual(self.deaths, 1)

    def test_unknownState(self) -> None:
        """
        Where the state can't be told, nothing is shut down.
        """
        self.states.current = None
        self.console.event(ZoneEvent.NULL)
        self.assertEqual((self.deaths, self.console.dying), (0, False))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_evictedIsNoEnd(self) -> None:
        """
        A seat that passes from one to the next is not empty in between.
        """
        _, link = self.attach()
        link.dead = True
        newcomer = makeSession(
            self.reactor, MemoryLink(), self.console, self.console.history
        )
        self.console.attach(newcomer)
        self.assertEqual(self.deaths, 0)
