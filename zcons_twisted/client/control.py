# -*- test-case-name: zcons_twisted.test.test_client_control -*-
"""
Asking a zone's control door, one command a connection.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from twisted.internet.error import ConnectionAborted, ConnectionClosed
from twisted.protocols.amp import AMP, AmpError, Command, RemoteAmpError

from zcons_twisted.doors.commands import Refused
from zcons_twisted.notices import escaped
from zcons_twisted.rundir import RunDirectory

from .connecting import Opener, openUnix
from .errors import CommandError, CouldNotConnect
from .tx import AttachReactor, connect

__all__ = ["ANSWER_SECONDS", "LIFECYCLE_SECONDS", "ask"]

#: How long the server may take to answer.
ANSWER_SECONDS = 10.0

#: How long it may take to boot, to halt and the like: a zone is given time to go.
LIFECYCLE_SECONDS = 120.0


async def ask(
    reactor: AttachReactor,
    rundir: RunDirectory,
    zone: str,
    command: type[Command],
    seconds: float = ANSWER_SECONDS,
    opener: Opener = openUnix,
    **arguments: object,
) -> dict[str, Any]:
    """
    Ask a zone's server.

    @param reactor: where to wait for the answer.
    @param rundir: the server's run directory.
    @param zone: the zone's name.
    @param command: one of L{zcons_twisted.doors.commands}.
    @param seconds: how long the answer may take.
    @param opener: one attempt to connect, as L{openUnix}.
    @param arguments: those of the command; what is L{None} is left out.
    @return: the answer's values by name.
    @raise CommandError: it was refused, or there was no answer; the message
        says why.
    """
    client = AMP()
    try:
        await connect(reactor, rundir.controlSocket(zone), zone, client, opener)
    except CouldNotConnect as e:
        raise CommandError(_unreachable(e, rundir, zone), e.process) from None
    transport: Any = client.transport
    deadline = reactor.callLater(seconds, transport.abortConnection)
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        answer: dict[str, Any] = await client.callRemote(command, **given)
    except Refused as e:
        lines = str(e).split("\n")
        raise CommandError("\n".join(map(escaped, lines))) from None
    except ConnectionAborted:
        raise CommandError(
            f"the server of zone {zone} did not answer within {seconds:.3g} s"
        ) from None
    except ConnectionClosed:
        raise CommandError(
            f"the server of zone {zone} closed the connection without an answer: it"
            " stopped, or it does not admit you"
        ) from None
    except (AmpError, RemoteAmpError) as e:
        raise CommandError(
            f"the server of zone {zone} does not understand: {escaped(str(e))}"
        ) from None
    finally:
        if deadline.active():
            deadline.cancel()
        transport.loseConnection()
    return answer


def _unreachable(error: CouldNotConnect, rundir: RunDirectory, zone: str) -> str:
    if error.number == errno.ENOENT and os.path.exists(rundir.consoleSocket(zone)):
        return f"the server of zone {zone} has no control door"
    return str(error)
