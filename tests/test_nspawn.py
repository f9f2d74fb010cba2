"""
A zone that is a whole system in a container of systemd-nspawn's.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest_twisted
from conftest import Twistd
from oci_support import Mounts, rootfs
from support import DEADLINE, Peer, children, runs, until
from twisted.internet import reactor

from zcons_twisted.doors.commands import Halt, Status

Launch = Callable[..., Awaitable[Twistd]]

HALTED = b"\r\n[NOTICE: Zone halted]\r\n"
REBOOTING = b"\r\n[NOTICE: Zone rebooting]\r\n"

#: As the how-to has it, but for the place.
SCRIPT = """\
#!/bin/sh
trap '' HUP
exec unshare --fork --pid --mount-proc --kill-child \\
    systemd-nspawn --boot --quiet --register=no --keep-unit --private-network \\
    --kill-signal={signal} --machine={machine} --directory={root}
"""


def system(path: Path, signal: str = "SIGUSR2") -> str:
    """
    A system of busybox.

    @param signal: tells it to power off.
    @return: the command that runs it.
    """
    root = rootfs(path)
    (root / "usr").mkdir()
    (root / "etc/os-release").write_text("ID=busybox\n")
    (root / "etc/inittab").write_text(
        "console::respawn:/sbin/getty -L console 115200 vt100\n"
    )
    script = path.parent / "boot"
    script.write_text(
        SCRIPT.format(machine=f"z1-{os.getpid()}", root=root, signal=signal)
    )
    script.chmod(0o755)
    return str(script)


async def serve(launch: Launch, mounts: Mounts, *words: str) -> Twistd:
    """
    A server with one such zone.
    """
    return await launch("--zone", "z1", "--exec", *words, under=mounts.under)


async def processes(server: Twistd) -> list[int]:
    """
    All that runs of a zone.
    """
    leader = int((await server.ask(Status))["life"].split()[1])
    found = family(leader)
    # unshare, nspawn, init and a shell at the least.
    assert len(found) >= 4
    return found


def family(pid: int) -> list[int]:
    """
    A process and its descendants.
    """
    return [pid, *(each for child in children(pid) for each in family(child))]


async def login(peer: Peer) -> None:
    """
    Log in at the prompt.
    """
    await peer.send(b"root\n")
    await peer.until(b"# ")


@pytest_twisted.ensureDeferred
async def test_life(launch: Launch, mounts: Mounts, tmp_path: Path) -> None:
    """
    It boots to its login prompt; what is typed gets there; a reboot is a failure to
    C{--respawn on-failure}, and boots it again; a power-off halts it.
    """
    command = system(tmp_path / "root")
    server = await serve(launch, mounts, command, "--respawn", "on-failure")
    peer = await server.arrive(b"login: ")
    await login(peer)
    await peer.send(b"tty; echo $((6 * 7))\n")
    await peer.until(b"/dev/pts/0\r\n42\r\n")
    await peer.send(b"reboot -f\n")
    await peer.until(REBOOTING)
    await peer.until(b"login: ")
    await login(peer)
    await peer.send(b"poweroff -f\n")
    await peer.until(HALTED)
    assert (await server.ask(Status))["state"] == "installed"


@pytest_twisted.ensureDeferred
async def test_halt(launch: Launch, mounts: Mounts, tmp_path: Path) -> None:
    """
    A halt has it power off.
    """
    command = system(tmp_path / "root")
    server = await serve(launch, mounts, command, "--grace", "60")
    peer = await server.arrive(b"login: ")
    await login(peer)
    inside = await processes(server)
    began = reactor.seconds()
    await server.ask(Halt)
    assert reactor.seconds() - began < DEADLINE
    await peer.until(b"system")
    await peer.until(HALTED)
    assert (await server.ask(Status))["life"].endswith(", exit status 0")
    assert [pid for pid in inside if runs(pid)] == []


@pytest_twisted.ensureDeferred
async def test_stubborn(launch: Launch, mounts: Mounts, tmp_path: Path) -> None:
    """
    One that does not is killed, with all that runs in it.
    """
    command = system(tmp_path / "root", "SIGWINCH")
    server = await serve(launch, mounts, command, "--grace", "0.5")
    peer = await server.arrive(b"login: ")
    await login(peer)
    inside = await processes(server)
    await server.ask(Halt)
    await until(lambda: not any(map(runs, inside)), "the system's end")


@pytest_twisted.ensureDeferred
async def test_serverKilled(launch: Launch, mounts: Mounts, tmp_path: Path) -> None:
    """
    It does not notice that its server was killed.
    """
    command = system(tmp_path / "root")
    server = await serve(launch, mounts, command)
    peer = await server.arrive(b"login: ")
    await login(peer)
    await peer.send(b"where=he''re\n")
    await peer.until(b"# ")
    await server.kill()
    server = await serve(launch, mounts, command, "--grace", "1")
    peer = await server.attach()
    await peer.send(b"echo still $where\n")
    await peer.until(b"still here\r\n")
