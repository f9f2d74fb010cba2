"""
Everything at once, for as long as one likes: C{SOAK_MINUTES}, or C{make soak}.

One zone prints while sessions come, stall, take over, resume and go, and every byte is
accounted for; at another one sessions churn, are detached and told of events; a third
one's command floods, ends and is started again, while those who watch it are frozen.
All the while the server is looked at.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest_twisted
from conftest import Twistd
from structured_peer import Structured
from support import Program, pause, script, together
from test_churn import BYTES_EACH, OBJECTS_MORE, Inspected, inspected, last, sharedOut
from test_conservation import SESSIONS, Party, seeded
from test_hostile_peers import baseline, settled

from zcons_twisted.doors.commands import Detach, Event, Refused, Status

Launch = Callable[..., Awaitable[Twistd]]

#: For how long.
SECONDS = 60 * float(os.environ.get("SOAK_MINUTES", "0.35"))

#: How often somebody comes to the second zone before others come in their place.
TURNS = 4000

#: What memory may differ by from one quarter to the next, and mean nothing.
NOISE = 2 * 1024 * 1024

OPTIONS = (
    *("--history", "128K"),
    *("--zone", "z1"),
    *("--zone", "z2"),
    *("--zone", "z3", "--exec", "sh -c 'yes | head -c 1000000'", "--respawn", "always"),
)


class Soak:
    """
    What happens besides the first zone.

    @ivar visits: how often somebody has come to the second zone.
    @ivar memory: when the server was looked at, and what it had.
    """

    def __init__(self, found: Inspected) -> None:
        self.found = found
        self.server = found.server
        self.visits = 0
        self.memory: list[tuple[float, int, int]] = []
        self.until = time.monotonic() + SECONDS

    @property
    def over(self) -> bool:
        """
        Is it?
        """
        return time.monotonic() > self.until

    async def churn(self, number: int) -> None:
        """
        Sessions come and go.
        """
        path = self.server.path("console_sock", "z2")
        turn = 0
        while not self.over:
            turn += 1
            visitor: Program = script("churn.py", path, str(TURNS), f"{number} {turn}")
            self.server.run(visitor)
            done = 0
            while visitor.status is None and not self.over:
                await pause(0.1)
                done, before = last(visitor), done
                self.visits += done - before
            await visitor.kill()
            assert b"Traceback" not in visitor.errors, visitor.errors

    async def happens(self) -> None:
        """
        Somebody has things done, and asks.
        """
        while not self.over:
            for name in ("booting", "readied", "halted"):
                await self.server.ask(Event, "z2", name=name)
            try:
                await self.server.ask(Detach, "z2")
            except Refused:
                # Nobody was in the seat just then.
                pass
            status = await self.server.ask(Status, "z2")
            assert len(status["ended"]) <= 32
            await pause(0.05)

    async def freeze(self) -> None:
        """
        Somebody watches a flood and takes nothing, and goes.
        """
        while not self.over:
            peers = [await self.server.connect("z3") for _ in range(8)]
            for peer in peers:
                await Structured(peer).attach(role="watch", start="all")
            await pause(0.5)
            for peer in peers:
                peer.close()

    async def watch(self) -> None:
        """
        Look at the server.
        """
        program = self.server.program
        assert program is not None
        while not self.over:
            await pause(0.25)
            now = (time.monotonic(), self.visits, sharedOut(self.server.pid))
            self.memory.append(now)
            assert b"Traceback" not in program.output + program.errors, program.errors
            program.output = program.errors = b""

    def check(self) -> None:
        """
        Memory stays what it is, from the third quarter of the time to the last.
        """
        size = len(self.memory) // 4
        third, fourth = self.memory[2 * size : 3 * size], self.memory[3 * size :]
        grown = statistics.median(m for *_, m in fourth) - statistics.median(
            m for *_, m in third
        )
        visits = fourth[-1][1] - third[0][1]
        print(f"{self.visits} visits, {grown / 1024:.0f} KiB more in the last quarter")
        assert grown < NOISE + BYTES_EACH * visits


@pytest_twisted.ensureDeferred
async def test_soak(launch: Launch, tmp_path: Path) -> None:
    """
    However long it is used, in every way at once, a server stays as it is.
    """
    with seeded(f"{time.time_ns()}") as chance:
        found = await inspected(launch, tmp_path / "objects", *OPTIONS)
        server = found.server
        before = await baseline(server)
        first = await server.zoneSide("z1")
        second = await server.zoneSide("z2")
        second.begin("sink", 1 << 40, 65536, 0)
        soak = Soak(found)
        objects = await found.objects()
        party = Party(server, chance, SECONDS)
        await together(
            party.prints(first),
            *(party.guest() for _ in range(SESSIONS // 2)),
            *(soak.churn(number) for number in range(2)),
            soak.happens(),
            soak.freeze(),
            soak.watch(),
        )
        soak.check()
        await server.has(party.at)
        assert (await server.ask(Status))["end"] == party.at
        await server.leave()
        await settled(server, before)
        for zone in ("z1", "z2", "z3"):
            status = await server.ask(Status, zone)
            assert status["operator"] + status["watchers"] == []
        assert await found.objects() - objects < 4 * OBJECTS_MORE
