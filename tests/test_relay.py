"""
The relay both ways: what is typed and what is printed, through real terminals and in
amounts that don't fit anywhere on the way.
"""

from __future__ import annotations

import hashlib
import re

import pytest
import pytest_twisted
from conftest import Twistd
from support import (
    DEADLINE,
    Peer,
    blocks,
    content,
    digest,
    memory,
    numbered,
    pause,
    together,
)
from twisted.internet import reactor

from zcons_twisted.doors.commands import Detach, Event, Status

MIB = 1024 * 1024

GAP = re.compile(rb"\r\n\[NOTICE: (\d+) bytes skipped\]\r\n")


async def warm(server: Twistd) -> int:
    """
    Have the server do everything once, so that what it takes for that is not counted.

    @return: the most memory that it has had.
    """
    zone = await server.zoneSide()
    peer = await server.attach()
    zone.begin("echo", 256 * 1024)
    await together(peer.send(content(256 * 1024)), peer.exactly(256 * 1024))
    await zone.done()
    await server.leave()
    return memory(server.pid, "VmHWM")


async def receive(peer: Peer, size: int) -> str:
    """
    The checksum of what comes, as it comes.
    """
    checksum = hashlib.sha256()
    left = size
    while left > 0:
        data = await peer.exactly(min(left, 256 * 1024))
        checksum.update(data)
        left -= len(data)
    return checksum.hexdigest()


def withoutGaps(data: bytes, whole: bytes) -> int:
    """
    Check that data are the whole but for gaps, each told in its place and with its
    size.

    @return: how many bytes are missing.
    """
    at = missing = 0
    pieces = GAP.split(data)
    for piece, skipped in zip(pieces[::2], [*pieces[1::2], b"0"], strict=True):
        assert piece == whole[at : at + len(piece)]
        at += len(piece) + int(skipped)
        missing += int(skipped)
    assert at == len(whole)
    return missing


async def counters(server: Twistd) -> dict[str, int]:
    """
    The console's counters.
    """
    status = await server.ask(Status)
    return {each["name"]: each["value"] for each in status["counters"]}


async def printed(server: Twistd, size: int) -> None:
    """
    Wait until the server has read so much of what the zone prints.
    """
    end = reactor.seconds() + DEADLINE
    while (found := (await counters(server))["output"]) < size:
        assert reactor.seconds() < end, f"{found} of {size} bytes"
        await pause(0.01)


@pytest_twisted.ensureDeferred
async def test_pasteIntoSlowReader(server: Twistd) -> None:
    """
    Four MiB pasted into a zone that reads slowly arrive whole and in order, and wait
    with the one who pasted, not in the server.
    """
    size = 4 * MIB
    before = await warm(server)
    zone = await server.zoneSide()
    zone.begin("sink", size, 4096, 0.001)
    peer = await server.attach()
    await peer.send(content(size))
    assert await zone.done() == [size, digest(content(size))]
    assert memory(server.pid, "VmHWM") - before < 2 * MIB
    assert (await counters(server))["input"] == size + 256 * 1024


@pytest_twisted.ensureDeferred
async def test_pasteIntoZoneThatDoesNotRead(server: Twistd) -> None:
    """
    While the zone reads nothing the one who pastes waits; nothing of it is dropped,
    and the zone's own output goes on.
    """
    zone = await server.zoneSide()
    peer = await server.attach()
    data = content(2 * MIB)
    sent = 0
    for _ in range(10):
        sent += peer.sendNow(data[sent:])
        await zone.prints(b"tick")
        await peer.expect(b"tick")
    assert sent < len(data)
    zone.begin("sink", len(data), 65536, 0)
    await peer.send(data[sent:])
    assert await zone.done() == [len(data), digest(data)]


@pytest_twisted.ensureDeferred
async def test_pasteThenEnd(server: Twistd) -> None:
    """
    What was piped into a session is typed to its last byte although the client has
    closed its sending side long before.
    """
    zone = await server.zoneSide()
    peer = await server.attach()
    data = content(MIB, 1)
    await peer.fill(data)
    peer.halfClose()
    typed = data[: peer.sent]
    assert await zone.do("sink", len(typed), 65536, 0) == [len(typed), digest(typed)]
    await zone.prints(b"done")
    await peer.expect(b"done")


@pytest.mark.parametrize("way", ["close", "half-close", "detach"])
@pytest_twisted.ensureDeferred
async def test_inputOfSeveralInOrder(server: Twistd, way: str) -> None:
    """
    What somebody typed before the session ended comes first, whole, and then what the
    next one types.
    """
    zone = await server.zoneSide()
    first = await server.attach()
    data = content(MIB, 2)
    await first.fill(data)
    if way == "close":
        first.close()
    elif way == "half-close":
        first.halfClose()
    else:
        await server.ask(Detach)
    second = await server.attach()
    await second.send(b"and then this")
    typed = data[: first.sent] + b"and then this"
    assert await zone.do("sink", len(typed), 65536, 0) == [len(typed), digest(typed)]


@pytest_twisted.ensureDeferred
async def test_bulkOutput(server: Twistd) -> None:
    """
    An operator that reads gets 64 MiB of output to the last byte, and the server
    does not grow with it.
    """
    size = 64 * MIB
    before = await warm(server)
    peer = await server.attach()
    zone = await server.zoneSide()
    checksum = hashlib.sha256()
    for block in blocks(size, 3):
        checksum.update(block)
    zone.begin("write", size, 3)
    assert await receive(peer, size) == checksum.hexdigest()
    assert await zone.done() == size
    assert memory(server.pid, "VmHWM") - before < 2 * MIB


@pytest_twisted.ensureDeferred
async def test_bothWaysAtOnce(server: Twistd) -> None:
    """
    Four MiB that the zone sends back as they come: neither direction waits for the
    other, and nothing is lost in either.
    """
    size = 4 * MIB
    zone = await server.zoneSide()
    zone.begin("echo", size)
    peer = await server.attach()
    data = content(size, 4)
    _, got = await together(peer.send(data), receive(peer, size))
    assert got == digest(data)
    assert await zone.done() == size


@pytest_twisted.ensureDeferred
async def test_nobodyAttached(server: Twistd) -> None:
    """
    A zone prints as much as it likes when nobody is attached, and a later operator
    gets what is printed then.
    """
    zone = await server.zoneSide()
    assert await zone.do("write", 8 * MIB, 5) == 8 * MIB
    await printed(server, 8 * MIB)
    peer = await server.attach()
    await zone.prints(b"here I am")
    await peer.expect(b"here I am")


@pytest_twisted.ensureDeferred
async def test_stalledOperator(server: Twistd) -> None:
    """
    An operator that reads nothing holds the zone for no longer than the stall limit,
    and is told in its place exactly how many bytes it missed.
    """
    size = 4 * MIB
    before = await warm(server)
    skippedBefore = (await counters(server))["skipped"]
    zone = await server.zoneSide()
    peer = await server.attach()
    # It is done although nobody reads.
    assert await zone.do("number", 0, size) == size
    assert memory(server.pid, "VmHWM") - before < 2 * MIB
    assert (await server.ask(Status))["operator"][0]["stalled"]
    got = await peer.until(b" bytes skipped]\r\n")
    assert GAP.search(got)
    # From here on it is an operator like any other.
    await zone.do("number", size, 64 * 1024)
    whole = numbered(size + 64 * 1024)
    got += await peer.until(whole[-16:])
    missing = withoutGaps(got, whole)
    assert missing > 0
    assert (await counters(server))["skipped"] - skippedBefore == missing
    assert not (await server.ask(Status))["operator"][0]["stalled"]


@pytest_twisted.ensureDeferred
async def test_stalledAgainAndAgain(server: Twistd) -> None:
    """
    However often an operator stalls, what it got and what it was told to have missed
    are together what the zone printed.
    """
    zone = await server.zoneSide()
    peer = await server.attach()
    got = b""
    at = 0
    for _ in range(3):
        # More than the history keeps and the connection takes.
        at += await zone.do("number", at, 2 * MIB)
        got += await peer.until(b" bytes skipped]\r\n")
    await zone.do("number", at, 16)
    whole = numbered(at + 16)
    got += await peer.until(whole[-16:])
    assert len(GAP.findall(got)) == 3
    withoutGaps(got, whole)


@pytest_twisted.ensureDeferred
async def test_stalledOperatorHearsOfEvents(server: Twistd) -> None:
    """
    A notice comes in its place behind a gap, and is not missed by an operator that
    was stalled when it was posted.
    """
    zone = await server.zoneSide()
    peer = await server.attach()
    size = 2 * MIB
    await zone.do("number", 0, size)
    await printed(server, size)
    await server.ask(Event, name="readied")
    await zone.do("number", size, MIB // 2)
    await printed(server, size + MIB // 2)
    notice = b"\r\n[NOTICE: Zone readied]\r\n"
    first = await peer.until(notice)
    assert withoutGaps(first.removesuffix(notice), numbered(size)) > 0
    second = await peer.exactly(MIB // 2)
    assert second == numbered(size + MIB // 2)[size:]


@pytest_twisted.ensureDeferred
async def test_slowOperator(server: Twistd) -> None:
    """
    An operator that reads slowly, but more than 960 bytes a second, paces the zone
    and loses nothing.
    """
    size = MIB
    zone = await server.zoneSide()
    peer = await server.attach()
    zone.begin("number", 0, size)
    got = b""
    for _ in range(24):
        got += await peer.atMost(1024)
        await pause(0.25)
    whole = numbered(size)
    got += await peer.until(whole[-16:])
    assert withoutGaps(got, whole) == 0
    assert await zone.done() == size


@pytest_twisted.ensureDeferred
async def test_stalledOperatorStillTypes(server: Twistd) -> None:
    """
    An operator that does not read can still type: an interrupt must get through.
    """
    zone = await server.zoneSide()
    peer = await server.attach()
    await zone.do("number", 0, MIB)
    await peer.send(b"\x03")
    assert await zone.reads(1) == b"\x03"


@pytest_twisted.ensureDeferred
async def test_noticeAfterOutput(server: Twistd) -> None:
    """
    A notice does not overtake what the zone printed before.
    """
    zone = await server.zoneSide()
    peer = await server.attach()
    zone.begin("number", 0, 256 * 1024)
    assert await peer.exactly(256 * 1024) == numbered(256 * 1024)
    await zone.done()
    await server.ask(Event, name="readied")
    await peer.expect(b"\r\n[NOTICE: Zone readied]\r\n")


@pytest_twisted.ensureDeferred
async def test_zonesDoNotWaitForEachOther(launch) -> None:
    """
    A zone that floods, one whose operator is stalled and one whose input is not read
    take nothing from a fourth.
    """
    server = await launch(*(word for z in "abcd" for word in ("--zone", z)))
    flooding = await server.zoneSide("a")
    flooding.begin("write", 64 * MIB, 6)
    stalled = await server.attach(zone="b")
    silent = await server.zoneSide("b")
    silent.begin("write", 4 * MIB, 7)
    await server.zoneSide("c")
    (await server.attach(zone="c")).sendNow(content(MIB))
    zone = await server.zoneSide("d")
    peer = await server.attach(zone="d")
    for n in range(50):
        await peer.send(b"%4d" % (n,))
        assert await zone.do("echo", 4) == 4
        await peer.expect(b"%4d" % (n,))
    assert stalled.socket.fileno() != -1
    assert await silent.done() == 4 * MIB
    await flooding.done()
