"""
C{twistd zconsole} as a process: how it starts, what it refuses, and that it leaves
nothing behind.
"""

from __future__ import annotations

import grp
import os
import signal
import socket
import stat
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_twisted
from conftest import Twistd, listens
from support import (
    ROOT,
    Doors,
    Program,
    leftovers,
    nexusOf,
    pause,
    runs,
    twistd,
    until,
)
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from zcons_twisted.doors.commands import Event, Halt, Status

Launch = Callable[..., Awaitable[Twistd]]

NOBODY = 65534


def mode(path: str) -> int:
    """
    A file's permissions.
    """
    return stat.S_IMODE(os.lstat(path).st_mode)


async def refused(*options: str) -> str:
    """
    A server that does not start: it says why in one line and nothing else.

    @return: the line.
    """
    program = Program([twistd(), "-n", "--pidfile=", "zconsole", *options]).start()
    try:
        status = await program.ends()
    finally:
        await program.kill()
    assert program.output == b""
    said = program.errors.decode()
    assert status == 1, said
    assert said.endswith("\n") and said.count("\n") == 1, said
    assert said.startswith("twistd zconsole: "), said
    return said.removeprefix("twistd zconsole: ").rstrip("\n")


# Starting and stopping.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest_twisted.ensureDeferred
async def test_stopped(launch: Launch, number: int) -> None:
    """
    SIGTERM and SIGINT end sessions in good order, end what the server runs, and leave
    neither sockets nor links, locks or processes.
    """
    server = await launch(
        *("--zone", "a", "--zone", "b", "--exec", "/bin/sh -c 'sleep 1000 & wait'"),
        *("--zone", "c"),
    )
    peers = [await server.attach(zone=zone) for zone in "abc"]
    silent = await server.connect("a")
    control = await server.control("b")
    assert os.path.islink(server.link("b"))
    session = (await sessionMembers(server))[:2]
    assert len(session) == 2
    await server.end(number)
    # What the server runs is halted first, and its operator sees it.
    assert (await peers[1].rest()).endswith(b"\r\n[NOTICE: Zone halted]\r\n")
    for peer in (peers[0], peers[2], silent):
        await peer.closes()
    await until(lambda: control.transport is None, "end of the control connection")
    assert [pid for pid in session if runs(pid)] == []


async def sessionMembers(server: Twistd) -> list[int]:
    """
    The processes that the server has started, or has had started by its nexus, children
    of children as well.
    """
    nexus = nexusOf(server.rundir)

    def found() -> list[int]:
        mine, known = [], {server.pid, nexus}
        for name in sorted(filter(str.isdecimal, os.listdir("/proc")), key=int):
            try:
                text = Path("/proc", name, "stat").read_text()
            except OSError:
                continue
            if int(text.rpartition(")")[2].split()[1]) in known:
                known.add(int(name))
                mine.append(int(name))
        return mine

    await until(lambda: len(found()) >= 2, "the zone's processes")
    return found()


@pytest_twisted.ensureDeferred
async def test_stoppedWhileOutputWaits(launch: Launch) -> None:
    """
    A server stops in seconds although an operator takes no output, a zone takes no
    input, and a peer says nothing.
    """
    server = await launch()
    zone = await server.zoneSide()
    peer = await server.attach()
    await server.connect()
    await peer.fill(b"x" * 2**20)
    zone.begin("number", 0, 2**20)
    await until(lambda: len(peer.look()) > 0, "some output")
    await server.end()


@pytest_twisted.ensureDeferred
async def test_startedAgain(launch: Launch) -> None:
    """
    What is stopped can be started again at the same place.
    """
    for _ in range(2):
        server = await launch()
        await server.attach()
        await server.leave()
        await server.end()


@pytest_twisted.ensureDeferred
async def test_killedAndStartedAgain(launch: Launch) -> None:
    """
    A server that was killed leaves its sockets, its link and its lock file; the next
    one takes their places.
    """
    server = await launch()
    old = os.readlink(server.link())
    peer = await server.attach()
    await server.kill()
    assert await peer.rest() == b""
    assert os.path.exists(server.path("console_sock"))
    assert os.path.islink(server.link())
    following = await launch()
    zone = await following.zoneSide()
    assert await zone.do("target", following.link()) == [
        os.readlink(following.link()),
        True,
    ]
    operator = await following.attach()
    await zone.prints(b"after %b" % (old.encode(),))
    await operator.expect(b"after %b" % (old.encode(),))


@pytest_twisted.ensureDeferred
async def test_twoServersForOneZone(launch: Launch) -> None:
    """
    A second server for a zone is refused in one line that names the first, which
    does not notice.
    """
    server = await launch("--zone", "a", "--zone", "b")
    zone = await server.zoneSide("b")
    peer = await server.attach(zone="b")
    said = await refused("--rundir", server.rundir, "--zone", "c", "--zone", "b")
    assert "'b'" in said
    assert f"process {server.pid}" in said
    assert not os.path.exists(server.path("console_sock", "c"))
    await zone.prints(b"untouched")
    await peer.expect(b"untouched")


@pytest_twisted.ensureDeferred
async def test_otherZonesInOneDirectory(launch: Launch) -> None:
    """
    Two servers share a run directory, each with its zones, and one that stops takes
    nothing of the other's.
    """
    first = await launch("--zone", "a")
    second = await launch("--zone", "b")
    second.program.signal(signal.SIGTERM)
    await second.program.ends()
    assert not os.path.exists(second.path("console_sock", "b"))
    assert sorted(os.listdir(os.path.join(first.rundir, "zcons"))) == ["a"]
    zone = await first.zoneSide("a")
    await zone.prints(b"still")
    await first.attach(zone="a")
    await first.end()


@pytest_twisted.ensureDeferred
async def test_daemon(launch: Launch, rundir: str) -> None:
    """
    Without C{-n} it becomes a daemon with a pid file and a log, and leaves nothing but
    the log when it is stopped.
    """
    base = os.path.dirname(rundir)
    pidfile = os.path.join(base, "pid")
    log = os.path.join(base, "log")
    starter = Program(
        [
            *(twistd(), "--pidfile", pidfile, "--logfile", log, "zconsole"),
            *("--rundir", rundir, "--zone", "z1", "--exec", "/bin/cat"),
        ]
    ).start()
    pid = None
    doors = Doors(rundir)
    try:
        assert await starter.ends() == 0, starter.errors
        await until(lambda: os.path.exists(pidfile), "pid file")
        pid = int(Path(pidfile).read_text())
        await until(lambda: listens(doors.path("control_sock")), "its socket")
        status = await doors.ask(Status)
        assert status["serverPid"] == pid
        peer = await doors.attach()
        await peer.send(b"hello\n")
        await peer.until(b"hello\r\nhello\r\n")
        # Nothing is held open that the one who started it waits for.
        await until(lambda: starter.status is not None, "its starter")
        await doors.leave()
        os.kill(pid, signal.SIGTERM)
        await until(lambda: not runs(pid), "its end")
    finally:
        await doors.leave()
        await starter.kill()
        if pid is not None and runs(pid):
            os.kill(pid, signal.SIGKILL)
    assert leftovers(rundir) == []
    assert not os.path.exists(pidfile)
    assert "Traceback" not in Path(log).read_text()


# Options.


@pytest_twisted.ensureDeferred
async def test_zonesWithTheirOptions(launch: Launch) -> None:
    """
    What follows a C{--zone} is that zone's, and what comes before the first is for all
    that do not say otherwise.
    """
    server = await launch(
        *("--exec", "/bin/echo for all", "--on-halt", "stay", "--respawn", "never"),
        *("--zone", "a"),
        *("--zone", "b", "--exec", "/bin/cat"),
        *("--zone", "c", "--respawn", "always", "--grace", "0.5"),
        *("--zone", "d", "--exec", "/bin/cat", "--on-halt", "exit"),
    )
    told = {zone: await server.ask(Status, zone) for zone in "abcd"}
    assert {status["driver"] for status in told.values()} == {"exec"}
    onHalt = {zone: status["onHalt"] for zone, status in told.items()}
    assert onHalt == {"a": "stay", "b": "stay", "c": "stay", "d": "exit"}
    states = {zone: status["state"] for zone, status in told.items()}
    assert states["b"] in ("ready", "running")
    for zone, status in told.items():
        assert status["zone"] == zone
        assert status["device"] == server.link(zone)
        assert status["deviceState"] == "open"
    peer = await server.attach(zone="b")
    await peer.send(b"mine\n")
    await peer.until(b"mine\r\nmine\r\n")
    again = await server.attach(zone="c")
    await again.until(b"\r\n[NOTICE: Zone rebooting]\r\n")


@pytest_twisted.ensureDeferred
async def test_driverOfEach(launch: Launch) -> None:
    """
    A zone has the exec driver if it has a command, and else the pty driver.
    """
    server = await launch("--zone", "a", "--zone", "b", "--exec", "/bin/cat")
    assert (await server.ask(Status, "a"))["driver"] == "pty"
    assert (await server.ask(Status, "b"))["driver"] == "exec"


BAD = {
    "no zone": ([], "--zone"),
    "empty zone": (["--zone", ""], "empty"),
    "slash": (["--zone", "a/b"], "'a/b'"),
    "dots": (["--zone", ".."], "'..'"),
    "dash": (["--zone", "_a"], "'_a'"),
    "newline": (["--zone", "a\nb"], "a\\nb"),
    "not ascii": (["--zone", "zöne"], "not allowed"),
    "too long": (["--zone", "x" * 64], "64"),
    "global": (["--zone", "global"], "global"),
    "twice": (["--zone", "a", "--zone", "a"], "twice"),
    "driver": (["--zone", "a", "--driver", "floppy"], "floppy"),
    "exec without command": (["--zone", "a", "--driver", "exec"], "--exec"),
    "pty with command": (
        ["--zone", "a", "--driver", "pty", "--exec", "cat"],
        "pty",
    ),
    "pty with a command for all": (
        ["--exec", "cat", "--zone", "a", "--driver", "pty"],
        "pty",
    ),
    "empty command": (["--zone", "a", "--exec", ""], "--exec"),
    "quotation": (["--zone", "a", "--exec", "echo 'a"], "quotation"),
    "respawn": (["--zone", "a", "--exec", "cat", "--respawn", "maybe"], "maybe"),
    "respawn without command": (["--zone", "a", "--respawn", "always"], "--exec"),
    "grace": (["--zone", "a", "--exec", "cat", "--grace", "soon"], "soon"),
    "negative grace": (["--zone", "a", "--exec", "cat", "--grace", "-1"], "-1"),
    "nan": (["--zone", "a", "--exec", "cat", "--grace", "nan"], "nan"),
    "long grace": (["--zone", "a", "--exec", "cat", "--grace", "1e9"], "1e9"),
    "on-halt": (["--zone", "a", "--on-halt", "explode"], "explode"),
    "group": (["--group", "no-such-group", "--zone", "a"], "no-such-group"),
    "unknown option": (["--zone", "a", "--colour", "red"], "colour"),
    "missing argument": (["--zone"], "zone"),
    "stray word": (["--zone", "a", "b"], "'b'"),
}


@pytest.mark.parametrize("what", BAD)
@pytest_twisted.ensureDeferred
async def test_badOption(rundir: str, what: str) -> None:
    """
    A bad option gets one clear line and exit status 1, and nothing is made.
    """
    options, named = BAD[what]
    assert named in await refused("--rundir", rundir, *options)
    assert not os.path.exists(rundir)


@pytest_twisted.ensureDeferred
async def test_noRunDirectory(rundir: str) -> None:
    """
    A user without a runtime directory is asked for one.
    """
    said = await refusedAs(NOBODY, ["--zone", "a"])
    assert "XDG_RUNTIME_DIR" in said and "--rundir" in said


#: Python itself may be where only root can read, so files are opened as before.
AS_ANOTHER_USER = """
import ctypes, os, sys
os.environ.pop("XDG_RUNTIME_DIR", None)
if os.geteuid() == 0:
    os.seteuid(int(sys.argv[1]))
    ctypes.CDLL(None).setfsuid(0)
from twisted.scripts.twistd import run
sys.argv = ["twistd", "-n", "--pidfile=", "zconsole", *sys.argv[2:]]
run()
"""


async def refusedAs(uid: int, options: list[str]) -> str:
    """
    The same for another user, if we are root, who has nothing in the environment.
    """
    program = Program([sys.executable, "-c", AS_ANOTHER_USER, str(uid), *options])
    program.start()
    try:
        status = await program.ends()
    finally:
        await program.kill()
    said = program.errors.decode()
    assert status == 1 and said.count("\n") == 1, said
    return said


@pytest_twisted.ensureDeferred
async def test_longRunDirectory(rundir: str) -> None:
    """
    A socket's path that does not fit is refused before anything is made.
    """
    long = os.path.join(os.path.dirname(rundir), "d" * 90)
    said = await refused("--rundir", long, "--zone", "zone")
    assert "107" in said
    assert not os.path.exists(long)


# The run directory.


@pytest_twisted.ensureDeferred
async def test_permissions(launch: Launch) -> None:
    """
    The run directory is made for its owner alone, and so are the sockets.
    """
    server = await launch()
    assert mode(server.rundir) == 0o700
    assert mode(server.path("console_sock")) == 0o600
    assert mode(server.path("control_sock")) == 0o600


@pytest.mark.skipif(not ROOT, reason="only root may give a file to any group")
@pytest_twisted.ensureDeferred
async def test_groupPermissions(launch: Launch) -> None:
    """
    With C{--group} that group may come in, and nobody else.
    """
    group = grp.getgrgid(1)
    server = await launch("--group", group.gr_name, "--zone", "z1")
    assert mode(server.rundir) == 0o750
    for path in (
        server.rundir,
        server.path("console_sock"),
        server.path("control_sock"),
    ):
        assert os.lstat(path).st_gid == 1
    assert mode(server.path("console_sock")) == 0o660
    assert mode(server.path("control_sock")) == 0o660


@pytest.mark.parametrize("suffix", ["console_sock", "control_sock"])
@pytest_twisted.ensureDeferred
async def test_permissionsFromTheFirstInstant(
    launch: Launch, rundir: str, suffix: str
) -> None:
    """
    A socket is never there with more permissions than it is to have, whatever the
    umask.
    """
    seen = set()
    path = os.path.join(rundir, f"z1.{suffix}")
    umask = os.umask(0)
    try:
        starting = Deferred.fromCoroutine(launch())
        end = reactor.seconds() + 10

        def look() -> bool:
            try:
                seen.add(mode(path))
            except FileNotFoundError:
                return False
            return True

        # As often as we can, and longer than it takes to come up.
        while not look() and reactor.seconds() < end:
            await pause(0)
        for _ in range(1000):
            look()
        await starting
    finally:
        os.umask(umask)
    look()
    assert seen == {0o600}


@pytest.mark.parametrize("bits", [0o770, 0o707, 0o777, 0o1777])
@pytest_twisted.ensureDeferred
async def test_writableRunDirectory(rundir: str, bits: int) -> None:
    """
    A run directory that others may write to is refused and left as it is.
    """
    os.mkdir(rundir)
    os.chmod(rundir, bits)
    said = await refused("--rundir", rundir, "--zone", "a")
    assert rundir in said and "written by others" in said
    assert mode(rundir) == bits
    assert leftovers(rundir) == []


@pytest.mark.skipif(not ROOT, reason="only root may give a directory away")
@pytest_twisted.ensureDeferred
async def test_foreignRunDirectory(rundir: str) -> None:
    """
    A run directory that belongs to another user is refused.
    """
    os.mkdir(rundir, 0o700)
    os.chown(rundir, NOBODY, -1)
    said = await refused("--rundir", rundir, "--zone", "a")
    assert rundir in said and str(NOBODY) in said
    assert leftovers(rundir) == []


@pytest.mark.parametrize("what", ["file", "dangling link", "below a file"])
@pytest_twisted.ensureDeferred
async def test_noDirectory(rundir: str, what: str) -> None:
    """
    A run directory that can't be one is refused.
    """
    if what == "dangling link":
        os.symlink("/nonexistent/there", rundir)
    else:
        Path(rundir).write_text("")
    path = os.path.join(rundir, "below") if what == "below a file" else rundir
    said = await refused("--rundir", path, "--zone", "a")
    assert path in said


@pytest_twisted.ensureDeferred
async def test_readableRunDirectory(launch: Launch, rundir: str) -> None:
    """
    One that others may look into is used as it is: the sockets keep them out.
    """
    os.mkdir(rundir, 0o755)
    server = await launch()
    assert mode(rundir) == 0o755
    assert mode(server.path("console_sock")) == 0o600


@pytest.fixture
def squatter(rundir: str) -> Iterator[str]:
    """
    Somebody else's socket where the console's would be, being listened on.
    """
    os.mkdir(rundir, 0o700)
    path = os.path.join(rundir, "z1.console_sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(path)
        listening.listen()
        yield path


@pytest_twisted.ensureDeferred
async def test_socketOfSomebodyElse(rundir: str, squatter: str) -> None:
    """
    A socket that somebody listens on is not taken away, and the server is refused.
    """
    said = await refused("--rundir", rundir, "--zone", "z1")
    assert "'z1'" in said
    assert leftovers(rundir) == ["z1.console_sock"]
    assert listens(squatter)


@pytest_twisted.ensureDeferred
async def test_quiet(launch: Launch) -> None:
    """
    The log of a start says what an operator may want to know, and nothing of the
    server's own insides.
    """
    server = await launch("--zone", "z1", "--exec", "/bin/cat")
    await server.end()
    assert " object at 0x" not in server.log


# When the zone is down.


@pytest_twisted.ensureDeferred
async def test_onHaltExit(launch: Launch) -> None:
    """
    With C{--on-halt exit} the server ends when the zone is down and nobody is
    attached, and leaves nothing.
    """
    server = await launch("--zone", "z1", "--on-halt", "exit")
    await server.ask(Event, name="booting")
    peer = await server.attach()
    await server.ask(Event, name="halted")
    await peer.until(b"[NOTICE: Zone halted]\r\n")
    assert (await server.ask(Status))["state"] == "installed"
    assert server.program.status is None
    peer.close()
    assert await server.program.ends() == 0
    server.clean()


@pytest_twisted.ensureDeferred
async def test_onHaltExitNotBeforeOneLap(launch: Launch) -> None:
    """
    A server that was started for a zone that is down waits for somebody to come or
    for something to happen first.
    """
    server = await launch("--zone", "z1", "--on-halt", "exit")
    assert (await server.ask(Status))["state"] == "installed"
    malformed = await server.connect()
    await malformed.send(b"what?\n")
    await malformed.closes()
    await pause(0.3)
    assert server.program.status is None
    peer = await server.attach()
    peer.close()
    assert await server.program.ends() == 0
    server.clean()


@pytest_twisted.ensureDeferred
async def test_onHaltExitAfterEvent(launch: Launch) -> None:
    """
    An event that nobody is attached for makes the server look at the zone's state.
    """
    server = await launch("--zone", "z1", "--on-halt", "exit")
    await server.ask(Event, name="booting")
    assert server.program.status is None
    await server.ask(Event, name="readied")
    await server.ask(Event, name="halted")
    assert await server.program.ends() == 0
    server.clean()


@pytest_twisted.ensureDeferred
async def test_onHaltExitLastZone(launch: Launch) -> None:
    """
    The server of several zones ends with the last of them; the others are served.
    """
    server = await launch("--on-halt", "exit", "--zone", "a", "--zone", "b")
    await server.ask(Event, "a", name="halted")
    await until(lambda: not os.path.lexists(server.link("a")), "a's end")
    assert not os.path.exists(server.path("console_sock", "a"))
    zone = await server.zoneSide("b")
    peer = await server.attach(zone="b")
    await zone.prints(b"b lives")
    await peer.expect(b"b lives")
    await server.ask(Event, "b", name="uninstalling")
    await peer.until(b"[NOTICE: Zone is being uninstalled.  Disconnecting...]\r\n")
    await peer.closes()
    assert await server.program.ends() == 0
    server.clean()


@pytest_twisted.ensureDeferred
async def test_onHaltExitWithCommand(launch: Launch) -> None:
    """
    For a command as well: it ends by itself, and so does the server.
    """
    server = await launch(
        *("--zone", "z1", "--on-halt", "exit", "--exec", "/bin/sh -c 'read x'")
    )
    zone = await server.attach(b"IDENT 1 C 1\n")
    await zone.send(b"\n")
    await zone.until(b"[NOTICE: Zone halted.  Disconnecting...]\r\n")
    await zone.closes()
    assert await server.program.ends() == 0
    server.clean()


@pytest_twisted.ensureDeferred
async def test_onHaltStay(launch: Launch) -> None:
    """
    With C{--on-halt stay} the console is there whatever happens to the zone.
    """
    server = await launch("--zone", "z1", "--exec", "/bin/cat", "--on-halt", "stay")
    await server.ask(Halt)
    (await server.attach()).close()
    for name in ("halted", "uninstalling"):
        await server.ask(Event, name=name)
    await server.attach()
    assert server.program.status is None
