# -*- test-case-name: zcons_twisted.test.test_nexus_client -*-
"""
A server's one connection to the nexus of its run directory, which is started where it
is not there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.internet.interfaces import IReactorUNIX
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.protocols.amp import Command, Descriptor
from twisted.python.failure import Failure

from ..notices import escaped
from ..reactors import ProcessReactor
from .commands import Hello, Leave, Mend, Remember, Spawn
from .door import SOCKET_NAME
from .holder import VERSION
from .link import Link, NexusEars, Once
from .memory_file import memoryFile
from .starting import NexusLost, start, startNow
from .turns import Turns

__all__ = [
    "ASK_TRIES",
    "CARRYING_MAX",
    "MANAGED_SECONDS",
    "RETRY_SECONDS",
    "START_SECONDS",
    "Nexus",
    "NexusLost",
    "Unanswered",
]

#: Seconds that a nexus may take to begin and to answer ...
START_SECONDS = 10.0
#: ... and between two looks whether it does.
RETRY_SECONDS = 0.05
#: Seconds that a service manager may take to start its nexus again.
MANAGED_SECONDS = 5.0
#: Requests that carry a descriptor and are under way at the same time, in one server;
#: the others wait.  A nexus leaves those of whom it has got more than
#: L{DESCRIPTORS_MAX<zcons_twisted.nexus.wire.DESCRIPTORS_MAX>} ahead of the requests.
CARRYING_MAX = 16
#: Times at most that the same is asked, where the nexus goes before it has answered.
ASK_TRIES = 3


class Unanswered(NexusLost):
    """
    The connection was lost before the nexus answered: what was asked may have been
    done.
    """


class Nexus:
    """
    The nexus of one run directory, as a server has it: connected when it is first asked
    something, and started then where it is not there.
    """

    _log = Logger()

    def __init__(self, reactor: ProcessReactor, rundir: str) -> None:
        """
        @param reactor: connects, runs processes and measures time.
        @param rundir: the run directory's path.
        """
        self._reactor = reactor
        self._rundir = rundir
        self._path = os.path.join(rundir, SOCKET_NAME)
        self._link: Link | None = None
        self._waiting: list[Deferred[Link]] = []
        self._connecting = self._managed = False
        self._leaving = False
        self._lost: Link | None = None
        self._carrying = Turns(CARRYING_MAX)
        self._ears: dict[str, NexusEars] = {}
        self._notes: dict[str, str] = {}

    def startNow(self) -> None:
        """
        Start it where it is not there, and wait for that: for those whose reactor does
        not run yet.

        @raise NexusLost: it can't be started; the message says why.
        """
        startNow(self._rundir)

    @property
    def pid(self) -> int:
        """
        The process that we are connected to, or 0.
        """
        return self._link.pid if self._link is not None else 0

    def listen(self, zone: str, ears: NexusEars) -> None:
        """
        Hear what it tells of a zone.
        """
        self._ears[zone] = ears

    def listenNoMore(self, zone: str) -> None:
        """
        Hear no more of it.
        """
        self._ears.pop(zone, None)
        self._notes.pop(zone, None)

    async def call(self, command: type[Command], **arguments: object) -> dict[str, Any]:
        """
        Ask it something.

        @raise OSError: it can't be done.
        @raise NexusLost: there is no nexus to be had.
        @raise Unanswered: the connection was lost meanwhile.
        """
        carried = (
            isinstance(kind, Descriptor) and name.decode() in arguments
            for name, kind in command.arguments
        )
        if any(carried):
            return await self._carry(self._ask(command, arguments))
        return await self._ask(command, arguments)

    async def spawn(self, zone: str, spec: Mapping[str, Any]) -> dict[str, Any]:
        """
        Have it start a process.

        @param spec: as L{Spawn} has it.
        @return: what is known of the process.
        @raise OSError: it can't be done; and the others as for L{call}.
        """
        link = self._link or await self._connected()
        return await self._carry(self._spawn(link, zone, spec))

    def remember(self, zone: str, text: str) -> None:
        """
        Have it keep a text with a zone, and whoever takes its place.
        """
        if zone in self._ears:
            self._notes[zone] = text
        if self._link is not None:
            said = self._link.callRemote(Remember, zone=zone, text=text)
            # It is gone; the next one is told again.
            said.addErrback(lambda failure: None)

    async def mend(self) -> bool:
        """
        Have its socket made again where somebody has removed it.

        @return: whether that was so.
        @raise OSError: it can't be made; and the others as for L{call}.
        """
        if self._link is None or os.path.lexists(self._path):
            return False
        mended: bool = (await self._ask(Mend, {}))["mended"]
        if mended:
            self._log.warn(
                "somebody has removed {path}: the nexus (process {pid}) has made it"
                " again",
                path=escaped(self._path),
                pid=self.pid,
            )
        return mended

    async def leave(self) -> None:
        """
        Disconnect in good order.  One that holds nothing is gone then.
        """
        link = self._link
        if link is None:
            return
        self._leaving = True
        try:
            await link.callRemote(Leave)
        except (ConnectionClosed, OSError):
            # Then it is gone already.
            pass
        finally:
            if link.transport is not None:
                link.transport.loseConnection()
            self._link = None
            self._leaving = False

    # What a connection tells.

    def tell(self, zone: str, what: Callable[[NexusEars], None]) -> None:
        """
        Something happened to a zone.
        """
        ears = self._ears.get(zone)
        if ears is not None:
            what(ears)

    def linkLost(self, link: Link) -> None:
        """
        A connection is lost.
        """
        if link is not self._link:
            return
        self._link = None
        if self._leaving:
            return
        # What that was is known as soon as one is there again.
        self._lost = link
        for ears in list(self._ears.values()):
            ears.lost()

    def _tellLoss(self, lost: Link, found: Link | Failure) -> None:
        if isinstance(found, Failure):
            self._log.error(
                "the nexus (process {pid}) has ended unasked, and there is no other"
                " one: {error}",
                pid=lost.pid,
                error=found.getErrorMessage(),
            )
        elif found.pid == lost.pid:
            self._log.error(
                "the nexus (process {pid}) has closed the connection of this server,"
                " which is connected again: {why}",
                pid=lost.pid,
                why=lost.why,
            )
        else:
            self._log.error(
                "the nexus (process {pid}) has ended unasked: another one takes over"
                " the console devices of {count} zones",
                pid=lost.pid,
                count=len(self._ears),
            )

    # Asking.

    async def _ask(
        self, command: type[Command], arguments: Mapping[str, object]
    ) -> dict[str, Any]:
        link = self._link or await self._connected()
        try:
            answer: dict[str, Any] = await link.callRemote(command, **arguments)
        except ConnectionClosed:
            raise Unanswered("the nexus has not answered") from None
        return answer

    async def _carry(self, work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
        """
        Ask something that carries a descriptor, when it is its turn.
        """
        try:
            if self._link is None:
                # Together: where there is none, nobody has to find out in turn.
                await self._connected()
            await self._carrying.take()
            try:
                return await work
            finally:
                self._carrying.over()
        finally:
            work.close()

    async def _spawn(
        self, link: Link, zone: str, spec: Mapping[str, Any]
    ) -> dict[str, Any]:
        if link is not self._link:
            # Another one has to be handed the zone's device first.
            raise Unanswered("the nexus has gone before it was asked")
        # Not before it is its turn: a thousand of them would be as many open files.
        with memoryFile(json.dumps(spec).encode()) as fd:
            answer = await self._ask(Spawn, {"zone": zone, "spec": fd})
        facts: dict[str, Any] = json.loads(answer["process"])
        return facts

    # Connecting.

    def _connected(self) -> Deferred[Link]:
        done: Deferred[Link] = Deferred()
        self._waiting.append(done)
        if not self._connecting:
            self._connecting = True
            Deferred.fromCoroutine(self._connect()).addBoth(self._tried)
        return done

    def _tried(self, result: Link | Failure) -> None:
        self._connecting = False
        waiting, self._waiting = self._waiting, []
        lost, self._lost = self._lost, None
        if lost is not None:
            self._tellLoss(lost, result)
        if isinstance(result, Link):
            self._link = result
            for zone, text in self._notes.items():
                self.remember(zone, text)
        for done in waiting:
            done.callback(result)

    async def _connect(self) -> Link:
        """
        One that ends at this very moment, having nothing to hold any more, is followed
        by another one.
        """
        begin = self._reactor.seconds()
        end = begin + START_SECONDS
        patience = begin + (MANAGED_SECONDS if self._managed else 0.0)
        why = ""
        started = False
        while True:
            try:
                return await self._attempt()
            except (ConnectError, ConnectionClosed, OSError) as e:
                why = why or str(e)
            if self._reactor.seconds() >= end:
                raise NexusLost(f"no nexus in {self._rundir}: {why}")
            if started or self._reactor.seconds() < patience:
                await deferLater(self._reactor, RETRY_SECONDS)
            if self._reactor.seconds() >= patience:
                why = await start(self._reactor, self._rundir)
                started = True

    async def _attempt(self) -> Link:
        # Not before: Twisted's endpoints take the names of passed sockets out of the
        # environment when they are loaded, and the server is to find them there.
        from twisted.internet.endpoints import UNIXClientEndpoint

        endpoint = UNIXClientEndpoint(
            cast(IReactorUNIX, self._reactor), self._path, timeout=START_SECONDS
        )
        link = Link(self)
        await endpoint.connect(Once(link))
        answer = await link.callRemote(Hello, version=VERSION)
        link.pid = answer["pid"]
        self._managed = answer["managed"]
        return link
