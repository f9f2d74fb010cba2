# -*- test-case-name: zcons_twisted.test.test_client_endings -*-
"""
Why the server ended a session, and what that means for the exit status.

A structured session is told.  A legacy session has no word for it, so the control door
is asked, where a server remembers how its last sessions ended.  A server without one,
or one that went with the zone, leaves what it printed last.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from zcons_twisted.doors.commands import Status
from zcons_twisted.events import ZoneEvent
from zcons_twisted.notices import escaped, framed, noticeText
from zcons_twisted.rundir import RunDirectory
from zcons_twisted.sessions import EndReason

from .connecting import Opener, isServed, openUnix
from .control import ask
from .errors import CommandError
from .happenings import End
from .naming import named
from .tx import AttachReactor

__all__ = [
    "REASON_SECONDS",
    "TAIL_SIZE",
    "ExitStatus",
    "Found",
    "Verdict",
    "lastEnd",
    "outputVerdict",
    "told",
    "verdict",
    "whyEnded",
]

#: How long the control door may take to say why.
REASON_SECONDS = 2.0

#: How much of the end of the output is looked at for a notice.
TAIL_SIZE = 256

_LAST_NOTICES = tuple(
    framed(noticeText(event, disconnect=True) or "")
    for event in (ZoneEvent.HALTED, ZoneEvent.BOOT_FAILED)
)
_AS_ASKED = frozenset((EndReason.HALTED.value, EndReason.BOOT_FAILED.value))


class ExitStatus:
    """
    The exit statuses of C{zconsole}.
    """

    #: Done, or the session ended as asked.
    DONE = 0
    #: Not attached, or the command was refused.
    FAILED = 1
    #: The command line is wrong.
    USAGE = 2
    #: The server ended the session.
    SERVER_ENDED = 3
    #: What was waited for did not come in time.
    TIMED_OUT = 4
    #: What was waited for can't come any more: the zone halted, or did not boot.
    ZONE_ENDED = 5
    #: Added to the number of a signal that ended us.
    SIGNAL = 128


@dataclass(frozen=True, slots=True)
class Found:
    """
    What could be found out about a session's end.

    @ivar text: why, for people, in one line.
    @ivar reason: the word for it, or L{None} where the server did not say.
    """

    text: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    How C{attach} exits.

    @ivar status: the exit status.
    @ivar message: a line for standard error, or C{""}.
    """

    status: int
    message: str = ""


def verdict(disconnect: bool, found: Found, tail: bytes) -> Verdict:
    """
    Was the end what the user had asked for?

    @param disconnect: whether it was to end when the zone halts (C{-d}).
    @param found: what could be found out.
    @param tail: the end of the output, at least L{TAIL_SIZE} bytes of it.
    """
    if disconnect:
        noticed = found.reason is None and tail.endswith(_LAST_NOTICES)
        if noticed or found.reason in _AS_ASKED:
            return Verdict(ExitStatus.DONE)
    return Verdict(ExitStatus.SERVER_ENDED, found.text)


def outputVerdict(error: OSError | None) -> Verdict:
    """
    Nobody takes our output any more.
    """
    if error is None or isinstance(error, BrokenPipeError):
        # Whoever read it has seen enough.
        return Verdict(ExitStatus.DONE)
    return Verdict(ExitStatus.FAILED, f"could not write the output: {error.strerror}")


def told(end: End) -> Found:
    """
    What a structured session was told of its end.
    """
    if end.reason:
        text = named(escaped(end.text))
        return Found(f"the server ended the session: {text}", end.reason)
    return Found(escaped(end.detail) or "the server closed the session", "")


def lastEnd(ended: list[dict[str, Any]], pid: int) -> Found | None:
    """
    The newest entry about us in the C{ended} list of L{Status}.
    """
    for entry in reversed(ended):
        if entry["pid"] == pid:
            text = named(escaped(entry["text"]))
            return Found(f"the server ended the session: {text}", entry["reason"])
    return None


async def whyEnded(
    reactor: AttachReactor,
    rundir: RunDirectory,
    zone: str,
    pid: int,
    opener: Opener = openUnix,
) -> Found:
    """
    Ask why our session ended.

    @param reactor: where to wait for the answer.
    @param rundir: the server's run directory.
    @param zone: the zone's name.
    @param pid: our own process ID.
    @param opener: one attempt to connect, as L{openUnix}.
    """
    try:
        status = await ask(reactor, rundir, zone, Status, REASON_SECONDS, opener)
    except CommandError:
        path = rundir.consoleSocket(zone)
        if isServed(path):
            return Found("the server closed the session")
        # Only a server that stops in good order takes its sockets away.
        orderly = not os.path.exists(path)
        return Found("the server has stopped" if orderly else "the server is gone")
    return lastEnd(status["ended"], pid) or Found("the server closed the session")
