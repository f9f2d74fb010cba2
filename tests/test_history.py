"""
History outlives the server, however that ends.
"""

from __future__ import annotations

import os
import random
import re
import stat
from collections.abc import Awaitable, Callable

import pytest
import pytest_twisted
from client_support import client
from conftest import Twistd
from structured_peer import structured
from support import pause
from twisted.internet import reactor

from zcons_twisted.doors.commands import Event, Status
from zcons_twisted.frames import FrameType
from zcons_twisted.history import READ_MAX

MIB = 1024 * 1024

Launch = Callable[..., Awaitable[Twistd]]


@pytest_twisted.ensureDeferred
async def test_birth(launch: Launch) -> None:
    """
    What was printed before anybody came is there, from the first byte, and stays over
    an orderly stop, with what happened in its place.
    """
    server = await launch()
    zone = await server.zoneSide()
    await zone.do("number", 0, 50_000)
    await server.has(50_000)
    await server.ask(Event, name="readied")
    watcher = await structured(server, role="watch", start="all")
    await watcher.to(50_000)
    mode = os.stat(server.path("history")).st_mode
    assert stat.S_IMODE(mode) == 0o600
    await server.leave()
    await server.end()
    server = await launch()
    watcher = await structured(server, role="watch", start={"offset": 16})
    await watcher.to(50_000)
    notice = await watcher.told(FrameType.NOTICE)
    assert (notice["event"], notice["offset"]) == ("readied", 50_000)
    assert watcher.gaps == []
    await (await server.zoneSide()).do("number", 0, 160)
    await watcher.to(50_160, 50_000)


@pytest_twisted.ensureDeferred
async def test_problems(launch: Launch) -> None:
    """
    That there is no room for a history, or that its file was removed, is told with it.
    """

    async def told(server: Twistd) -> str:
        program = server.run(client(server.rundir, "status", "z1"))
        assert await program.ends() == 0
        (line,) = re.findall(r"^history: +(.*)$", program.output.decode(), re.M)
        return line

    small = ("/bin/sh", "-c", 'ulimit -f 8; exec "$@"', "sh")
    server = await launch(under=small)
    assert await told(server) == "offsets 0 to 0 (in memory only: File too large)"
    await server.end()
    server = await launch()
    zone = await server.zoneSide()
    assert await told(server) == "offsets 0 to 0"
    os.unlink(server.path("history"))
    removed = "its file was removed: it ends with this server"
    end = reactor.seconds() + 30
    while removed not in (line := await told(server)):
        assert reactor.seconds() < end, line
        await zone.prints(b"x" * 8192)


@pytest.mark.parametrize("history", ["64K", "1M"])
@pytest_twisted.ensureDeferred
async def test_killed(launch: Launch, history: str) -> None:
    """
    Killed at random moments of a flood, the server goes on at the offset that it had
    committed: all that anybody was told is there, in order and to the byte; what was
    read and not committed is a gap of no more than one read.
    """
    chance = random.Random(history)
    base = 0
    # The zone ends with its server here: what it prints ends there, too.
    options = ("--nexus", "none", "--zone", "z1", "--history", history)
    for _ in range(6):
        server = await launch(*options)
        zone = await server.zoneSide()
        watcher = await structured(server, role="watch")
        assert watcher.at == base
        zone.begin("number", 0, 512 * MIB)
        await watcher.to(base + chance.randrange(1, 2 * MIB), base)
        await pause(chance.random() / 50)
        await server.kill()
        seen = watcher.at
        await server.leave()
        again = await launch(*options)
        status = await again.ask(Status)
        assert status["end"] >= seen
        found = await structured(again, role="watch", start="all")
        end = found.answer["end"]
        assert end == status["end"]
        assert found.answer["oldest"] == found.at
        kept = end - found.at
        assert kept <= {"64K": 64 * 1024, "1M": MIB}[history]
        if end > 3 * MIB:
            assert kept >= {"64K": 64 * 1024, "1M": MIB}[history] - READ_MAX
        await found.to(end, base)
        for offset, missing in found.gaps:
            assert 0 < missing <= READ_MAX
            assert offset <= end
        await again.leave()
        await again.kill()
        base = end


@pytest.mark.parametrize("left", [0, 100_000, 400_000])
@pytest_twisted.ensureDeferred
async def test_cutShort(launch: Launch, left: int) -> None:
    """
    Whoever cuts the file short, as one clears a log, takes what was in it, and neither
    holds the zone nor ends the server, which goes on in memory.
    """
    server = await launch("--zone", "z1", "--zone", "z2")
    zone = await server.zoneSide()
    await zone.do("number", 0, MIB)
    watcher = await structured(server, role="watch")
    os.truncate(server.path("history"), left)
    await zone.do("number", 0, 4 * MIB)
    # The kernel may have taken a few bytes for the read that failed.
    await server.has(5 * MIB - 64)
    status = await server.ask(Status)
    end = status["end"]
    assert end <= 5 * MIB
    assert status["birth"] == watcher.answer["birth"]
    await watcher.to(end, 5 * MIB)
    late = await structured(server, role="watch", start="all")
    assert end - late.at >= MIB
    await server.ask(Event, name="readied")
    assert server.log.count("it was cut short or can't be read any more") == 1
    other = await server.zoneSide("z2")
    await other.do("number", 0, 1600)
    await server.has(1600, "z2")


@pytest_twisted.ensureDeferred
async def test_otherSize(launch: Launch) -> None:
    """
    A history of another size is gone on with.
    """
    base = 0
    birth = None
    for size in ("64K", "1M", "256K", "256K", "64K"):
        server = await launch("--zone", "z1", "--history", size)
        zone = await server.zoneSide()
        watcher = await structured(server, role="watch", start={"bytes": 32 * 1024})
        assert watcher.answer["end"] == base
        assert watcher.at == max(0, base - 32 * 1024)
        assert birth in (None, watcher.answer["birth"])
        birth = watcher.answer["birth"]
        await watcher.to(base, max(0, base - MIB))
        await zone.do("number", 0, MIB)
        await watcher.to(base + MIB, base)
        base += MIB
        await server.leave()
        await server.end()
    assert [name for name in os.listdir(server.rundir) if "damaged" in name] == []


@pytest_twisted.ensureDeferred
async def test_damaged(launch: Launch) -> None:
    """
    A history that somebody has spoiled keeps nobody from the console: it is set aside
    and a new one begins.
    """
    server = await launch()
    await (await server.zoneSide()).do("number", 0, 1600)
    await server.leave()
    await server.kill()
    with open(server.path("history"), "r+b") as file:
        file.write(b"spoilt")
    server = await launch()
    assert (await server.ask(Status))["end"] == 0
    await (await server.zoneSide()).do("number", 0, 1600)
    watcher = await structured(server, role="watch", start="all")
    await watcher.to(1600)
    aside = server.path("history") + ".damaged.1"
    assert f"it is set aside as {aside}" in server.log
    os.unlink(aside)
