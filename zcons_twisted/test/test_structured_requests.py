# -*- test-case-name: zcons_twisted.test.test_structured_requests -*-
"""
Tests for L{zcons_twisted.structured}: what sessions ask for, and the seat.
"""

from __future__ import annotations

import os
import socket

from ..announcer import ANNOUNCE_SECONDS
from ..credentials import Credentials
from ..frames import SERVER_TYPES, FrameReader, FrameType, encodeFrame
from ..structured import REQUESTS_MAX
from .structured_case import StructuredTestCase
from .support import OURS


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

    def test_confirm(self) -> None:
        """
        The operator is told when the zone has what it typed: at once, or when the zone
        reads; of what was asked before that, the last.
        """
        operator, watcher = self.join(), self.join("watch")
        operator.say(FrameType.INPUT, b"ls\n")
        operator.say(FrameType.CONFIRM, b"1" * 64)
        self.assertEqual(operator.told(), [("confirmed", b"1" * 64)])
        self.device.room = 2
        operator.say(FrameType.INPUT, b"exit\n")
        operator.say(FrameType.CONFIRM, b"2")
        operator.say(FrameType.CONFIRM, b"3")
        operator.say(FrameType.INPUT, b"more\n")
        self.assertEqual(operator.told(), [])
        self.device.zoneReads(2)
        self.assertEqual(operator.told(), [])
        self.device.zoneReads(1)
        self.assertEqual(operator.told(), [("confirmed", b"3")])
        self.device.zoneReads(9)
        self.assertEqual(operator.told(), [])
        watcher.say(FrameType.CONFIRM)
        self.assertEqual(
            watcher.told(), [("answer", "confirm", False, "only the operator may type")]
        )
        watcher.say(FrameType.CONFIRM, b"x" * 65)
        text = "malformed input: a request to confirm of more than 64 bytes"
        self.assertEqual(watcher.told(), [("end", "malformed", text)])

    def test_confirmNobody(self) -> None:
        """
        Who has left the seat, or gone, is not told any more.
        """
        for leave in (FrameType.SEAT, FrameType.LEAVE):
            operator = self.join()
            self.device.room = 0
            operator.say(FrameType.INPUT, b"exit\n")
            operator.say(FrameType.CONFIRM, b"2")
            if leave is FrameType.SEAT:
                operator.say(leave, want="watch")
            else:
                operator.say(leave)
            operator.told()
            self.device.zoneReads()
            self.assertEqual(operator.told(), [])

    def test_limits(self) -> None:
        """
        The limit is the documented one.
        """
        self.assertEqual(REQUESTS_MAX, 64)

    def test_manyAtOnce(self) -> None:
        """
        So many requests are worked off in a turn; the rest comes in the next ones, in
        order, and before what is sent meanwhile.
        """
        watcher = self.join("watch")
        count = 2 * REQUESTS_MAX + 3
        watcher.peer.send(
            b"".join(encodeFrame(FrameType.PING, b"%d" % n) for n in range(count - 1))
        )
        reader = FrameReader(SERVER_TYPES)
        self.reactor.pump()
        got = list(reader.feed(watcher.peer.recv(1 << 16)))
        self.assertEqual(len(got), 64)
        watcher.peer.send(encodeFrame(FrameType.PING, b"%d" % (count - 1)))
        self.reactor.settle()
        got += reader.feed(watcher.peer.recv(1 << 16))
        self.assertEqual([int(frame.payload) for frame in got], list(range(count)))

    def test_manyAndAnEnd(self) -> None:
        """
        What an operator typed before it went reaches the zone, in however many frames.
        """
        operator = self.join()
        keys = bytes(range(256)) * 2
        operator.peer.send(
            b"".join(encodeFrame(FrameType.INPUT, b"%c" % key) for key in keys)
        )
        operator.peer.close()
        self.reactor.settle()
        self.assertEqual(self.device.written, keys)
        self.assertEqual(self.console.ended[0].reason.value, "closed")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_manyAndTaken(self) -> None:
        """
        The same where somebody takes the seat meanwhile, in however many frames it
        was.
        """
        operator = self.join()
        keys = bytes(range(256)) * 60
        operator.peer.send(
            b"".join(encodeFrame(FrameType.INPUT, b"%c" % key) for key in keys)
        )
        self.reactor.pump()
        self.assertEqual(len(self.device.written), REQUESTS_MAX)
        self.join("take")
        self.assertEqual(self.device.written, keys)

    def test_typedBehindTheEnd(self) -> None:
        """
        What one types that has given up the seat is typed by no operator, even where
        it has closed its sending side behind that.
        """
        for leaves in (
            encodeFrame(FrameType.SEAT, b'{"want":"watch"}'),
            encodeFrame(FrameType.LEAVE),
        ):
            self.setUp()
            operator = self.join()
            before = encodeFrame(FrameType.INPUT, b"before") * 70
            after = encodeFrame(FrameType.INPUT, b"after")
            operator.peer.send(before + leaves + after)
            operator.peer.shutdown(socket.SHUT_WR)
            self.reactor.settle()
            self.assertEqual(self.device.written, b"before" * 70)

    def test_othersBehindTheEnd(self) -> None:
        """
        Whatever else one asked for that stays is answered still.
        """
        operator = self.join()
        ping = encodeFrame(FrameType.PING, b"1") * REQUESTS_MAX
        typed = encodeFrame(FrameType.INPUT, b"typed")
        operator.peer.send(ping + typed + ping + typed)
        operator.peer.shutdown(socket.SHUT_WR)
        self.reactor.settle()
        self.assertEqual(self.device.written, b"typedtyped")
        reader = FrameReader(SERVER_TYPES)
        got = [frame.type for frame in reader.feed(operator.peer.recv(1 << 16))]
        self.assertEqual(got.count(FrameType.PONG), 2 * REQUESTS_MAX)

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
        self.reactor.settle()
        self.assertEqual(watcher.told(), [])
        self.reactor.advance(ANNOUNCE_SECONDS)
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

    def test_typedBehindGivingUp(self) -> None:
        """
        What an operator sends behind giving up its seat it sends as a watcher, even
        where it had come already.
        """
        operator = self.join()
        leave = encodeFrame(FrameType.SEAT, b'{"want":"watch"}')
        first = encodeFrame(FrameType.INPUT, b"x" * 32768)
        # The request ends where one receive does, so that the rest still waits.
        size = 65536 - len(first) - len(leave) - 4
        operator.peer.send(
            first
            + encodeFrame(FrameType.INPUT, b"x" * size)
            + leave
            + encodeFrame(FrameType.INPUT, b"late")
        )
        self.assertEqual(
            [each[0] for each in operator.told()], ["operator", "answer", "answer"]
        )
        self.assertEqual(self.device.written, b"x" * (32768 + size))

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
        self.assertEqual(other.told(), [("operator", "watch", os.getpid())])
        self.assertEqual(self.console.ended[0].reason.value, "taken-over")

    def test_takeFromLegacy(self) -> None:
        """
        So it can from a legacy session, which is told by whom before its connection
        ends; what it typed last goes to the zone first.
        """
        former = self.seat()
        former.send(b"last words\n")
        taker = self.attachBy(role="take")
        taker.frames()
        told = Credentials(os.getpid(), os.geteuid(), os.getegid())
        notice = f"\r\n[NOTICE: Console taken over by {told}]\r\n"
        self.assertEqual(self.got(former), notice.encode())
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
