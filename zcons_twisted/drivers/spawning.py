# -*- test-case-name: zcons_twisted.test.test_spawning -*-
"""
How a zone's process is started, and how its beginning and end are heard of: as a child
of this process, or of the nexus, where it outlives the server.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from ..nexus.client import Nexus
from ..nexus.commands import Reap, Spawn
from ..reactors import ProcessReactor
from . import leader
from .sweep import ZoneDevice

__all__ = ["LocalSpawner", "NexusSpawner", "ProcessEars", "Spawner", "endOf"]


class ProcessEars(Protocol):
    """
    Who hears of a process.
    """

    def began(self) -> None:
        """
        The command runs.
        """

    def beginFailed(self, why: str) -> None:
        """
        The command can't be run.
        """

    def ended(self, reason: Failure) -> None:
        """
        The process has ended and been reaped.
        """


class Spawner(Protocol):
    """
    Starts the processes of one zone.
    """

    async def spawn(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        arguments: str,
        ears: ProcessEars,
    ) -> int:
        """
        Start a command as a session leader on the zone's console.

        @param arguments: the boot arguments, to be remembered.
        @return: the process.
        @raise Exception: it can't be started.
        """

    def resume(self, facts: Mapping[str, Any], ears: ProcessEars) -> None:
        """
        Hear of a process that an earlier server started.

        @param facts: what is known of it.
        """

    def foundEnded(self) -> None:
        """
        The process that was resumed has ended before.
        """

    def note(self, text: str) -> None:
        """
        Have the next server know what is to become of the zone.
        """


def endOf(code: int | None, number: int | None) -> Failure:
    """
    The end of a process that is not our child, as Twisted tells it.
    """
    if code == 0:
        return Failure(ProcessDone(0))
    return Failure(ProcessTerminated(code, number))


def _words(command: Sequence[str], leads: bool) -> list[str]:
    first = [sys.executable, "-IS", leader.__file__] if leads else []
    return [*first, *command]


class LocalSpawner:
    """
    Children of this process.
    """

    def __init__(
        self, reactor: ProcessReactor, device: ZoneDevice, leads: bool = True
    ) -> None:
        """
        @param reactor: starts processes.
        @param device: the zone's console device.
        @param leads: whether a command is the leader of a session that has the console
            as its controlling terminal.
        """
        self._leads = leads
        self._reactor = reactor
        self._device = device

    async def spawn(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        arguments: str,
        ears: ProcessEars,
    ) -> int:
        """
        See L{Spawner}.
        """
        subsidiary = self._device.openSubsidiary()
        try:
            words = _words(command, self._leads)
            process: IProcessTransport = self._reactor.spawnProcess(
                _ZoneProtocol(ears),
                words[0],
                words,
                env=dict(environment),
                childFDs={
                    0: subsidiary,
                    1: subsidiary,
                    2: subsidiary,
                    leader.STATUS_FD: "r",
                },
            )
        finally:
            os.close(subsidiary)
        return process.pid or 0

    def resume(self, facts: Mapping[str, Any], ears: ProcessEars) -> None:
        """
        There is none.
        """

    def foundEnded(self) -> None:
        """
        There is none.
        """

    def note(self, text: str) -> None:
        """
        There is nobody to tell.
        """


class _ZoneProtocol(ProcessProtocol):
    """
    Tells a zone how its process does.
    """

    def __init__(self, ears: ProcessEars) -> None:
        self._ears = ears
        self._why = b""

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """
        Why the command can't be run.
        """
        self._why += data

    def childConnectionLost(self, childFD: int) -> None:
        """
        The command has begun, unless we were told why not.
        """
        if self._why:
            self._ears.beginFailed(self._why.decode("utf-8", "replace"))
        else:
            self._ears.began()

    def processEnded(self, reason: Failure) -> None:
        """
        The process has been reaped, and has said all it had to say of its beginning.
        """
        self._ears.ended(reason)


class NexusSpawner:
    """
    Children of the nexus.

    @ivar facts: what the nexus said of the last one.
    """

    def __init__(self, nexus: Nexus, zone: str, leads: bool = True) -> None:
        """
        @param leads: as for L{LocalSpawner}.
        """
        self._leads = leads
        self._nexus = nexus
        self._zone = zone
        self._pid = 0
        self.facts: Mapping[str, Any] = {}
        self._ears: ProcessEars | None = None

    async def spawn(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        arguments: str,
        ears: ProcessEars,
    ) -> int:
        """
        See L{Spawner}.
        """
        words = _words(command, self._leads)
        for text in (*words, *environment, *environment.values()):
            if "\0" in text:
                raise ValueError(f"a word with a NUL: {ascii(text)}")
        spec = {
            "command": words,
            "environment": dict(environment),
            "cwd": os.getcwd(),
            "arguments": arguments,
            "terminal": True,
        }
        fd = os.memfd_create("zcons-spawn")
        try:
            with open(fd, "wb", closefd=False) as file:
                file.write(json.dumps(spec).encode())
            answer = await self._nexus.call(Spawn, zone=self._zone, spec=fd)
        finally:
            os.close(fd)
        self.resume(json.loads(answer["process"]), ears)
        return self._pid

    def resume(self, facts: Mapping[str, Any], ears: ProcessEars) -> None:
        """
        See L{Spawner}.
        """
        self.facts = facts
        self._pid = facts["pid"]
        self._ears = ears

    def foundEnded(self) -> None:
        """
        See L{Spawner}.
        """
        facts = self.facts
        self.ended(self._pid, facts.get("code"), facts.get("signal"))

    def note(self, text: str) -> None:
        """
        See L{Spawner}.
        """
        self._nexus.remember(self._zone, text)

    def began(self, pid: int, why: str) -> None:
        """
        The nexus tells that a process has begun, or has not.
        """
        if pid == self._pid and self._ears is not None:
            if why:
                self._ears.beginFailed(why)
            else:
                self._ears.began()

    def ended(self, pid: int, code: int | None, number: int | None) -> None:
        """
        The nexus tells that a process has ended.
        """
        if pid == self._pid and self._ears is not None:
            ears, self._ears = self._ears, None
            reaped = Deferred.fromCoroutine(self._nexus.call(Reap, zone=self._zone))
            # A nexus that has gone keeps nothing to be reaped.
            reaped.addErrback(lambda failure: None)
            ears.ended(endOf(code, number))
