"""
Containers that are there before they run, that are asked to go down, and whose end a
nexus can't know.
"""

from __future__ import annotations

import os
import signal

import pytest
import pytest_twisted
from support import nexusOf, pause, runs, until
from test_oci import (
    BOOTING,
    CONSOLES,
    COUNTING,
    HALTED,
    READIED,
    Containers,
    containers,
    life,
    ready,
    shimOf,
    state,
)
from twisted.internet import reactor

from zcons_twisted.doors.commands import (
    Boot,
    Halt,
    Ready,
    Reboot,
    Refused,
    Shutdown,
    Status,
)

__all__ = ["containers"]


def status(containers: Containers) -> str:
    """
    What the runtime says of the container.
    """
    known = containers.mounts.state(containers.runtime, containers.id)
    return "none" if known is None else str(known["status"])


@pytest.mark.parametrize("console", CONSOLES)
@pytest_twisted.ensureDeferred
async def test_ready(containers: Containers, console: str) -> None:
    """
    A container is made, and begins when it is booted.
    """
    containers.bundle(*COUNTING)
    server = await containers.serve("--console", console, "--grace", "0.5")
    await state(server, "running")
    await server.ask(Halt)
    peer = await server.attach()
    for _ in range(2):
        assert (await server.ask(Ready))["message"] == "zone ready"
        await peer.expect(READIED)
        assert (await server.ask(Status))["state"] == "ready"
        assert status(containers) == "created"
        for command, arguments in ((Reboot, {}), (Boot, {"bootArguments": "-s"})):
            with pytest.raises(Refused):
                await server.ask(command, **arguments)
        assert (await server.ask(Halt))["message"] == "zone halted"
        await peer.expect(HALTED)
        containers.gone()
    await server.ask(Ready)
    assert (await server.ask(Boot))["message"] == "zone booted"
    await peer.until(BOOTING)
    await peer.until(b"life 2\r\n")
    assert status(containers) == "running"
    init = containers.init()
    # One that runs is ended, and made anew.
    assert (await server.ask(Ready))["message"] == "zone ready"
    seen = await peer.until(READIED)
    assert b"NOTICE" not in seen.removesuffix(READIED)
    assert not runs(init)
    assert status(containers) == "created"


@pytest_twisted.ensureDeferred
async def test_readyOverRestart(containers: Containers) -> None:
    """
    One that is ready is so for the next server, too.
    """
    containers.bundle(*COUNTING)
    server = await containers.serve("--grace", "0.5")
    await state(server, "running")
    await server.ask(Ready)
    shim = await shimOf(server)
    await server.kill()
    server = await containers.serve("--grace", "0.5")
    assert (await server.ask(Status))["state"] == "ready"
    assert await shimOf(server) == shim
    await server.ask(Boot)
    peer = await server.attach()
    await ready(peer)
    assert status(containers) == "running"


@pytest_twisted.ensureDeferred
async def test_notReady(containers: Containers) -> None:
    """
    One that can't be made is told, and the zone stays down.
    """
    bundle = containers.bundle(*COUNTING)
    server = await containers.serve("--grace", "0.5")
    await state(server, "running")
    await server.ask(Halt)
    os.unlink(bundle.path / "config.json")
    peer = await server.attach()
    with pytest.raises(Refused, match=r"zone is not ready: .*config\.json: No such"):
        await server.ask(Ready)
    await state(server, "installed")
    assert peer.look() == b""
    containers.gone()


@pytest_twisted.ensureDeferred
async def test_shutdown(containers: Containers) -> None:
    """
    A container is asked by its stop signal, as often as somebody asks, and not killed.
    """
    script = (
        "n=0; trap 'n=$((n + 1)); echo asked $n' TERM; echo up;"
        " while [ $n -lt 2 ]; do sleep 0.1; done; sleep 1; echo in order; exit 4"
    )
    containers.bundle("/bin/sh", "-c", script)
    server = await containers.serve("--grace", "0", "--respawn", "always")
    peer = await server.arrive(b"up\r\n")
    await state(server, "running")
    began = reactor.seconds()
    first = await server.control()
    first.callRemote(Shutdown).addErrback(lambda failure: None)
    await peer.until(b"asked 1\r\n")
    assert (await server.ask(Shutdown))["message"] == "zone halted"
    assert reactor.seconds() - began >= 1
    await peer.expect(b"asked 2\r\nin order\r\n" + HALTED)
    assert (await life(server, "ended")).endswith("ended: exit status 4")
    await state(server, "installed")
    containers.gone()


@pytest_twisted.ensureDeferred
async def test_nexusKilled(containers: Containers, rundir: str) -> None:
    """
    When the nexus is killed, the container goes on, and how it ends is told by its
    shim.
    """
    containers.bundle(*COUNTING)
    server = await containers.serve("--grace", "0.5")
    for words, ended in ((b"exit 6", "exit status 6"), (b"poweroff -f", "powered off")):
        peer = await server.attach()
        await ready(peer)
        nexus = nexusOf(rundir)
        os.kill(nexus, signal.SIGKILL)
        while (await server.ask(Status))["nexusPid"] in (0, nexus):
            await pause(0.02)
        await peer.send(words + b"\n")
        assert (await life(server, "ended")).endswith(f"ended: {ended}")
        await state(server, "installed")
        await until(lambda: containers.init() == 0, "its end")
        containers.gone()
        peer.close()
        await server.ask(Boot)
        await state(server, "running")
    await server.end()
    for noise in ("actory", " Port "):
        assert noise not in server.log
