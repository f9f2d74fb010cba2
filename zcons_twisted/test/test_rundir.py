# -*- test-case-name: zcons_twisted.test.test_rundir -*-
"""
Tests for L{zcons_twisted.rundir}.
"""

from __future__ import annotations

import errno
import grp
import os
import stat
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from ..errors import BadZoneName, RunDirectoryError
from ..rundir import (
    ROOT_RUN_DIRECTORY,
    SOCKET_PATH_MAX,
    RunDirectory,
    groupNumber,
)

UID = os.geteuid()
GID = os.getegid()


class NamesTests(SynchronousTestCase):
    """
    What is where in a run directory.
    """

    def setUp(self) -> None:
        """
        The directory of illumos.
        """
        self.rundir = RunDirectory("/var/run/zones")

    def test_paths(self) -> None:
        """
        The console socket is called as on illumos, and the others beside it.
        """
        self.assertEqual(
            [
                self.rundir.consoleSocket("web-1"),
                self.rundir.controlSocket("web-1"),
                self.rundir.lockFile("web-1"),
                self.rundir.deviceDirectory("web-1"),
            ],
            [
                "/var/run/zones/web-1.console_sock",
                "/var/run/zones/web-1.control_sock",
                "/var/run/zones/web-1.zconsole.lock",
                "/var/run/zones/zcons/web-1",
            ],
        )

    def test_badNames(self) -> None:
        """
        A name that is no zone's becomes no path.
        """
        for make in (
            self.rundir.consoleSocket,
            self.rundir.controlSocket,
            self.rundir.lockFile,
            self.rundir.deviceDirectory,
        ):
            self.assertRaises(BadZoneName, make, "../../etc/passwd")

    def test_longestSocketPath(self) -> None:
        """
        A socket's path may have 107 bytes; a longer one is refused with advice.
        """
        room = SOCKET_PATH_MAX - len("/z.console_sock")
        fits = RunDirectory("/" + "d" * (room - 1))
        self.assertEqual(len(fits.consoleSocket("z")), 107)
        error = self.assertRaises(
            RunDirectoryError, RunDirectory(fits.path + "d").consoleSocket, "z"
        )
        self.assertIn("longer than 107 bytes: choose a shorter --rundir", str(error))

    def test_bytesCount(self) -> None:
        """
        The limit is in bytes.
        """
        room = SOCKET_PATH_MAX - len("/z.control_sock")
        rundir = RunDirectory("/" + "d" * (room - 2) + "ü")
        self.assertRaises(RunDirectoryError, rundir.controlSocket, "z")

    def test_longestZone(self) -> None:
        """
        The longest zone name fits into illumos' directory.
        """
        self.assertLessEqual(len(self.rundir.consoleSocket("z" * 63)), 92)


class DefaultTests(SynchronousTestCase):
    """
    Who names no directory gets the usual one.
    """

    def test_root(self) -> None:
        """
        Root's is illumos' own, whatever the environment says.
        """
        found = RunDirectory.default({"XDG_RUNTIME_DIR": "/run/user/0"}, 0)
        self.assertEqual(found.path, "/var/run/zones")
        self.assertEqual(ROOT_RUN_DIRECTORY, "/var/run/zones")

    def test_user(self) -> None:
        """
        A user's is in the user's own runtime directory.
        """
        found = RunDirectory.default({"XDG_RUNTIME_DIR": "/run/user/7"}, 7)
        self.assertEqual(found.path, "/run/user/7/zones")

    def test_none(self) -> None:
        """
        Where there is no runtime directory one has to be named.
        """
        for environ in ({}, {"XDG_RUNTIME_DIR": ""}):
            error = self.assertRaises(
                RunDirectoryError, RunDirectory.default, environ, 7
            )
            self.assertEqual(
                str(error),
                "no run directory: XDG_RUNTIME_DIR is not set, so give --rundir DIR",
            )


class MakeTests(SynchronousTestCase):
    """
    The directory is made for its owner alone, or refused if others could change it.
    """

    def setUp(self) -> None:
        """
        A directory that is not there yet.
        """
        self.rundir = RunDirectory(os.path.abspath(self.mktemp()))

    def mode(self) -> int:
        """
        @return: the directory's permissions.
        """
        return stat.S_IMODE(os.stat(self.rundir.path).st_mode)

    def refused(self, uid: int = UID) -> str:
        """
        @return: why the directory is refused, on both ways.
        """
        error = self.assertRaises(RunDirectoryError, self.rundir.check, uid)
        again = self.assertRaises(RunDirectoryError, self.rundir.make, uid)
        self.assertEqual(str(error), str(again))
        return str(error)

    def test_made(self) -> None:
        """
        It is made with its parents, for its owner alone, and may be made twice.
        """
        self.rundir = RunDirectory(os.path.join(self.rundir.path, "a", "zones"))
        self.rundir.make(UID)
        self.assertEqual(self.mode(), 0o700)
        self.rundir.make(UID)

    def test_madeInAnyUmask(self) -> None:
        """
        The umask opens it to nobody.
        """
        self.addCleanup(os.umask, os.umask(0))
        self.rundir.make(UID)
        self.assertEqual(self.mode(), 0o700)

    def test_madeForAGroup(self) -> None:
        """
        A group that was named may come in, and not write.
        """
        self.rundir.make(UID, GID)
        self.assertEqual(self.mode(), 0o750)
        self.assertEqual(os.stat(self.rundir.path).st_gid, GID)

    def test_closedToTheGroup(self) -> None:
        """
        A directory that was there is not changed: one that the group can't enter is
        refused.
        """
        os.mkdir(self.rundir.path, 0o700)
        for mode in (0o700, 0o740, 0o701):
            os.chmod(self.rundir.path, mode)
            error = self.assertRaises(RunDirectoryError, self.rundir.make, UID, GID)
            self.assertIn(f"is closed to group {GID}", str(error))
            self.assertEqual(self.mode(), mode)

    def test_openToTheGroup(self) -> None:
        """
        One that the group can enter, or everybody, is as good as one of our making.
        """
        os.mkdir(self.rundir.path, 0o700)
        os.chmod(self.rundir.path, 0o710)
        self.rundir.make(UID, GID)
        os.chmod(self.rundir.path, 0o711)
        self.rundir.make(UID, GID + 1)

    def test_keptAsItIs(self) -> None:
        """
        Without a group, a directory that was there keeps its permissions.
        """
        os.mkdir(self.rundir.path, 0o700)
        os.chmod(self.rundir.path, 0o755)
        self.rundir.make(UID)
        self.assertEqual(self.mode(), 0o755)

    def test_missingIsFine(self) -> None:
        """
        A directory that is not there yet can be used.
        """
        self.rundir.check(UID)
        self.assertFalse(os.path.exists(self.rundir.path))

    def test_writableByOthers(self) -> None:
        """
        A directory that the group or others may write is refused.
        """
        os.mkdir(self.rundir.path)
        for mode in (0o770, 0o702, 0o1777):
            os.chmod(self.rundir.path, mode)
            self.assertIn(f"may be written by others (mode {mode:04o})", self.refused())

    def test_ofAnotherUser(self) -> None:
        """
        A directory of another user is refused, root's own as well.
        """
        os.mkdir(self.rundir.path, 0o700)
        self.assertIn(f"belongs to user {UID}, not to {UID + 1}", self.refused(UID + 1))

    def test_noDirectory(self) -> None:
        """
        A file in its place is refused.
        """
        with open(self.rundir.path, "w"):
            pass
        self.assertIn("is no directory", self.refused())

    def test_belowAFile(self) -> None:
        """
        A directory that can't be there is refused in one line.
        """
        with open(self.rundir.path, "w"):
            pass
        self.rundir = RunDirectory(os.path.join(self.rundir.path, "zones"))
        self.assertIn("can't be used: Not a directory", self.refused())

    def test_cantBeMade(self) -> None:
        """
        A directory that can't be made is refused in one line.
        """
        error = self.assertRaises(
            RunDirectoryError, RunDirectory("/proc/zones").make, UID
        )
        self.assertIn("/proc/zones can't be made: ", str(error))


class ZonesTests(SynchronousTestCase):
    """
    The zones of a directory are those that have a console socket there.
    """

    def test_zones(self) -> None:
        """
        They are told in order, and other files are none.
        """
        path = self.mktemp()
        os.mkdir(path)
        for name in ("b.console_sock", "a.console_sock", "c.control_sock", "zcons"):
            with open(os.path.join(path, name), "w"):
                pass
        self.assertEqual(RunDirectory(path).zones(), ["a", "b"])

    def test_noZoneNames(self) -> None:
        """
        A file whose name is no zone's is no zone.
        """
        path = self.mktemp()
        os.mkdir(path)
        for name in (".console_sock", "\x1b[2J.console_sock", "z.console_sock"):
            with open(os.path.join(path, name), "w"):
                pass
        self.assertEqual(RunDirectory(path).zones(), ["z"])

    def test_none(self) -> None:
        """
        A directory that is not there has none.
        """
        self.assertEqual(RunDirectory(self.mktemp()).zones(), [])

    def test_unreadable(self) -> None:
        """
        A directory that can't be read is told in one line.
        """
        path = self.mktemp()
        with open(path, "w"):
            pass
        error = self.assertRaises(RunDirectoryError, RunDirectory(path).zones)
        self.assertEqual(
            str(error), f"run directory {path} can't be read: Not a directory"
        )

    def test_notForUs(self) -> None:
        """
        Who may not read it is told who may.
        """
        denied = PermissionError(errno.EACCES, "Permission denied")
        with mock.patch("os.listdir", side_effect=denied):
            error = self.assertRaises(RunDirectoryError, RunDirectory("/x").zones)
        self.assertEqual(
            str(error),
            "run directory /x can't be read: Permission denied: root, the server's user"
            " and the members of its --group may",
        )


class GroupNumberTests(SynchronousTestCase):
    """
    A group is given by name or by number.
    """

    def test_number(self) -> None:
        """
        Digits are a number, whether the group has a name or not.
        """
        self.assertEqual(groupNumber("4242"), 4242)

    def test_tooLarge(self) -> None:
        """
        A number that can be no group's is refused.
        """
        self.assertEqual(groupNumber(str(2**32 - 2)), 2**32 - 2)
        error = self.assertRaises(RunDirectoryError, groupNumber, str(2**32 - 1))
        self.assertIn("is larger than 4294967294", str(error))

    def test_otherDigits(self) -> None:
        """
        Digits of other scripts are a name.
        """
        self.assertRaises(RunDirectoryError, groupNumber, "\u0663")

    def test_name(self) -> None:
        """
        A name is looked up.
        """
        first = grp.getgrall()[0]
        self.assertEqual(groupNumber(first.gr_name), grp.getgrnam(first.gr_name).gr_gid)

    def test_unknown(self) -> None:
        """
        A group that there is not is refused.
        """
        error = self.assertRaises(RunDirectoryError, groupNumber, "no such group")
        self.assertEqual(str(error), "there is no group 'no such group'")
