# -*- test-case-name: zcons_twisted.test.test_listening -*-
"""
Tests for L{zcons_twisted.doors.listening}: a zone's lock and its sockets.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat

from twisted.trial.unittest import SynchronousTestCase

from ..doors.listening import BACKLOG, ZoneLock, bindSocket
from ..errors import RunDirectoryError, ZoneServed
from .support import shortDirectory


class ZoneLockTests(SynchronousTestCase):
    """
    One server a zone.
    """

    def setUp(self) -> None:
        """
        Two servers of one zone.
        """
        self.path = os.path.join(shortDirectory(self), "z.lock")
        self.first = ZoneLock(self.path, "z")
        self.second = ZoneLock(self.path, "z")
        self.addCleanup(self.first.release)
        self.addCleanup(self.second.release)

    def test_acquired(self) -> None:
        """
        The one who has the lock has its process ID in the file, which nobody else may
        read.
        """
        self.first.acquire()
        with open(self.path) as file:
            self.assertEqual(file.read(), f"{os.getpid()}\n")
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)

    def test_refused(self) -> None:
        """
        A second server is refused and told the first one's process ID.
        """
        self.first.acquire()
        error = self.assertRaises(ZoneServed, self.second.acquire)
        self.assertEqual(
            str(error),
            f"zone 'z' is already served by process {os.getpid()}: stop that one first",
        )

    def test_nobodyNamed(self) -> None:
        """
        A server that has not written its process ID yet is refused all the same.
        """
        self.first.acquire()
        os.truncate(self.path, 0)
        error = self.assertRaises(ZoneServed, self.second.acquire)
        self.assertIn("served by process (unknown)", str(error))

    def test_released(self) -> None:
        """
        When the first one lets go, no file is left and the second can have it.
        """
        self.first.acquire()
        self.first.release()
        self.assertFalse(os.path.exists(self.path))
        self.second.acquire()

    def test_twice(self) -> None:
        """
        The lock can be taken and let go twice.
        """
        self.first.release()
        self.first.acquire()
        self.first.acquire()
        self.first.release()
        self.first.release()
        self.second.acquire()

    def test_staleFile(self) -> None:
        """
        The file of a dead server keeps nobody out.
        """
        with open(self.path, "w") as file:
            file.write("4194304000000\n")
        self.first.acquire()
        with open(self.path) as file:
            self.assertEqual(file.read(), f"{os.getpid()}\n")

    def test_check(self) -> None:
        """
        Whether the lock could be had can be asked, and nothing is left of it.
        """
        self.first.check()
        self.assertFalse(os.path.exists(self.path))
        self.first.acquire()
        self.assertRaises(ZoneServed, self.second.check)
        self.first.check()
        self.assertRaises(ZoneServed, self.second.check)

    def test_checkStale(self) -> None:
        """
        The file of a dead server could be had, and asking removes it.
        """
        with open(self.path, "w"):
            pass
        self.first.check()
        self.assertFalse(os.path.exists(self.path))

    def test_removed(self) -> None:
        """
        A lock whose file somebody has removed can be let go.
        """
        self.first.acquire()
        os.unlink(self.path)
        self.first.release()
        self.second.acquire()

    def test_madeAnew(self) -> None:
        """
        Who lets go takes nobody else's file away.
        """
        self.first.acquire()
        os.unlink(self.path)
        self.second.acquire()
        self.first.release()
        self.assertRaises(ZoneServed, self.first.acquire)

    def test_removedMeanwhile(self) -> None:
        """
        A file that its last holder removes just when we have opened it is made anew.
        """
        self.first.acquire()
        openFile = os.open

        def releasing(*arguments: object) -> int:
            fd = openFile(*arguments)  # type: ignore[arg-type]
            self.first.release()
            return fd

        self.patch(os, "open", releasing)
        self.second.acquire()
        self.patch(os, "open", openFile)
        self.assertRaises(ZoneServed, self.first.acquire)

    def test_somethingElse(self) -> None:
        """
        What is no plain file in its place is refused in one line, and does not block.
        """
        os.mkfifo(self.path)
        error = self.assertRaises(RunDirectoryError, self.first.acquire)
        self.assertEqual(
            str(error), f"lock file {self.path} can't be made: something else is there"
        )

    def test_cantBeLocked(self) -> None:
        """
        A file that can't be locked is told in one line, and left open by nobody.
        """

        def refuse(*arguments: object) -> None:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        self.patch(fcntl, "flock", refuse)
        before = os.listdir("/proc/self/fd")
        error = self.assertRaises(RunDirectoryError, self.first.acquire)
        self.assertIn("No locks available", str(error))
        self.assertEqual(os.listdir("/proc/self/fd"), before)

    def test_noSymbolicLink(self) -> None:
        """
        A link in the file's place is not followed.
        """
        os.symlink(self.path + ".elsewhere", self.path)
        error = self.assertRaises(RunDirectoryError, self.first.acquire)
        self.assertIn("can't be made: ", str(error))
        self.assertFalse(os.path.exists(self.path + ".elsewhere"))


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
