"""
Servers for the tests: in this process, and as a C{twistd} of their own.

Each is stopped when its test is over, and must leave nothing behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

import pytest
import pytest_twisted
from oci_support import Mounts
from support import (
    DEADLINE,
    Doors,
    Program,
    children,
    descriptors,
    endNexus,
    leftovers,
    nexusOf,
    pause,
    runs,
    turn,
    twistd,
    until,
    within,
)
from twisted.internet import reactor
from twisted.logger import globalLogPublisher

from zcons_twisted.doors.commands import Status
from zcons_twisted.rundir import RunDirectory
from zcons_twisted.server import ConsoleServer
from zcons_twisted.service import ZoneConsoleService
from zcons_twisted.zone_config import ZoneConfig


@pytest.fixture
def rundir() -> Iterator[str]:
    """
    The path of a run directory that is not there yet, short enough for sockets.
    """
    base = tempfile.mkdtemp(prefix="zc-", dir="/tmp")
    yield os.path.join(base, "run")
    endNexus(os.path.join(base, "run"))
    shutil.rmtree(base)


class InProcess(Doors):
    """
    A server in this process.

    @ivar server: all its zones.
    @ivar errors: the tracebacks that have been logged.
    """

    def __init__(self, rundir: str) -> None:
        super().__init__(rundir)
        self.errors: list[str] = []
        self._children: list[int] = []
        self._before: dict[int, str] = {}

    def start(self, *zones: ZoneConfig) -> InProcess:
        """
        Serve these zones, or a plain one.
        """
        chosen = list(zones) or [ZoneConfig(self.name)]
        self.name = chosen[0].name
        self._before = descriptors()
        self._children = children(os.getpid())
        globalLogPublisher.addObserver(self._logged)
        self.server = ConsoleServer(reactor, chosen, RunDirectory(self.rundir))
        self.server.startService()
        return self

    @property
    def zone(self) -> ZoneConsoleService:
        """
        The first zone.
        """
        return self.server.zones()[0]

    async def stop(self) -> None:
        """
        Stop it, and look at what is left.
        """
        await self.leave()
        await within(self.server.stopService())
        await turn(2)
        globalLogPublisher.removeObserver(self._logged)
        assert leftovers(self.rundir) == []
        await until(lambda: not self._leftOpen(), f"closing {self._leftOpen()}")
        assert children(os.getpid()) == self._children
        assert self.errors == [], self.errors[0]

    def _leftOpen(self) -> dict[int, str]:
        """
        Descriptors that were not there before.
        """
        now = descriptors()
        return {fd: now[fd] for fd in now if self._before.get(fd) != now[fd]}

    def _logged(self, event: dict[str, Any]) -> None:
        if "log_failure" in event:
            self.errors.append(event["log_failure"].getTraceback())


@pytest_twisted.async_yield_fixture
async def serve(rundir: str) -> AsyncIterator[Callable[..., InProcess]]:
    """
    Starts a server in this process.
    """
    started: list[InProcess] = []

    def start(*zones: ZoneConfig) -> InProcess:
        doors = InProcess(rundir)
        started.append(doors.start(*zones))
        return doors

    yield start
    for doors in started:
        await doors.stop()


@pytest.fixture
def console(serve: Callable[..., InProcess]) -> InProcess:
    """
    A server in this process with one zone that others run.
    """
    return serve()


class Twistd(Doors):
    """
    A server that is a C{twistd} in the foreground.

    @ivar expectErrors: its log may have tracebacks.
    """

    def __init__(self, rundir: str) -> None:
        super().__init__(rundir)
        self.expectErrors = False
        self.program: Program | None = None

    async def start(
        self, *options: str, under: Sequence[str] = (), **how: Any
    ) -> Twistd:
        """
        Start it and wait until all its zones are served.

        @param under: the words of a command that runs it.
        """
        chosen = options or ("--zone", self.name)
        zones = how.pop("zones", None) or [
            chosen[n + 1] for n, word in enumerate(chosen) if word == "--zone"
        ]
        self.name = zones[0]
        self.program = Program(
            [
                *(*under, twistd(), "-n", "--pidfile=", "zconsole"),
                *("--rundir", self.rundir, *chosen),
            ]
        ).start(**how)
        program = self.program
        for zone in zones:
            # The control door is the last to open; what is there before we have
            # started is a dead server's, so that it has to answer, too.
            path = self.path("control_sock", zone)

            def answers(path: str = path, zone: str = zone) -> bool:
                if program.status is not None:
                    raise AssertionError(program.output + program.errors)
                return listens(path)

            await until(answers, f"{path} answers")
            await self.ask(Status, zone)
        return self

    @property
    def pid(self) -> int:
        """
        The server's process ID.
        """
        assert self.program is not None
        return self.program.pid

    @property
    def log(self) -> str:
        """
        All that it said.
        """
        assert self.program is not None
        return (self.program.output + self.program.errors).decode("utf-8", "replace")

    async def end(self, number: int = signal.SIGTERM) -> None:
        """
        Stop it in good order, and look at what is left.
        """
        program = self.program
        assert program is not None
        if program.status is None:
            started = children(program.pid) if runs(program.pid) else []
            nexus = nexusOf(self.rundir)
            started += children(nexus) if nexus else []
            program.signal(number)
            await program.ends()
            assert [pid for pid in started if runs(pid)] == []
            # Twisted ends by the signal that it was stopped by, if it was.
            assert program.status in (0, -number), self.log
        self.clean()

    def clean(self) -> None:
        """
        Nothing of it is left but what its zones have printed.
        """
        assert leftovers(self.rundir) == []
        assert self.expectErrors or "Traceback" not in self.log, self.log

    async def kill(self) -> None:
        """
        End it the hard way.
        """
        assert self.program is not None
        await self.program.kill()


async def processOf(server: Twistd) -> int:
    """
    The first zone's process, once it runs.
    """
    while (status := await server.ask(Status))["state"] != "running":
        await pause(0.02)
    return int(status["life"].replace(",", "").split()[1])


def listens(path: str) -> bool:
    """
    Does anybody listen there?
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(DEADLINE)
        try:
            probe.connect(path)
        except OSError:
            return False
        return True


@pytest_twisted.async_yield_fixture
async def launch(rundir: str) -> AsyncIterator[Callable[..., Awaitable[Twistd]]]:
    """
    Starts a server as a C{twistd}, which is stopped in good order unless its test has
    killed it.
    """
    launched: list[Twistd] = []

    def start(*options: str, **how: Any) -> Awaitable[Twistd]:
        server = Twistd(rundir)
        launched.append(server)
        return server.start(*options, **how)

    yield start
    for server in launched:
        await server.leave()
        if server.program is not None and server.program.status is None:
            try:
                await server.end()
            finally:
                await server.kill()
        elif server.program is not None and server.program.status == 0:
            server.clean()


@pytest_twisted.async_yield_fixture
async def server(
    launch: Callable[..., Awaitable[Twistd]],
) -> AsyncIterator[Twistd]:
    """
    A C{twistd} with one zone that others run.
    """
    yield await launch()


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    """
    A mount namespace for runtimes of containers.
    """
    made = Mounts()
    yield made
    made.close()
