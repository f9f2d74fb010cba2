# -*- test-case-name: zcons_twisted.test.test_control_socket -*-
"""
A connection to the control door, as what AMP's boxes come through: one command at a
time, neither faster than its answers are taken nor without end.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, cast

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IPushProducer,
    IReactorTime,
    ITCPTransport,
    ITransport,
)
from twisted.logger import Logger
from twisted.protocols.amp import (
    AMP,
    ANSWER,
    COMMAND,
    ERROR,
    BinaryBoxProtocol,
    RemoteAmpError,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from ..console import Console
from ..credentials import Credentials
from ..interfaces import IConsoleDriver
from ..laps import Laps
from ..notices import escaped
from ..outcomes import Reload
from .farewell import LINGER_SECONDS
from .usernames import UserNames

__all__ = ["IDLE_SECONDS", "UNFINISHED_MAX", "ControlDoor", "ControlLink"]

#: Seconds that a connection may be quiet, with no command under way.
IDLE_SECONDS = 60.0
#: Most bytes of a command that is not complete yet.
UNFINISHED_MAX = 128 * 1024


class ControlDoor(Protocol):
    """
    What a connection needs of the door that it came in by.

    @ivar began: when the server began with the zone, in seconds since the epoch.
    @ivar reload: has the whole server's configuration read anew, or L{None}.
    @ivar restart: has the whole server run again, or L{None}.
    """

    reactor: IReactorTime
    console: Console
    driver: IConsoleDriver
    laps: Laps
    began: float
    userNames: UserNames
    reload: Reload | None
    restart: Callable[[], None] | None

    def opened(self, protocol: ControlLink) -> None:
        """
        A connection is there.
        """

    def heard(self, protocol: ControlLink) -> None:
        """
        A connection was not quiet.
        """

    def closed(self, protocol: ControlLink) -> None:
        """
        A connection has gone.
        """


@implementer(IPushProducer)
class ControlLink(AMP):
    """
    One connection, whatever its commands are.

    One command is done at a time, and none while answers wait to be taken; what comes
    meanwhile waits, and then the peer does.

    @ivar busy: how many commands are under way: none or one.
    @ivar outlives: what is under way may be the end of its own door, and is answered
        all the same.
    """

    _log = Logger()

    def __init__(self, door: ControlDoor, who: Credentials) -> None:
        """
        @param who: the peer, from the kernel.
        """
        super().__init__()
        self._door = door
        self._who = who
        self._unfinished = 0
        self.busy = 0
        self.outlives = False
        self._waiting: deque[Any] = deque()
        self._mayAnswer = True
        self._closed = False
        self._leaving = False
        self._idle: IDelayedCall | None = None

    # As a protocol.

    def makeConnection(self, transport: ITransport) -> None:
        """
        Passes over L{AMP}'s own, which logs every connection: what a peer has done is
        logged instead.
        """
        BinaryBoxProtocol.makeConnection(self, transport)

    def connectionMade(self) -> None:
        """
        A peer has connected.
        """
        super().connectionMade()
        cast(IConsumer, self.transport).registerProducer(self, True)
        self._idle = self._door.reactor.callLater(IDLE_SECONDS, self._quiet)
        self._door.opened(self)

    def dataReceived(self, data: bytes) -> None:
        """
        A piece of a command, which may not grow without end.
        """
        self._door.heard(self)
        if self._idle is not None:
            self._idle.reset(IDLE_SECONDS)
        self._unfinished += len(data)
        super().dataReceived(data)
        if self._unfinished > UNFINISHED_MAX:
            self._log.warn(
                "{zone}: control: {who} sent {size} bytes without completing a command",
                zone=self._door.console.zone,
                who=self._who,
                size=self._unfinished,
            )
            self.giveUp()

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """
        No command takes one.  L{AMP} would keep it open for good, also when the peer
        has gone.
        """
        os.close(descriptor)

    def ampBoxReceived(self, box: Any) -> None:
        """
        A command is complete.
        """
        self._unfinished = 0
        self._waiting.append(box)
        if len(self._waiting) == 1 and not self.busy and self._mayAnswer:
            self._work()
        else:
            cast(IPushProducer, self.transport).pauseProducing()

    def dispatchCommand(self, box: Any) -> Deferred[Any]:
        """
        Do a command, and go on to the next one when it is done.
        """
        self.busy = 1
        done: Deferred[Any] = maybeDeferred(super().dispatchCommand, box)

        def after(result: object) -> object:
            if isinstance(result, Failure) and result.check(KeyError, ValueError):
                result = self._malformed(result)
            # In a turn of its own: a thousand cheap commands hold nobody up.
            self._door.reactor.callLater(0, self._done)
            return result

        return done.addBoth(after)

    def _done(self) -> None:
        self.busy = 0
        self._work()

    def _malformed(self, failure: Failure) -> Failure:
        """
        A command's arguments could not be taken out of its box.
        """
        why = f"malformed command: {type(failure.value).__name__}"
        self._log.warn(
            "{zone}: control: {who}: {why}",
            zone=self._door.console.zone,
            who=self._who,
            why=why,
        )
        return Failure(RemoteAmpError(b"REFUSED", why))

    def unhandledError(self, failure: Failure) -> None:
        """
        A command failed that no answer was asked of.  L{AMP} would log a traceback.
        """
        self._log.warn(
            "{zone}: control: {who} asked no answer of what failed: {why}",
            zone=self._door.console.zone,
            who=self._who,
            why=escaped(failure.getErrorMessage()),
        )
        self.giveUp()

    def pauseProducing(self) -> None:
        """
        Answers wait to be taken.
        """
        self._mayAnswer = False

    def resumeProducing(self) -> None:
        """
        They have been taken.
        """
        self._mayAnswer = True
        self._work()

    def stopProducing(self) -> None:
        """
        Nobody takes answers any more.
        """

    def _work(self) -> None:
        """
        Do the next command, or let the peer go on where there is none.
        """
        if self.busy or not self._mayAnswer or self._closed:
            return
        if self._waiting:
            box = self._waiting.popleft()
            if COMMAND in box and not {ANSWER, ERROR} & box.keys():
                super().ampBoxReceived(box)
            else:
                # Nothing was asked of it, so there is nothing that it could answer.
                self.giveUp()
        else:
            cast(IPushProducer, self.transport).resumeProducing()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """
        The peer has gone.
        """
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        self._closed = True
        self._waiting.clear()
        BinaryBoxProtocol.connectionLost(self, reason)
        self.transport = None
        self._door.closed(self)

    def leave(self) -> None:
        """
        Close it when the answers given so far have been taken, within
        L{LINGER_SECONDS}.
        """
        self._leaving = True
        if self.outlives:
            return
        cast(IConsumer, self.transport).unregisterProducer()
        cast(ITCPTransport, self.transport).loseConnection()
        if self._idle is not None:
            self._idle.reset(LINGER_SECONDS)

    def giveUp(self) -> None:
        """
        Close it at once.
        """
        transport = cast(ITCPTransport, self.transport)
        transport.abortConnection()

    def _quiet(self) -> None:
        self._idle = None
        if self.busy and not self._leaving:
            self._idle = self._door.reactor.callLater(IDLE_SECONDS, self._quiet)
        else:
            self.giveUp()
