"""
Consoles at endpoints whose server is killed, or started anew: the other end prints
numbered lines all the time, and notices nothing.
"""

from __future__ import annotations

import contextlib
import os
import pty
import random
import tty
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_twisted
from conftest import Twistd
from far_end import FarEnd
from nexus_support import LINE, Resuming, checkHistory, restarted, text
from support import Readiness, nexusOf, pause, until
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from zcons_twisted.doors.commands import Restart, Status

Launch = Callable[..., Awaitable[Twistd]]

CRASHES = 10


class Counting:
    """
    Prints numbered lines as fast as they are taken, until it is told to stop.

    @ivar written: how many bytes were taken.
    """

    def __init__(self, fd: int) -> None:
        self.written = 0
        self._fd = fd
        self._stopped = False
        self._done = Deferred.fromCoroutine(self._print())

    async def stops(self) -> int:
        """
        Have it stop.

        @return: how many bytes it has printed.
        """
        self._stopped = True
        await self._done
        return self.written

    async def _print(self) -> None:
        while not self._stopped or self.written % LINE:
            size = 4096 if not self._stopped else LINE
            size -= self.written % LINE
            try:
                data = text(self.written, self.written + size)
                self.written += os.write(self._fd, data)
            except BlockingIOError:
                taken = await Readiness(self._fd).writable(60)
                assert taken, f"nothing is taken after {self.written} bytes"
            await pause(0)


class Serial:
    """
    The machine at the other end of a serial line.
    """

    def __init__(self) -> None:
        self._machine, self._line = pty.openpty()
        tty.setraw(self._line)
        os.set_blocking(self._machine, False)
        self.description = f"serial:{os.ttyname(self._line)}"

    async def begin(self) -> int:
        """
        It has been connected.
        """
        return self._machine

    def end(self) -> None:
        """
        It goes.
        """
        os.close(self._machine)
        os.close(self._line)


class Socket(FarEnd):
    """
    The same at a socket.
    """

    async def begin(self) -> int:
        """
        Wait for the connection.
        """
        return (await self.accept()).fileno()

    def end(self) -> None:
        """
        It goes.
        """
        self.die()


@pytest.fixture(params=["unix", "tcp", "serial"])
def far(request: Any, rundir: str) -> Iterator[Any]:
    """
    The other end.
    """
    made: Serial | Socket
    if request.param == "serial":
        made = Serial()
    elif request.param == "unix":
        made = Socket(os.path.join(os.path.dirname(rundir), "far")).listen()
    else:
        made = Socket().listen()
    yield made
    made.end()


def options(far: Any) -> tuple[str, ...]:
    """
    What the server is told.
    """
    words = ("--zone", "z1", "--history", "512M")
    return (*words, "--endpoint", far.description)


async def status(server: Twistd, name: str, wanted: str) -> None:
    """
    Wait for the zone's status to be so.
    """
    end = reactor.seconds() + 30
    while (found := await server.ask(Status))[name] != wanted:
        assert reactor.seconds() < end, found
        await pause(0.01)


async def kept(server: Twistd) -> None:
    """
    Wait until the connection is there, and the nexus has it.
    """
    await status(server, "deviceState", "open")
    nexus = nexusOf(server.rundir)
    await until(lambda: connections(server.pid) & connections(nexus), "that it is kept")


def connections(pid: int) -> set[str]:
    """
    The sockets and terminals of a process.
    """
    found = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        # One may have been closed in the meantime.
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    return {each for each in found if each.startswith(("socket:", "/dev/pts/"))}


@pytest_twisted.ensureDeferred
async def test_crashes(launch: Launch, rundir: str, far: Any) -> None:
    """
    The server is killed again and again at any moment.  All that was printed is in the
    history but for reads in flight, which are gaps of their size; an operator that
    resumes sees the same; nothing is told of the connection, which stays.
    """
    server = await launch(*options(far))
    printing = Counting(await far.begin())
    await kept(server)
    nexus = nexusOf(rundir)
    operator = await Resuming(rundir).attach()
    moments = random.Random(0)
    for _ in range(CRASHES):
        await until(lambda: operator.seated or operator.failure, "the operator is back")
        await pause(moments.uniform(0.0, 0.3))
        await server.kill()
        server = await launch(*options(far))
        await kept(server)
    written = await printing.stops()
    found = await checkHistory(server, written)
    await operator.to(written)
    assert operator.gaps == found.gaps
    assert all(0 < gap <= 16384 for gap in found.gaps)
    assert len(found.gaps) <= CRASHES
    assert operator.pauses == CRASHES
    operator.session.leave()
    status = await server.ask(Status)
    counters = {count["name"]: count["value"] for count in status["counters"]}
    assert (counters["events"], status["nexusPid"]) == (0, nexus)


@pytest_twisted.ensureDeferred
async def test_restarts(launch: Launch, rundir: str, far: Any) -> None:
    """
    Told to restart at any moment, it loses not a byte; an operator that resumes notices
    only pauses.
    """
    server = await launch(*options(far))
    printing = Counting(await far.begin())
    await kept(server)
    operator = await Resuming(rundir).attach()
    moments = random.Random(1)
    for _ in range(3):
        await until(lambda: operator.seated or operator.failure, "the operator is back")
        await pause(moments.uniform(0.0, 0.5))
        before = (await server.ask(Status))["since"]
        await server.ask(Restart)
        await restarted(server, before)
    written = await printing.stops()
    found = await checkHistory(server, written)
    await operator.to(written)
    assert (operator.gaps, found.gaps) == ([], [])
    assert operator.pauses == 3
    operator.session.leave()


@pytest_twisted.ensureDeferred
async def test_stopped(launch: Launch, rundir: str) -> None:
    """
    A server that stops for good closes the connection, and the nexus goes; what comes
    from the next one does not follow on, which is told.
    """
    far = Socket(os.path.join(os.path.dirname(rundir), "far")).listen()
    first = await launch(*options(far))
    await far.begin()
    await kept(first)
    await far.prints(b"before")
    peer = await first.connect()
    await peer.send(b'ATTACH {"role": "watch", "start": "all"}\n')
    await peer.until(b"before")
    await first.end()
    assert await far.ended()
    assert nexusOf(rundir) == 0
    second = await launch(*options(far))
    await far.begin()
    await far.prints(b"after")
    peer = await second.connect()
    await peer.send(b'ATTACH {"role": "watch", "start": "all"}\n')
    for said in (
        b"before",
        b"NOTICE: Console disconnected: the server stops",
        b"NOTICE: Console connected: what was printed before is not known",
        b"after",
    ):
        await peer.until(said)
    far.end()


@pytest_twisted.ensureDeferred
async def test_otherEndpoint(launch: Launch, rundir: str) -> None:
    """
    A connection is of no use to a server that is told another endpoint: it is closed,
    as is that of a zone which is a command from now on.
    """
    one, other = Socket().listen(), Socket().listen()
    server = await launch(*options(one))
    await one.begin()
    await kept(server)
    await server.kill()
    server = await launch(*options(other))
    await other.begin()
    assert await one.ended()
    await kept(server)
    await server.kill()
    server = await launch("--zone", "z1", "--exec", "cat")
    assert await other.ended()
    await status(server, "state", "running")
    for far in (one, other):
        far.end()
