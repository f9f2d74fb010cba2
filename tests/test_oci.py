"""
A zone that is a container, with real runtimes.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from client_support import client
from conftest import Twistd
from oci_support import RUNTIMES, Bundle, Mounts, config, system
from structured_peer import structured
from support import (
    DEADLINE,
    Peer,
    Program,
    children,
    nexusOf,
    pause,
    runs,
    twistd,
    until,
)
from twisted.internet import reactor

from zcons_twisted.doors.commands import Boot, Halt, Reboot, Refused, Status

Launch = Callable[..., Awaitable[Twistd]]

BOOTING = b"\r\n[NOTICE: Zone booting up]\r\n"
READIED = b"\r\n[NOTICE: Zone readied]\r\n"
HALTED = b"\r\n[NOTICE: Zone halted]\r\n"
REBOOTING = b"\r\n[NOTICE: Zone rebooting]\r\n"
BOOT_FAILED = b"\r\n[NOTICE: Zone boot failed]\r\n"


CONSOLES = ("own", "runtime")

#: A shell that says in which life it is.
COUNTING = (
    *("/bin/sh", "-c"),
    "n=$(cat /lives 2>/dev/null); n=$((n + 1)); echo $n >/lives; echo life $n;"
    " exec 0<>/dev/console 1>&0 2>&0; exec sh",
)


class Containers:
    """
    Servers whose zones are containers.

    @ivar mounts: where they are.
    @ivar runtime: what runs them.
    @ivar bundle: that of the zone.
    """

    def __init__(
        self, launch: Launch, mounts: Mounts, runtime: str, directory: Path
    ) -> None:
        self._launch = launch
        self.mounts = mounts
        self.runtime = runtime
        self.id = f"z1-{os.getpid()}"
        self.path = directory / "bundle"

    def bundle(self, *args: str, **how: Any) -> Bundle:
        """
        Make the bundle.
        """
        return Bundle(self.path, *args, **how)

    def system(self, **how: Any) -> Bundle:
        """
        Make one with an init and a login prompt.
        """
        return system(self.path, **how)

    async def serve(self, *options: str) -> Twistd:
        """
        A server with one container.
        """
        return await self._launch(
            *("--zone", "z1", "--oci", str(self.path)),
            *("--runtime", self.runtime, "--id", self.id, *options),
            under=self.mounts.under,
        )

    def init(self) -> int:
        """
        The container's first process, or 0.
        """
        known = self.mounts.state(self.runtime, self.id)
        return 0 if known is None else known["pid"]

    def gone(self) -> None:
        """
        Nothing of the container is left.
        """
        assert self.mounts.remains(self.runtime, self.id) == []


@pytest.fixture(params=RUNTIMES)
def containers(
    request: pytest.FixtureRequest, mounts: Mounts, launch: Launch, tmp_path: Path
) -> Iterator[Containers]:
    """
    Containers of one runtime, of which nothing may be left.
    """
    made = Containers(launch, mounts, request.param, tmp_path)
    yield made
    mounts.do(made.runtime, "delete", "--force", made.id)


async def login(peer: Peer) -> None:
    """
    Log in at the prompt.
    """
    await peer.send(b"root\n")
    await peer.until(b"# ")


async def ready(peer: Peer) -> None:
    """
    The shell has read what was typed, and says so in words that were not typed.  It
    does not echo from now on, and takes a child's end for the end of its input, as
    busybox does then.
    """
    await peer.send(b"PS1=; stty -echo; echo re''ady\n")
    await peer.until(b"ready\r\n")


async def interrupt(containers: Containers, peer: Peer) -> None:
    """
    Interrupt what the shell runs.
    """
    await peer.send(b"stty echo; echo go''ing; sleep 1000\n")
    await peer.until(b"going\r\n")
    init = containers.init()
    await until(
        lambda: any(map(sleeps, family(init))), "the shell's command in the foreground"
    )
    await peer.send(b"\x03")
    await peer.send(b"echo sta''tus $?\n")
    await peer.until(b"status 130\r\n")


def sleeps(pid: int) -> bool:
    """
    Has a process become that command?
    """
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x001000\0"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def shimOf(server: Twistd) -> int:
    """
    The zone's process.
    """
    return int((await server.ask(Status))["life"].split()[1].rstrip(","))


def family(pid: int) -> list[int]:
    """
    A process and its descendants.
    """
    return [pid, *(each for child in children(pid) for each in family(child))]


async def life(server: Twistd, wanted: str) -> str:
    """
    Wait for what is told of the zone's process.
    """
    end = reactor.seconds() + DEADLINE
    while wanted not in (found := (await server.ask(Status))["life"]):
        assert reactor.seconds() < end, found
        await pause(0.02)
    return str(found)


async def state(server: Twistd, wanted: str) -> None:
    """
    Wait for the zone to be in some state.
    """
    end = reactor.seconds() + DEADLINE
    while (found := (await server.ask(Status))["state"]) != wanted:
        assert reactor.seconds() < end, found
        await pause(0.02)


async def history(server: Twistd) -> bytes:
    """
    All that is in the history, which is without a gap.
    """
    end = (await server.ask(Status))["end"]
    reader = await structured(server, role="watch", start="all")
    found = b""
    while True:
        found += b"".join(data for _offset, data in reader.take())
        if reader.at >= end:
            break
        assert await reader.peer.more()
    reader.peer.close()
    assert reader.gaps == []
    return found


# Booting.


@pytest.mark.parametrize("console", CONSOLES)
@pytest_twisted.ensureDeferred
async def test_shell(containers: Containers, console: str) -> None:
    """
    Somebody sits down at a container before it is there, types, and sees what it
    prints; the bundle stays as it is.
    """
    bundle = containers.bundle("/bin/sh", terminal=True)
    before = bundle.read()
    server = await containers.serve("--console", console, "--grace", "0.2")
    peer = await server.attach()
    await ready(peer)
    await peer.send(b"hostname; echo $((6 * 7)) $ZONENAME; tty\n")
    await peer.until(b"zone1\r\n42 z1\r\n")
    where = b"/dev/console" if console == "own" else b"/dev/pts/0"
    await peer.expect(where + b"\r\n")
    assert bundle.read() == before
    assert (await server.ask(Halt))["message"] == "zone halted"
    await peer.until(HALTED)
    assert bundle.read() == before
    containers.gone()
    assert os.listdir(os.path.join(server.rundir, "oci", "z1")) == ["s"]


@pytest_twisted.ensureDeferred
async def test_login(containers: Containers) -> None:
    """
    A system boots to its login prompt, on a console that is a controlling terminal; a
    shell that is left is followed by another prompt.
    """
    containers.system()
    server = await containers.serve()
    peer = await server.arrive(b"zone1 login: ")
    await login(peer)
    await peer.send(b"tty; echo again >/dev/tty\n")
    await peer.until(b"\r\n/dev/console\r\nagain\r\n")
    await interrupt(containers, peer)
    await peer.send(b"exit\n")
    await peer.until(b"zone1 login: ")


@pytest.mark.parametrize("console", CONSOLES)
@pytest_twisted.ensureDeferred
async def test_jobControl(containers: Containers, console: str) -> None:
    """
    A process that opens its console itself has it as its controlling terminal, and so
    has each process where the runtime makes it.
    """
    opening = "exec 0<>/dev/console 1>&0 2>&0; exec sh -i"
    words = ("/bin/sh", "-c", opening) if console == "own" else ("/bin/sh", "-i")
    containers.bundle(*words, terminal=console == "runtime")
    server = await containers.serve("--grace", "0.2")
    peer = await server.attach()
    await ready(peer)
    await interrupt(containers, peer)


@pytest_twisted.ensureDeferred
async def test_consoleByBundle(containers: Containers) -> None:
    """
    Whose terminal it is follows from what the bundle asks for, unless told otherwise.
    """
    bundle = containers.bundle("/bin/sh", terminal=True)
    server = await containers.serve("--grace", "0.2")
    await state(server, "running")
    there = f"/dev/console of container {containers.id}"
    assert (await server.ask(Status))["device"] == there
    assert not os.path.lexists(server.link())
    bundle.write(config("/bin/sh"))
    await server.end()
    server = await containers.serve("--grace", "0.2")
    await state(server, "running")
    assert (await server.ask(Status))["device"] == server.link()


@pytest_twisted.ensureDeferred
async def test_bootArguments(containers: Containers) -> None:
    """
    Boot arguments are in the container's environment, for the one boot that they were
    given for.
    """
    containers.bundle("/bin/sh", "-c", 'echo "<$ZONE_BOOT_ARGS>"; exec sleep 1000')
    server = await containers.serve("--grace", "0.2")
    peer = await server.attach()
    await state(server, "running")
    await server.ask(Reboot, bootArguments="-s 'a b'")
    await peer.until(b"\r\n[NOTICE: Zone rebooting with arguments: -s 'a b']\r\n")
    await peer.expect(READIED)
    await peer.expect(b"<-s 'a b'>\r\n")
    await server.ask(Reboot)
    await peer.until(b"<>\r\n")


# What it does by itself.


@pytest.mark.parametrize("console", CONSOLES)
@pytest_twisted.ensureDeferred
async def test_reboot(containers: Containers, console: str) -> None:
    """
    Whoever is attached while a container reboots by itself sees the whole story, from
    the last line of the old life to the first of the new one, and types on.
    """
    containers.bundle(*COUNTING, terminal=console == "runtime")
    server = await containers.serve()
    peer = await server.arrive(b"life 1\r\n")
    await ready(peer)
    for number in (2, 3):
        await peer.send(b"seq 1 5000; echo last words; reboot -f\n")
        lines = b"".join(b"%d\r\n" % (n,) for n in range(1, 5001))
        await peer.expect(lines + b"last words\r\n")
        await peer.expect(REBOOTING + READIED)
        await peer.until(b"life %d\r\n" % (number,))
        await ready(peer)
    assert b"life 1\r\n" in await history(server)
    await state(server, "running")
    counters = (await server.ask(Status))["counters"]
    assert {"name": "skipped", "value": 0} in counters


@pytest_twisted.ensureDeferred
async def test_poweroff(containers: Containers) -> None:
    """
    A container that powers off is halted and stays so, whatever C{--respawn} says,
    until it is booted.
    """
    containers.system()
    server = await containers.serve("--respawn", "always")
    peer = await server.arrive(b"zone1 login: ")
    await login(peer)
    await peer.send(b"echo last wo''rds; poweroff -f\n")
    await peer.until(b"last words\r\n")
    await peer.until(HALTED)
    assert (await life(server, "ended")).endswith("ended: powered off")
    containers.gone()
    await pause(0.5)
    assert (await server.ask(Status))["state"] == "installed"
    await server.ask(Boot)
    await peer.expect(BOOTING + READIED)
    await peer.until(b"zone1 login: ")


@pytest_twisted.ensureDeferred
async def test_exit(containers: Containers) -> None:
    """
    A container whose process exits is halted, and its exit status is told.
    """
    containers.bundle("/bin/sh", "-c", "echo going; read x; exit 7")
    server = await containers.serve()
    peer = await server.arrive(b"going\r\n")
    await peer.send(b"\n")
    await peer.until(HALTED)
    assert (await life(server, "ended")).endswith("ended: exit status 7")
    containers.gone()


@pytest.mark.parametrize(
    ("policy", "again"), [("never", False), ("on-failure", True), ("always", True)]
)
@pytest_twisted.ensureDeferred
async def test_crash(containers: Containers, policy: str, again: bool) -> None:
    """
    A container that is killed is started again as C{--respawn} says.
    """
    containers.bundle(*COUNTING)
    server = await containers.serve("--respawn", policy)
    peer = await server.arrive(b"life 1\r\n")
    await ready(peer)
    os.kill(containers.init(), signal.SIGKILL)
    if again:
        await peer.expect(REBOOTING + READIED)
        await peer.until(b"life 2\r\n")
    else:
        await peer.expect(HALTED)
        assert (await life(server, "ended")).endswith("ended: signal 9")
        containers.gone()


# What it is told.


@pytest_twisted.ensureDeferred
async def test_haltInOrder(containers: Containers) -> None:
    """
    A container is told to stop, by the signal that it wants, and given time for it.
    """
    script = (
        "trap 'echo in order; exit 0' TERM USR1; echo up; while :; do sleep 0.1; done"
    )
    bundle = containers.bundle("/bin/sh", "-c", script)
    server = await containers.serve("--grace", "60")
    peer = await server.arrive(b"up\r\n")
    wanted = {"annotations": {"org.opencontainers.image.stopSignal": "SIGUSR1"}}
    for more in ({}, wanted):
        began = reactor.seconds()
        await server.ask(Halt)
        assert reactor.seconds() - began < DEADLINE
        await peer.expect(b"in order\r\n" + HALTED)
        containers.gone()
        bundle.write(config("/bin/sh", "-c", script.replace("TERM ", ""), **more))
        if more is not wanted:
            bundle.write(config("/bin/sh", "-c", script.replace("TERM ", ""), **wanted))
            await server.ask(Boot)
            await peer.until(b"up\r\n")


@pytest_twisted.ensureDeferred
async def test_haltStubborn(containers: Containers) -> None:
    """
    One that does not stop is killed when its grace is over, with all that runs in it;
    nothing is left.
    """
    script = "trap '' TERM; sleep 1000 & sleep 1001 & echo up; wait; wait"
    containers.bundle("/bin/sh", "-c", script)
    server = await containers.serve("--grace", "0.5")
    peer = await server.arrive(b"up\r\n")
    inside = family(containers.init())
    assert len(inside) == 3
    began = reactor.seconds()
    await server.ask(Halt)
    assert reactor.seconds() - began >= 0.5
    assert [pid for pid in inside if runs(pid)] == []
    await peer.expect(HALTED)
    containers.gone()


@pytest_twisted.ensureDeferred
async def test_noProcessNamespace(containers: Containers) -> None:
    """
    Where a container's processes are among the host's, none of them is left either.
    """
    bundle = containers.bundle()
    script = "(setsid sleep 1000 &) ; (sleep 1001 &); echo up; exec sleep 1002"
    given = config("/bin/sh", "-c", script)
    spaces = given["linux"]["namespaces"]
    given["linux"]["namespaces"] = [each for each in spaces if each["type"] != "pid"]
    bundle.write(given)
    server = await containers.serve("--grace", "0.5")
    await server.printed(b"up\r\n")
    shim = int((await server.ask(Status))["life"].split()[1])
    inside = await until(lambda: len(f := children(shim)) == 3 and f, "its processes")
    await server.ask(Halt)
    assert [pid for pid in inside if runs(pid)] == []
    containers.gone()


@pytest.mark.parametrize("console", CONSOLES)
@pytest_twisted.ensureDeferred
async def test_rebootOnRequest(containers: Containers, console: str) -> None:
    """
    A reboot that was asked for ends a container and begins another one.
    """
    containers.bundle(*COUNTING, terminal=console == "runtime")
    server = await containers.serve("--grace", "0.2")
    peer = await server.arrive(b"life 1\r\n")
    first = containers.init()
    assert "booted" in (await server.ask(Reboot))["message"]
    await peer.until(REBOOTING)
    await peer.until(b"life 2\r\n")
    assert not runs(first)
    await ready(peer)


# What can't be booted.


@pytest_twisted.ensureDeferred
async def test_bootFailed(containers: Containers) -> None:
    """
    What the runtime says of a container that it can't start is told once, without
    control characters, and nothing is left; a bundle that is mended boots.
    """
    bundle = containers.bundle("/bin/nothing\x1b[31m", terminal=True)
    server = await containers.serve("--grace", "0.2")
    await state(server, "installed")
    peer = await server.attach()
    with pytest.raises(Refused, match=r"(?i)no such file|not found") as refused:
        await server.ask(Boot)
    why = str(refused.value)
    assert why.isprintable()
    assert why.startswith(f"zone did not boot: {containers.runtime}")
    await peer.until(BOOTING + BOOT_FAILED)
    report = server.run(client(server.rundir, "status", server.name))
    assert await report.ends() == 0
    # There is no container that has it.
    assert b"zoneconsole (open, nothing runs on it)\n" in report.output
    told = [line for line in server.log.splitlines() if "boot failed: " in line]
    # At the server's start and now.
    assert len(told) == 2
    assert "\x1b" not in server.log
    containers.gone()
    assert os.listdir(f"{server.rundir}/oci/{server.name}") == ["s"]
    bundle.write(config("/bin/sh", "-i", terminal=True))
    await server.ask(Boot)
    await ready(peer)


@pytest_twisted.ensureDeferred
async def test_bundleGoes(containers: Containers) -> None:
    """
    A bundle that is not there any more, or is none, is told at the next boot.
    """
    bundle = containers.bundle("/bin/true")
    server = await containers.serve()
    await state(server, "installed")
    bundle.write({"process": {}})
    with pytest.raises(Refused, match=r"config\.json: root is not an object"):
        await server.ask(Boot)
    await state(server, "installed")
    (bundle.path / "config.json").unlink()
    with pytest.raises(Refused, match="No such file or directory: a bundle is a"):
        await server.ask(Boot)
    containers.gone()


@pytest_twisted.ensureDeferred
async def test_runtimeGoes(containers: Containers, tmp_path: Path) -> None:
    """
    So is a runtime.
    """
    containers.bundle("/bin/true")
    link = tmp_path / "therun"
    link.symlink_to(shutil.which(containers.runtime) or "")
    server = await containers.serve("--runtime", str(link))
    await state(server, "installed")
    link.unlink()
    with pytest.raises(Refused, match="therun: No such file or directory"):
        await server.ask(Boot)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--oci", "/nonexistent"), "/nonexistent/config.json: No such file"),
        (("--runtime", "no-such-runtime"), "no OCI runtime: no-such-runtime is"),
        (("--id", "../x"), "letters, digits"),
        (("--console", "mine"), "choose one of own, runtime"),
        (("--exec", "sh"), "can't be given together with"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_refused(
    rundir: str, tmp_path: Path, options: tuple[str, str], why: str
) -> None:
    """
    A server that can't be right does not start, and says why in one line.
    """
    bundle = Bundle(tmp_path / "bundle", "/bin/sh")
    given = [*("--oci", str(bundle.path)), *options]
    words = [twistd(), "-n", "--pidfile=", "zconsole", "--rundir", rundir]
    program = Program([*words, "--zone", "z1", *given]).start()
    assert await program.ends() == 1
    said = (program.output + program.errors).decode()
    assert said.startswith("twistd zconsole: ")
    assert why in said
    assert said.count("\n") == 1


# Who dies.


@pytest.mark.parametrize("console", CONSOLES)
@pytest_twisted.ensureDeferred
async def test_serverKilled(containers: Containers, console: str) -> None:
    """
    A container does not notice that its server was killed and started again; what it
    printed meanwhile is there, and how it ends is known.
    """
    containers.bundle(*COUNTING, terminal=console == "runtime")
    server = await containers.serve()
    peer = await server.arrive(b"life 1\r\n")
    await ready(peer)
    init = containers.init()
    await peer.send(b"echo be''fore; sleep 1; echo mean''while; : >/done\n")
    await peer.until(b"before\r\n")
    await server.kill()
    await until((containers.path / "rootfs" / "done").exists, "the end of the line")
    server = await containers.serve()
    assert containers.init() == init
    await state(server, "running")
    assert b"meanwhile" in await history(server)
    peer = await server.attach()
    await peer.send(b"echo af''ter; exit 5\n")
    await peer.until(b"after\r\n")
    await peer.until(HALTED)
    assert (await life(server, "ended")).endswith("ended: exit status 5")
    containers.gone()
    # And it boots again.
    await server.ask(Boot)
    await peer.until(b"life 2\r\n")


@pytest_twisted.ensureDeferred
async def test_endedMeanwhile(containers: Containers) -> None:
    """
    How a container ended while no server was there is learned by the next one; one
    that rebooted is booted again.
    """
    containers.bundle(*COUNTING)
    server = await containers.serve()
    for words, ended in ((b"exit 6", "exit status 6"), (b"poweroff -f", "powered off")):
        peer = await server.attach()
        await ready(peer)
        init = containers.init()
        await peer.send(b"echo go''ing; sleep 1; %b\n" % (words,))
        await peer.until(b"going\r\n")
        await server.kill()
        await until(lambda init=init: not runs(init), "the container's end")
        server = await containers.serve()
        assert (await life(server, "ended")).endswith(f"ended: {ended}")
        await state(server, "installed")
        containers.gone()
        await server.ask(Boot)
    peer = await server.attach()
    await ready(peer)
    init = containers.init()
    await peer.send(b"echo go''ing; sleep 1; reboot -f\n")
    await peer.until(b"going\r\n")
    await server.kill()
    await until(lambda: not runs(init), "the container's end")
    server = await containers.serve()
    # What is typed before would be refused.
    await state(server, "running")
    peer = await server.attach()
    await ready(peer)
    assert containers.init() != init


@pytest_twisted.ensureDeferred
async def test_shimKilled(containers: Containers) -> None:
    """
    When the shim is killed, its container is removed, and the zone has halted.
    """
    containers.bundle(*COUNTING)
    server = await containers.serve("--grace", "0.5")
    peer = await server.arrive(b"life 1\r\n")
    inside = containers.init()
    os.kill(await shimOf(server), signal.SIGKILL)
    await peer.until(HALTED)
    await until(lambda: not runs(inside), "the container's end")
    containers.gone()
    assert "shim has ended before its container" in server.log
    await server.ask(Boot)
    await peer.until(b"life 2\r\n")


@pytest_twisted.ensureDeferred
async def test_allKilled(containers: Containers, rundir: str) -> None:
    """
    When nobody is left but the container, the next server finds it, says so, removes
    it and boots another one.
    """
    # Its console hangs up, which it does not mind.
    containers.bundle(*COUNTING[:2], COUNTING[2].replace("sh", "sleep 1000"))
    server = await containers.serve("--grace", "0.5")
    await server.printed(b"life 1\r\n")
    first = containers.init()
    doomed = [await shimOf(server), nexusOf(rundir)]
    await server.kill()
    for pid in doomed:
        os.kill(pid, signal.SIGKILL)
    assert runs(first)
    server = await containers.serve("--grace", "0.5")
    await until(lambda: not runs(first), "the old container's end")
    await until(containers.init, "the new one")
    while b"life 2\r\n" not in await history(server):
        await pause(0.02)
    told = f"container '{containers.id}' (running) was left by an earlier life: removed"
    assert server.log.count(told) == 1


@pytest_twisted.ensureDeferred
async def test_notOurs(containers: Containers, tmp_path: Path) -> None:
    """
    A container of the same ID that somebody else has made is left alone.
    """
    bundle = containers.bundle("/bin/sleep", "1000")
    # What it says it says to who knows whom, for the container has it open, too.
    create = '"$@" >/dev/null 2>&1'
    words = (containers.runtime, "create", "--bundle", str(bundle.path), containers.id)
    assert containers.mounts.do("sh", "-c", create, "sh", *words).returncode == 0
    other = containers.init()
    server = await containers.serve()
    await state(server, "installed")
    with pytest.raises(Refused, match="that is not this zone's: choose another ID"):
        await server.ask(Boot)
    await server.end()
    assert containers.init() == other
    assert runs(other)


@pytest_twisted.ensureDeferred
async def test_kept(containers: Containers) -> None:
    """
    A server that leaves its zones leaves containers, too.
    """
    containers.bundle(*COUNTING, terminal=True)
    server = await containers.serve("--on-stop", "keep")
    peer = await server.attach()
    await ready(peer)
    init = containers.init()
    await server.leave()
    assert server.program is not None
    server.program.signal(signal.SIGTERM)
    await server.program.ends()
    assert containers.init() == init
    server = await containers.serve("--grace", "0.2")
    peer = await server.attach()
    await ready(peer)
    await server.end()
    containers.gone()


@pytest_twisted.ensureDeferred
async def test_withoutNexus(containers: Containers) -> None:
    """
    Containers need no nexus, as long as the server lives.
    """
    for terminal in (False, True):
        Bundle(containers.path, *COUNTING, terminal=terminal)
        server = await containers.serve("--grace", "0.2", "--nexus", "none")
        peer = await server.attach()
        await ready(peer)
        await peer.send(b"reboot -f\n")
        await peer.until(b"life 2\r\n")
        await ready(peer)
        await server.end()
        containers.gone()
        shutil.rmtree(containers.path)
