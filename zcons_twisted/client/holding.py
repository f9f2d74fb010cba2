# -*- test-case-name: zcons_twisted.test.test_client_holding -*-
"""
Who serves a zone that nobody finds: a server whose sockets somebody has removed holds
the zone's lock on.
"""

from __future__ import annotations

import os

from zcons_twisted.lock_file import LockFile
from zcons_twisted.rundir import RunDirectory

__all__ = ["lockHolder", "lostSocket", "lostSockets"]


def lockHolder(path: str) -> int:
    """
    Who has locked a file, 0 where nobody has; without taking the lock, for that would
    keep a server from it.
    """
    try:
        found = os.stat(path)
        with open("/proc/locks", encoding="ascii") as locks:
            for line in locks:
                words = line.split()
                device, _, inode = words[5].rpartition(":")
                major, minor = (int(part, 16) for part in device.split(":"))
                if (os.makedev(major, minor), int(inode)) == (
                    found.st_dev,
                    found.st_ino,
                ):
                    return int(words[4])
    except (OSError, ValueError, IndexError):
        # No lock, or a system that does not tell.
        return 0
    return 0


def lostSocket(rundir: RunDirectory, zone: str) -> str:
    """
    That a zone's server is there though its socket is not, and how it is had to make
    that again, for people; C{""} where nobody holds the lock.
    """
    path = rundir.lockFile(zone)
    holder = lockHolder(path)
    if not holder:
        return ""
    told = f"process {holder} serves {zone}, but its socket is gone"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        # It is the server's user's to read, who may do something about it.
        return told
    try:
        found = LockFile.read(fd)
    finally:
        os.close(fd)
    remedy = found.remedy if found.pid == holder else ""
    return f"{told}: {remedy}" if remedy else told


def lostSockets(rundir: RunDirectory) -> list[str]:
    """
    The same of every zone whose console socket is not there, a line each.
    """
    told = [lostSocket(rundir, zone) for zone in rundir.unfound()]
    return [line for line in told if line]
