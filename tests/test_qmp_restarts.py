"""
A real QEMU that comes late, and servers that come and go meanwhile: what the machine
has printed is what the history has.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Awaitable, Callable

import pytest
import pytest_twisted
from conftest import Twistd
from nexus_support import restarted
from structured_peer import structured
from support import pause, until
from test_qmp import BOOT, status
from vm import Machine, machine, vmFiles

from zcons_twisted.doors.commands import Boot, Refused, Restart, Status
from zcons_twisted.frames import FrameType, parseGap, parseOutput

__all__ = ["machine", "vmFiles"]

Launch = Callable[..., Awaitable[Twistd]]

LOGIN = b"vm login: "
LINES = 300_000


class Heard:
    """
    What a history has.

    @ivar pieces: output, and the sizes of gaps between its pieces, in order.
    @ivar notices: what was told.
    """

    def __init__(self) -> None:
        self.pieces: list[bytearray | int] = []
        self.notices: list[str] = []

    def add(self, data: bytes) -> None:
        """
        More output.
        """
        if self.pieces and isinstance(self.pieces[-1], bytearray):
            self.pieces[-1] += data
        else:
            self.pieces.append(bytearray(data))

    @property
    def output(self) -> bytes:
        """
        Only the output.
        """
        return b"".join(piece for piece in self.pieces if isinstance(piece, bytearray))

    def follows(self, log: bytes) -> bool:
        """
        Is it what QEMU has logged, as far as it goes?  A byte that QEMU could not send
        at once it logs again when it can.
        """
        output = self.output
        at = 0
        for place, byte in enumerate(log):
            if at == len(output):
                return True
            if output[at] == byte:
                at += 1
            elif place == 0 or byte != log[place - 1]:
                return False
        return at == len(output)

    def counted(self, lines: bytes) -> list[int]:
        """
        Look for lines that were printed, each once and in order, from the first on.

        @return: the sizes of the gaps among them.
        """
        gaps, at = [], -1
        for piece in self.pieces:
            if isinstance(piece, int):
                if at >= 0:
                    gaps.append(piece)
                    at += piece
                continue
            if at < 0:
                found = piece.find(lines[:32])
                if found < 0:
                    continue
                at, piece = 0, piece[found:]
            piece = piece[: max(0, len(lines) - at)]
            assert piece == lines[at : at + len(piece)], (at, piece[:64])
            at += len(piece)
        assert at >= len(lines), at
        return gaps


async def heard(server: Twistd) -> Heard:
    """
    All that the history has now.
    """
    end = (await server.ask(Status))["end"]
    found, offset = Heard(), 0
    reader = await structured(server, role="watch", start="all")
    while offset < end:
        held, reader.peer.held = reader.peer.held, b""
        for frame in reader._reader.feed(held):
            if frame.type is FrameType.OUTPUT:
                offset, data = parseOutput(frame.payload)
                offset += len(data)
                found.add(data)
            elif frame.type is FrameType.GAP:
                found.pieces.append(parseGap(frame.payload)[1])
            elif frame.type is FrameType.NOTICE:
                found.notices.append(json.loads(frame.payload)["text"])
        if offset < end:
            assert await reader.peer.more()
    reader.peer.close()
    return found


async def boots(server: Twistd) -> Heard:
    """
    Wait for the login prompt.
    """
    found = Heard()

    async def look() -> bool:
        nonlocal found
        found = await heard(server)
        return LOGIN in found.output

    for _ in range(int(BOOT / 0.2)):
        if await look():
            return found
        await pause(0.2)
    raise AssertionError(found.output[-200:])


def options(machine: Machine) -> tuple[str, ...]:
    """
    What the server is told.
    """
    return ("--zone", "z1", "--history", "64M", *machine.options)


@pytest_twisted.ensureDeferred
async def test_downForAWhile(launch: Launch, machine: Machine) -> None:
    """
    A machine that was down for longer than any wait between tries, and then is started,
    is heard from its first byte on.  So is the next one, though this one did not live
    long.
    """
    server = await launch(*options(machine))
    await pause(8)
    for _ in range(2):
        await machine.start()
        found = await boots(server)
        assert found.follows(machine.log.read_bytes())
        assert found.notices[-1] == "NOTICE: Zone booting up"
        await machine.kill()
        await status(server, state="installed")
        machine.log.unlink()
        # What comes next is a history of its own.
        await server.end()
        os.unlink(os.path.join(server.rundir, "z1.history"))
        server = await launch(*options(machine))


@pytest_twisted.ensureDeferred
async def test_booted(launch: Launch, machine: Machine) -> None:
    """
    A machine that is booted as soon as QEMU is there is heard from its first byte on.
    """
    server = await launch(*options(machine))
    await pause(4)
    await machine.start("-S")
    while True:
        try:
            answer = await server.ask(Boot)
            break
        except Refused as e:
            assert "QEMU is not running" in str(e)
            await pause(0.01)
    assert answer["message"] == "zone booted"
    found = await boots(server)
    assert found.follows(machine.log.read_bytes())
    assert found.notices == ["NOTICE: Zone readied", "NOTICE: Zone booting up"]


@pytest_twisted.ensureDeferred
async def test_bootRefused(launch: Launch, machine: Machine) -> None:
    """
    Where the console can't be connected to, the machine is not booted, and it is told
    why.
    """
    server = await launch(
        *("--zone", "z1", "--qmp", machine.qmp),
        *("--endpoint", f"unix:{machine.console}.other"),
    )
    await machine.start("-S")
    await status(server, state="ready")
    with pytest.raises(Refused, match="zone is not booted: its console is not conn"):
        await server.ask(Boot)
    await status(server, state="ready")


@pytest_twisted.ensureDeferred
async def test_late(launch: Launch, machine: Machine) -> None:
    """
    A server that comes when a machine runs already says that it does not know what was
    printed before.
    """
    await machine.start()
    await until(
        lambda: machine.log.exists() and LOGIN in machine.log.read_bytes(), "it", BOOT
    )
    server = await launch(*options(machine))
    peer = await server.attach()
    await status(server, state="running", deviceState="open")
    await peer.send(b"\n")
    await until(lambda: machine.log.read_bytes().count(LOGIN) > 1, "another prompt")
    await peer.until(LOGIN)
    assert (await heard(server)).notices == [
        "NOTICE: Console connected: what was printed before is not known"
    ]


@pytest_twisted.ensureDeferred
async def test_serverComesAndGoes(launch: Launch, machine: Machine) -> None:
    """
    While the machine prints, its server is restarted and killed at any moment: all that
    was printed is there, once, but for reads in flight at a kill, which are gaps of
    their size; and nothing is told, for nothing has happened to the zone.
    """
    server = await launch(*options(machine))
    await machine.start()
    await boots(server)
    peer = await server.attach()
    await peer.send(b"root\n")
    await peer.until(b"# ", BOOT)
    # The kernel is to say nothing in between.
    await peer.send(b"dmesg -n 1; seq -w 1 %d; echo d'o'ne\n" % (LINES,))
    moments = random.Random(2)
    kills = 0
    for kill in (False, True, False, True, False):
        await pause(moments.uniform(0.2, 1.0))
        before = (await server.ask(Status))["since"]
        if kill:
            kills += 1
            await server.kill()
            server = await launch(*options(machine))
        else:
            await server.ask(Restart)
            await restarted(server, before)
        await status(server, state="running", deviceState="open")
    assert b"\ndone\r\n" not in machine.log.read_bytes(), "it was too fast"
    peer = await server.attach()
    await peer.until(b"\ndone\r\n", BOOT)
    found = await heard(server)
    gaps = found.counted(b"".join(b"%06d\r\n" % (n + 1,) for n in range(LINES)))
    assert len(gaps) <= kills and all(gap <= 16384 for gap in gaps)
    assert found.notices == ["NOTICE: Zone booting up"]
