# -*- test-case-name: zcons_twisted.test.test_structured -*-
"""
Tests for L{zcons_twisted.structured}: sessions that speak in frames, as peers have
them.
"""

from __future__ import annotations

import json
import os
import socket
from typing import Any

from ..console import SESSIONS_MAX
from ..doors import console_socket
from ..events import ZoneEvent
from ..frames import (
    INPUT_MAX,
    SERVER_TYPES,
    Frame,
    FrameReader,
    FrameType,
    encodeFrame,
    encodeObject,
    parseGap,
    parseOutput,
)
from ..history import HISTORY_MIN, Mark, MarkKind
from ..structured import startOffset
from .door_case import DoorTestCase
from .support import OURS, numbered, splits


class Attached:
    """
    A peer with a structured session.

    @ivar answer: the line that it was answered with.
    @ivar closed: whether its connection has ended.
    """

    def __init__(self, case: StructuredTestCase, peer: socket.socket) -> None:
        self.answer: dict[str, Any] = {}
        self.closed = False
        self.peer = peer
        self._case = case
        self._reader = FrameReader(SERVER_TYPES)

    def frames(self) -> list[Frame]:
        """
        What it got since it was asked last.
        """
        data = b""
        while (piece := self._case.got(self.peer)) is not None and piece:
            data += piece
        self.closed = self.closed or piece is None
        if not self.answer and data:
            line, _, data = data.partition(b"\n")
            self.answer = json.loads(line)
        return list(self._reader.feed(data))

    def told(self) -> list[tuple[Any, ...]]:
        """
        The same in a form that is easy to compare.
        """
        return [told(frame) for frame in self.frames()]

    def say(self, kind: FrameType, payload: bytes = b"", **given: Any) -> None:
        """
        Send a frame.
        """
        content = encodeObject(given) if given else payload
        self._case.say(self.peer, encodeFrame(kind, content))


def told(frame: Frame) -> tuple[Any, ...]:
    """
    A frame in a form that is easy to compare.
    """
    name = frame.type.name.lower()
    if frame.type is FrameType.OUTPUT:
        return (name, *parseOutput(frame.payload))
    if frame.type is FrameType.GAP:
        return (name, *parseGap(frame.payload))
    if frame.type is FrameType.PONG:
        return (name, frame.payload)
    content = json.loads(frame.payload)
    if frame.type is FrameType.OPERATOR:
        holder = content["operator"]
        return (name, content["role"], None if holder is None else holder["pid"])
    if frame.type is FrameType.ANSWER:
        return (name, content["request"], content["ok"], content["text"])
    if frame.type is FrameType.END:
        return (name, content["reason"], content["text"])
    return (name, content)


class StructuredTestCase(DoorTestCase):
    """
    A console socket that peers attach to.
    """

    def attachBy(self, **given: Any) -> Attached:
        """
        Somebody sends an C{ATTACH} line.
        """
        line = b"ATTACH " + encodeObject({"v": 1, **given}) + b"\n"
        return Attached(self, self.connect(line))

    def join(self, role: str = "operator", **given: Any) -> Attached:
        """
        Somebody attaches, is let in, and has been told what there is.
        """
        attached = self.attachBy(role=role, **given)
        attached.frames()
        self.assertTrue(attached.answer["ok"], attached.answer)
        return attached


class AnswerTests(StructuredTestCase):
    """
    An C{ATTACH} line is answered with one line.
    """

    def test_accepted(self) -> None:
        """
        Whoever is let in is told how the console is.
        """
        self.device.zonePrints(b"x" * (HISTORY_MIN + 7))
        attached = self.join()
        self.assertEqual(
            attached.answer,
            {
                "v": 1,
                "ok": True,
                "zone": "z",
                "state": "running",
                "role": "operator",
                "offset": HISTORY_MIN + 7,
                "oldest": 7,
                "end": HISTORY_MIN + 7,
                "boot": [0, HISTORY_MIN],
                "operator": None,
                "sessions": 0,
            },
        )

    def test_splitAnywhere(self) -> None:
        """
        However the line and what follows it is cut, it is understood.
        """
        stream = b'ATTACH {"v":1}\n' + encodeFrame(FrameType.INPUT, b"ls\n")
        typed = b""
        for head, tail in splits(stream):
            peer = self.connect(head)
            self.say(peer, tail)
            peer.close()
            self.reactor.settle()
            typed += b"ls\n"
            self.assertEqual(self.device.written, typed)

    def test_busy(self) -> None:
        """
        Whoever asks for the seat and finds it taken is told by whom.
        """
        self.reactor.advance(5)
        self.join()
        refused = self.attachBy()
        self.assertEqual(refused.frames(), [])
        self.assertEqual(
            refused.answer,
            {
                "v": 1,
                "ok": False,
                "reason": "busy",
                "text": f"{OURS} has the operator's seat",
                "operator": {"pid": OURS.pid, "uid": OURS.uid, "since": 5.0},
            },
        )
        self.assertTrue(refused.closed)
        self.assertEqual(self.console.counters.refused, 1)

    def test_malformed(self) -> None:
        """
        A line that is wrong is answered with what is, and nobody else is disturbed.
        """
        operator = self.join()
        for rest in (b"", b"{", b'{"v":0}', b'{"v":1,"role":"root"}'):
            refused = Attached(self, self.connect(b"ATTACH " + rest + b"\n"))
            self.assertEqual(refused.frames(), [])
            self.assertEqual(refused.answer["reason"], "malformed")
            self.assertTrue(refused.answer["text"] and refused.closed)
        self.assertEqual(self.console.counters.malformed, 4)
        self.assertEqual(operator.frames(), [])

    def test_dying(self) -> None:
        """
        A console in its death throes says so.
        """
        self.console.dying = True
        refused = self.attachBy(role="watch")
        refused.frames()
        self.assertEqual(refused.answer["reason"], "server-stopping")

    def test_full(self) -> None:
        """
        There are no more sessions than 256; of the legacy kind neither.
        """
        self.assertEqual(SESSIONS_MAX, 256)
        self.patch(console_socket, "SESSIONS_MAX", 2)
        for _ in range(2):
            self.join("watch")
        refused = self.attachBy(role="watch")
        refused.frames()
        self.assertEqual(refused.answer["reason"], "full")
        self.assertIsNone(self.got(self.connect(b"IDENT 7 C 0\n")))

    def test_noNewline(self) -> None:
        """
        A line without its newline is none.
        """
        peer = self.connect(b'ATTACH {"v":1}')
        peer.shutdown(socket.SHUT_WR)
        self.assertIsNone(self.got(peer))


class OutputTests(StructuredTestCase):
    """
    Output comes with its offsets, from where it was asked for.
    """

    def test_live(self) -> None:
        """
        It comes as it is printed.
        """
        self.device.zonePrints(b"before")
        watcher = self.join("watch")
        self.device.zonePrints(b"abc")
        self.device.zonePrints(b"de")
        self.assertEqual(watcher.told(), [("output", 6, b"abc"), ("output", 9, b"de")])

    def test_starts(self) -> None:
        """
        It begins with the last lines or bytes, at an offset, or with all there is.
        """
        self.device.zonePrints(b"one\ntwo\nlogin: ")
        for start, offset in (
            ("live", 15),
            ("all", 0),
            ({"lines": 1}, 8),
            ({"lines": 2}, 4),
            ({"bytes": 3}, 12),
            ({"bytes": 2**63}, 0),
            ({"offset": 5}, 5),
            ({"offset": 2**63}, 15),
        ):
            watcher = self.attachBy(role="watch", start=start)
            text = b"".join(parseOutput(f.payload)[1] for f in watcher.frames())
            self.assertEqual(watcher.answer["offset"], offset, start)
            self.assertEqual(text, b"one\ntwo\nlogin: "[offset:])
            watcher.peer.close()

    def test_startOfNothing(self) -> None:
        """
        Of an empty history everything begins at nothing.
        """
        history = self.console.history
        for start in ("all", ("lines", 5), ("bytes", 5), ("offset", 5)):
            self.assertEqual(startOffset(history, start), 0)
        self.assertIsNone(startOffset(history, "live"))

    def test_resume(self) -> None:
        """
        An offset that is not kept any more begins with a gap of what is missing.
        """
        self.device.zonePrints(numbered(0, HISTORY_MIN + 100))
        watcher = self.attachBy(role="watch", start={"offset": 60})
        gap, *rest = watcher.told()
        self.assertEqual(gap, ("gap", 60, 40))
        at = 100
        for name, offset, text in rest:
            self.assertEqual((name, offset), ("output", at))
            self.assertEqual(text, numbered(at, at + len(text)))
            at += len(text)
        self.assertEqual(at, HISTORY_MIN + 100)

    def test_notices(self) -> None:
        """
        Notices come in their place, with everything there is to tell.
        """
        self.reactor.advance(5)
        watcher = self.join("watch")
        self.device.zonePrints(b"abc")
        self.console.event(ZoneEvent.BOOTING, "-s\x1b")
        self.device.zonePrints(b"def")
        self.assertEqual(
            watcher.told(),
            [
                ("output", 0, b"abc"),
                (
                    "notice",
                    {
                        "event": "booting",
                        "text": "NOTICE: Zone booting up with arguments: -s\\x1b",
                        "time": 5.0,
                        "offset": 3,
                        "arguments": "-s\x1b",
                    },
                ),
                ("output", 3, b"def"),
            ],
        )

    def test_everyEvent(self) -> None:
        """
        Every event that sessions are told of has its name.
        """
        watcher = self.join("watch")
        for event in ZoneEvent:
            if event not in (ZoneEvent.NULL, ZoneEvent.UNINSTALLING):
                self.console.event(event)
        self.assertEqual(
            [content["event"] for _, content in watcher.told()],
            ["booting", "rebooting", "halted", "readied", "boot-failed", "bad-args"],
        )

    def test_lostOutput(self) -> None:
        """
        Output that was lost before it could be kept is a gap.
        """
        self.console.history.mark(Mark(0, 0.0, MarkKind.GAP, 77, ""))
        watcher = self.attachBy(role="watch", start="all")
        self.assertEqual(watcher.told(), [("gap", 0, 77)])


class ReplayTests(StructuredTestCase):
    """
    A newcomer may ask for more than its connection takes at once.
    """

    ring = 1024 * 1024

    def test_behindFromTheBeginning(self) -> None:
        """
        One that is still behind with what it asked for gets what is printed meanwhile
        behind it, as a watcher and as the operator.
        """
        for role in ("watch", "operator"):
            end = self.console.history.end
            self.device.zonePrints(numbered(end, end + 900_000))
            attached = Attached(
                self,
                self.connect(
                    b"ATTACH " + encodeObject({"role": role, "start": "all"}) + b"\n"
                ),
            )
            (session,) = self.console.sessions
            self.assertTrue(session.follower.behind)
            at = self.console.history.oldest
            start = self.console.history.end
            self.console.output(numbered(start, start + 1000))
            while frames := attached.told():
                for name, offset, data in frames:
                    if name == "output":
                        self.assertEqual(offset, at)
                        at += len(data)
                        self.assertEqual(data, numbered(offset, at))
                    else:
                        self.assertEqual(name, "operator")
            self.assertEqual(at, self.console.history.end)
            self.assertFalse(session.follower.behind)
            attached.peer.close()
            self.reactor.settle()


class RequestTests(StructuredTestCase):
    """
    What a session asks for is done or refused, and answered.
    """

    def test_input(self) -> None:
        """
        What the operator types goes to the zone; what a watcher types does not.
        """
        every = bytes(range(256))
        operator, watcher = self.join(), self.join("watch")
        operator.say(FrameType.INPUT, every)
        watcher.say(FrameType.INPUT, b"rm -rf /\n")
        self.assertEqual(self.device.written, every)
        self.assertEqual(
            watcher.told(), [("answer", "input", False, "only the operator may type")]
        )
        self.assertEqual(operator.told(), [])

    def test_ping(self) -> None:
        """
        A ping comes back as it is.
        """
        watcher = self.join("watch")
        for payload in (b"", b"\0" * 64):
            watcher.say(FrameType.PING, payload)
            self.assertEqual(watcher.told(), [("pong", payload)])

    def test_window(self) -> None:
        """
        The zone has the size of the operator's terminal, from the beginning, and on
        every device.
        """
        operator = self.join(rows=40, columns=100)
        self.assertEqual(self.device.window, (40, 100))
        operator.say(FrameType.WINDOW, rows=50, columns=132)
        self.assertEqual(self.device.window, (50, 132))
        operator.say(FrameType.WINDOW, rows=0, columns=10)
        self.join("watch", rows=1, columns=1).say(FrameType.WINDOW, rows=2, columns=2)
        self.assertEqual(self.device.window, (50, 132))
        self.device.fail()
        self.reactor.advance(1)
        self.assertEqual(self.device.window, (50, 132))

    def test_windowOfTheNextOperator(self) -> None:
        """
        Who gets the seat gets the zone at its own size.
        """
        self.join(rows=40, columns=100)
        watcher = self.join("watch", rows=24, columns=80)
        watcher.say(FrameType.WINDOW, rows=25, columns=81)
        self.assertEqual(self.device.window, (40, 100))
        watcher.say(FrameType.SEAT, want="take")
        self.assertEqual(self.device.window, (25, 81))

    def test_break(self) -> None:
        """
        A break is sent where the device has one, by the operator alone.
        """
        operator, watcher = self.join(), self.join("watch")
        operator.say(FrameType.BREAK)
        self.assertEqual(
            operator.told(),
            [("answer", "break", False, "a device in memory has no break")],
        )
        self.device.breaks = 0
        operator.say(FrameType.BREAK)
        watcher.say(FrameType.BREAK)
        self.assertEqual(operator.told(), [("answer", "break", True, "")])
        self.assertEqual(
            watcher.told(),
            [("answer", "break", False, "only the operator may send a break")],
        )
        self.assertEqual(self.device.breaks, 1)
        self.device.fail()
        operator.say(FrameType.BREAK)
        self.assertEqual(
            operator.told(), [("answer", "break", False, "the device is not open")]
        )

    def test_leave(self) -> None:
        """
        Whoever leaves is told that it did.
        """
        operator = self.join()
        operator.say(FrameType.LEAVE)
        self.assertEqual(operator.told(), [("end", "left", "the client left")])
        self.assertTrue(operator.closed)
        self.assertEqual(self.console.ended[0].reason.value, "left")


class SeatTests(StructuredTestCase):
    """
    The seat goes from one to another, and everybody is told.
    """

    def test_told(self) -> None:
        """
        Everybody learns who has the seat, and what they are themselves.
        """
        watcher = self.join("watch")
        operator = self.attachBy()
        self.assertEqual(operator.told(), [("operator", "operator", os.getpid())])
        self.assertEqual(watcher.told(), [("operator", "watch", os.getpid())])
        operator.peer.close()
        self.assertEqual(watcher.told(), [("operator", "watch", None)])

    def test_giveUp(self) -> None:
        """
        An operator that gives up its seat goes on as a watcher.
        """
        operator = self.join()
        operator.say(FrameType.SEAT, want="watch")
        self.assertEqual(
            operator.told(),
            [("operator", "watch", None), ("answer", "seat", True, "")],
        )
        operator.say(FrameType.INPUT, b"x")
        self.device.zonePrints(b"abc")
        self.assertEqual([each[0] for each in operator.told()], ["answer", "output"])
        self.assertEqual(self.device.written, b"")

    def test_claim(self) -> None:
        """
        A watcher gets the seat where it is free, and is told who has it where it is
        not.
        """
        operator, watcher = self.join(), self.join("watch")
        watcher.say(FrameType.SEAT, want="operator")
        self.assertEqual(
            watcher.told(),
            [("answer", "seat", False, f"{OURS} has the operator's seat")],
        )
        operator.say(FrameType.SEAT, want="watch")
        watcher.frames()
        watcher.say(FrameType.SEAT, want="operator")
        self.assertEqual(
            watcher.told(),
            [("operator", "operator", os.getpid()), ("answer", "seat", True, "")],
        )
        watcher.say(FrameType.INPUT, b"mine")
        self.assertEqual(self.device.written, b"mine")

    def test_claimAgain(self) -> None:
        """
        Who has the seat may ask for it.
        """
        operator = self.join()
        for want in ("operator", "take"):
            operator.say(FrameType.SEAT, want=want)
            self.assertEqual(operator.told(), [("answer", "seat", True, "")])

    def test_take(self) -> None:
        """
        The seat can be taken over; the one who had it is ended and told by whom.
        """
        former = self.join()
        other = self.join("watch")
        taker = self.attachBy(role="take")
        self.assertEqual(taker.told(), [("operator", "operator", os.getpid())])
        self.assertEqual(taker.answer["role"], "operator")
        self.assertEqual(
            former.told(), [("end", "taken-over", f"taken over by {OURS}")]
        )
        self.assertTrue(former.closed)
        self.assertEqual(
            other.told(),
            [("operator", "watch", None), ("operator", "watch", os.getpid())],
        )
        self.assertEqual(self.console.ended[0].reason.value, "taken-over")

    def test_takeFromLegacy(self) -> None:
        """
        So it can from a legacy session, whose connection ends; what it typed last
        goes to the zone first.
        """
        former = self.seat()
        former.send(b"last words\n")
        taker = self.attachBy(role="take")
        taker.frames()
        self.assertIsNone(self.got(former))
        taker.say(FrameType.INPUT, b"first words\n")
        self.assertEqual(self.device.written, b"last words\nfirst words\n")

    def test_takenFromAWatcher(self) -> None:
        """
        An attached watcher can take it, too.
        """
        former, watcher = self.join(), self.join("watch")
        watcher.say(FrameType.SEAT, want="take")
        self.assertEqual(former.told()[-1][:2], ("end", "taken-over"))
        self.assertEqual(watcher.told()[-1], ("answer", "seat", True, ""))

    def test_lastFramesOfTheTaken(self) -> None:
        """
        What the former operator had sent may be anything, the seat included.
        """
        former = self.join()
        former.peer.send(
            encodeFrame(FrameType.INPUT, b"last")
            + encodeFrame(FrameType.SEAT, b'{"want":"take"}')
            + encodeFrame(FrameType.SEAT, b'{"want":"watch"}')
            + encodeFrame(FrameType.LEAVE)
            + b"\xff\0\0\0"
        )
        taker = self.attachBy(role="take")
        taker.frames()
        taker.say(FrameType.INPUT, b"mine")
        self.assertIn(b"last", self.device.written)
        self.assertTrue(self.device.written.endswith(b"mine"))
        self.assertEqual(len(self.console.sessions), 1)
        self.assertEqual(len(self.console.ended), 1)

    def test_halfClosed(self) -> None:
        """
        An operator that closes its sending side gives up the seat and goes on
        receiving.
        """
        operator, watcher = self.join(), self.join("watch")
        operator.peer.shutdown(socket.SHUT_WR)
        self.assertEqual(operator.told(), [("operator", "watch", None)])
        self.device.zonePrints(b"abc")
        self.assertEqual(operator.told(), [("output", 0, b"abc")])
        self.assertEqual(watcher.told()[0], ("operator", "watch", None))


class EndTests(StructuredTestCase):
    """
    A session that ends is told why, last of all.
    """

    def test_halted(self) -> None:
        """
        One that asked for it ends when the zone halts, behind the notice.
        """
        asked, other = self.join(disconnect=True), self.join("watch")
        self.console.event(ZoneEvent.HALTED)
        notice, end = asked.told()
        self.assertEqual(notice[1]["text"], "NOTICE: Zone halted.  Disconnecting...")
        self.assertEqual(end, ("end", "halted", "the zone halted"))
        self.assertEqual(other.told()[0][1]["text"], "NOTICE: Zone halted")
        self.assertFalse(other.closed)

    def test_stopping(self) -> None:
        """
        All end when the server stops.
        """
        operator, watcher = self.join(), self.join("watch")
        self.door.stop("the server stops")
        end = ("end", "server-stopping", "the server stops")
        self.assertEqual(operator.told()[-1], end)
        self.assertEqual(watcher.told()[-1], end)

    def test_malformed(self) -> None:
        """
        What may not be sent ends that session with the reason, and nobody else's.
        """
        operator = self.join()
        for data in (
            b"\0\0\0\0",
            b"\xff\0\0\0",
            b"\x01\0\0\0",
            b"IDENT 7 C 0\n",
            b"\x41" + (INPUT_MAX + 1).to_bytes(3, "big"),
            encodeFrame(FrameType.PING, bytes(65)),
            encodeFrame(FrameType.SEAT, b"{}"),
            encodeFrame(FrameType.SEAT, b'{"want":["take"]}'),
            encodeFrame(FrameType.SEAT, b"\xff"),
            encodeFrame(FrameType.WINDOW, b"{}"),
            encodeFrame(FrameType.WINDOW, b'{"rows":1.5,"columns":1}'),
            encodeFrame(FrameType.WINDOW, b'{"rows":true,"columns":1}'),
            encodeFrame(FrameType.WINDOW, b'{"rows":65536,"columns":1}'),
            encodeFrame(FrameType.WINDOW, b'{"rows":-1,"columns":1}'),
            encodeFrame(FrameType.WINDOW, b"[" * 30_000),
        ):
            watcher = self.join("watch")
            self.say(watcher.peer, data)
            (end,) = watcher.told()
            self.assertEqual(end[:2], ("end", "malformed"), data)
            self.assertIn("malformed input: ", end[2])
            self.assertTrue(watcher.closed)
        self.assertEqual(operator.told(), [])
        operator.say(FrameType.INPUT, b"still here")
        self.assertEqual(self.device.written, b"still here")

    def test_tooSlow(self) -> None:
        """
        One that asks more than it takes answers for is ended, and nobody else.
        """
        operator, watcher = self.join(), self.join("watch")
        ping = encodeFrame(FrameType.PING, bytes(64)) * 500
        for _ in range(200):
            try:
                watcher.peer.send(ping)
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                pass
            self.reactor.settle()
            if len(self.console.sessions) == 1:
                break
        (ended,) = self.console.ended
        self.assertEqual(
            (ended.reason.value, ended.text),
            ("too-slow", "it took no answers to what it asked"),
        )
        self.device.zonePrints(b"abc")
        self.assertEqual(operator.told(), [("output", 0, b"abc")])
        self.reactor.advance(3)

    def test_frozenWatcher(self) -> None:
        """
        A watcher that does not read paces nothing, and gets what the ring has with a
        gap of exactly what it has not.
        """
        operator, watcher = self.join(), self.join("watch")
        end, seen = 0, b""
        for _ in range(100):
            self.device.zonePrints(numbered(end, end + 16_384))
            end += 16_384
            for _, _, text in operator.told():
                seen += text
            self.assertTrue(self.device.reading)
        self.assertEqual(seen, numbered(0, end))
        at = 0
        while at < end:
            for name, offset, data in watcher.told():
                self.assertEqual(offset, at)
                at += len(data) if name == "output" else data
                if name == "output":
                    self.assertEqual(data, numbered(offset, at))
        self.assertGreater(dict(self.console.totals())["skipped"], 0)
