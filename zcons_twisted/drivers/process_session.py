# -*- test-case-name: zcons_twisted.test.test_zone_process -*-
"""
The processes of one session, as C{/proc} shows them.

What belongs to a zone's process is what is in its session: its own group and all
that a shell in it has put into groups of their own.
"""

from __future__ import annotations

import os

__all__ = ["members", "signalMembers"]


def members(sid: int) -> list[int]:
    """
    The processes of a session that still run.

    @param sid: the session, which is the process ID of its leader.
    """
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal() and _sessionOf(name) == sid:
            found.append(int(name))
    return found


def signalMembers(sid: int, *numbers: int) -> None:
    """
    Send signals, in order, to every process of a session and to its leader, which may
    not have made the session yet.  A process that is not ours to signal, because it
    has become another user's, is left alone.
    """
    for pid in {sid, *members(sid)}:
        for number in numbers:
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                break


def _sessionOf(pid: str) -> int | None:
    """
    The session of a process, or L{None} where it has ended.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    # The name, in parentheses, may have spaces and parentheses in it.
    state, _parent, _group, session = text.rpartition(b")")[2].split()[:4]
    return None if state in (b"Z", b"X") else int(session)
