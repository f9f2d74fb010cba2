"""
Operators that use every rule of the seat against the zone and against the server, on a
real server.
"""

from __future__ import annotations

import resource
import socket

import pytest_twisted
from conftest import Twistd
from structured_peer import Structured
from support import Peer, memory, pause

from zcons_twisted.doors.commands import Status
from zcons_twisted.frames import FrameType, encodeFrame

MIB = 1024 * 1024
WATCH = encodeFrame(FrameType.SEAT, b'{"want":"watch"}')
OPERATE = encodeFrame(FrameType.SEAT, b'{"want":"operator"}')
TAKE = b'ATTACH {"role":"take","start":"all"}\n'
#: What a connection that is not read takes, and the zone's terminal.
TAKEN = MIB


@pytest_twisted.ensureDeferred
async def test_toggles(server: Twistd) -> None:
    """
    An operator that reads nothing, and gives up its seat and asks for it again before
    each stall second is over, holds the zone for one second and not for ever.
    """
    zone = await server.zoneSide()
    operator = await Structured(await server.connect()).attach()
    zone.begin("write", 64 * MIB, 1)
    for _ in range(30):
        await pause(0.5)
        operator.peer.sendNow(WATCH + OPERATE)
        if (end := (await server.ask(Status))["end"]) > 4 * TAKEN:
            break
    assert end > 4 * TAKEN
    operator.peer.close()
    assert await zone.done() == 64 * MIB


@pytest_twisted.ensureDeferred
async def test_takesOver(server: Twistd) -> None:
    """
    The same holds for operators that take the seat from each other.
    """
    zone = await server.zoneSide()
    zone.begin("write", 64 * MIB, 1)
    operators: list[Peer] = []
    for number in range(30):
        operators.append(await server.connect())
        await operators[-1].send(TAKE)
        await pause(0.5)
        end = (await server.ask(Status))["end"]
        if free := end > (number + 5) * TAKEN:
            break
    assert free, end
    for operator in operators:
        operator.close()
    assert await zone.done() == 64 * MIB


@pytest_twisted.ensureDeferred
async def test_typesAndIsTakenOver(server: Twistd) -> None:
    """
    Whoever takes the seat and types in the same breath, at a zone that does not read,
    takes no memory by it.
    """
    await server.zoneSide()
    typed = encodeFrame(FrameType.INPUT, b"x" * 32000)
    before = 0
    for turn in range(600):
        peer = await server.connect()
        await peer.send(TAKE + typed)
        await peer.until(b"\n")
        if turn == 200:
            before = memory(server.pid)
    assert memory(server.pid) - before < 2 * MIB


@pytest_twisted.ensureDeferred
async def test_manyKeysAndGoes(server: Twistd) -> None:
    """
    However many frames an operator sends its keys in before it goes, the zone gets all
    of them, when it reads again.
    """
    zone = await server.zoneSide()
    operator = await Structured(await server.connect()).attach()
    first = b"x" * 96_000
    for start in range(0, len(first), 32_000):
        await operator.say(FrameType.INPUT, first[start : start + 32_000])
    keys = b"".join(encodeFrame(FrameType.INPUT, b"y") for _ in range(20_000))
    sent = operator.peer.sendNow(keys) // 5
    assert sent > 5000
    operator.peer.close()
    assert await zone.reads(len(first) + sent) == first + sent * b"y"


@pytest_twisted.ensureDeferred
async def test_typedBehindGivingUp(server: Twistd) -> None:
    """
    What is sent behind giving up the seat is not typed, all at once and at its end.
    """
    zone = await server.zoneSide()
    peer = await server.connect()
    typed = encodeFrame(FrameType.INPUT, b"AAA")
    untyped = encodeFrame(FrameType.INPUT, b"BBB")
    await peer.send(b'ATTACH {"role":"operator"}\n' + typed + WATCH + untyped)
    peer.halfClose()
    await peer.until(b"only the operator may type")
    other = await Structured(await server.connect()).attach()
    await other.say(FrameType.INPUT, b"CCC")
    assert await zone.reads(6) == b"AAACCC"


@pytest_twisted.ensureDeferred
async def test_noDescriptorsLeft(server: Twistd) -> None:
    """
    When watchers have taken all descriptors that there are, the zone goes on; and when
    they have gone, everybody is let in again.
    """
    zone = await server.zoneSide()
    soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (64, hard))
    watchers = []
    for _ in range(80):
        peer = socket.socket(socket.AF_UNIX)
        peer.setblocking(False)
        try:
            peer.connect(server.path("console_sock"))
            peer.send(b'ATTACH {"role":"watch"}\n')
            # From now on it is watched for a hang-up.
            peer.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            # Its backlog is full.
            pass
        watchers.append(peer)
    await pause(0.5)
    assert await zone.do("write", 4 * MIB, 1) == 4 * MIB
    for peer in watchers:
        peer.close()

    async def seated() -> bool:
        return bool((await Structured(await server.connect()).attach()).answer["ok"])

    assert await seated()
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (soft, hard))
