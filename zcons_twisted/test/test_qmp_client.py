# -*- test-case-name: zcons_twisted.test.test_qmp_client -*-
"""
Tests for L{zcons_twisted.drivers.qmp_client}.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, ConnectionRefusedError
from twisted.trial.unittest import SynchronousTestCase

from ..backoff import BackOff
from ..drivers.qmp_client import ANSWER_SECONDS, QMP_FIRST, QMP_LONGEST, QmpClient
from ..errors import LifecycleError
from ..testing import FakeReactor
from .endpoint_case import MemoryEndpoint, MemoryTransport, SocketEndpoint
from .test_qmp import GREETING, RESET


class Listener:
    """
    Remembers what it hears.

    @ivar heard: all of it, in order.
    """

    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []

    def qmpReady(self, pid: int) -> None:
        """
        QEMU takes commands.
        """
        self.heard.append(("ready", pid))

    def qmpHappened(self, name: str, data: Mapping[str, Any]) -> None:
        """
        Something happened.
        """
        self.heard.append(("happened", name))

    def qmpLost(self, reason: str, gone: bool) -> None:
        """
        QEMU can't be told anything.
        """
        self.heard.append(("lost", reason, gone))


class QmpClientTests(SynchronousTestCase):
    """
    A connection to QEMU that is kept.
    """

    def setUp(self) -> None:
        """
        It has been begun; waits are 1, 2, 4 and then always 8 seconds.
        """
        self.reactor = FakeReactor()
        self.endpoint = MemoryEndpoint()
        self.listener = Listener()
        self.client = QmpClient(
            self.reactor,
            "z",
            self.endpoint,
            self.listener,
            "/run/q",
            BackOff(1, 8, lambda: 0.0),
        )

    @property
    def transport(self) -> MemoryTransport:
        """
        The latest connection.
        """
        return self.endpoint.transport

    def says(self, data: bytes) -> None:
        """
        QEMU says something.
        """
        self.transport.protocol.dataReceived(data)

    def told(self) -> list[dict[str, Any]]:
        """
        @return: what QEMU was told since this was last asked.
        """
        lines = self.transport.value().splitlines()
        self.transport.clear()
        return [json.loads(line) for line in lines]

    def answers(self, value: object = None) -> str:
        """
        QEMU does what it was told last.

        @return: what that was.
        """
        (asked,) = self.told()
        self.says(json.dumps({"return": value, "id": asked["id"]}).encode() + b"\n")
        return str(asked["execute"])

    def connect(self) -> None:
        """
        Have a connection.
        """
        self.client.start()
        self.says(GREETING)
        self.assertEqual(self.answers({}), "qmp_capabilities")

    def call(self, name: str = "cont") -> Deferred[Any]:
        """
        Have QEMU do something.
        """
        return self.client.call(name)

    def waits(self) -> list[float]:
        """
        @return: how long until the next calls.
        """
        now = self.reactor.seconds()
        return [call.getTime() - now for call in self.reactor.getDelayedCalls()]

    def why(self, done: Deferred[Any]) -> str:
        """
        @return: why a command was not done.
        """
        return str(self.failureResultOf(done, LifecycleError).getErrorMessage())

    def test_limits(self) -> None:
        """
        Ten seconds for an answer; tries from a tenth of a second to five apart.
        """
        self.assertEqual((ANSWER_SECONDS, QMP_FIRST, QMP_LONGEST), (10.0, 0.1, 5.0))
        self.client = QmpClient(self.reactor, "z", self.endpoint, self.listener, "/q")
        refused = ConnectionRefusedError(errno.ECONNREFUSED, "no")
        self.endpoint.failures = [refused] * 10
        self.client.start()
        found = []
        for _ in range(9):
            (wait,) = self.waits()
            found.append(wait)
            self.reactor.advance(wait)
        self.assertTrue(0.075 <= found[0] <= 0.1)
        self.assertTrue(3.75 <= found[-1] <= 5.0)
        self.client.stop()

    def test_available(self) -> None:
        """
        When QEMU may be there it is tried soon, and nobody keeps it from that.
        """
        refused = ConnectionRefusedError(errno.ECONNREFUSED, "no")
        self.endpoint.failures = [refused] * 3
        self.client.available()
        self.client.start()
        self.reactor.pump([1, 2])
        self.assertEqual(self.waits(), [4])
        self.client.available()
        self.reactor.advance(0.09)
        self.assertEqual(self.endpoint.transports, [])
        self.client.available()
        self.reactor.advance(0.011)
        self.assertFalse(self.client.isReady)
        self.says(GREETING)
        self.answers({})
        self.assertTrue(self.client.isReady)
        self.client.available()
        self.assertEqual(self.waits(), [])

    def test_connect(self) -> None:
        """
        QEMU greets, is told that we know what it can do, and is ready.
        """
        self.client.start()
        self.client.start()
        self.assertEqual(self.told(), [])
        self.says(GREETING)
        self.assertEqual(self.listener.heard, [])
        self.assertEqual(self.answers({}), "qmp_capabilities")
        self.assertEqual(self.listener.heard, [("ready", 0)])
        self.assertEqual(len(self.endpoint.transports), 1)
        self.assertEqual(self.waits(), [])

    def test_call(self) -> None:
        """
        Commands are answered by their numbers, in any order.
        """
        self.connect()
        first, second = self.call("query-status"), self.call("cont")
        one, two = self.told()
        self.says(json.dumps({"return": 2, "id": two["id"]}).encode() + b"\n")
        self.assertEqual(self.successResultOf(second), 2)
        self.assertNoResult(first)
        self.says(
            json.dumps({"error": {"desc": "b\x1bad"}, "id": one["id"]}).encode() + b"\n"
        )
        self.assertEqual(self.why(first), "QEMU: b\\x1bad")
        self.assertEqual(self.waits(), [])

    def test_noAnswer(self) -> None:
        """
        An answer that does not come in ten seconds is no answer, and one that comes
        later is none either.
        """
        self.connect()
        done = self.call()
        (asked,) = self.told()
        self.reactor.advance(9.9)
        self.assertNoResult(done)
        self.reactor.advance(0.2)
        self.assertEqual(
            self.why(done),
            "QEMU did not answer cont in 10 seconds, but may still do it",
        )
        self.says(json.dumps({"return": 1, "id": asked["id"]}).encode() + b"\n")
        self.assertTrue(self.transport.connected)

    def test_happened(self) -> None:
        """
        What happens is told on.
        """
        self.connect()
        self.says(RESET)
        self.assertEqual(self.listener.heard[1:], [("happened", "RESET")])

    def test_notConnected(self) -> None:
        """
        A command for nobody fails, and says why nobody is there.
        """
        self.assertEqual(
            self.why(self.call()), "QEMU can't be told to cont: not connected yet"
        )
        self.endpoint.failures = [ConnectError(errno.EACCES, "x")]
        self.client.start()
        self.assertEqual(
            self.why(self.call()), "QEMU can't be told to cont: Permission denied"
        )

    def test_gone(self) -> None:
        """
        Where nobody listens there is no QEMU; other failures don't tell that.
        """
        self.endpoint.failures = [
            ConnectionRefusedError(errno.ECONNREFUSED, "x"),
            ConnectError(errno.ENOENT, "x"),
            ConnectError(errno.EACCES, "x"),
        ]
        self.client.start()
        for wait in (1, 2):
            self.assertEqual(self.waits(), [wait])
            self.reactor.advance(wait)
        self.assertEqual(
            self.listener.heard,
            [
                ("lost", "Connection refused", True),
                ("lost", "No such file or directory", True),
                ("lost", "Permission denied", False),
            ],
        )

    def test_toldToStartIt(self) -> None:
        """
        A command for a QEMU that is not there says so, until there is another one.
        """
        for number in (errno.ECONNREFUSED, errno.ENOENT):
            self.setUp()
            self.endpoint.failures = [ConnectError(number, "x")]
            self.client.start()
            self.assertEqual(
                self.why(self.call()), "QEMU is not running (/run/q): start it"
            )
            self.reactor.advance(1)
            self.says(GREETING)
            self.answers({})
            waiting = self.call()
            self.assertNoResult(waiting)
            self.transport.loseConnection()
            self.why(waiting)
            self.assertEqual(
                self.why(self.call()),
                "QEMU can't be told to cont: closed by the other side",
            )

    def test_lost(self) -> None:
        """
        A connection that is lost is made again, and commands that waited fail.
        """
        self.connect()
        done = self.call()
        self.transport.loseConnection()
        self.assertEqual(
            self.why(done), "QEMU did not answer: closed by the other side"
        )
        self.assertEqual(
            self.listener.heard[1:], [("lost", "closed by the other side", False)]
        )
        self.assertEqual(self.waits(), [1])
        self.reactor.advance(1)
        self.says(GREETING)
        self.answers({})
        self.assertEqual(self.listener.heard[2:], [("ready", 0)])

    def test_lostAgain(self) -> None:
        """
        One that does not hold is tried less and less often; one that held for ten
        seconds is tried soon again.
        """
        self.client.start()
        for wait in (1, 2, 4):
            self.says(GREETING)
            self.answers({})
            self.transport.loseConnection()
            self.assertEqual(self.waits(), [wait])
            self.reactor.advance(wait)
        self.says(GREETING)
        self.answers({})
        self.reactor.advance(10)
        self.transport.loseConnection()
        self.assertEqual(self.waits(), [1])

    def test_silent(self) -> None:
        """
        A QEMU that accepts and never greets, because somebody else has its only place,
        is given up after ten seconds.
        """
        self.client.start()
        self.reactor.advance(9.9)
        self.assertTrue(self.transport.connected)
        self.reactor.advance(0.2)
        self.assertTrue(self.transport.aborted)
        self.assertEqual(
            self.listener.heard, [("lost", "no answer in 10 seconds", False)]
        )
        self.assertEqual(len(self.waits()), 1)

    def test_malformed(self) -> None:
        """
        What is no QMP ends the connection, is told in one line, and is tried again.
        """
        self.connect()
        self.says(b"\x1b[2Jwhat?\n" + RESET)
        self.assertTrue(self.transport.aborted)
        ((what, reason, gone),) = self.listener.heard[1:]
        self.assertEqual((what, gone), ("lost", False))
        self.assertEqual(reason, "'\\x1b[2Jwhat?' was not expected")
        self.assertEqual(self.waits(), [1])

    def test_malformedGreeting(self) -> None:
        """
        The same at its beginning.
        """
        self.client.start()
        self.says(b"HTTP/1.0 400\n")
        self.assertEqual(
            self.listener.heard,
            [("lost", "'HTTP/1.0 400' was not expected", False)],
        )

    def test_refused(self) -> None:
        """
        A QEMU that wants something else of us is given up.
        """
        self.client.start()
        self.says(GREETING)
        self.told()
        self.says(b'{"id": 1, "error": {"desc": "no"}}\n')
        self.assertEqual(self.listener.heard, [("lost", "QEMU: no", False)])

    def test_stop(self) -> None:
        """
        Stopped, there is no connection and none is tried, and nothing is told.
        """
        self.connect()
        done = self.call()
        self.client.stop()
        self.assertTrue(self.transport.aborted)
        self.assertEqual(self.why(done), "QEMU did not answer: the server stops")
        self.assertEqual(self.listener.heard[1:], [])
        self.assertEqual(self.waits(), [])
        self.client.stop()

    def test_stopWhileWaiting(self) -> None:
        """
        The same between two tries, and while QEMU is to greet.
        """
        self.endpoint.failures = [ConnectError(errno.ENOENT, "x")]
        self.client.start()
        self.client.stop()
        self.assertEqual(self.waits(), [])
        self.client.start()
        self.client.stop()
        self.assertTrue(self.transport.aborted)
        self.assertEqual(self.waits(), [])

    def test_stopWhileConnecting(self) -> None:
        """
        The same while nothing has answered: a connection that comes after all is
        closed.
        """
        endpoint = SocketEndpoint(self, self.reactor)
        endpoint.silent = True
        client = QmpClient(self.reactor, "z", endpoint, self.listener, "/q")
        client.start()
        client.stop()
        self.assertEqual((endpoint.cancelled, self.waits()), (1, []))
        assert endpoint.factory is not None
        endpoint.make(endpoint.factory)
        self.reactor.settle()
        self.assertEqual(endpoint.end.recv(10), b"")

    def test_process(self) -> None:
        """
        The kernel tells whose socket it is.
        """
        endpoint = SocketEndpoint(self, self.reactor)
        client = QmpClient(self.reactor, "z", endpoint, self.listener, "/q")
        client.start()
        self.addCleanup(self.reactor.settle)
        self.addCleanup(client.stop)
        endpoint.end.send(GREETING + b'{"id": 1, "return": {}}\n')
        self.reactor.settle()
        self.assertEqual(self.listener.heard, [("ready", os.getpid())])
