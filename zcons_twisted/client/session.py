# -*- test-case-name: zcons_twisted.test.test_client_session -*-
"""
A session at a zone's console, for Twisted and asyncio programs alike.

One implementation of the rules: C{txaio} makes the futures, a
L{Connection} carries the bytes, and L{zcons_twisted.client.tx} and
L{zcons_twisted.client.aio} adapt a framework's transports to it.  The C{txaio} API
is handed in and never chosen globally, so both frameworks may have sessions in
one process.

Flow control:

  - Output: the connection is not read before L{ConsoleSession.deliver}, nor
    between L{ConsoleSession.pauseOutput} and L{ConsoleSession.resumeOutput}.  The
    session itself holds no more than came with the server's reply.
  - Input: L{ConsoleSession.write} says whether there is room for more;
    L{ConsoleSession.whenWritable} tells when there is again.  What is written
    all the same is kept by the transport, so a program that does not care about
    memory need not look.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from .errors import AttachError, HandshakeFailed, NotSeated
from .handshake import Handshake
from .moments import CallLater, Frame, Moment, Timer

__all__ = [
    "HANDSHAKE_SECONDS",
    "Connection",
    "ConsoleSession",
    "End",
    "EndCause",
]

#: How long the server may take to answer the handshake.
HANDSHAKE_SECONDS = 30.0


class Connection(Protocol):
    """
    What a session needs of a transport.
    """

    def send(self, data: bytes) -> None:
        """
        Send bytes, now or when there is room.
        """

    def pauseReading(self) -> None:
        """
        Read no more from the server.
        """

    def resumeReading(self) -> None:
        """
        Read again from the server.
        """

    def finish(self) -> None:
        """
        Close when everything has been sent.
        """

    def abort(self) -> None:
        """
        Close at once.
        """


class EndCause(enum.Enum):
    """
    Who ended a session.
    """

    #: We did, by L{ConsoleSession.close} or L{ConsoleSession.abort}.
    OURS = "ours"
    #: The server closed the connection.
    SERVER = "server"
    #: The connection broke.
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class End:
    """
    How a session ended.

    @ivar cause: who ended it.
    @ivar detail: the error of a broken connection, or C{""}.
    """

    cause: EndCause
    detail: str = ""


class _State(enum.Enum):
    GREETING = enum.auto()
    SEATED = enum.auto()
    CLOSING = enum.auto()
    ENDED = enum.auto()


class ConsoleSession:
    """
    One session: a program writes what is typed and is given what the zone prints.
    """

    def __init__(
        self,
        frame: Frame,
        callLater: CallLater,
        handshake: Handshake,
        seconds: float = HANDSHAKE_SECONDS,
    ) -> None:
        """
        @param frame: the C{txaio} API of the framework that the session lives in.
        @param callLater: that framework's way to call something later.
        @param handshake: what to tell the server first.
        @param seconds: how long the server may take to answer.
        """
        self._frame = frame
        self._callLater = callLater
        self._handshake = handshake
        self._seconds = seconds
        self._state = _State.GREETING
        self._seated = Moment(frame)
        self._ended = Moment(frame)
        self._writable: Moment | None = None
        self._deadline: Timer | None = None
        self._connection: Connection | None = None
        self._onOutput: Callable[[bytes], None] | None = None
        self._early = b""
        self._paused = False

    # For the program.

    def whenSeated(self) -> Any:
        """
        A future of this session, once it is seated.  It fails with an
        L{AttachError} when the server does not seat us.
        """
        return self._seated.wait()

    def whenEnded(self) -> Any:
        """
        A future of the L{End}; it never fails.
        """
        return self._ended.wait()

    def whenWritable(self) -> Any:
        """
        A future that has a result, L{None}, when there is room for more input, or
        when the session has ended.
        """
        moment = self._writable
        if moment is None:
            moment = Moment(self._frame)
            moment.resolve(None)
        return moment.wait()

    @property
    def writable(self) -> bool:
        """
        Is there room for more input?
        """
        return self._state is _State.SEATED and self._writable is None

    def deliver(self, onOutput: Callable[[bytes], None]) -> None:
        """
        Begin to give out what the zone prints; until then nothing is read.

        @param onOutput: called with bytes, never with none.
        """
        self._onOutput = onOutput
        early, self._early = self._early, b""
        if early:
            onOutput(early)
        if not self._paused:
            self._reading(True)

    def write(self, data: bytes) -> bool:
        """
        Send what was typed.  After the session's end it is dropped.

        @return: whether there is room for more; if not, wait for
            L{whenWritable}.
        @raise NotSeated: there is no seat yet.
        """
        if self._state is _State.GREETING:
            raise NotSeated("this session is not seated yet")
        if self._state is _State.SEATED and self._connection is not None:
            self._connection.send(data)
        return self.writable

    def pauseOutput(self) -> None:
        """
        Read no more; the server, and with it the zone, will be paced.
        """
        self._paused = True
        self._reading(False)

    def resumeOutput(self) -> None:
        """
        Read again.
        """
        self._paused = False
        if self._onOutput is not None:
            self._reading(True)

    def close(self) -> None:
        """
        End the session when everything that was written has been sent; what the
        zone prints meanwhile is not given out any more.
        """
        if self._state is _State.GREETING:
            self._notSeated(HandshakeFailed("closed before the server answered"))
        elif self._state is _State.SEATED and self._connection is not None:
            self._state = _State.CLOSING
            # A connection that is not read does not notice its end.
            self._connection.resumeReading()
            self._connection.finish()

    def abort(self) -> None:
        """
        End the session at once; what could not be sent yet is lost.
        """
        if self._state is _State.GREETING:
            self._notSeated(HandshakeFailed("closed before the server answered"))
        elif self._state is not _State.ENDED and self._connection is not None:
            self._state = _State.CLOSING
            self._connection.abort()

    # For the adapters.

    def connected(self, connection: Connection) -> None:
        """
        There is a connection: greet.
        """
        self._connection = connection
        self._deadline = self._callLater(self._seconds, self._tooLate)
        connection.send(self._handshake.hello)

    def dataReceived(self, data: bytes) -> None:
        """
        The server sent something.
        """
        if self._state is _State.SEATED:
            if self._onOutput is None:
                self._early += data
            else:
                self._onOutput(data)
        elif self._state is _State.GREETING:
            try:
                rest = self._handshake.feed(data)
            except AttachError as e:
                self._notSeated(e)
            else:
                if rest is not None:
                    self._seat(rest)

    def inputFull(self) -> None:
        """
        The transport holds as much unsent input as it should.
        """
        if self._writable is None:
            self._writable = Moment(self._frame)

    def inputDrained(self) -> None:
        """
        The transport has room again.
        """
        moment, self._writable = self._writable, None
        if moment is not None:
            moment.resolve(None)

    def connectionLost(self, error: str = "") -> None:
        """
        The connection is closed, by whichever side.

        @param error: why, where it broke.
        """
        before, self._state = self._state, _State.ENDED
        self._connection = None
        self._quietDeadline()
        if before is _State.GREETING:
            self._seated.reject(self._handshake.end())
        if before is _State.CLOSING:
            end = End(EndCause.OURS)
        elif error:
            end = End(EndCause.LOST, error)
        else:
            end = End(EndCause.SERVER)
        self.inputDrained()
        self._ended.resolve(end)

    def _seat(self, rest: bytes) -> None:
        self._state = _State.SEATED
        self._quietDeadline()
        self._early = rest
        self._reading(False)
        self._seated.resolve(self)
        if self._onOutput is not None:
            self.deliver(self._onOutput)

    def _notSeated(self, error: AttachError) -> None:
        self._state = _State.CLOSING
        self._quietDeadline()
        if self._connection is not None:
            self._connection.abort()
        self._seated.reject(error)

    def _tooLate(self) -> None:
        self._deadline = None
        self._notSeated(
            HandshakeFailed(f"the server did not answer within {self._seconds:g} s")
        )

    def _quietDeadline(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None:
            deadline.cancel()

    def _reading(self, wanted: bool) -> None:
        if self._state is _State.SEATED and self._connection is not None:
            if wanted:
                self._connection.resumeReading()
            else:
                self._connection.pauseReading()
