# -*- test-case-name: zcons_twisted.test.test_console_socket -*-
"""
Tests for L{zcons_twisted.doors.console_socket}: who comes in, and how.
"""

from __future__ import annotations

import os
import socket

from ..events import ZoneEvent
from ..handshakes import HANDSHAKE_SECONDS
from ..history import HISTORY_MIN
from .door_case import DoorTestCase
from .support import OURS, splits


class HandshakeTests(DoorTestCase):
    """
    A peer says who it is, and is seated or refused.
    """

    def test_seated(self) -> None:
        """
        A peer that says who it is gets three bytes and the seat.
        """
        self.seat()
        operator = self.console.operator
        assert operator is not None
        self.assertEqual((operator.peer.who, operator.peer.told), (OURS, 7))
        self.assertEqual(len(self.handshakes), 0)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_splitAnywhere(self) -> None:
        """
        However its first line is cut, a peer is seated, and what follows is typed.
        """
        typed = b""
        for head, tail in splits(b"IDENT 7 C 0\nls\n"):
            peer = self.connect(head)
            self.say(peer, tail)
            self.assertEqual(self.got(peer), b"OK\n")
            peer.close()
            self.reactor.settle()
            typed += b"ls\n"
            self.assertEqual(self.device.written, typed)

    def test_dialects(self) -> None:
        """
        All three dialects are understood.
        """
        for line in (b"IDENT 7 C 1\n", b"IDENT C 1\n", b"IDENT 7 C\n"):
            self.seat(line).close()

    def test_locale(self) -> None:
        """
        A peer is spoken to in its locale's character set.
        """
        peer = self.seat(b"IDENT 7 de_DE.ISO8859-1 0\n")
        self.console.event(ZoneEvent.BAD_ARGS, "ü")
        self.assertEqual(
            self.got(peer),
            b"\r\n[WARNING: Ignoring invalid boot arguments: \xfc]\r\n",
        )

    def test_malformed(self) -> None:
        """
        A peer that says something else is closed without a byte, counted, and nobody
        else is disturbed.
        """
        seated = self.seat()
        seated.close()
        for number, line in enumerate((b"\n", b"GET / HTTP/1.0\n", b"x" * 1024), 1):
            self.assertIsNone(self.got(self.connect(line)))
            self.assertEqual(self.console.counters.malformed, number)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.seat()

    def test_silent(self) -> None:
        """
        A peer that says nothing is closed after ten seconds without a byte.
        """
        peer = self.connect()
        slow = self.connect(b"IDENT")
        self.reactor.advance(HANDSHAKE_SECONDS - 0.25)
        self.assertEqual((self.got(peer), self.got(slow)), (b"", b""))
        self.reactor.advance(0.25)
        self.assertEqual((self.got(peer), self.got(slow)), (None, None))
        self.assertEqual(self.console.counters.malformed, 2)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_slowIsNoExcuse(self) -> None:
        """
        A byte now and then prolongs nothing.
        """
        peer = self.connect()
        for byte in b"IDENT 7 C":
            self.reactor.advance(1)
            self.say(peer, bytes([byte]))
        self.reactor.advance(1)
        self.assertIsNone(self.got(peer))

    def test_tooMany(self) -> None:
        """
        Beyond the cap the peer that has waited longest is closed; the newcomer is
        seated.
        """
        silent = [self.connect() for _ in range(4)]
        self.seat()
        self.assertEqual([self.got(peer) for peer in silent], [None, b"", b"", b""])

    def test_neverPending(self) -> None:
        """
        A peer whose line is there when it is accepted costs nobody their place.
        """
        silent = [self.connect() for _ in range(3)]
        self.seat()
        self.assertEqual([self.got(peer) for peer in silent], [b"", b"", b""])
        self.assertEqual(len(self.handshakes), 3)

    def test_goneInTheMiddle(self) -> None:
        """
        A peer that goes in the middle of its line leaves nothing behind.
        """
        self.connect(b"IDENT 7").close()
        self.reactor.settle()
        self.assertEqual(len(self.handshakes), 0)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_noNewline(self) -> None:
        """
        A whole line that ends with the sending side is one, and its peer receives
        what the zone prints.
        """
        peer = self.connect(b"IDENT 7 C 1")
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(self.got(peer), b"OK\n")
        self.device.zonePrints(b"login: ")
        self.assertEqual(self.got(peer), b"login: ")
        self.assertIsNone(self.console.seat.holder())

    def test_noLine(self) -> None:
        """
        A peer that ends before it has said a line is closed without a byte.
        """
        for data in (b"", b"IDENT", b"nonsense"):
            peer = self.connect(data)
            peer.shutdown(socket.SHUT_WR)
            self.assertIsNone(self.got(peer))
        self.assertEqual(self.console.counters.malformed, 3)


class BusyTests(DoorTestCase):
    """
    A peer that finds the seat taken is told by whom.
    """

    def test_busy(self) -> None:
        """
        It gets the holder's pid, from the kernel, and is closed; the holder notices
        nothing.
        """
        holder = self.seat(b"IDENT 4711 C 0\n")
        peer = self.connect(b"IDENT 8 C 0\n")
        self.assertEqual(self.got(peer), b"%d\n" % os.getpid())
        self.assertIsNone(self.got(peer))
        self.assertEqual(self.got(holder), b"")
        self.assertEqual(self.console.counters.refused, 1)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_whateverTheLineSays(self) -> None:
        """
        Its line is not looked at, as in the C program.
        """
        self.seat()
        self.assertEqual(self.got(self.connect(b"nonsense\n")), b"%d\n" % os.getpid())

    def test_noNewline(self) -> None:
        """
        One that ends before its newline gets nothing.
        """
        self.seat()
        peer = self.connect(b"IDENT 7 C 0")
        peer.shutdown(socket.SHUT_WR)
        self.assertIsNone(self.got(peer))

    def test_silentPeersAreNotInTheWay(self) -> None:
        """
        Peers that say nothing cost the operator nothing.
        """
        holder = self.seat()
        for _ in range(3):
            self.connect()
        self.device.zonePrints(b"x")
        self.assertEqual(self.got(holder), b"x")
        self.say(holder, b"y")
        self.assertEqual(self.device.written, b"y")

    def test_deadHolder(self) -> None:
        """
        A holder that was killed makes room at once, and what it had typed last comes
        first.
        """
        holder = self.seat()
        newcomer = self.connect()
        holder.send(b"last words\n")
        holder.close()
        newcomer.send(b"IDENT 8 C 0\nfirst words\n")
        for listener in self.reactor.getReaders():
            # The newcomer's side is served first.
            listener.doRead()
        self.assertEqual(self.got(newcomer), b"OK\n")
        self.assertEqual(self.device.written, b"last words\nfirst words\n")

    def test_halfClosedHolder(self) -> None:
        """
        A holder that has closed its sending side makes room for one that types, and
        goes on receiving.
        """
        holder = self.seat()
        holder.shutdown(socket.SHUT_WR)
        self.reactor.settle()
        newcomer = self.seat()
        self.device.zonePrints(b"login: ")
        self.assertEqual(
            (self.got(holder), self.got(newcomer)), (b"login: ", b"login: ")
        )

    def test_pausedHolderFinished(self) -> None:
        """
        So does one whose end waits behind what the zone has not read, none of which is
        lost.
        """
        holder = self.seat()
        self.device.room = 0
        total = 0
        try:
            while True:
                total += holder.send(b"x" * 65536)
                self.reactor.settle()
        except BlockingIOError:
            pass
        holder.shutdown(socket.SHUT_WR)
        self.seat()
        self.assertEqual(self.got(holder), b"")
        self.device.zoneReads()
        self.assertEqual(self.device.written, b"x" * total)


class SeatedTests(DoorTestCase):
    """
    A seated peer has a byte pipe.
    """

    def test_bothWays(self) -> None:
        """
        What it sends is typed, what the zone prints it gets, byte for byte.
        """
        every = bytes(range(256))
        peer = self.seat()
        self.say(peer, every)
        self.device.zonePrints(every)
        self.assertEqual((self.device.written, self.got(peer)), (every, every))

    def test_left(self) -> None:
        """
        A peer that leaves is remembered as having left.
        """
        self.seat().close()
        self.reactor.settle()
        (ended,) = self.console.ended
        self.assertEqual((ended.reason.value, ended.text), ("left", "the client left"))

    def test_leftWhilePaused(self) -> None:
        """
        A peer that leaves while the zone does not read is noticed, and what it had
        typed is not lost.
        """
        peer = self.seat()
        self.device.room = 0
        self.say(peer, b"x" * 65536)
        self.say(peer, b"y")
        peer.send(b"last words\n")
        peer.close()
        self.reactor.settle()
        self.assertEqual(self.console.ended[0].reason.value, "left")
        self.device.zoneReads()
        self.assertEqual(self.device.written.lstrip(b"x"), b"ylast words\n")

    def test_lost(self) -> None:
        """
        A peer whose connection broke is remembered with the reason.
        """
        peer = self.seat()
        self.device.zonePrints(b"unread")
        peer.close()
        self.reactor.settle()
        (ended,) = self.console.ended
        self.assertEqual(
            (ended.reason.value, ended.text),
            ("lost", "connection lost: Connection reset by peer"),
        )

    def test_stalled(self) -> None:
        """
        A peer that stops to read holds the zone for a second, is told what it missed
        in its place, and goes on.
        """
        peer = self.seat()
        while self.device.reading:
            self.device.zonePrints(b"x" * 16384)
        self.reactor.advance(1)
        operator = self.console.operator
        assert operator is not None
        taken = operator.follower.cursor
        self.device.zonePrints(
            b"y" * (HISTORY_MIN + 6 + taken - self.console.history.end)
        )
        got = b""
        while piece := self.got(peer):
            got += piece
        self.assertEqual(
            got,
            b"x" * taken
            + b"\r\n[NOTICE: 6 bytes skipped]\r\n"
            + self.console.history.read(taken + 6, taken + 6 + HISTORY_MIN),
        )
        self.device.zonePrints(b"next")
        self.assertEqual(self.got(peer), b"next")
        self.reactor.advance(1)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
