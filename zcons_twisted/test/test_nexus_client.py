# -*- test-case-name: zcons_twisted.test.test_nexus_client -*-
"""
Tests for L{zcons_twisted.nexus.client}: a server's connection to the nexus.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.protocol import ClientFactory
from twisted.logger import capturedLogs, formatEvent
from twisted.protocols.amp import AMP
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, IOPump, connect
from twisted.trial.unittest import SynchronousTestCase

from ..nexus import holder
from ..nexus.client import MANAGED_SECONDS, START_SECONDS, Nexus, NexusLost
from ..nexus.commands import Began, Count, Ended, Hello, Leave, NexusFault, Remember
from ..testing import FakeReactor


class FakeNexus(AMP):
    """
    The other end of a connection.
    """

    pid = 4242
    managed = False
    left = 0

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[tuple[str, str]] = []

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

    @Remember.responder
    def remember(self, zone: str, text: str) -> dict[str, Any]:
        """
        See L{Remember}.
        """
        self.notes.append((zone, text))
        return {}

    @Leave.responder
    def leave(self) -> dict[str, Any]:
        """
        See L{Leave}.
        """
        self.left += 1
        return {}


class NexusReactor(FakeReactor):
    """
    A reactor with, perhaps, a nexus.

    @ivar there: whether there is one.
    @ivar nexus: the ends of the connections to it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.there = True
        self.managed = False
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
        client = factory.buildProtocol(None)
        assert client is not None
        self.nexus.append(nexus)
        ends = FakeTransport(nexus, True), FakeTransport(client, False)
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


class NexusTests(SynchronousTestCase):
    """
    One connection, for all zones.
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

    def test_onDemand(self) -> None:
        """
        It connects when it is first asked, and once.
        """
        self.assertEqual((self.reactor.attempts, self.nexus.pid), (0, 0))
        self.assertEqual(self.successResultOf(self.count()), {"count": 3})
        self.assertEqual(self.successResultOf(self.count()), {"count": 3})
        self.assertEqual((self.reactor.attempts, self.nexus.pid), (1, 4242))
        self.assertEqual(self.reactor.path, "/run/zones/nexus_sock")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_together(self) -> None:
        """
        Who asks while it connects waits for that connection.
        """
        asked = [
            Deferred.fromCoroutine(self.nexus.call(Count, zone=zone)) for zone in "abc"
        ]
        self.reactor.exchange()
        for each in asked:
            self.assertEqual(self.successResultOf(each), {"count": 3})
        self.assertEqual(self.reactor.attempts, 1)

    def test_fault(self) -> None:
        """
        What can't be done is an error of the system.
        """
        failure = self.failureResultOf(self.count("busy"), OSError)
        self.assertEqual(failure.value.errno, errno.EBUSY)
        self.assertEqual(failure.value.strerror, os.strerror(errno.EBUSY))

    def test_started(self) -> None:
        """
        Where there is none one is started, and connected to.
        """
        self.reactor.there = False
        done = self.count()
        (process,) = self.reactor.processes
        self.assertEqual(
            process.arguments[1:],
            ["-IS", holder.__file__, "--rundir", "/run/zones"],
        )
        self.assertEqual(process.environment, {})
        self.reactor.there = True
        process.ends()
        self.reactor.exchange()
        self.successResultOf(done)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_cantStart(self) -> None:
        """
        One that can't be started is told, after a while and with its own words.
        """
        self.reactor.there = False
        done = self.count()
        while not done.called:
            process = self.reactor.processes[-1]
            process.protocol.childDataReceived(2, b"x\nnexus: /run/zones: no\n")
            process.ends(1)
            self.reactor.advance(0.5)
        self.assertEqual(self.reactor.seconds(), START_SECONDS + 0.5)
        failure = self.failureResultOf(done, NexusLost)
        self.assertEqual(
            failure.getErrorMessage(), "no nexus in /run/zones: nexus: /run/zones: no"
        )
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_heard(self) -> None:
        """
        What it tells of a zone is heard by whoever listens for that one.
        """
        ears = Ears()
        self.nexus.listen("z", ears)
        self.count()
        (nexus,) = self.reactor.nexus
        nexus.callRemote(Began, zone="z", pid=7, why="")
        nexus.callRemote(Ended, zone="z", pid=7, code=3)
        nexus.callRemote(Ended, zone="y", pid=8, code=3)
        self.reactor.exchange()
        self.nexus.listenNoMore("z")
        nexus.callRemote(Ended, zone="z", pid=9, signal=9)
        self.reactor.exchange()
        self.assertEqual(ears.heard, [(7, ""), (7, 3, None)])

    def test_lost(self) -> None:
        """
        Its end is told in one line, and to all who listen; the next question finds
        another one.
        """
        ears = Ears()
        self.nexus.listen("z", ears)
        self.count()
        with capturedLogs() as events:
            self.reactor.nexus[0].breaks()
            self.reactor.exchange()
        self.assertEqual(
            [formatEvent(event) for event in events if "pid" in event],
            [
                "the nexus (process 4242) has ended unasked: another one takes over"
                " the console devices of 1 zones"
            ],
        )
        self.assertEqual((ears.heard, self.nexus.pid), (["lost"], 0))
        self.nexus.remember("z", "nobody hears it")
        self.successResultOf(self.count())
        self.assertEqual(len(self.reactor.nexus), 2)

    def test_managed(self) -> None:
        """
        One that a service manager runs is given time to be there again.
        """
        self.reactor.managed = True
        self.count()
        self.reactor.nexus[0].breaks()
        self.reactor.exchange()
        self.reactor.there = False
        done = self.count()
        self.reactor.pump([0.1] * int(MANAGED_SECONDS * 10 - 1))
        self.assertEqual(self.reactor.processes, [])
        self.reactor.there = True
        self.reactor.advance(0.1)
        self.reactor.exchange()
        self.successResultOf(done)

    def test_managedNoMore(self) -> None:
        """
        But no longer than a while: then another one is started.
        """
        self.reactor.managed = True
        self.count()
        self.reactor.nexus[0].breaks()
        self.reactor.exchange()
        self.reactor.there = False
        self.count()
        self.reactor.pump([0.1] * 55)
        self.assertEqual(len(self.reactor.processes), 1)

    def test_remember(self) -> None:
        """
        It can be told something for later.
        """
        self.count()
        self.nexus.remember("z", "halt")
        self.reactor.exchange()
        self.assertEqual(self.reactor.nexus[0].notes, [("z", "halt")])

    def test_leave(self) -> None:
        """
        Who leaves in good order says so, and hears nothing of an end.
        """
        ears = Ears()
        self.successResultOf(Deferred.fromCoroutine(self.nexus.leave()))
        self.nexus.listen("z", ears)
        self.count()
        done = Deferred.fromCoroutine(self.nexus.leave())
        self.reactor.exchange()
        self.successResultOf(done)
        self.assertEqual((self.reactor.nexus[0].left, ears.heard), (1, []))
        self.assertEqual(self.nexus.pid, 0)
