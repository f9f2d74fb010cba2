"""
Sessions that come and go without end leave nothing behind: no descriptor, no object, no
memory.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest_twisted
from conftest import Twistd
from support import (
    HERE,
    Program,
    children,
    pause,
    script,
    until,
)
from test_hostile_peers import baseline, settled

from zcons_twisted.doors.commands import Status

Launch = Callable[..., Awaitable[Twistd]]

#: How often somebody comes, and how many come at a time.
TIMES = 100_000
VISITORS = 4

#: What one session may leave behind, on the average of the second half: a byte or two
#: that are no leak, for an object of any kind takes more than fifty.
BYTES_EACH = 12.0

#: How many objects more there may be than when half of them had come; sessions that
#: have ended are remembered, but never more than a few.
OBJECTS_MORE = 400


def sharedOut(pid: int) -> int:
    """
    A process's proportional share of memory, in bytes.
    """
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    raise AssertionError("no Pss")


def slope(points: Sequence[tuple[float, float]]) -> float:
    """
    How much the second grows with each of the first, by least squares.
    """
    count = len(points)
    middle = sum(x for x, _ in points) / count
    level = sum(y for _, y in points) / count
    spread = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * (y - level) for x, y in points) / spread


class Inspected:
    """
    A server that can be asked for its objects.
    """

    def __init__(self, server: Twistd, path: Path) -> None:
        self.server = server
        self.points: list[tuple[float, float]] = []
        self._path = path

    async def objects(self) -> int:
        """
        How many it has, its garbage collected.
        """
        self._path.unlink(missing_ok=True)
        os.kill(self.server.pid, signal.SIGRTMIN)
        await until(self._path.exists, "the number of objects")
        return int(self._path.read_text())

    async def visits(self, visitors: list[Program], before: int, times: int) -> None:
        """
        Watch the server's memory until so many more have come and gone.
        """
        program = self.server.program
        assert program is not None
        done = 0
        while done < times:
            await pause(0.1)
            done = sum(last(visitor) for visitor in visitors)
            self.points.append((before + done, sharedOut(self.server.pid)))
            assert b"Traceback" not in program.output + program.errors, program.errors
            # It says a lot, and it is not to be kept here either.
            program.output = program.errors = b""
        for visitor in visitors:
            assert await visitor.ends() == 0, visitor.errors


def last(visitor: Program) -> int:
    """
    How often a visitor has come.
    """
    numbers = [line for line in visitor.output.split(b"\n")[:-1] if line.isdigit()]
    return int(numbers[-1]) if numbers else 0


async def inspected(launch: Launch, path: Path, *options: str) -> Inspected:
    """
    Start such a server, of one zone with little history where nothing else is said.
    """
    options = options or ("--zone", "z1", "--history", "64K")
    env = {
        "PYTHONPATH": os.pathsep.join([str(HERE / "inspected"), str(HERE.parent)]),
        "OBJECTS_FILE": str(path),
    }
    return Inspected(await launch(*options, env=env), path)


@pytest_twisted.ensureDeferred
async def test_churn(launch: Launch, tmp_path: Path) -> None:
    """
    A hundred thousand sessions of both kinds, from several processes at a time: seated,
    refused, taken over, reset, half-closed and gone without a word.
    """
    found = await inspected(launch, tmp_path / "objects")
    server = found.server
    zone = await server.zoneSide()
    await zone.do("number", 0, 64 * 1024)
    await server.leave()
    before = await baseline(server)
    objects = 0
    for half in (0, 1):
        path = server.path("console_sock")
        each = TIMES // 2 // VISITORS
        visitors = [
            server.run(script("churn.py", path, str(each), f"{half} {n}"))
            for n in range(VISITORS)
        ]
        await found.visits(visitors, half * TIMES // 2, each * VISITORS)
        for visitor in visitors:
            assert b"'seated'" in visitor.output and b"'refused'" in visitor.output
        await server.leave()
        await settled(server, before)
        objects, more = await found.objects(), objects
    assert objects - more < OBJECTS_MORE
    second = [(x, y) for x, y in found.points if x >= TIMES / 2]
    print(f"{slope(second):.2f} bytes each, {objects - more} objects more")
    assert slope(second) < BYTES_EACH, second[:: len(second) // 10]
    status = await server.ask(Status)
    assert status["operator"] + status["watchers"] == []
    counters = {each["name"]: each["value"] for each in status["counters"]}
    assert (
        counters["attached"] + counters["refused"] + counters["malformed"] > TIMES / 2
    )
    await settled(server, before)
    assert children(server.pid) == []
    assert (await server.attach()).held == b""
