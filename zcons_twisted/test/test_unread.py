# -*- test-case-name: zcons_twisted.test.test_unread -*-
"""
Tests for L{zcons_twisted.doors.unread}.
"""

from __future__ import annotations

import os
import socket
import struct

from twisted.trial.unittest import SynchronousTestCase

from ..doors.unread import PeerQueue


def answer(kind: int, *attributes: tuple[int, bytes]) -> bytes:
    """
    What the kernel answers to a question about a socket.
    """
    body = b"\0" * 16
    for name, value in attributes:
        body += struct.pack("=HH", len(value) + 4, name) + value
        body += b"\0" * (-len(value) % 4)
    return struct.pack("=IHHII", len(body) + 16, kind, 0, 1, 0) + body


class PeerQueueTests(SynchronousTestCase):
    """
    How much the other end has not read is known to the kernel.
    """

    def setUp(self) -> None:
        """
        A connection.
        """
        self.ours, self.theirs = socket.socketpair()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)
        self.queue = PeerQueue(self.ours.fileno())

    def kernel(self, *answers: bytes | OSError) -> None:
        """
        Another kernel, that gives these answers.
        """
        left = list(answers)

        class Link(socket.socket):
            """
            A way to it.
            """

            def __init__(self, *arguments: int) -> None:
                super().__init__(socket.AF_UNIX, socket.SOCK_DGRAM)

            def sendto(self, *arguments: object) -> int:
                return 0

            def recv(self, *arguments: int) -> bytes:
                found = left.pop(0)
                if isinstance(found, OSError):
                    raise found
                return found

        self.patch(socket, "socket", Link)

    def test_nothing(self) -> None:
        """
        Before anything was sent nothing is unread.
        """
        self.assertEqual(self.queue.unread(), 0)

    def test_sent(self) -> None:
        """
        What was sent is unread until it has been read.
        """
        self.ours.send(b"x" * 3000)
        self.ours.send(b"y" * 70)
        self.assertEqual(self.queue.unread(), 3070)
        self.theirs.recv(70)
        self.assertEqual(self.queue.unread(), 3000)
        self.theirs.recv(5000)
        self.assertEqual(self.queue.unread(), 0)

    def test_closed(self) -> None:
        """
        Of a peer that has gone nothing is told, or nothing unread.
        """
        self.ours.send(b"x")
        self.theirs.close()
        self.assertIn(self.queue.unread(), (None, 0))

    def test_noSocket(self) -> None:
        """
        Of what is no connected socket nothing is told.
        """
        with open(os.devnull) as file:
            self.assertIsNone(PeerQueue(file.fileno()).unread())

    def test_otherKernels(self) -> None:
        """
        A kernel that answers something else, or nothing, tells nothing.
        """
        wrong = struct.pack("=IHHII", 20, 2, 0, 1, 0) + b"\0" * 4
        for said in (
            b"",
            wrong,
            answer(20),
            answer(20, (9, b"\0" * 8)),
            answer(20)[:-2] + b"\0" * 8,
            answer(20, (2, b"\1")),
            OSError("not supported"),
            BlockingIOError("nothing yet"),
        ):
            self.kernel(said)
            self.assertIsNone(PeerQueue(0).unread(), said)

    def test_peerIsRemembered(self) -> None:
        """
        Who is at the other end is asked once.
        """
        peer = answer(20, (0, b"/run/z\0"), (2, struct.pack("=I", 7)))
        queues = [answer(20, (4, struct.pack("=II", n, 9))) for n in (5, 6)]
        self.kernel(peer, *queues)
        self.assertEqual((self.queue.unread(), self.queue.unread()), (5, 6))
