# -*- test-case-name: zcons_twisted.test.test_spawning -*-
"""
How a zone's process is started, and how its beginning and end are heard of: as a child
of this process, or of the nexus, where it outlives the server.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from ..nexus.client import Nexus, Unanswered
from ..nexus.commands import Claim, Reap
from ..reactors import ProcessReactor
from . import leader
from .sweep import ZoneDevice

__all__ = [
    "Alone",
    "Facts",
    "LocalSpawner",
    "NexusSpawner",
    "ProcessEars",
    "Spawner",
    "endOf",
]

#: What is known of a process, as
#: L{Child.facts<zcons_twisted.nexus.children.Child>} has it.
Facts = dict[str, Any]

#: Does something while nothing else is done with the zone's device.
Alone = Callable[[Coroutine[Any, Any, Facts]], Deferred[Facts]]


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
    ) -> Facts:
        """
        Start a command as a session leader on the zone's console.

        @param arguments: the boot arguments, to be remembered.
        @return: what is known of the process; what it has told by then is not told
            again.
        @raise Unanswered: nobody knows whether it was started.
        @raise Exception: it can't be started.
        """

    def resume(self, facts: Facts, ears: ProcessEars) -> None:
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
    ) -> Facts:
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
        return {
            "pid": process.pid or 0,
            "arguments": arguments,
            "started": self._reactor.seconds(),
            "began": False,
            "why": "",
            "ended": False,
            "reaped": False,
        }

    def resume(self, facts: Facts, ears: ProcessEars) -> None:
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

    def __init__(
        self, nexus: Nexus, zone: str, alone: Alone, leads: bool = True
    ) -> None:
        """
        @param alone: keeps apart what is done with the zone's device: a nexus that
            takes another one's place has to be handed it first.
        @param leads: as for L{LocalSpawner}.
        """
        self._leads = leads
        self._nexus = nexus
        self._zone = zone
        self._alone = alone
        self._pid = 0
        self.facts: Facts = {}
        self._ears: ProcessEars | None = None

    async def spawn(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        arguments: str,
        ears: ProcessEars,
    ) -> Facts:
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
        before = self.facts
        try:
            facts = await self._alone(self._nexus.spawn(self._zone, spec))
        except Unanswered:
            facts = await self._alone(self._known())
            same = [facts.get(name) == before.get(name) for name in ("pid", "born")]
            if not facts or facts["reaped"] or all(same):
                raise
        self.resume(facts, ears)
        return facts

    async def _known(self) -> Facts:
        """
        What the nexus knows of the zone's process: it may be the one that was asked to
        start it.
        """
        try:
            claimed = await self._nexus.call(Claim, zone=self._zone)
        except OSError:
            # It has nothing of the zone.
            return {}
        os.close(claimed["master"])
        facts: Facts = json.loads(claimed["process"]) if claimed["process"] else {}
        return facts

    def resume(self, facts: Facts, ears: ProcessEars) -> None:
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
            self._reap()
            ears.ended(endOf(code, number))

    def foundAgain(self, facts: Facts) -> None:
        """
        The nexus was not heard for a while; this is what it knows now.
        """
        if not facts or facts["pid"] != self._pid:
            return
        if facts["began"]:
            self.began(self._pid, facts["why"])
        if facts["ended"] and self._ears is not None:
            self.ended(self._pid, facts.get("code"), facts.get("signal"))
        elif facts["ended"] and not facts["reaped"]:
            # It was told, and did not hear that that was taken note of.
            self._reap()

    def _reap(self) -> None:
        reaped = Deferred.fromCoroutine(self._nexus.call(Reap, zone=self._zone))
        # A nexus that has gone keeps nothing to be reaped.
        reaped.addErrback(lambda failure: None)
