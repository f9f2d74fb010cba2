# -*- test-case-name: zcons_twisted.test.test_peer -*-
"""
Tests for L{zcons_twisted.doors.peer}: sending, receiving, and a peer that goes.
"""

from __future__ import annotations

import socket

from twisted.internet.interfaces import IReadDescriptor, IWriteDescriptor
from zope.interface.verify import verifyObject

from ..doors.peer import PeerSocket
from .peer_case import PeerTestCase


class SendTests(PeerTestCase):
    """
    What can be sent is sent at once.
    """

    def test_interfaces(self) -> None:
        """
        A connection is something to read and to write for a reactor, and says what it
        is.
        """
        verifyObject(IReadDescriptor, self.peer)
        verifyObject(IWriteDescriptor, self.peer)
        self.assertEqual(self.peer.logPrefix(), "console peer")

    def test_now(self) -> None:
        """
        The peer gets it without a turn of the reactor.
        """
        self.assertEqual(self.peer.sendNow(b"login: "), 7)
        self.assertEqual(self.theirs.recv(100), b"login: ")

    def test_partial(self) -> None:
        """
        A peer that does not read gets as much as fits, and then nothing.
        """
        total = self.fill()
        self.assertEqual(self.peer.sendNow(b"x"), 0)
        self.assertEqual(len(self.read()), total)

    def test_writable(self) -> None:
        """
        Who asks is told once when more can be sent, and not before.
        """
        self.fill()
        self.peer.wantWritable()
        self.reactor.pump()
        self.assertEqual(self.receiver.said, [])
        self.read()
        self.reactor.settle()
        self.assertEqual(self.receiver.said, ["writable"])
        self.assertEqual(self.reactor.getWriters(), [])

    def test_unread(self) -> None:
        """
        How much the peer has not read is known.
        """
        self.peer.sendNow(b"x" * 1000)
        self.assertEqual(self.peer.unread(), 1000)
        self.theirs.recv(400)
        self.assertEqual(self.peer.unread(), 600)

    def test_nobodyReceives(self) -> None:
        """
        What is sent to a peer that has gone counts as taken, and its end is told later,
        not by the sender.
        """
        self.theirs.close()
        self.assertEqual(self.peer.sendNow(b"x" * 100), 100)
        self.assertEqual(self.receiver.said, [])
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [("lost", "")])
        self.assertOver()

    def test_lastWords(self) -> None:
        """
        What a peer had sent before it went is told before its end, even if the end was
        noticed by sending.
        """
        self.theirs.send(b"last words\n")
        self.theirs.close()
        self.peer.sendNow(b"x")
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [b"last words\n", ("lost", "")])


class ReceiveTests(PeerTestCase):
    """
    What a peer sends is handed on, unless it is paused.
    """

    def test_received(self) -> None:
        """
        What it sends comes as it came.
        """
        self.theirs.send(b"ls\n")
        self.reactor.pump()
        self.assertEqual(self.receiver.said, [b"ls\n"])

    def test_nothing(self) -> None:
        """
        A call for nothing does no harm.
        """
        self.peer.doRead()
        self.assertEqual(self.receiver.said, [])

    def test_paused(self) -> None:
        """
        Nothing is taken from a paused peer until it may go on.
        """
        self.peer.pauseReading()
        self.theirs.send(b"ls\n")
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [])
        self.peer.resumeReading()
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [b"ls\n"])

    def test_breathe(self) -> None:
        """
        After a breath the receiver is called before anything more is taken.
        """
        self.peer.breathe()
        self.peer.breathe()
        self.theirs.send(b"ls\n")
        self.reactor.pump()
        self.assertEqual(self.receiver.said[:1], [b""])
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [b"", b"ls\n"])

    def test_breatheWhilePaused(self) -> None:
        """
        A breath makes no paused peer go on, nor does it wait for a paused one.
        """
        self.peer.breathe()
        self.peer.pauseReading()
        self.theirs.send(b"ls\n")
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [b""])
        self.peer.breathe()
        self.peer.resumeReading()
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [b"", b"", b"ls\n"])

    def test_breatheAndClose(self) -> None:
        """
        Nothing is said after the end.
        """
        self.peer.breathe()
        self.peer.close()
        self.peer.breathe()
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_newReceiver(self) -> None:
        """
        The receiver may change at any time.
        """
        first, self.peer.receiver = self.receiver, type(self.receiver)()
        self.theirs.send(b"ls\n")
        self.reactor.pump()
        self.assertEqual(first.said, [])

    def test_drain(self) -> None:
        """
        What was sent and not taken can be had at once.
        """
        self.theirs.send(b"a" * 70_000)
        self.theirs.send(b"b")
        self.assertEqual(self.peer.drain(), b"a" * 70_000 + b"b")
        self.assertEqual(self.peer.drain(), b"")

    def test_drainOfTheDead(self) -> None:
        """
        So can what a dead peer had sent.
        """
        self.theirs.send(b"last words\n")
        self.theirs.close()
        self.assertEqual(self.peer.drain(), b"last words\n")

    def test_drainIsBounded(self) -> None:
        """
        A peer that sends without end is not drained without end.
        """
        sent = 0

        class Endless(socket.socket):
            """
            A peer that always sends.
            """

            def recv(self, size: int, flags: int = 0) -> bytes:
                nonlocal sent
                sent += size
                return b"x" * size

        with Endless() as connection:
            peer = PeerSocket(self.reactor, connection)
            self.assertEqual(len(peer.drain()), 512 * 1024)


class GivenBackTests(PeerTestCase):
    """
    What somebody else received is the receiver's, before anything else.
    """

    def test_atOnce(self) -> None:
        """
        A receiver that takes something gets it at once.
        """
        self.theirs.send(b"more")
        self.peer.giveBack(b"first")
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [b"first", b"more"])

    def test_paused(self) -> None:
        """
        One that is paused gets it when it goes on.
        """
        self.peer.pauseReading()
        self.peer.giveBack(b"first")
        self.theirs.send(b"more")
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [])
        self.peer.resumeReading()
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [b"first", b"more"])

    def test_pausedAgain(self) -> None:
        """
        One that is paused again before it got it does not get it, nor lose it.
        """
        self.peer.pauseReading()
        self.peer.giveBack(b"first")
        self.peer.resumeReading()
        self.peer.pauseReading()
        self.reactor.settle()
        self.assertNotIn(b"first", self.receiver.said)
        self.peer.resumeReading()
        self.reactor.settle()
        self.assertIn(b"first", self.receiver.said)

    def test_drained(self) -> None:
        """
        Who takes what nobody has taken gets it first.
        """
        self.peer.pauseReading()
        self.peer.giveBack(b"first")
        self.theirs.send(b"more")
        self.assertEqual(self.peer.drain(), b"firstmore")
        self.assertEqual(self.peer.drain(), b"")

    def test_halfClosed(self) -> None:
        """
        One that has closed its sending side meanwhile gets it all the same.
        """
        self.peer.pauseReading()
        self.peer.giveBack(b"first")
        self.theirs.shutdown(socket.SHUT_WR)
        self.peer.resumeReading()
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [b"first", "half-closed"])
