"""
A peer that freezes, trickles, closes half, resets or vanishes, in every state that a
session can be in: whoever else is there goes on, and nothing of it stays behind.
"""

from __future__ import annotations

import signal
import socket
import struct
import sys
from collections.abc import Awaitable, Callable

import pytest
import pytest_twisted
from conftest import Twistd
from structured_peer import Structured
from support import HERE, Peer, Program, ZoneSide, content, pause, together, turn
from test_hostile_peers import baseline, echoes, settled

from zcons_twisted.doors.commands import Detach, Status
from zcons_twisted.frames import FrameType, encodeFrame, encodeObject

MIB = 1024 * 1024

Launch = Callable[..., Awaitable[Twistd]]

IDENT = b"IDENT 1 C 0\n"


def attachLine(**given: object) -> bytes:
    """
    An C{ATTACH} line.
    """
    return b"ATTACH " + encodeObject({"v": 1, **given}) + b"\n"


#: What the peer sends, and what it waits for; nothing where it does not wait.
STATES = {
    "connected": (b"", b""),
    "within the line": (b"IDENT 1", b""),
    "within an ATTACH line": (attachLine(role="take")[:-9], b""),
    "line sent": (IDENT, b""),
    "ATTACH line sent": (attachLine(), b""),
    "legacy operator": (IDENT, b"OK\n"),
    "structured operator": (attachLine(), b"\n"),
    "within a frame": (attachLine() + b"\x41\0\x10\0some", b"\n"),
    "watcher": (attachLine(role="watch"), b"\n"),
    "taker": (attachLine(role="take"), b"\n"),
    "catching up": (attachLine(role="watch", start="all"), b"\n"),
    "operator catching up": (attachLine(start="all"), b"\n"),
    "paused for input": (IDENT, b"OK\n"),
    "structured, paused for input": (attachLine(), b"\n"),
    "output waits": (attachLine(), b"\n"),
    "being detached": (attachLine(), b"\n"),
    "being taken over": (attachLine(), b"\n"),
    "ended behind much output": (IDENT, b"OK\n"),
}

#: These fill something of their own.
FULL = (
    "output waits",
    "being detached",
    "being taken over",
    "ended behind much output",
)

WAYS = ("freeze", "trickle", "half-close", "close", "reset", "kill")


class Hostile:
    """
    Peers in a process of their own, so that they can be stopped and killed.
    """

    def __init__(self, server: Twistd) -> None:
        argv = [sys.executable, "-S", "-E", str(HERE / "hostile_peer.py")]
        self.program: Program = server.run(Program(argv))

    async def do(self, *words: str) -> None:
        """
        Have one of them do something.
        """
        self.program.send(" ".join(words).encode() + b"\n")
        assert await self.program.says(b"\n") == b"done\n"

    async def misbehave(self, way: str) -> None:
        """
        Have all of them go, or hang.
        """
        if way == "freeze":
            self.program.signal(signal.SIGSTOP)
        elif way == "kill":
            self.program.signal(signal.SIGKILL)
            await self.program.ends()
        else:
            await self.do("all", way)


class Scene:
    """
    One zone, and the state of the peer that is at it.

    @ivar printed: how much the zone has printed.
    """

    def __init__(self, server: Twistd, name: str, state: str) -> None:
        self.server = server
        self.name = name
        self.state = state
        self.zone: ZoneSide | None = None
        self.printed = 0

    async def begin(self) -> None:
        """
        The zone prints something before anybody comes.
        """
        self.zone = await self.server.zoneSide(self.name)
        self.printed += await self.zone.do("number", 0, 512 * 1024)

    async def reach(self, peers: Hostile) -> None:
        """
        Bring the peer into its state, as far as that can be done from outside.
        """
        path = self.server.path("console_sock", self.name)
        said, heard = STATES[self.state]
        await peers.do(path, "send", said.hex())
        if heard:
            await peers.do(path, "until", heard.hex())
        if "paused for input" in self.state:
            typed = content(MIB)
            if "structured" in self.state:
                pieces = [typed[at : at + 32768] for at in range(0, MIB, 32768)]
                typed = b"".join(encodeFrame(FrameType.INPUT, each) for each in pieces)
            await peers.do(path, "fill", typed.hex())

    async def goOn(self) -> None:
        """
        What happens to the peer in some of the states.
        """
        if self.state in FULL:
            assert self.zone is not None
            self.printed += await self.zone.do("number", 0, 512 * 1024)
        if self.state in ("being detached", "ended behind much output"):
            await self.server.ask(Detach, self.name)
        elif self.state == "being taken over":
            (await self.take()).peer.close()

    async def take(self) -> Structured:
        """
        Somebody takes the seat.
        """
        peer = await self.server.connect(self.name)
        taker = await Structured(peer).attach(role="take")
        assert taker.answer["ok"], taker.answer
        return taker

    async def takesOver(self) -> None:
        """
        Somebody takes the seat, and the zone prints and reads as much as it wants.
        """
        assert self.zone is not None
        # What comes from here on is looked at.
        await self.server.has(self.printed, self.name)
        taker = await self.take()
        self.zone.begin("number", 0, 64 * 1024)
        end = taker.at + 64 * 1024
        await taker.to(end, taker.at)
        await self.zone.done()
        # What the other one had typed last comes first.
        await taker.say(FrameType.INPUT, b"\0<typed>\0")
        assert await self.zone.do("until", "\0<typed>\0")
        taker.peer.close()

    async def nobody(self) -> None:
        """
        Wait until the server says that nobody is attached.
        """
        while True:
            status = await self.server.ask(Status, self.name)
            if not status["operator"] + status["watchers"]:
                return
            await pause(0.01)


@pytest.mark.parametrize("way", WAYS)
@pytest_twisted.ensureDeferred
async def test_everyState(launch: Launch, way: str) -> None:
    """
    In every state at once, each at a zone of its own: the operator of another zone
    types and sees it, somebody takes the seat and does, too, the zone prints what it
    wants to; and when the peers have gone there is no session and no descriptor left
    of them.
    """
    names = {f"s{n}": state for n, state in enumerate(STATES)}
    options = [word for name in (*names, "other") for word in ("--zone", name)]
    server = await launch(*options)
    scenes = [Scene(server, name, state) for name, state in names.items()]
    before = await baseline(server)
    await together(*(scene.begin() for scene in scenes))
    neighbour = await server.zoneSide("other")
    operator = await server.attach(zone="other")
    peers = Hostile(server)
    for scene in scenes:
        await scene.reach(peers)
    await together(*(scene.goOn() for scene in scenes))
    await peers.misbehave(way)
    await together(
        echoes(neighbour, operator, 30), *(scene.takesOver() for scene in scenes)
    )
    await echoes(neighbour, operator, 10)
    # Those that are stopped or trickle for ever go when they are ended.
    await peers.program.kill()
    operator.close()
    await together(*(scene.nobody() for scene in scenes))
    await server.leave()
    await settled(server, before)
    assert "Traceback" not in server.log


@pytest_twisted.ensureDeferred
async def test_resets(server: Twistd) -> None:
    """
    Connections that are reset at any moment, with a line or a part of one sent, leave
    nothing behind and no traceback, and never keep the next one waiting.
    """
    before = await baseline(server)
    lines = [b"", IDENT[:5], IDENT, attachLine(), attachLine(role="watch"), b"\xff\n"]
    for n in range(300):
        peer = await Peer().connect(server.path("console_sock"))
        linger = struct.pack("ii", 1, 0)
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        peer.sendNow(lines[n % len(lines)])
        if n % 7 == 0:
            await turn()
        peer.close()
    await settled(server, before)
    await Scene(server, server.name, "").nobody()
    await server.attach()
    assert "Traceback" not in server.log
