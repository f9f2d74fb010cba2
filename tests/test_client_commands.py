"""
The other commands of C{zconsole}, the real one, against a real server.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
from collections.abc import Awaitable, Callable

import pytest_twisted
from client_support import AtTerminal, client
from conftest import Twistd
from support import DEADLINE, until
from twisted.internet import reactor

Launch = Callable[..., Awaitable[Twistd]]


async def say(server: Twistd, *words: str) -> tuple[int, str, str]:
    """
    Exit status, output and errors of a command.
    """
    program = server.run(client(server.rundir, *words))
    status = await program.ends()
    return status, program.output.decode(), program.errors.decode()


@pytest_twisted.ensureDeferred
async def test_list(launch: Launch) -> None:
    """
    Each zone has its line, with its state and who sits there.
    """
    server = await launch("--zone", "z1", "--exec", "/bin/cat", "--zone", "z2")
    program = AtTerminal(server.rundir, "attach", "z1")
    server.run(program)
    await program.seated()
    status, output, _ = await say(server, "list")
    assert status == 0
    lines = [line.split() for line in output.splitlines()]
    assert lines[0] == "ZONE STATE DRIVER OPERATOR WATCHERS OUTPUT".split()
    assert lines[1][:3] == ["z1", "running", "exec"]
    assert lines[1][4:7] == ["(process", f"{program.pid})", "0"]
    assert lines[2] == ["z2", "installed", "pty", "-", "0", "-"]
    program.send(b"hello\r")
    await program.says(b"hello\r\nhello\r\n")
    status, output, _ = await say(server, "list", "--json")
    first, second = json.loads(output)
    assert (first["zone"], first["operator"]["pid"]) == ("z1", program.pid)
    assert 0 <= first["age"] < DEADLINE
    assert (second["age"], second["error"]) == (None, None)


@pytest_twisted.ensureDeferred
async def test_leftBehind(launch: Launch) -> None:
    """
    A zone whose server was killed is told of.
    """
    server = await launch("--zone", "z1")
    await server.kill()
    status, output, errors = await say(server, "list")
    assert (status, "z1    no server  -" in output) == (0, True)
    assert "dead servers have left sockets behind for z1: " in errors
    status, output, errors = await say(server, "status")
    assert (status, output) == (1, "")
    assert "is gone and has left" in errors
    assert errors.count("\n") == 1


@pytest_twisted.ensureDeferred
async def test_status(server: Twistd) -> None:
    """
    All about a zone, and about all of them.
    """
    program = AtTerminal(server.rundir, "attach", "z1")
    server.run(program)
    await program.seated()
    for words in (("status",), ("status", "z1")):
        status, output, errors = await say(server, *words)
        assert (status, errors) == (0, "")
        facts = dict(line.split(":", 1) for line in output.splitlines())
        assert facts["zone"].strip() == "z1"
        assert f"process {program.pid} " in facts["operator"]
        assert str(server.pid) in facts["server"]
        assert server.link() in facts["device"]


@pytest_twisted.ensureDeferred
async def test_howTheyLeft(server: Twistd) -> None:
    """
    Whoever has left is told apart from whoever is just gone.
    """
    ways = (
        ("attach", lambda program: program.send(b"~.")),
        ("watch", lambda program: program.send(b"\x03")),
        ("attach", lambda program: program.signal(signal.SIGKILL)),
    )
    for command, leave in ways:
        program = AtTerminal(server.rundir, command, "z1")
        server.run(program)
        await program.seated()
        leave(program)
        await program.ends()
    for words in (("history", "z1"), ("send", "z1", "x")):
        assert (await say(server, *words))[0] == 0

    async def texts() -> list[str]:
        _, output, _ = await say(server, "status", "z1")
        lines = output.partition("ended:")[2].splitlines()
        return [line.rpartition(": ")[2] for line in lines if " process " in line]

    left = "the client left"
    gone = "the client closed its connection without leaving"
    for _ in range(20):
        # The server may hear of an end after we do.
        if len(found := await texts()) == 5:
            break
    assert found == [left, left, gone, left, left]


@pytest_twisted.ensureDeferred
async def test_event(server: Twistd) -> None:
    """
    An event is shown to whoever is attached, and nothing in its boot arguments does
    anything to a terminal.
    """
    program = AtTerminal(server.rundir, "attach", "z1")
    server.run(program)
    await program.seated()
    status, _, errors = await say(
        server, "event", "z1", "booting", "--boot-args", "-v \x1b[2J"
    )
    assert (status, errors) == (0, "")
    await program.says(b"\r\n[NOTICE: Zone booting up with arguments: -v \\x1b[2J]\r\n")


@pytest_twisted.ensureDeferred
async def test_lifecycle(launch: Launch) -> None:
    """
    A zone that the server runs is halted, booted and booted again.
    """
    server = await launch("--zone", "z1", "--exec", "/bin/cat")
    program = AtTerminal(server.rundir, "attach", "z1")
    server.run(program)
    await program.seated()
    for words, notice in (
        (("halt", "z1"), b"[NOTICE: Zone halted: asked for by "),
        (("boot", "z1"), b"[NOTICE: Zone booting up]"),
        (("reboot", "z1", "--boot-args", "-s"), b"[NOTICE: Zone rebooting with argu"),
    ):
        status, output, errors = await say(server, *words)
        assert (status, errors) == (0, ""), words
        assert output.count("\n") == 1
        await program.says(notice)


async def listed(server: Twistd, wanted: str) -> None:
    """
    Wait until the list says something.
    """
    end = reactor.seconds() + 30
    while True:
        _, output, _ = await say(server, "list")
        if wanted in output:
            return
        assert reactor.seconds() < end, output


@pytest_twisted.ensureDeferred
async def test_whyDown(launch: Launch) -> None:
    """
    Whoever attaches to a zone that is down is told why, and so is who lists it: a halt
    that was asked for does not look like a crash.
    """
    server = await launch(
        *("--zone", "z1", "--exec", "/bin/cat"),
        *("--zone", "z2", "--exec", "/nonexistent/command"),
        *("--zone", "z3", "--exec", "/bin/sh -c 'exit 3'", "--respawn", "always"),
    )
    user = pwd.getpwuid(os.getuid()).pw_name
    assert (await say(server, "halt", "z1"))[0] == 0
    await listed(server, f"installed (halted by {user})")
    await listed(server, "installed (boot failed: /nonexistent/command: No such file")
    await listed(server, "down (exit status 3; started ")
    for zone, why in (
        ("z1", f"halted by {user}"),
        ("z2", "boot failed: /nonexistent/command: No such file or directory"),
    ):
        told = f"[zone '{zone}' is down ({why}): 'zconsole boot {zone}' starts it]"
        program = AtTerminal(server.rundir, "attach", zone)
        server.run(program)
        await program.says(told.encode())
        program.send(b"~.")
        assert await program.ends() == 0
    program = AtTerminal(server.rundir, "watch", "z1", "z2")
    server.run(program)
    await program.says(f"z1: [zone 'z1' is down (halted by {user})".encode())
    program.send(b"~.\r")
    assert await program.ends() == 0
    program = AtTerminal(server.rundir, "history", "z2")
    server.run(program)
    await program.says(b"[NOTICE: Zone boot failed: /nonexistent/command: No such")
    assert await program.ends() == 0


@pytest_twisted.ensureDeferred
async def test_unconnected(launch: Launch) -> None:
    """
    The same of a console without a connection.
    """
    server = await launch("--zone", "z1", "--endpoint", "unix:/nonexistent/socket")
    why = "No such file or directory; trying again"
    await listed(server, f"installed (can't connect: {why})")
    program = AtTerminal(server.rundir, "attach", "z1")
    server.run(program)
    await program.says(f"[console is not connected: {why}]".encode())
    program.send(b"x")
    await program.says(b"[the console is not connected: what is typed reaches nobody]")
    program.send(b"\r~.")
    assert await program.ends() == 0


@pytest_twisted.ensureDeferred
async def test_refused(server: Twistd) -> None:
    """
    What can't be done is told in one line.
    """
    for words in (("detach", "z1"), ("boot", "z1"), ("halt", "other")):
        status, output, errors = await say(server, *words)
        assert (status, output) == (1, "")
        assert errors.startswith("zconsole: ")
        assert errors.count("\n") == 1


@pytest_twisted.ensureDeferred
async def test_detach(server: Twistd) -> None:
    """
    Whoever sits there is sent away, and told by whom.
    """
    program = AtTerminal(server.rundir, "attach", "z1")
    server.run(program)
    await program.seated()
    detaching = server.run(client(server.rundir, "detach", "z1"))
    pid = detaching.pid
    assert await detaching.ends() == 0
    assert await program.ends() == 3
    assert b"zconsole: the server ended the session: " in program.output
    assert b"process %d" % (pid,) in program.output


@pytest_twisted.ensureDeferred
async def test_interrupted(server: Twistd) -> None:
    """
    A command that waits for a server that does not answer can be interrupted.
    """
    os.kill(server.pid, signal.SIGSTOP)
    try:
        program = server.run(client(server.rundir, "status", "z1"))
        await until(lambda: isConnected(program.pid), "that it asks")
        program.signal(signal.SIGINT)
        assert await program.ends() == 130
    finally:
        os.kill(server.pid, signal.SIGCONT)


def isConnected(pid: int) -> bool:
    """
    Has a process a socket?
    """
    directory = f"/proc/{pid}/fd"
    try:
        links = [os.readlink(os.path.join(directory, n)) for n in os.listdir(directory)]
    except FileNotFoundError:
        # It closed one of them just now.
        return False
    return any(link.startswith("socket:") for link in links)
