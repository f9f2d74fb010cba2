"""
A zone outlives its server: crashes, restarts, and what becomes of the nexus.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest_twisted
from client_support import client
from conftest import Twistd
from nexus_support import Counting, Resuming, checkHistory, leader, restarted
from support import nexusOf, numbered, pause, runs, until

from zcons_twisted.doors.commands import Restart, Status

Launch = Callable[..., Awaitable[Twistd]]

CRASHES = 20


@pytest_twisted.ensureDeferred
async def test_crashes(launch: Launch, rundir: str, tmp_path: Path) -> None:
    """
    The server is killed and started again, twenty times at any moment, while its zone
    writes as fast as it can.  The zone's process notices nothing and goes on; all that
    it wrote is in the history but for reads in flight, which are gaps of their size;
    an operator that resumes sees the same.
    """
    zone = Counting(tmp_path)
    server = await launch(*zone.options)
    pid = await zone.began()
    assert leader(pid) == nexusOf(rundir)
    operator = await Resuming(rundir).attach()
    moments = random.Random(0)
    for _ in range(CRASHES):
        await until(lambda: operator.seated or operator.failure, "the operator is back")
        await pause(moments.uniform(0.0, 0.3))
        await server.kill()
        server = await launch(*zone.options)
        status = await server.ask(Status)
        assert status["state"] == "running"
        assert status["life"].startswith(f"process {pid}, found running since")
    written = await zone.stops()
    assert zone.report["pid"] == pid
    found = await checkHistory(server, written)
    await operator.to(written)
    assert operator.gaps == found.gaps
    assert all(0 < gap <= 16384 for gap in found.gaps)
    assert len(found.gaps) <= CRASHES
    assert operator.pauses == CRASHES
    operator.session.leave()
    counters = {count["name"]: count["value"] for count in status["counters"]}
    assert counters["events"] == 0


@pytest_twisted.ensureDeferred
async def test_restart(launch: Launch, rundir: str, tmp_path: Path) -> None:
    """
    A server that is told to restart runs again in the same process; of a zone that
    writes as fast as it can not a byte is lost, and an operator that resumes notices
    only pauses.
    """
    zone = Counting(tmp_path)
    server = await launch(*zone.options)
    pid = await zone.began()
    nexus = nexusOf(rundir)
    operator = await Resuming(rundir).attach()
    for _ in range(3):
        await until(lambda: operator.seated or operator.failure, "the operator is back")
        await pause(0.2)
        before = (await server.ask(Status))["since"]
        await server.ask(Restart)
        await restarted(server, before)
    written = await zone.stops()
    assert zone.report["pid"] == pid
    assert nexusOf(rundir) == nexus
    found = await checkHistory(server, written)
    await operator.to(written)
    assert (operator.gaps, found.gaps) == ([], [])
    assert operator.pauses == 3
    operator.session.leave()


@pytest_twisted.ensureDeferred
async def test_typedWhenItRestarts(launch: Launch) -> None:
    """
    What was typed and the zone has not read when the server restarts is not lost.
    """
    server = await launch("--zone", "z1")
    zone = await server.zoneSide()
    peer = await server.attach()
    data = numbered(2**20)
    await peer.fill(data)
    peer.close()
    for turn in (b"first", b"second"):
        before = (await server.ask(Status))["since"]
        await server.ask(Restart)
        await restarted(server, before)
        again = await server.attach()
        await again.send(turn)
        again.close()
    typed = data[: peer.sent] + b"firstsecond"
    assert await zone.reads(len(typed)) == typed
    assert "dropped" not in server.log


@pytest_twisted.ensureDeferred
async def test_outlived(launch: Launch, rundir: str) -> None:
    """
    Who finds that a server was killed is told that its zone runs on, while it does.
    """
    server = await launch("--zone", "z1", "--exec", "/bin/cat")
    while (status := await server.ask(Status))["state"] != "running":
        await pause(0.02)
    zone = int(status["life"].split()[1])
    await server.kill()
    for words, name in (
        (("attach", "z1"), "console_sock"),
        (("status", "z1"), "control_sock"),
    ):
        program = client(rundir, *words).start()
        assert await program.ends() == 1
        left = f"{rundir}/z1.{name} behind: start it again"
        assert f"{left}; its zone runs on (process {zone})\n" in program.errors.decode()
    program = client(rundir, "list").start()
    assert await program.ends() == 0
    assert f"z1    no server (runs on: process {zone})" in program.output.decode()
    os.kill(zone, signal.SIGKILL)
    await until(lambda: not runs(zone), "the end of the zone")
    program = client(rundir, "attach", "z1").start()
    assert await program.ends() == 1
    assert program.errors.decode().endswith("behind: start it again\n")
    second = await launch("--zone", "z1", "--exec", "/bin/cat")
    assert (await second.ask(Status))["zone"] == "z1"


@pytest_twisted.ensureDeferred
async def test_typedWhileItRestarts(launch: Launch, tmp_path: Path) -> None:
    """
    What one sends that resumes comes to the zone complete and in order, however often
    the server restarts meanwhile, and nobody is told that any of it may be lost.
    """
    server = await launch("--zone", "z1")
    zone = await server.zoneSide()
    data = numbered(2**20)
    typed = tmp_path / "typed"
    typed.write_bytes(data)
    sender = server.run(client(server.rundir, "send", "z1", "--file", str(typed)))
    got = b""
    for _ in range(3):
        # It can't have sent all: the zone reads no more than this between two servers.
        while not (status := await server.ask(Status))["operator"]:
            await pause(0.02)
        got += await zone.reads(100_000)
        await server.ask(Restart)
        await restarted(server, status["since"])
    got += await zone.reads(len(data) - len(got))
    assert got == data
    assert await sender.ends() == 0, sender.errors
    assert sender.errors == b""
