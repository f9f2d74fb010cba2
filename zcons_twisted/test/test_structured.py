# -*- test-case-name: zcons_twisted.test.test_structured -*-
"""
Tests for L{zcons_twisted.structured}: how sessions that speak in frames begin, what
they get, and how they end.
"""

from __future__ import annotations

import os
import socket

from ..answers import startOffset
from ..console import SESSIONS_KEPT, SESSIONS_MAX
from ..credentials import Admission, Credentials, peerCredentials
from ..doors import console_socket
from ..events import ZoneEvent
from ..frames import (
    INPUT_MAX,
    Attach,
    FrameType,
    encodeFrame,
    encodeObject,
    parseOutput,
)
from ..history import HISTORY_MIN
from ..marks import Mark, MarkKind
from .structured_case import Attached, StructuredTestCase
from .support import OURS, numbered, splits


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
                "present": True,
                "note": "",
                "role": "operator",
                "birth": self.console.history.birth,
                "offset": HISTORY_MIN + 7,
                "oldest": 7,
                "end": HISTORY_MIN + 7,
                "printed": 0.0,
                "boot": [0, HISTORY_MIN],
                "operator": None,
                "sessions": 0,
            },
        )

    def test_note(self) -> None:
        """
        And what there is to know of the zone.
        """
        self.door.standing = lambda: "zone 'z' is down (exit status 3)"
        answer = self.join("watch").answer
        self.assertEqual(answer["note"], "zone 'z' is down (exit status 3)")

    def test_printed(self) -> None:
        """
        It is told when the zone printed something last, as far as that was seen.
        """
        self.assertIsNone(self.join("watch").answer["printed"])
        self.reactor.advance(5)
        self.device.zonePrints(b"x")
        self.reactor.advance(7)
        self.assertEqual(self.join("watch").answer["printed"], 5.0)

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

    def test_fullOfOthers(self) -> None:
        """
        For who is let in by the group there are some less: it keeps nobody else out.
        """
        self.assertEqual(SESSIONS_KEPT, 16)
        self.patch(console_socket, "SESSIONS_MAX", SESSIONS_KEPT + 1)
        other = Credentials(7, os.geteuid() + 1, os.getegid())
        self.patch(console_socket, "peerCredentials", lambda connection: other)
        self.patch(Admission, "admits", lambda admission, connection, who: True)
        self.join("watch")
        for refused in (self.attachBy(), self.attachBy(role="watch")):
            refused.frames()
            self.assertEqual(refused.answer["text"], "there are 1 sessions already")
        self.patch(console_socket, "peerCredentials", peerCredentials)
        self.join()

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
            self.assertEqual(startOffset(history, Attach(start=start)), 0)
        self.assertEqual(startOffset(history, Attach(start="boot")), 0)
        self.assertIsNone(startOffset(history, Attach()))

    def test_resume(self) -> None:
        """
        An offset that is not kept any more begins with a gap of what is missing.
        """
        self.device.zonePrints(numbered(0, 100))
        self.console.history.booted()
        self.device.zonePrints(numbered(100, HISTORY_MIN + 100))
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
            [
                *("booting", "rebooting", "halted", "readied", "boot-failed"),
                *("bad-args", "disconnected", "connected"),
            ],
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

    def test_reason(self) -> None:
        """
        It is told why the zone halted, and so is one that comes later.
        """
        asked, other = self.join(disconnect=True), self.join("watch")
        self.console.event(ZoneEvent.HALTED, "exit\r\nstatus 3\x1b")
        notice, _ = asked.told()
        why = "exit status 3\\x1b"
        self.assertEqual(notice[1]["arguments"], why)
        self.assertEqual(
            notice[1]["text"], f"NOTICE: Zone halted: {why}.  Disconnecting..."
        )
        for session in (other, self.attachBy(role="watch", start="all")):
            texts = [each[1]["text"] for each in session.told() if each[0] == "notice"]
            self.assertEqual(texts, [f"NOTICE: Zone halted: {why}"])

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
