# -*- test-case-name: zcons_twisted.test.test_console_relay -*-
"""
Tests for L{zcons_twisted.console}: the relay and the device.
"""

from __future__ import annotations

from ..events import ZoneEvent
from ..history import HISTORY_MIN
from ..input_queue import INPUT_HIGH
from ..sessions import EndReason
from .console_case import ConsoleTestCase
from .support import OURS


class RelayTests(ConsoleTestCase):
    """
    What the zone prints goes to the operator; what the operator types goes to the
    zone.
    """

    def test_output(self) -> None:
        """
        The operator gets what the zone prints.
        """
        _, link = self.attach()
        self.device.zonePrints(b"login: ")
        self.assertEqual(link.received, b"login: ")

    def test_outputToNobody(self) -> None:
        """
        A zone prints without waiting when nobody is attached.
        """
        self.device.zonePrints(b"login: ")
        self.assertEqual(dict(self.console.totals())["output"], 7)
        self.assertEqual(self.console.history.read(0, 7), b"login: ")
        self.assertTrue(self.device.reading)

    def test_input(self) -> None:
        """
        The zone gets what the operator types.
        """
        session, _ = self.attach()
        self.console.typed(session, b"root\n")
        self.assertEqual(self.device.written, b"root\n")
        self.assertEqual(self.console.counters.input, 5)

    def test_inputOfOthers(self) -> None:
        """
        What a session types that is not the operator's goes nowhere.
        """
        former, _ = self.attach()
        self.console.gone(former, EndReason.LEFT, "the client left")
        self.attach()
        self.console.typed(former, b"rm -rf /\n")
        self.assertEqual(self.device.written, b"")
        self.assertEqual(self.console.counters.input, 0)

    def test_paced(self) -> None:
        """
        An operator that reads slowly paces the zone, and misses nothing.
        """
        session, link = self.attach()
        link.room = 3
        self.device.zonePrints(b"abcdef")
        self.assertFalse(self.device.reading)
        self.device.zonePrints(b"ghi")
        link.take(None, session.writable)
        self.assertTrue(self.device.reading)
        self.assertEqual(link.received, b"abcdefghi")

    def test_stalled(self) -> None:
        """
        An operator that does not read holds the zone for a second and no longer.
        """
        session, link = self.attach()
        link.room = 0
        self.device.zonePrints(b"abc")
        self.reactor.advance(1)
        self.assertTrue(self.device.reading)
        self.device.zonePrints(b"def" + b"x" * HISTORY_MIN)
        link.take(None, session.writable)
        self.assertEqual(
            link.received, b"\r\n[NOTICE: 6 bytes skipped]\r\n" + b"x" * HISTORY_MIN
        )
        self.console.gone(session, EndReason.LEFT, "the client left")
        self.assertEqual(self.console.counters.skipped, 6)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_stalledAndOvertakenByNothing(self) -> None:
        """
        An operator that did not read for a while misses nothing that the history
        still has.
        """
        session, link = self.attach()
        link.room = 0
        self.device.zonePrints(b"abc")
        self.reactor.advance(60)
        self.device.zonePrints(b"x" * (HISTORY_MIN - 3))
        link.take(None, session.writable)
        self.assertEqual(link.received, b"abc" + b"x" * (HISTORY_MIN - 3))
        self.assertEqual(dict(self.console.totals())["skipped"], 0)

    def test_operatorWaitsForTheZone(self) -> None:
        """
        An operator that pastes into a zone that does not read is paused, and goes on
        when it has read.
        """
        session, link = self.attach()
        self.device.room = 0
        self.console.typed(session, b"x" * (INPUT_HIGH + 1))
        self.assertTrue(link.paused)
        self.device.zoneReads()
        self.assertFalse(link.paused)
        self.assertEqual(self.device.written, b"x" * (INPUT_HIGH + 1))

    def test_nextOperatorWaitsToo(self) -> None:
        """
        A newcomer waits where the zone still has not read what its predecessor
        pasted, and is let go when nobody waits.
        """
        former, _ = self.attach()
        self.device.room = 0
        self.console.typed(former, b"x" * (INPUT_HIGH + 1))
        self.console.gone(former, EndReason.LEFT, "the client left")
        _, link = self.attach()
        self.assertTrue(link.paused)
        self.device.zoneReads()
        self.assertFalse(link.paused)

    def test_zoneReadsWhenNobodyIsAttached(self) -> None:
        """
        What an operator pasted before it left arrives all the same.
        """
        session, _ = self.attach()
        self.device.room = 0
        self.console.typed(session, b"x" * (INPUT_HIGH + 1))
        self.console.gone(session, EndReason.LEFT, "the client left")
        self.device.zoneReads()
        self.assertEqual(len(self.device.written), INPUT_HIGH + 1)

    def test_missedSoFar(self) -> None:
        """
        What the operator has missed is told before its session is over, too.
        """
        session, link = self.attach()
        link.room = 0
        self.device.zonePrints(b"missed")
        self.reactor.advance(1)
        self.device.zonePrints(b"x" * HISTORY_MIN)
        link.take(1, session.writable)
        self.assertEqual(dict(self.console.totals())["skipped"], 6)
        self.console.gone(session, EndReason.LEFT, "the client left")
        self.assertEqual(dict(self.console.totals())["skipped"], 6)
        self.assertEqual(dict(self.console.totals())["output"], 6 + HISTORY_MIN)

    def test_leavesWhileTheZoneIsHeld(self) -> None:
        """
        An operator that leaves while it holds the zone up lets it go.
        """
        session, link = self.attach()
        link.room = 0
        self.device.zonePrints(b"abc")
        self.console.gone(session, EndReason.LOST, "connection lost")
        self.assertTrue(self.device.reading)
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class DeviceTests(ConsoleTestCase):
    """
    A device that fails ends no session.
    """

    def test_operatorStays(self) -> None:
        """
        The operator keeps its seat while the device is opened again, and goes on.
        """
        session, link = self.attach()
        self.device.fail()
        self.assertIs(self.console.operator, session)
        self.assertIsNone(self.console.device)
        self.reactor.advance(1)
        self.device.zonePrints(b"back")
        self.assertEqual(link.received, b"back")
        self.assertEqual(self.console.counters.opened, 2)

    def test_typedMeanwhile(self) -> None:
        """
        What is typed while there is no device goes to the next one.
        """
        session, link = self.attach()
        self.device.fail()
        self.console.typed(session, b"ls\n")
        self.assertTrue(link.paused)
        self.reactor.advance(1)
        self.assertEqual(self.device.written, b"ls\n")
        self.assertFalse(link.paused)

    def test_lostWhileTyped(self) -> None:
        """
        A device that fails at the very keystroke loses nothing of it.
        """
        session, _ = self.attach()
        self.device.failAtNextWrite()
        self.console.typed(session, b"ls\n")
        self.reactor.advance(1)
        self.assertEqual(self.device.written, b"ls\n")

    def test_heldWhileItFails(self) -> None:
        """
        An operator that holds the zone up when the device fails holds the next one
        up as well, until it reads.
        """
        session, link = self.attach()
        link.room = 0
        self.device.zonePrints(b"abc")
        self.device.fail()
        self.reactor.advance(0.25)
        self.assertFalse(self.device.reading)
        link.take(None, session.writable)
        self.assertTrue(self.device.reading)

    def test_letGoMeanwhile(self) -> None:
        """
        An operator that reads again while there is no device lets the next one go.
        """
        session, link = self.attach()
        link.room = 0
        self.device.zonePrints(b"abc")
        self.device.fail()
        link.take(None, session.writable)
        self.reactor.advance(1)
        self.assertTrue(self.device.reading)

    def test_countersAddUp(self) -> None:
        """
        Counters count over all sessions.
        """
        for _ in range(2):
            session, link = self.attach()
            self.console.refuse(OURS, session)
            self.console.typed(session, b"ab")
            link.room = 0
            self.device.zonePrints(b"missed")
            self.reactor.advance(1)
            self.device.zonePrints(b"x" * HISTORY_MIN)
            self.console.gone(session, EndReason.LEFT, "the client left")
        totals = dict(self.console.totals())
        self.assertEqual(
            {
                name: totals[name]
                for name in ("refused", "attached", "input", "skipped")
            },
            {"refused": 2, "attached": 2, "input": 4, "skipped": 12},
        )

    def test_counters(self) -> None:
        """
        Every counter can be told by its name.
        """
        session, _ = self.attach()
        self.device.zonePrints(b"abc")
        self.console.typed(session, b"de")
        self.console.event(ZoneEvent.READIED)
        self.assertEqual(
            dict(self.console.totals()),
            {
                "output": 3,
                "input": 2,
                "skipped": 0,
                "attached": 1,
                "refused": 0,
                "malformed": 0,
                "events": 1,
                "opened": 1,
            },
        )
