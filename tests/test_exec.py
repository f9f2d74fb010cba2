"""
A zone that is a command: a real shell on a real terminal, from boot to halt.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import pytest_twisted
from conftest import Twistd
from structured_peer import structured
from support import ROOT, Peer, pause, runs
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
from zcons_twisted.frames import FrameType

Launch = Callable[..., Awaitable[Twistd]]

SHELL = "/bin/sh -i"

BOOTING = b"\r\n[NOTICE: Zone booting up]\r\n"
HALTED = b"\r\n[NOTICE: Zone halted]\r\n"
REBOOTING = b"\r\n[NOTICE: Zone rebooting]\r\n"
BOOT_FAILED = b"\r\n[NOTICE: Zone boot failed]\r\n"

AGETTY = shutil.which("agetty") or shutil.which("/sbin/agetty")


def command(*words: str) -> str:
    """
    Words as C{--exec} takes them.
    """
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)


def shell(script: str) -> str:
    """
    A command that is a shell script.
    """
    return command("/bin/sh", "-c", script)


async def sh(launch: Launch, *options: str) -> tuple[Twistd, Peer]:
    """
    A zone that is a shell, and an operator who has a quiet prompt.
    """
    server = await launch("--zone", "z1", "--exec", SHELL, *options)
    peer = await server.attach()
    await ready(peer)
    return server, peer


async def ready(peer: Peer) -> None:
    """
    The shell has read what was typed, and says so in words that were not typed.
    """
    await peer.send(b"PS1=; stty -echo; echo re''ady\n")
    await peer.until(b"ready\r\n")


async def ask(peer: Peer, line: bytes) -> bytes:
    """
    What a line typed at the shell prints.
    """
    await peer.send(b"%b; echo do''ne\n" % (line,))
    return (await peer.until(b"done\r\n")).removesuffix(b"done\r\n")


async def state(server: Twistd, wanted: str) -> None:
    """
    Wait for the zone to be in some state.
    """
    end = reactor.seconds() + 30
    while (found := (await server.ask(Status))["state"]) != wanted:
        assert reactor.seconds() < end, found
        await pause(0.01)


# A shell.


@pytest_twisted.ensureDeferred
async def test_typeAndSee(launch: Launch) -> None:
    """
    Somebody attaches, types, sees what is typed and what it prints.
    """
    server = await launch("--zone", "z1", "--exec", SHELL)
    peer = await server.attach()
    await peer.send(b"echo $((6 * 7))\n")
    await peer.until(b"echo $((6 * 7))\r\n")
    await peer.until(b"42\r\n")


@pytest_twisted.ensureDeferred
async def test_leaveAndComeBack(launch: Launch) -> None:
    """
    Somebody leaves and comes back; the shell is where it was.
    """
    server, peer = await sh(launch)
    await ask(peer, b"cd /usr; where=there; sleep 1000 & true")
    peer.close()
    peer = await server.attach()
    assert await ask(peer, b"echo $where $PWD") == b"there /usr\r\n"


@pytest_twisted.ensureDeferred
async def test_terminal(launch: Launch) -> None:
    """
    The console is the shell's terminal and controlling terminal.
    """
    server, peer = await sh(launch)
    link = os.readlink(server.link()).encode()
    assert await ask(peer, b"tty") == link + b"\r\n"
    assert await ask(peer, b"sh -c 'echo again >/dev/tty'") == b"again\r\n"
    stat = await ask(peer, b"cat /proc/$$/stat")
    words = stat.rpartition(b")")[2].split()
    pid = int(stat.split()[0])
    # Session, and the process group in the foreground, which is cat's.
    assert int(words[3]) == pid
    assert int(words[5]) != -1
    assert await ask(peer, b"stty size") == b"24 80\r\n"


@pytest_twisted.ensureDeferred
async def test_interrupt(launch: Launch) -> None:
    """
    ^C interrupts what runs and nothing else; ^Z stops it, fg lets it go on.
    """
    _, peer = await sh(launch)
    await ask(peer, b"set -m; trap : INT")
    await peer.send(b"echo go''ing; sleep 1000; echo status $?\n")
    await peer.until(b"going\r\n")
    await pause(0.2)
    await peer.send(b"\x03")
    await peer.until(b"status 130\r\n")
    await peer.send(b"cat\n")
    await pause(0.2)
    await peer.send(b"\x1a")
    await peer.until(b"Stopped")
    assert b"cat" in await ask(peer, b"jobs")
    await peer.send(b"fg\nonce more\n")
    await peer.until(b"once more\r\n")
    await peer.send(b"\x04")
    assert await ask(peer, b"echo still here") == b"still here\r\n"


@pytest_twisted.ensureDeferred
async def test_jobControl(launch: Launch) -> None:
    """
    The shell has no complaint about job control.
    """
    server = await launch("--zone", "z1", "--exec", "/bin/bash --norc --noprofile -i")
    peer = await server.attach()
    await peer.send(b"set -m && echo job'' control $?\n")
    said = await peer.until(b"job control 0\r\n")
    assert b"no job control" not in said
    assert b"Inappropriate ioctl" not in said


@pytest_twisted.ensureDeferred
async def test_environment(launch: Launch) -> None:
    """
    The command is told its zone's name, and gets nothing of the server's descriptors
    or ignored signals.
    """
    _, peer = await sh(launch)
    assert await ask(peer, b'echo "<$ZONENAME> <$ZONE_BOOT_ARGS>"') == b"<z1> <>\r\n"
    assert await ask(peer, b"ls /proc/$$/fd | tr '\\n' ' '") in (
        b"0 1 2 \r\n",
        b"0 1 2 ",
        # Shells keep the terminal open for job control.
        b"0 1 10 2 ",
        b"0 1 2 255 ",
    )
    ignored = await ask(peer, b"grep SigIgn /proc/self/status")
    # No SIGPIPE, SIGHUP or SIGINT.
    assert int(ignored.split()[1], 16) & 0x1003 == 0


@pytest_twisted.ensureDeferred
async def test_bulk(launch: Launch) -> None:
    """
    A large output of a command comes whole, with the terminal's line ends.
    """
    _, peer = await sh(launch)
    expected = b"".join(b"%d\r\n" % (n,) for n in range(1, 100_001))
    assert await ask(peer, b"seq 1 100000") == expected


# How it ends.


@pytest_twisted.ensureDeferred
async def test_exit(launch: Launch) -> None:
    """
    When the shell exits the zone has halted, and the console stays.
    """
    server, peer = await sh(launch)
    await peer.send(b"exit\n")
    await peer.until(HALTED)
    assert (await server.ask(Status))["state"] == "installed"
    assert "zone booted" in (await server.ask(Boot))["message"]
    await peer.expect(BOOTING)
    await ready(peer)


@pytest.mark.parametrize("flag", [0, 1], ids=["plain", "d"])
@pytest_twisted.ensureDeferred
async def test_lastWords(launch: Launch, flag: int) -> None:
    """
    All that the zone printed comes before the notice that it has halted, and nothing
    of it is lost when that ends the session.
    """
    server = await launch("--zone", "z1", "--exec", shell("read x; seq 1 50000"))
    for _ in range(3):
        peer = await server.attach(b"IDENT 1 C %d\n" % (flag,))
        await peer.send(b"\n")
        got = await peer.until(b"[NOTICE: Zone halted")
        numbers = re.findall(rb"^(\d+)\r$", got, re.MULTILINE)
        assert [int(n) for n in numbers] == list(range(1, 50001))
        peer.close()
        await server.ask(Boot)


@pytest.mark.parametrize(
    ("policy", "script", "again"),
    [
        ("never", "exit 0", False),
        ("never", "exit 1", False),
        ("on-failure", "exit 0", False),
        ("on-failure", "exit 3", True),
        ("on-failure", "kill -9 $$", True),
        ("always", "exit 0", True),
        ("always", "exit 1", True),
    ],
)
@pytest_twisted.ensureDeferred
async def test_respawn(launch: Launch, policy: str, script: str, again: bool) -> None:
    """
    What ends by itself is started again as C{--respawn} says, with a notice.
    """
    server = await launch(
        *("--zone", "z1", "--respawn", policy),
        *("--exec", shell(f"echo life $$; read x; {script}")),
    )
    peer = await server.attach()
    await peer.send(b"\n")
    if not again:
        await peer.until(HALTED)
        assert (await server.ask(Status))["state"] == "installed"
        return
    await peer.until(REBOOTING)
    first = await peer.until(b"\r\n")
    assert first.startswith(b"life ")
    await peer.send(b"\n")
    await peer.until(REBOOTING)
    assert await peer.until(b"\r\n") != first


@pytest_twisted.ensureDeferred
async def test_respawnWaits(launch: Launch) -> None:
    """
    A command that ends at once does not keep the machine busy: each start waits
    longer than the one before.
    """
    server = await launch(
        *("--zone", "z1", "--respawn", "always", "--exec", shell("echo life"))
    )
    peer = await server.attach()
    times = []
    for _ in range(4):
        await peer.until(REBOOTING)
        times.append(reactor.seconds())
    # The third wait is a second, less a quarter at most.
    assert times[-1] - times[-2] > 0.7
    assert (await server.ask(Status))["state"] in ("down", "ready", "running")
    await server.ask(Halt)
    await state(server, "installed")
    await pause(1.5)
    assert (await server.ask(Status))["state"] == "installed"


@pytest_twisted.ensureDeferred
async def test_haltedStaysDown(launch: Launch) -> None:
    """
    A zone that was halted stays down whatever C{--respawn} says, until it is booted.
    """
    server, peer = await sh(launch, "--respawn", "always")
    assert "halted" in (await server.ask(Halt))["message"]
    await peer.until(HALTED)
    assert "already halted" in (await server.ask(Halt))["message"]
    with pytest.raises(Refused, match="reboot operation is invalid"):
        await server.ask(Reboot)
    await pause(0.7)
    assert (await server.ask(Status))["state"] == "installed"
    await server.ask(Boot)
    await peer.expect(BOOTING)
    await ready(peer)
    assert "already booted" in (await server.ask(Boot))["message"]


@pytest_twisted.ensureDeferred
async def test_haltStubborn(launch: Launch) -> None:
    """
    A command that ignores SIGHUP and SIGTERM is killed when its grace is over, with
    all that it has started.
    """
    stubborn = shell("trap '' HUP TERM INT; sleep 1000 & echo up $$ $!; wait; wait")
    server = await launch("--zone", "z1", "--exec", stubborn, "--grace", "0.5")
    await state(server, "running")
    peer = await server.attach()
    await server.ask(Reboot)
    line = (await peer.until(b"up ")) + await peer.until(b"\r\n")
    pids = [int(pid) for pid in line.split()[-2:]]
    assert all(map(runs, pids))
    before = reactor.seconds()
    await server.ask(Halt)
    assert reactor.seconds() - before >= 0.5
    assert not any(map(runs, pids))
    await peer.until(HALTED)


@pytest_twisted.ensureDeferred
async def test_shutdown(launch: Launch) -> None:
    """
    A command that is asked to go down goes in its own time, and stays down; nothing is
    told until then.
    """
    traps = "trap 'sleep 1.5; echo done; exit 3' TERM; trap '' HUP"
    slow = shell(f"{traps}; echo up; read x")
    server = await launch(
        *("--zone", "z1", "--exec", slow, "--grace", "0", "--respawn", "always")
    )
    # Before it has said so, it would go at once.
    while (await server.ask(Status))["printedAt"] is None:
        await pause(0.01)
    peer = await server.attach()
    before = reactor.seconds()
    assert (await server.ask(Shutdown))["message"] == "zone halted"
    assert reactor.seconds() - before >= 1.5
    await peer.expect(b"done\r\n" + HALTED)
    status = await server.ask(Status)
    assert status["state"] == "installed"
    assert status["life"].endswith("ended: exit status 3")
    assert (await server.ask(Shutdown))["message"] == "zone is already halted"


@pytest_twisted.ensureDeferred
async def test_cannotBeReady(launch: Launch) -> None:
    """
    A command can't be there without running.
    """
    server = await launch("--zone", "z1", "--exec", "cat")
    with pytest.raises(Refused, match="can't be made ready without running"):
        await server.ask(Ready)


@pytest_twisted.ensureDeferred
async def test_backgroundJobs(launch: Launch) -> None:
    """
    After a halt nothing of the zone's session runs, whatever process group it is in and
    however it ignores a hang-up.
    """
    server, peer = await sh(launch, "--grace", "0.5")
    await ask(peer, b"set -m")
    said = await ask(peer, b"sleep 1000 & echo pid $!; nohup sleep 1001 & echo pid $!")
    said += await ask(peer, b"(trap '' TERM HUP; sleep 1002) & echo pid $!")
    pids = [int(pid) for pid in re.findall(rb"pid (\d+)", said)]
    assert len(pids) == 3
    assert all(map(runs, pids))
    await server.ask(Halt)
    assert [pid for pid in pids if runs(pid)] == []
    await peer.until(HALTED)


@pytest_twisted.ensureDeferred
async def test_backgroundJobsAfterExit(launch: Launch) -> None:
    """
    The same when the shell exits by itself.
    """
    _, peer = await sh(launch, "--grace", "0.5")
    said = await ask(peer, b"nohup sleep 1000 & echo pid $!")
    pid = int(re.findall(rb"pid (\d+)", said)[0])
    await peer.send(b"exit\n")
    await peer.until(HALTED)
    assert not runs(pid)


@pytest_twisted.ensureDeferred
async def test_reboot(launch: Launch) -> None:
    """
    A reboot ends all that runs and starts the command again; the session goes on.
    """
    server, peer = await sh(launch)
    pid = int(await ask(peer, b"echo $$"))
    message = (await server.ask(Reboot))["message"]
    assert "booted" in message
    assert not runs(pid)
    await peer.until(REBOOTING)
    await ready(peer)
    assert int(await ask(peer, b"echo $$")) != pid


@pytest_twisted.ensureDeferred
async def test_bootArguments(launch: Launch) -> None:
    """
    Boot arguments are told in the notice and in the zone's environment, for the one
    boot that they were given for.
    """
    server, peer = await sh(launch)
    await server.ask(Reboot, bootArguments="-s 'a b' $HOME")
    await peer.until(b"\r\n[NOTICE: Zone rebooting with arguments: -s 'a b' $HOME]\r\n")
    await ready(peer)
    assert await ask(peer, b'echo "<$ZONE_BOOT_ARGS>"') == b"<-s 'a b' $HOME>\r\n"
    await server.ask(Halt)
    await peer.until(HALTED)
    await server.ask(Boot, bootArguments="-v")
    await peer.expect(b"\r\n[NOTICE: Zone booting up with arguments: -v]\r\n")
    await ready(peer)
    assert await ask(peer, b'echo "<$ZONE_BOOT_ARGS>"') == b"<-v>\r\n"
    await server.ask(Reboot)
    await peer.until(REBOOTING)
    await ready(peer)
    assert await ask(peer, b'echo "<$ZONE_BOOT_ARGS>"') == b"<>\r\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("/nonexistent/command", "No such file or directory"),
        ("no-such-command-anywhere", "No such file or directory"),
        ("/etc/passwd", "Permission denied"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_bootFailed(launch: Launch, words: str, why: str) -> None:
    """
    A command that can't be run is told in a notice, and why it can't in the answer.
    """
    server = await launch("--zone", "z1", "--exec", words)
    await state(server, "installed")
    peer = await server.attach()
    with pytest.raises(Refused, match=why) as refused:
        await server.ask(Boot)
    assert "\n" not in str(refused.value)
    await peer.expect(BOOTING)
    await peer.expect(BOOT_FAILED)
    assert (await server.ask(Status))["state"] == "installed"
    # The session goes on.
    with pytest.raises(Refused):
        await server.ask(Boot)
    await peer.expect(BOOTING + BOOT_FAILED)


@pytest_twisted.ensureDeferred
async def test_term(launch: Launch) -> None:
    """
    Under a service manager, whose environment has no C{TERM}, a command has one.
    """
    echo = shell("echo type $TERM; read x")
    words = ("--zone", "z1", "--exec", echo, "--zone", "z2", "--exec", echo)
    server = await launch(*words, "--term", "linux", env={"TERM": ""})
    for zone, term in (("z1", "vt100"), ("z2", "linux")):
        peer = await server.connect(zone)
        await peer.send(b'ATTACH {"start": "all"}\n')
        await peer.until(f"type {term}\r\n".encode())


@pytest_twisted.ensureDeferred
async def test_reasons(launch: Launch) -> None:
    """
    Structured sessions are told why a zone halted or did not boot, and so is one that
    comes when there is another server; a legacy session is not.
    """
    words = ("--zone", "z1", "--exec", shell("read x; exit 3"))
    first = await launch(*words)
    old = await first.attach()
    watcher = await structured(first, role="watch")
    await old.send(b"\n")
    await old.until(HALTED)
    notice = await watcher.told(FrameType.NOTICE)
    assert notice["arguments"] == "exit status 3"
    assert notice["text"] == "NOTICE: Zone halted: exit status 3"
    await first.end()
    second = await launch(*words[:3], "/nonexistent/command")
    await state(second, "installed")
    late = await structured(second, role="watch", start="all")
    found = [await late.told(FrameType.NOTICE) for _ in range(4)]
    assert [each["text"] for each in found] == [
        "NOTICE: Zone booting up",
        "NOTICE: Zone halted: exit status 3",
        "NOTICE: Zone booting up",
        "NOTICE: Zone boot failed: /nonexistent/command: No such file or directory",
    ]


@pytest_twisted.ensureDeferred
async def test_bootFailedWithFlag(launch: Launch) -> None:
    """
    A session with C{-d} ends then.
    """
    server = await launch("--zone", "z1", "--exec", "/nonexistent/command")
    await state(server, "installed")
    peer = await server.attach(b"IDENT 1 C 1\n")
    with pytest.raises(Refused):
        await server.ask(Boot)
    await peer.expect(BOOTING)
    await peer.expect(b"\r\n[NOTICE: Zone boot failed.  Disconnecting...]\r\n")
    await peer.closes()


@pytest_twisted.ensureDeferred
async def test_stopWhileRespawning(launch: Launch) -> None:
    """
    A server stops in good order also while its zone waits to be started again.
    """
    server = await launch("--zone", "z1", "--exec", "/bin/false", "--respawn", "always")
    await state(server, "down")
    await server.end()


@pytest_twisted.ensureDeferred
async def test_stopWhileZoneIsStubborn(launch: Launch) -> None:
    """
    And kills, after its grace, what does not end.
    """
    stubborn = shell("trap '' HUP TERM INT; echo up $$; while :; do sleep 1; done")
    server = await launch("--zone", "z1", "--exec", stubborn, "--grace", "0.3")
    peer = await server.attach()
    await server.ask(Reboot)
    await peer.until(b"up ")
    pid = int(await peer.until(b"\r\n"))
    await server.end()
    assert not runs(pid)


@pytest_twisted.ensureDeferred
async def test_terminalLeftBehind(launch: Launch) -> None:
    """
    However a zone has left its terminal, the next life begins with a decent one.
    """
    code = (
        "import fcntl, sys, termios, tty; tty.setraw(0);"
        "fcntl.ioctl(0, termios.TIOCEXCL);"
        "sys.stdout.write('left'); sys.stdout.flush();"
        "termios.tcflow(0, termios.TCOOFF)"
    )
    server, peer = await sh(launch)
    await peer.send(command(sys.executable, "-c", code).encode() + b"\n")
    await peer.until(b"left")
    await server.ask(Reboot)
    await peer.until(REBOOTING)
    await ready(peer)
    settings = (await ask(peer, b"stty -a")).replace(b";", b" ").split()
    assert {b"icanon", b"opost", b"icrnl", b"isig", b"ixon"} <= set(settings)


@pytest.mark.skipif(not ROOT, reason="agetty has to be root")
@pytest.mark.skipif(AGETTY is None, reason="there is no agetty")
@pytest_twisted.ensureDeferred
async def test_agetty(launch: Launch) -> None:
    """
    C{agetty}, which hangs its terminal up before it uses it, logs somebody in.
    """
    login = command(str(AGETTY), "-a", "root", "-", "vt100")
    server = await launch("--zone", "z1", "--exec", login, "--respawn", "always")
    peer = await server.attach()
    await peer.until(b"login: root (automatic login)")
    await ready(peer)
    tty = os.readlink(server.link()).encode()
    assert tty + b"\r\n" in await ask(peer, b"tty")
    await peer.send(b"exit\n")
    await peer.until(REBOOTING)
    await peer.until(b"login: root (automatic login)")
    await ready(peer)


# What is typed at a zone that is not there.


@pytest_twisted.ensureDeferred
async def test_typedAtNobody(launch: Launch, tmp_path: Path) -> None:
    """
    What is typed while the zone is down is refused, in words; the next life never
    sees it.
    """
    stale = tmp_path / "stale"
    server = await launch("--zone", "z1", "--exec", SHELL)
    peer = await server.attach()
    await ready(peer)
    await server.ask(Halt)
    await peer.until(HALTED)
    await peer.send(b"touch %s\n" % (bytes(stale),))
    await peer.until(b"\r\n[NOTICE: Zone is down: what is typed reaches nobody]\r\n")
    await server.ask(Boot)
    await ready(peer)
    assert not stale.exists()


@pytest_twisted.ensureDeferred
async def test_unreadAtTheEnd(launch: Launch, tmp_path: Path) -> None:
    """
    What a zone has not read when it ends goes with it, a line that is not finished as
    well; how much it was is told.
    """
    stale = tmp_path / "stale"
    script = f"if [ -e {tmp_path}/second ]; then exec {SHELL}; fi; sleep 1000"
    server = await launch("--zone", "z1", "--exec", shell(script))
    peer = await server.attach()
    await state(server, "running")
    typed = b"touch %s\ntouch " % (bytes(stale),)
    await peer.send(typed)
    await peer.until(b"\r\ntouch ")
    (tmp_path / "second").touch()
    await server.ask(Reboot)
    await peer.until(
        b"Zone ended before it had read the last %d bytes that were typed]"
        % (len(typed),)
    )
    await ready(peer)
    assert not stale.exists()
    assert f"the last {len(typed)} bytes that were typed: they are" in server.log
