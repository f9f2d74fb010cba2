# -*- test-case-name: zcons_twisted.test.test_oci_hearing -*-
"""
Tests for L{zcons_twisted.oci.hearing}.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from ..oci import hearing
from ..oci.hearing import BACKLOG, HEAR_SECONDS, HEARD_MAX, Hearing
from ..oci.telling import SOCKET_NAME
from ..testing import FakeReactor
from .oci_case import shortDirectory
from .support import descriptorsInUse


class HearingTests(SynchronousTestCase):
    """
    The server hears what shims tell.
    """

    def setUp(self) -> None:
        """
        It listens, and remembers.
        """
        self.reactor = FakeReactor()
        self.home = shortDirectory(self)
        self.path = os.path.join(self.home, SOCKET_NAME)
        self.said: list[dict[str, Any]] = []
        self.fds: list[int] = []
        self.answers: list[Deferred[None]] = []
        self.hearing = Hearing(self.reactor, "z", self.home, self.heard)
        self.hearing.begin()
        self.addCleanup(self.end)

    def end(self) -> None:
        """
        Listen no more.
        """
        self.hearing.end()

    def heard(self, said: dict[str, Any], fd: int) -> Deferred[None]:
        """
        Something was said.
        """
        self.said.append(said)
        if fd != -1:
            self.fds.append(fd)
            self.addCleanup(os.close, fd)
        return self.answers.pop(0) if self.answers else succeed(None)

    def shim(self, data: bytes = b"", *fds: int) -> socket.socket:
        """
        A shim that says something.
        """
        peer = socket.socket(socket.AF_UNIX)
        self.addCleanup(peer.close)
        peer.connect(self.path)
        peer.setblocking(False)
        if data:
            socket.send_fds(peer, [data], fds)
        self.reactor.settle()
        return peer

    def assertClosed(self, peer: socket.socket) -> None:
        """
        There is no answer but the end.
        """
        self.assertEqual(peer.recv(1), b"")

    def test_said(self) -> None:
        """
        What is said is heard, and answered when it has been seen to.
        """
        done: Deferred[None] = Deferred()
        self.answers = [done]
        peer = self.shim(b'{"told": "it"}\n')
        self.assertEqual(self.said, [{"told": "it"}])
        self.assertRaises(BlockingIOError, peer.recv, 1)
        done.callback(None)
        self.reactor.settle()
        self.assertEqual(peer.recv(100), b"ok\n")
        self.assertClosed(peer)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_descriptor(self) -> None:
        """
        A descriptor comes with it.
        """
        with open(os.devnull) as file:
            self.shim(b'{"created": "z"}\n', file.fileno())
        self.assertEqual(len(self.fds), 1)
        self.assertEqual(os.readlink(f"/proc/self/fd/{self.fds[0]}"), "/dev/null")

    def test_descriptors(self) -> None:
        """
        More than one, and one of which nothing is said, are closed again.
        """
        before = sorted(descriptorsInUse())
        with open(os.devnull) as file:
            self.assertClosed(self.shim(b"{}\n", file.fileno(), file.fileno()))
            self.shim(b"{", file.fileno()).close()
        self.reactor.settle()
        self.assertEqual(self.fds, [])
        self.assertLess(len(os.listdir("/proc/self/fd")), len(before) + 2)

    def test_refusal(self) -> None:
        """
        A refusal is told with its reason, in one line; an error of ours is logged.
        """
        self.answers = [
            fail(OSError(errno.EIO, "it broke")),
            fail(OSError("in\nhere")),
            fail(ValueError("oh")),
        ]
        for expected in (b"it broke\n", b"in\\x0ahere\n", b"oh\n"):
            peer = self.shim(b"{}\n")
            self.assertEqual(peer.recv(100), expected)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_nonsense(self) -> None:
        """
        What is no JSON object, or too long, ends the connection.
        """
        for data in (b"x\n", b"[]\n", b"\xff\n", b"{" * (HEARD_MAX + 1)):
            self.assertClosed(self.shim(data))
        self.assertEqual(self.said, [])
        fits = b'{"told": "%s"}\n'
        self.shim(fits % (b"x" * (HEARD_MAX - len(fits) + 3),))
        self.assertEqual(len(self.said), 1)

    def test_silence(self) -> None:
        """
        So does silence.
        """
        peer = self.shim()
        self.reactor.advance(HEAR_SECONDS - 0.1)
        self.assertRaises(BlockingIOError, peer.recv, 1)
        self.reactor.advance(0.2)
        self.reactor.settle()
        self.assertClosed(peer)
        self.assertEqual(HEAR_SECONDS, 10)

    def test_stranger(self) -> None:
        """
        Another user is not heard.
        """
        self.patch(
            hearing,
            "peerCredentials",
            lambda connection: _Stranger,
        )
        peer = self.shim()
        self.assertClosed(peer)

    def test_longPath(self) -> None:
        """
        A path that is too long for a socket is told.
        """
        home = os.path.join(self.home, "x" * 100)
        os.mkdir(home)
        error = self.assertRaises(
            OSError, Hearing(self.reactor, "z", home, self.heard).begin
        )
        self.assertIn("too long: choose another --rundir", str(error))

    def test_private(self) -> None:
        """
        The socket is for our user alone; what a dead server left in its place is
        replaced, and it goes in the end.
        """
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)
        again = Hearing(self.reactor, "z", self.home, self.heard)
        again.begin()
        again.begin()
        self.shim(b"{}\n")
        self.assertEqual(self.said, [{}])
        again.end()
        again.end()
        self.assertFalse(os.path.exists(self.path))

    def test_backlog(self) -> None:
        """
        Few may wait to be heard.
        """
        waiting = []
        with self.assertRaises(BlockingIOError):
            for _ in range(9):
                peer = socket.socket(socket.AF_UNIX)
                self.addCleanup(peer.close)
                peer.setblocking(False)
                peer.connect(self.path)
                waiting.append(peer)
        # The kernel has one more than it is told.
        self.assertEqual((len(waiting), BACKLOG), (5, 4))

    def test_quiet(self) -> None:
        """
        The log has nothing of all this.
        """
        with capturedLogs() as events:
            again = Hearing(self.reactor, "z", shortDirectory(self), self.heard)
            again.begin()
            self.shim(b"{}\n")
            again.end()
            self.reactor.settle()
        self.assertEqual(events, [])


class _Stranger:
    """
    Somebody else.
    """

    uid = 12345
