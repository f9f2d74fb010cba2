# -*- test-case-name: zcons_twisted.test.test_client_aio -*-
"""
Tests for L{zcons_twisted.client.aio}: real loops, connections in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.aio import SessionProtocol, attach
from zcons_twisted.client.errors import (
    ConsoleInUse,
    CouldNotConnect,
    HandshakeFailed,
    OnlyOperators,
)
from zcons_twisted.client.session import ConsoleSession, End, EndCause
from zcons_twisted.frames import Attach, FrameType, formatAttach
from zcons_twisted.rundir import RunDirectory

from .client_fakes import (
    accepts,
    busyAtOnce,
    connectedSocket,
    ends,
    nobody,
    prints,
    refuses,
    tells,
    typed,
)

RUNDIR = RunDirectory("/run/x")


class FakeTransport(asyncio.Transport):
    """
    A transport in memory.
    """

    def __init__(self, protocol: Any) -> None:
        super().__init__()
        self.protocol = protocol
        self.sent = b""
        self.told: list[str] = []

    def write(self, data: Any) -> None:
        """
        Keep it.
        """
        self.sent += data

    def pause_reading(self) -> None:
        """
        Keep that.
        """
        self.told.append("pause")

    def resume_reading(self) -> None:
        """
        Keep that.
        """
        self.told.append("resume")

    def close(self) -> None:
        """
        Closing tells the protocol.
        """
        self.told.append("close")
        self.protocol.connection_lost(None)

    def abort(self) -> None:
        """
        Aborting too.
        """
        self.told.append("abort")
        self.protocol.connection_lost(None)


class MemoryLoop(asyncio.SelectorEventLoop):
    """
    A loop whose connections are in memory.
    """

    transports: list[FakeTransport]

    async def create_unix_connection(
        self, protocol_factory: Any, path: Any = None, **options: Any
    ) -> Any:
        """
        Connect to memory.
        """
        options["sock"].close()
        protocol = protocol_factory()
        transport = FakeTransport(protocol)
        self.transports.append(transport)
        protocol.connection_made(transport)
        return transport, protocol


class AttachTests(SynchronousTestCase):
    """
    Attaching under asyncio.
    """

    def setUp(self) -> None:
        """
        A loop.
        """
        self.loop = MemoryLoop()
        self.loop.transports = []
        self.addCleanup(self.loop.close)

    def run_(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """
        Run something in the loop.
        """

        async def limited() -> Any:
            return await asyncio.wait_for(work(), 10)

        return self.loop.run_until_complete(limited())

    async def attaching(
        self, asked: Attach | None = None, **options: Any
    ) -> asyncio.Task[ConsoleSession]:
        """
        Attach to zone z, as far as the greeting.
        """
        options.setdefault("opener", connectedSocket)
        task = asyncio.ensure_future(attach(RUNDIR, "z", asked, **options))
        while not self.loop.transports and not task.done():
            await asyncio.sleep(0)
        return task

    async def seated(self) -> tuple[ConsoleSession, FakeTransport]:
        """
        A seated session.
        """
        task = await self.attaching()
        transport = self.loop.transports[-1]
        transport.protocol.data_received(accepts() + prints(b"login: "))
        return await task, transport

    def test_seated(self) -> None:
        """
        The session is seated, greets as it was told to, and loses no output
        although the program learns of the seat a turn of the loop later.
        """

        async def work() -> None:
            asked = Attach(locale="de_DE.UTF-8", disconnect=True)
            task = await self.attaching(asked)
            (transport,) = self.loop.transports
            self.assertEqual(transport.sent, formatAttach(asked))
            data = accepts() + prints(b"login: ")
            transport.protocol.data_received(data[:-3])
            transport.protocol.data_received(data[-3:])
            session = await task
            output: list[bytes] = []
            session.deliver(output.append)
            transport.protocol.data_received(prints(b"more", 7))
            self.assertEqual(output, [b"login: ", b"more"])
            self.assertEqual(transport.told, ["pause", "resume"])

        self.run_(work)

    def test_refused(self) -> None:
        """
        A taken seat, and no server, are errors; nothing is left open.
        """

        async def work() -> None:
            task = await self.attaching()
            (transport,) = self.loop.transports
            transport.protocol.data_received(refuses("busy", "no", 99))
            with self.assertRaises(ConsoleInUse):
                await task
            self.assertEqual(transport.told, ["abort"])
            with self.assertRaises(CouldNotConnect):
                await attach(RUNDIR, "z", opener=nobody)

        self.run_(work)

    def test_busyAtOnce(self) -> None:
        """
        A server that says who is there and closes before it was told anything has
        been understood.
        """

        async def work() -> None:
            with self.assertRaisesRegex(ConsoleInUse, "process ID 4711"):
                await attach(RUNDIR, "z", opener=busyAtOnce)

        asyncio.run(work())

    def test_fallback(self) -> None:
        """
        With a server that closes on what it does not know, an operator gets a legacy
        session on another connection.
        """

        async def work() -> None:
            task = await self.attaching()
            self.loop.transports[0].close()
            while len(self.loop.transports) < 2:
                await asyncio.sleep(0)
            old = self.loop.transports[1]
            self.assertTrue(old.sent.startswith(b"IDENT "))
            old.protocol.data_received(b"OK\n")
            self.assertFalse((await task).structured)
            task = await self.attaching(Attach("take"))
            await asyncio.sleep(0)
            self.loop.transports[-1].close()
            with self.assertRaises(OnlyOperators):
                await task

        self.run_(work)

    def test_answers(self) -> None:
        """
        What is asked can be awaited.
        """

        async def work() -> None:
            session, transport = await self.seated()
            session.deliver(lambda data: None)
            answer = session.claim(take=True)
            transport.protocol.data_received(
                tells(FrameType.ANSWER, request="seat", ok=True, text="")
            )
            self.assertTrue((await answer).ok)
            session.leave()
            answer = session.ping()
            transport.protocol.data_received(ends("left", "the client left"))
            self.assertFalse((await answer).ok)
            self.assertEqual((await session.whenEnded()).cause, EndCause.OURS)

        self.run_(work)

    def test_noAnswer(self) -> None:
        """
        The server has so long and no longer.
        """

        async def work() -> None:
            task = await self.attaching(seconds=0)
            with self.assertRaises(HandshakeFailed):
                await task

        self.run_(work)

    def test_cancelled(self) -> None:
        """
        Attaching can be given up.
        """

        async def work() -> None:
            task = await self.attaching()
            await asyncio.sleep(0)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertIn("abort", self.loop.transports[0].told)

        self.run_(work)

    def test_ends(self) -> None:
        """
        Our own end, the server's and a broken connection are told apart.
        """

        async def work() -> None:
            for act, end in (
                (lambda s, t: s.close(), End(EndCause.OURS)),
                (lambda s, t: s.abort(), End(EndCause.OURS)),
                (
                    lambda s, t: t.protocol.data_received(ends("detached", "so")),
                    End(EndCause.SERVER, "", "detached", "so"),
                ),
                (
                    lambda s, t: t.protocol.connection_lost(OSError("reset")),
                    End(EndCause.LOST, "reset"),
                ),
            ):
                self.loop.transports.clear()
                session, transport = await self.seated()
                session.deliver(lambda data: None)
                act(session, transport)
                self.assertEqual(await session.whenEnded(), end)

        self.run_(work)

    def test_input(self) -> None:
        """
        The transport's C{pause_writing} and C{resume_writing} are the session's.
        """

        async def work() -> None:
            session, transport = await self.seated()
            transport.sent = b""
            self.assertTrue(session.write(b"a"))
            transport.protocol.pause_writing()
            self.assertFalse(session.write(b"b"))
            self.loop.call_soon(transport.protocol.resume_writing)
            await session.whenWritable()
            self.assertTrue(session.write(b"c"))
            self.assertEqual(typed(transport.sent), b"abc")

        self.run_(work)

    def test_afterTheEnd(self) -> None:
        """
        A protocol without a transport does nothing.
        """

        async def work() -> None:
            _, transport = await self.seated()
            transport.close()
            protocol: SessionProtocol = transport.protocol
            protocol.send(b"x")
            for name in ("pauseReading", "resumeReading", "finish", "abort"):
                getattr(protocol, name)()
            self.assertEqual(transport.told, ["pause", "close"])

        self.run_(work)
