"""
A server under systemd, as far as that can be had without being one: its notifications,
sockets that are there before it, its log, and the unit files.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_twisted
from conftest import Twistd, listens
from support import Program, children, nexusOf, pause, runs, twistd, until
from test_config import served, write

import zcons_twisted.systemd
from zcons_twisted.doors.commands import Status
from zcons_twisted.rundir import RunDirectory

Launch = Callable[..., Awaitable[Twistd]]

UNITS = Path(zcons_twisted.systemd.__file__).parent / "units"
HERE = sysconfig.get_path("scripts")


@pytest.fixture
def manager(rundir: str) -> Iterator[socket.socket]:
    """
    The socket of a manager that listens.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(os.path.join(os.path.dirname(rundir), "notify"))
        listening.setblocking(False)
        yield listening


def heard(manager: socket.socket) -> list[str]:
    """
    The messages so far.
    """
    found = []
    while True:
        try:
            found.append(manager.recv(4096).decode())
        except BlockingIOError:
            return found


@pytest_twisted.ensureDeferred
async def test_notified(launch: Launch, rundir: str, manager: socket.socket) -> None:
    """
    The manager is told when all zones are served, that the server lives, that it reads
    its configuration anew, and that it stops.
    """
    path = write(rundir, '[zones.a]\nexec = "/bin/cat"\n[zones.b]\n')
    told: list[str] = []

    def tells(text: str) -> bool:
        told.extend(heard(manager))
        return any(text in each for each in told)

    server = await launch(
        *("--config", path),
        zones=["a", "b"],
        env={"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "400000"},
    )
    await until(lambda: tells("READY=1\nSTATUS=2 zones, 0 attached\n"), "that it runs")
    told.clear()
    await until(lambda: tells("WATCHDOG=1\n"), "that it lives")
    environment = Path(f"/proc/{(await commandOf(server, 'a'))}/environ").read_bytes()
    assert b"NOTIFY_SOCKET" not in environment
    assert b"WATCHDOG" not in environment
    await server.attach(zone="a")
    await until(lambda: tells("STATUS=2 zones, 1 attached\n"), "that somebody came")
    told.clear()
    write(rundir, "[zones.b]\n")
    os.kill(server.pid, signal.SIGHUP)
    await until(lambda: tells("READY=1\nSTATUS=1 zones"), "that it has read anew")
    (reloading,) = [each for each in told if "RELOADING" in each]
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=[0-9]+\n", reloading)
    await server.leave()
    await server.end()
    assert tells("STOPPING=1\n")


async def commandOf(server: Twistd, zone: str) -> int:
    """
    The process that is a zone, once it runs.
    """
    while (status := await server.ask(Status, zone))["state"] != "running":
        await pause(0.02)
    return int(status["life"].replace(",", "").split()[1])


@pytest_twisted.ensureDeferred
async def test_activated(rundir: str) -> None:
    """
    Who attaches before there is a server has it started, and is served; the socket is
    not the server's to remove.
    """
    os.mkdir(rundir, 0o700)
    sockets = [
        os.path.join(rundir, f"a.{kind}_sock") for kind in ("console", "control")
    ]
    program = Program(
        [
            "/usr/bin/systemd-socket-activate",
            *(f"--listen={each}" for each in sockets),
            # It hands on nothing else of its environment.
            *(f"--setenv={each}" for each in os.environ if each.startswith("PY")),
            *(twistd(), "-n", "--pidfile=", "zconsole", "--rundir", rundir),
            *("--config", write(rundir, "[zones.a]\n[zones.b]\n")),
        ]
    ).start()
    doors = Twistd(rundir)
    try:
        await until(lambda: all(map(os.path.exists, sockets)), "its sockets")
        before = [os.lstat(each).st_ino for each in sockets]
        peer = await doors.connect("a")
        await peer.send(b"IDENT 1 C 0\n")
        await until(lambda: peer.look() or program.status is not None, "an answer")
        assert program.status is None, program.errors
        assert (await doors.ask(Status, "a"))["serverPid"] == program.pid
        await until(lambda: served(rundir) == ["a", "b"], "the other zone")
        await doors.leave()
        program.signal(signal.SIGTERM)
        assert await program.ends() in (0, -signal.SIGTERM)
        assert b"Traceback" not in program.output
        assert [os.lstat(each).st_ino for each in sockets] == before
        assert served(rundir) == ["a"]
    finally:
        await doors.leave()
        await program.kill()


@pytest_twisted.ensureDeferred
async def test_journal(rundir: str) -> None:
    """
    Where its output is the journal, each event is one line with a priority and without
    a time.
    """
    reading, writing = os.pipe()
    there = os.fstat(writing)
    process = subprocess.Popen(
        [
            *(twistd(), "-n", "--pidfile=", "zconsole", "--rundir", rundir),
            *("--zone", "a", "--exec", "/no/such/program"),
        ],
        stdout=writing,
        stderr=writing,
        env={**os.environ, "JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"},
    )
    os.close(writing)
    os.set_blocking(reading, False)
    text = b""

    def says(wanted: bytes) -> bool:
        nonlocal text
        try:
            text += os.read(reading, 65536)
        except BlockingIOError:
            pass
        return wanted in text

    try:
        await until(lambda: says(b"<3>a: boot failed: "), "its log")
        assert says(b"<6>a: console is served, device ")
        process.terminate()
        await until(lambda: not runs(process.pid), "its end")
        says(b"")
    finally:
        process.kill()
        process.wait()
        os.close(reading)
    for line in text.decode().splitlines():
        assert re.match(r"<[2-7]>[^ ]", line), line


def version() -> int:
    """
    That of systemd.
    """
    told = subprocess.run(
        ["systemd-analyze", "--version"], capture_output=True, text=True, check=True
    ).stdout
    return int(told.split()[1])


@pytest.mark.parametrize("name", sorted(os.listdir(UNITS)))
def test_unit(name: str, tmp_path: Path) -> None:
    """
    Systemd finds nothing wrong with a unit file, but for what it does not know yet.
    """
    for each in UNITS.iterdir():
        text = each.read_text().replace("/usr/local/bin/python3", sys.executable)
        if version() < 254:
            text = text.replace("FileDescriptorStorePreserve=yes\n", "")
        (tmp_path / each.name).write_text(text.replace("/usr/local/bin", HERE))
    instance = name.replace("@.", "@1-3.")
    found = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", instance],
        cwd=tmp_path,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (found.returncode, found.stderr) == (0, "")


def settings(name: str) -> dict[str, list[str]]:
    """
    The settings of a unit file, by their names.
    """
    found: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


SERVERS = ("zconsole.service", "zconsole@.service")
NEXUS = "zconsole-nexus.service"
ZONES = "zconsole-zones.service"


@pytest.mark.parametrize("name", SERVERS)
def test_serversLeaveZones(name: str) -> None:
    """
    A server that stops or restarts leaves its zones as they are, in a nexus that is
    started with it and is not in its control group; what halts the zones is stopped
    before the server is.
    """
    found = settings(name)
    (line,) = found["ExecStart"]
    assert line.startswith("/usr/local/bin/twistd -n --pidfile= zconsole ")
    assert " --config /etc/zconsole.toml" in line
    assert " --on-stop keep" in line
    # A file with errors is told of, and changes nothing.
    assert found["ExecReload"] == [f"{line} --check", "/bin/kill -HUP $MAINPID"]
    assert {NEXUS, ZONES} <= set(found["Wants"][0].split())
    assert NEXUS in found["After"][0].split()
    assert found["Before"] == [ZONES]
    # Were there no such nexus, one of its own would not go with it, either.
    assert found["KillMode"] == ["process"]


def test_shardsAreServers() -> None:
    """
    A shard is as a server, but for its name and what it serves.
    """
    one, shard = (settings(name) for name in SERVERS)
    differ = {key for key in {*one, *shard} if one.get(key) != shard.get(key)}
    assert differ == {"Description", "ExecStart", "ExecReload"}
    assert shard["ExecStart"] == [f"{one['ExecStart'][0]} --shard %i"]


def test_nexusKeeps() -> None:
    """
    The nexus has its descriptors kept, however often it ends, for as many zones as a
    server may have, and its children go on.
    """
    found = settings(NEXUS)
    assert found["FileDescriptorStorePreserve"] == ["yes"]
    assert found["FileDescriptorStoreMax"] == found["LimitNOFILE"] == ["65536"]
    assert (found["KillMode"], found["Restart"]) == (["process"], ["always"])
    (line,) = found["ExecStart"]
    assert line.startswith("/usr/local/bin/python3 -m zcons_twisted.nexus ")
    assert line.endswith(" --foreground --stay")


@pytest.mark.parametrize("name", (*SERVERS, NEXUS))
def test_containers(name: str) -> None:
    """
    A container's runtime can write down what it does, and give it a host name.
    """
    found = settings(name)
    assert found["ProtectSystem"] == ["strict"]
    assert found["ReadWritePaths"] == ["-/run/runc -/run/crun"]
    if name == NEXUS:
        # They are there before the fence is.
        assert found["ExecStartPre"] == ["+/bin/mkdir -p /run/runc /run/crun"]
        assert "ProtectHostname" not in found


def test_oneRunDirectory() -> None:
    """
    All units are about the same run directory, and none of them removes it.
    """
    for name in (*SERVERS, NEXUS, ZONES):
        found = settings(name)
        (line,) = found["ExecStop" if name == ZONES else "ExecStart"]
        assert " --rundir %t/zones " in line
        if name != ZONES:
            assert found["RuntimeDirectory"] == ["zones"]
            assert found["RuntimeDirectoryPreserve"] == ["yes"]
            assert found["RuntimeDirectoryMode"] == ["0700"]


def words(name: str, key: str, **given: str) -> list[str]:
    """
    The command line of a unit file, with its paths replaced.
    """
    (line,) = settings(name)[key]
    text = line.replace("/usr/local/bin/python3", sys.executable)
    for before, after in {"/usr/local/bin": HERE, **given}.items():
        text = text.replace(before, after)
    return text.split()


@pytest_twisted.ensureDeferred
async def test_wholeLife(rundir: str) -> None:
    """
    With the command lines of the unit files: zones outlive their server, and the next
    one goes on with them; they are halted all together, and with them gone all can be
    stopped.
    """
    os.mkdir(rundir, 0o700)
    path = write(rundir, '[zones.a]\nexec = "/bin/cat"\n[zones.b]\nexec = "/bin/cat"\n')
    where = {"%t/zones": rundir, "/etc/zconsole.toml": path}
    nexus = Program(words(NEXUS, "ExecStart", **where)).start()
    server = Twistd(rundir)
    started = words("zconsole.service", "ExecStart", **where)
    zones: list[int] = []
    try:
        await until(lambda: nexusOf(rundir), "the nexus")
        for _ in range(2):
            server.program = Program(started).start()
            for zone in "ab":
                door = server.path("control_sock", zone)
                await until(lambda door=door: listens(door), f"zone {zone}")
                await commandOf(server, zone)
            zones.append(await commandOf(server, "a"))
            await server.leave()
            server.program.signal(signal.SIGTERM)
            await server.program.ends()
            assert runs(zones[-1])
        assert zones[0] == zones[1]
        assert nexusOf(rundir) == nexus.pid
        server.program = Program(started).start()
        for zone in "ab":
            door = server.path("control_sock", zone)
            await until(lambda door=door: listens(door), f"zone {zone}")
        stop = Program(words(ZONES, "ExecStop", **where)).start()
        assert await stop.ends() == 0, stop.errors
        assert sorted(stop.output.splitlines()) == [
            b"a: zone halted",
            b"b: zone halted",
        ]
        assert children(nexus.pid) == []
        again = Program(words(ZONES, "ExecStop", **where)).start()
        assert (await again.ends(), again.output) == (0, b"")
        server.program.signal(signal.SIGTERM)
        await server.program.ends()
        late = Program(words(ZONES, "ExecStop", **where)).start()
        assert await late.ends() == 0
    finally:
        await server.leave()
        assert server.program is not None
        await server.program.kill()
        await nexus.kill()


def test_unitSockets() -> None:
    """
    A zone's sockets are those that its server looks for.
    """
    unit = (UNITS / "zconsole.socket").read_text()
    rundir = RunDirectory("%t/zones")
    assert re.findall(r"^ListenStream=(.*)$", unit, re.MULTILINE) == [
        rundir.consoleSocket("web"),
        rundir.controlSocket("web"),
    ]
