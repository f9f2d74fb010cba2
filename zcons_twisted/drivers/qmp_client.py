# -*- test-case-name: zcons_twisted.test.test_qmp_client -*-
"""
A connection to QEMU's QMP socket that is made again whenever it is lost.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any, cast
from typing import Protocol as Seam

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.interfaces import (
    IDelayedCall,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.tcp import Connection
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..backoff import STEADY_SECONDS, BackOff
from ..errors import DeviceError, LifecycleError
from ..notices import escaped
from .endpoint_reasons import reasonOf
from .endpoint_transport import OneConnection
from .qmp import Answer, Greeting, Happening, MalformedQmp, QmpReader, Refusal, command

__all__ = [
    "ANSWER_SECONDS",
    "QMP_FIRST",
    "QMP_LONGEST",
    "QmpClient",
    "QmpListener",
    "QmpProtocol",
]

#: Seconds for QEMU to accept a connection and to greet, and for each answer.
ANSWER_SECONDS = 10.0

#: Seconds before the first new try to connect, and at most between two.
QMP_FIRST = 0.1
QMP_LONGEST = 5.0

#: What it means that a unix socket can't be connected to: there is nobody.
_NOBODY = (errno.ECONNREFUSED, errno.ENOENT)


class QmpListener(Seam):
    """
    Who hears of what QEMU says.
    """

    def qmpReady(self, pid: int) -> None:
        """
        QEMU takes commands.

        @param pid: its process ID, 0 where that can't be told.
        """

    def qmpHappened(self, name: str, data: Mapping[str, Any]) -> None:
        """
        Something happened to the machine.
        """

    def qmpLost(self, reason: str, gone: bool) -> None:
        """
        QEMU can't be told anything for now.

        @param gone: whether there is no such QEMU.
        """


class QmpProtocol(Protocol):
    """
    One connection.

    @ivar ready: fires when QEMU takes commands; fails when it never does.
    @ivar why: why the connection is over, or is to be.
    """

    def __init__(
        self,
        clock: IReactorTime,
        listener: QmpListener,
        lost: Callable[[QmpProtocol], None],
    ) -> None:
        """
        @param clock: measures how long QEMU takes.
        @param lost: called when this has been lost.
        """
        self.ready: Deferred[None] = Deferred()
        self._lost = lost
        self.why: str | None = None
        self._clock = clock
        self._listener = listener
        self._reader = QmpReader()
        self._sent = 0
        self._waiting: dict[int, Deferred[Any]] = {}

    def call(self, name: str, **arguments: Any) -> Deferred[Any]:
        """
        Have QEMU do something; fires with what it answers.

        @raise LifecycleError: it does not; the Deferred fails.
        """
        if self.transport is None:
            return fail(LifecycleError(f"QEMU can't be told to {name}"))
        self._sent += 1
        number = self._sent
        done: Deferred[Any] = Deferred()
        self._waiting[number] = done
        self.transport.write(command(number, name, arguments))
        done.addTimeout(ANSWER_SECONDS, self._clock)

        def after(result: object) -> object:
            self._waiting.pop(number, None)
            return result

        def failed(failure: Failure) -> Failure:
            if failure.check(LifecycleError):
                return failure
            return Failure(
                LifecycleError(
                    f"QEMU did not answer {name} in {ANSWER_SECONDS:g} seconds, but"
                    " may still do it"
                )
            )

        return done.addBoth(after).addErrback(failed)

    def giveUp(self, why: str) -> None:
        """
        Have nothing more to do with this connection.
        """
        if self.why is None:
            self.why = why
        if self.transport is not None:
            cast(Connection, self.transport).abortConnection()

    def connectionMade(self) -> None:
        """
        QEMU is to greet first.
        """
        if self.why is not None:
            self.giveUp(self.why)

    def dataReceived(self, data: bytes) -> None:
        """
        QEMU says something.
        """
        try:
            for message in self._reader.feed(data):
                if self.why is None:
                    self._heard(message)
        except MalformedQmp as e:
            self.giveUp(str(e))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        QEMU has gone, or is busy with somebody else.
        """
        self.transport = None
        if self.why is None:
            self.why = reasonOf(reason)
        waiting, self._waiting = self._waiting, {}
        for done in waiting.values():
            done.errback(LifecycleError(f"QEMU did not answer: {self.why}"))
        if not self.ready.called:
            self.ready.errback(DeviceError(self.why))
        self._lost(self)

    def process(self) -> int:
        """
        The process ID of whoever made the socket, 0 where that can't be told.
        """
        transport = self.transport
        if not isinstance(transport, Connection):
            return 0
        try:
            raw = transport.getHandle().getsockopt(
                socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
            )
        except OSError:
            return 0
        pid: int = struct.unpack("3i", raw)[0]
        return pid

    def _heard(self, message: object) -> None:
        match message:
            case Greeting():
                self.call("qmp_capabilities").addCallbacks(
                    self._accepted, self._refused
                )
            case Answer(number, value):
                self._answered(number, value)
            case Refusal(number, why):
                self._answered(number, Failure(LifecycleError(f"QEMU: {escaped(why)}")))
            case Happening(name, data):
                self._listener.qmpHappened(name, data)

    def _answered(self, number: int, result: object) -> None:
        done = self._waiting.pop(number, None)
        # Nobody waits for one that comes too late.
        if done is not None:
            done.callback(result)

    def _accepted(self, _ignored: object) -> None:
        if not self.ready.called:
            self.ready.callback(None)

    def _refused(self, failure: Failure) -> None:
        self.giveUp(failure.getErrorMessage())


class QmpClient:
    """
    Keeps a connection.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        zone: str,
        endpoint: IStreamClientEndpoint,
        listener: QmpListener,
        path: str,
        backOff: BackOff | None = None,
    ) -> None:
        """
        @param clock: measures the waits.
        @param endpoint: QEMU's socket.
        @param path: the same for people.
        """
        self._clock = clock
        self._zone = zone
        self._endpoint = endpoint
        self._listener = listener
        self._path = path
        self._backOff = backOff or BackOff(QMP_FIRST, QMP_LONGEST)
        self._connecting: Deferred[Any] | None = None
        self._protocol: QmpProtocol | None = None
        self._again: IDelayedCall | None = None
        self._readyAt = 0.0
        self._told: str | None = None
        self._gone = False
        self._running = False

    def start(self) -> None:
        """
        Connect, now or as soon as that is possible.
        """
        if not self._running:
            self._running = True
            self._connect()

    def stop(self) -> None:
        """
        Have no connection any more.
        """
        self._running = False
        if self._again is not None:
            self._again.cancel()
            self._again = None
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.giveUp("the server stops")

    @property
    def isReady(self) -> bool:
        """
        QEMU takes commands now.
        """
        return self._protocol is not None

    def available(self) -> None:
        """
        QEMU may be there any moment: connect soon, where that has to be waited for.
        """
        self._backOff.reset()
        if self._again is not None:
            left = self._again.getTime() - self._clock.seconds()
            self._again.reset(min(left, QMP_FIRST))

    def call(self, name: str, **arguments: Any) -> Deferred[Any]:
        """
        Have QEMU do something; fires with what it answers.

        @raise LifecycleError: it does not; the Deferred fails.
        """
        if self._protocol is None:
            if self._gone:
                return fail(
                    LifecycleError(f"QEMU is not running ({self._path}): start it")
                )
            why = self._told or "not connected yet"
            return fail(LifecycleError(f"QEMU can't be told to {name}: {why}"))
        return self._protocol.call(name, **arguments)

    # Inside.

    def _connect(self) -> None:
        self._again = None
        protocol = QmpProtocol(self._clock, self._listener, self._lost)

        async def connect() -> None:
            try:
                await self._endpoint.connect(OneConnection(protocol))
                await protocol.ready
            except BaseException:
                protocol.ready.addErrback(lambda _ignored: None)
                protocol.giveUp("nobody waits for it")
                raise

        connecting = Deferred.fromCoroutine(connect())
        self._connecting = connecting
        connecting.addTimeout(ANSWER_SECONDS, self._clock, _silent)
        connecting.addCallbacks(self._ready, self._failed, (protocol,))
        connecting.addErrback(
            lambda failure: self._log.failure("{zone}: QMP", failure, zone=self._zone)
        )

    def _ready(self, _ignored: object, protocol: QmpProtocol) -> None:
        self._connecting = None
        self._protocol = protocol
        self._readyAt = self._clock.seconds()
        self._told = None
        self._gone = False
        self._log.info("{zone}: QMP: connected", zone=self._zone)
        self._listener.qmpReady(protocol.process())

    def _failed(self, failure: Failure) -> None:
        if self._connecting is None:
            # Stopped.
            return
        self._connecting = None
        number = getattr(failure.value, "osError", None)
        self._retry(reasonOf(failure), number in _NOBODY)

    def _lost(self, protocol: QmpProtocol) -> None:
        if protocol is self._protocol:
            self._protocol = None
            if self._clock.seconds() - self._readyAt >= STEADY_SECONDS:
                self._backOff.reset()
            self._retry(protocol.why or "connection lost", False)

    def _retry(self, reason: str, gone: bool) -> None:
        self._gone = gone
        wait = self._backOff.wait()
        self._again = self._clock.callLater(wait, self._connect)
        if reason != self._told:
            # What stays the same is told once.
            self._told = reason
            self._log.warn("{zone}: QMP: {reason}", zone=self._zone, reason=reason)
        self._listener.qmpLost(reason, gone)


def _silent(result: object, seconds: float) -> object:
    """
    What is said of a QEMU that does not greet in time.
    """
    if isinstance(result, Failure) and result.check(CancelledError):
        raise DeviceError(f"no answer in {seconds:g} seconds")
    return result
