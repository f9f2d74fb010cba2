# -*- test-case-name: zcons_twisted.test.test_client_session_structured -*-
"""
Tests for L{zcons_twisted.client.session}: structured sessions.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.errors import (
    NotSeated,
    NotStructured,
)
from zcons_twisted.client.greeting import StructuredHandshake
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
from .session_case import (
    NOTHING,
    AsyncioCase,
    FakeConnection,
    SessionRules,
    TwistedCase,
)


class _StructuredTests(SessionRules):
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
        self.assertIs(self.result(open_), NOTHING)
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
        self.assertIs(self.result(asked[2]), NOTHING)
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
        self.assertIs(self.result(last), NOTHING)
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

    def test_close(self: Any) -> None:
        """
        Closing says that one leaves, and waits for no last word.
        """
        self.letIn()
        self.session.close()
        (frame,) = frames(self.connection.sent)
        self.assertIs(frame.type, FrameType.LEAVE)
        self.assertEqual(self.connection.closed, "finished")
        self.seat()
        self.connection.sent = b""
        self.session.close()
        self.assertEqual(self.connection.sent, b"")

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


class TwistedStructuredTests(_StructuredTests, TwistedCase, SynchronousTestCase):
    """
    With Deferreds.
    """


class AsyncioStructuredTests(_StructuredTests, AsyncioCase, SynchronousTestCase):
    """
    With asyncio's futures.
    """


del _StructuredTests
