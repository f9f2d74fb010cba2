# -*- test-case-name: zcons_twisted.test.test_descriptor_limit -*-
"""
How many files a server may have open, and whether that is enough for its zones.
"""

from __future__ import annotations

import resource
from collections.abc import MutableMapping

from .drivers.leader import SOFT_LIMIT
from .errors import BadOption

__all__ = [
    "FILES_OF_SERVER",
    "FILES_PER_ZONE",
    "checkFiles",
    "filesNeeded",
    "raiseLimit",
]

#: What one zone has open with nobody attached: the pty (manager, master, subsidiary,
#: and the set that tells of hang-ups), the lock, the history, two sockets, and a pipe
#: to a command that is starting.
FILES_PER_ZONE = 9

#: What a server has open besides: standard streams, epoll, the log, and room for
#: some who attach.
FILES_OF_SERVER = 64


def filesNeeded(zones: int) -> int:
    """
    How many files a server of so many zones has to be able to open.
    """
    return FILES_OF_SERVER + FILES_PER_ZONE * zones


def raiseLimit(environ: MutableMapping[str, str]) -> int:
    """
    Allow ourselves as many open files as we may.

    @param environ: the environment of what we run, which is told what to go back to.
    @return: how many that is.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        environ[SOFT_LIMIT] = str(soft)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def checkFiles(zones: int, limit: int) -> None:
    """
    Is a number of files enough for a number of zones?

    @param limit: from L{raiseLimit}.
    @raise BadOption: it is not.
    """
    needed = filesNeeded(zones)
    if limit != resource.RLIM_INFINITY and needed > limit:
        raise BadOption(
            f"{zones} zones need {needed} open files, and no more than {limit} are"
            " allowed: raise the hard limit (ulimit -Hn, LimitNOFILE= of systemd), or"
            " divide the zones among servers with --shard"
        )
