"""
The session library against a real server, for Twisted and for asyncio programs, in
one process.
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest
import pytest_twisted
from conftest import Twistd
from support import Peer, content, digest, pause, until, within
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from zcons_twisted.client import (
    Attach,
    ConsoleInUse,
    CouldNotConnect,
    EndCause,
    Happening,
    SeatChange,
    aio,
    tx,
)
from zcons_twisted.doors.commands import Detach, Status
from zcons_twisted.rundir import RunDirectory

MIB = 1024 * 1024


def inLoop(work: Any) -> Deferred[Any]:
    """
    Run a coroutine in an asyncio loop of its own.
    """
    return within(deferToThread(asyncio.run, work))


@pytest_twisted.ensureDeferred
async def test_twisted(server: Twistd) -> None:
    """
    Under Twisted: a paste of a MiB with flow control, output, and the end.
    """
    zone = await server.zoneSide()
    session = await within(tx.attach(reactor, RunDirectory(server.rundir), "z1"))
    output: list[bytes] = []
    session.deliver(output.append)
    zone.begin("sink", MIB, 65536, 0.001)
    data = content(MIB)
    for at in range(0, MIB, 16384):
        if not session.write(data[at : at + 16384]):
            await within(session.whenWritable())
    assert await zone.done() == [MIB, digest(data)]
    with pytest.raises(ConsoleInUse):
        await within(tx.attach(reactor, RunDirectory(server.rundir), "z1"))
    with pytest.raises(CouldNotConnect):
        await within(tx.attach(reactor, RunDirectory(server.rundir), "other"))
    await zone.prints(b"bye")
    await server.has(3)
    await server.ask(Detach)
    assert (await within(session.whenEnded())).cause is EndCause.SERVER
    assert b"".join(output) == b"bye"


@pytest_twisted.ensureDeferred
async def test_asyncio(server: Twistd) -> None:
    """
    The same under asyncio.
    """
    zone = await server.zoneSide()
    data = content(MIB)

    async def work() -> tuple[EndCause, bytes]:
        rundir = RunDirectory(server.rundir)
        session = await aio.attach(rundir, "z1")
        output: list[bytes] = []
        session.deliver(output.append)
        for at in range(0, MIB, 16384):
            if not session.write(data[at : at + 16384]):
                await session.whenWritable()
        with pytest.raises(ConsoleInUse):
            await aio.attach(rundir, "z1")
        with pytest.raises(CouldNotConnect):
            await aio.attach(rundir, "other")
        end = await session.whenEnded()
        return end.cause, b"".join(output)

    zone.begin("sink", MIB, 65536, 0.001)
    working = Deferred.fromCoroutine(inLoop(work()))
    assert await zone.done() == [MIB, digest(data)]
    await zone.prints(b"bye")
    await server.has(3)
    await server.ask(Detach)
    assert await working == (EndCause.SERVER, b"bye")


@pytest_twisted.ensureDeferred
async def test_paced(server: Twistd) -> None:
    """
    Output waits for who has paused it, under both, and none of it is lost while the
    server may still wait for us.
    """
    zone = await server.zoneSide()
    rundir = RunDirectory(server.rundir)
    size = 256 * 1024

    session = await within(tx.attach(reactor, rundir, "z1"))
    got: list[bytes] = []
    done: Deferred[None] = Deferred()

    def take(data: bytes) -> None:
        got.append(data)
        session.pauseOutput()
        reactor.callLater(0, session.resumeOutput)
        if sum(map(len, got)) >= size and not done.called:
            done.callback(None)

    session.deliver(take)
    await zone.do("write", size, 1)
    await within(done)
    assert digest(b"".join(got)) == digest(content(size, 1))
    session.close()
    assert (await within(session.whenEnded())).cause is EndCause.OURS

    async def work() -> bytes:
        session = await aio.attach(rundir, "z1")
        loop = asyncio.get_running_loop()
        got: list[bytes] = []
        done = loop.create_future()

        def take(data: bytes) -> None:
            got.append(data)
            session.pauseOutput()
            loop.call_later(0, session.resumeOutput)
            if sum(map(len, got)) >= size and not done.done():
                done.set_result(None)

        session.deliver(take)
        await done
        session.close()
        assert (await session.whenEnded()).cause is EndCause.OURS
        return b"".join(got)

    working = Deferred.fromCoroutine(inLoop(work()))
    await untilSeated(server)
    await zone.do("write", size, 2)
    assert digest(await working) == digest(content(size, 2))


async def untilSeated(server: Twistd) -> None:
    """
    Wait until somebody is seated.
    """
    while not (await server.ask(Status))["operator"]:
        await pause(0.005)


@pytest_twisted.ensureDeferred
async def test_fullBacklog(server: Twistd) -> None:
    """
    A server that is stopped for a while, with its backlog full, is waited for under
    both.
    """
    peers = [Peer() for _ in range(64)]
    os.kill(server.pid, signal.SIGSTOP)
    full = 0
    for peer in peers:
        try:
            peer.socket.connect(server.path("console_sock"))
        except BlockingIOError:
            full += 1
    assert full
    rundir = RunDirectory(server.rundir)
    one = tx.attach(reactor, rundir, "z1")

    async def work() -> None:
        session = await aio.attach(rundir, "z1")
        session.close()
        await session.whenEnded()

    await pause(0.2)
    for peer in peers:
        peer.close()
    os.kill(server.pid, signal.SIGCONT)
    session = await within(one)
    session.close()
    await within(session.whenEnded())
    await inLoop(work())


@pytest_twisted.ensureDeferred
async def test_seats(server: Twistd) -> None:
    """
    Under Twisted a watcher asks for the operator's seat, takes it, gives it up, and
    comes back to where it was.
    """
    zone = await server.zoneSide()
    rundir = RunDirectory(server.rundir)
    loser = await within(tx.attach(reactor, rundir, "z1"))
    loser.deliver(lambda data: None)
    session = await within(tx.attach(reactor, rundir, "z1", Attach("watch", "all")))
    output: list[bytes] = []
    told: list[Happening] = []
    session.deliver(output.append, told.append)
    refused = await within(session.claim())
    assert not refused.ok
    assert f"process {os.getpid()} of " in refused.text
    assert (await within(session.claim(take=True))).ok
    assert (await within(loser.whenEnded())).reason == "taken-over"
    session.write(b"typed")
    assert await zone.reads(5) == b"typed"
    assert (await within(session.giveUp())).ok
    assert told[-2] == SeatChange(None, "watch")
    await zone.prints(b"before")
    await until(lambda: b"".join(output) == b"before", "that")
    assert (await within(session.ping(b"x"))).ok
    assert session.position == 6
    session.leave()
    assert (await within(session.whenEnded())).reason == "left"
    await zone.prints(b" after")
    asked = Attach("watch", ("offset", session.position))
    again = await within(tx.attach(reactor, rundir, "z1", asked))
    again.deliver(output.append)
    await until(lambda: b"".join(output) == b"before after", "the rest")
    again.close()
    await within(again.whenEnded())


@pytest_twisted.ensureDeferred
async def test_seatsAsyncio(server: Twistd) -> None:
    """
    The same under asyncio.
    """
    zone = await server.zoneSide()
    await zone.prints(b"before")
    rundir = RunDirectory(server.rundir)

    async def work() -> tuple[bytes, str]:
        loser = await aio.attach(rundir, "z1")
        loser.deliver(lambda data: None)
        session = await aio.attach(rundir, "z1", Attach("watch", ("offset", 2)))
        output: list[bytes] = []
        session.deliver(output.append)
        assert not (await session.claim()).ok
        assert (await session.claim(take=True)).ok
        end = await loser.whenEnded()
        assert (await session.giveUp()).ok
        assert (await session.ping()).ok
        assert session.position == 6
        session.leave()
        assert (await session.whenEnded()).reason == "left"
        return b"".join(output), end.reason

    assert await inLoop(work()) == (b"fore", "taken-over")
