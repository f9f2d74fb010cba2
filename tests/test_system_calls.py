"""
What the server asks of the system, by number: unlike time, it is the same on every
machine.
"""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_twisted
from conftest import Twistd
from structured_peer import Structured
from support import Peer, Program, until

from zcons_twisted.frames import FrameType

Launch = Callable[..., Awaitable[Twistd]]

MIB = 1024 * 1024

#: For a key that is typed and comes back: two times woken, received, written, read and
#: sent.
A_KEY = 6
#: For a MiB that the zone prints: a read for each 4 KiB that a pty gives at a time, a
#: question between them whether anybody types, and what is sent of them.
A_MIB = 600

#: How much there is of each.
KEYS = 400
MIBS = 8

#: How often a flood is looked at; the best counts, for how much a read brings depends
#: on who runs when.
TRIES = 3

CALL = re.compile(rb"^(?:\d+ +)?(?:[\d.]+ +)?([a-z_0-9]+)\(", re.MULTILINE)


class Calls:
    """
    The system calls of a server while somebody looks.
    """

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()

    def each(self, times: int) -> float:
        """
        How many there were for each of so many things.
        """
        return sum(self.counted.values()) / times

    def table(self, times: int) -> str:
        """
        What they were.
        """
        rows = (f"{n / times:9.2f} {name}" for name, n in self.counted.most_common())
        return "\n".join([f"{self.each(times):9.2f} in all", *rows])


@asynccontextmanager
async def traced(server: Twistd, path: Path) -> AsyncIterator[Calls]:
    """
    Count the calls that are made meanwhile.
    """
    argv = ["strace", "-f", "-qq", "-s", "0", "-o", str(path), "-p", str(server.pid)]
    program = server.run(Program(["/usr/bin/env", *argv]))

    def attached() -> bool:
        assert program.status is None, program.errors
        with open(f"/proc/{server.pid}/status") as file:
            return "TracerPid:\t0\n" not in file.read()

    await until(attached, "strace")
    calls = Calls()
    yield calls
    program.signal(signal.SIGINT)
    await program.ends()
    calls.counted.update(n.decode() for n in CALL.findall(path.read_bytes()))
    path.unlink()


class Legacy:
    """
    An operator with a legacy session.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    async def types(self, data: bytes) -> None:
        """
        Type.
        """
        await self.peer.send(data)

    async def gets(self, size: int) -> None:
        """
        Read so much of what the zone prints.
        """
        while size > 0:
            data = await self.peer.exactly(min(size, 64 * 1024))
            size -= len(data)


class Framed(Legacy):
    """
    The same with a structured session.
    """

    def __init__(self, session: Structured) -> None:
        super().__init__(session.peer)
        self.session = session

    async def types(self, data: bytes) -> None:
        """
        Type.
        """
        await self.session.say(FrameType.INPUT, data)

    async def gets(self, size: int) -> None:
        """
        Read so much of what the zone prints.
        """
        end = self.session.at + size
        while self.session.at < end:
            assert await self.peer.more()
            self.session.take()


async def sits(server: Twistd, kind: str) -> Legacy:
    """
    An operator.
    """
    if kind == "legacy":
        return Legacy(await server.attach())
    return Framed(await Structured(await server.connect()).attach())


@pytest.mark.parametrize("kind", ["legacy", "structured"])
@pytest_twisted.ensureDeferred
async def test_key(server: Twistd, tmp_path: Path, kind: str) -> None:
    """
    A key that is typed and comes back.
    """
    zone = await server.zoneSide()
    operator = await sits(server, kind)
    for times, counts in ((20, False), (KEYS, True)):
        zone.begin("echo", times)
        if not counts:
            for _ in range(times):
                await operator.types(b"x")
                await operator.gets(1)
        else:
            async with traced(server, tmp_path / "calls") as calls:
                for _ in range(times):
                    await operator.types(b"x")
                    await operator.gets(1)
        await zone.done()
    print(calls.table(KEYS))
    # What comes by the clock, or with a signal, is no key's.
    assert calls.each(KEYS) < A_KEY + 0.1, calls.table(KEYS)


@pytest.mark.parametrize("kind", ["legacy", "structured"])
@pytest_twisted.ensureDeferred
async def test_bulk(server: Twistd, tmp_path: Path, kind: str) -> None:
    """
    A MiB that the zone prints for one operator, who reads as fast as it comes.
    """
    zone = await server.zoneSide()
    operator = await sits(server, kind)
    zone.begin("write", MIB, 1)
    await operator.gets(MIB)
    await zone.done()
    least = Calls()
    for _ in range(TRIES):
        async with traced(server, tmp_path / "calls") as calls:
            zone.begin("write", MIBS * MIB, 1)
            await operator.gets(MIBS * MIB)
            await zone.done()
        least = min(calls, least, key=lambda each: each.each(MIBS) or 1e9)
    print(least.table(MIBS))
    assert least.each(MIBS) <= A_MIB, least.table(MIBS)
