# -*- test-case-name: zcons_twisted.test.test_client_session -*-
"""
Tests for L{zcons_twisted.client.session}, with the futures of both frameworks.
"""

from __future__ import annotations

import asyncio
from typing import Any

import txaio.aio
import txaio.tx
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.errors import (
    ConsoleInUse,
    HandshakeFailed,
    NotSeated,
    NotStructured,
)
from zcons_twisted.client.greeting import StructuredHandshake
from zcons_twisted.client.handshake import Handshake
from zcons_twisted.client.happenings import Answer, Gap, Pong
from zcons_twisted.client.session import ConsoleSession, End, EndCause
from zcons_twisted.frames import (
    INPUT_MAX,
    Attach,
    FrameType,
    encodeFrame,
    encodeGap,
)

from .client_fakes import accepts, ends, frames, prints, tells

_NOTHING = object()


class FakeConnection:
    """
    Keeps what a session does to its connection.
    """

    def __init__(self) -> None:
        self.sent = b""
        self.reading = True
        self.closed = ""

    def send(self, data: bytes) -> None:
        """
        Keep it.
        """
        self.sent += data

    def pauseReading(self) -> None:
        """
        Keep that.
        """
        self.reading = False

    def resumeReading(self) -> None:
        """
        Keep that.
        """
        self.reading = True

    def finish(self) -> None:
        """
        Keep that.
        """
        self.closed = "finished"

    def abort(self) -> None:
        """
        Keep that.
        """
        self.closed = "aborted"


class SessionRules:
    """
    The rules of a session, whatever its futures are.
    """

    frame: Any
    clock: Clock
    session: ConsoleSession
    connection: FakeConnection
    output: list[bytes]

    def result(self, future: Any) -> Any:
        """
        A future's result, its error, or C{_NOTHING}.
        """
        raise NotImplementedError

    def pass_(self, seconds: float) -> None:
        """
        Let time pass.
        """
        self.clock.advance(seconds)

    def begin(self) -> None:
        """
        A session that has greeted.
        """
        self.session = ConsoleSession(
            self.frame, self.clock.callLater, Handshake(7), 10.0
        )
        self.connection = FakeConnection()
        self.output = []
        self.session.connected(self.connection)

    def seat(self, rest: bytes = b"") -> None:
        """
        A session that is seated and gives out its output.
        """
        self.begin()
        self.session.dataReceived(b"OK\n" + rest)
        self.session.deliver(self.output.append)


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
        self.assertIs(self.result(before), _NOTHING)
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
        self.assertIs(self.result(room), _NOTHING)
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

    def letIn(self: Any, rest: bytes = b"", **more: Any) -> None:
        """
        A structured session that gives out what it is told.
        """
        self.session = ConsoleSession(
            self.frame, self.clock.callLater, StructuredHandshake(Attach()), 10.0
        )
        self.connection = FakeConnection()
        self.output = []
        self.told: list[Any] = []
        self.session.connected(self.connection)
        self.connection.sent = b""
        self.session.dataReceived(accepts(**more) + rest)
        self.session.deliver(self.output.append, self.told.append)

    def test_structured(self: Any) -> None:
        """
        Output is given out apart from what else is told, in order, with its position.
        """
        self.letIn(offset=5, state="running")
        self.assertTrue(self.session.structured)
        self.assertEqual(self.session.welcome.state, "running")
        self.assertEqual(self.session.position, 5)
        data = prints(b"abc", 5) + encodeGap(8, 2) + prints(b"d", 10)
        for byte in data:
            self.session.dataReceived(bytes([byte]))
        self.assertEqual(self.output, [b"abc", b"d"])
        self.assertEqual(self.told, [Gap(8, 2)])
        self.assertEqual(self.session.position, 11)

    def test_structuredInput(self: Any) -> None:
        """
        What is typed goes in frames.
        """
        self.letIn()
        self.assertTrue(self.session.write(b"x" * (INPUT_MAX + 1)))
        self.assertEqual(
            [len(f.payload) for f in frames(self.connection.sent)],
            [
                INPUT_MAX,
                1,
            ],
        )

    def test_requests(self: Any) -> None:
        """
        What is asked for is answered in the order that it was asked, and nobody waits
        for an answer after the end.
        """
        self.letIn()
        session = self.session
        session.window(24, 80)
        asked = [session.claim(), session.sendBreak(), session.giveUp()]
        ping, open_ = session.ping(b"x"), session.claim(take=True)
        sent = frames(self.connection.sent)
        self.assertEqual(
            [(f.type.name, f.payload) for f in sent],
            [
                ("WINDOW", b'{"rows":24,"columns":80}'),
                ("SEAT", b'{"want":"operator"}'),
                ("BREAK", b""),
                ("SEAT", b'{"want":"watch"}'),
                ("PING", b"x"),
                ("SEAT", b'{"want":"take"}'),
            ],
        )
        answers = [
            Answer("seat", False, "no"),
            Answer("break", True),
            Answer("seat", True),
        ]
        for answer in (*answers, Answer("input", False, "no")):
            self.session.dataReceived(
                tells(
                    FrameType.ANSWER,
                    request=answer.request,
                    ok=answer.ok,
                    text=answer.text,
                )
            )
        self.session.dataReceived(encodeFrame(FrameType.PONG, b"x"))
        self.assertEqual(
            [self.result(a) for a in asked], [answers[0], answers[1], answers[2]]
        )
        self.assertEqual(self.result(ping), Answer("ping", True))
        self.assertEqual(self.told[3:], [Answer("input", False, "no"), Pong(b"x")])
        self.assertIs(self.result(open_), _NOTHING)
        self.session.dataReceived(ends("detached", "so"))
        self.session.connectionLost()
        self.assertFalse(self.result(open_).ok)
        self.assertFalse(self.result(session.sendBreak()).ok)

    def test_confirm(self: Any) -> None:
        """
        What is confirmed confirms all that was typed before; what is not answered any
        more is not confirmed.
        """
        self.letIn()
        session = self.session
        asked = [session.confirm() for _ in range(3)]
        sent = frames(self.connection.sent)
        self.assertEqual([f.type.name for f in sent], ["CONFIRM"] * 3)
        for payload in (b"nonsense", sent[1].payload, sent[1].payload):
            session.dataReceived(encodeFrame(FrameType.CONFIRMED, payload))
        self.assertEqual(self.result(asked[0]), Answer("confirm", True))
        self.assertEqual(self.result(asked[1]), Answer("confirm", True))
        self.assertIs(self.result(asked[2]), _NOTHING)
        asked.append(session.confirm())
        session.dataReceived(
            tells(FrameType.ANSWER, request="confirm", ok=False, text="no")
        )
        for future in asked[2:]:
            self.assertEqual(self.result(future), Answer("confirm", False, "no"))
        self.connection.sent = b""
        last = session.confirm()
        (frame,) = frames(self.connection.sent)
        session.dataReceived(encodeFrame(FrameType.CONFIRMED, sent[2].payload))
        self.assertIs(self.result(last), _NOTHING)
        session.dataReceived(encodeFrame(FrameType.CONFIRMED, frame.payload))
        self.assertEqual(self.result(last), Answer("confirm", True))

    def test_birth(self: Any) -> None:
        """
        Which history it is is told, by servers that know.
        """
        self.letIn()
        self.assertEqual(self.session.welcome.birth, "")
        self.letIn(birth="0123456789abcdef")
        self.assertEqual(self.session.welcome.birth, "0123456789abcdef")

    def test_requestsTooEarly(self: Any) -> None:
        """
        Nothing can be asked before the session is seated, and of a legacy session
        nothing ever.
        """
        self.begin()
        self.assertRaises(NotSeated, self.session.sendBreak)
        self.session.connectionLost()
        self.seat()
        self.assertRaises(NotStructured, self.session.window, 24, 80)

    def test_leave(self: Any) -> None:
        """
        Leaving says so, gives out nothing more, and waits for the last word.
        """
        self.letIn()
        self.session.pauseOutput()
        self.session.leave()
        (frame,) = frames(self.connection.sent)
        self.assertIs(frame.type, FrameType.LEAVE)
        self.assertTrue(self.connection.reading)
        self.session.dataReceived(prints(b"late"))
        self.assertEqual(self.connection.closed, "")
        self.session.dataReceived(ends("left", "the client left") + prints(b"x"))
        self.assertEqual(self.connection.closed, "aborted")
        self.session.connectionLost()
        self.assertEqual(self.output, [])
        end = self.result(self.session.whenEnded())
        self.assertEqual(end, End(EndCause.OURS, "", "left", "the client left"))

    def test_leaveUnheard(self: Any) -> None:
        """
        A session may be left before anybody wanted its output, and closed while it is
        being left; a legacy session is closed.
        """
        self.session = ConsoleSession(
            self.frame, self.clock.callLater, StructuredHandshake(Attach()), 10.0
        )
        self.connection = FakeConnection()
        self.session.connected(self.connection)
        self.session.dataReceived(accepts() + prints(b"early") + ends("left", "so"))
        self.session.leave()
        self.assertEqual(self.connection.closed, "aborted")
        self.letIn()
        self.session.leave()
        self.session.close()
        self.assertEqual(self.connection.closed, "finished")
        self.session.connectionLost()
        self.assertEqual(self.result(self.session.whenEnded()), End(EndCause.OURS))
        self.seat()
        self.session.leave()
        self.assertEqual(self.connection.closed, "finished")

    def test_lastWord(self: Any) -> None:
        """
        The server's last word is how it ended; without one the session is lost.
        """
        self.letIn()
        self.session.dataReceived(ends("taken-over", "by process 5"))
        self.session.connectionLost("reset")
        self.assertEqual(
            self.result(self.session.whenEnded()),
            End(EndCause.SERVER, "", "taken-over", "by process 5"),
        )
        self.letIn()
        self.session.connectionLost()
        self.assertIs(self.result(self.session.whenEnded()).cause, EndCause.LOST)

    def test_malformed(self: Any) -> None:
        """
        What the server may not send ends the session, and says what it was.
        """
        self.letIn()
        self.session.dataReceived(prints(b"good") + b"\x41\0\0\0")
        self.assertEqual(self.output, [b"good"])
        self.assertEqual(self.connection.closed, "aborted")
        self.session.connectionLost()
        self.assertEqual(
            self.result(self.session.whenEnded()),
            End(
                EndCause.PROTOCOL,
                "protocol error: a frame of type 0x41 has no place",
            ),
        )

    def test_closedWithin(self: Any) -> None:
        """
        Whoever closes the session while it gives out output gets no more of it.
        """
        self.letIn()

        def enough(data: bytes) -> None:
            self.output.append(data)
            self.session.close()

        self.session.deliver(enough)
        self.session.dataReceived(prints(b"a") + prints(b"b", 1))
        self.assertEqual(self.output, [b"a"])


class TwistedSessionTests(_SessionTests, SynchronousTestCase):
    """
    With Deferreds.
    """

    def setUp(self) -> None:
        """
        A clock.
        """
        self.clock = Clock()
        self.frame = txaio.tx

    def tearDown(self) -> None:
        """
        No timer is left once the handshake is over.
        """
        self.session.connectionLost()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def result(self, future: Deferred[Any]) -> Any:
        """
        As L{SessionRules} says.
        """
        results: list[Any] = []

        def look(result: Any) -> Any:
            results.append(result)
            return None if isinstance(result, Failure) else result

        future.addBoth(look)
        if not results:
            return _NOTHING
        return results[0].value if isinstance(results[0], Failure) else results[0]

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


class _ImmediateLoop:
    """
    As much of a loop as a future needs; it calls back at once.
    """

    def create_future(self) -> asyncio.Future[Any]:
        """
        As in a loop.
        """
        loop: Any = self
        return asyncio.Future(loop=loop)

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> None:
        """
        Don't wait.
        """
        callback(*args)

    def get_debug(self) -> bool:
        """
        As in a loop.
        """
        return False


class AsyncioSessionTests(_SessionTests, SynchronousTestCase):
    """
    With asyncio's futures.
    """

    def setUp(self) -> None:
        """
        A clock.
        """
        self.clock = Clock()
        self.frame = txaio.aio.with_config(loop=_ImmediateLoop())

    def result(self, future: asyncio.Future[Any]) -> Any:
        """
        As L{SessionRules} says.
        """
        if not future.done():
            return _NOTHING
        return future.exception() or future.result()

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
