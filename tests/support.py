"""
What the integration tests have in common: waiting for things with a deadline, raw
peers, programs, and the zone's side of a console.

Nothing waits for a fixed time where there is a condition to wait for.  Everything
that is opened or started here is closed or ended by the fixture that gave it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import socket
import sys
import sysconfig
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, TimeoutError, gatherResults
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.interfaces import IReadDescriptor, IWriteDescriptor
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.internet.task import deferLater
from twisted.protocols.amp import AMP
from twisted.python.failure import Failure
from zope.interface import implementer

from zcons_twisted.doors.commands import Status
from zcons_twisted.frames import SERVER_TYPES, FrameReader, FrameType, parseOutput
from zcons_twisted.nexus.door import SOCKET_NAME
from zcons_twisted.nexus.wire import Connection

#: Seconds that anything may take.  It is long because a busy machine is no error;
#: nothing waits that long unless it fails.
DEADLINE = 30.0

HERE = Path(__file__).parent
ROOT = os.geteuid() == 0

BLOCK = 64 * 1024


# Waiting.


async def turn(times: int = 1) -> None:
    """
    Let the reactor go round.
    """
    for _ in range(times):
        await deferLater(reactor, 0)


async def pause(seconds: float) -> None:
    """
    Wait; only for what is slow on purpose.
    """
    await deferLater(reactor, seconds)


async def within(deferred: Deferred[Any], deadline: float = DEADLINE) -> Any:
    """
    What a Deferred gives, within the deadline.
    """
    return await deferred.addTimeout(deadline, reactor)


async def until(
    condition: Callable[[], Any], what: str, deadline: float = DEADLINE
) -> Any:
    """
    Wait until something is so, and tell what it was when it is not so in time.
    """
    end = reactor.seconds() + deadline
    while True:
        found = condition()
        if found:
            return found
        assert reactor.seconds() < end, f"not within {deadline:g} s: {what}"
        await pause(0.005)


async def together(*coroutines: Coroutine[Any, Any, Any]) -> list[Any]:
    """
    What several coroutines give that run at the same time.
    """
    return await gatherResults([Deferred.fromCoroutine(each) for each in coroutines])


@implementer(IReadDescriptor, IWriteDescriptor)
class Readiness:
    """
    Waits for a descriptor to be ready to be read or written.  A reactor wants one
    object for both.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._readable: Deferred[None] | None = None
        self._writable: Deferred[None] | None = None

    async def readable(self, deadline: float) -> bool:
        """
        Wait until there is something to read.

        @return: whether there is, rather than that the time is over.
        """
        self._readable = Deferred(lambda _ignored: self._leave(True))
        reactor.addReader(self)
        return await self._wait(self._readable, deadline)

    async def writable(self, deadline: float) -> bool:
        """
        Wait until something can be written.

        @return: whether it can, rather than that the time is over.
        """
        self._writable = Deferred(lambda _ignored: self._leave(False))
        reactor.addWriter(self)
        return await self._wait(self._writable, deadline)

    def fileno(self) -> int:
        """
        See L{IReadDescriptor}.
        """
        return self._fd

    def logPrefix(self) -> str:
        """
        See L{IReadDescriptor}.
        """
        return "test"

    def doRead(self) -> None:
        """
        See L{IReadDescriptor}.
        """
        self._tell(True)

    def doWrite(self) -> None:
        """
        See L{IWriteDescriptor}.
        """
        self._tell(False)

    def connectionLost(self, reason: Failure) -> None:
        """
        See L{IReadDescriptor}.
        """
        self._tell(True)
        self._tell(False)

    async def _wait(self, done: Deferred[None], deadline: float) -> bool:
        try:
            await within(done, deadline)
        except TimeoutError:
            return False
        return True

    def _tell(self, reading: bool) -> None:
        done = self._leave(reading)
        if done is not None:
            done.callback(None)

    def _leave(self, reading: bool) -> Deferred[None] | None:
        """
        Wait no more.

        @return: who waited.
        """
        if reading:
            reactor.removeReader(self)
            done, self._readable = self._readable, None
        else:
            reactor.removeWriter(self)
            done, self._writable = self._writable, None
        return done


# What goes through a console.


def blocks(size: int, seed: int = 0) -> Iterator[bytes]:
    """
    So many bytes of every value, the same for the same seed.
    """
    source = random.Random(seed)
    while size > 0:
        yield source.randbytes(min(size, BLOCK))
        size -= BLOCK


def content(size: int, seed: int = 0) -> bytes:
    """
    The same in one piece.
    """
    return b"".join(blocks(size, seed))


def digest(data: bytes) -> str:
    """
    Its checksum.
    """
    return hashlib.sha256(data).hexdigest()


def numbered(size: int) -> bytes:
    """
    Text of which each 16 bytes tell where they are.
    """
    return b"".join(b"%015d\n" % (at,) for at in range(0, size + 16, 16))[:size]


# Peers.


class Peer:
    """
    A raw peer of a console socket: nothing but bytes, each with a deadline.

    @ivar held: what has been received and not been looked at.
    @ivar ended: the server sends no more.
    @ivar broken: the connection was reset.
    @ivar sent: how many bytes L{fill} has sent.
    """

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self._readiness = Readiness(self.socket.fileno())
        self.held = b""
        self.ended = False
        self.broken = False
        self.sent = 0

    async def connect(self, path: str, deadline: float = DEADLINE) -> Peer:
        """
        Connect, as often as the socket's backlog is full.
        """
        end = reactor.seconds() + deadline
        while True:
            try:
                self.socket.connect(path)
            except BlockingIOError:
                assert reactor.seconds() < end, f"nobody accepts on {path}"
                await pause(0.002)
            else:
                return self

    # Sending.

    async def send(self, data: bytes, deadline: float = DEADLINE) -> None:
        """
        Send all of it.
        """
        view = memoryview(data)
        while view:
            try:
                view = view[self.socket.send(view[:BLOCK]) :]
            except BlockingIOError:
                took = await self._readiness.writable(deadline)
                assert took, f"{len(view)} bytes were not taken in {deadline:g} s"

    def sendNow(self, data: bytes) -> int:
        """
        Send what is taken at once.

        @return: how much that was.
        """
        sent = 0
        while sent < len(data):
            try:
                sent += self.socket.send(data[sent : sent + 4096])
            except BlockingIOError:
                break
        return sent

    async def fill(self, data: bytes) -> None:
        """
        Send until no more is taken: the server does not read any more.
        """
        while more := self.sendNow(data[self.sent :]):
            self.sent += more
            await pause(0.05)
        assert self.sent < len(data), "all of it was taken"

    async def attach(self, line: bytes = b"IDENT 1 C 0\n") -> Peer:
        """
        Send a first line and be seated.
        """
        await self.send(line)
        await self.expect(b"OK\n")
        return self

    def halfClose(self) -> None:
        """
        Send no more.
        """
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """
        Go, however much is unread.
        """
        self.socket.close()

    # Receiving.

    def _receive(self) -> bool:
        try:
            data = self.socket.recv(256 * 1024)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            data = b""
            self.broken = True
        self.held += data
        self.ended = not data
        return True

    def look(self) -> bytes:
        """
        All that is there now, left where it is.
        """
        while not self.ended and self._receive():
            pass
        return self.held

    async def more(self, deadline: float = DEADLINE) -> bool:
        """
        Wait for more bytes.

        @return: whether there are, rather than an end.
        """
        assert not self.ended, f"the server has closed after {self.held[-200:]!r}"
        end = reactor.seconds() + deadline
        while not self._receive():
            left = end - reactor.seconds()
            readable = left > 0 and await self._readiness.readable(left)
            assert readable, f"nothing in {deadline:g} s after {self.held[-200:]!r}"
        return not self.ended

    async def atMost(self, size: int, deadline: float = DEADLINE) -> bytes:
        """
        Take no more than so much from the connection, and leave the rest in it.
        """
        assert not self.held
        while True:
            try:
                return self.socket.recv(size)
            except BlockingIOError:
                readable = await self._readiness.readable(deadline)
                assert readable, f"nothing in {deadline:g} s"

    def _take(self, size: int) -> bytes:
        taken, self.held = self.held[:size], self.held[size:]
        return taken

    async def exactly(self, size: int, deadline: float = DEADLINE) -> bytes:
        """
        The next bytes, so many of them.
        """
        chunks = [self.held]
        have = len(self.held)
        self.held = b""
        while have < size:
            came = await self.more(deadline)
            assert came, f"{have} of {size} bytes came, then the end"
            chunks.append(self.held)
            have += len(self.held)
            self.held = b""
        self.held = b"".join(chunks)
        return self._take(size)

    async def expect(self, data: bytes) -> None:
        """
        The next bytes are these.
        """
        while len(self.held) < len(data) and data.startswith(self.held):
            if not await self.more():
                break
        got = self._take(len(data))
        assert got == data, f"{got!r} came, not {data!r}"

    async def until(self, data: bytes, deadline: float = DEADLINE) -> bytes:
        """
        The next bytes up to and with these.
        """
        end = reactor.seconds() + deadline
        while data not in self.held:
            came = await self.more(max(0.0, end - reactor.seconds()))
            assert came, f"no {data!r} but the end after {self.held[-200:]!r}"
        return self._take(self.held.index(data) + len(data))

    async def rest(self, deadline: float = DEADLINE) -> bytes:
        """
        All that comes until the server closes.
        """
        while not self.ended and await self.more(deadline):
            pass
        return self._take(len(self.held))

    async def closes(self) -> None:
        """
        The server closes, in good order and without another byte.
        """
        rest = await self.rest()
        assert rest == b"", f"{rest!r} came, not the end"
        assert not self.broken, "the connection was reset"


# Programs.


class Program(ProcessProtocol):
    """
    A program that runs beside the test.

    @ivar pid: its process ID.
    @ivar output: what it wrote to its standard output.
    @ivar errors: what it wrote to its standard error.
    @ivar status: its exit status, the negative number of the signal that ended it,
        or L{None} while it runs.
    """

    def __init__(self, argv: list[str]) -> None:
        self.argv = argv
        self.output = b""
        self.errors = b""
        self.status: int | None = None
        self.pid = 0

    def start(
        self,
        env: dict[str, str] | None = None,
        cwd: str | None = None,
    ) -> Program:
        """
        Run it.
        """
        reactor.spawnProcess(
            self, self.argv[0], self.argv, env={**os.environ, **(env or {})}, path=cwd
        )
        self.pid = self.transport.pid
        return self

    def outReceived(self, data: bytes) -> None:
        """
        It wrote.
        """
        self.output += data

    def errReceived(self, data: bytes) -> None:
        """
        It complained.
        """
        self.errors += data

    def processEnded(self, reason: Failure) -> None:
        """
        It has ended and said all it had to say.
        """
        if reason.check(ProcessDone):
            self.status = 0
        else:
            value = reason.value
            self.status = -value.signal if value.signal else value.exitCode

    def signal(self, number: int) -> None:
        """
        Send it a signal, if it still runs.
        """
        if self.transport is not None:
            try:
                self.transport.signalProcess(number)
            except ProcessExitedAlready:
                pass

    def send(self, data: bytes) -> None:
        """
        Write to its standard input.
        """
        self.transport.write(data)

    async def says(self, data: bytes, deadline: float = DEADLINE) -> bytes:
        """
        Wait for its standard output to have this, and take what is there up to it.
        """
        await until(
            lambda: data in self.output or self.status is not None,
            f"{data!r} from {self.argv}: {self.output!r} {self.errors!r}",
            deadline,
        )
        assert data in self.output, f"{self.argv}: {self.status} {self.errors!r}"
        at = self.output.index(data) + len(data)
        taken, self.output = self.output[:at], self.output[at:]
        return taken

    async def ends(self, deadline: float = DEADLINE) -> int:
        """
        Wait for its end.

        @return: its status.
        """
        await until(
            lambda: self.status is not None,
            f"end of {self.argv}: {self.output!r} {self.errors!r}",
            deadline,
        )
        assert self.status is not None
        return self.status

    async def kill(self) -> None:
        """
        End it now.
        """
        self.signal(signal.SIGKILL)
        if self.transport is not None:
            self.transport.loseConnection()
        await self.ends()


def script(name: str, *arguments: str) -> Program:
    """
    One of the programs beside this file.
    """
    return Program([sys.executable, str(HERE / name), *arguments])


def twistd() -> str:
    """
    Where the C{twistd} of this environment is.
    """
    return os.path.join(sysconfig.get_path("scripts"), "twistd")


class ZoneSide:
    """
    A process that is the zone's side of a console and does what it is told.
    """

    def __init__(self, link: str) -> None:
        self.program = script("zone_side.py")
        self.link = link

    async def start(self, raw: bool = True) -> ZoneSide:
        """
        Run it, and have it open the console.
        """
        self.program.start()
        await self.open(raw)
        return self

    async def open(self, raw: bool = True) -> None:
        """
        Open the console through its link.
        """
        await self.do("open", self.link)
        if raw:
            await self.do("raw")

    def begin(self, name: str, *arguments: Any) -> None:
        """
        Tell it what to do.
        """
        self.program.send(json.dumps([name, *arguments]).encode() + b"\n")

    async def done(self, deadline: float = DEADLINE) -> Any:
        """
        What came of that.
        """
        answer = json.loads(await self.program.says(b"\n", deadline))
        if "errno" in answer:
            raise OSError(answer["errno"], answer["what"])
        return answer["result"]

    async def do(self, name: str, *arguments: Any, deadline: float = DEADLINE) -> Any:
        """
        Tell it what to do and wait for what comes of it.
        """
        self.begin(name, *arguments)
        return await self.done(deadline)

    async def prints(self, data: bytes) -> None:
        """
        Have it write to the console.
        """
        await self.do("print", data.decode("latin-1"))

    async def reads(self, size: int) -> bytes:
        """
        Have it read exactly so much from the console.
        """
        return (await self.do("receive", size)).encode("latin-1")


async def relays(zone: ZoneSide, peer: Peer) -> None:
    """
    The console works in both directions.
    """
    await zone.prints(b"from the zone\n")
    await peer.until(b"from the zone\n")
    await peer.send(b"to the zone\n")
    assert await zone.reads(12) == b"to the zone\n"


# Doors.


class Doors:
    """
    The doors of a server's zones, and those who came in by them.

    @ivar rundir: the run directory.
    @ivar name: the name of the first zone.
    """

    name = "z1"

    def __init__(self, rundir: str) -> None:
        self.rundir = rundir
        self._peers: list[Peer] = []
        self._controls: list[AMP] = []
        self._programs: list[Program] = []

    def path(self, suffix: str, zone: str = "") -> str:
        """
        The path of one of a zone's files.
        """
        return os.path.join(self.rundir, f"{zone or self.name}.{suffix}")

    def link(self, zone: str = "") -> str:
        """
        Where a zone finds its console.
        """
        return os.path.join(self.rundir, "zcons", zone or self.name, "zoneconsole")

    async def connect(self, zone: str = "") -> Peer:
        """
        A raw peer of the console socket.
        """
        return await self.connectTo("console_sock", zone)

    async def connectTo(self, suffix: str, zone: str = "") -> Peer:
        """
        A raw peer of one of a zone's sockets.
        """
        peer = Peer()
        self._peers.append(peer)
        return await peer.connect(self.path(suffix, zone))

    async def attach(self, line: bytes = b"IDENT 1 C 0\n", zone: str = "") -> Peer:
        """
        A raw peer that is seated.
        """
        return await (await self.connect(zone)).attach(line)

    async def control(self, zone: str = "") -> AMP:
        """
        A client of the control door.
        """
        peer = await self.connectTo("control_sock", zone)
        client = AMP()
        reactor.adoptStreamConnection(
            peer.socket.fileno(), socket.AF_UNIX, Factory.forProtocol(lambda: client)
        )
        peer.close()
        self._controls.append(client)
        return client

    async def ask(
        self,
        command: type,
        zone: str = "",
        deadline: float | None = None,
        **arguments: Any,
    ) -> Any:
        """
        One command to the control door, and its answer.

        @param deadline: how many seconds that may take, where it is long.
        """
        client = await self.control(zone)
        try:
            asked = client.callRemote(command, **arguments)
            return await (within(asked, deadline) if deadline else within(asked))
        finally:
            client.transport.abortConnection()

    async def has(self, end: int, zone: str = "") -> None:
        """
        Wait until the server has read what a zone printed, up to an offset.
        """
        limit = reactor.seconds() + DEADLINE
        while (found := (await self.ask(Status, zone))["end"]) < end:
            assert reactor.seconds() < limit, f"{found} of {end} bytes"
            await pause(0.005)

    async def printed(self, text: bytes, zone: str = "") -> None:
        """
        Wait until a zone has printed something, whoever saw it.
        """
        watcher = await self.connect(zone)
        await watcher.send(b'ATTACH {"role": "watch", "start": "all"}\n')
        await watcher.until(b"\n")
        reader = FrameReader(SERVER_TYPES)
        seen = b""
        while text not in seen:
            held, watcher.held = watcher.held, b""
            for frame in reader.feed(held):
                if frame.type is FrameType.OUTPUT:
                    seen += parseOutput(frame.payload)[1]
            if text not in seen:
                assert await watcher.more()
        watcher.close()

    async def arrive(self, text: bytes, zone: str = "") -> Peer:
        """
        A raw peer that is seated once a zone has printed something, however quick that
        was.
        """
        await self.printed(text, zone)
        return await self.attach(zone=zone)

    async def zoneSide(self, zone: str = "", raw: bool = True) -> ZoneSide:
        """
        A process at the zone's side.
        """
        side = ZoneSide(self.link(zone))
        self._programs.append(side.program)
        return await side.start(raw)

    async def client(self, line: bytes = b"IDENT 1 C 0\n", zone: str = "") -> Program:
        """
        Another process that is attached.
        """
        socketPath = self.path("console_sock", zone)
        program = script("plain_client.py", socketPath, line.decode("latin-1"))
        self._programs.append(program.start())
        await program.says(b"OK\n")
        return program

    def run(self, program: Program, **how: Any) -> Program:
        """
        Start a program that is ended with all the others.
        """
        self._programs.append(program)
        return program.start(**how)

    async def leave(self) -> None:
        """
        Everybody goes.
        """
        for peer in self._peers:
            peer.close()
        for client in self._controls:
            if client.transport is not None:
                client.transport.abortConnection()
        for program in self._programs:
            await program.kill()
        for gone in (self._peers, self._controls, self._programs):
            gone.clear()
        await turn(2)


# What is left behind.


def leftovers(rundir: str) -> list[str]:
    """
    What is in a run directory, without what its zones have printed, which stays.
    """
    return [name for name in os.listdir(rundir) if not name.endswith(".history")]


def nexusOf(rundir: str) -> int:
    """
    The process of the nexus of a run directory, or 0 where there is none.
    """
    with socket.socket(socket.AF_UNIX) as connected:
        connected.settimeout(DEADLINE)
        try:
            connected.connect(os.path.join(rundir, SOCKET_NAME))
            nexus = Connection(connected.dup())
            nexus.send({"_ask": b"1", "_command": b"Hello"})
            nexus.flush()
            boxes = nexus.receive()
            nexus.close()
        except OSError:
            return 0
    return int(boxes[0]["pid"]) if boxes else 0


def endNexus(rundir: str) -> None:
    """
    What a test that has killed its server leaves: the nexus, and what runs in it.
    """
    nexus = nexusOf(rundir)
    if nexus:
        for pid in [*children(nexus), nexus]:
            # One may have ended in the meantime.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def descriptors() -> dict[int, str]:
    """
    Our open descriptors.
    """
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            # The one of the listing itself.
            continue
    return found


def descriptorCount(pid: int) -> int:
    """
    How many descriptors a process has open.
    """
    return len(os.listdir(f"/proc/{pid}/fd"))


def children(pid: int) -> list[int]:
    """
    The children of a process.
    """
    found: list[int] = []
    for task in os.listdir(f"/proc/{pid}/task"):
        # A thread may have ended in the meantime.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            path = Path(f"/proc/{pid}/task/{task}/children")
            found += map(int, path.read_text().split())
    return found


def runs(pid: int) -> bool:
    """
    Is there such a process, and not just what is left of one?
    """
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def memory(pid: int, field: str = "VmRSS") -> int:
    """
    A process's memory in bytes; C{VmHWM} is the most that it ever was.
    """
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    raise AssertionError(field)


def cpuSeconds(pid: int) -> float:
    """
    The processor time that a process has used.
    """
    with open(f"/proc/{pid}/stat") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
