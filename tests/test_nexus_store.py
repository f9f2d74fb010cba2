"""
A nexus that a service manager runs: it survives its own restart.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator

import pytest
import pytest_twisted
from conftest import Twistd, processOf
from support import Program, endNexus, leftovers, nexusOf, pause, until
from twisted.internet import reactor

from zcons_twisted.doors.commands import Status
from zcons_twisted.nexus.notify import STATE_NAME, parseName, storeName

Launch = Callable[..., Awaitable[Twistd]]

BECOME = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Manager:
    """
    As much of a service manager as it takes to run a nexus.

    @ivar kept: the descriptors that it keeps, by name, in the order that they came.
    """

    def __init__(self, rundir: str) -> None:
        os.mkdir(rundir, 0o700)
        self._rundir = rundir
        self._path = rundir + ".notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._path)
        self._socket.setblocking(False)
        self.kept: dict[str, int] = {}
        self.ready = 0
        self.nexus: Program | None = None

    async def start(self) -> None:
        """
        Run the nexus, with all that is kept for it.
        """
        words = ["-m", "zcons_twisted.nexus", "--rundir", self._rundir]
        argv = [sys.executable, "-c", BECOME, *words, "--foreground", "--stay"]
        self.nexus = Program(argv)
        descriptors: dict[int, int | str] = {0: "w", 1: "r", 2: "r"}
        for number, fd in enumerate(self.kept.values(), 3):
            descriptors[number] = fd
        env = {
            **os.environ,
            "NOTIFY_SOCKET": self._path,
            "LISTEN_FDS": str(len(self.kept)),
            "LISTEN_FDNAMES": ":".join(self.kept),
        }
        before = self.ready
        reactor.spawnProcess(self.nexus, argv[0], argv, env=env, childFDs=descriptors)
        await until(lambda: self.take().ready > before, "the nexus is ready")

    def take(self) -> Manager:
        """
        Hear what the nexus has to say.
        """
        while True:
            try:
                data, fds, _flags, _who = socket.recv_fds(self._socket, 4096, 1)
            except BlockingIOError:
                return self
            said = dict(line.split("=", 1) for line in data.decode().split("\n"))
            if "READY" in said:
                self.ready += 1
            elif "FDSTORE" in said:
                assert said["FDPOLL"] == "0"
                self.kept[said["FDNAME"]] = fds[0]
            elif "FDSTOREREMOVE" in said:
                os.close(self.kept.pop(said["FDNAME"]))

    async def kill(self) -> None:
        """
        End the nexus the hard way.
        """
        assert self.nexus is not None
        os.kill(nexusOf(self._rundir), signal.SIGKILL)
        await self.nexus.ends()

    def close(self) -> None:
        """
        Keep nothing any more.
        """
        self._socket.close()
        endNexus(self._rundir)
        for fd in self.kept.values():
            os.close(fd)


@pytest.fixture
def manager(rundir: str) -> Iterator[Manager]:
    """
    A service manager.
    """
    made = Manager(rundir)
    yield made
    made.close()


@pytest_twisted.ensureDeferred
async def test_restarted(manager: Manager, launch: Launch, rundir: str) -> None:
    """
    After its restart the nexus has the pairs that it had, under the same numbers, and
    knows what ran: the zone's process goes on, and so does a server that was there all
    the time.
    """
    await manager.start()
    options = ("--zone", "z1", "--exec", "cat", "--zone", "z2")
    server = await launch(*options)
    zone = await processOf(server)
    manager.take()
    names = set(manager.kept)
    assert {parseName(name) for name in names - {STATE_NAME}} == {(0, "z1"), (1, "z2")}
    peer = await server.attach()
    await manager.kill()
    await manager.start()
    while (await server.ask(Status))["nexusPid"] != nexusOf(rundir):
        await pause(0.02)
    await peer.send(b"there\n")
    await peer.until(b"there\r\nthere\r\n")
    # The next server finds it there, too.
    await server.kill()
    server = await launch(*options)
    status = await server.ask(Status)
    assert status["life"].startswith(f"process {zone}, found running since")
    assert set(manager.take().kept) == names
    peer.close()
    assert server.program is not None
    server.program.signal(signal.SIGTERM)
    await server.program.ends()
    assert set(manager.take().kept) == {STATE_NAME}
    assert leftovers(rundir) == ["nexus_sock"]
    # There is more left than a server's end leaves as a rule.
    server.program = None


@pytest_twisted.ensureDeferred
async def test_allKilled(manager: Manager, launch: Launch) -> None:
    """
    Even where the server and the nexus are killed, the zone goes on: the service
    manager has its pair.
    """
    await manager.start()
    server = await launch("--zone", "z1", "--exec", "cat")
    zone = await processOf(server)
    manager.take()
    await server.kill()
    await manager.kill()
    await pause(0.1)
    await manager.start()
    server = await launch("--zone", "z1", "--exec", "cat")
    status = await server.ask(Status)
    assert status["life"].startswith(f"process {zone}, found running since")
    peer = await server.attach()
    await peer.send(b"there\n")
    await peer.until(b"there\r\nthere\r\n")
    peer.close()
    await server.kill()


def test_names() -> None:
    """
    The longest name is one that a service manager takes.
    """
    longest = storeName(999_999_999, "z" * 63)
    assert len(longest) < 255
    assert ":" not in longest
