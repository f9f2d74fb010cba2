# -*- test-case-name: zcons_twisted.test.test_client_connecting -*-
"""
Tests for L{zcons_twisted.client.connecting}.
"""

from __future__ import annotations

import errno
import os
import socket

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.connecting import (
    ATTEMPTS,
    ZONES_NAMED,
    Dialler,
    greet,
    isServed,
    openUnix,
)
from zcons_twisted.client.errors import CouldNotConnect


class UnixSocketTests(SynchronousTestCase):
    """
    Real unix sockets, which connect at once or not at all.
    """

    def setUp(self) -> None:
        """
        A path for a socket.
        """
        self.path = os.path.join(self.mktemp(), "s")
        os.makedirs(os.path.dirname(self.path))

    def listen(self, backlog: int) -> socket.socket:
        """
        A socket that listens there.
        """
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(self.path)
        server.listen(backlog)
        return server

    def test_connects(self) -> None:
        """
        The connection does not block.
        """
        self.listen(1)
        connection = openUnix(self.path)
        assert connection is not None
        self.addCleanup(connection.close)
        self.assertEqual(connection.getblocking(), False)

    def test_fullBacklog(self) -> None:
        """
        A full backlog is neither a connection nor an error.
        """
        self.listen(0)
        first = openUnix(self.path)
        assert first is not None
        self.addCleanup(first.close)
        self.assertIsNone(openUnix(self.path))

    def test_nobody(self) -> None:
        """
        No socket, and one left behind, are errors of different kinds.
        """
        error = self.assertRaises(OSError, openUnix, self.path)
        self.assertEqual(error.errno, errno.ENOENT)
        self.listen(1).close()
        error = self.assertRaises(OSError, openUnix, self.path)
        self.assertEqual(error.errno, errno.ECONNREFUSED)

    def test_greet(self) -> None:
        """
        As much is sent as is taken; and where nobody takes it any more, nothing has
        still to be sent, and what was said can be read.
        """
        server = self.listen(1)
        connection = openUnix(self.path)
        assert connection is not None
        self.addCleanup(connection.close)
        self.assertEqual(greet(connection.fileno(), b"hello"), b"")
        hello = b"x" * 2**20
        rest = greet(connection.fileno(), hello)
        self.assertTrue(b"" < rest < hello)
        self.assertEqual(greet(connection.fileno(), rest), rest)
        peer, _ = server.accept()
        self.assertEqual(peer.recv(5), b"hello")
        peer.send(b"4711\n")
        peer.close()
        self.assertEqual(greet(connection.fileno(), rest), b"")
        self.assertEqual(connection.recv(100), b"4711\n")

    def test_isServed(self) -> None:
        """
        Whether somebody is there is found out without being noticed.
        """
        self.assertFalse(isServed(self.path))
        server = self.listen(1)
        self.assertTrue(isServed(self.path))
        server.setblocking(False)
        self.assertRaises(BlockingIOError, server.accept)
        server.close()
        self.assertFalse(isServed(self.path))


class DiallerTests(SynchronousTestCase):
    """
    How failures are told.
    """

    def failure(self, number: int) -> CouldNotConnect:
        """
        What is told of an error of C{connect}.
        """

        def opener(path: str) -> None:
            raise OSError(number, os.strerror(number))

        error = self.assertRaises(
            CouldNotConnect, Dialler("/run/x/z.console_sock", "z", opener).attempt
        )
        assert isinstance(error, CouldNotConnect)
        self.assertEqual(error.number, number)
        self.assertNotIn("\n", str(error))
        return error

    def test_unknownZone(self) -> None:
        """
        Where there is no socket, we are told where to look for one.
        """
        self.assertEqual(
            str(self.failure(errno.ENOENT)),
            "no server serves zone z in /run/x: is its server running, or is it in"
            " another directory (--rundir)?",
        )

    def test_mistyped(self) -> None:
        """
        Where other zones are served they are told: as a rule it was one of them.
        """
        directory = self.mktemp()
        os.mkdir(directory)
        for number in range(ZONES_NAMED):
            open(os.path.join(directory, f"z{number}.console_sock"), "w").close()
        dialler = Dialler(os.path.join(directory, "y.console_sock"), "y")
        text = str(self.assertRaises(CouldNotConnect, dialler.attempt))
        self.assertIn(f"no server serves zone y in {directory}; 'zconsole list'", text)
        self.assertIn(" shows z0, z1, z2,", text)
        self.assertNotIn("...", text)
        open(os.path.join(directory, "z9.console_sock"), "w").close()
        text = str(self.assertRaises(CouldNotConnect, dialler.attempt))
        self.assertTrue(text.endswith("z7, ... there"))

    def test_deadServer(self) -> None:
        """
        A socket that was left behind is said to be such.
        """
        text = str(self.failure(errno.ECONNREFUSED))
        self.assertIn("has left /run/x/z.console_sock behind", text)

    def test_otherErrors(self) -> None:
        """
        Other errors are the system's, with the path.
        """
        self.assertEqual(
            str(self.failure(errno.EACCES)),
            "/run/x/z.console_sock: Permission denied: root, the server's user and the"
            " members of its --group may",
        )

    def test_givesUp(self) -> None:
        """
        A backlog that stays full is waited for, but not for ever.
        """
        dialler = Dialler("/run/x/z.console_sock", "z", lambda path: None)
        for _ in range(ATTEMPTS - 1):
            self.assertIsNone(dialler.attempt())
        error = self.assertRaises(CouldNotConnect, dialler.attempt)
        self.assertIn("too busy", str(error))
