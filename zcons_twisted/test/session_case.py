# -*- test-case-name: zcons_twisted.test.test_client_session -*-
"""
What the tests of a session share: its rules hold under both frameworks.
"""

from __future__ import annotations

import asyncio
from typing import Any

import txaio.aio
import txaio.tx
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from zcons_twisted.client.handshake import Handshake
from zcons_twisted.client.session import ConsoleSession

__all__ = ["NOTHING", "AsyncioCase", "FakeConnection", "SessionRules", "TwistedCase"]

NOTHING = object()


class FakeConnection:
    """
    Keeps what a session does to its connection.
    """

    def __init__(self) -> None:
        self.sent = b""
        self.reading = True
        self.closed = ""

    def greet(self, hello: bytes) -> None:
        """
        Keep it.
        """
        self.send(hello)

    def send(self, data: bytes) -> None:
        """
        Keep it.
        """
        self.sent += data

    def pauseReading(self) -> None:
        """
        Keep that.
        """
        self.reading = False

    def resumeReading(self) -> None:
        """
        Keep that.
        """
        self.reading = True

    def finish(self) -> None:
        """
        Keep that.
        """
        self.closed = "finished"

    def abort(self) -> None:
        """
        Keep that.
        """
        self.closed = "aborted"


class SessionRules:
    """
    The rules of a session, whatever its futures are.
    """

    frame: Any
    clock: Clock
    session: ConsoleSession
    connection: FakeConnection
    output: list[bytes]

    def result(self, future: Any) -> Any:
        """
        A future's result, its error, or C{NOTHING}.
        """
        raise NotImplementedError

    def pass_(self, seconds: float) -> None:
        """
        Let time pass.
        """
        self.clock.advance(seconds)

    def begin(self) -> None:
        """
        A session that has greeted.
        """
        self.session = ConsoleSession(
            self.frame, self.clock.callLater, Handshake(7), 10.0
        )
        self.connection = FakeConnection()
        self.output = []
        self.session.connected(self.connection)

    def seat(self, rest: bytes = b"") -> None:
        """
        A session that is seated and gives out its output.
        """
        self.begin()
        self.session.dataReceived(b"OK\n" + rest)
        self.session.deliver(self.output.append)


class _ImmediateLoop:
    """
    As much of a loop as a future needs; it calls back at once.
    """

    def create_future(self) -> asyncio.Future[Any]:
        """
        As in a loop.
        """
        loop: Any = self
        return asyncio.Future(loop=loop)

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> None:
        """
        Don't wait.
        """
        callback(*args)

    def get_debug(self) -> bool:
        """
        As in a loop.
        """
        return False


class TwistedCase(SessionRules):
    """
    With Deferreds.
    """

    def setUp(self) -> None:
        """
        A clock.
        """
        self.clock = Clock()
        self.frame = txaio.tx

    def tearDown(self: Any) -> None:
        """
        No timer is left once the handshake is over.
        """
        self.session.connectionLost()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def result(self, future: Deferred[Any]) -> Any:
        """
        As L{SessionRules} says.
        """
        results: list[Any] = []

        def look(result: Any) -> Any:
            results.append(result)
            return None if isinstance(result, Failure) else result

        future.addBoth(look)
        if not results:
            return NOTHING
        return results[0].value if isinstance(results[0], Failure) else results[0]


class AsyncioCase(SessionRules):
    """
    With asyncio's futures.
    """

    def setUp(self) -> None:
        """
        A clock.
        """
        self.clock = Clock()
        self.frame = txaio.aio.with_config(loop=_ImmediateLoop())

    def result(self, future: asyncio.Future[Any]) -> Any:
        """
        As L{SessionRules} says.
        """
        if not future.done():
            return NOTHING
        return future.exception() or future.result()
