"""
Scripts with C{zconsole}, the real one, against real shells.
"""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable

import pytest_twisted
from client_support import AtTerminal, client, zconsole
from conftest import Twistd
from support import Program

from zcons_twisted.doors.commands import Halt

Launch = Callable[..., Awaitable[Twistd]]

SHELL = "/bin/sh -c 'PS1=\"ok> \" exec sh -i'"
DOWN = "zconsole: zone is down: what is typed reaches nobody\n"


async def shell(server: Twistd, line: str) -> tuple[int, str, str]:
    """
    Exit status, output and errors of a shell's line that has C{zconsole} where it says
    C{@}.
    """
    command = shlex.join(zconsole(server.rundir))
    program = server.run(Program(["/bin/sh", "-c", line.replace("@", command)]))
    status = await program.ends()
    return status, program.output.decode(), program.errors.decode()


@pytest_twisted.ensureDeferred
async def test_firstExample(launch: Launch) -> None:
    """
    The first example of the documentation ends, shows what came of it, and leaves the
    seat to the next one: also with a shell that is always started again.
    """
    server = await launch("--zone", "z1", "--exec", SHELL, "--respawn", "always")
    assert (await shell(server, "@ expect z1 'ok> '"))[0] == 0
    for _ in range(2):
        line = "printf 'echo $((6 * 7))\n' | @ attach -Q -d --wait 0.5 z1"
        status, output, errors = await shell(server, line)
        assert (status, errors) == (0, "")
        assert "\r\n42\r\n" in output


@pytest_twisted.ensureDeferred
async def test_sendAndExpect(launch: Launch) -> None:
    """
    A script waits for a prompt, types, and sees what came of it.
    """
    server = await launch("--zone", "z1", "--exec", SHELL)
    line = "@ expect z1 'ok> ' && @ expect --send 'echo $((6*7))' --line z1 '^42|\\n42'"
    status, output, errors = await shell(server, line)
    assert (status, errors) == (0, "")
    assert output.endswith("\r\n42")
    assert (await shell(server, "@ expect z1 'ok> ' && @ send --line z1 exit"))[0] == 0
    status, _, errors = await shell(server, "@ expect z1 never --timeout 20")
    assert (status, errors) == (5, "zconsole: the zone halted without 'never'\n")


@pytest_twisted.ensureDeferred
async def test_whyNot(launch: Launch) -> None:
    """
    The exit status tells why it ended.
    """
    server = await launch("--zone", "z1", "--exec", SHELL)
    status, _, errors = await shell(server, "@ expect z1 never --timeout 0.5")
    assert (status, errors) == (4, "zconsole: no 'never' within 0.5 s\n")
    somebody = AtTerminal(server.rundir, "attach", "z1")
    server.run(somebody)
    await somebody.seated()
    for line in ("@ send z1 x", "@ expect z1 x --send y", "echo x | @ attach z1"):
        status, _, errors = await shell(server, line)
        assert status == 1
        assert f"in use by process ID {somebody.pid}." in errors
    somebody.send(b"~.")
    await somebody.ends()
    await server.ask(Halt)
    assert await shell(server, "@ send z1 x") == (1, "", DOWN)
    status, _, errors = await shell(server, "echo x | @ attach -Q z1")
    assert (status, errors) == (1, DOWN)


@pytest_twisted.ensureDeferred
async def test_downAlready(launch: Launch) -> None:
    """
    C{attach -d} does not wait for the end of what has ended; what was printed before is
    there to be seen, and nothing of the past says that it disconnects.
    """
    server = await launch("--zone", "z1", "--exec", "/bin/echo panic")
    waiting = server.run(client(server.rundir, "watch", "-d", "--replay", "all", "z1"))
    assert await waiting.ends() == 0
    status, output, errors = await shell(server, "@ attach -d --replay all z1")
    assert status == 0
    assert "panic\r\n" in output
    assert "[NOTICE: Zone halted: exit status 0]" in output
    assert errors == (
        "zconsole: zone 'z1' is down (exit status 0): 'zconsole boot z1' starts it\n"
    )
