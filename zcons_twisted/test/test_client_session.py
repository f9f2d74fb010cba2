# -*- test-case-name: zcons_twisted.test.test_client_session -*-
"""
Tests for L{zcons_twisted.client.session}.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.errors import (
    ConsoleInUse,
    HandshakeFailed,
    NotSeated,
)
from zcons_twisted.client.session import End, EndCause

from .session_case import (
    NOTHING,
    AsyncioCase,
    SessionRules,
    TwistedCase,
)


class _SessionTests(SessionRules):
    def test_greets(self: Any) -> None:
        """
        It greets first, and nothing may be written before it is seated.
        """
        self.begin()
        self.assertEqual(self.connection.sent, b"IDENT 7 C 0\n")
        self.assertRaises(NotSeated, self.session.write, b"x")
        self.assertFalse(self.session.writable)

    def test_seated(self: Any) -> None:
        """
        Whoever waits for the seat is told, before and after.
        """
        self.begin()
        before = self.session.whenSeated()
        self.assertIs(self.result(before), NOTHING)
        self.session.dataReceived(b"O")
        self.session.dataReceived(b"K\n")
        self.assertIs(self.result(before), self.session)
        self.assertIs(self.result(self.session.whenSeated()), self.session)

    def test_noOutputBeforeItIsWanted(self: Any) -> None:
        """
        What comes with the reply is kept until somebody wants it, and meanwhile
        nothing is read.
        """
        self.begin()
        self.session.dataReceived(b"OK\nlog")
        self.assertFalse(self.connection.reading)
        self.session.dataReceived(b"in: ")
        self.session.deliver(self.output.append)
        self.assertTrue(self.connection.reading)
        self.session.dataReceived(b"more")
        self.assertEqual(self.output, [b"login: ", b"more"])

    def test_outputWantedFromTheStart(self: Any) -> None:
        """
        Output may be asked for before the seat is had.
        """
        self.begin()
        self.session.deliver(self.output.append)
        self.session.dataReceived(b"OK\nlogin: ")
        self.assertEqual(self.output, [b"login: "])
        self.assertTrue(self.connection.reading)

    def test_busy(self: Any) -> None:
        """
        A taken seat fails with its holder, and the connection is closed.
        """
        self.begin()
        seated = self.session.whenSeated()
        self.session.dataReceived(b"99\n")
        self.assertIsInstance(self.result(seated), ConsoleInUse)
        self.assertEqual(self.connection.closed, "aborted")
        self.session.connectionLost()
        self.assertEqual(self.result(self.session.whenEnded()), End(EndCause.OURS))

    def test_noAnswer(self: Any) -> None:
        """
        A server that closes, or says nothing for too long, has not seated us.
        """
        self.begin()
        seated = self.session.whenSeated()
        self.session.connectionLost()
        self.assertIsInstance(self.result(seated), HandshakeFailed)
        self.begin()
        seated = self.session.whenSeated()
        self.pass_(10.0)
        self.assertIn("within 10 s", str(self.result(seated)))
        self.assertEqual(self.connection.closed, "aborted")

    def test_deadlineEndsWithTheHandshake(self: Any) -> None:
        """
        A seated session has no deadline.
        """
        self.seat()
        self.pass_(100.0)
        self.assertEqual(self.connection.closed, "")

    def test_input(self: Any) -> None:
        """
        What is written is sent; there is room as long as the transport says so.
        """
        self.seat()
        self.connection.sent = b""
        self.assertTrue(self.session.write(b"ls\r"))
        self.session.inputFull()
        self.assertFalse(self.session.write(b"x"))
        room = self.session.whenWritable()
        self.assertIs(self.result(room), NOTHING)
        self.session.inputDrained()
        self.assertIsNone(self.result(room))
        self.assertTrue(self.session.writable)
        self.assertIsNone(self.result(self.session.whenWritable()))
        self.assertEqual(self.connection.sent, b"ls\rx")

    def test_endFreesWhoWaitsForRoom(self: Any) -> None:
        """
        Nobody waits for room at a session that has ended.
        """
        self.seat()
        self.session.inputFull()
        room = self.session.whenWritable()
        self.session.connectionLost()
        self.assertIsNone(self.result(room))
        self.assertFalse(self.session.write(b"dropped"))

    def test_outputPaused(self: Any) -> None:
        """
        A paused session is not read.
        """
        self.seat()
        self.session.pauseOutput()
        self.assertFalse(self.connection.reading)
        self.session.resumeOutput()
        self.assertTrue(self.connection.reading)

    def test_pausedBeforeDelivery(self: Any) -> None:
        """
        A session that was paused before stays so when output is asked for, and
        resuming before does not begin it.
        """
        self.begin()
        self.session.dataReceived(b"OK\n")
        self.session.resumeOutput()
        self.assertFalse(self.connection.reading)
        self.session.pauseOutput()
        self.session.deliver(self.output.append)
        self.assertFalse(self.connection.reading)

    def test_closed(self: Any) -> None:
        """
        Closing sends what was written, drops what still comes, and is ours.
        """
        self.seat()
        ended = self.session.whenEnded()
        self.session.pauseOutput()
        self.session.close()
        self.assertEqual(self.connection.closed, "finished")
        self.assertTrue(self.connection.reading)
        self.session.dataReceived(b"late")
        self.assertEqual(self.output, [])
        self.session.connectionLost("reset")
        self.assertEqual(self.result(ended), End(EndCause.OURS))

    def test_aborted(self: Any) -> None:
        """
        Aborting closes at once, even what is closing already.
        """
        self.seat()
        self.session.close()
        self.session.abort()
        self.assertEqual(self.connection.closed, "aborted")
        self.session.connectionLost()
        self.session.abort()
        self.session.close()

    def test_givenUp(self: Any) -> None:
        """
        A session may be given up before it is seated.
        """
        for way in ("close", "abort"):
            self.begin()
            seated = self.session.whenSeated()
            getattr(self.session, way)()
            self.assertIsInstance(self.result(seated), HandshakeFailed)
            self.assertEqual(self.connection.closed, "aborted")

    def test_endedByTheServer(self: Any) -> None:
        """
        The server's end and a broken connection are told apart.
        """
        self.seat()
        self.session.connectionLost()
        ended = self.session.whenEnded()
        self.assertEqual(self.result(ended), End(EndCause.SERVER))
        self.seat()
        self.session.connectionLost("reset")
        ended = self.session.whenEnded()
        self.assertEqual(self.result(ended), End(EndCause.LOST, "reset"))


class TwistedSessionTests(_SessionTests, TwistedCase, SynchronousTestCase):
    """
    With Deferreds.
    """

    def test_manyWait(self) -> None:
        """
        Everyone who waits is told, except for those who gave up.
        """
        self.begin()
        one, gaveUp, two = (self.session.whenSeated() for _ in range(3))
        gaveUp.cancel()
        self.session.dataReceived(b"OK\n")
        self.assertIs(self.result(one), self.session)
        self.assertIs(self.result(two), self.session)
        self.result(gaveUp)


class AsyncioSessionTests(_SessionTests, AsyncioCase, SynchronousTestCase):
    """
    With asyncio's futures.
    """

    def test_manyWait(self) -> None:
        """
        Everyone who waits is told, except for those who gave up.
        """
        self.begin()
        one, gaveUp, two = (self.session.whenSeated() for _ in range(3))
        gaveUp.cancel()
        self.session.dataReceived(b"OK\n")
        self.assertIs(self.result(one), self.session)
        self.assertIs(self.result(two), self.session)


del _SessionTests
