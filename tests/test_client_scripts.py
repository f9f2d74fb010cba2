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
        line = "printf 'echo $((6 * 7))\n' | @ attach -Q -d z1"
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
    assert (await shell(server, "@ expect z1 'ok> ' && @ send z1 --line exit"))[0] == 0
    status, _, errors = await shell(server, "@ expect z1 never --timeout 20")
    assert (status, errors) == (5, "zconsole: the zone halted without 'never'\n")


@pytest_twisted.ensureDeferred
async def test_whyNot(launch: Launch) -> None:
    """
    The exit status tells why it ended.
    """
    server = await launch("--zone", "z1", "--exec", SHELL)
    assert (await shell(server, "@ expect z1 'ok> $'"))[0] == 0
    status, _, errors = await shell(server, "@ expect z1 never --timeout 5")
    said = "zconsole: no 'never' within 5 s; the last line is 'ok> '\n"
    assert (status, errors) == (4, said)
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


@pytest_twisted.ensureDeferred
async def test_promptOfAnotherLife(launch: Launch) -> None:
    """
    After a reboot the prompt of the life before is none, however long the zone takes to
    print its own.
    """
    slow = "/bin/sh -c 'sleep 1; printf \"$$ login: \"; exec cat'"
    server = await launch("--zone", "slow", "--exec", slow)
    lives = []
    for before in ("", "@ reboot slow >/dev/null && "):
        line = f"{before}@ expect slow 'login: $' --replay all"
        status, output, errors = await shell(server, line)
        assert (status, errors) == (0, "")
        lives.append(output)
    assert lives[0] != lives[1]
    assert [life.count("login: ") for life in lives] == [1, 1]


@pytest_twisted.ensureDeferred
async def test_promptWithEscapeSequences(launch: Launch) -> None:
    """
    A shell that asks its terminal something behind its prompt has a prompt all the
    same; C{--raw} looks at all of it.
    """
    ash = "/bin/sh -c 'printf \"\\033[1m/root # \\033[6n\"; exec cat'"
    server = await launch("--zone", "z1", "--exec", ash)
    status, output, errors = await shell(server, "@ expect z1 '^/root # $'")
    assert (status, output, errors) == (0, "\x1b[1m/root # ", "")
    status, _, errors = await shell(server, "@ expect z1 '# $' --raw --timeout 5")
    line = r"'\x1b[1m/root # \x1b[6n'"
    said = f"zconsole: no '# $' within 5 s; the last line is {line}\n"
    assert (status, errors) == (4, said)


@pytest_twisted.ensureDeferred
async def test_typedFromAFile(launch: Launch) -> None:
    """
    What is to be typed comes from a file or a pipe, where no other user sees it.
    """
    server = await launch("--zone", "z1", "--exec", SHELL)
    lines = (
        "@ expect z1 'ok> $' >/dev/null &&"
        " printf 'echo $((6*7))\n' | @ expect z1 '\n42' --send-file - --line",
        'printf \'echo $((7*7))\n\' >"$0.in" && @ send z1 --line --file "$0.in"'
        " && @ expect z1 '\n49' --replay all",
    )
    for line, end in zip(lines, ("\n42", "\n49"), strict=True):
        line = line.replace("$0", f"{server.rundir}.typed")
        status, output, errors = await shell(server, line)
        assert (status, errors) == (0, "")
        assert output.endswith(end)


@pytest_twisted.ensureDeferred
async def test_nobodyReads(launch: Launch) -> None:
    """
    C{expect} ends when its time is over, also where nobody reads that.
    """
    server = await launch("--zone", "z1", "--exec", SHELL)
    line = "@ expect z1 never --timeout 0.5 2>&1 >/dev/null; echo $? >&3"
    status, output, _ = await shell(server, f"exec 3>&1; {{ {line}; }} | true")
    assert (status, output) == (0, "4\n")
