# -*- test-case-name: zcons_twisted.test.test_zone_lock -*-
"""
Tests for L{zcons_twisted.doors.zone_lock} and L{zcons_twisted.lock_file}.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from twisted.trial.unittest import SynchronousTestCase

from ..doors.zone_lock import ZoneLock
from ..errors import RunDirectoryError, ZoneServed
from ..lock_file import LockFile
from .support import descriptorsInUse, shortDirectory


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
        before = descriptorsInUse()
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

    def test_mended(self) -> None:
        """
        Where somebody has removed the file there is another one, and nobody else can
        have the lock; where nobody has, nothing is done.
        """
        self.first.mend()
        self.assertFalse(os.path.exists(self.path))
        self.first.acquire()
        before = os.stat(self.path)
        self.first.mend()
        self.assertTrue(os.path.samestat(os.stat(self.path), before))
        os.unlink(self.path)
        self.first.mend()
        with open(self.path) as file:
            self.assertEqual(file.read(), f"{os.getpid()}\n")
        self.assertRaises(ZoneServed, self.second.acquire)
        self.first.release()
        self.assertFalse(os.path.exists(self.path))

    def test_mendedTooLate(self) -> None:
        """
        Where somebody else has it by then that is told, and stays so.
        """
        self.first.acquire()
        os.unlink(self.path)
        self.second.acquire()
        self.assertRaises(ZoneServed, self.first.mend)
        self.first.release()
        with open(self.path) as file:
            self.assertEqual(file.read(), f"{os.getpid()}\n")

    def test_remedy(self) -> None:
        """
        A second server is told how the first is had to be found again, if that is what
        is missing.
        """
        found = [True]
        first = ZoneLock(self.path, "z", "HUP")
        first.acquire()
        self.addCleanup(first.release)
        second = ZoneLock(self.path, "z", "HUP", lambda: found[0])
        self.addCleanup(second.release)
        pid = os.getpid()
        served = f"zone 'z' is already served by process {pid}"
        error = self.assertRaises(ZoneServed, second.acquire)
        self.assertEqual(str(error), f"{served}: stop that one first")
        found[0] = False
        error = self.assertRaises(ZoneServed, second.acquire)
        self.assertEqual(
            str(error),
            f"{served}, but its socket is gone: 'kill -HUP {pid}' makes it again",
        )


class LockFileTests(SynchronousTestCase):
    """
    What is in the file.
    """

    def read(self, content: bytes) -> LockFile:
        """
        What is found in a file.
        """
        fd = os.memfd_create("lock")
        self.addCleanup(os.close, fd)
        os.write(fd, content)
        return LockFile.read(fd)

    def test_bothWays(self) -> None:
        """
        What was written is found again.
        """
        for file in (LockFile(7), LockFile(7, "HUP"), LockFile(2**22, "USR2")):
            self.assertEqual(self.read(file.encoded()), file)

    def test_others(self) -> None:
        """
        What is nothing is taken for nothing.
        """
        for content in (b"", b"\n", b"x\n", b"-7\n", b"\xff" * 100, b"7 8\n"):
            self.assertEqual(self.read(content), LockFile(0), content)
        for content in (b"7", b"7\n", b"7\nKILL\n", b"7\n'; rm -rf /\n"):
            self.assertEqual(self.read(content), LockFile(7), content)

    def test_remedy(self) -> None:
        """
        Nobody is advised to send a signal that would not do.
        """
        self.assertEqual(LockFile(7, "USR2").remedy, "'kill -USR2 7' makes it again")
        for file in (LockFile(7), LockFile(0, "HUP")):
            self.assertEqual(file.remedy, "")
