# -*- test-case-name: zcons_twisted.test.test_client_aio -*-
r"""
Sessions for asyncio programs::

    session = await aio.attach(RunDirectory("/var/run/zones"), "myzone")
    session.deliver(onOutput)
    if not session.write(b"uptime\r"):
        await session.whenWritable()
    end = await session.whenEnded()

The futures of a session are asyncio's.  Flow control is asyncio's:
C{pause_writing} and C{resume_writing} of the transport, C{pause_reading} and
C{resume_reading} by the session.
"""

from __future__ import annotations

import asyncio
import os

import txaio.aio

from zcons_twisted.frames import Attach
from zcons_twisted.rundir import RunDirectory

from .connecting import RETRY_SECONDS, Dialler, Opener, greet, openUnix
from .errors import NotSpoken
from .greeting import StructuredHandshake, fallback
from .seams import Greeting
from .session import HANDSHAKE_SECONDS, ConsoleSession

__all__ = ["SessionProtocol", "attach"]


class SessionProtocol(asyncio.Protocol):
    """
    Between a transport and a L{ConsoleSession}, and no rule of its own.
    """

    def __init__(self, session: ConsoleSession) -> None:
        self._session = session
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        The session begins.
        """
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._session.connected(self)

    def data_received(self, data: bytes) -> None:
        """
        Pass on what came.
        """
        self._session.dataReceived(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """
        Pass on the end.
        """
        self._transport = None
        self._session.connectionLost("" if exc is None else str(exc) or repr(exc))

    def pause_writing(self) -> None:
        """
        The transport holds enough.
        """
        self._session.inputFull()

    def resume_writing(self) -> None:
        """
        The transport has room.
        """
        self._session.inputDrained()

    # The session's connection.

    def greet(self, hello: bytes) -> None:
        """
        As L{zcons_twisted.client.seams.Connection} says; so the next five.
        """
        if self._transport is not None:
            connection = self._transport.get_extra_info("socket")
            if connection is not None:
                hello = greet(connection.fileno(), hello)
            if hello:
                self.send(hello)

    def send(self, data: bytes) -> None:
        """
        Send.
        """
        if self._transport is not None:
            self._transport.write(data)

    def pauseReading(self) -> None:
        """
        Read no more.
        """
        if self._transport is not None:
            self._transport.pause_reading()

    def resumeReading(self) -> None:
        """
        Read again.
        """
        if self._transport is not None:
            self._transport.resume_reading()

    def finish(self) -> None:
        """
        Close when everything has been sent.
        """
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """
        Close at once.
        """
        if self._transport is not None:
            self._transport.abort()


async def attach(
    rundir: RunDirectory,
    zone: str,
    asked: Attach | None = None,
    *,
    seconds: float = HANDSHAKE_SECONDS,
    opener: Opener = openUnix,
) -> ConsoleSession:
    """
    Attach to a zone's console, in the running loop.  With a server that knows no
    structured sessions, an operator gets a legacy one.

    @param rundir: the server's run directory.
    @param zone: the zone's name.
    @param asked: the role, where output begins, the locale of notices, and so on;
        an operator from now on by default.
    @param seconds: how long the server may take to answer.
    @param opener: one attempt to connect, as L{openUnix}.
    @return: a seated session that gives out nothing before
        L{ConsoleSession.deliver}.
    @raise AttachError: we are not seated; the message says why.
    @raise BadZoneName: a zone can't have that name.
    @raise RunDirectoryError: the socket's path is too long.
    """
    wanted = Attach() if asked is None else asked
    loop = asyncio.get_running_loop()
    frame = txaio.aio.with_config(loop=loop)

    async def seat(greeting: Greeting) -> ConsoleSession:
        session = ConsoleSession(frame, loop.call_later, greeting, seconds)
        dialler = Dialler(rundir.consoleSocket(zone), zone, opener)
        while (connection := dialler.attempt()) is None:
            await asyncio.sleep(RETRY_SECONDS)
        await loop.create_unix_connection(
            lambda: SessionProtocol(session), sock=connection
        )
        try:
            await session.whenSeated()
        except BaseException:
            session.abort()
            raise
        return session

    try:
        return await seat(StructuredHandshake(wanted))
    except NotSpoken:
        return await seat(fallback(wanted, os.getpid()))
