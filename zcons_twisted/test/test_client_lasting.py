# -*- test-case-name: zcons_twisted.test.test_client_lasting -*-
"""
Tests for L{zcons_twisted.client.lasting}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.errors import ConsoleInUse
from zcons_twisted.client.happenings import Answer, End, EndCause, Gap, Happening
from zcons_twisted.client.lasting import RESUME_SECONDS, Ears, Lasting
from zcons_twisted.frames import Attach, FrameType, encodeFrame, encodeGap, parseAttach
from zcons_twisted.rundir import RunDirectory

from .client_fakes import (
    ClientReactor,
    FakeTransport,
    accepts,
    connectedSocket,
    ends,
    frames,
    nobody,
    prints,
    refuses,
    tells,
    typed,
)


class LastingTests(SynchronousTestCase):
    """
    A session that outlives its connection.
    """

    def setUp(self) -> None:
        """
        A seated watcher.
        """
        self.reactor = ClientReactor()
        self.output = b""
        self.heard: list[Happening | str] = []
        self.there = True
        self.lost: Callable[[], None] = lambda: self.heard.append("lost")

    def begin(self, role: str = "watch") -> None:
        """
        Attach.
        """
        ears = Ears(
            self.took,
            self.heard.append,
            lambda: self.lost(),
            lambda: self.heard.append("again"),
        )
        self.lasting = Lasting(
            self.reactor,
            RunDirectory("/run/x"),
            "z",
            Attach(role, ("lines", 24)),
            ears,
            lambda path: (connectedSocket if self.there else nobody)(path),
        )
        self.attaching = self.lasting.attach()

    def took(self, data: bytes) -> None:
        """
        There is output.
        """
        self.output += data

    @property
    def server(self) -> FakeTransport:
        """
        The newest connection.
        """
        return self.reactor.transports[-1]

    def says(self, *told: bytes) -> None:
        """
        The server says something.
        """
        self.server.protocol.dataReceived(b"".join(told))

    def seat(self, role: str = "watch") -> None:
        """
        Attached, from offset 5 on.
        """
        self.begin(role)
        self.server.clear()
        self.says(accepts(offset=5, end=9))
        self.successResultOf(self.attaching)
        self.lasting.deliver()

    def back(self) -> Attach:
        """
        The server is lost, and there is another.

        @return: what that is asked for.
        """
        self.server.loseConnection()
        self.reactor.advance(0.1)
        asked = parseAttach(self.server.value().partition(b"\n")[0])
        self.server.clear()
        return asked

    def test_resumed(self) -> None:
        """
        It is attached anew at the offset that it had come to, as often as needed.
        """
        self.seat()
        assert self.lasting.welcome is not None
        self.assertEqual(self.lasting.welcome.end, 9)
        self.says(prints(b"abc", 5))
        for offset in (8, 11):
            self.assertEqual(self.back(), Attach("watch", ("offset", offset)))
            self.says(accepts(offset=offset), prints(b"def", offset))
            self.assertEqual(self.lasting.position, offset + 3)
        self.assertEqual(self.output, b"abcdefdef")
        self.assertEqual(self.heard, ["lost", "again"] * 2)

    def test_nothingTwice(self) -> None:
        """
        What was told in the place where it is attached anew is not told again; what
        is new there is.
        """
        self.seat()
        notice = tells(
            FrameType.NOTICE,
            event="halted",
            text="Zone halted",
            time=1.0,
            offset=8,
            arguments="",
        )
        self.says(encodeGap(5, 1), prints(b"abc", 5), notice)
        self.back()
        self.says(accepts(offset=8), notice, encodeGap(8, 2), notice)
        told = [type(h).__name__ for h in self.heard if not isinstance(h, str)]
        self.assertEqual(told, ["Gap", "Notice", "Gap", "Notice"])
        self.assertIn(Gap(8, 2), self.heard)

    def test_typedMeanwhile(self) -> None:
        """
        What is typed while there is no connection waits for one, and whoever types is
        told when there is room again.
        """
        self.seat("operator")
        self.assertTrue(self.lasting.write(b"a"))
        self.successResultOf(self.lasting.whenWritable())
        self.server.loseConnection()
        self.assertFalse(self.lasting.write(b"b"))
        self.assertFalse(self.lasting.write(b"c"))
        room: Deferred[None] = self.lasting.whenWritable()
        self.assertNoResult(room)
        self.reactor.advance(0.1)
        self.server.clear()
        self.says(accepts(offset=5))
        self.assertEqual(typed(self.server.value()), b"bc")
        self.successResultOf(room)

    def test_typedForAnother(self) -> None:
        """
        What is typed while there is no connection is not for a zone that has booted
        meanwhile, or that is down; whoever typed it is told.
        """
        booted = tells(
            FrameType.NOTICE, event="booting", text="", time=1, offset=5, arguments=""
        )
        for more, same in (
            ({"boot": [5, 5]}, True),
            ({"boot": [0, 5]}, False),
            ({"boot": [9, 9]}, False),
            ({"boot": [5, 5], "present": False}, False),
        ):
            self.seat("operator")
            self.says(booted)
            self.heard.clear()
            self.server.loseConnection()
            self.lasting.write(b"rm")
            self.reactor.advance(0.1)
            self.server.clear()
            self.says(accepts(offset=5, **more))
            text = (
                "the zone is not the one that the last 2 bytes were typed for: they are"
                " not sent"
            )
            self.assertEqual(typed(self.server.value()), b"rm" if same else b"")
            told = ["lost", "again"]
            self.assertEqual(
                self.heard, told if same else [*told, Answer("input", False, text)]
            )
            self.assertTrue(self.lasting.write(b"x"))
            self.lasting.abort()

    def test_givenUp(self) -> None:
        """
        Whoever gives up the seat comes again as a watcher; where there is no
        connection, what was typed is sent first.
        """
        self.seat("operator")
        done: Deferred[Any] = self.lasting.giveUp()
        self.says(tells(FrameType.ANSWER, request="seat", ok=True, text=""))
        self.successResultOf(done)
        self.assertEqual(self.back().role, "watch")
        self.lasting.abort()
        self.seat("operator")
        self.server.loseConnection()
        self.lasting.write(b"last")
        done = self.lasting.giveUp()
        self.assertIsNone(self.successResultOf(self.lasting.sendBreak()))
        self.reactor.advance(0.1)
        self.server.clear()
        self.says(accepts(offset=5))
        kinds = [frame.type for frame in frames(self.server.value())]
        self.assertEqual(kinds, [FrameType.INPUT, FrameType.SEAT])
        self.successResultOf(done)
        self.lasting.abort()

    def test_ended(self) -> None:
        """
        What the server ends is not tried again; nor is what we leave or abort.
        """
        self.seat()
        self.says(ends("detached", "so"))
        wanted = End(EndCause.SERVER, "", "detached", "so")
        self.assertEqual(self.successResultOf(self.lasting.whenEnded()), wanted)
        for way in ("leave", "abort"):
            for lost in (False, True):
                self.seat()
                if lost:
                    self.server.loseConnection()
                getattr(self.lasting, way)()
                self.server.loseConnection()
                end = self.successResultOf(self.lasting.whenEnded())
                self.assertEqual(end.cause, EndCause.OURS)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_restarting(self) -> None:
        """
        A server that says that it restarts is waited for, and the session goes on
        where it was.
        """
        self.seat()
        self.says(ends("restarting", "the server restarts"))
        self.server.loseConnection()
        self.assertNoResult(self.lasting.whenEnded())
        self.reactor.advance(0.1)
        self.server.clear()
        self.says(accepts(offset=5), prints(b"x", 5))
        self.assertEqual(self.output, b"x")
        self.lasting.abort()
        self.server.loseConnection()

    def test_gaveUp(self) -> None:
        """
        After a while it is lost for good.
        """
        self.seat()
        self.there = False
        self.server.loseConnection()
        ended = self.lasting.whenEnded()
        room = self.lasting.whenWritable()
        self.reactor.pump([1.0] * int(RESUME_SECONDS))
        end = self.successResultOf(ended)
        self.assertIs(end.cause, EndCause.LOST)
        self.assertIn("was lost for 60 s: no server serves zone z", end.detail)
        self.successResultOf(room)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_refused(self) -> None:
        """
        An operator does not take the seat from who has it now.
        """
        self.seat("take")
        self.assertEqual(self.back().role, "operator")
        self.says(refuses("busy", "no", 99))
        end = self.successResultOf(self.lasting.whenEnded())
        self.assertEqual(end.detail, str(ConsoleInUse("99")))

    def test_answersWithNonsense(self) -> None:
        """
        A server that is about to stop is tried again too.
        """
        self.seat()
        self.back()
        self.says(refuses("server-stopping", "the console ends"))
        self.reactor.advance(0.3)
        self.says(accepts(offset=5), prints(b"x", 5))
        self.assertEqual(self.output, b"x")

    def test_pausedAndResized(self) -> None:
        """
        The next session is paused as the last one was, and knows the size that the
        terminal has by then.
        """
        self.seat("operator")
        self.lasting.window(24, 80)
        self.lasting.pauseOutput()
        self.server.loseConnection()
        self.lasting.window(50, 132)
        self.reactor.advance(0.1)
        asked = parseAttach(self.server.value().partition(b"\n")[0])
        self.assertEqual((asked.rows, asked.columns), (50, 132))
        self.says(accepts(offset=5))
        self.assertEqual(self.server.producerState, "paused")
        self.lasting.resumeOutput()
        self.assertEqual(self.server.producerState, "producing")

    def test_leftWhenToldOfTheLoss(self) -> None:
        """
        Whoever is told of the loss may leave at once.
        """
        self.lost = lambda: self.lasting.leave()
        self.seat()
        self.server.loseConnection()
        end = self.successResultOf(self.lasting.whenEnded())
        self.assertEqual(end, End(EndCause.OURS))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_ping(self) -> None:
        """
        A ping comes back.
        """
        self.seat()
        pinged: Deferred[Any] = self.lasting.ping()
        self.assertNoResult(pinged)
        self.says(encodeFrame(FrameType.PONG))
        self.assertEqual(self.successResultOf(pinged), Answer("ping", True))
