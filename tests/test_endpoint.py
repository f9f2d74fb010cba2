"""
Consoles at endpoints: real sockets, and servers behind them that die, come back, are
slow, never answer, flood and reset.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import pytest_twisted
from client_support import client
from conftest import InProcess
from far_end import FarEnd, flood
from support import Peer, content, pause, together, turn, until, within
from twisted.internet import reactor

from zcons_twisted.doors.commands import Boot, Halt, Refused, Status
from zcons_twisted.drivers import endpoint
from zcons_twisted.interfaces import DriverOptions
from zcons_twisted.service import ZoneConfig

Serve = Callable[..., InProcess]

CONNECTED = b"\r\n[NOTICE: Console connected]\r\n"


def disconnected(reason: bytes) -> bytes:
    """
    What is told of a connection that was lost.
    """
    return b"\r\n[NOTICE: Console disconnected: %s]\r\n" % (reason,)


UNHEARD = (
    b"\r\n[NOTICE: The console is not connected: what is typed reaches nobody]\r\n"
)
CLOSED = disconnected(b"closed by the other side")


@pytest.fixture(params=["unix", "tcp"])
def far(request: Any, rundir: str) -> Iterator[FarEnd]:
    """
    The other end, listening.
    """
    path = (
        os.path.join(os.path.dirname(rundir), "far") if request.param == "unix" else ""
    )
    made = FarEnd(path).listen()
    yield made
    made.die()


async def deviceState(console: InProcess, wanted: str) -> None:
    """
    Wait for the device to be in some state.
    """
    found = ""
    end = reactor.seconds() + 30
    while wanted != found:
        found = (await console.ask(Status))["deviceState"]
        assert reactor.seconds() < end, found
        await pause(0.01)


@pytest_twisted.ensureDeferred
async def test_bothWays(serve: Serve, far: FarEnd) -> None:
    """
    What the other end prints is seen, and what is typed reaches it.
    """
    console = serve(far.config())
    await far.accept()
    peer = await console.attach()
    await far.prints(b"login: ")
    await peer.expect(b"login: ")
    await peer.send(b"root\n")
    assert await far.reads(5) == b"root\n"
    status = await console.ask(Status)
    assert (status["state"], status["deviceState"]) == ("running", "open")
    assert (status["driver"], status["device"]) == ("endpoint", far.description)
    assert status["life"] is None
    with pytest.raises(Refused, match="is not run by this server"):
        await console.ask(Halt)


@pytest_twisted.ensureDeferred
async def test_diesAndComesBack(serve: Serve, far: FarEnd) -> None:
    """
    A server that dies and comes back is connected to again; who is attached stays, sees
    all of both lives, and what was typed in between reaches nobody: the second may be
    another machine.
    """
    console = serve(far.config())
    await far.accept()
    peer = await console.attach()
    await far.prints(b"last words")
    far.die()
    await peer.expect(b"last words" + CLOSED)
    await deviceState(console, "can't connect: Connection refused; trying again")
    assert (await console.ask(Status))["state"] == "installed"
    await peer.send(b"rm -rf /precious\n")
    await peer.expect(UNHEARD)
    far.listen()
    await far.accept()
    await far.prints(b"hello again")
    await peer.expect(CONNECTED + b"hello again")
    await peer.send(b"hello")
    assert await far.reads(5) == b"hello"


@pytest_twisted.ensureDeferred
async def test_untaken(serve: Serve, far: FarEnd) -> None:
    """
    What a server had not taken of what was typed when it died is dropped, and who typed
    it is told how much.
    """
    console = serve(far.config())
    await far.accept()
    peer = await console.attach()
    seat = console.zone.console.seat
    while not seat._typed.size:
        peer.sendNow(content(64 * 1024))
        await pause(0.02)
    far.die()
    told = await peer.until(b" bytes that were typed]\r\n")
    assert re.match(rb"\r\n\[NOTICE: Connection ended before it had taken the", told)
    await peer.until(b"[NOTICE: Console disconnected: ")
    await until(lambda: seat._typed.size == 0, "nothing that waits")


@pytest_twisted.ensureDeferred
async def test_scripts(launch: Callable[..., Any], far: FarEnd) -> None:
    """
    A script that types where there is no connection fails, and says why.
    """
    far.die()
    server = await launch("--zone", "z1", "--endpoint", far.description)
    why = "zconsole: the console is not connected: what is typed reaches nobody\n"
    for words in (
        ("send", "--line", "z1", "rm -rf /precious"),
        ("expect", "--send", "reboot", "z1", "login:"),
    ):
        program = server.run(client(server.rundir, *words))
        assert await program.ends() == 1
        assert (program.output, program.errors.decode()) == (b"", why)
    far.listen()
    await far.accept()
    program = server.run(client(server.rundir, "send", "z1", "ls"))
    assert await program.ends() == 0
    assert await far.reads(2) == b"ls"


@pytest_twisted.ensureDeferred
async def test_notThereYet(serve: Serve, far: FarEnd) -> None:
    """
    A server that is not there yet is waited for.
    """
    far.die()
    console = serve(far.config())
    await deviceState(console, "can't connect: Connection refused; trying again")
    peer = await console.attach()
    far.listen()
    await far.accept()
    await far.prints(b"hello")
    await peer.expect(CONNECTED + b"hello")


@pytest_twisted.ensureDeferred
async def test_lastOutput(serve: Serve, far: FarEnd) -> None:
    """
    What is printed last is kept, however much it is and though nobody is attached.
    """
    console = serve(far.config())
    await far.accept()
    printed = await flood(far, 500_000)
    far.hangUp()
    zone = console.zone.console
    await until(lambda: zone.history.end == len(printed), "all that was printed")
    kept = b""
    while len(kept) < len(printed):
        # It may go around the end of the ring; no view of it may stay.
        kept += bytes(zone.history.chunk(len(kept), len(printed) - len(kept)))
    assert kept == printed
    await far.accept()


@pytest_twisted.ensureDeferred
async def test_slow(serve: Serve, far: FarEnd) -> None:
    """
    A server that reads nothing for a while loses nothing of what is typed, and makes
    who types wait instead of the server's memory grow.
    """
    console = serve(far.config())
    await far.accept()
    peer = await console.attach()
    sent = 0
    while chunk := peer.sendNow(content(64 * 1024)):
        sent += chunk
        await pause(0.02)
        assert sent < 16 * 1024 * 1024, "somebody buffers without end"
    seat = console.zone.console.seat
    assert seat._typed.size <= 64 * 1024 + 256 * 1024
    whole = content(64 * 1024)
    got = await far.reads(sent)
    # Each turn began with the same bytes; the last may have been cut.
    assert got[: len(whole)] == whole[: len(got[: len(whole)])]
    await peer.send(b"the end")
    assert await far.reads(7) == b"the end"


@pytest_twisted.ensureDeferred
async def test_paste(serve: Serve, far: FarEnd) -> None:
    """
    A megabyte that is pasted arrives completely and in order.
    """
    console = serve(far.config())
    await far.accept()
    peer = await console.attach()
    typed = content(1024 * 1024)
    sending = peer.send(typed)
    got, _ = await together(far.reads(len(typed)), sending)
    assert got == typed


@pytest_twisted.ensureDeferred
async def test_flood(serve: Serve, far: FarEnd) -> None:
    """
    A server that floods is read, and whoever reads along gets every byte.
    """
    console = serve(far.config())
    await far.accept()
    peer = await console.attach()
    size = 4 * 1024 * 1024

    async def see() -> bytes:
        return await peer.exactly(size)

    printed, seen = await together(flood(far, size), see())
    assert seen == printed


@pytest_twisted.ensureDeferred
async def test_reset(serve: Serve, far: FarEnd) -> None:
    """
    A connection that is reset is made again.
    """
    console = serve(far.config())
    await far.accept()
    peer = await console.attach()
    far.hangUp(reset=True)
    await peer.until(b"[NOTICE: Console disconnected: ")
    await far.accept()
    await peer.until(CONNECTED)
    await far.prints(b"again")
    await peer.expect(b"again")


@pytest_twisted.ensureDeferred
async def test_flapping(serve: Serve, far: FarEnd) -> None:
    """
    A server that closes every connection at once is not connected to without a pause.
    """
    console = serve(far.config())
    began = reactor.seconds()
    for _ in range(5):
        await far.accept()
        far.hangUp()
    # 0.1, 0.2, 0.4 and 0.8 s, each shortened by up to a quarter.
    assert reactor.seconds() - began > 1.1
    await turn()
    assert console.errors == []


@pytest_twisted.ensureDeferred
async def test_neverAnswers(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, rundir: str
) -> None:
    """
    A host that never answers costs nobody anything, and the doors are open meanwhile.
    """
    monkeypatch.setattr(endpoint, "CONNECT_SECONDS", 0.5)
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    # One connection fills it; whoever comes after that gets no answer.
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(full.getsockname())
    try:
        port = full.getsockname()[1]
        options = DriverOptions(endpoint=f"tcp:127.0.0.1:{port}")
        console = serve(ZoneConfig("z1", "endpoint", options))
        peer = await console.attach()
        await deviceState(console, "opening")
        await deviceState(
            console, "can't connect: no answer in 0.5 seconds; trying again"
        )
        await deviceState(console, "opening")
        peer.close()
    finally:
        for each in (full, *fillers):
            each.close()


@pytest_twisted.ensureDeferred
async def test_stopped(serve: Serve, far: FarEnd) -> None:
    """
    A server that stops closes the connection in good order: what was typed last
    arrives.
    """
    console = serve(far.config())
    await far.accept()
    peer = await console.attach()
    await peer.send(b"bye")
    await until(lambda: console.zone.console.counters.input == 3, "what was typed")
    await within(console.server.stopService())
    assert await far.reads(3) == b"bye"
    assert await far.ended()
    console.server.startService()
    await far.accept()


@pytest_twisted.ensureDeferred
async def test_killed(launch: Callable[..., Any], far: FarEnd) -> None:
    """
    A server that is killed and started again connects again; what was printed before is
    still there.
    """
    first = await launch("--zone", "z1", "--endpoint", far.description)
    await far.accept()
    peer = await first.attach()
    await far.prints(b"before")
    await peer.expect(b"before")
    await first.kill()
    far.hangUp()
    second = await launch("--zone", "z1", "--endpoint", far.description)
    await far.accept()
    await far.prints(b" and after")
    peer: Peer = await second.connect()
    await peer.send(b'ATTACH {"role": "watch", "start": "all"}\n')
    await peer.until(b"before")
    await peer.until(b" and after")
    with pytest.raises(Refused):
        await second.ask(Boot)
