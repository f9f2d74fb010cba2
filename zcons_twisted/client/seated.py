# -*- test-case-name: zcons_twisted.test.test_client_seated -*-
"""
Who sits in the seat that somebody wanted, in words that help.

The refusal itself has a process ID and nothing else, as that of illumos has; the
control door knows more.
"""

from __future__ import annotations

from zcons_twisted.doors.commands import Status
from zcons_twisted.notices import escaped
from zcons_twisted.rundir import RunDirectory

from .connecting import Opener, openUnix
from .control import ask
from .errors import CommandError
from .reports import moment
from .tx import AttachReactor

__all__ = ["SEAT_SECONDS", "whoSits"]

#: How long the control door may take to tell.
SEAT_SECONDS = 2.0


async def whoSits(
    reactor: AttachReactor, rundir: RunDirectory, zone: str, opener: Opener = openUnix
) -> str:
    """
    What to tell who was refused.

    @param reactor: where to wait for the answer.
    @param rundir: the server's run directory.
    @param zone: the zone's name.
    @param opener: one attempt to connect, as L{openUnix}.
    """
    way = (
        f"'zconsole watch {zone}' shows the console, 'zconsole take {zone}' takes the"
        " seat"
    )
    try:
        status = await ask(reactor, rundir, zone, Status, SEAT_SECONDS, opener)
    except CommandError:
        return way
    for who in status["operator"]:
        return f"that is {escaped(who['user'])}, since {moment(who['since'])}: {way}"
    return f"the seat is free by now: {way}"
