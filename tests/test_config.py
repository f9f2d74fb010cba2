"""
Many zones in one server: a configuration file, its reload, and parts of it in several
servers.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest_twisted
from client_support import client
from conftest import Twistd, listens
from support import (
    Program,
    children,
    descriptorCount,
    leftovers,
    pause,
    twistd,
    until,
)
from twisted.internet import reactor

from zcons_twisted.descriptor_limit import FILES_OF_SERVER, FILES_PER_ZONE
from zcons_twisted.doors.commands import Status

Launch = Callable[..., Awaitable[Twistd]]

MANY = 1000


def write(rundir: str, text: str) -> str:
    """
    A configuration file beside the run directory.
    """
    path = Path(rundir).parent / "zones.toml"
    path.write_text(text)
    return str(path)


def served(rundir: str) -> list[str]:
    """
    The zones that have a console socket.
    """
    names = os.listdir(rundir)
    suffix = ".console_sock"
    return sorted(n.removesuffix(suffix) for n in names if n.endswith(suffix))


async def run(server: Twistd, *words: str) -> tuple[int, str, str]:
    """
    Exit status, output and errors of the client.
    """
    program = server.run(client(server.rundir, *words))
    status = await program.ends()
    return status, program.output.decode(), program.errors.decode()


async def check(path: str, *words: str) -> tuple[int, str, str]:
    """
    The same of a check.
    """
    program = Program(
        [twistd(), "-n", "--pidfile=", "zconsole", "--config", path, *words]
    ).start()
    try:
        status = await program.ends()
    finally:
        await program.kill()
    return status, program.output.decode(), program.errors.decode()


# The file.


@pytest_twisted.ensureDeferred
async def test_check(rundir: str) -> None:
    """
    A check tells everything that is wrong, a line each with its place, or that nothing
    is; and it makes nothing.
    """
    text = '[defaults]\nhistory = "2M"\n\n[zones.a]\nexec = "cat"\n'
    path = write(rundir, text)
    status, output, errors = await check(path, "--rundir", rundir, "--check")
    assert (status, output, errors) == (0, f"{path}: no errors, 1 zones\n", "")
    write(rundir, f'{text}grace = "x"\n[zones."a/b"]\n[zones.c]\ndriver = "floppy"\n')
    for words in (("--check",), ()):
        status, output, errors = await check(path, "--rundir", rundir, *words)
        assert (status, output) == (1, "")
        lines = errors.splitlines()
        assert [line.split(":")[:2] for line in lines] == [
            [path, "6"],
            [path, "7"],
            [path, "9"],
        ]
    assert not os.path.exists(rundir)


@pytest_twisted.ensureDeferred
async def test_reload(launch: Launch, rundir: str) -> None:
    """
    After a change of the file, zones that have not changed go on as they are, with who
    is attached and what runs; the others change as far as they must.
    """
    path = write(
        rundir,
        '[zones.same]\nexec = "/bin/cat"\n[zones.live]\nexec = "/bin/cat"\n'
        '[zones.other]\nexec = "/bin/cat"\n[zones.old]\n',
    )
    zones = ["same", "live", "other", "old"]
    server = await launch("--config", path, zones=zones)
    peers = {zone: await server.attach(zone=zone) for zone in zones}
    for zone in zones[:3]:
        while (await server.ask(Status, zone))["state"] != "running":
            await pause(0.02)
    before = {zone: await server.ask(Status, zone) for zone in zones}
    write(
        rundir,
        '[zones.same]\nexec = "/bin/cat"\n'
        '[zones.live]\nexec = "/bin/cat"\nrespawn = "always"\non-halt = "exit"\n'
        "[zones.other]\nexec = \"/bin/sh -c 'echo new; exec cat'\"\n[zones.new]\n",
    )
    status, output, errors = await run(server, "reload")
    assert (status, errors) == (0, "")
    assert output == (
        f"process {server.pid}: zones: 1 started, 1 stopped, 1 restarted, 1 changed,"
        " 1 untouched\n"
    )
    assert served(rundir) == ["live", "new", "other", "same"]
    for zone in ("same", "live"):
        await peers[zone].send(b"still\n")
        await peers[zone].until(b"still\r\nstill\r\n")
        after = await server.ask(Status, zone)
        assert after["life"] == before[zone]["life"]
        assert after["since"] == before[zone]["since"]
    assert (await server.ask(Status, "live"))["onHalt"] == "exit"
    for zone in ("other", "old"):
        await peers[zone].rest()
    assert (await server.ask(Status, "other"))["life"] != before["other"]["life"]
    # What it prints first would come between what is typed and its echo.
    while (await server.ask(Status, "other"))["printedAt"] is None:
        await pause(0.02)
    peer = await server.attach(zone="other")
    await peer.send(b"x\n")
    await peer.until(b"x\r\nx\r\n")


@pytest_twisted.ensureDeferred
async def test_reloadEndsItsOwnDoor(launch: Launch, rundir: str) -> None:
    """
    Whoever asks at the door of a zone that goes is answered all the same.
    """
    path = write(rundir, "[zones.a]\n[zones.b]\n")
    server = await launch("--config", path, zones=["a", "b"])
    write(rundir, "[zones.b]\n")
    status, output, errors = await run(server, "reload", "a")
    assert (status, errors) == (0, "")
    assert "1 stopped, 1 untouched" in output
    assert served(rundir) == ["b"]


@pytest_twisted.ensureDeferred
async def test_badReload(launch: Launch, rundir: str) -> None:
    """
    A file with errors changes nothing, and they are told to who asked and in the log;
    so by SIGHUP.
    """
    path = write(rundir, "[zones.a]\n")
    server = await launch("--config", path, zones=["a"])
    peer = await server.attach(zone="a")
    write(rundir, "[zones.b]\nx = 1\n[zones.c]\ny = 1\n")
    status, output, errors = await run(server, "reload")
    assert (status, output) == (1, "")
    told = [f"{path}:2: zone 'b': option 'x'", f"{path}:4: zone 'c': option 'y'"]
    said = [*told, "nothing has been changed"]
    for line, wanted in zip(errors.splitlines(), said, strict=True):
        assert line.startswith(f"zconsole: process {server.pid}: {wanted}")
    write(rundir, "[zones.b\n")
    os.kill(server.pid, signal.SIGHUP)
    await until(lambda: f"nothing is changed: {path}:1: " in server.log, "the log")
    for wanted in told:
        assert f"nothing is changed: {wanted}" in server.log
    assert served(rundir) == ["a"]
    write(rundir, "[zones.a]\n[zones.b]\n")
    os.kill(server.pid, signal.SIGHUP)
    await until(lambda: served(rundir) == ["a", "b"], "the new zone")
    assert peer.look() == b""


@pytest_twisted.ensureDeferred
async def test_noConfiguration(launch: Launch) -> None:
    """
    A server without a file has nothing to read.
    """
    server = await launch()
    status, output, errors = await run(server, "reload")
    assert (status, output) == (1, "")
    assert "has no configuration file" in errors


@pytest_twisted.ensureDeferred
async def test_hangupWithoutFile(launch: Launch) -> None:
    """
    And SIGHUP ends it in good order, as when its terminal goes.
    """
    server = await launch()
    await server.end(signal.SIGHUP)


@pytest_twisted.ensureDeferred
async def test_lostSockets(launch: Launch, rundir: str) -> None:
    """
    A zone whose sockets somebody has removed runs on, but nobody finds it: whoever
    looks is told what has it found again, and that does; who is attached notices
    nothing, and a second server does not take its place.
    """
    path = write(rundir, '[zones.web]\nexec = "/bin/cat"\n[zones.b]\n')
    server = await launch("--config", path, zones=["web", "b"])
    peer = await server.attach(zone="web")
    remove(rundir, "web")
    remedy = f"'kill -HUP {server.pid}' makes it again"
    gone = f"process {server.pid} serves web, but its socket is gone: {remedy}\n"
    for words in (("attach", "web"), ("status", "web"), ("list",)):
        _, output, errors = await run(server, *words)
        assert errors.removeprefix("zconsole: ").endswith(gone), words
    assert "web" not in output
    assert await starts(rundir, "web") == (
        f"twistd zconsole: zone 'web' is already served by process {server.pid}, but"
        f" its socket is gone: {remedy}\n"
    )
    os.kill(server.pid, signal.SIGHUP)
    await until(lambda: served(rundir) == ["b", "web"], "the sockets")
    mended = "web: somebody has removed its sockets: they are made again"
    await until(lambda: mended in server.log, "that it is told")
    await until(
        lambda: "1 with sockets or links made again" in server.log, "the outcome"
    )
    await peer.send(b"still there\n")
    await peer.until(b"still there\r\nstill there\r\n")
    status, output, errors = await run(server, "list")
    assert (status, errors) == (0, "")
    assert "web" in output
    # With one of them left, that is had by a command as well.
    os.unlink(os.path.join(rundir, "web.console_sock"))
    status, output, errors = await run(server, "reload", "web")
    assert (status, errors) == (0, "")
    assert "1 with sockets or links made again, 2 untouched" in output
    assert stat.S_IMODE(os.lstat(f"{rundir}/web.console_sock").st_mode) == 0o600


@pytest_twisted.ensureDeferred
async def test_lostDirectory(launch: Launch, rundir: str) -> None:
    """
    So it is where somebody has removed everything; a server without a file, which
    SIGHUP would stop, has a signal of its own for that.
    """
    server = await launch("--zone", "z1", "--nexus", "none", "--exec", "/bin/cat")
    peer = await server.attach()
    remove(rundir, "z1")
    status, _, errors = await run(server, "attach", "z1")
    assert status == 1
    assert errors.endswith(f"'kill -USR2 {server.pid}' makes it again\n")
    shutil.rmtree(rundir)
    os.kill(server.pid, signal.SIGUSR2)
    control = os.path.join(rundir, "z1.control_sock")
    await until(lambda: os.path.exists(control), "the sockets")
    assert stat.S_IMODE(os.lstat(rundir).st_mode) == 0o700
    assert "is already served by process" in await starts(rundir, "z1")
    await peer.send(b"still there\n")
    await peer.until(b"still there\r\nstill there\r\n")
    assert (await run(server, "halt", "z1"))[0] == 0
    # Nothing is left of it afterwards, as ever.


def remove(rundir: str, zone: str) -> None:
    """
    Somebody removes a zone's sockets.
    """
    for kind in ("console", "control"):
        os.unlink(os.path.join(rundir, f"{zone}.{kind}_sock"))


async def starts(rundir: str, zone: str) -> str:
    """
    What a second server says that does not start.
    """
    words = ("zconsole", "--rundir", rundir, "--nexus", "none", "--zone", zone)
    program = Program([twistd(), "-n", "--pidfile=", *words]).start()
    assert await program.ends() == 1
    return program.errors.decode()


# Shards.


@pytest_twisted.ensureDeferred
async def test_shards(launch: Launch, rundir: str) -> None:
    """
    Three servers of one file have each zone exactly once, at the start and after a
    reload, and clients need not know.
    """
    names = [f"z{n:02}" for n in range(30)]
    path = write(rundir, "".join(f"[zones.{name}]\n" for name in names))
    servers = []
    for number in (1, 2, 3):
        program = Program(
            [
                *(twistd(), "-n", "--pidfile=", "zconsole", "--rundir", rundir),
                *("--config", path, "--shard", f"{number}/3"),
            ]
        ).start()
        servers.append(program)
    first = Twistd(rundir)
    try:
        await until(
            lambda: os.path.isdir(rundir) and served(rundir) == names, "all zones"
        )
        owners = {zone: await owner(first, zone) for zone in names}
        assert set(owners.values()) == {program.pid for program in servers}
        more = [*names[5:], "new1", "new2", "new3", "new4"]
        write(rundir, "".join(f"[zones.{name}]\n" for name in more))
        status, output, errors = await run(first, "reload")
        assert (status, errors) == (0, "")
        assert sorted(line.split(":")[0] for line in output.splitlines()) == sorted(
            f"process {program.pid}" for program in servers
        )
        assert served(rundir) == sorted(more)
        for zone in names[5:]:
            assert await owner(first, zone) == owners[zone]
    finally:
        await first.leave()
        for program in servers:
            program.signal(signal.SIGTERM)
        for program in servers:
            assert await program.ends() in (0, -signal.SIGTERM)
            assert b"Traceback" not in program.output
    assert leftovers(rundir) == []


async def owner(doors: Twistd, zone: str) -> int:
    """
    The process that serves a zone.
    """
    await until(lambda: listens(doors.path("control_sock", zone)), zone)
    status = await doors.ask(Status, zone)
    return status["serverPid"]


@pytest_twisted.ensureDeferred
async def test_sameShardTwice(launch: Launch, rundir: str) -> None:
    """
    A shard that is started twice is a mistake that harms nobody.
    """
    path = write(rundir, "".join(f"[zones.z{n}]\n" for n in range(9)))
    server = await launch("--config", path, zones=[f"z{n}" for n in range(9)])
    status, _, errors = await check(path, "--rundir", rundir, "--shard", "1/2")
    assert status == 1
    assert f"is already served by process {server.pid}" in errors
    assert len(served(rundir)) == 9


# A thousand.


@pytest_twisted.ensureDeferred
async def test_many(launch: Launch, rundir: str) -> None:
    """
    A thousand zones are there in seconds, in as many files as was reckoned with; they
    are listed in seconds, change without being touched, and are gone in seconds.
    """
    names = [f"z{n}" for n in range(MANY)]
    text = "".join(f"[zones.{name}]\n" for name in names)
    path = write(rundir, text)
    began = reactor.seconds()
    server = Twistd(rundir)
    program = Program(
        [
            # The limit that many systems have for those who ask for no more.
            *("/bin/sh", "-c", 'ulimit -S -n 1024 && exec "$@"', "sh"),
            *(twistd(), "-n", "--pidfile=", "zconsole", "--rundir", rundir),
            *("--config", path),
        ]
    ).start()
    server.program = program
    try:
        last = server.path("control_sock", names[-1])
        await until(lambda: listens(last) or program.status is not None, last, 120.0)
        await server.ask(Status, names[-1])
        started = reactor.seconds() - began
        files = descriptorCount(program.pid)
        assert files <= FILES_OF_SERVER + FILES_PER_ZONE * MANY
        # It is reckoned with what is needed, and not with much more.
        assert files > (FILES_PER_ZONE - 2) * MANY
        began = reactor.seconds()
        status, output, _ = await run(server, "list", "--json")
        listed = reactor.seconds() - began
        rows = json.loads(output)
        assert status == 0
        assert [row["zone"] for row in rows] == sorted(names)
        assert {row["error"] for row in rows} == {None}
        peer = await server.attach(zone=names[500])
        write(rundir, f"{text}[zones.new]\n")
        began = reactor.seconds()
        status, output, errors = await run(server, "reload")
        reloaded = reactor.seconds() - began
        assert (status, errors) == (0, "")
        assert f"1 started, {MANY} untouched" in output
        assert peer.look() == b""
        assert children(program.pid) == []
        began = reactor.seconds()
        await server.leave()
        await server.end()
        stopped = reactor.seconds() - began
    finally:
        await server.leave()
        await program.kill()
    print(
        f"{MANY} zones: started in {started:.1f} s, {files} files; listed in"
        f" {listed:.1f} s, reloaded in {reloaded:.1f} s, stopped in {stopped:.1f} s"
    )
    # Seconds on an idle machine; this is for one that is busy.
    assert max(started, listed, reloaded, stopped) < 60


@pytest_twisted.ensureDeferred
async def test_tooFewFiles(rundir: str) -> None:
    """
    Where so many files can't be had that is told in one line with both numbers, and
    nothing is started.
    """
    path = write(rundir, "".join(f"[zones.z{n}]\n" for n in range(100)))
    program = Program(
        [
            *("/bin/sh", "-c", 'ulimit -n 500 && exec "$@"', "sh"),
            *(twistd(), "-n", "--pidfile=", "zconsole", "--rundir", rundir),
            *("--config", path),
        ]
    ).start()
    try:
        assert await program.ends() == 1
    finally:
        await program.kill()
    said = program.errors.decode()
    assert said.count("\n") == 1
    assert "100 zones need 964 open files, and no more than 500 are allowed" in said
    assert not os.path.exists(rundir)


@pytest_twisted.ensureDeferred
async def test_limitOfCommands(rundir: str) -> None:
    """
    The server allows itself more open files than what it runs gets.
    """
    path = write(rundir, "[zones.a]\nexec = \"/bin/sh -c 'ulimit -S -n; exec cat'\"\n")
    server = Twistd(rundir)
    server.program = Program(
        [
            *("/bin/sh", "-c", 'ulimit -S -n 300 && exec "$@"', "sh"),
            *(twistd(), "-n", "--pidfile=", "zconsole", "--rundir", rundir),
            *("--config", path),
        ]
    ).start()
    try:
        await until(
            lambda: os.path.exists(server.path("control_sock", "a")), "its socket"
        )

        def printed() -> bytes:
            return Path(server.path("history", "a")).read_bytes()

        await until(lambda: b"300\r\n" in printed(), "its limit")
        assert b"Max open files" in Path(f"/proc/{server.pid}/limits").read_bytes()
        limits = Path(f"/proc/{server.pid}/limits").read_text()
        (line,) = [each for each in limits.splitlines() if "open files" in each]
        assert int(line.split()[3]) > 300
        await server.end()
    finally:
        await server.program.kill()
