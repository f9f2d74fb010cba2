"""
What becomes of a zone, of its process and of the nexus when one of them ends.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import pytest_twisted
from conftest import Twistd, listens, processOf
from support import (
    ROOT,
    Program,
    children,
    leftovers,
    memory,
    nexusOf,
    pause,
    runs,
    together,
    twistd,
    until,
)

from zcons_twisted.doors.commands import Boot, Event, Halt, Refused, Restart, Status

Launch = Callable[..., Awaitable[Twistd]]

HALTED = b"\r\n[NOTICE: Zone halted]\r\n"


async def life(server: Twistd, wanted: str) -> str:
    """
    Wait until the zone's life is told so.
    """
    while wanted not in (found := (await server.ask(Status))["life"]):
        await pause(0.02)
    return str(found)


async def restarted(server: Twistd) -> None:
    """
    Have the server restart, and wait until it has.
    """
    before = (await server.ask(Status))["since"]
    assert "restarts" in (await server.ask(Restart))["message"]
    while True:
        await pause(0.02)
        try:
            status = await server.ask(Status)
        except Exception:  # it is not there yet
            continue
        if status["since"] > before:
            return


@pytest_twisted.ensureDeferred
async def test_orderly(launch: Launch, rundir: str) -> None:
    """
    A server that stops in good order halts its zone, and the nexus goes.
    """
    server = await launch("--zone", "z1", "--exec", "sleep 1000")
    nexus = nexusOf(rundir)
    zone = await processOf(server)
    assert (await server.ask(Status))["nexusPid"] == nexus
    await server.end()
    await until(lambda: not runs(nexus) and not runs(zone), "end of the nexus")


@pytest_twisted.ensureDeferred
async def test_lostNexus(launch: Launch, rundir: str) -> None:
    """
    With everything else, the socket of the nexus and the link by which the zone finds
    its console return; so the server that comes next finds the zone as it is.
    """
    options = ("--zone", "z1", "--exec", "/bin/cat")
    server = await launch(*options)
    nexus, link = nexusOf(rundir), f"{rundir}/zcons/z1/zoneconsole"
    before, device = await processOf(server), os.readlink(link)
    shutil.rmtree(rundir)
    os.kill(server.pid, signal.SIGUSR2)
    socket = os.path.join(rundir, "nexus_sock")
    await until(lambda: os.path.exists(socket), "the nexus' socket")
    told = "zones: 1 with sockets or links made again, 1 untouched; the nexus' socket"
    await until(lambda: told in server.log, "the outcome")
    assert os.readlink(link) == device
    await server.kill()
    server = await launch(*options)
    assert (await processOf(server), nexusOf(rundir)) == (before, nexus)
    await server.end()
    # Nothing is left of it afterwards, as ever.


@pytest_twisted.ensureDeferred
async def test_kept(launch: Launch, rundir: str) -> None:
    """
    A server that is told to keep its zones leaves them as they are when it stops, and
    the next one goes on with them.
    """
    options = ("--on-stop", "keep", "--zone", "z1", "--exec", "cat")
    server = await launch(*options)
    zone = await processOf(server)
    peer = await server.attach()
    assert server.program is not None
    server.program.signal(signal.SIGTERM)
    await server.program.ends()
    await peer.closes()
    assert runs(zone)
    assert sorted(leftovers(rundir)) == ["nexus_sock", "zcons"]
    server = await launch("--zone", "z1", "--exec", "cat")
    assert await processOf(server) == zone
    peer = await server.attach()
    await peer.send(b"still\n")
    await peer.until(b"still\r\nstill\r\n")
    peer.close()


@pytest.mark.parametrize(
    "how", [("exit 7", "exit status 7"), ("kill -9 $$", "signal 9")]
)
@pytest_twisted.ensureDeferred
async def test_status(launch: Launch, tmp_path: Path, how: tuple[str, str]) -> None:
    """
    How a zone's process ended while no server was there is told by the next one, and
    that the zone has halted.
    """
    go = tmp_path / "go"
    script = f"until test -e {go}; do sleep 0.02; done; echo last; {how[0]}"
    options = ("--zone", "z1", "--exec", f"/bin/sh -c {shlex.quote(script)}")
    server = await launch(*options)
    zone = await processOf(server)
    await server.kill()
    go.touch()
    await until(lambda: not runs(zone), "end of the zone")
    server = await launch(*options)
    assert await life(server, "ended") == f"process {zone} ended: {how[1]}"
    watcher = await server.attach()
    while (status := await server.ask(Status))["state"] != "installed":
        await pause(0.02)
    counters = {count["name"]: count["value"] for count in status["counters"]}
    assert (counters["events"], counters["output"]) == (1, len(b"last\r\n"))
    await server.ask(Boot)
    watcher.close()


@pytest_twisted.ensureDeferred
async def test_staysHalted(launch: Launch) -> None:
    """
    A zone that was halted is not booted by a restart, nor after a crash.
    """
    options = ("--zone", "z1", "--exec", "sleep 1000", "--respawn", "always")
    server = await launch(*options)
    await processOf(server)
    await server.ask(Halt)
    await restarted(server)
    assert (await server.ask(Status))["state"] == "installed"
    await server.kill()
    server = await launch(*options)
    assert (await server.ask(Status))["state"] == "installed"
    await server.ask(Boot)
    await processOf(server)


@pytest_twisted.ensureDeferred
async def test_respawned(launch: Launch, tmp_path: Path) -> None:
    """
    A command that ended while no server was there, and is to be started again, is.
    """
    options = ("--zone", "z1", "--exec", "sleep 1000", "--respawn", "always")
    server = await launch(*options)
    zone = await processOf(server)
    await server.kill()
    os.kill(zone, signal.SIGKILL)
    server = await launch(*options)
    while await processOf(server) == zone:
        await pause(0.02)


@pytest_twisted.ensureDeferred
async def test_state(launch: Launch) -> None:
    """
    The state of a zone that others run is known to the next server as well.
    """
    server = await launch("--zone", "z1")
    await server.ask(Event, name="booting")
    # What it told the nexus meanwhile has been sent when it answers again.
    await server.ask(Status)
    await server.kill()
    server = await launch("--zone", "z1")
    assert (await server.ask(Status))["state"] == "running"


@pytest_twisted.ensureDeferred
async def test_nexusKilled(launch: Launch, rundir: str) -> None:
    """
    When the nexus is killed, the server says so in a line and hands what it has to
    another one: the zone goes on, and outlives the server as before.  How its process
    ends can't be known any more.
    """
    options = ("--zone", "z1", "--exec", "cat")
    server = await launch(*options)
    zone = await processOf(server)
    peer = await server.attach()
    first = nexusOf(rundir)
    os.kill(first, signal.SIGKILL)
    while (await server.ask(Status))["nexusPid"] in (0, first):
        await pause(0.02)
    told = [line for line in server.log.splitlines() if "nexus" in line]
    assert len(told) == 1
    assert f"the nexus (process {first}) has ended unasked" in told[0]
    # Twisted has nothing to tell of the connections.
    assert "actory" not in server.log
    await peer.send(b"there\n")
    await peer.until(b"there\r\nthere\r\n")
    await server.kill()
    server = await launch(*options)
    assert await processOf(server) == zone
    peer = await server.attach()
    await peer.send(b"again\n")
    await peer.until(b"again\r\nagain\r\n")
    os.kill(zone, signal.SIGKILL)
    assert await life(server, "ended") == f"process {zone} ended: exit status unknown"
    await peer.until(HALTED)
    peer.close()


@pytest_twisted.ensureDeferred
async def test_bothKilled(launch: Launch, rundir: str) -> None:
    """
    When nobody is left who has the pair, the zone is hung up, and the next server
    makes another one.
    """
    options = ("--zone", "z1", "--exec", "cat")
    server = await launch(*options)
    zone = await processOf(server)
    nexus = nexusOf(rundir)
    await server.kill()
    os.kill(nexus, signal.SIGKILL)
    await until(lambda: not runs(zone), "the zone's hang-up")
    server = await launch(*options)
    assert await processOf(server) != zone


@pytest_twisted.ensureDeferred
async def test_twoServers(launch: Launch, rundir: str) -> None:
    """
    Servers that start at once have one nexus, and each its zones; it goes with the
    last of them.
    """
    names = [f"z{n}" for n in range(4)]
    servers = await together(*(launch("--zone", name) for name in names))
    found = {(await s.ask(Status))["nexusPid"] for s in servers}
    assert found == {nexusOf(rundir)}
    (nexus,) = found
    for server in servers[:-1]:
        await server.leave()
        assert server.program is not None
        server.program.signal(signal.SIGTERM)
        await server.program.ends()
        assert runs(nexus)
    await servers[-1].end()
    await until(lambda: not runs(nexus), "end of the nexus")


@pytest_twisted.ensureDeferred
async def test_startedForGood(launch: Launch, rundir: str) -> None:
    """
    The nexus is in a session of its own, with nothing of its server's, behind a socket
    that only its user may open.
    """
    await launch("--zone", "z1")
    nexus = nexusOf(rundir)
    assert os.getsid(nexus) == os.getpgid(nexus) == nexus
    assert {os.readlink(f"/proc/{nexus}/fd/{fd}") for fd in range(3)} == {"/dev/null"}
    assert os.readlink(f"/proc/{nexus}/cwd") == "/"
    assert os.stat(os.path.join(rundir, "nexus_sock")).st_mode & 0o777 == 0o600
    assert memory(nexus) < 16 * 1024 * 1024


@pytest.mark.skipif(not ROOT, reason="only root can be somebody else")
@pytest_twisted.ensureDeferred
async def test_foreigner(launch: Launch, rundir: str) -> None:
    """
    Another user is refused, even where the way to the socket is open.
    """
    server = await launch("--zone", "z1")
    path = os.path.join(rundir, "nexus_sock")
    for opened in (os.path.dirname(rundir), rundir, path):
        os.chmod(opened, 0o777)
    code = (
        "import os, socket; os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
        f" s.connect({path!r}); print(s.recv(1) == b'')"
    )
    stranger = server.run(Program(["/usr/bin/python3", "-c", code]))
    await stranger.says(b"True\n")
    os.chmod(rundir, 0o700)


@pytest_twisted.ensureDeferred
async def test_none(launch: Launch, rundir: str) -> None:
    """
    A server may keep its devices itself; then it can't restart and leave its zones.
    """
    server = await launch("--nexus", "none", "--zone", "z1", "--exec", "sleep 1000")
    zone = await processOf(server)
    assert zone in children(server.pid)
    assert nexusOf(rundir) == 0
    assert (await server.ask(Status))["nexusPid"] is None
    with pytest.raises(Refused, match="a restart would end the zones"):
        await server.ask(Restart)


@pytest_twisted.ensureDeferred
async def test_daemon(rundir: str, tmp_path: Path) -> None:
    """
    A server in the background restarts in the same process, too, and goes on writing
    its log.
    """
    server = Twistd(rundir)
    options = ("--rundir", rundir, "--zone", "z1", "--exec", "sleep 1000")
    starter = Program([twistd(), "--pidfile=pid", "zconsole", *options])
    assert await starter.start(cwd=str(tmp_path)).ends() == 0
    pid = int((tmp_path / "pid").read_text())
    try:
        await until(lambda: listens(server.path("control_sock")), "the control door")
        zone = await processOf(server)
        for _ in range(2):
            await restarted(server)
            assert (await server.ask(Status))["serverPid"] == pid
            assert int((tmp_path / "pid").read_text()) == pid
            assert await processOf(server) == zone
        assert (tmp_path / "twistd.log").read_text().count("console is served") == 3
    finally:
        await server.leave()
        os.kill(pid, signal.SIGTERM)
    await until(lambda: not runs(pid), "end of the server")
    assert leftovers(rundir) == []
    assert not (tmp_path / "pid").exists()
