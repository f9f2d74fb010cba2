# -*- test-case-name: zcons_twisted.test.test_control_pipeline -*-
"""
Tests for L{zcons_twisted.doors.control_link}: one command at a time.
"""

from __future__ import annotations

import socket

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.protocols.amp import AmpBox, parseString
from zope.interface.verify import verifyClass

from ..doors.commands import Boot, Detach
from ..doors.control_link import IDLE_SECONDS
from ..doors.control_protocol import ControlProtocol
from ..doors.farewell import LINGER_SECONDS
from .control_case import ControlTestCase


class PipelineTests(ControlTestCase):
    """
    A peer may send several commands; they are done one after the other.
    """

    def answers(self, peer: socket.socket) -> list[bytes]:
        """
        @return: the numbers of the commands that were answered.
        """
        self.reactor.settle()
        try:
            boxes = parseString(peer.recv(1 << 20))
        except BlockingIOError:
            return []
        return [box.get(b"_answer") or box[b"_error"] for box in boxes]

    def asks(self, *names: bytes) -> bytes:
        """
        Several commands in one piece, numbered from 1.
        """
        return b"".join(
            AmpBox(_ask=b"%d" % number, _command=name).serialize()
            for number, name in enumerate(names, 1)
        )

    def test_interface(self) -> None:
        """
        A connection waits for its answers to be taken.
        """
        verifyClass(IPushProducer, ControlProtocol)

    def test_inOrder(self) -> None:
        """
        All are answered, in order.
        """
        peer = self.connect()
        peer.send(self.asks(b"Status", b"Detach", b"Halt", b"Status"))
        self.assertEqual(self.answers(peer), [b"1", b"2", b"3", b"4"])

    def test_oneAtATime(self) -> None:
        """
        While one is under way the next ones wait.
        """
        booted = self.life.pending = Deferred()
        peer = self.connect()
        peer.send(self.asks(b"Boot", b"Halt", b"Status"))
        self.assertEqual((self.answers(peer), self.life.calls), ([], [("boot", "")]))
        booted.callback("zone booted")
        self.assertEqual(self.answers(peer), [b"1", b"2", b"3"])

    def test_peerWaits(self) -> None:
        """
        Meanwhile no more is taken from the peer than what was on its way, and its
        commands are done in the end.
        """
        booted = self.life.pending = Deferred()
        peer = self.connect()
        self.ask(peer, Boot)
        sent = 0
        data = self.asks(*[b"Detach"] * 100)
        try:
            while True:
                sent += peer.send(data)
                self.reactor.settle()
        except BlockingIOError:
            pass
        self.assertLess(sent, 2_000_000)
        booted.callback("zone booted")
        self.assertIn(b"1", self.answers(peer))
        self.assertFalse(self.gone(peer))

    def test_answersNotTaken(self) -> None:
        """
        A peer that asks and asks, and takes no answers, is answered no more until it
        does.
        """
        peer = self.connect()
        data = self.asks(*[b"Status"] * 1000)
        try:
            while True:
                peer.send(data)
                self.reactor.settle()
        except BlockingIOError:
            pass
        taken = b""
        try:
            while True:
                taken += peer.recv(1 << 20)
                self.reactor.settle()
        except BlockingIOError:
            pass
        self.assertGreater(len(taken), 100_000)
        self.assertFalse(self.gone(peer))

    def test_goneWhileWaiting(self) -> None:
        """
        A peer that goes while its commands wait harms nothing.
        """
        booted = self.life.pending = Deferred()
        peer = self.connect()
        peer.send(self.asks(b"Boot", b"Halt"))
        self.reactor.settle()
        peer.close()
        self.reactor.settle()
        booted.callback("zone booted")
        self.reactor.settle()
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_answersToNothing(self) -> None:
        """
        A peer that answers what nobody asked is closed.
        """
        for box in (AmpBox(_answer=b"1"), AmpBox(_error=b"1"), AmpBox(a=b"b")):
            peer = self.connect()
            peer.send(box.serialize())
            self.assertTrue(self.gone(peer))
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_unknownCommand(self) -> None:
        """
        A command that there is not is answered as such.
        """
        peer = self.connect()
        peer.send(self.asks(b"Explode", b"Status"))
        self.assertEqual(self.answers(peer), [b"1", b"2"])


class LeaveTests(ControlTestCase):
    """
    A door that closes lets go of its peers in good order.
    """

    def test_answerBeforeTheEnd(self) -> None:
        """
        An answer that was given comes before the end of the connection.
        """
        self.attach()
        peer = self.connect()
        self.ask(peer, Detach)
        stopped = self.door.stop()
        self.assertIn("detached", self.answer(peer, Detach)["message"])
        self.assertTrue(self.gone(peer))
        self.successResultOf(stopped)

    def test_lingersNotForEver(self) -> None:
        """
        A peer that does not take its answers is given two seconds.
        """
        peer = self.connect()
        box = AmpBox(_ask=b"1", _command=b"Status").serialize()
        try:
            while True:
                peer.send(box * 1000)
                self.reactor.settle()
        except BlockingIOError:
            pass
        stopped = self.door.stop()
        self.reactor.settle()
        self.assertNoResult(stopped)
        self.reactor.advance(LINGER_SECONDS)
        self.reactor.settle()
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_idleAtTheSameTime(self) -> None:
        """
        A peer that was quiet for too long just when the door closes is gone once.
        """
        peer = self.connect()
        self.reactor.callLater(IDLE_SECONDS, self.door.stop)
        self.reactor.advance(IDLE_SECONDS)
        self.assertTrue(self.gone(peer))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_busy(self) -> None:
        """
        A command that is still under way does not keep the door from closing.
        """
        booted = self.life.pending = Deferred()
        peer = self.connect()
        self.ask(peer, Boot)
        stopped = self.door.stop()
        self.reactor.settle()
        self.successResultOf(stopped)
        self.assertTrue(self.gone(peer))
        booted.callback("zone booted")
        self.reactor.settle()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
