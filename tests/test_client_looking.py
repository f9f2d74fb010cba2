"""
The commands of C{zconsole} that only look, the real ones, against a real server; and a
server that knows nothing of them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable

import pytest
import pytest_twisted
from client_support import AtTerminal, client
from conftest import Twistd
from support import Program, numbered, pause, until
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol

from zcons_twisted.doors.commands import Detach, Event, Status

MIB = 1024 * 1024

Launch = Callable[..., Awaitable[Twistd]]


async def watched(server: Twistd, count: int, zone: str = "") -> None:
    """
    Wait until there are so many watchers.
    """
    while len((await server.ask(Status, zone))["watchers"]) != count:
        await pause(0.005)


async def seated(server: Twistd) -> AtTerminal:
    """
    An operator.
    """
    program = AtTerminal(server.rundir, "attach", "z1")
    server.run(program)
    await program.seated()
    return program


async def history(server: Twistd, *words: str) -> bytes:
    """
    What the command of that name puts out.
    """
    program = server.run(client(server.rundir, "history", *words, "z1"))
    assert await program.ends() == 0
    assert program.errors == b""
    return program.output


@pytest_twisted.ensureDeferred
async def test_watch(server: Twistd) -> None:
    """
    Beside the operator one can look, at a terminal and in a pipe; what a watcher types
    goes nowhere.
    """
    zone = await server.zoneSide()
    operator = await seated(server)
    looks = AtTerminal(server.rundir, "watch", "z1")
    server.run(looks)
    await looks.seated()
    piped = server.run(client(server.rundir, "watch", "-Q", "z1"))
    await watched(server, 2)
    looks.send(b"nothing\r")
    operator.send(b"typed")
    assert await zone.reads(5) == b"typed"
    await zone.prints(b"hello\x1b[m")
    for program in (operator, looks, piped):
        await program.says(b"hello\x1b[m")
    looks.send(b"\x03")
    assert await looks.ends() == 0
    assert looks.settings == looks.before
    piped.signal(signal.SIGINT)
    assert await piped.ends() == 0
    operator.send(b"\r~.")
    assert await operator.ends() == 0


@pytest_twisted.ensureDeferred
async def test_watchEnds(server: Twistd) -> None:
    """
    A watcher is told why it ends, too; that the operator ends does not end it.
    """
    operator = await seated(server)
    looks = server.run(client(server.rundir, "watch", "z1"))
    await looks.says(b"[Watching zone 'z1' console]\n")
    await server.ask(Detach)
    assert await operator.ends() == 3
    await server.ask(Event, name="uninstalling")
    assert await looks.ends() == 3
    told = b"zconsole: the server ended the session: the zone is being uninstalled\n"
    assert looks.errors == told


@pytest_twisted.ensureDeferred
async def test_watchSeveral(launch: Launch) -> None:
    """
    Several zones are watched by lines, with their names in front; a zone that is not
    there is told of, and the others are watched.
    """
    server = await launch("--zone", "z1", "--zone", "z2")
    one, two = await server.zoneSide("z1"), await server.zoneSide("z2")
    looks = server.run(client(server.rundir, "watch", "z1", "z2", "z3"))
    for zone in ("z1", "z2"):
        await watched(server, 1, zone)
    await one.prints(b"one\x1b[2J\r\n")
    await looks.says(b"z1: one\\x1b[2J\n")
    await two.prints(b"login: ")
    await looks.says(b"z2: login: \n")
    await server.ask(Event, "z2", name="halted")
    await looks.says(b"z2: [NOTICE: Zone halted]\n")
    assert b"zconsole: z3: no server serves zone z3" in looks.errors
    looks.signal(signal.SIGINT)
    assert await looks.ends() == 0


@pytest_twisted.ensureDeferred
async def test_leaveSeveral(launch: Launch) -> None:
    """
    At a terminal, the way out leaves several zones as it leaves one.
    """
    server = await launch("--zone", "z1", "--zone", "z2")
    looks = AtTerminal(server.rundir, "watch", "--replay", "all", "z1", "z2")
    server.run(looks)
    zone = await server.zoneSide("z1")
    await zone.prints(b"hello\r\n")
    await looks.says(b"z1: hello\r\n")
    looks.send(b"~?\n")
    await looks.says(b"~.  and Enter: leave the consoles\r\n^C  leave them, too\r\n")
    looks.send(b"~.\n")
    assert await looks.ends() == 0


@pytest_twisted.ensureDeferred
async def test_waysOut(launch: Launch) -> None:
    """
    Whoever looks is told how to leave: with several zones at once, and else by C{~?},
    which offers nothing that is for operators.
    """
    server = await launch("--zone", "z1", "--zone", "z2")
    looks = AtTerminal(server.rundir, "watch", "z1", "z2")
    server.run(looks)
    await looks.says(
        b"[Watching the consoles of 2 zones; Ctrl-C leaves, and so does ~. with Enter;"
        b" ~? with Enter tells more]\r\n"
    )
    looks.send(b"\x03")
    assert await looks.ends() == 0
    looks = AtTerminal(server.rundir, "watch", "z1")
    server.run(looks)
    await looks.seated()
    looks.send(b"~?")
    told = await looks.says(b"beginning of a line only\r\n")
    assert b"~.  leave the console\r\n^C  leave it, too\r\n" in told
    assert b"break" not in told
    looks.send(b"~.")
    assert await looks.ends() == 0


@pytest_twisted.ensureDeferred
async def test_withoutServer(server: Twistd) -> None:
    """
    What a server left that was killed can be read, and is what it was.
    """
    zone = await server.zoneSide()
    await zone.prints(b"panic\r\n")
    await server.has(7)
    assert await history(server, "--lines", "1") == b"panic\r\n"
    await server.kill()
    program = server.run(client(server.rundir, "history", "--times", "z1"))
    assert await program.ends() == 0
    assert program.output == b"panic\r\n"
    assert b"zconsole: no server serves zone z1: this is what " in program.errors


@pytest_twisted.ensureDeferred
async def test_history(server: Twistd) -> None:
    """
    It puts out exactly what the zone printed, or a part of it, and goes on if it is
    told to; notices are no part of it.
    """
    zone = await server.zoneSide()
    await zone.do("number", 0, 1600)
    await server.has(1600)
    await server.ask(Event, name="halted")
    assert await history(server) == numbered(1600)
    assert await history(server, "--lines", "3") == numbered(1600)[-48:]
    assert await history(server, "--since", "1000") == numbered(1600)[1000:]
    assert await history(server, "--since", "9999") == b""
    follows = server.run(
        client(server.rundir, "history", "--follow", "--since", "1584", "z1")
    )
    await follows.says(b"%015d\n" % (1584,))
    await zone.prints(b"\x1b[mmore")
    await follows.says(b"\x1b[mmore")
    follows.signal(signal.SIGINT)
    assert await follows.ends() == 130
    at = AtTerminal(server.rundir, "history", "z1")
    server.run(at)
    assert await at.ends() == 0
    assert b"\r\n[NOTICE: Zone halted]\r\n" in at.output.replace(b"\r\r", b"\r")


@pytest_twisted.ensureDeferred
async def test_historyIsBounded(server: Twistd) -> None:
    """
    It ends where the history ended when it began, however much comes after; what is
    not kept any more is told of.
    """
    zone = await server.zoneSide()
    zone.begin("number", 0, 4 * MIB)
    await zone.done()
    program = server.run(client(server.rundir, "history", "--since", "0", "z1"))
    zone.begin("number", 4 * MIB, 64 * MIB)
    await program.ends()
    assert program.status == 0
    # Of the zone's first output so much is kept besides.
    assert b" bytes are missing at offset 65536\n" in program.errors
    assert len(program.output) <= MIB + 65536
    assert program.output[:65536] == numbered(65536)
    await zone.done()


@pytest_twisted.ensureDeferred
async def test_historySinceBoot(server: Twistd) -> None:
    """
    What the zone printed first since it booted is there however much came after.
    """
    zone = await server.zoneSide()
    await zone.prints(b"before")
    await server.has(6)
    await server.ask(Event, name="booting")
    await zone.do("number", 0, 4 * MIB)
    await server.has(6 + 4 * MIB)
    program = server.run(client(server.rundir, "history", "--since-boot", "z1"))
    assert await program.ends() == 0
    assert program.output[:65536] == numbered(65536)
    assert numbered(4 * MIB).endswith(program.output[65536:])
    assert len(program.output) > MIB
    missing = 4 * MIB - len(program.output)
    told = f"zconsole: {missing} bytes are missing at offset {6 + 65536}\n"
    assert program.errors.decode() == told
    status = await server.ask(Status)
    assert (status["boot"], status["bootEnd"]) == (6, 6 + 65536)


@pytest_twisted.ensureDeferred
async def test_followsAnotherBirth(launch: Launch) -> None:
    """
    Where the next server has another history it is told, and gone on with.
    """
    server = await launch()
    await (await server.zoneSide()).prints(b"one")
    follows = client(server.rundir, "history", "--follow", "z1")
    server.run(follows)
    await follows.says(b"one")
    os.unlink(server.path("history"))
    await server.kill()
    again = await launch()
    await (await again.zoneSide()).prints(b"two")
    await follows.says(b"two")
    assert b"zconsole: the history begins anew\n" in follows.errors


@pytest_twisted.ensureDeferred
async def test_who(server: Twistd) -> None:
    """
    Everybody who is attached is told, with process, user and since when.
    """
    operator = await seated(server)
    looks = server.run(client(server.rundir, "watch", "z1"))
    await watched(server, 1)
    who = server.run(client(server.rundir, "who", "z1"))
    assert await who.ends() == 0
    head, *rows = [line.split() for line in who.output.decode().splitlines()]
    assert head == ["ROLE", "PID", "USER", "SINCE"]
    assert [row[:2] for row in rows] == [
        ["operator", str(operator.pid)],
        ["watcher", str(looks.pid)],
    ]
    assert all(len(row) == 5 for row in rows)


class OldServer(Protocol):
    """
    A server that knows C{IDENT} and nothing else.
    """

    def __init__(self, busy: bool) -> None:
        self.busy = busy
        self.line = b""

    def connectionMade(self) -> None:
        """
        The C program looks at no line while somebody is there.
        """
        if self.busy:
            self.transport.write(b"4711\n")
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        """
        One line, then a byte pipe that repeats all.
        """
        if self.line.startswith(b"IDENT "):
            self.transport.write(data)
            return
        self.line += data
        if self.line.startswith(b"IDENT "):
            self.transport.write(b"OK\nwelcome")
        else:
            self.transport.loseConnection()


@pytest.mark.parametrize("busy", [False, True])
@pytest_twisted.ensureDeferred
async def test_oldServer(rundir: str, busy: bool) -> None:
    """
    With a server that knows only operators one can sit down as ever, and who wants to
    look or to take over is told that it can't be done.
    """
    os.mkdir(rundir, 0o700)
    factory = Factory.forProtocol(lambda: OldServer(busy))
    port = reactor.listenUNIX(os.path.join(rundir, "z1.console_sock"), factory)
    programs: list[Program] = []

    def run(*words: str) -> Program:
        programs.append(client(rundir, *words, "z1"))
        return programs[-1].start()

    try:
        for command in ("watch", "take", "history"):
            program = run(command)
            assert await program.ends() == 1
            assert b"zconsole: the server of this zone knows only" in program.errors
            assert (b"process ID 4711" in program.errors) is busy
        program = run("attach", "-Q", "-e", "~")
        if busy:
            assert await program.ends() == 1
            told, hint = program.errors.splitlines()
            assert told == b"zconsole: Console is already in use by process ID 4711."
            assert hint.startswith(b"zconsole: 'zconsole watch z1' shows the console")
        else:
            await program.says(b"welcome")
            program.send(b"abc\n")
            await program.says(b"abc\n")
            program.send(b"~.")
            await until(lambda: program.status is not None, "the end")
            assert program.status == 0
    finally:
        for program in programs:
            await program.kill()
        await port.stopListening()
