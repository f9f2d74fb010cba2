# -*- test-case-name: zcons_twisted.test.test_peer_ends -*-
"""
Tests for L{zcons_twisted.doors.peer}: how a connection ends.
"""

from __future__ import annotations

import errno
import os
import select
import socket

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from ..doors.peer import PeerSocket
from .peer_case import PeerTestCase


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
