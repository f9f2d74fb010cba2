# -*- test-case-name: zcons_twisted.test.test_rundir -*-
"""
The run directory: where a server's sockets and device links are, under which
names, and who may own and write it.
"""

from __future__ import annotations

import errno
import grp
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import BadZoneName, RunDirectoryError
from .names import checkZoneName

__all__ = [
    "ROOT_RUN_DIRECTORY",
    "SOCKET_PATH_MAX",
    "WHO_MAY",
    "RunDirectory",
    "groupNumber",
]

#: Where root's servers are, as on illumos.
ROOT_RUN_DIRECTORY = "/var/run/zones"

#: Longest path of a unix socket in bytes (C{sun_path} is 108 with its NUL).
SOCKET_PATH_MAX = 107

#: Who may use what is there.
WHO_MAY = "root, the server's user and the members of its --group may"

# The number after this one means "no group" to the kernel.
_GID_MAX = 2**32 - 2

_CONSOLE = ".console_sock"
_CONTROL = ".control_sock"
_LOCK = ".zconsole.lock"


def groupNumber(name: str) -> int:
    """
    A group's number from its name or its number in digits.

    @raise RunDirectoryError: there is no such group.
    """
    if name.isascii() and name.isdecimal():
        if int(name) > _GID_MAX:
            raise RunDirectoryError(f"group number {name} is larger than {_GID_MAX}")
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise RunDirectoryError(f"there is no group {ascii(name)}") from None


def _isZoneName(name: str) -> bool:
    try:
        checkZoneName(name)
    except BadZoneName:
        return False
    return True


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """
    A run directory and the names in it.

    @ivar path: where it is.
    """

    path: str

    @classmethod
    def default(cls, environ: Mapping[str, str], uid: int) -> RunDirectory:
        """
        The directory for those who name none: L{ROOT_RUN_DIRECTORY} for root,
        C{$XDG_RUNTIME_DIR/zones} for others.

        @raise RunDirectoryError: C{XDG_RUNTIME_DIR} is not set.
        """
        if uid == 0:
            return cls(ROOT_RUN_DIRECTORY)
        base = environ.get("XDG_RUNTIME_DIR")
        if not base:
            raise RunDirectoryError(
                "no run directory: XDG_RUNTIME_DIR is not set, so give --rundir DIR"
            )
        return cls(os.path.join(base, "zones"))

    def consoleSocket(self, zone: str) -> str:
        """
        The path of a zone's console socket.
        """
        return self._socket(zone, _CONSOLE)

    def controlSocket(self, zone: str) -> str:
        """
        The path of a zone's control socket.
        """
        return self._socket(zone, _CONTROL)

    def lockFile(self, zone: str) -> str:
        """
        The path of the file that the zone's server holds a lock on.
        """
        return os.path.join(self.path, checkZoneName(zone) + _LOCK)

    def historyFile(self, zone: str) -> str:
        """
        The path of the file that has a zone's history.
        """
        return os.path.join(self.path, checkZoneName(zone) + ".history")

    def deviceDirectory(self, zone: str) -> str:
        """
        The directory of links to a zone's console device.
        """
        return os.path.join(self.path, "zcons", checkZoneName(zone))

    def zones(self) -> list[str]:
        """
        The zones that have a console socket here, sorted; a dead server may
        have left one.

        @raise RunDirectoryError: the directory can't be read.
        """
        return self._with(_CONSOLE)

    def unfound(self) -> list[str]:
        """
        The zones that have no console socket here but a lock file, sorted; a server may
        be there all the same.

        @raise RunDirectoryError: the directory can't be read.
        """
        return sorted(set(self._with(_LOCK)) - set(self._with(_CONSOLE)))

    def check(self, uid: int, gid: int | None = None) -> None:
        """
        Refuse a directory that somebody else could change under us, or that those who
        should come in can't enter.

        @param uid: the user that the server runs as.
        @param gid: the group that may come in, or L{None}.
        @raise RunDirectoryError: it exists and is no directory, belongs to
            another user, may be written by others, or is closed to the group.
        """
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return
        except OSError as e:
            raise RunDirectoryError(
                f"run directory {self.path} can't be used: {e.strerror}"
            ) from None
        if not stat.S_ISDIR(found.st_mode):
            raise RunDirectoryError(f"run directory {self.path} is no directory")
        if found.st_uid != uid:
            raise RunDirectoryError(
                f"run directory {self.path} belongs to user {found.st_uid}, not to"
                f" {uid}: choose another with --rundir"
            )
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o022:
            raise RunDirectoryError(
                f"run directory {self.path} may be written by others (mode"
                f" {mode:04o}): take that away, or choose another with --rundir"
            )
        entered = mode & 0o010 if found.st_gid == gid else mode & 0o001
        if gid is not None and not entered:
            raise RunDirectoryError(
                f"run directory {self.path} is closed to group {gid} (group"
                f" {found.st_gid}, mode {mode:04o}): 'chgrp {gid}' and 'chmod 0750' it,"
                " or choose another with --rundir"
            )

    def make(self, uid: int, gid: int | None = None) -> None:
        """
        Make the directory where there is none, 0700 or, for a group, 0750.

        @param uid: the user that the server runs as.
        @param gid: the group that may come in, or L{None}.
        @raise RunDirectoryError: it can't be made or can't be trusted.
        """
        self.check(uid)
        try:
            if not os.path.isdir(self.path):
                os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
                os.mkdir(self.path, 0o700)
                if gid is not None:
                    os.chown(self.path, -1, gid)
                    os.chmod(self.path, 0o750)
        except OSError as e:
            raise RunDirectoryError(
                f"run directory {self.path} can't be made: {e.strerror}"
            ) from None
        self.check(uid, gid)

    def _with(self, suffix: str) -> list[str]:
        """
        The zones that have a file here that ends so.
        """
        try:
            names = os.listdir(self.path)
        except FileNotFoundError:
            return []
        except OSError as e:
            why = e.strerror
            if e.errno == errno.EACCES:
                why = f"{why}: {WHO_MAY}"
            raise RunDirectoryError(
                f"run directory {self.path} can't be read: {why}"
            ) from None
        found = (n.removesuffix(suffix) for n in names if n.endswith(suffix))
        return sorted(name for name in found if _isZoneName(name))

    def _socket(self, zone: str, suffix: str) -> str:
        path = os.path.join(self.path, checkZoneName(zone) + suffix)
        if len(os.fsencode(path)) > SOCKET_PATH_MAX:
            raise RunDirectoryError(
                f"socket path {path} is longer than {SOCKET_PATH_MAX} bytes:"
                " choose a shorter --rundir"
            )
        return path
