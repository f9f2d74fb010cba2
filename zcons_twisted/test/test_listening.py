# -*- test-case-name: zcons_twisted.test.test_listening -*-
"""
Tests for L{zcons_twisted.doors.listening}: a zone's sockets.
"""

from __future__ import annotations

import errno
import os
import socket
import stat

from twisted.trial.unittest import SynchronousTestCase

from ..doors.listening import BACKLOG, bindSocket
from ..errors import RunDirectoryError, ZoneServed
from .support import shortDirectory


class BindSocketTests(SynchronousTestCase):
    """
    A socket is there for those who may connect and for nobody else, from the first
    instant.
    """

    def setUp(self) -> None:
        """
        A place for a socket.
        """
        self.path = os.path.join(shortDirectory(self), "z.console_sock")

    def bind(self, gid: int | None = None) -> socket.socket:
        """
        Bind the socket, until the test is over.
        """
        bound = bindSocket(self.path, "z", gid)
        self.addCleanup(bound.close)
        return bound

    def connect(self) -> socket.socket:
        """
        Connect to it.
        """
        peer = socket.socket(socket.AF_UNIX)
        self.addCleanup(peer.close)
        peer.setblocking(False)
        peer.connect(self.path)
        return peer

    def test_listens(self) -> None:
        """
        It takes connections and does not block.
        """
        bound = self.bind()
        self.connect()
        accepted, _ = bound.accept()
        accepted.close()
        self.assertRaises(BlockingIOError, bound.accept)

    def test_backlog(self) -> None:
        """
        Four connections wait to be accepted, as in the C program.
        """
        self.assertEqual(BACKLOG, 4)
        self.bind()
        for _ in range(BACKLOG + 1):
            self.connect()
        self.assertRaises(BlockingIOError, self.connect)

    def test_permissions(self) -> None:
        """
        Only its owner may connect, whatever the umask, which stays as it is.
        """
        self.addCleanup(os.umask, os.umask(0))
        self.bind()
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        self.assertEqual(os.umask(0), 0)

    def test_group(self) -> None:
        """
        A group that was named may connect.
        """
        self.bind(os.getegid())
        found = os.stat(self.path)
        self.assertEqual(stat.S_IMODE(found.st_mode), 0o660)
        self.assertEqual(found.st_gid, os.getegid())

    def test_stale(self) -> None:
        """
        What a dead server has left is replaced.
        """
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(self.path)
        dead.close()
        self.bind()
        self.connect()

    def test_otherLeftovers(self) -> None:
        """
        A file, or a link to nowhere, is replaced as well.
        """
        os.symlink(self.path + ".elsewhere", self.path)
        self.bind()
        self.assertTrue(stat.S_ISSOCK(os.lstat(self.path).st_mode))
        self.assertFalse(os.path.lexists(self.path + ".elsewhere"))

    def test_live(self) -> None:
        """
        A live server's socket is refused and left alone.
        """
        self.bind()
        error = self.assertRaises(ZoneServed, bindSocket, self.path, "z")
        self.assertEqual(
            str(error),
            f"zone 'z' is already served: somebody listens on {self.path}",
        )
        self.connect()

    def test_liveAndBusy(self) -> None:
        """
        A live server that is too busy to take connections is alive all the same.
        """
        self.bind()
        for _ in range(BACKLOG + 1):
            self.connect()
        self.assertRaises(ZoneServed, bindSocket, self.path, "z")

    def test_cantBeBound(self) -> None:
        """
        A socket that can't be made is told in one line.
        """
        error = self.assertRaises(
            RunDirectoryError, bindSocket, "/proc/z.console_sock", "z"
        )
        self.assertIn(
            "console setup: could not bind to socket /proc/z.console_sock: ",
            str(error),
        )

    def test_directoryInItsPlace(self) -> None:
        """
        A directory in its place is told in one line and left alone.
        """
        os.mkdir(self.path)
        error = self.assertRaises(RunDirectoryError, bindSocket, self.path, "z")
        self.assertIn("console setup: could not bind to socket", str(error))
        self.assertTrue(os.path.isdir(self.path))

    def test_nothingIsLeft(self) -> None:
        """
        Where a later step fails, no socket is left.
        """

        def refuse(*arguments: object) -> None:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        self.patch(os, "chown", refuse)
        error = self.assertRaises(RunDirectoryError, bindSocket, self.path, "z", 7)
        self.assertIn("Operation not permitted", str(error))
        self.assertFalse(os.path.lexists(self.path))
