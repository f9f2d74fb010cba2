"""
Hundreds of zones whose processes the nexus starts, all at once.
"""

from __future__ import annotations

import collections
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import pytest_twisted
from conftest import Twistd
from support import Program, children, leftovers, nexusOf, pause, runs, until
from test_config import run, write
from twisted.internet import reactor

Launch = Callable[..., Awaitable[Twistd]]

#: As many as start in some seconds on a small machine: each is a Python first.
MANY = 300

#: Seconds for all of them, on a machine that is busy.
PATIENCE = 120.0

#: A nexus that leaves its server once, with the answer to a request unsaid.
LEAVING = """
import sys
from zcons_twisted.nexus import holder, wire
spawn, left = holder.Holder._spawn, []
def once(self, server, box):
    answer = spawn(self, server, box)
    if box["zone"] == b"z25" and not left:
        left.append(box)
        raise wire.Malformed("to see what happens")
    return answer
holder._COMMANDS["Spawn"] = once
holder.main(sys.argv[1:])
"""


def zones(count: int) -> str:
    """
    A configuration with so many.
    """
    return "".join(f'[zones.z{n}]\nexec = "/bin/sleep 1000"\n' for n in range(count))


async def states(server: Twistd) -> dict[str, int]:
    """
    How many zones are in which state.
    """
    status, output, errors = await run(server, "list", "--json")
    assert status == 0, errors
    rows = json.loads(output)
    return collections.Counter(row["state"] or row["error"] for row in rows)


async def allRun(server: Twistd, count: int) -> float:
    """
    Wait until they all run.

    @return: how long that took.
    """
    began = reactor.seconds()
    while (found := await states(server)) != {"running": count}:
        assert not found.get("installed"), (found, server.log)
        assert reactor.seconds() - began < PATIENCE, (found, server.log)
        await pause(0.5)
    return float(reactor.seconds() - began)


def sleepers(nexus: int) -> list[int]:
    """
    The processes of a nexus that have become the zones' command.
    """
    found = []
    for pid in children(nexus):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read() == b"/bin/sleep\x001000\x00":
                    found.append(pid)
        except OSError:
            continue
    return found


@pytest_twisted.ensureDeferred
async def test_many(launch: Launch, rundir: str) -> None:
    """
    All of them run within seconds, are the same after a restart of the server, go on
    when the nexus is killed, and are gone in good order.
    """
    began = reactor.seconds()
    path = write(rundir, zones(MANY))
    server = await launch("--config", path, zones=[f"z{n}" for n in (0, MANY - 1)])
    await allRun(server, MANY)
    took = reactor.seconds() - began
    nexus = nexusOf(rundir)
    processes = sorted(sleepers(nexus))
    assert len(processes) == MANY
    assert (await run(server, "restart"))[0] == 0
    await until(lambda: server.log.count("found as it was left") == MANY, "all", 60)
    assert await allRun(server, MANY) < PATIENCE
    assert sorted(sleepers(nexus)) == processes
    os.kill(nexus, signal.SIGKILL)
    await until(lambda: nexusOf(rundir) not in (0, nexus), "another nexus")
    await allRun(server, MANY)
    assert all(map(runs, processes))
    told = [line for line in server.log.splitlines() if "nexus" in line]
    assert [f"(process {nexus}) has ended unasked" in line for line in told] == [True]
    assert "boot failed" not in server.log
    began = reactor.seconds()
    await server.end()
    stopped = reactor.seconds() - began
    await until(lambda: not any(map(runs, processes)), "their end")
    print(f"{MANY} zones: all run in {took:.1f} s, stopped in {stopped:.1f} s")


@pytest_twisted.ensureDeferred
async def test_killedMeanwhile(launch: Launch, rundir: str) -> None:
    """
    A nexus that is killed while zones boot keeps none of them from it, and none is
    booted twice.
    """
    path = write(rundir, zones(60))
    server = await launch("--config", path, zones=["z0", "z59"])
    nexus = nexusOf(rundir)
    await until(lambda: len(sleepers(nexus)) > 5, "some")
    os.kill(nexus, signal.SIGKILL)
    await allRun(server, 60)
    assert "boot failed" not in server.log
    assert await terminals(rundir) == 60
    await server.end()


async def terminals(rundir: str) -> int:
    """
    How many processes are the zones' command, on one of their terminals.
    """
    subsidiaries = {
        os.path.realpath(os.path.join(rundir, "zcons", zone, "zoneconsole"))
        for zone in os.listdir(os.path.join(rundir, "zcons"))
    }
    found = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read()
            terminal = os.readlink(f"/proc/{pid}/fd/0")
        except OSError:
            continue
        found += command.startswith(b"/bin/sleep\0") and terminal in subsidiaries
    return found


@pytest_twisted.ensureDeferred
async def test_left(launch: Launch, rundir: str) -> None:
    """
    A nexus that leaves its server is not said to have ended: the server connects again,
    and finds the process whose beginning it was not told of.
    """
    os.mkdir(rundir, 0o700)
    words = [sys.executable, "-c", LEAVING, "--rundir", rundir]
    nexus = Program([*words, "--foreground", "--stay"]).start()
    try:
        await until(lambda: nexusOf(rundir), "the nexus")
        path = write(rundir, zones(40))
        server = await launch("--config", path, zones=["z0", "z39"])
        await allRun(server, 40)
        assert nexusOf(rundir) == nexus.pid
        assert len(sleepers(nexus.pid)) == len(children(nexus.pid)) == 40
        told = [line for line in server.log.splitlines() if "nexus" in line]
        assert len(told) == 1
        assert told[0].endswith(
            f"the nexus (process {nexus.pid}) has closed the connection of this"
            " server, which is connected again: to see what happens"
        )
        assert nexus.errors.decode() == (
            f"nexus: process {server.pid} is left: to see what happens\n"
        )
        assert server.program is not None
        server.program.signal(signal.SIGTERM)
        await server.program.ends()
        assert children(nexus.pid) == []
        assert leftovers(rundir) == ["nexus_sock"]
    finally:
        await nexus.kill()
        os.unlink(os.path.join(rundir, "nexus_sock"))
