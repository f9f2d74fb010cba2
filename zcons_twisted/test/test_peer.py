# -*- test-case-name: zcons_twisted.test.test_peer -*-
"""
Tests for L{zcons_twisted.doors.peer}: sending, receiving, and a peer that goes.
"""

from __future__ import annotations

import errno
import os
import select
import socket

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReadDescriptor, IWriteDescriptor
from twisted.python.failure import Failure
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


class EndTests(PeerTestCase):
    """
    A peer that only stops to send is another thing than one that has gone.
    """

    def halfClose(self) -> None:
        """
        The peer closes its sending side.
        """
        self.theirs.shutdown(socket.SHUT_WR)
        self.reactor.settle()

    def test_alive(self) -> None:
        """
        A peer that is there is alive, if it reads or not, and gets nothing for being
        asked.
        """
        self.assertTrue(self.peer.alive())
        self.assertFalse(self.peer.sendsNoMore())
        self.assertEqual(self.read(), b"")
        self.fill()
        self.assertTrue(self.peer.alive())

    def test_aliveWhereNothingGoes(self) -> None:
        """
        A peer of whom the kernel says that nothing can be sent now is alive.
        """

        class Full(socket.socket):
            """
            A connection that takes not even nothing.
            """

            def send(self, *arguments: object) -> int:
                raise BlockingIOError

        with Full() as connection:
            self.assertTrue(PeerSocket(self.reactor, connection).alive())

    def test_dead(self) -> None:
        """
        A peer that has gone is dead at once, before the reactor has turned.
        """
        self.theirs.close()
        self.assertFalse(self.peer.alive())
        self.assertTrue(self.peer.sendsNoMore())

    def test_gone(self) -> None:
        """
        An orderly end is told once, with no reason.
        """
        self.theirs.close()
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [("lost", "")])
        self.assertOver()

    def test_halfClosed(self) -> None:
        """
        A peer that sends no more still receives.
        """
        self.halfClose()
        self.assertEqual(self.receiver.said, ["half-closed"])
        self.peer.sendNow(b"still here")
        self.assertEqual(self.theirs.recv(100), b"still here")
        self.assertTrue(self.peer.alive() and self.peer.sendsNoMore())

    def test_halfClosedCostsNothing(self) -> None:
        """
        The reactor is not busy with a peer that sends no more.
        """
        self.halfClose()
        self.peer.resumeReading()
        self.peer.pauseReading()
        self.assertNotIn(self.peer, self.reactor.getReaders())
        self.reactor.settle()

    def test_halfClosedWhilePaused(self) -> None:
        """
        That a paused peer sends no more can be asked.
        """
        self.peer.pauseReading()
        self.theirs.shutdown(socket.SHUT_WR)
        self.assertTrue(self.peer.sendsNoMore())

    def test_halfClosedThenGone(self) -> None:
        """
        That a half-closed peer goes is noticed without sending anything.
        """
        self.halfClose()
        self.theirs.close()
        self.reactor.settle()
        self.assertEqual(self.receiver.said, ["half-closed", ("lost", "")])
        self.assertOver()

    def test_halfClosedThenClosed(self) -> None:
        """
        A half-closed peer that we close is not watched any more.
        """
        self.halfClose()
        self.peer.close(b"bye")
        self.assertEqual(self.read(), b"bye")
        self.assertOver()

    def test_noDescriptorsLeft(self) -> None:
        """
        Without descriptors a half-closed peer can't be watched; that it has gone is
        found later.
        """

        def refuse() -> None:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        self.patch(select, "epoll", refuse)
        self.halfClose()
        self.assertEqual(self.receiver.said, ["half-closed"])
        self.theirs.close()
        self.reactor.settle()
        self.assertFalse(self.peer.alive())

    def test_reset(self) -> None:
        """
        A connection that breaks is told with the reason.
        """
        self.peer.sendNow(b"unread")
        self.theirs.close()
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [("lost", "Connection reset by peer")])
        self.assertOver()

    def test_goneWhilePaused(self) -> None:
        """
        That a paused peer has gone is told at once, and what it had sent waits until
        it may go on; then comes its end.
        """
        self.peer.pauseReading()
        self.peer.pauseReading()
        self.theirs.send(b"last words\n")
        self.theirs.close()
        self.reactor.settle()
        self.assertEqual(self.receiver.said, ["vanished"])
        self.peer.resumeReading()
        self.reactor.settle()
        self.assertEqual(
            self.receiver.said, ["vanished", b"last words\n", ("lost", "")]
        )
        self.assertOver()

    def test_goneWhilePausedAndWaiting(self) -> None:
        """
        So it is when output waits for it.
        """
        self.fill()
        self.peer.wantWritable()
        self.peer.pauseReading()
        self.theirs.send(b"last words\n")
        self.theirs.close()
        self.reactor.settle()
        self.assertEqual(self.receiver.said[-1:], ["vanished"])
        self.peer.resumeReading()
        self.reactor.settle()
        self.assertEqual(
            self.receiver.said[-2:],
            [b"last words\n", ("lost", "Connection reset by peer")],
        )
        self.assertOver()

    def test_reactorSaysSo(self) -> None:
        """
        When the reactor finds the connection lost, that is told with its reason.
        """
        self.peer.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(
            self.receiver.said, [("lost", "Connection was closed cleanly.")]
        )
        self.assertOver()

    def test_reactorSaysSoAfterAPause(self) -> None:
        """
        So it is for a peer that was paused and goes on.
        """
        self.peer.pauseReading()
        self.peer.resumeReading()
        self.peer.connectionLost(Failure(ConnectionDone()))
        self.peer.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(
            self.receiver.said, [("lost", "Connection was closed cleanly.")]
        )
        self.assertOver()

    def test_reactorSaysSoOfHalfClosed(self) -> None:
        """
        For a peer that had said its end that is an orderly one.
        """
        self.halfClose()
        self.peer.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.receiver.said[1:], [("lost", "")])
        self.assertOver()


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
