# -*- test-case-name: zcons_twisted.test.test_console -*-
"""
Tests for L{zcons_twisted.console}: the operator's seat, and how it is left.
"""

from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent

from ..credentials import Credentials
from ..ended import ENDED_KEPT
from ..input_queue import INPUT_BACKLOG_MAX
from ..sessions import EndReason, Role
from .console_case import ConsoleTestCase
from .support import OURS


class SeatTests(ConsoleTestCase):
    """
    There is one operator, and others are told who.
    """

    def test_free(self) -> None:
        """
        Nobody holds the seat of a console that nobody is attached to.
        """
        self.assertIsNone(self.console.seat.holder())

    def test_taken(self) -> None:
        """
        A newcomer finds the operator that is there.
        """
        session, _ = self.attach()
        self.assertIs(self.console.seat.holder(), session)
        self.assertEqual(self.console.counters.attached, 1)

    def test_refused(self) -> None:
        """
        A newcomer that is refused is counted, and disturbs the operator in nothing.
        """
        session, link = self.attach()
        self.console.refuse(Credentials(9, 0, 0), session)
        self.assertEqual(self.console.counters.refused, 1)
        self.assertIs(self.console.seat.holder(), session)
        self.assertEqual((link.received, link.closed), (b"", False))

    def test_deadMakesRoom(self) -> None:
        """
        An operator that is found dead makes room for a newcomer.
        """
        _, link = self.attach()
        link.dead = True
        self.assertIsNone(self.console.seat.holder())
        newcomer, _ = self.attach()
        self.assertTrue(link.closed)
        self.assertIs(self.console.seat.holder(), newcomer)
        (ended,) = self.console.ended
        self.assertEqual(
            (ended.who, ended.reason, ended.text),
            (OURS, EndReason.LOST, "found dead when somebody else came"),
        )

    def test_halfClosedMakesRoom(self) -> None:
        """
        An operator that has closed its sending side gives up the seat at once, and
        goes on receiving as a watcher; it used to be ended by the next one who came.
        """
        former, link = self.attach()
        former.halfClosed()
        self.assertTrue(former.silent)
        self.assertIs(former.role, Role.WATCH)
        self.device.zonePrints(b"still here")
        self.assertIsNone(self.console.seat.holder())
        self.assertIsNone(self.console.operator)
        newcomer, other = self.attach(who=Credentials(9, 1, 1))
        self.assertIs(self.console.operator, newcomer)
        self.device.zonePrints(b", and on")
        self.assertEqual((link.received, link.closed), (b"still here, and on", False))
        self.assertEqual(other.received, b", and on")
        self.assertEqual(len(self.console.ended), 0)
        self.assertEqual(list(self.console.sessions), [former, newcomer])

    def test_pausedAndFinished(self) -> None:
        """
        An operator that closed its sending side while it was paused makes room as
        well, what it had typed goes to the zone, and it goes on as a watcher.
        """
        former, link = self.attach()
        link.finished = True
        link.sent = b"last words\n"
        self.assertIsNone(self.console.seat.holder())
        newcomer, _ = self.attach()
        self.assertEqual(self.device.written, b"last words\n")
        self.assertEqual(list(self.console.sessions), [former, newcomer])
        self.assertIs(self.console.operator, newcomer)
        self.assertEqual((link.closed, link.paused), (False, False))

    def test_halfClosedAndDead(self) -> None:
        """
        A session that closed its sending side and then broke was lost, as any
        watcher, and the seat is not concerned.
        """
        former, _ = self.attach()
        former.halfClosed()
        newcomer, _ = self.attach()
        former.lost("Connection reset by peer")
        self.assertIs(self.console.operator, newcomer)
        (ended,) = self.console.ended
        self.assertEqual(
            (ended.reason, ended.text),
            (EndReason.LOST, "connection lost: Connection reset by peer"),
        )

    def test_lastInputOfTheDead(self) -> None:
        """
        What a dead operator had typed last goes to the zone before what the newcomer
        types.
        """
        _, link = self.attach()
        link.dead = True
        link.sent = b"last words\n"
        newcomer, _ = self.attach()
        self.console.typed(newcomer, b"first words\n")
        self.assertEqual(self.device.written, b"last words\nfirst words\n")

    def test_noRoomForLastInput(self) -> None:
        """
        While the zone has not read what a dead operator typed, and no more fits, its
        seat is not free yet, so that nothing is lost.
        """
        session, link = self.attach()
        self.device.room = 0
        self.console.typed(session, b"x" * (INPUT_BACKLOG_MAX + 1))
        link.dead = True
        link.sent = b"last words\n"
        self.assertIs(self.console.seat.holder(), session)
        self.device.zoneReads()
        self.assertIsNone(self.console.seat.holder())
        self.attach()
        self.assertTrue(self.device.written.endswith(b"xlast words\n"))

    def test_heldByTheDead(self) -> None:
        """
        A dead operator that held the zone up lets it go to the newcomer.
        """
        _, link = self.attach()
        link.room = 0
        self.device.zonePrints(b"abc")
        link.dead = True
        self.attach()
        self.assertTrue(self.device.reading)
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class LeavingTests(ConsoleTestCase):
    """
    A session ends by its own doing, or is ended; who and why is remembered.
    """

    def test_gone(self) -> None:
        """
        A session that has left frees the seat, and is remembered.
        """
        self.reactor.advance(5)
        session, link = self.attach()
        self.reactor.advance(2)
        self.console.gone(session, EndReason.LEFT, "the client left")
        self.assertIsNone(self.console.operator)
        self.assertTrue(link.closed)
        (ended,) = self.console.ended
        self.assertEqual(
            (ended.who, ended.at, ended.reason, ended.text),
            (OURS, 7.0, EndReason.LEFT, "the client left"),
        )

    def test_goneTwice(self) -> None:
        """
        A session that is over already can't end its successor's.
        """
        former, _ = self.attach()
        self.console.gone(former, EndReason.LEFT, "the client left")
        newcomer, _ = self.attach()
        self.console.gone(former, EndReason.LOST, "connection lost")
        self.assertIs(self.console.operator, newcomer)
        self.assertEqual(len(self.console.ended), 1)

    def test_vanished(self) -> None:
        """
        A session that went while it was paused has left, and what it typed last goes
        to the zone.
        """
        session, link = self.attach()
        self.device.room = 0
        self.console.typed(session, b"first\n")
        link.sent = b"last words\n"
        self.console.vanished(session)
        self.assertIsNone(self.console.operator)
        self.assertIs(self.console.ended[0].reason, EndReason.LEFT)
        self.device.zoneReads()
        self.assertEqual(self.device.written, b"first\nlast words\n")

    def test_closed(self) -> None:
        """
        What was typed and still waits for the zone when all is over is lost; the log
        tells how much, once.
        """
        session, _ = self.attach()
        self.device.room = 3
        self.console.typed(session, b"abcdefgh")
        self.console.endAll(EndReason.RESTARTING, "the server restarts")
        with capturedLogs() as events:
            self.console.close()
            self.console.close()
        self.assertEqual(
            [formatEvent(event) for event in events],
            [
                "z: the server ended before the zone had room for the last 5 bytes"
                " that were typed: they are dropped"
            ],
        )

    def test_vanishedWithoutRoom(self) -> None:
        """
        While there is no room for what it typed last, it keeps the seat, so that
        nothing is lost.
        """
        session, link = self.attach()
        self.device.room = 0
        self.console.typed(session, b"x" * (INPUT_BACKLOG_MAX + 1))
        link.sent = b"last words\n"
        self.console.vanished(session)
        self.assertIs(self.console.operator, session)

    def test_lastRoom(self) -> None:
        """
        There is room up to the limit, and what was typed last is taken in as a whole.
        """
        session, link = self.attach()
        self.device.room = 0
        self.console.typed(session, b"x" * INPUT_BACKLOG_MAX)
        link.sent = b"last words\n"
        link.dead = True
        self.assertIsNone(self.console.seat.holder())
        self.console.vanished(session)
        self.device.zoneReads()
        self.assertTrue(self.device.written.endswith(b"xlast words\n"))

    def test_vanishedBefore(self) -> None:
        """
        One that is not the operator any more changes nothing.
        """
        former, _ = self.attach()
        self.console.gone(former, EndReason.LEFT, "the client left")
        newcomer, _ = self.attach()
        self.console.vanished(former)
        self.assertIs(self.console.operator, newcomer)

    def test_detach(self) -> None:
        """
        An operator can be detached, and what it had typed is not lost.
        """
        session, link = self.attach()
        link.sent = b"logout\n"
        self.console.end(session, EndReason.DETACHED, "detached by root")
        self.assertTrue(link.closed)
        self.assertIsNone(self.console.operator)
        self.assertEqual(self.device.written, b"logout\n")
        self.assertIs(self.console.ended[0].reason, EndReason.DETACHED)

    def test_detachSendsWhatWaits(self) -> None:
        """
        A session that is detached still gets what waited for it.
        """
        session, link = self.attach()
        link.room = 1
        self.device.zonePrints(b"abc")
        self.console.end(session, EndReason.DETACHED, "detached")
        self.assertEqual(link.received, b"abc")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_detachWhileTheZoneDoesNotRead(self) -> None:
        """
        With more typed input waiting than memory is given to, what a session that is
        detached had typed last finds no room, and that is told.
        """
        session, link = self.attach()
        self.device.room = 0
        self.console.typed(session, b"x" * (INPUT_BACKLOG_MAX + 1))
        link.sent = b"more"
        self.console.end(session, EndReason.DETACHED, "detached")
        self.assertEqual(
            self.console.ended[0].text,
            "detached; 4 bytes that it had typed found no room",
        )

    def test_endedIsBounded(self) -> None:
        """
        The 32 sessions that ended last are remembered, oldest first.
        """
        for number in range(ENDED_KEPT + 3):
            session, _ = self.attach()
            self.console.gone(session, EndReason.LEFT, str(number))
        self.assertEqual(ENDED_KEPT, 32)
        self.assertEqual(
            [ended.text for ended in self.console.ended],
            [str(number) for number in range(3, ENDED_KEPT + 3)],
        )
