# -*- test-case-name: zcons_twisted.test.test_peer_close -*-
"""
Tests for L{zcons_twisted.doors.peer}: a connection that we close.
"""

from __future__ import annotations

import socket

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from ..doors.farewell import LINGER_SECONDS
from ..doors.peer import PeerSocket
from .peer_case import PeerTestCase


class CloseTests(PeerTestCase):
    """
    A peer whose session ends gets what was said, within two seconds.
    """

    def test_atOnce(self) -> None:
        """
        With nothing left to say the connection is closed at once, and the peer sees an
        orderly end.
        """
        self.peer.close()
        self.assertEqual(self.theirs.recv(1), b"")
        self.assertOver()

    def test_rest(self) -> None:
        """
        A rest that fits is sent and the connection closed, in one step.
        """
        self.peer.close(b"bye")
        self.assertEqual(self.theirs.recv(100), b"bye")
        self.assertEqual(self.theirs.recv(1), b"")
        self.assertOver()

    def test_lingers(self) -> None:
        """
        A rest that does not fit is sent as the peer reads, and then comes the end.
        """
        total = self.fill()
        self.peer.close(b"y" * 300_000)
        self.reactor.settle()
        self.assertEqual(self.closed, [])
        got = b""
        while len(got) < total + 300_000:
            got += self.theirs.recv(1 << 20)
            self.reactor.settle()
        self.assertEqual(got, b"x" * total + b"y" * 300_000)
        self.assertEqual(self.theirs.recv(1), b"")
        self.assertOver()

    def test_lingersNotForEver(self) -> None:
        """
        A peer that does not read is given two seconds, not more.
        """
        self.fill()
        self.peer.close(b"bye")
        self.reactor.advance(LINGER_SECONDS - 0.25)
        self.assertEqual(self.closed, [])
        self.reactor.advance(0.25)
        self.assertEqual(LINGER_SECONDS, 2.0)
        self.assertOver()

    def test_patient(self) -> None:
        """
        One that is waited for reads the end, whatever it sends meanwhile, and its going
        ends the waiting.
        """
        self.peer.close(b"bye", True)
        for _ in range(3):
            self.theirs.send(b"nobody's" * 1000)
            self.reactor.settle()
        self.assertEqual(self.theirs.recv(100), b"bye")
        self.assertEqual(self.theirs.recv(1), b"")
        self.assertEqual(self.closed, [])
        self.theirs.close()
        self.reactor.settle()
        self.assertOver()

    def test_patientWithMuchToSay(self) -> None:
        """
        So is one that has not taken all of it.
        """
        total = self.fill()
        self.peer.close(b"y" * 300_000, True)
        got = b""
        while len(got) < total + 300_000:
            self.reactor.settle()
            got += self.theirs.recv(1 << 20)
        self.reactor.settle()
        self.assertEqual(self.theirs.recv(1), b"")
        self.assertEqual(self.closed, [])
        self.theirs.close()
        self.reactor.settle()
        self.assertOver()

    def test_patientNotForEver(self) -> None:
        """
        Nor is anybody waited for longer that stays.
        """
        self.peer.close(b"bye", True)
        self.reactor.advance(LINGER_SECONDS)
        self.assertOver()

    def test_patientWithNobody(self) -> None:
        """
        One that has gone is not waited for.
        """
        self.theirs.close()
        self.peer.close(b"bye", True)
        self.reactor.settle()
        self.assertOver()

    def test_goneWhileLingering(self) -> None:
        """
        A peer that goes while the rest waits for it ends the waiting.
        """
        self.fill()
        self.peer.close(b"bye")
        self.theirs.close()
        self.reactor.settle()
        self.assertOver()

    def test_brokenWhileSendingTheRest(self) -> None:
        """
        A rest that nobody receives is dropped.
        """
        self.theirs.close()
        self.peer.close(b"bye")
        self.assertOver()

    def test_halfClosedAndGoneWhileLingering(self) -> None:
        """
        The same holds for one that had closed its sending side.
        """
        self.theirs.shutdown(socket.SHUT_WR)
        self.reactor.settle()
        self.fill()
        self.peer.close(b"bye")
        self.theirs.close()
        self.reactor.settle()
        self.assertOver()

    def test_nothingAfterwards(self) -> None:
        """
        After the close the receiver hears nothing more, whatever the peer does.
        """
        self.fill()
        self.peer.close(b"bye")
        self.theirs.send(b"ls\n")
        self.theirs.shutdown(socket.SHUT_WR)
        self.reactor.settle()
        self.read()
        self.reactor.settle()
        self.assertEqual(self.receiver.said, [])
        self.assertOver()

    def test_callsAfterwards(self) -> None:
        """
        After the close pausing, going on and asking do nothing, and so does another
        close.
        """
        self.peer.close()
        self.peer.pauseReading()
        self.peer.resumeReading()
        self.peer.wantWritable()
        self.peer.close(b"again")
        self.peer.connectionLost(Failure(ConnectionLost()))
        self.assertFalse(self.peer.alive())
        self.assertEqual(self.receiver.said, [])
        self.assertOver()

    def test_shutDownBefore(self) -> None:
        """
        A connection whose peer was faster is closed all the same.
        """

        class Gone(socket.socket):
            """
            A connection that is over already.
            """

            def shutdown(self, how: int) -> None:
                raise OSError("not connected")

        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        gone = Gone(fileno=ours.detach())
        gone.setblocking(False)
        peer = PeerSocket(self.reactor, gone)
        peer.close(b"bye")
        self.assertEqual((gone.fileno(), theirs.recv(10)), (-1, b"bye"))

    def test_noResetForWhatIsUnread(self) -> None:
        """
        A peer that has sent what nobody took sees an orderly end, not a reset.
        """
        self.theirs.send(b"never taken")
        self.peer.close(b"bye")
        self.assertEqual(self.theirs.recv(100), b"bye")
        self.assertEqual(self.theirs.recv(1), b"")

    def test_descriptorIsToldStill(self) -> None:
        """
        A closed connection tells the descriptor that it had, which spares a reactor a
        search.
        """
        fd = self.socket.fileno()
        self.peer.close()
        self.assertEqual(self.peer.fileno(), fd)

    def test_whenClosed(self) -> None:
        """
        Who asked is told once that the descriptor is closed, and not before.
        """
        self.fill()
        self.peer.close(b"bye")
        self.assertEqual(self.closed, [])
        self.reactor.advance(LINGER_SECONDS)
        self.reactor.settle()
        self.assertEqual(self.closed, [self.peer])
