"""
The pty driver against whatever a zone does to its terminal.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import pytest_twisted
from conftest import InProcess, Twistd
from support import (
    ROOT,
    Doors,
    content,
    cpuSeconds,
    digest,
    numbered,
    pause,
    relays,
    until,
)

from zcons_twisted.doors.commands import Event, Status
from zcons_twisted.nexus.pair import TERMINAL_MAX

Launch = Callable[..., Awaitable[Twistd]]

rootOnly = pytest.mark.skipif(not ROOT, reason="vhangup(2) needs root")


@pytest_twisted.ensureDeferred
async def test_link(console: InProcess) -> None:
    """
    The link leads to the terminal that the console reads from and writes to.
    """
    zone = await console.zoneSide()
    path, same = await zone.do("target", console.link())
    assert same
    assert path.startswith("/dev/pts/")
    await relays(zone, await console.attach())


@pytest.mark.parametrize("what", ["link", "file", "dangling", "half made"])
@pytest_twisted.ensureDeferred
async def test_staleLink(
    serve: Callable[[], InProcess], rundir: str, what: str
) -> None:
    """
    Whatever a dead server has left where the link belongs is replaced.
    """
    doors = Doors(rundir)
    os.makedirs(os.path.dirname(doors.link()), 0o700)
    os.chmod(rundir, 0o700)
    if what == "link":
        os.symlink("/dev/null", doors.link())
    elif what == "file":
        Path(doors.link()).write_text("not a terminal")
    elif what == "dangling":
        os.symlink("/dev/pts/999999", doors.link())
    else:
        os.symlink("/dev/null", f"{doors.link()}.new")
    console = serve()
    zone = await console.zoneSide()
    assert (await zone.do("target", console.link()))[1]
    await relays(zone, await console.attach())


@pytest_twisted.ensureDeferred
async def test_lastClose(console: InProcess) -> None:
    """
    The zone's last close is no hang-up: what was printed before arrives, what is
    typed in between waits, and whoever opens the terminal next goes on.
    """
    zone = await console.zoneSide()
    peer = await console.attach()
    for n in range(20):
        await zone.prints(b"life %2d" % (n,))
        await zone.do("close")
        await peer.expect(b"life %2d" % (n,))
        await peer.send(b"typed %2d" % (n,))
        # Settings outlive the close, because the terminal does.
        await zone.open(raw=False)
        assert await zone.reads(8) == b"typed %2d" % (n,)
    await relays(zone, peer)


@pytest_twisted.ensureDeferred
async def test_zoneIsKilled(console: InProcess) -> None:
    """
    The same when the zone's process is killed, printing.
    """
    peer = await console.attach()
    for _ in range(3):
        zone = await console.zoneSide()
        zone.begin("number", 0, 16 * 2**20)
        await peer.exactly(100_000)
        await zone.program.kill()
    zone = await console.zoneSide()
    # What is on its way still comes, and before what the next one prints.
    await zone.prints(b"\0mark")
    await peer.until(b"\0mark")
    await relays(zone, peer)


@rootOnly
@pytest.mark.parametrize("attached", [True, False], ids=["attached", "nobody"])
@pytest_twisted.ensureDeferred
async def test_vhangup(console: InProcess, attached: bool) -> None:
    """
    When the zone hangs its terminal up, as C{agetty} and C{login} do, the session
    stays, and whoever opens the terminal next is relayed both ways.
    """
    zone = await console.zoneSide()
    await zone.do("lead")
    peer = await console.attach() if attached else None
    for _ in range(10):
        await zone.do("hangup")
        with pytest.raises(OSError, match="Input/output error") as raised:
            await zone.prints(b"into a dead descriptor")
        assert raised.value.errno == errno.EIO
        await zone.do("close")
        await zone.open()
        if peer is not None:
            await relays(zone, peer)
        await zone.do("lead")
    await relays(zone, peer or await console.attach())
    # Two held descriptors would be one too many, none one too few.
    held = [
        path for path in openFiles(os.getpid()) if path == os.readlink(console.link())
    ]
    assert len(held) == 1


def openFiles(pid: int) -> list[str]:
    """
    What a process has open.
    """
    found = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.append(os.readlink(f"/proc/{pid}/fd/{name}"))
        except FileNotFoundError:
            continue
    return found


@rootOnly
@pytest_twisted.ensureDeferred
async def test_lastCloseAfterVhangup(console: InProcess) -> None:
    """
    After a hang-up the terminal is held as it was before: the next last close is none.
    """
    zone = await console.zoneSide()
    peer = await console.attach()
    await zone.do("lead")
    await zone.do("hangup")
    await zone.do("close")
    for _ in range(3):
        await zone.open()
        await relays(zone, peer)
        await zone.do("close")
        await pause(0.05)
    assert not peer.ended


@rootOnly
@pytest_twisted.ensureDeferred
async def test_vhangupWhileTyping(console: InProcess) -> None:
    """
    What is typed while the zone hangs up and opens again does not end the session, and
    the server does not spin.
    """
    zone = await console.zoneSide()
    peer = await console.attach()
    await zone.do("lead")
    before = cpuSeconds(os.getpid())
    for _ in range(5):
        zone.begin("hangup")
        await peer.send(b"lost or not, who knows\n")
        await zone.done()
        await peer.send(b"?")
        await pause(0.1)
        await zone.do("close")
        await zone.open()
        await zone.do("lead")
    assert cpuSeconds(os.getpid()) - before < 1.0
    # A hang-up takes with it what was in the terminal; from here on nothing is lost.
    await peer.send(b"\0mark")
    got = b""
    while not got.endswith(b"\0mark"):
        got += await zone.reads(1)
    await relays(zone, peer)


@rootOnly
@pytest_twisted.ensureDeferred
async def test_vhangupWithMuchTyped(console: InProcess) -> None:
    """
    What waits in the server when the zone hangs up goes to its next life.
    """
    zone = await console.zoneSide()
    peer = await console.attach()
    await zone.do("lead")
    # A hang-up makes a terminal edit lines again until the zone sets it anew: lines of
    # digits are what that leaves as they are.
    data = numbered(2**20)
    await peer.fill(data)
    await zone.do("hangup")
    await zone.do("close")
    await zone.open()
    # What the terminal itself had is gone; that is at most what a pty holds.
    rest = data[128 * 1024 :]
    zone.begin("last", len(rest), data[-16:].decode("ascii"))
    await peer.send(data[peer.sent :])
    assert await zone.done() == digest(rest)


@rootOnly
@pytest_twisted.ensureDeferred
async def test_vhangupWithTypedAhead(console: InProcess) -> None:
    """
    What was on its way to the zone when it hung up comes by itself, or is gone with the
    hang-up: it does not come with the next key, in front of that.
    """
    peer = await console.attach()
    data = numbered(8000)
    for _ in range(6):
        zone = await console.zoneSide()
        await zone.do("lead")
        await peer.send(data)
        while await zone.do("pending") < TERMINAL_MAX:
            await pause(0.01)
        await zone.do("hangup")
        await zone.do("close")
        await zone.open()
        rest = await zone.do("quiet", 0.7)
        assert data.endswith(rest.encode("ascii"))
        await peer.send(b"key")
        assert await zone.reads(3) == b"key"
        await zone.program.kill()


@pytest_twisted.ensureDeferred
async def test_exclusive(console: InProcess) -> None:
    """
    TIOCEXCL by the zone keeps the console neither from relaying nor from being held.
    """
    zone = await console.zoneSide()
    peer = await console.attach()
    await zone.do("exclusive", True)
    await relays(zone, peer)
    if ROOT:
        await zone.do("lead")
        await zone.do("hangup")
        await zone.do("close")
        await zone.open()
        await relays(zone, peer)
    await zone.do("exclusive", False)


@pytest.mark.parametrize("number", [2, 3, 15])
@pytest_twisted.ensureDeferred
async def test_lineDiscipline(console: InProcess, number: int) -> None:
    """
    Another line discipline does no harm beyond the zone's own confusion.
    """
    zone = await console.zoneSide()
    peer = await console.attach()
    try:
        await zone.do("discipline", number)
    except OSError:
        # This kernel has none of that number, or doesn't let us.
        pass
    await peer.send(b"\x7e\xff\x7d\x23\xc0!?" * 10)
    await pause(0.05)
    await zone.do("discipline", 0)
    await zone.do("close")
    await zone.open()
    await zone.do("flush")
    peer.look()
    peer.held = b""
    await relays(zone, peer)


@pytest_twisted.ensureDeferred
async def test_outputStopped(console: InProcess) -> None:
    """
    A zone that stops its own output, and dies, leaves a console that goes on when the
    next life starts the output again; typing works all the time.
    """
    zone = await console.zoneSide()
    peer = await console.attach()
    await zone.do("flow", "TCOOFF")
    zone.begin("print", "stuck")
    await peer.send(b"x")
    await pause(0.1)
    assert peer.look() == b""
    await zone.program.kill()
    zone = await console.zoneSide()
    assert await zone.reads(1) == b"x"
    await zone.do("flow", "TCOON")
    await relays(zone, peer)


@pytest_twisted.ensureDeferred
async def test_stopCharacters(console: InProcess) -> None:
    """
    ^S and ^Q that are typed stop and start a cooked terminal's output; nothing is
    lost and nobody else is held.
    """
    zone = await console.zoneSide(raw=False)
    peer = await console.attach()
    await peer.send(b"\x13")
    while not await zone.do("stopped"):
        await pause(0.01)
    zone.begin("print", "after ^Q\n")
    await pause(0.1)
    assert b"after" not in peer.look()
    await peer.send(b"\x11")
    await peer.until(b"after ^Q\r\n")
    await zone.done()


@pytest_twisted.ensureDeferred
async def test_nothingAtAll(console: InProcess) -> None:
    """
    Empty writes of the zone are nothing, and end nothing.
    """
    zone = await console.zoneSide()
    peer = await console.attach()
    for _ in range(10):
        await zone.prints(b"")
        await zone.do("empty")
    await relays(zone, peer)
    assert console.zone.console.counters.opened == 1


@pytest_twisted.ensureDeferred
async def test_endOfFile(console: InProcess) -> None:
    """
    ^D on a cooked terminal is an end of file for the zone, once, and none for the
    console.
    """
    zone = await console.zoneSide(raw=False)
    peer = await console.attach()
    await peer.send(b"\x04")
    with pytest.raises(OSError, match="receive"):
        await zone.reads(1)
    await zone.do("raw")
    await relays(zone, peer)


@pytest_twisted.ensureDeferred
async def test_manyOpenAtOnce(console: InProcess) -> None:
    """
    Several processes of the zone may have the terminal open; it is one stream.
    """
    zones = [await console.zoneSide() for _ in range(4)]
    peer = await console.attach()
    for n, zone in enumerate(zones):
        await zone.prints(b"%d" % (n,))
        await peer.expect(b"%d" % (n,))
    for zone in zones[1:]:
        await zone.do("close")
    await relays(zones[0], peer)


@pytest_twisted.ensureDeferred
async def test_openBeforeAnybody(server: Twistd) -> None:
    """
    A zone that is there before anybody attaches keeps its settings and gets what is
    typed later.
    """
    zone = await server.zoneSide()
    await zone.do("number", 0, 1024)
    peer = await server.attach()
    await relays(zone, peer)
    data = content(100_000, 10)
    zone.begin("sink", len(data), 4096, 0)
    await peer.send(data)
    assert await zone.done() == [len(data), digest(data)]


@pytest_twisted.ensureDeferred
async def test_linkIsTaken(server: Twistd) -> None:
    """
    Somebody who takes the link away hurts only those who look for it afterwards.
    """
    zone = await server.zoneSide()
    peer = await server.attach()
    os.unlink(server.link())
    await relays(zone, peer)
    zone.begin("number", 0, 100_000)
    assert await peer.exactly(100_000) == numbered(100_000)
    await zone.done()


@pytest_twisted.ensureDeferred
async def test_states(server: Twistd) -> None:
    """
    The state of a zone that others run is what its events say.
    """
    seen = []
    for name in (
        "booting",
        "halted",
        "readied",
        "booting",
        "bad-args",
        "rebooting",
        "boot-failed",
        "booting",
        "uninstalling",
    ):
        await server.ask(Event, name=name)
        seen.append((await server.ask(Status))["state"])
    assert seen == [
        "running",
        "installed",
        "ready",
        "running",
        "running",
        "running",
        "installed",
        "running",
        "installed",
    ]


@pytest_twisted.ensureDeferred
async def test_terminalsAreGivenBack(launch: Launch) -> None:
    """
    A server that stops hangs up whoever still has a terminal of it open.
    """
    server = await launch()
    zone = await server.zoneSide()
    path = os.readlink(server.link())
    await server.end()
    with pytest.raises(OSError, match="Input/output error"):
        await zone.prints(b"anybody?")
    await zone.do("close")
    await until(lambda: not os.path.exists(path), "the terminal's end")
