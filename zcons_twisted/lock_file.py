# -*- test-case-name: zcons_twisted.test.test_zone_lock -*-
"""
What is in the file that a zone's server holds a lock on: its process, and how it is had
to make the zone's sockets again where somebody has removed them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

__all__ = ["REMEDIES", "LockFile"]

#: The signals that may be meant: by them a server makes sockets again, or by none.
REMEDIES = ("HUP", "USR2")

# More than there ever is.
_SIZE = 64


@dataclass(frozen=True, slots=True)
class LockFile:
    """
    What is in it.

    @ivar pid: the server's process; 0 where that can't be read.
    @ivar signal: one of L{REMEDIES}, or C{""}.
    """

    pid: int
    signal: str = ""

    @classmethod
    def read(cls, fd: int) -> LockFile:
        """
        From the file, open for reading.
        """
        lines = os.pread(fd, _SIZE, 0).decode("ascii", "replace").split("\n")
        pid, signal = [*lines, "", ""][:2]
        return cls(
            int(pid) if pid.isascii() and pid.isdigit() else 0,
            signal if signal in REMEDIES else "",
        )

    def encoded(self) -> bytes:
        """
        The same as it is written.
        """
        lines = [str(self.pid), *([self.signal] if self.signal else []), ""]
        return "\n".join(lines).encode("ascii")

    @property
    def remedy(self) -> str:
        """
        What has the sockets made again, for people, or C{""}.
        """
        if not self.pid or not self.signal:
            return ""
        return f"'kill -{self.signal} {self.pid}' makes it again"
