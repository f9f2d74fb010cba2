# -*- test-case-name: zcons_twisted.test.test_client_lasting_typed -*-
"""
Tests for L{zcons_twisted.client.lasting}: what is typed.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from zcons_twisted.client.errors import ConsoleInUse
from zcons_twisted.client.happenings import (
    Answer,
    Unconfirmed,
)
from zcons_twisted.frames import FrameType, encodeFrame

from .client_fakes import (
    accepts,
    ends,
    frames,
    refuses,
    tells,
    typed,
)
from .lasting_case import LastingTestCase

_BOOTED = tells(
    FrameType.NOTICE, event="booting", text="", time=1, offset=5, arguments=""
)


class TypedTests(LastingTestCase):
    """
    What is typed while there is no connection.
    """

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
        for more, same in (
            ({"boot": [5, 5]}, True),
            ({"boot": [0, 5]}, False),
            ({"boot": [9, 9]}, False),
            ({"boot": [5, 5], "present": False}, False),
        ):
            self.seat("operator")
            self.says(_BOOTED)
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

    def test_earlierBoots(self) -> None:
        """
        A boot before the last, which is told to who has asked for what is past, says
        nothing of the zone that is typed for.
        """
        self.seat("operator", boot=[9, 9])
        self.says(_BOOTED)
        self.assertEqual(self.lasting.boot, 9)
        self.server.loseConnection()
        self.lasting.write(b"ls")
        self.reactor.advance(0.1)
        self.server.clear()
        self.says(accepts(offset=5, boot=[9, 9]))
        self.assertEqual(typed(self.server.value()), b"ls")
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
        self.assertEqual((kinds[0], kinds[-1]), (FrameType.INPUT, FrameType.SEAT))
        self.successResultOf(done)
        self.lasting.abort()


class ConfirmTests(LastingTestCase):
    """
    What was typed and may be lost is told.
    """

    def asked(self) -> list[bytes]:
        """
        @return: what the server was asked to confirm since the last time.
        """
        sent = frames(self.server.value())
        self.server.clear()
        return [f.payload for f in sent if f.type is FrameType.CONFIRM]

    def confirms(self, payload: bytes) -> None:
        """
        The zone has it.
        """
        self.says(encodeFrame(FrameType.CONFIRMED, payload))

    def test_confirmed(self) -> None:
        """
        Nothing is said where all of it was confirmed; one question at a time is asked.
        """
        self.seat("operator")
        self.lasting.write(b"abc")
        (first,) = self.asked()
        self.lasting.write(b"de")
        self.lasting.write(b"f")
        self.assertEqual(self.asked(), [])
        self.confirms(first)
        (second,) = self.asked()
        self.confirms(second)
        self.assertEqual(self.asked(), [])
        self.back()
        self.says(accepts(offset=5))
        self.assertNotIn(Unconfirmed, [type(h) for h in self.heard])

    def test_unconfirmed(self) -> None:
        """
        What was not is told when the connection is back, and once.
        """
        self.seat("operator")
        self.lasting.write(b"abc")
        (first,) = self.asked()
        self.lasting.write(b"de")
        self.confirms(first)
        self.lasting.write(b"f")
        self.server.loseConnection()
        self.lasting.write(b"later")
        self.reactor.advance(0.1)
        self.server.clear()
        self.says(accepts(offset=5))
        sent = self.server.value()
        self.assertEqual(typed(sent), b"later")
        self.assertEqual(self.heard[-2:], ["again", Unconfirmed(3)])
        (later,) = self.asked()
        self.confirms(later)
        self.back()
        self.says(accepts(offset=5))
        self.assertEqual(self.heard[-2:], ["lost", "again"])

    def restart(self, taken: int) -> None:
        """
        A server leaves its zones to another one.
        """
        self.says(ends("restarting", "the server restarts", typed=taken))
        self.server.loseConnection()
        self.reactor.advance(0.1)
        self.server.clear()
        self.says(accepts(offset=5))

    def test_left(self) -> None:
        """
        What one server leaves to another is not lost: that one is asked for it.
        """
        self.seat("operator")
        self.lasting.write(b"abc")
        self.asked()
        self.lasting.write(b"de")
        for taken in (5, 0):
            self.restart(taken)
            self.assertEqual(self.heard[-2:], ["lost", "again"])
            self.assertEqual(typed(self.server.value()), b"")
            (again,) = self.asked()
        self.confirms(again)
        self.back()
        self.says(accepts(offset=5))
        self.assertEqual(self.heard[-2:], ["lost", "again"])

    def test_leftInPart(self) -> None:
        """
        What came too late is sent again; and all of it is lost, where the next server
        is killed.
        """
        self.seat("operator")
        self.lasting.write(b"abcde")
        self.asked()
        self.restart(3)
        self.assertEqual(self.heard[-2:], ["lost", "again"])
        self.assertEqual(typed(self.server.value()), b"de")
        self.back()
        self.says(accepts(offset=5))
        self.assertEqual(self.heard[-2:], ["again", Unconfirmed(5)])

    def test_gaveUp(self) -> None:
        """
        Where it never is, that is said with the end.
        """
        self.seat("operator")
        self.lasting.write(b"abc")
        self.server.loseConnection()
        self.lasting.write(b"de")
        self.reactor.advance(0.1)
        self.says(refuses("busy", "no", 99))
        end = self.successResultOf(self.lasting.whenEnded())
        self.assertEqual(
            end.detail,
            f"{ConsoleInUse('99')}; 5 bytes that were typed may not have reached the"
            " zone",
        )

    def test_seatLost(self) -> None:
        """
        Of what was typed before the seat was given up nothing is known, nor is it
        asked for.
        """
        self.seat("operator")
        self.lasting.write(b"abc")
        self.says(tells(FrameType.OPERATOR, operator=None, role="watch"))
        self.back()
        self.says(accepts(offset=5))
        self.assertEqual(self.heard[-1], "again")
        self.lasting.write(b"abc")
        self.says(tells(FrameType.ANSWER, request="confirm", ok=False, text="no"))
        self.assertEqual(len(self.asked()), 1)
