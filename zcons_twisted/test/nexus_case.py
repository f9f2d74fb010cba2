# -*- test-case-name: zcons_twisted.test.test_nexus_client -*-
"""
A nexus that is none, for the tests of a server's connection to it.
"""

from __future__ import annotations

import errno
import json
import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.protocol import ClientFactory
from twisted.protocols.amp import AMP
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, IOPump, connect
from twisted.trial.unittest import SynchronousTestCase

from ..nexus.client import Nexus
from ..nexus.commands import (
    Adopt,
    Count,
    Hello,
    Leave,
    Mend,
    NexusFault,
    Remember,
    Spawn,
)
from ..testing import FakeReactor


class FakeNexus(AMP):
    """
    The other end of a connection.
    """

    pid = 4242
    managed = False
    left = 0
    mended = 0

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[tuple[str, str]] = []
        self.spawning: list[Deferred[dict[str, Any]]] = []

    def breaks(self) -> None:
        """
        It is killed.
        """
        transport: Any = self.transport
        transport.abortConnection()

    @Hello.responder
    def hello(self, version: int) -> dict[str, Any]:
        """
        See L{Hello}.
        """
        return {"version": version, "pid": self.pid, "managed": self.managed}

    @Count.responder
    def count(self, zone: str) -> dict[str, Any]:
        """
        There are three, but of one zone.
        """
        if zone == "busy":
            raise NexusFault(f"{errno.EBUSY} {os.strerror(errno.EBUSY)}")
        return {"count": 3}

    @Spawn.responder
    def spawn(self, zone: str, spec: int) -> Deferred[dict[str, Any]]:
        """
        Whenever the test says so.
        """
        os.close(spec)
        self.spawning.append(Deferred())
        return self.spawning[-1]

    def spawns(self) -> None:
        """
        The first of those that wait.
        """
        process = json.dumps({"pid": 7})
        self.spawning.pop(0).callback({"pid": 7, "process": process})

    @Adopt.responder
    def adopt(self, zone: str, master: int, process: str | None) -> dict[str, Any]:
        """
        See L{Adopt}.
        """
        os.close(master)
        return {"instance": 5}

    @Remember.responder
    def remember(self, zone: str, text: str) -> dict[str, Any]:
        """
        See L{Remember}.
        """
        self.notes.append((zone, text))
        return {}

    @Mend.responder
    def mend(self) -> dict[str, Any]:
        """
        See L{Mend}.
        """
        self.mended += 1
        return {"mended": self.mended == 1}

    @Leave.responder
    def leave(self) -> dict[str, Any]:
        """
        See L{Leave}.
        """
        self.left += 1
        return {}


class CarryingTransport(FakeTransport):
    """
    The client's end, by which descriptors come ahead of everything else.
    """

    nexus: FakeNexus

    def sendFileDescriptor(self, descriptor: int) -> None:
        """
        Send one.
        """
        self.nexus.fileDescriptorReceived(os.dup(descriptor))


class NexusReactor(FakeReactor):
    """
    A reactor with, perhaps, a nexus.

    @ivar there: whether there is one.
    @ivar pid: its process.
    @ivar nexus: the ends of the connections to it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.there = True
        self.managed = False
        self.pid = 4242
        self.attempts = 0
        self.nexus: list[FakeNexus] = []
        self.pumps: list[IOPump] = []

    def connectUNIX(
        self, path: str, factory: ClientFactory, timeout: float, checkPID: bool = False
    ) -> None:
        """
        Connect to it.
        """
        self.attempts += 1
        self.path = path
        if not self.there:
            failure = Failure(ConnectionRefusedError())
            factory.clientConnectionFailed(None, failure)  # type: ignore[arg-type]
            return
        nexus = FakeNexus()
        nexus.managed = self.managed
        nexus.pid = self.pid
        client = factory.buildProtocol(None)
        assert client is not None
        self.nexus.append(nexus)
        ends = FakeTransport(nexus, True), CarryingTransport(client, False)
        ends[1].nexus = nexus
        self.pumps.append(connect(nexus, ends[0], client, ends[1]))

    def exchange(self) -> None:
        """
        Everything that was said is heard.
        """
        for pump in self.pumps:
            pump.flush()


class Ears:
    """
    Remembers what it hears.
    """

    def __init__(self) -> None:
        self.heard: list[object] = []

    def began(self, pid: int, why: str) -> None:
        """
        See L{NexusEars}.
        """
        self.heard.append((pid, why))

    def ended(self, pid: int, code: int | None, number: int | None) -> None:
        """
        See L{NexusEars}.
        """
        self.heard.append((pid, code, number))

    def lost(self) -> None:
        """
        See L{NexusEars}.
        """
        self.heard.append("lost")


class NexusTestCase(SynchronousTestCase):
    """
    A server that asks a nexus.
    """

    def setUp(self) -> None:
        """
        Nothing is connected yet.
        """
        self.reactor = NexusReactor()
        self.nexus = Nexus(self.reactor, "/run/zones")

    def count(self, zone: str = "z") -> Deferred[dict[str, Any]]:
        """
        Ask something.
        """
        done = Deferred.fromCoroutine(self.nexus.call(Count, zone=zone))
        self.reactor.exchange()
        return done
