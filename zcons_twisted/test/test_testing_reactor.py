# -*- test-case-name: zcons_twisted.test.test_testing_reactor -*-
"""
Tests for the reactor of L{zcons_twisted.testing}.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IProcessTransport,
    IReadDescriptor,
)
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from ..testing import (
    FIRST_FAKE_PID,
    FakeReactor,
)


class Told(ProcessProtocol):
    """
    Remembers how its process ended.
    """

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def processEnded(self, reason: Failure) -> None:
        """
        Remember.
        """
        self.reasons.append(reason.getErrorMessage())


@implementer(IReadDescriptor)
class Pipe:
    """
    The receiving end of a pipe, that remembers what happens to it.
    """

    def __init__(self, case: SynchronousTestCase) -> None:
        self.said: list[object] = []
        receiving, sending = os.pipe()
        self.receiving = open(receiving, "rb", buffering=0)
        self.sending = open(sending, "wb", buffering=0)
        case.addCleanup(self.receiving.close)
        case.addCleanup(self.sending.close)

    def fileno(self) -> int:
        """
        The receiving end.
        """
        return self.receiving.fileno()

    def logPrefix(self) -> str:
        """
        In this test.
        """
        return "test"

    def doRead(self) -> Any:
        """
        Remember what there is to read.
        """
        data = os.read(self.fileno(), 100)
        self.said.append(data)
        return None if data else ConnectionDone()

    def connectionLost(self, reason: Failure) -> None:
        """
        Remember.
        """
        self.said.append(reason.type)


class ReactorTests(SynchronousTestCase):
    """
    The reactor does nothing but what a test says.
    """

    def setUp(self) -> None:
        """
        A reactor and a pipe.
        """
        self.reactor = FakeReactor()
        self.pipe = Pipe(self)
        self.said = self.pipe.said

    def test_pump(self) -> None:
        """
        What is ready is served once a turn, and nothing is waited for.
        """
        self.reactor.addReader(self.pipe)
        self.reactor.pump()
        self.pipe.sending.write(b"a")
        self.assertEqual(self.said, [])
        self.reactor.pump()
        self.assertEqual(self.said, [b"a"])

    def test_removedInTheSameTurn(self) -> None:
        """
        What one descriptor's turn removes has none any more.
        """
        other = Pipe(self)
        for pipe in (self.pipe, other):
            self.reactor.addReader(pipe)
            pipe.sending.write(b"a")
        self.patch(self.pipe, "doRead", lambda: self.reactor.removeReader(other))
        self.patch(other, "doRead", lambda: self.reactor.removeReader(self.pipe))
        self.reactor.pump()
        self.assertEqual(len(self.reactor.getReaders()), 1)

    def test_timings(self) -> None:
        """
        Time passes before a turn if that is said.
        """
        self.reactor.callLater(3, self.said.append, "call")
        self.reactor.pump([1, 1])
        self.assertEqual(self.said, [])
        self.reactor.pump([1])
        self.assertEqual(self.said, ["call"])

    def test_end(self) -> None:
        """
        A descriptor that says its end is removed and told.
        """
        self.reactor.addReader(self.pipe)
        self.pipe.sending.close()
        self.reactor.settle()
        self.assertIn(self.said[-1], (ConnectionDone, ConnectionLost))
        self.assertEqual(self.reactor.getReaders(), [])

    def test_failing(self) -> None:
        """
        A descriptor that fails is removed and told, and the error is in the log.
        """
        self.patch(self.pipe, "doRead", lambda: 1 / 0)
        self.reactor.addReader(self.pipe)
        self.pipe.sending.write(b"a")
        self.reactor.pump()
        self.assertEqual(self.said, [ZeroDivisionError])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_neverAtRest(self) -> None:
        """
        A reactor that never comes to rest is an error.
        """
        self.patch(self.pipe, "doRead", lambda: None)
        self.reactor.addReader(self.pipe)
        self.pipe.sending.write(b"a")
        self.assertRaises(AssertionError, self.reactor.settle)

    def test_removeAll(self) -> None:
        """
        All descriptors can be removed at once.
        """
        self.reactor.addReader(self.pipe)
        self.assertEqual(self.reactor.removeAll(), [self.pipe])
        self.assertEqual(self.reactor.removeAll(), [])

    def test_process(self) -> None:
        """
        A process is only remembered, and does what the test says.
        """
        told = Told()
        process = self.reactor.spawnProcess(told, "cat", ["cat", "-u"], {"A": "b"})
        verifyObject(IProcessTransport, process)
        (spawned,) = self.reactor.processes
        self.assertEqual(
            (spawned.arguments, spawned.environment), (["cat", "-u"], {"A": "b"})
        )
        self.assertEqual(spawned.pid, FIRST_FAKE_PID)
        process.signalProcess("TERM")
        self.assertEqual(spawned.signals, ["TERM"])
        spawned.ends(1)
        self.assertIn("exit code 1", told.reasons[0])

    def test_processThatCantBe(self) -> None:
        """
        What no process can be given is refused, as by a real reactor.
        """
        self.assertRaises(TypeError, self.reactor.spawnProcess, Told(), "cat", ["a\0"])
        self.reactor.spawnError = OSError("no")
        self.assertRaises(OSError, self.reactor.spawnProcess, Told(), "cat")

    def test_otherCalls(self) -> None:
        """
        Stopping is remembered, and what threads would do is done.
        """
        self.reactor.stop()
        self.reactor.callWhenRunning(self.said.append, "running")
        self.reactor.callFromThread(self.said.append, "thread")
        pool = self.reactor.getThreadPool()
        pool.callInThreadWithCallback(lambda *found: self.said.append(found), len, "ab")
        pool.callInThreadWithCallback(
            lambda good, found: self.said.append(good), len, 1
        )
        self.reactor.settle()
        self.assertEqual(self.said, ["running", (True, 2), False, "thread"])
        self.assertEqual((self.reactor.stops, self.reactor.running), (1, False))
