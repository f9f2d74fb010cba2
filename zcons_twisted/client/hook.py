# -*- test-case-name: zcons_twisted.test.test_client_hook -*-
"""
C{zconsole hook}: what an OCI runtime calls when something happens to a container that
somebody else runs.  The console of the zone is told.

A container waits for its hooks, and must not fail by one: there is a limit to the time
that this takes and to what is read, and whatever goes wrong is said in one line and
does no harm.  Without Twisted, which would take longer than the container.
"""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections.abc import Callable
from typing import Any

from zcons_twisted.errors import BadZoneName, RunDirectoryError
from zcons_twisted.events import EVENT_NAMES, ZoneEvent
from zcons_twisted.names import checkZoneName
from zcons_twisted.nexus.wire import Box, Malformed, decode, encode
from zcons_twisted.notices import escaped
from zcons_twisted.rundir import RunDirectory

__all__ = ["ANNOTATION", "HOOK_SECONDS", "STATE_MAX", "Hook", "eventOf"]

#: Seconds that a hook may take in all.
HOOK_SECONDS = 2.0
#: Most bytes of a container's state.
STATE_MAX = 256 * 1024

#: The annotation that tells of which zone a container is.
ANNOTATION = "zcons_twisted.zone"

_EVENTS = {
    "creating": ZoneEvent.READIED,
    "created": ZoneEvent.READIED,
    "running": ZoneEvent.BOOTING,
    "stopped": ZoneEvent.HALTED,
}

_READ = 64 * 1024


class _Unheard(Exception):
    """
    The console was not told; the message says why.
    """


def eventOf(status: object) -> str | None:
    """
    What a container's status tells, as the control door calls it.
    """
    event = _EVENTS.get(status) if isinstance(status, str) else None
    names = {value: name for name, value in EVENT_NAMES.items()}
    return None if event is None else names[event]


class Hook:
    """
    One call.
    """

    def __init__(
        self,
        rundir: RunDirectory,
        zone: str | None,
        say: Callable[[str], None],
        event: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        @param rundir: the server's run directory.
        @param zone: the zone's name, or L{None} for what the container says.
        @param say: shows one line.
        @param event: what has happened, or L{None} for what the container's status
            tells.
        @param clock: measures seconds.
        """
        self._rundir = rundir
        self._zone = zone
        self._say = say
        self._event = event
        self._clock = clock
        self._end = clock() + HOOK_SECONDS

    def run(self, fd: int) -> None:
        """
        Read the container's state, and tell what it means.

        @param fd: where it comes from.
        """
        try:
            self._run(fd)
        except (_Unheard, BadZoneName, RunDirectoryError) as e:
            self._say(f"hook: {escaped(str(e))}")

    def _run(self, fd: int) -> None:
        try:
            state = json.loads(self._read(fd))
        except (ValueError, RecursionError):
            raise _Unheard("standard input is no container's state") from None
        if not isinstance(state, dict):
            raise _Unheard("standard input is no container's state")
        event = self._event or eventOf(state.get("status"))
        if event is None:
            raise _Unheard(
                f"a status of {ascii(state.get('status'))[:80]} tells nothing"
            )
        zone = checkZoneName(self._zone or _named(state))
        answer = self._ask(
            self._rundir.controlSocket(zone),
            zone,
            {"_ask": b"1", "_command": b"Event", "name": event.encode()},
        )
        if "_error" in answer:
            why = answer.get("_error_description", b"").decode("utf-8", "replace")
            raise _Unheard(f"zone {zone}: {why}")

    def _left(self) -> float:
        return max(0.0, self._end - self._clock())

    def _read(self, fd: int) -> bytes:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        data = b""
        while len(data) <= STATE_MAX:
            if not poll.poll(self._left() * 1000):
                raise _Unheard(f"no end of standard input in {HOOK_SECONDS:g} s")
            more = os.read(fd, _READ)
            if not more:
                return data
            data += more
        raise _Unheard(f"a state of more than {STATE_MAX} bytes")

    def _ask(self, path: str, zone: str, box: Box) -> Box:
        with socket.socket(socket.AF_UNIX) as server:
            data = bytearray()
            try:
                server.settimeout(self._left() or 0.001)
                server.connect(path)
                server.sendall(encode(box))
                while (answer := decode(data)) is None:
                    server.settimeout(self._left() or 0.001)
                    more = server.recv(_READ)
                    if not more:
                        raise _Unheard(f"the server of zone {zone} does not admit us")
                    data += more
            except FileNotFoundError:
                raise _Unheard(
                    f"no server serves zone {zone} in {self._rundir.path}"
                ) from None
            except TimeoutError:
                raise _Unheard(f"the server of zone {zone} does not answer") from None
            except (OSError, Malformed) as e:
                why = getattr(e, "strerror", None) or e
                raise _Unheard(f"the server of zone {zone}: {why}") from None
        return answer


def _named(state: dict[str, Any]) -> str:
    """
    The zone that a container says it is.
    """
    annotations = state.get("annotations")
    if isinstance(annotations, dict) and isinstance(annotations.get(ANNOTATION), str):
        return str(annotations[ANNOTATION])
    return str(state.get("id", ""))
