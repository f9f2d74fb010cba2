# -*- test-case-name: zcons_twisted.test.test_nexus_client -*-
"""
A server's one connection to the nexus of its run directory, which is started where it
is not there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Protocol, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.internet.interfaces import IAddress, IReactorUNIX, ITransport
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.protocols.amp import AMP, BinaryBoxProtocol, Command
from twisted.python.failure import Failure

from ..errors import DeviceError
from ..reactors import ProcessReactor
from . import holder
from .commands import Began, Ended, Hello, Leave, Remember
from .door import SOCKET_NAME

__all__ = [
    "MANAGED_SECONDS",
    "RETRY_SECONDS",
    "START_SECONDS",
    "Nexus",
    "NexusEars",
    "NexusLost",
]

#: Seconds that a nexus may take to begin and to answer ...
START_SECONDS = 10.0
#: ... and between two looks whether it does.
RETRY_SECONDS = 0.05
#: Seconds that a service manager may take to start its nexus again.
MANAGED_SECONDS = 5.0


class NexusLost(DeviceError):
    """
    There is no nexus, or it has gone before it answered.
    """


class NexusEars(Protocol):
    """
    Who hears what the nexus tells of a zone.
    """

    def began(self, pid: int, why: str) -> None:
        """
        The zone's process has begun; it has not, where there is a reason.
        """

    def ended(self, pid: int, code: int | None, number: int | None) -> None:
        """
        It has ended, with an exit status or by a signal where that is known.
        """

    def lost(self) -> None:
        """
        The nexus has gone, and what it held with it.
        """


class _Link(AMP):
    """
    One connection to a nexus.
    """

    def __init__(self, nexus: Nexus) -> None:
        super().__init__()
        self._nexus = nexus
        self.pid = 0

    def makeConnection(self, transport: ITransport) -> None:
        """
        Passes over L{AMP}'s own, which logs every connection.
        """
        BinaryBoxProtocol.makeConnection(self, transport)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """
        The nexus has gone, or we have.
        """
        BinaryBoxProtocol.connectionLost(self, reason)
        self.transport = None
        self._nexus.linkLost(self)

    @Began.responder
    def began(self, zone: str, pid: int, why: str) -> dict[str, Any]:
        """
        See L{Began}.
        """
        self._nexus.tell(zone, lambda ears: ears.began(pid, why))
        return {}

    @Ended.responder
    def ended(
        self, zone: str, pid: int, code: int | None = None, signal: int | None = None
    ) -> dict[str, Any]:
        """
        See L{Ended}.
        """
        self._nexus.tell(zone, lambda ears: ears.ended(pid, code, signal))
        return {}


class _Once(Factory):
    """
    Makes one connection, and says nothing about it in the log.
    """

    noisy = False

    def __init__(self, link: _Link) -> None:
        self._link = link

    def buildProtocol(self, addr: IAddress | None) -> _Link:
        """
        See L{IProtocolFactory<twisted.internet.interfaces.IProtocolFactory>}.
        """
        return self._link


class _Starting(ProcessProtocol):
    """
    The nexus' first process, which ends when the nexus serves.
    """

    def __init__(self) -> None:
        self.done: Deferred[str] = Deferred()
        self._said = b""

    def errReceived(self, data: bytes) -> None:
        """
        Why it can't begin.
        """
        self._said += data

    def processEnded(self, reason: Failure) -> None:
        """
        It serves now, unless it said why not.
        """
        self.done.callback(_lastLine(self._said))


def _lastLine(said: bytes) -> str:
    text = said.decode("utf-8", "replace").strip()
    return text.splitlines()[-1] if text else ""


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
        self._link: _Link | None = None
        self._waiting: list[Deferred[_Link]] = []
        self._connecting = self._managed = False
        self._leaving = False
        self._ears: dict[str, NexusEars] = {}

    def startNow(self) -> None:
        """
        Start it where it is not there, and wait for that: for those whose reactor does
        not run yet.

        @raise NexusLost: it can't be started; the message says why.
        """
        done = subprocess.run(
            self._command(), env={}, stdin=subprocess.DEVNULL, capture_output=True
        )
        if done.returncode:
            raise NexusLost(_lastLine(done.stderr) or "the nexus can't be started")

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

    async def call(self, command: type[Command], **arguments: object) -> dict[str, Any]:
        """
        Ask it something.

        @raise OSError: it can't be done.
        @raise NexusLost: there is no nexus to be had.
        """
        link = self._link or await self._connected()
        try:
            answer: dict[str, Any] = await link.callRemote(command, **arguments)
        except ConnectionClosed:
            raise NexusLost("the nexus has ended") from None
        return answer

    def remember(self, zone: str, text: str) -> None:
        """
        Have it keep a text with a zone, if it is there.
        """
        if self._link is not None:
            said = self._link.callRemote(Remember, zone=zone, text=text)
            # It is gone, and is told of itself.
            said.addErrback(lambda failure: None)

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

    def linkLost(self, link: _Link) -> None:
        """
        A connection is lost.
        """
        if link is not self._link:
            return
        self._link = None
        if self._leaving:
            return
        self._log.error(
            "the nexus (process {pid}) has ended unasked: another one takes over the"
            " console devices of {count} zones",
            pid=link.pid,
            count=len(self._ears),
        )
        for ears in list(self._ears.values()):
            ears.lost()

    # Connecting.

    def _connected(self) -> Deferred[_Link]:
        done: Deferred[_Link] = Deferred()
        self._waiting.append(done)
        if not self._connecting:
            self._connecting = True
            Deferred.fromCoroutine(self._connect()).addBoth(self._tried)
        return done

    def _tried(self, result: _Link | Failure) -> None:
        self._connecting = False
        waiting, self._waiting = self._waiting, []
        if isinstance(result, _Link):
            self._link = result
        for done in waiting:
            done.callback(result)

    async def _connect(self) -> _Link:
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
                why = await self._start()
                started = True

    async def _attempt(self) -> _Link:
        # Not before: Twisted's endpoints take the names of passed sockets out of the
        # environment when they are loaded, and the server is to find them there.
        from twisted.internet.endpoints import UNIXClientEndpoint

        path = os.path.join(self._rundir, SOCKET_NAME)
        endpoint = UNIXClientEndpoint(
            cast(IReactorUNIX, self._reactor), path, timeout=START_SECONDS
        )
        link = _Link(self)
        await endpoint.connect(_Once(link))
        answer = await link.callRemote(Hello, version=holder.VERSION)
        link.pid = answer["pid"]
        self._managed = answer["managed"]
        return link

    def _command(self) -> list[str]:
        return [sys.executable, "-IS", holder.__file__, "--rundir", self._rundir]

    async def _start(self) -> str:
        """
        Start one; where there is one meanwhile, nothing happens.

        @return: why it can't be, or C{""}.
        """
        protocol = _Starting()
        self._reactor.spawnProcess(
            protocol,
            sys.executable,
            self._command(),
            env={},
            childFDs={0: "w", 1: "r", 2: "r"},
        )
        return await protocol.done
