"""
A real QEMU with a real kernel: the whole life of a virtual machine, as whoever is
attached to its console sees it.
"""

from __future__ import annotations

import os
import pwd
import re
import signal
from collections.abc import Awaitable, Callable

import pytest
import pytest_twisted
from client_support import AtTerminal, client
from conftest import Twistd
from structured_peer import Structured, structured
from support import pause
from twisted.internet import reactor
from vm import Machine, machine, vmFiles

from zcons_twisted.doors.commands import (
    Boot,
    Event,
    Halt,
    Ready,
    Reboot,
    Refused,
    Shutdown,
    Status,
)
from zcons_twisted.frames import FrameType

__all__ = ["machine", "vmFiles"]

Launch = Callable[..., Awaitable[Twistd]]

#: Seconds for a machine to boot, on a machine that is busy.
BOOT = 120.0

READIED = b"\r\n[NOTICE: Zone readied]\r\n"
BOOTING = b"\r\n[NOTICE: Zone booting up]\r\n"
REBOOTING = b"\r\n[NOTICE: Zone rebooting]\r\n"
HALTED = b"\r\n[NOTICE: Zone halted]\r\n"
POWERED_OFF = b"\r\n[NOTICE: Zone halted: guest-shutdown]\r\n"


async def status(server: Twistd, **wanted: str) -> dict[str, object]:
    """
    Wait for the zone's status to be so; values are patterns.
    """
    end = reactor.seconds() + BOOT
    while True:
        found = await server.ask(Status)
        if all(re.fullmatch(p, str(found[name])) for name, p in wanted.items()):
            return found
        assert reactor.seconds() < end, found
        await pause(0.05)


async def shown(session: Structured, text: bytes) -> None:
    """
    Wait for a session to be shown something.
    """
    seen = b""
    while text not in seen:
        seen += b"".join(data for _, data in session.take())
        if text not in seen:
            assert await session.peer.more(BOOT), seen


@pytest_twisted.ensureDeferred
async def test_wholeLife(launch: Launch, machine: Machine) -> None:
    """
    Somebody attaches before there is a machine, and sees it come up, be booted, reboot
    and power off: each notice in its place between the last line of one life and the
    first of the next.
    """
    server = await launch("--zone", "z1", *machine.options)
    terminal = AtTerminal(server.rundir, "attach", "z1")
    server.run(terminal)
    await terminal.seated()
    with pytest.raises(Refused, match=r"\AQEMU is not running \(/.*/qmp\): start it\Z"):
        await server.ask(Boot)
    await machine.start("-S")
    await terminal.says(READIED)
    found = await status(server, deviceState="open", state="ready")
    assert re.fullmatch(r"QEMU process \d+: prelaunch", str(found["life"]))

    answer = await server.ask(Boot)
    assert answer["message"] == "zone booted"
    assert (await server.ask(Boot))["message"] == "zone is already booted"
    seen = await terminal.says(b"vm login: ", BOOT)
    assert seen.startswith(BOOTING)
    assert b"Linux version" in seen
    terminal.send(b"root\r")
    await terminal.says(b"# ", BOOT)

    terminal.send(b"reboot -f\r")
    seen = await terminal.says(b"vm login: ", BOOT)
    old, notice, new = seen.partition(REBOOTING)
    assert notice and old.rstrip().endswith(b"reboot: machine restart"), seen
    assert b"Linux version" in new and b"Linux version" not in old
    # One reboot, whatever number of resets it took.
    assert b"NOTICE" not in old + new
    await status(server, state="running")

    terminal.send(b"root\r")
    await terminal.says(b"# ", BOOT)
    terminal.send(b"poweroff -f\r")
    seen = await terminal.says(POWERED_OFF, BOOT)
    seen = seen.removesuffix(POWERED_OFF)
    assert seen.rstrip().endswith(b"reboot: Power down"), seen
    assert await machine.ends() == 0
    await status(server, state="installed", life="ended: guest-shutdown")
    assert terminal.status is None
    assert b"NOTICE" not in terminal.output


@pytest_twisted.ensureDeferred
async def test_directed(launch: Launch, machine: Machine) -> None:
    """
    A machine that runs is reset, sent a break and powered off from outside, and in
    between the server is started anew without the machine noticing.
    """
    await machine.start()
    first = await launch("--zone", "z1", *machine.options)
    peer = await first.attach()
    await peer.until(b"vm login: ", BOOT)
    assert (await first.ask(Reboot))["message"] == "zone rebooted"
    seen = await peer.until(b"vm login: ", BOOT)
    assert seen.count(b"NOTICE") == 1 and REBOOTING in seen
    await peer.send(b"root\n")
    await peer.until(b"# ", BOOT)
    await peer.send(b"here=before\n")
    await peer.until(b"# ", BOOT)

    await first.end()
    second = await launch("--zone", "z1", *machine.options)
    await status(second, state="running", deviceState="open")
    operator = await structured(second)
    assert operator.answer["ok"]
    await operator.say(FrameType.INPUT, b"echo $here\n")
    await shown(operator, b"\r\nbefore\r\n")
    # A break, and the key that asks for help.
    await operator.say(FrameType.BREAK)
    assert (await operator.told(FrameType.ANSWER))["ok"]
    await operator.say(FrameType.INPUT, b"h")
    await shown(operator, b"sysrq: HELP")

    assert (await second.ask(Halt))["message"] == "zone halted"
    await shown(operator, b"Power button pressed")
    user = pwd.getpwuid(os.getuid()).pw_name
    notice = await operator.told(FrameType.NOTICE)
    assert notice["event"] == "halted"
    assert notice["arguments"] == f"asked for by {user}, guest-shutdown"
    await status(second, life=f"ended: halted by {user}, guest-shutdown")
    assert await machine.ends() == 0
    assert (await second.ask(Halt))["message"] == "zone is already halted"


@pytest_twisted.ensureDeferred
async def test_unstarted(launch: Launch, machine: Machine) -> None:
    """
    A machine that was never started is ended at once, and the next one is seen.
    """
    server = await launch("--zone", "z1", *machine.options)
    peer = await server.attach()
    for _ in range(2):
        await machine.start("-S")
        await peer.expect(READIED)
        assert (await server.ask(Ready))["message"] == "zone is already ready"
        with pytest.raises(Refused, match="invalid for zones in state 'ready'"):
            await server.ask(Shutdown)
        assert (await server.ask(Halt))["message"] == "zone halted"
        await peer.expect(HALTED)
        assert await machine.ends() == 0
        await status(server, life=r"ended: halted by \w+, host-qmp-quit")


@pytest_twisted.ensureDeferred
async def test_shutdown(launch: Launch, machine: Machine) -> None:
    """
    A machine that is asked to powers down by itself; where QEMU outlives it, it can be
    made ready again, and booted, and so can one that runs.
    """
    await machine.start("-no-shutdown")
    server = await launch("--zone", "z1", *machine.options)
    peer = await server.attach()
    await peer.until(b"vm login: ", BOOT)
    for left in (1, 0):
        try:
            answer = await server.ask(Shutdown, deadline=BOOT)
            break
        except Refused as e:
            # A machine that is busy booting may not have heard its power button.
            if not left or "did not go down within 60 s" not in str(e):
                raise
    assert answer["message"] == "zone halted"
    seen = await peer.until(HALTED)
    assert b"NOTICE" not in seen.removesuffix(HALTED)
    await status(server, state="installed", life="ended: guest-shutdown")
    assert (await server.ask(Ready))["message"] == "zone ready"
    await peer.until(READIED)
    await status(server, state="ready")
    assert (await server.ask(Boot))["message"] == "zone booted"
    await peer.until(b"vm login: ", BOOT)
    # One that runs is ended for that.
    assert (await server.ask(Ready))["message"] == "zone ready"
    await peer.until(READIED)
    await status(server, state="ready", life=r"QEMU process \d+: prelaunch")
    assert (await server.ask(Boot))["message"] == "zone booted"
    seen = await peer.until(b"vm login: ", BOOT)
    assert b"Linux version" in seen and seen.count(b"NOTICE") == 1


@pytest_twisted.ensureDeferred
async def test_killed(launch: Launch, machine: Machine) -> None:
    """
    A machine that is killed has halted, and one that takes its place boots.
    """
    await machine.start()
    server = await launch("--zone", "z1", *machine.options)
    peer = await server.attach()
    await status(server, state="running", deviceState="open")
    assert machine.program is not None
    machine.program.signal(signal.SIGKILL)
    await peer.until(HALTED)
    assert await machine.ends() == -signal.SIGKILL
    await status(server, state="installed", life="ended: QEMU has gone")
    # Events from outside don't count, where QEMU tells them.
    await server.ask(Event, name="booting")
    await status(server, state="installed")
    await peer.until(BOOTING)
    await machine.start()
    await peer.until(BOOTING)


@pytest_twisted.ensureDeferred
async def test_typedIntoNothing(launch: Launch, machine: Machine) -> None:
    """
    What is typed while a machine is gone does not come to the one that takes its place,
    and who types is told.
    """
    server = await launch("--zone", "z1", *machine.options)
    await machine.start()
    # That it boots, or that it ran before, has been told by then.
    await status(server, state="running", deviceState="open")
    operator = await structured(server)
    await shown(operator, b"vm login: ")
    await machine.kill()
    assert (await operator.told(FrameType.NOTICE))["event"] == "halted"
    await operator.say(FrameType.INPUT, b"rm -rf /precious\n")
    answer = await operator.told(FrameType.ANSWER)
    assert (answer["request"], answer["ok"]) == ("input", False)
    assert answer["text"] == "zone is down: what is typed reaches nobody"
    await machine.start()
    await shown(operator, b"vm login: ")
    await operator.say(FrameType.INPUT, b"root\n")
    # The prompt comes by itself if another name was typed before.
    await shown(operator, b"root")
    await shown(operator, b"# ")
    await operator.say(FrameType.INPUT, b"echo $((6 * 7))\n")
    await shown(operator, b"42")
    history = await everything(server)
    assert b"precious" not in history


async def everything(server: Twistd) -> bytes:
    """
    All that the zone has printed.
    """
    program = server.run(client(server.rundir, "history", "z1"))
    assert await program.ends() == 0
    return program.output


@pytest_twisted.ensureDeferred
async def test_reason(launch: Launch, machine: Machine) -> None:
    """
    Why a machine ended is told.
    """
    await machine.start("-S")
    server = await launch("--zone", "z1", *machine.options)
    await status(server, state="ready")
    assert machine.program is not None
    machine.program.signal(signal.SIGTERM)
    await status(server, state="installed", life="ended: host-signal")


@pytest_twisted.ensureDeferred
async def test_scripted(launch: Launch, machine: Machine) -> None:
    """
    A script boots a machine, logs in and reboots it, and each time it waits for the
    prompt of this life; its shell asks the terminal for the cursor's place behind it.
    """
    await machine.start()
    server = await launch("--zone", "z1", *machine.options)

    async def run(*words: str) -> str:
        program = server.run(client(server.rundir, *words))
        status = await program.ends(BOOT)
        assert (status, program.errors) == (0, b""), words
        return program.output.decode()

    await run("expect", "z1", "login: $", "--timeout", "120", "--replay", "all")
    await run("expect", "z1", "# $", "--send", "root", "--line")
    assert "# \x1b[6n" in await run("history", "z1")
    await run("expect", "z1", "7\r\n[^\n]*# $", "--send", "echo $((3+4))", "--line")
    await run("reboot", "z1")
    booted = await run(
        "expect", "z1", "login: $", "--timeout", "120", "--replay", "all"
    )
    assert [booted.count(part) for part in ("Linux version", "login: ")] == [1, 1]
    await run("expect", "z1", "# $", "--send", "root", "--line")
    await run("send", "z1", "--line", "--", "poweroff", "-f")
    assert await machine.ends() == 0
