"""
Peers that are silent, slow, malformed, half dead or gone harm themselves alone.
"""

from __future__ import annotations

import os
import resource
import signal

import pytest
import pytest_twisted
from conftest import Twistd
from support import (
    Peer,
    ZoneSide,
    content,
    cpuSeconds,
    descriptorCount,
    digest,
    numbered,
    pause,
    turn,
    until,
)

from zcons_twisted.doors.commands import Event, Status


async def echoes(zone: ZoneSide, peer: Peer, times: int = 20) -> None:
    """
    What is typed comes back.
    """
    for n in range(times):
        zone.begin("echo", 4)
        await peer.send(b"%4d" % (n,))
        await peer.expect(b"%4d" % (n,))
        await zone.done()


async def baseline(server: Twistd) -> int:
    """
    How many descriptors the server has open when nobody is there, once it has done
    everything once.
    """
    await server.attach()
    await server.ask(Status)
    await server.leave()
    count, same = -1, 0
    while same < 5:
        await pause(0.01)
        now = descriptorCount(server.pid)
        count, same = now, same + 1 if now == count else 0
    return count


async def settled(server: Twistd, count: int) -> None:
    """
    The server has no more descriptors open than this.
    """
    await until(
        lambda: descriptorCount(server.pid) <= count,
        f"{descriptorCount(server.pid)} descriptors instead of {count}",
    )


@pytest_twisted.ensureDeferred
async def test_silentPeers(server: Twistd) -> None:
    """
    Two hundred peers that connect and say nothing cost an operator no keystroke,
    and neither do they keep anybody else from coming.
    """
    before = await baseline(server)
    zone = await server.zoneSide()
    operator = await server.attach()
    silent = []
    for n in range(200):
        silent.append(await server.connect())
        if n % 10 == 0:
            await echoes(zone, operator, 1)
    await echoes(zone, operator)
    # More than a few of one user's are never kept waiting.
    assert descriptorCount(server.pid) - before <= 70
    newcomer = await server.connect()
    await newcomer.send(b"IDENT 1 C 0\n")
    await newcomer.expect(b"%d\n" % (os.getpid(),))
    await newcomer.closes()
    operator.close()
    await echoes(zone, await server.attach())
    # The oldest were closed, without a byte.
    await silent[0].closes()


@pytest_twisted.ensureDeferred
async def test_silentPeersAreClosed(server: Twistd) -> None:
    """
    A peer that has not said who it is after ten seconds is closed without a byte,
    however often it has sent a byte in the meantime.
    """
    silent = await server.connect()
    trickling = await server.connect()
    line = b"IDENT 1 C 0"
    for n in range(200):
        if trickling.look() or trickling.ended:
            break
        if n < len(line):
            await trickling.send(line[n : n + 1])
        await pause(0.1)
    await trickling.closes()
    await silent.closes()
    await server.attach()


@pytest_twisted.ensureDeferred
async def test_tricklingPeers(server: Twistd) -> None:
    """
    Peers whose first lines come byte by byte are all answered, and an operator does
    not notice.
    """
    zone = await server.zoneSide()
    operator = await server.attach()
    peers = [await server.connect() for _ in range(40)]
    for byte in b"IDENT 4711 en_US.UTF-8 0\n":
        for peer in peers:
            await peer.send(bytes([byte]))
        await echoes(zone, operator, 1)
    for peer in peers:
        await peer.expect(b"%d\n" % (os.getpid(),))
        await peer.closes()


@pytest.mark.parametrize(
    "line",
    [b"x" * 1024, b"\0" * 100_000, b"\n" * 5000, b"IDENT " * 1000, b"IDENT x\n" * 99],
    ids=["long", "longer", "newlines", "idents", "lines"],
)
@pytest_twisted.ensureDeferred
async def test_malformed(server: Twistd, line: bytes) -> None:
    """
    Nonsense in any amount closes its own connection, with an operator attached and
    without one.
    """
    zone = await server.zoneSide()
    for seat in ("free", "taken"):
        if seat == "taken":
            operator = await server.attach()
        for _ in range(20):
            peer = await server.connect()
            try:
                await peer.send(line)
            except (BrokenPipeError, ConnectionResetError):
                # It was closed before we had sent all of it.
                pass
            if seat == "free":
                assert await peer.rest() == b""
            else:
                assert await peer.rest() in (b"", b"%d\n" % (os.getpid(),))
    await echoes(zone, operator)


@pytest_twisted.ensureDeferred
async def test_halfClosedOperator(server: Twistd) -> None:
    """
    An operator that has closed its sending side gives up the seat and goes on
    receiving, also when somebody else has come, who gets the seat at once.
    """
    zone = await server.zoneSide()
    first = await server.attach()
    await first.send(b"last words")
    first.halfClose()
    assert await zone.reads(10) == b"last words"
    await zone.prints(b"still here")
    await first.expect(b"still here")
    await server.ask(Event, name="readied")
    await first.expect(b"\r\n[NOTICE: Zone readied]\r\n")
    status = await server.ask(Status)
    assert status["operator"] == []
    assert [each["halfClosed"] for each in status["watchers"]] == [True]
    second = await server.attach()
    await echoes(zone, second)
    await zone.prints(b"to both")
    await first.until(b"to both")
    await second.expect(b"to both")
    status = await server.ask(Status)
    assert (len(status["operator"]), len(status["watchers"])) == (1, 1)
    assert status["ended"] == []


@pytest_twisted.ensureDeferred
async def test_halfClosedOperatorGoes(server: Twistd) -> None:
    """
    An operator that has closed its sending side and then goes leaves the seat.
    """
    before = await baseline(server)
    first = await server.attach()
    first.halfClose()
    await turn()
    first.close()
    await settled(server, before)
    assert (await server.ask(Status))["operator"] == []
    await server.attach()


@pytest_twisted.ensureDeferred
async def test_deadOperatorFoundByNewcomer(server: Twistd) -> None:
    """
    Whoever comes in the same moment as the operator goes is not refused.
    """
    for _ in range(200):
        first = await server.attach()
        second = await server.connect()
        first.close()
        await second.attach()
        second.close()


STATES = [
    "connected",
    "half a line",
    "line sent",
    "malformed sent",
    "refused",
    "attached",
    "output waits",
    "stalled",
    "input waits",
]


async def reach(server: Twistd, zone: ZoneSide, state: str) -> Peer:
    """
    A peer in some state, as far as that can be had from outside.
    """
    if state == "refused":
        await server.attach()
    peer = await server.connect()
    if state == "half a line":
        await peer.send(b"IDENT 12")
    elif state in ("line sent", "refused"):
        await peer.send(b"IDENT 1 C 0\n")
    elif state == "malformed sent":
        await peer.send(b"what?\n")
    elif state != "connected":
        await peer.attach()
    if state == "output waits":
        zone.begin("number", 0, 512 * 1024)
        await peer.exactly(16)
    elif state == "stalled":
        await zone.do("number", 0, 512 * 1024)
    elif state == "input waits":
        await peer.fill(content(1024 * 1024))
    return peer


async def vanish(peer: Peer, way: str) -> None:
    """
    A peer goes.  One that leaves something unread resets the connection.
    """
    if way == "half-close":
        peer.halfClose()
        await turn(2)
    elif way == "close":
        peer.look()
    peer.close()


@pytest.mark.parametrize("state", STATES)
@pytest_twisted.ensureDeferred
async def test_vanishingPeer(server: Twistd, state: str) -> None:
    """
    Whenever and however a peer goes, the next one is seated at once, the zone goes
    on, and nothing of it stays behind.
    """
    before = await baseline(server)
    for way in ("close", "reset", "half-close"):
        zone = await server.zoneSide()
        peer = await reach(server, zone, state)
        await vanish(peer, way)
        if state == "refused":
            assert len((await server.ask(Status))["operator"]) == 1
        else:
            await goesOn(server, zone, state, peer)
        await server.leave()
        await settled(server, before)


async def goesOn(server: Twistd, zone: ZoneSide, state: str, gone: Peer) -> None:
    """
    Somebody else comes, and the zone is where it was.
    """
    following = await server.attach()
    if state == "input waits":
        assert (await zone.do("sink", gone.sent, 65536, 0))[0] == gone.sent
    zone.begin("print", "more")
    seen = (await following.until(b"more")).removesuffix(b"more")
    await zone.done()
    if state == "output waits":
        # As much of its end as was not printed before somebody else came.
        assert numbered(512 * 1024).endswith(seen)
        await zone.done()


@pytest_twisted.ensureDeferred
async def test_killedClient(server: Twistd) -> None:
    """
    When an attached client is killed the next one is seated at once, again and again.
    """
    zone = await server.zoneSide()
    for n in range(5):
        client = await server.client()
        client.send(b"type hello %d\n" % (n,))
        assert await zone.reads(7) == b"hello %d" % (n,)
        client.signal(signal.SIGKILL)
        await client.ends()
        await echoes(zone, await server.attach(), 2)
        await server.leave()
        zone = await server.zoneSide()


@pytest_twisted.ensureDeferred
async def test_killedClientWhoseInputWaits(server: Twistd) -> None:
    """
    The same while its input waits because the zone does not read; what it had typed
    still arrives, and before what the next one types.
    """
    zone = await server.zoneSide()
    client = await server.client()
    client.send(b"fill 4000000 8\n")
    await client.says(b"sent ")
    sent = int(await client.says(b"\n"))
    assert 0 < sent < 4_000_000
    client.signal(signal.SIGKILL)
    await client.ends()
    following = await server.attach()
    await following.send(b"and on")
    typed = content(4_000_000, 8)[:sent] + b"and on"
    assert await zone.do("sink", len(typed), 65536, 0) == [len(typed), digest(typed)]
    await echoes(zone, following)


@pytest_twisted.ensureDeferred
async def test_killedClientWhoseOutputWaits(server: Twistd) -> None:
    """
    The same while output waits for it.
    """
    zone = await server.zoneSide()
    client = await server.client()
    client.send(b"stop\n")
    await client.says(b"stopped")
    zone.begin("number", 0, 1024 * 1024)
    client.signal(signal.SIGKILL)
    await client.ends()
    following = await server.attach()
    zone.begin("print", "more")
    seen = (await following.until(b"more")).removesuffix(b"more")
    # As much of its end as was not printed before somebody else came.
    assert numbered(1024 * 1024).endswith(seen)
    await zone.done()
    await zone.done()


@pytest_twisted.ensureDeferred
async def test_stoppedClient(server: Twistd) -> None:
    """
    A client that is stopped, as by ^Z, keeps its seat and does not hold the zone; when
    it goes on it is told what it missed.
    """
    zone = await server.zoneSide()
    client = await server.client()
    client.signal(signal.SIGSTOP)
    try:
        # More than the history keeps and the connection takes.
        size = 3 * 1024 * 1024
        assert await zone.do("number", 0, size) == size
        newcomer = await server.connect()
        await newcomer.send(b"IDENT 1 C 0\n")
        await newcomer.expect(b"%d\n" % (client.pid,))
    finally:
        client.signal(signal.SIGCONT)
    await client.says(b" bytes skipped]\r\n")
    await zone.prints(b"live again")
    await client.says(b"live again")


@pytest_twisted.ensureDeferred
async def test_manyAttachments(server: Twistd) -> None:
    """
    Two thousand sessions leave no descriptor behind.
    """
    before = await baseline(server)
    for n in range(2000):
        peer = await Peer().connect(server.path("console_sock"))
        await peer.attach()
        if n % 3 == 0:
            peer.halfClose()
        peer.close()
    await settled(server, before)
    counters = {c["name"]: c["value"] for c in (await server.ask(Status))["counters"]}
    assert counters["attached"] == 2001
    assert counters["refused"] == 0


@pytest_twisted.ensureDeferred
async def test_noDescriptorsLeft(server: Twistd) -> None:
    """
    A server that may open no more descriptors does not spin, goes on with those it
    has, and takes newcomers again as soon as it can.
    """
    zone = await server.zoneSide()
    operator = await server.attach()
    limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    # A number, not an amount: there may be none above the highest in use.
    highest = max(int(fd) for fd in os.listdir(f"/proc/{server.pid}/fd"))
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (highest + 3, limits[1]))
    before = cpuSeconds(server.pid)
    waiting = []
    for _ in range(7):
        peer = Peer()
        waiting.append(peer)
        try:
            peer.socket.connect(server.path("console_sock"))
        except BlockingIOError:
            # The backlog is full.
            pass
    await pause(2.0)
    await echoes(zone, operator)
    assert cpuSeconds(server.pid) - before < 1.0
    for peer in waiting:
        peer.close()
    operator.close()
    await echoes(zone, await server.attach())
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
