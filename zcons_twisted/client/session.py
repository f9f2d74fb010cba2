# -*- test-case-name: zcons_twisted.test.test_client_session -*-
"""
A session at a zone's console, for Twisted and asyncio programs alike.

One implementation of the rules: C{txaio} makes the futures, a
L{Connection} carries the bytes, and L{zcons_twisted.client.tx} and
L{zcons_twisted.client.aio} adapt a framework's transports to it.  The C{txaio} API
is handed in and never chosen globally, so both frameworks may have sessions in
one process.

A session is structured where the server knows such: then output has offsets, and
whatever else happens is told apart from it.  With an older server it is a legacy
session, in which notices are part of the output and nothing can be asked for.

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
from dataclasses import replace
from typing import Any

from zcons_twisted.frames import BadFrame, FrameType

from .errors import AttachError, HandshakeFailed, NotSeated
from .happenings import End, EndCause, Happening, Welcome
from .moments import CallLater, Frame, Moment, Timer
from .requests import Requests
from .seams import Connection, Greeting

__all__ = [
    "HANDSHAKE_SECONDS",
    "Connection",
    "ConsoleSession",
    "End",
    "EndCause",
    "Greeting",
]

#: How long the server may take to answer the handshake.
HANDSHAKE_SECONDS = 30.0


class _State(enum.Enum):
    GREETING = enum.auto()
    SEATED = enum.auto()
    # We have said that we leave, and wait for the server's last word.
    LEAVING = enum.auto()
    CLOSING = enum.auto()
    ENDED = enum.auto()


_OPEN = (_State.SEATED, _State.LEAVING)


class ConsoleSession(Requests):
    """
    One session: a program writes what is typed and is given what the zone prints.
    """

    def __init__(
        self,
        frame: Frame,
        callLater: CallLater,
        handshake: Greeting,
        seconds: float = HANDSHAKE_SECONDS,
    ) -> None:
        """
        @param frame: the C{txaio} API of the framework that the session lives in.
        @param callLater: that framework's way to call something later.
        @param handshake: what to tell the server first.
        @param seconds: how long the server may take to answer.
        """
        super().__init__(frame)
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
        self._onHappening: Callable[[Happening], None] | None = None
        self._end: End | None = None
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

    @property
    def structured(self) -> bool:
        """
        Does it have more to it than bytes?
        """
        return self._handshake.speech.structured

    @property
    def position(self) -> int | None:
        """
        The offset after the last byte of output that was given out: where to begin
        the next session in order to miss nothing.  L{None} in a legacy session.
        """
        return self._handshake.speech.position

    @property
    def welcome(self) -> Welcome | None:
        """
        How things stood when we were let in; L{None} in a legacy session.
        """
        return self._handshake.welcome

    def deliver(
        self,
        onOutput: Callable[[bytes], None],
        onHappening: Callable[[Happening], None] | None = None,
    ) -> None:
        """
        Begin to give out what the zone prints; until then nothing is read.

        @param onOutput: called with bytes, never with none; meanwhile L{position} is
            the offset after them.
        @param onHappening: called with whatever else is told, in its place among
            the output.
        """
        self._onOutput = onOutput
        self._onHappening = onHappening
        early, self._early = self._early, b""
        if early:
            self._hear(early)
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
            self._connection.send(self._handshake.speech.typed(data))
        return self.writable

    def leave(self) -> None:
        """
        End the session in good order: what was typed is sent, and the server says
        the last word.  What the zone prints meanwhile is not given out any more.
        With a server that says nothing it takes as long as that.
        """
        if self._state is not _State.SEATED or not self.structured:
            self.close()
        elif self._connection is not None:
            self._request(FrameType.LEAVE)
            self._state = _State.LEAVING
            self._connection.resumeReading()
            early, self._early = self._early, b""
            self._hear(early)

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
        zone prints meanwhile is not given out any more.  The server is told, where it
        understands that.
        """
        if self._state is _State.GREETING:
            self._notSeated(HandshakeFailed("closed before the server answered"))
        elif self._state in _OPEN and self._connection is not None:
            if self.structured:
                self._request(FrameType.LEAVE)
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
        connection.greet(self._handshake.hello)

    def dataReceived(self, data: bytes) -> None:
        """
        The server sent something.
        """
        if self._state is _State.SEATED and self._onOutput is None:
            self._early += data
        elif self._state in _OPEN:
            self._hear(data)
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
        self.inputDrained()
        self._unanswered()
        self._ended.resolve(self._end or self._howItEnded(before, error))

    def _howItEnded(self, before: _State, error: str) -> End:
        if before in (_State.LEAVING, _State.CLOSING):
            return End(EndCause.OURS)
        if error:
            return End(EndCause.LOST, error)
        if before is _State.SEATED and self.structured:
            return End(EndCause.LOST, "the server went away without a word")
        return End(EndCause.SERVER)

    def _hear(self, data: bytes) -> None:
        """
        What came after the handshake.
        """
        try:
            for heard in self._handshake.speech.heard(data):
                if isinstance(heard, End):
                    self._finish(heard)
                elif not isinstance(heard, bytes):
                    if self._onHappening is not None:
                        self._onHappening(heard)
                    self._answered(heard)
                elif self._state is _State.SEATED and self._onOutput is not None:
                    self._onOutput(heard)
                if self._state not in _OPEN:
                    return
        except BadFrame as e:
            self._finish(End(EndCause.PROTOCOL, f"protocol error: {e}"))

    def _finish(self, end: End) -> None:
        """
        The server has said its last word, or what nobody understands.
        """
        if self._state is _State.LEAVING:
            end = replace(end, cause=EndCause.OURS)
        self._end = end
        self._state = _State.CLOSING
        if self._connection is not None:
            self._connection.abort()

    def _request(self, kind: FrameType, payload: bytes = b"") -> bool:
        if self._state is _State.GREETING:
            raise NotSeated("this session is not seated yet")
        frame = self._handshake.speech.request(kind, payload)
        if self._state is not _State.SEATED or self._connection is None:
            return False
        self._connection.send(frame)
        return True

    def _seat(self, rest: bytes) -> None:
        self._state = _State.SEATED
        self._quietDeadline()
        self._early = rest
        self._reading(False)
        self._seated.resolve(self)
        if self._onOutput is not None:
            self.deliver(self._onOutput, self._onHappening)

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
