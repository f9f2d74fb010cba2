# -*- test-case-name: zcons_twisted.test.test_client_speech -*-
"""
Tests for L{zcons_twisted.client.speech}.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.errors import NotStructured
from zcons_twisted.client.happenings import (
    Answer,
    End,
    EndCause,
    Gap,
    Notice,
    Operator,
    Pong,
    SeatChange,
)
from zcons_twisted.client.speech import FramedSpeech, PlainSpeech, parseWelcome
from zcons_twisted.frames import (
    INPUT_MAX,
    BadFrame,
    FrameType,
    encodeFrame,
    encodeGap,
    parseObject,
)

from .client_fakes import accepts, ends, frames, prints, tells

NOTICE = tells(
    FrameType.NOTICE, event="halted", text="Zone halted", time=1, offset=7, arguments=""
)


class PlainSpeechTests(SynchronousTestCase):
    """
    A legacy session.
    """

    def test_bytes(self) -> None:
        """
        It is bytes both ways, and nothing can be asked for.
        """
        speech = PlainSpeech()
        self.assertEqual(speech.typed(b"ls\r"), b"ls\r")
        self.assertEqual(list(speech.heard(b"file")), [b"file"])
        self.assertRaises(NotStructured, speech.request, FrameType.BREAK)


class FramedSpeechTests(SynchronousTestCase):
    """
    A structured session.
    """

    def test_typed(self) -> None:
        """
        What is typed goes in frames of a size that the server takes.
        """
        data = bytes(range(256)) * (INPUT_MAX // 100)
        sent = frames(FramedSpeech(0).typed(data))
        self.assertEqual(b"".join(f.payload for f in sent), data)
        self.assertTrue(all(len(f.payload) <= INPUT_MAX for f in sent))
        self.assertEqual(FramedSpeech(0).typed(b""), b"")

    def test_heard(self) -> None:
        """
        Everything that can be told is understood, wherever it is split.
        """
        operator = {"pid": 3, "uid": 4, "since": 5.0}
        told = b"".join(
            (
                prints(b"boot", 3),
                NOTICE,
                encodeGap(7, 13),
                prints(b"up", 20),
                tells(FrameType.OPERATOR, operator=operator, role="watch"),
                tells(FrameType.OPERATOR, operator=None, role="watch"),
                tells(FrameType.ANSWER, request="seat", ok=False, text="no"),
                encodeFrame(FrameType.PONG, b"x"),
                ends("halted", "the zone halted"),
            )
        )
        wanted = [
            b"boot",
            Notice("halted", "Zone halted", 1.0, 7, ""),
            Gap(7, 13),
            b"up",
            SeatChange(Operator(3, 4, 5.0), "watch"),
            SeatChange(None, "watch"),
            Answer("seat", False, "no"),
            Pong(b"x"),
            End(EndCause.SERVER, "", "halted", "the zone halted"),
        ]
        self.assertEqual(list(FramedSpeech(3).heard(told)), wanted)
        for at in range(len(told)):
            speech = FramedSpeech(3)
            heard = [*speech.heard(told[:at]), *speech.heard(told[at:])]
            self.assertEqual(heard, wanted)

    def test_position(self) -> None:
        """
        The position is the offset after the last byte that came, while it is given
        out; a gap does not move it.
        """
        speech = FramedSpeech(3)
        self.assertEqual(speech.position, 3)
        heard = speech.heard(prints(b"boot", 3) + encodeGap(7, 13) + prints(b"up", 20))
        positions = []
        for _ in heard:
            positions.append(speech.position)
        self.assertEqual(positions, [7, 7, 22])

    def test_nothing(self) -> None:
        """
        Output of no bytes is none.
        """
        self.assertEqual(list(FramedSpeech(0).heard(prints(b"x")[:-1])), [])
        empty = encodeFrame(FrameType.OUTPUT, bytes(8))
        self.assertEqual(list(FramedSpeech(0).heard(empty)), [])

    def test_afterTheEnd(self) -> None:
        """
        Nothing counts after the last word.
        """
        (heard,) = FramedSpeech(0).heard(ends("left", "so") + prints(b"x"))
        self.assertIsInstance(heard, End)

    def test_malformed(self) -> None:
        """
        What lacks something, or is of another kind than it must be, is told with
        what it was.
        """
        for told, text in (
            (prints(b"x", 2), "output of offset 2 after 5"),
            (encodeFrame(FrameType.OUTPUT, b"short"), "without an offset"),
            (encodeFrame(FrameType.GAP, b"short"), "a gap frame of the wrong length"),
            (encodeFrame(FrameType.NOTICE, b"{"), "not JSON"),
            (tells(FrameType.NOTICE, event="halted"), "of type notice"),
            (tells(FrameType.END, reason=1, text=""), "of type end"),
            (tells(FrameType.ANSWER, ok=True), "of type answer"),
            (tells(FrameType.OPERATOR, operator=7, role="watch"), "of type operator"),
            (
                tells(FrameType.OPERATOR, operator={"pid": True}, role="watch"),
                "of type operator",
            ),
            (encodeFrame(FrameType.INPUT, b"x"), "type 0x41 has no place"),
            (b"\x01\xff\xff\xff", "is too long"),
        ):
            with self.assertRaises(BadFrame) as caught:
                list(FramedSpeech(5).heard(told))
            self.assertIn(text, str(caught.exception))


class WelcomeTests(SynchronousTestCase):
    """
    How things stand when a session is let in.
    """

    def test_parsed(self) -> None:
        """
        All of it is told.
        """
        operator = {"pid": 3, "uid": 4, "since": 5.0}
        answer = parseObject(accepts(offset=2, oldest=1, end=9, operator=operator))
        welcome = parseWelcome(answer)
        self.assertEqual((welcome.offset, welcome.oldest, welcome.end), (2, 1, 9))
        self.assertEqual(welcome.operator, Operator(3, 4, 5.0))
        self.assertEqual((welcome.zone, welcome.role), ("z", "operator"))
        for printed in (None, 0.0, 5.5):
            welcome = parseWelcome({**answer, "printed": printed})
            self.assertEqual(welcome.printed, printed)

    def test_incomplete(self) -> None:
        """
        An answer that lacks something is none.
        """
        answer: dict[str, Any] = parseObject(accepts())
        for name in ("zone", "state", "role", "offset", "oldest", "end", "sessions"):
            for bad in ({**answer, name: None}, {**answer, name: [1]}):
                self.assertRaises(BadFrame, parseWelcome, bad)
            less = {key: value for key, value in answer.items() if key != name}
            self.assertRaises(BadFrame, parseWelcome, less)
        for wrong in ("x", float("nan"), float("inf")):
            bad = {**answer, "printed": wrong}
            self.assertRaises(BadFrame, parseWelcome, bad)
