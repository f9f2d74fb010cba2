# -*- test-case-name: zcons_twisted.test.test_seat -*-
"""
Tests for L{zcons_twisted.seat}.  What a whole console makes of it is in
L{zcons_twisted.test.test_console}.
"""

from __future__ import annotations

from ..errors import DeviceError
from ..input_queue import INPUT_BACKLOG_MAX, INPUT_HIGH
from ..sessions import Role, Session
from ..testing import MemoryLink
from .console_case import ConsoleTestCase
from .support import makeSession


class SeatTests(ConsoleTestCase):
    """
    The seat has one at most, who types and paces the zone.
    """

    def setUp(self) -> None:
        """
        Nobody has it.
        """
        super().setUp()
        self.seat = self.console.seat

    def come(self) -> tuple[Session, MemoryLink]:
        """
        Somebody who has not sat down.
        """
        link = MemoryLink()
        session = makeSession(self.reactor, link, self.console, self.console.history)
        session.role = Role.WATCH
        self.console.attach(session)
        self.console.attached(session)
        return session, link

    def test_empty(self) -> None:
        """
        Nobody is in it, and nobody leaves it.
        """
        self.assertIsNone(self.seat.holder())
        self.assertEqual(self.seat.leave(), 0)
        self.assertTrue(self.seat.hasRoom())

    def test_take(self) -> None:
        """
        Who sits down may type, and who does not may not.
        """
        session, _ = self.come()
        other, _ = self.come()
        self.assertFalse(self.seat.typed(session, b"no"))
        self.seat.take(session)
        self.assertIs(session.role, Role.OPERATOR)
        self.assertIs(self.seat.holder(), session)
        self.assertTrue(self.seat.typed(session, b"yes"))
        self.assertFalse(self.seat.typed(other, b"no"))
        self.assertEqual(self.device.written, b"yes")

    def test_leave(self) -> None:
        """
        Who leaves watches on, and paces nothing any more.
        """
        session, link = self.come()
        self.seat.take(session)
        link.room = 0
        self.device.zonePrints(b"abc")
        self.assertFalse(self.device.reading)
        link.sent = b"last words\n"
        self.assertEqual(self.seat.leave(), 0)
        self.assertIs(session.role, Role.WATCH)
        self.assertTrue(self.device.reading)
        self.assertEqual(self.device.written, b"last words\n")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_sitsDownBehind(self) -> None:
        """
        Who is behind when it sits down paces the zone from then on.
        """
        session, link = self.come()
        link.room = 0
        self.device.zonePrints(b"abc")
        self.assertTrue(self.device.reading)
        self.seat.take(session)
        self.assertFalse(self.device.reading)
        link.take(None, session.writable)
        self.assertTrue(self.device.reading)

    def test_watchersPaceNothing(self) -> None:
        """
        However far watchers are behind, the zone goes on.
        """
        links = [self.come()[1] for _ in range(3)]
        for link in links:
            link.room = 0
        self.device.zonePrints(b"abc" * 100_000)
        self.assertTrue(self.device.reading)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_noRoom(self) -> None:
        """
        What finds no room any more is counted.
        """
        session, link = self.come()
        self.seat.take(session)
        self.device.room = 0
        self.seat.typed(session, b"x" * INPUT_BACKLOG_MAX)
        self.assertTrue(self.seat.hasRoom())
        self.seat.typed(session, b"x")
        self.assertFalse(self.seat.hasRoom())
        link.sent = b"more"
        self.assertEqual(self.seat.leave(), 4)

    def test_pausedWithTheSeat(self) -> None:
        """
        Who sits down while too much waits is paused, and who leaves is not.
        """
        former, link = self.come()
        self.seat.take(former)
        self.device.room = 0
        self.seat.typed(former, b"x" * (INPUT_HIGH + 1))
        self.assertTrue(link.paused)
        self.seat.leave()
        self.assertFalse(link.paused)
        newcomer, other = self.come()
        self.seat.take(newcomer)
        self.assertTrue(other.paused)

    def test_gone(self) -> None:
        """
        Who is dead, or types no more, has gone.
        """
        session, link = self.come()
        self.seat.take(session)
        self.assertFalse(self.seat.isGone(session))
        link.finished = True
        self.assertTrue(self.seat.isGone(session))
        link.finished, link.dead = False, True
        self.assertTrue(self.seat.isGone(session))
        self.assertIsNone(self.seat.holder())

    def test_window(self) -> None:
        """
        The zone has the operator's size, on the next device as well.
        """
        session, _ = self.come()
        self.seat.resize(session, 1, 2)
        self.assertIsNone(self.device.window)
        self.seat.take(session)
        self.seat.resize(session, 40, 100)
        self.assertEqual(self.device.window, (40, 100))
        self.device.fail()
        self.seat.resize(session, 41, 101)
        self.reactor.advance(1)
        self.assertEqual(self.device.window, (41, 101))

    def test_break(self) -> None:
        """
        A break is the operator's to send, on a device that is open and has one.
        """
        session, _ = self.come()
        refused = self.assertRaises(DeviceError, self.seat.sendBreak, session)
        self.assertEqual(str(refused), "only the operator may send a break")
        self.seat.take(session)
        self.assertRaises(DeviceError, self.seat.sendBreak, session)
        self.device.breaks = 0
        self.seat.sendBreak(session)
        self.assertEqual(self.device.breaks, 1)
        self.device.fail()
        refused = self.assertRaises(DeviceError, self.seat.sendBreak, session)
        self.assertEqual(str(refused), "the device is not open")
