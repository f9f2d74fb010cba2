# -*- test-case-name: zcons_twisted.test.test_zone_process -*-
"""
The processes of one session, as C{/proc} shows them.

What belongs to a zone's process is what is in its session: its own group and all
that a shell in it has put into groups of their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

__all__ = ["isMember", "members", "signal"]


def members(sid: int) -> list[int]:
    """
    The processes of a session that still run.

    @param sid: the session, which is the process ID of its leader.
    """
    return [
        int(name)
        for name in os.listdir("/proc")
        if name.isdecimal() and isMember(int(name), sid)
    ]


def isMember(pid: int, sid: int) -> bool:
    """
    Is this a process of the session that still runs?
    """
    try:
        # A hundred times cheaper than what is read below, and there may be thousands.
        if os.getsid(pid) != sid:
            return False
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return False
    # The name, in parentheses, may have spaces and parentheses in it.
    return text.rpartition(b")")[2].split()[0] not in (b"Z", b"X")


def signal(pids: Iterable[int], *numbers: int) -> None:
    """
    Send signals, in order, to each of some processes.  One that is not ours to signal,
    because it has become another user's, is left alone.
    """
    for pid in pids:
        for number in numbers:
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                break
