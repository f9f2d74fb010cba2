# -*- test-case-name: zcons_twisted.test.test_nexus_notify -*-
"""
A service manager as a place to keep descriptors (C{FDSTORE=1} on C{$NOTIFY_SOCKET}), so
that a nexus survives its own restart.

Each master is kept under a name that says which instance it is and for whom
(L{storeName}); one more descriptor, a file in memory under the name L{STATE_NAME}, has
what else is known of each zone.  They come back through C{$LISTEN_FDS} and
C{$LISTEN_FDNAMES}.
"""

from __future__ import annotations

import array
import json
import os
import re
import socket
from collections.abc import Mapping
from typing import Any

__all__ = ["STATE_NAME", "Notifier", "inherited", "parseName", "storeName"]

#: The name of what is known besides the masters.
STATE_NAME = "zcons-state"

_NAME = re.compile(
    r"zcons,instance=([0-9]{1,9}),zonename=([a-zA-Z0-9][-_.a-zA-Z0-9]{0,62}),"
    r"auto-assign-instance=1,ddi-no-autodetach=1"
)
_FIRST = 3


def storeName(number: int, zone: str) -> str:
    """
    The name that a master is kept under.
    """
    return (
        f"zcons,instance={number},zonename={zone},"
        "auto-assign-instance=1,ddi-no-autodetach=1"
    )


def parseName(name: str) -> tuple[int, str] | None:
    """
    The instance number and the zone of such a name, or L{None} for others.
    """
    match = _NAME.fullmatch(name)
    return (int(match[1]), match[2]) if match else None


def inherited(environ: Mapping[str, str], pid: int) -> list[tuple[str, int]]:
    """
    The descriptors that a service manager has given us, with their names.
    """
    if environ.get("LISTEN_PID") != str(pid):
        return []
    count = int(environ.get("LISTEN_FDS", "0"))
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    found = []
    for number in range(count):
        fd = _FIRST + number
        os.set_inheritable(fd, False)
        found.append((names[number] if number < len(names) else "", fd))
    return found


class Notifier:
    """
    A service manager's notification socket.

    @ivar isThere: there is one.
    """

    def __init__(self, path: str | None) -> None:
        """
        @param path: C{$NOTIFY_SOCKET}; nothing is kept where it is L{None}.
        """
        self.isThere = path is not None
        self._path = path
        self._state = -1

    def ready(self) -> None:
        """
        We serve now.
        """
        self._send("READY=1")

    def keep(self, name: str, fd: int) -> None:
        """
        Have a descriptor kept.  One that is hung up for the moment is kept as well.
        """
        self._send(f"FDSTORE=1\nFDNAME={name}\nFDPOLL=0", fd)

    def drop(self, name: str) -> None:
        """
        Have it kept no more.
        """
        self._send(f"FDSTOREREMOVE=1\nFDNAME={name}")

    def restore(self, fd: int) -> dict[str, Any]:
        """
        What the last nexus knew.

        @param fd: the file that was kept as L{STATE_NAME}; ours from now on.
        """
        self._state = fd
        try:
            found = json.loads(os.pread(fd, os.fstat(fd).st_size, 0))
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def state(self, known: Mapping[str, Any]) -> None:
        """
        Have this known to the next nexus.
        """
        if self._path is None:
            return
        if self._state == -1:
            self._state = os.memfd_create(STATE_NAME)
            self.keep(STATE_NAME, self._state)
        data = json.dumps(known).encode()
        os.pwrite(self._state, data, 0)
        os.ftruncate(self._state, len(data))

    def _send(self, text: str, fd: int = -1) -> None:
        if self._path is None:
            return
        path = "\0" + self._path[1:] if self._path.startswith("@") else self._path
        beside = []
        if fd != -1:
            beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            try:
                sender.sendmsg([text.encode()], beside, 0, path)
            except OSError:
                # It is kept nowhere then; consoles are served all the same.
                return
