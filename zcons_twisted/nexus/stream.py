# -*- test-case-name: zcons_twisted.test.test_nexus_stream -*-
"""
A connection to a console that is elsewhere, a virtual machine's for example, as a
nexus holds it: while a server is started anew, what the other end prints waits in the
kernel, and the other end notices nothing.
"""

from __future__ import annotations

import errno
import os
import stat

__all__ = ["StreamInstance", "isStream"]


class StreamInstance:
    """
    One connection.

    @ivar zone: the zone's name.
    @ivar master: the descriptor, named as a pair's is.
    """

    __slots__ = ("master", "zone")

    def __init__(self, zone: str, master: int) -> None:
        """
        @param master: a connected socket or an open serial line, which becomes ours.
        @raise OSError: it is neither; then it is still the caller's.
        """
        if not isStream(master):
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        self.zone = zone
        self.master = master

    def openSubsidiary(self) -> int:
        """
        There is none here.

        @raise OSError: always.
        """
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))

    def close(self) -> None:
        """
        It is not held any more; where nobody else has it, the other end sees an end.
        """
        os.close(self.master)


def isStream(fd: int) -> bool:
    """
    Is this a socket, or a line?
    """
    return stat.S_ISSOCK(os.fstat(fd).st_mode) or os.isatty(fd)
