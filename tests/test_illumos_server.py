"""
A whole server with the illumos driver, on a library that plays the system and with a
Python that lacks what Pythons on illumos lack.  Nothing else is different: the reactor,
the sockets and the clients are real, and the zone's end of the console is a pty.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import pytest_twisted
from conftest import Twistd
from illumos_support import (
    INCOMPLETE,
    INSTALLED,
    READY,
    RUNNING,
    Illumos,
    compileLibrary,
)
from structured_peer import structured
from support import HERE, ZoneSide, numbered, pause, relays, until

from zcons_twisted.doors.commands import Event, Status
from zcons_twisted.drivers.illumos.states import DOWN_SECONDS
from zcons_twisted.frames import FrameType

Launch = Callable[..., Awaitable[Twistd]]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    The system's libraries.
    """
    return compileLibrary(tmp_path_factory.mktemp("illumos"))


@pytest.fixture
def illumos(library: Path, tmp_path: Path) -> Illumos:
    """
    A system with a zone that is installed.
    """
    return Illumos(library, tmp_path / "illumos")


class Console:
    """
    Starts servers of the zone C{z}.

    @ivar server: the one that was started last.
    """

    server: Twistd

    def __init__(self, illumos: Illumos, launch: Launch) -> None:
        self.illumos = illumos
        self._launch = launch

    async def serve(self, *options: str) -> Twistd:
        """
        Start one, which takes our driver by itself.
        """
        path = [str(HERE / "illumos_python"), os.environ.get("PYTHONPATH", "")]
        env = {**self.illumos.env, "PYTHONPATH": ":".join(filter(None, path))}
        self.server = await self._launch("--zone", "z", *options, env=env)
        return self.server

    async def zoneSide(self) -> ZoneSide:
        """
        A process at the zone's side.
        """
        side = ZoneSide(self.illumos.device())
        self.server.run(side.program)
        await side.open()
        return side

    async def status(self, what: str) -> str:
        """
        Something that status tells.
        """
        return str((await self.server.ask(Status, "z"))[what])

    async def ends(self) -> None:
        """
        The server ends by itself.
        """
        assert self.server.program is not None
        assert await self.server.program.ends() == 0, self.server.log


@pytest.fixture
def console(illumos: Illumos, launch: Launch) -> Console:
    """
    Servers of the zone.
    """
    return Console(illumos, launch)


@pytest_twisted.ensureDeferred
async def test_relay(console: Console) -> None:
    """
    The system chooses the driver, and the console works; the manager is opened without
    waiting, and set to give bytes and nothing else.  Who attached is told by
    getpeerucred.
    """
    server = await console.serve()
    await relays(await console.zoneSide(), await server.attach())
    status = await server.ask(Status, "z")
    assert status["driver"] == "zcons"
    assert status["device"] == "/dev/zcons/z/zoneconsole"
    assert status["deviceState"] == "open"
    assert status["onHalt"] == "exit"
    assert status["state"] == "installed"
    (holder,) = status["operator"]
    assert (holder["pid"], holder["uid"]) == (os.getpid(), os.geteuid())
    assert console.illumos.calls()[-2:] == [
        "open(/dev/zcons/z/globalconsole, O_RDWR|O_NONBLOCK|O_NOCTTY) = ok",
        "ioctl(manager, I_SRDOPT, 8) = 0",
    ]


@pytest_twisted.ensureDeferred
async def test_bulk(console: Console) -> None:
    """
    A flood arrives whole and in order, with poll(2) for everything.
    """
    server = await console.serve()
    peer = await server.attach()
    size = 4 * 1024 * 1024
    (await console.zoneSide()).begin("number", 0, size)
    assert await peer.exactly(size) == numbered(size)


@pytest_twisted.ensureDeferred
async def test_sessionsEnd(console: Console) -> None:
    """
    Sessions that end are noticed without an epoll: one that goes, one that closes its
    sending side first and then goes, and one that goes while it is held back because
    the zone does not read.
    """
    console.illumos.zone(RUNNING)
    server = await console.serve()
    await console.zoneSide()

    async def nobody() -> None:
        while (status := await server.ask(Status, "z"))["operator"] or (
            status["watchers"]
        ):
            await pause(0.05)

    (await server.attach()).close()
    await nobody()
    peer = await server.attach()
    peer.halfClose()
    while not (await server.ask(Status, "z"))["watchers"]:
        await pause(0.05)
    peer.close()
    await nobody()
    peer = await server.attach()
    await peer.send(b"x" * 150_000)
    peer.close()
    await nobody()
    # And there is room for the next.
    await server.attach()


@pytest_twisted.ensureDeferred
async def test_history(console: Console) -> None:
    """
    What is printed while nobody is attached is kept over a restart, on a file system
    that promises no room.
    """
    server = await console.serve()
    await (await console.zoneSide()).do("number", 0, 50_000)
    watcher = await structured(server, role="watch", start="all")
    await watcher.to(50_000)
    assert "memory" not in server.log
    await server.leave()
    await server.end()
    server = await console.serve()
    watcher = await structured(server, role="watch", start="all")
    await watcher.to(50_000)


@pytest_twisted.ensureDeferred
async def test_window(console: Console) -> None:
    """
    The zone's terminal gets the size of the operator's.
    """
    server = await console.serve()
    operator = await structured(server, role="operator", rows=50, columns=132)
    await operator.say(FrameType.WINDOW, rows=51, columns=131)
    fd = os.open(console.illumos.device(), os.O_RDWR | os.O_NOCTTY)
    try:

        def size() -> tuple[int, ...]:
            raw = fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8)
            return struct.unpack("4H", raw)[:2]

        await until(lambda: size() == (51, 131), "the zone's terminal has the size")
    finally:
        os.close(fd)


@pytest_twisted.ensureDeferred
async def test_events(console: Console) -> None:
    """
    What happens to the zone is noticed, and its operator is told.
    """
    server = await console.serve()
    peer = await server.attach()
    for state, number, notice in (
        (READY, 1, b"NOTICE: Zone readied"),
        (RUNNING, 1, b"NOTICE: Zone booting up"),
        (RUNNING, 2, b"NOTICE: Zone rebooting"),
        (INSTALLED, 2, b"NOTICE: Zone halted"),
    ):
        console.illumos.zone(state, number)
        await peer.expect(b"\r\n[%s]\r\n" % notice)


@pytest_twisted.ensureDeferred
async def test_postedEvent(console: Console) -> None:
    """
    An event that somebody posts, who knows more of it, is not told a second time.
    """
    server = await console.serve()
    peer = await server.attach()
    await server.ask(Event, "z", name="booting", bootArguments="-v")
    await peer.expect(b"\r\n[NOTICE: Zone booting up with arguments: -v]\r\n")
    console.illumos.zone(RUNNING)
    # Longer than it takes to notice.
    await pause(2.5)
    assert await console.status("state") == "running"
    console.illumos.zone(INSTALLED)
    await peer.expect(b"\r\n[NOTICE: Zone halted]\r\n")


@pytest_twisted.ensureDeferred
async def test_disconnect(console: Console) -> None:
    """
    Who asked for it is let go when the zone halts.
    """
    console.illumos.zone(RUNNING)
    server = await console.serve()
    peer = await server.attach(b"IDENT 1 C 1\n")
    console.illumos.zone(INSTALLED)
    assert await peer.rest() == b"\r\n[NOTICE: Zone halted.  Disconnecting...]\r\n"


@pytest_twisted.ensureDeferred
async def test_uninstall(console: Console) -> None:
    """
    An uninstallation ends every session, and then the server, which takes its device
    with it.
    """
    server = await console.serve()
    peer = await server.attach()
    console.illumos.zone(INCOMPLETE)
    rest = await peer.rest()
    assert b"[NOTICE: Zone is being uninstalled.  Disconnecting...]" in rest
    await console.ends()
    assert console.illumos.nodes() == {}


@pytest_twisted.ensureDeferred
async def test_halt(console: Console) -> None:
    """
    When the zone is down and nobody is attached the server ends, as zoneadmd does, but
    not while the zone may only be rebooting.
    """
    console.illumos.zone(RUNNING, 1)
    server = await console.serve()
    console.illumos.zone(INSTALLED)
    await pause(DOWN_SECONDS / 2)
    assert await console.status("state") == "down"
    console.illumos.zone(RUNNING, 2)
    await pause(DOWN_SECONDS)
    assert await console.status("state") == "running"
    console.illumos.zone(INSTALLED)
    await console.ends()
    assert "console ends" in server.log
    assert console.illumos.nodes() == {}


@pytest_twisted.ensureDeferred
async def test_stay(console: Console) -> None:
    """
    It stays where it is told to.
    """
    console.illumos.zone(RUNNING)
    server = await console.serve("--on-halt", "stay")
    console.illumos.zone(INSTALLED)
    await pause(DOWN_SECONDS + 2)
    assert await console.status("state") == "installed"
    await server.attach()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest_twisted.ensureDeferred
async def test_restart(console: Console, how: signal.Signals) -> None:
    """
    The device of a zone that runs outlives the server, however that ends, and the next
    one uses it again.
    """
    console.illumos.zone(RUNNING)
    server = await console.serve()
    await server.leave()
    if how == signal.SIGKILL:
        await server.kill()
    else:
        await server.end()
    assert console.illumos.nodes() == {0: "z"}
    server = await console.serve()
    made = [each for each in console.illumos.calls() if "dev_create" in each]
    assert len(made) == 1
    await relays(await console.zoneSide(), await server.attach())
    console.illumos.zone(INSTALLED)
    await server.leave()
    await server.end()
    assert console.illumos.nodes() == {}


@pytest_twisted.ensureDeferred
async def test_busy(console: Console) -> None:
    """
    While somebody else has the manager open, status says so and the server tries again,
    and when it has the manager it holds the subsidiary.
    """
    console.illumos.fails(("open:manager", errno.EBUSY, 5))
    server = await console.serve()
    peer = await server.attach()
    assert await console.status("deviceState") == (
        "console manager of zone 'z': Device or resource busy; trying again"
    )
    while await console.status("deviceState") != "open":
        await pause(0.1)
    assert console.illumos.calls()[-5:] == [
        "open(/dev/zcons/z/globalconsole, O_RDWR|O_NONBLOCK|O_NOCTTY) = ok",
        "ioctl(manager, I_SRDOPT, 8) = 0",
        "open(/dev/zcons/z/zoneconsole, O_RDWR|O_NOCTTY) = ok",
        "ioctl(manager, HOLD, subsidiary) = 0",
        "close(subsidiary)",
    ]
    await relays(await console.zoneSide(), peer)


@pytest_twisted.ensureDeferred
async def test_emptyMessages(console: Console) -> None:
    """
    Messages of no bytes are no end, and cost nothing.
    """
    server = await console.serve()
    peer = await server.attach()
    console.illumos.fails(("readv", 0, 20))
    await relays(await console.zoneSide(), peer)
    assert await console.status("deviceState") == "open"
    assert sum("O_NONBLOCK" in call for call in console.illumos.calls()) == 1


@pytest.mark.parametrize("what", [errno.EBADMSG, 0])
@pytest_twisted.ensureDeferred
async def test_tainted(console: Console, what: int) -> None:
    """
    A stream that can't be read any more is closed and opened again, and the session
    stays.
    """
    server = await console.serve()
    peer = await server.attach()
    zone = await console.zoneSide()
    console.illumos.fails(("readv", what, 64))
    await zone.prints(b"tainted\n")
    await until(
        lambda: sum("O_NONBLOCK" in call for call in console.illumos.calls()) > 1,
        "the manager is opened again",
    )
    console.illumos.fails()
    await relays(zone, peer)
    assert "console manager lost" in server.log


@pytest_twisted.ensureDeferred
async def test_otherZone(console: Console) -> None:
    """
    A peer from another zone is nobody here, not even as root.
    """
    server = await console.serve()
    console.illumos.write("peerzone", "3")
    peer = await server.connect()
    await peer.closes()
    await until(lambda: "is not admitted" in server.log, "the log tells of it")
    console.illumos.write("peerzone", "0")
    await server.attach()


@pytest_twisted.ensureDeferred
async def test_noZone(console: Console) -> None:
    """
    A zone that the system does not know is refused in one line.
    """
    console.illumos.zone(None)
    with pytest.raises(AssertionError, match="zone 'z' unknown: 'zoneadm list -c'"):
        await console.serve()
    assert console.illumos.calls() == []


@pytest_twisted.ensureDeferred
async def test_noIllumos(launch: Launch) -> None:
    """
    So is the driver on any other system.
    """
    with pytest.raises(AssertionError, match="the zcons driver is for illumos alone"):
        await launch("--zone", "z", "--driver", "zcons")
