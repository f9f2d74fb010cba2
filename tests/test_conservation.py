"""
Every session gets exactly what the zone printed, or a gap of exactly what is missing:
whoever else comes, stalls, takes over and is killed, and the server with them.

What happens is chance's; a failure names the seed that makes it happen again.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
import pytest_twisted
from conftest import Twistd
from structured_peer import Structured, text
from support import Peer, ZoneSide, pause, together, turn

from zcons_twisted.doors.commands import Status
from zcons_twisted.frames import FrameType
from zcons_twisted.history import READ_MAX

Launch = Callable[..., Awaitable[Twistd]]

KIB = 1024
MIB = 1024 * KIB

GAP = re.compile(rb"\r\n\[NOTICE: (\d+) bytes skipped\]\r\n")
TAKEN = re.compile(rb"\r\n\[NOTICE: Console taken over by [^]]*\]\r\n\Z")

#: Sessions at a time, and seconds for which they come and go.
SESSIONS = 12
#: Lines that the zone prints at a time, fewer than this.
MOST = 20_000
SECONDS = 5.0


@contextmanager
def seeded(seed: str) -> Iterator[random.Random]:
    """
    Chance that can be had again.
    """
    try:
        yield random.Random(seed)
    except BaseException as e:
        e.add_note(f"the seed was {seed!r}")
        raise


class Legacy:
    """
    A legacy session, and all that came of it.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.chunks: list[bytes] = []
        self.missing = 0

    def look(self) -> None:
        """
        Keep what came.
        """
        self.chunks.append(self.peer.held)
        self.peer.held = b""

    def check(self) -> int:
        """
        Look at all of it.

        @return: the offset after its last byte, 0 where that can't be told.
        """
        self.look()
        data = TAKEN.sub(b"", b"".join(self.chunks))
        found = re.search(rb"(?<!\d)(\d{15})\n", data)
        if found is None:
            return 0
        pieces = GAP.split(data)
        # The first number that is whole and not cut by a gap tells where it began.
        before = GAP.split(data[: found.start()])
        passed = sum(map(len, before[::2])) + sum(map(int, before[1::2]))
        at = start = int(found.group(1)) - passed
        for piece, skipped in zip(pieces[::2], [*pieces[1::2], b"0"], strict=True):
            assert piece == text(at, at + len(piece)), (start, at)
            at += len(piece) + int(skipped)
            self.missing += int(skipped)
        return at


class Framed:
    """
    A structured session, whose output is looked at as it comes.
    """

    def __init__(self, session: Structured, base: int = 0) -> None:
        self.session = session
        self.peer = session.peer
        self.base = base

    @property
    def over(self) -> bool:
        """
        It was told that it ends.
        """
        return any(frame.type is FrameType.END for frame in self.session.others)

    def look(self) -> None:
        """
        Look at what came; L{Structured.take} looks at its place.
        """
        over = self.over
        pieces = self.session.take()
        assert not (over and pieces)
        for offset, data in pieces:
            if offset >= self.base:
                begin = offset - self.base
                assert data == text(begin, begin + len(data)), offset


class Party:
    """
    Those who come and go at one console.

    @ivar at: the offset after the last byte that the zone was told to print.
    """

    def __init__(
        self, server: Twistd, chance: random.Random, seconds: float = SECONDS
    ) -> None:
        self.server = server
        self.chance = chance
        self.seconds = seconds
        self.at = 0
        self.done = False
        self.sessions = 0
        self.missing = 0

    async def prints(self, zone: ZoneSide) -> None:
        """
        The zone prints, much and little.
        """
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            most = self.chance.choice((4, 300, MOST))
            size = 16 * self.chance.randrange(1, most)
            await zone.do("number", self.at, size)
            self.at += size
            if self.chance.random() < 0.3:
                await pause(self.chance.random() / 50)
        self.done = True

    async def guest(self) -> None:
        """
        Somebody comes, in one way or another, again and again; the last time it stays
        to the end.
        """
        while not self.done:
            self.sessions += 1
            kind = self.chance.choice(("legacy", "watch", "take", "resume", "resume"))
            await (self.plain() if kind == "legacy" else self.framed(kind))

    async def plain(self) -> None:
        """
        A legacy session, if the seat is free.
        """
        peer = await self.server.connect()
        await peer.send(b"IDENT 1 C 0\n")
        if await peer.until(b"\n") != b"OK\n":
            await turn()
            return
        legacy = Legacy(peer)
        stays = await self.follows(legacy)
        if stays and not peer.ended:
            while legacy.check() != self.at and not peer.ended:
                await peer.more()
                legacy.missing = 0
        legacy.missing = 0
        end = legacy.check()
        assert end < self.at + 16 * MOST
        if stays and not peer.ended:
            assert end == self.at
        self.missing += legacy.missing
        peer.close()

    async def framed(self, kind: str) -> None:
        """
        A structured session; one that resumes goes in the midst of things and comes
        back for what it has not had.
        """
        role = kind if kind in ("watch", "take") else "watch"
        start: object = self.chance.choice(("live", "all", {"bytes": 5000}))
        for _ in range(self.chance.randrange(1, 5) if kind == "resume" else 1):
            peer = await self.server.connect()
            session = await Structured(peer).attach(role=role, start=start)
            assert session.answer["ok"], session.answer
            if isinstance(start, dict) and "offset" in start:
                assert session.at == start["offset"]
            framed = Framed(session)
            stays = await self.follows(framed)
            while stays and not (framed.over or session.at == self.at):
                assert await peer.more()
                framed.look()
            self.missing += sum(size for _, size in session.gaps)
            start = {"offset": session.at}
            peer.close()

    async def follows(self, session: Legacy | Framed) -> bool:
        """
        Read now and then, fast and slow, and not at all; until it goes.

        @return: whether it stays to the end.
        """
        patience = self.chance.choice((0.0, 0.0, 0.01, 0.2, 1.3))
        lasts = time.monotonic() + self.chance.random() * 2
        while not self.done:
            if time.monotonic() > lasts:
                return False
            await pause(self.chance.random() * patience)
            # With one look at the connection each time, what is left waits there.
            if not session.peer.ended:
                session.peer._receive()
            session.look()
            if session.peer.ended:
                return False
        return True


@pytest.mark.parametrize("seed", ["one", "another"])
@pytest_twisted.ensureDeferred
async def test_party(launch: Launch, seed: str) -> None:
    """
    Sessions of every kind come, stall, take over, resume and go while the zone prints
    what it likes; each has had the zone's bytes, each in its place, and gaps for those
    that are missing.
    """
    with seeded(seed if seed == "one" else f"{time.time_ns()}") as chance:
        server = await launch("--zone", "z1", "--history", "128K")
        zone = await server.zoneSide()
        party = Party(server, chance)
        guests = [party.guest() for _ in range(SESSIONS)]
        await together(party.prints(zone), *guests)
        await server.has(party.at)
        assert (await server.ask(Status))["end"] == party.at
        assert party.sessions > SESSIONS
        assert "Traceback" not in server.log
        print(f"{party.sessions} sessions, {party.at} bytes, {party.missing} missing")


class Survivor:
    """
    A watcher who comes back whenever the server does, for what it has not had.

    @ivar at: the offset of its next byte.
    """

    def __init__(self) -> None:
        self.at = 0

    async def comes(self, server: Twistd, bases: list[int]) -> Framed:
        """
        Attach, and read up to what there was.

        @param bases: the offsets at which the zone began to count anew.
        """
        peer = await server.connect()
        start = {"offset": self.at}
        session = await Structured(peer).attach(role="watch", start=start)
        assert session.answer["ok"] and session.at == self.at
        while session.at < bases[-1]:
            for offset, data in session.take():
                assert data == printed(offset, data, bases), offset
            if session.at < bases[-1]:
                assert await peer.more()
        self.at = session.at
        return Framed(session, bases[-1])


def printed(offset: int, data: bytes, bases: list[int]) -> bytes:
    """
    What the zone printed at an offset, as long as some data.
    """
    found = b""
    while len(found) < len(data):
        at = offset + len(found)
        epoch = max(n for n, base in enumerate(bases) if base <= at)
        last = epoch + 1 == len(bases)
        stop = offset + len(data) if last else min(bases[epoch + 1], offset + len(data))
        found += text(at - bases[epoch], stop - bases[epoch])
    return found


async def floods(server: Twistd, there: list[Framed], chance: random.Random) -> None:
    """
    The zone prints, and all but one of those who are there read, some more and some
    less, until one of them has had so much.
    """
    zone = await server.zoneSide()
    zone.begin("number", 0, 64 * MIB)
    lazy, eager = chance.sample(there, 2)
    size = chance.randrange(1, MIB)
    while eager.session.at < eager.base + size:
        for one in there:
            if one is eager or (one is not lazy and chance.random() < 0.5):
                one.peer._receive()
                one.look()
        if chance.random() < 0.1:
            (await server.connect()).sendNow(b"IDENT")
        await turn()
    await pause(chance.random() / 100)
    await server.kill()
    # The zone has lost its terminal, for its driver is the server.
    with pytest.raises(OSError):
        await zone.done()


async def kept(server: Twistd, bases: list[int]) -> int:
    """
    Look at all that is kept.

    @return: the offset after the last byte.
    """
    found = await Structured(await server.connect()).attach(role="watch", start="all")
    end: int = found.answer["end"]
    assert found.at == 0
    while found.at < end:
        for offset, data in found.take():
            assert data == printed(offset, data, bases), offset
        if found.at < end:
            assert await found.peer.more()
    for offset, missing in found.gaps:
        # At most a read, where an earlier server ended.
        assert 0 < missing <= READ_MAX
        assert offset in (*bases, end)
    return end


#: A zone that ends with its server: what becomes of one that does not is in
#: L{test_nexus}.
ALONE = ("--nexus", "none", "--zone", "z1", "--history", "32M")


@pytest_twisted.ensureDeferred
async def test_killedServer(launch: Launch) -> None:
    """
    The server is killed at any moment while the zone floods and sessions come and go.
    Each time a new one goes on with the same history: what anybody had been told of is
    in it, what the zone wrote and nobody was told of is no more than one read, and that
    is a gap; sessions that come back get what they have not had, each byte once.
    """
    with seeded(f"{time.time_ns()}") as chance:
        bases = [0]
        survivors = [Survivor() for _ in range(4)]
        for _ in range(4):
            server = await launch(*ALONE)
            there = [await each.comes(server, bases) for each in survivors]
            await server.attach()
            await floods(server, there, chance)
            # What is on its way to somebody has been told.
            for one, survivor in zip(there, survivors, strict=True):
                one.peer.look()
                one.look()
                survivor.at = one.session.at
            await server.leave()
            again = await launch(*ALONE)
            end = await kept(again, bases)
            assert end >= max(survivor.at for survivor in survivors)
            await again.leave()
            await again.kill()
            bases.append(end)
