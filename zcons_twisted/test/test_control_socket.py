# -*- test-case-name: zcons_twisted.test.test_control_socket -*-
"""
Tests for L{zcons_twisted.doors.control_socket}: connections to the control door, and
their limits.
"""

from __future__ import annotations

import os
import socket
import stat

from twisted.internet.defer import Deferred

from ..credentials import Admission
from ..doors.commands import Boot, Detach, Status
from ..doors.control_link import IDLE_SECONDS, UNFINISHED_MAX
from ..doors.control_socket import CONNECTIONS_MAX, ControlSocket
from ..errors import ZoneServed
from .control_case import ControlTestCase
from .support import splits


class Nobody(Admission):
    """
    Lets nobody in, where root may come in everywhere else.
    """

    def admits(self, *arguments: object) -> bool:
        """
        Nobody may.
        """
        return False


class LimitsTests(ControlTestCase):
    """
    A peer of the control door can't cost much.
    """

    def test_limits(self) -> None:
        """
        The limits are those that are documented.
        """
        self.assertEqual(
            (CONNECTIONS_MAX, IDLE_SECONDS, UNFINISHED_MAX), (64, 60.0, 131072)
        )

    def test_splitAnywhere(self) -> None:
        """
        A command is the same however it is cut.
        """
        box = Detach.makeArguments({}, None)
        box[b"_ask"] = b"1"
        box[b"_command"] = b"Detach"
        for head, tail in splits(box.serialize()):
            self.attach()
            peer = self.connect()
            peer.send(head)
            self.reactor.settle()
            peer.send(tail)
            self.assertIn("detached", self.answer(peer, Detach)["message"])

    def test_idle(self) -> None:
        """
        A connection that is quiet for a minute is closed, not before.
        """
        peer = self.connect()
        self.reactor.advance(IDLE_SECONDS - 1)
        self.assertFalse(self.gone(peer))
        self.reactor.advance(1)
        self.assertTrue(self.gone(peer))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_notIdle(self) -> None:
        """
        A connection that asks something now and then stays.
        """
        peer = self.connect()
        for _ in range(3):
            self.reactor.advance(IDLE_SECONDS - 1)
            self.ask(peer, Status)
            self.answer(peer, Status)
        self.assertFalse(self.gone(peer))

    def test_waiting(self) -> None:
        """
        A connection that waits for its command to be done is not idle.
        """
        booted = self.life.pending = Deferred()
        peer = self.connect()
        self.ask(peer, Boot)
        self.reactor.advance(IDLE_SECONDS * 3)
        self.assertFalse(self.gone(peer))
        booted.callback("zone booted")
        self.answer(peer, Boot)
        self.reactor.advance(IDLE_SECONDS)
        self.assertTrue(self.gone(peer))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_unfinished(self) -> None:
        """
        A peer that sends more than 128 KiB without completing a command is closed.
        """
        peer = self.connect()
        sent = 0
        pair = b"\0\1k\xff\xff" + b"v" * 65535
        key = 0
        while not self.gone(peer):
            key += 1
            data = b"\0\2" + key.to_bytes(2, "big") + pair[3:]
            peer.setblocking(True)
            peer.send(data)
            peer.setblocking(False)
            sent += len(data)
            self.assertLess(sent, 2 * UNFINISHED_MAX)
        self.assertGreater(sent, UNFINISHED_MAX)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_manyCommands(self) -> None:
        """
        Any number of complete commands may be sent.
        """
        peer = self.connect()
        for _ in range(300):
            self.ask(peer, Status)
            self.answer(peer, Status)
        self.assertFalse(self.gone(peer))

    def test_descriptors(self) -> None:
        """
        Descriptors that a peer passes are closed, and cost it nothing else.
        """
        peer = self.connect()
        ours, theirs = os.pipe()
        self.addCleanup(os.close, ours)
        box = Status.makeArguments({}, None)
        box.update({b"_ask": b"1", b"_command": b"Status"})
        socket.send_fds(peer, [box.serialize()], [theirs] * 100)
        os.close(theirs)
        self.answer(peer, Status)
        os.set_blocking(ours, False)
        self.assertEqual(os.read(ours, 1), b"")

    def test_nonsense(self) -> None:
        """
        A peer that does not speak AMP is closed.
        """
        peer = self.connect()
        peer.send(b"GET / HTTP/1.0\r\n\r\n")
        self.assertTrue(self.gone(peer))
        self.flushLoggedErrors()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_tooManyConnections(self) -> None:
        """
        Beyond 64 connections the one that has been quiet longest is closed, never the
        newcomer.
        """
        peers = [self.connect() for _ in range(CONNECTIONS_MAX)]
        self.ask(peers[0], Status)
        self.answer(peers[0], Status)
        newcomer = self.connect()
        self.assertEqual(
            [self.gone(peer) for peer in (peers[0], peers[1], peers[2], newcomer)],
            [False, True, False, False],
        )

    def test_busyOnesStay(self) -> None:
        """
        Those whose command is under way are not closed for others; where all are, the
        newcomer is.
        """
        peers = []
        for _ in range(CONNECTIONS_MAX):
            self.life.pending = Deferred()
            peers.append(self.connect())
            self.ask(peers[-1], Boot)
        newcomer = self.connect()
        self.assertTrue(self.gone(newcomer))
        self.assertFalse(any(self.gone(peer) for peer in peers))


class DoorTests(ControlTestCase):
    """
    The door opens for those who may come in, and closes behind them.
    """

    def test_permissions(self) -> None:
        """
        Only its owner may connect.
        """
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)

    def test_secondServer(self) -> None:
        """
        A second door in the same place is refused.
        """
        again = self.another(Admission.ours())
        self.assertRaises(ZoneServed, again.start, self.path)

    def another(self, admission: Admission) -> ControlSocket:
        """
        Another door to the same console.
        """
        return ControlSocket(
            self.reactor, self.console, self.driver, self.laps, admission
        )

    def test_notAdmitted(self) -> None:
        """
        A peer that may not come in is closed at once without a byte.
        """
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        self.another(Nobody(0)).accepted(ours)
        self.assertEqual((theirs.recv(1), ours.fileno()), (b"", -1))

    def test_stop(self) -> None:
        """
        When it stops every connection ends, and no socket and no call is left.
        """
        peers = [self.connect() for _ in range(3)]
        stopped = self.door.stop()
        self.reactor.settle()
        self.successResultOf(stopped)
        self.assertEqual([self.gone(peer) for peer in peers], [True] * 3)
        self.assertFalse(os.path.lexists(self.path))
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.reactor.removeAll(), [])

    def test_stopWithNobody(self) -> None:
        """
        With no connections it stops at once, and may do so twice.
        """
        self.successResultOf(self.door.stop())
        self.successResultOf(self.door.stop())

    def test_stopWaits(self) -> None:
        """
        It has stopped when the last connection is closed, not before.
        """
        self.connect()
        stopped = self.door.stop()
        self.assertNoResult(stopped)
        self.reactor.settle()
        self.successResultOf(stopped)

    def test_stopTwice(self) -> None:
        """
        Whoever asks it to stop is told.
        """
        self.connect()
        both = [self.door.stop() for _ in range(2)]
        self.reactor.settle()
        for stopped in both:
            self.successResultOf(stopped)
