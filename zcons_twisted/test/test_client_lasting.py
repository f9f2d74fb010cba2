# -*- test-case-name: zcons_twisted.test.test_client_lasting -*-
"""
Tests for L{zcons_twisted.client.lasting}: what comes, and from where on.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from zcons_twisted.client.errors import ConsoleInUse
from zcons_twisted.client.happenings import (
    Anew,
    Answer,
    End,
    EndCause,
    Gap,
)
from zcons_twisted.client.lasting import RESUME_SECONDS
from zcons_twisted.frames import Attach, FrameType, encodeFrame, encodeGap, parseAttach

from .client_fakes import (
    accepts,
    ends,
    prints,
    refuses,
    tells,
)
from .lasting_case import LastingTestCase


class LastingTests(LastingTestCase):
    """
    A session that outlives its connection.
    """

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


class BirthTests(LastingTestCase):
    """
    The history may be another one when the connection is back.
    """

    def test_same(self) -> None:
        """
        An offset is asked for with the birth that it is one of.
        """
        self.seat(birth="1" * 16)
        asked = Attach("watch", ("offset", 5), birth="1" * 16)
        self.assertEqual(self.back(), asked)
        self.says(accepts(offset=5, birth="1" * 16), prints(b"x", 5))
        self.assertEqual(self.heard, ["lost", "again"])

    def test_another(self) -> None:
        """
        Where it is another one that is told, before its first byte, and what was told
        of the one before is told of this one too.
        """
        self.seat(birth="1" * 16)
        gap = encodeGap(5, 2)
        self.says(gap)
        self.back()
        self.says(accepts(offset=0, birth="2" * 16), encodeGap(0, 5), gap)
        self.says(prints(b"x", 7))
        self.assertEqual(
            self.heard,
            [Gap(5, 2), "lost", "again", Anew(0, "2" * 16), Gap(0, 5), Gap(5, 2)],
        )
        self.assertEqual((self.output, self.lasting.position), (b"x", 8))
        asked = Attach("watch", ("offset", 8), birth="2" * 16)
        self.assertEqual(self.back(), asked)

    def test_shorter(self) -> None:
        """
        So it is where the same one has lost what we had seen of it.
        """
        self.seat(birth="1" * 16)
        self.says(prints(b"abc", 5))
        self.back()
        self.says(accepts(offset=6, birth="1" * 16))
        self.assertEqual(self.heard, ["lost", "again", Anew(6, "1" * 16)])

    def test_notTold(self) -> None:
        """
        A server that tells no birth is taken at its offsets.
        """
        self.seat()
        self.assertEqual(self.back(), Attach("watch", ("offset", 5)))
        self.says(accepts(offset=5))
        self.assertEqual(self.heard, ["lost", "again"])
