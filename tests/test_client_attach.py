"""
C{zconsole attach}, the real one, at real terminals and in real pipes.
"""

from __future__ import annotations

import fcntl
import getpass
import os
import pwd
import re
import select
import shlex
import signal
import termios
from collections.abc import Awaitable, Callable

import pytest
import pytest_twisted
from client_support import AtTerminal, client, zconsole
from conftest import Twistd
from support import Program, content, digest, memory, numbered, pause, until

from zcons_twisted.doors.commands import Event, Halt, Status

MIB = 1024 * 1024

#: Longer than leaving a terminal that takes nothing is given, and no more.
SOON = 6.0

Launch = Callable[..., Awaitable[Twistd]]

LOST = b"\r\n[Connection lost; trying again]\r\n"
AGAIN = b"\r\n[Connected again]\r\n"
CLOSED = b"\r\n[Connection to zone 'z1' console closed]\r\n"

#: Who all of them are.
NAME = pwd.getpwuid(os.getuid()).pw_name.encode()


def atTerminal(server: Twistd, *words: str) -> AtTerminal:
    """
    Somebody who attaches at a terminal.
    """
    program = AtTerminal(server.rundir, "attach", *words, "z1")
    server.run(program)
    return program


def piped(server: Twistd, *words: str) -> Program:
    """
    A script that attaches.
    """
    return server.run(client(server.rundir, "attach", *words, "z1"))


def shell(server: Twistd, line: str, *words: str) -> Program:
    """
    A shell command line that has C{zconsole attach} where it says C{@}.
    """
    command = shlex.join(zconsole(server.rundir, "attach", *words, "z1"))
    return server.run(Program(["/bin/sh", "-c", line.replace("@", command)]))


@pytest_twisted.ensureDeferred
async def test_session(launch: Launch) -> None:
    """
    One sits down, types into a shell, leaves, and comes back to the same shell; the
    terminal is as it was each time.
    """
    server = await launch("--zone", "z1", "--exec", "/bin/sh")
    first = atTerminal(server)
    await first.says(b"[Connected to zone 'z1' console]\r\n")
    await until(lambda: first.raw, "raw mode")
    first.send(b"kept=$((40+2))\recho got-$kept\r")
    await first.says(b"got-42")
    first.send(b"\r~.")
    assert await first.ends() == 0
    assert first.output.endswith(b"~." + CLOSED)
    assert first.settings == first.before
    second = atTerminal(server)
    await second.seated()
    second.send(b"echo still-$kept\r")
    await second.says(b"still-42")
    second.send(b"\r~\x04")
    assert await second.ends() == 0
    assert second.output.endswith(b"~^D" + CLOSED)
    assert second.settings == second.before


@pytest_twisted.ensureDeferred
async def test_busy(server: Twistd) -> None:
    """
    Who comes second is told who is there, and the first does not notice.
    """
    first = atTerminal(server)
    await first.seated()
    second = piped(server)
    assert await second.ends() == 1
    told, hint = second.errors.decode().splitlines()
    assert second.output == b""
    assert told == f"zconsole: Console is already in use by process ID {first.pid}."
    assert hint.startswith(f"zconsole: that is {getpass.getuser()}, since ")
    assert hint.endswith("'zconsole take z1' takes the seat")
    third = atTerminal(server)
    assert await third.ends() == 1
    assert third.settings == third.before
    first.send(b"~.")
    assert await first.ends() == 0


@pytest_twisted.ensureDeferred
async def test_typedAhead(server: Twistd) -> None:
    """
    What is typed before there is a session reaches the zone, with the rest of its line.
    """
    zone = await server.zoneSide()
    program = atTerminal(server)
    assert not program.raw
    program.send(b"root\rls -")
    await program.seated()
    program.send(b"l\r")
    assert await zone.reads(11) == b"root\nls -l\r"
    program.send(b"~.")
    assert await program.ends() == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"])
@pytest_twisted.ensureDeferred
async def test_signal(server: Twistd, name: str) -> None:
    """
    A signal ends it with the terminal as it was.
    """
    number = signal.Signals[name]
    program = atTerminal(server)
    await program.seated()
    program.signal(number)
    assert await program.ends() == 128 + number
    assert program.settings == program.before
    await until(lambda: CLOSED in program.output, "the last line")
    again = atTerminal(server)
    await again.seated()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest_twisted.ensureDeferred
async def test_signalInPipes(server: Twistd, name: str) -> None:
    """
    Without a terminal too.
    """
    number = signal.Signals[name]
    program = piped(server)
    await program.says(b" console]\n")
    program.signal(number)
    assert await program.ends() == 128 + number


@pytest_twisted.ensureDeferred
async def test_stopped(server: Twistd) -> None:
    """
    While it is stopped the terminal is as it was; afterwards the session goes on.
    """
    program = atTerminal(server)
    zone = await server.zoneSide()
    await program.seated()
    program.signal(signal.SIGTSTP)
    await until(lambda: program.settings == program.before, "the terminal put back")
    await until(lambda: "T" in stateOf(program.pid), "that it stops")
    program.signal(signal.SIGCONT)
    await until(lambda: program.raw, "raw mode again")
    program.send(b"typed")
    assert await zone.reads(5) == b"typed"
    program.signal(signal.SIGTERM)
    assert await program.ends() == 143
    assert program.settings == program.before


def stateOf(pid: int) -> str:
    """
    A process's state, in a letter.
    """
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


@pytest_twisted.ensureDeferred
async def test_hungUp(server: Twistd) -> None:
    """
    A terminal that goes away ends the session, and the next one gets the seat.
    """
    program = atTerminal(server)
    await program.seated()
    program.transport.loseConnection()
    assert await program.ends() == 128 + signal.SIGHUP
    again = atTerminal(server)
    await again.seated()


@pytest_twisted.ensureDeferred
async def test_sharedTerminal(server: Twistd) -> None:
    """
    The open file that the user's shell shares never gets another flag.
    """
    program = AtTerminal(server.rundir, "attach", "z1")
    server.run(program)
    before = fcntl.fcntl(program.user, fcntl.F_GETFL)
    await program.seated()
    assert fcntl.fcntl(program.user, fcntl.F_GETFL) == before
    program.send(b"~.")
    await program.ends()
    assert fcntl.fcntl(program.user, fcntl.F_GETFL) == before


async def blocked(server: Twistd, program: AtTerminal) -> None:
    """
    Have the zone print more than anybody takes, until the console runs free.
    """
    zone = await server.zoneSide()
    await program.seated()
    program.look(False)
    zone.begin("number", 0, 4 * MIB)
    await zone.done()
    (operator,) = (await server.ask(Status))["operator"]
    assert operator["stalled"]


@pytest_twisted.ensureDeferred
async def test_signalWhileBlocked(server: Twistd) -> None:
    """
    A terminal that takes nothing holds neither the zone nor signals, nor does it fill
    memory.
    """
    program = atTerminal(server)
    await program.seated()
    before = memory(program.pid)
    program.output = b"[ console]\r\n"
    await blocked(server, program)
    assert memory(program.pid) - before < MIB
    program.signal(signal.SIGTERM)
    assert await program.ends(SOON) == 143
    assert program.settings == program.before


@pytest_twisted.ensureDeferred
async def test_leaveWhileBlocked(server: Twistd) -> None:
    """
    Nor does it hold whoever wants to leave.
    """
    program = atTerminal(server)
    await blocked(server, program)
    program.send(b"~.")
    assert await program.ends(SOON) == 0
    assert program.settings == program.before


@pytest_twisted.ensureDeferred
async def test_blockedForAWhile(server: Twistd) -> None:
    """
    One that takes again sees all that came, to the last byte.
    """
    program = atTerminal(server)
    zone = await server.zoneSide()
    await program.seated()
    program.output = b""
    program.look(False)
    zone.begin("number", 0, 128 * 1024)
    await zone.done()
    program.look(True)
    last = b"%015d\n" % (128 * 1024 - 16,)
    seen = await program.says(last)
    assert b"skipped" in seen or len(seen) == 128 * 1024


@pytest_twisted.ensureDeferred
async def test_zoneDoesNotRead(server: Twistd) -> None:
    """
    A zone that reads nothing holds nobody at a terminal who has pasted too much.
    """
    program = atTerminal(server)
    zone = await server.zoneSide()
    await program.seated()
    program.send(b"x" * MIB + b"\r~.")
    assert await program.ends() == 0
    assert program.settings == program.before
    await zone.do("sink", 1024, 1024, 0)


@pytest_twisted.ensureDeferred
async def test_pipedInput(server: Twistd) -> None:
    """
    One MiB of every byte that there is arrives whole; the end of input ends nothing
    where one waits for ever, and what the zone then prints is received until the
    server ends it.
    """
    zone = await server.zoneSide()
    program = piped(server, "-Q", "--wait", "forever")
    zone.begin("sink", MIB, 65536, 0.001)
    program.send(content(MIB))
    program.transport.closeStdin()
    assert await zone.done() == [MIB, digest(content(MIB))]
    await zone.prints(b"thank you")
    await program.says(b"thank you")
    await server.ask(Event, name="uninstalling")
    assert await program.ends() == 3
    assert b"uninstalled" in program.output
    assert program.errors.startswith(b"zconsole: the server ended the session: ")
    assert program.errors.count(b"\n") == 1


@pytest_twisted.ensureDeferred
async def test_pipedEscapes(server: Twistd) -> None:
    """
    In a pipe there is a way out only when a character was chosen for it.
    """
    zone = await server.zoneSide()
    program = piped(server)
    program.send(b"~.\n~.\n")
    assert await zone.reads(6) == b"~.\n~.\n"
    program.signal(signal.SIGTERM)
    await program.ends()
    program = piped(server, "-e", "%")
    program.send(b"~.\n%%%.")
    assert await zone.reads(6) == b"~.\n%%."
    program.send(b"\n%.")
    assert await program.ends() == 0
    assert await zone.reads(1) == b"\n"


@pytest.mark.parametrize("way", ["</dev/null", "<&-", "</dev/null | cat", "<&- | cat"])
@pytest_twisted.ensureDeferred
async def test_noInput(server: Twistd, way: str) -> None:
    """
    Without input one can still look, and disturbs nobody.
    """
    zone = await server.zoneSide()
    program = shell(server, f"@ {way}", "--wait", "forever")
    await program.says(b" console]\n")
    await zone.prints(b"hello")
    await program.says(b"hello")
    assert (await server.ask(Status))["operator"] == []
    await server.ask(Event, name="uninstalling")
    await program.ends()
    assert b"the server ended the session" in program.errors


@pytest_twisted.ensureDeferred
async def test_files(server: Twistd, rundir: str) -> None:
    """
    Input from a file and output to one: read from where it was, appended where it
    was.
    """
    base = os.path.dirname(rundir)
    given, taken = os.path.join(base, "given"), os.path.join(base, "taken")
    with open(given, "wb") as file:
        file.write(b"skipped\n" + content(100000))
    with open(taken, "wb") as file:
        file.write(b"before\n")
    zone = await server.zoneSide()
    line = f"(read line; exec @) <{given} >>{taken}"
    program = shell(server, line, "-Q", "--wait", "forever")
    assert await zone.do("sink", 100000, 65536, 0) == [100000, digest(content(100000))]
    await zone.do("number", 0, 100000)
    await server.ask(Event, name="uninstalling")
    assert await program.ends() == 3
    with open(taken, "rb") as file:
        whole = file.read()
    assert whole.startswith(b"before\n000000000000000\n")
    notice = b"\r\n[NOTICE: Zone is being uninstalled.  Disconnecting...]\r\n"
    assert whole.endswith(notice)
    assert len(whole) == len(b"before\n") + 100000 + len(notice)


@pytest_twisted.ensureDeferred
async def test_outputClosed(server: Twistd) -> None:
    """
    When nobody takes the output any more it ends quietly.
    """
    zone = await server.zoneSide()
    program = piped(server)
    await program.says(b" console]\n")
    program.transport.closeStdout()
    await zone.prints(b"x")
    assert await program.ends() == 0
    assert program.errors == b""


@pytest_twisted.ensureDeferred
async def test_diskFull(server: Twistd) -> None:
    """
    Output that can't be written is told of.
    """
    program = shell(server, "exec @ >/dev/full")
    assert await program.ends() == 1
    told = b"zconsole: could not write the output: No space left on device\n"
    assert program.errors == told


@pytest_twisted.ensureDeferred
async def test_halted(launch: Launch) -> None:
    """
    With C{-d} the halt of the zone ends the session as asked, notice and all;
    without, it does not end it.
    """
    server = await launch("--zone", "z1", "--exec", "/bin/cat")
    asked = atTerminal(server, "-d")
    await asked.seated()
    await server.ask(Halt)
    assert await asked.ends() == 0
    who = pwd.getpwuid(os.getuid()).pw_name.encode()
    notice = b"\r\n[NOTICE: Zone halted: asked for by %s.  Disconnecting...]\r\n"
    assert asked.output.endswith(notice % (who,) + CLOSED)
    assert asked.settings == asked.before
    stays = atTerminal(server)
    await stays.seated()
    await server.ask(Event, name="halted")
    await stays.says(b"\r\n[NOTICE: Zone halted]\r\n")
    await server.ask(Event, name="uninstalling")
    assert await stays.ends() == 3
    told = b"zconsole: the server ended the session: the zone is being uninstalled\r\n"
    assert stays.output.endswith(CLOSED + told)


@pytest_twisted.ensureDeferred
async def test_haltedWithTheServer(launch: Launch) -> None:
    """
    The same when the server goes with its zone.
    """
    server = await launch("--zone", "z1", "--exec", "/bin/cat", "--on-halt", "exit")
    asked = piped(server, "-d")
    await asked.says(b" console]\n")
    stop = client(server.rundir, "halt", "z1")
    server.run(stop)
    assert await asked.ends() == 0
    assert asked.errors == b""
    await stop.ends()


@pytest_twisted.ensureDeferred
async def test_serverStops(launch: Launch) -> None:
    """
    A server that is stopped ends the session with a reason and a status of its own.
    """
    server = await launch("--zone", "z1")
    program = atTerminal(server)
    await program.seated()
    server.program.signal(signal.SIGTERM)
    assert await program.ends() == 3
    assert b"\r\nzconsole: the server ended the session: " in program.output
    assert program.settings == program.before


@pytest_twisted.ensureDeferred
async def test_serverKilled(launch: Launch) -> None:
    """
    A server that was killed is waited for, and whoever has had enough of that leaves
    at once, or by a signal.
    """
    server = await launch("--zone", "z1")
    program = atTerminal(server)
    await program.seated()
    await server.kill()
    await program.says(b"\r\n[Connection lost; trying again]\r\n")
    assert program.raw
    program.send(b"~.")
    assert await program.ends(SOON) == 0
    assert program.output.endswith(b"~." + CLOSED)
    assert program.settings == program.before
    left = piped(server)
    assert await left.ends() == 1
    assert b"is gone and has left" in left.errors


@pytest_twisted.ensureDeferred
async def test_resumed(launch: Launch) -> None:
    """
    A server is killed while much is printed.  With the next one the session goes on
    where it was: it gets all that history has, once and in order, and what was typed
    meanwhile arrives.
    """
    # The zone ends with its server here: what it prints ends there, too.
    server = await launch("--nexus", "none", "--zone", "z1")
    zone = await server.zoneSide()
    program = atTerminal(server)
    await program.seated()
    program.output = b""
    zone.begin("number", 0, 64 * MIB)
    await until(lambda: len(program.output) > MIB, "a MiB")
    await server.kill()
    await until(lambda: LOST in program.output, "that it is told")
    program.send(b"typed")
    again = await launch("--nexus", "none", "--zone", "z1")
    await until(lambda: AGAIN in program.output, "that it is told")
    zone = await again.zoneSide()
    assert await zone.reads(5) == b"typed"
    await zone.prints(b"the end")
    await until(lambda: b"the end" in program.output, "the end")
    whole = program.output
    for remark in (LOST, AGAIN):
        assert whole.count(remark) == 1
        whole = whole.replace(remark, b"")
    whole = re.sub(rb"\r\n\[NOTICE: \d+ bytes skipped\]\r\n", b"", whole)
    history = client(again.rundir, "history", "z1")
    again.run(history)
    assert await history.ends() == 0
    assert len(history.output) > MIB // 2
    assert whole.endswith(history.output)
    assert whole.startswith(numbered(MIB))
    program.send(b"\r~.")
    assert await program.ends() == 0
    assert program.settings == program.before


@pytest_twisted.ensureDeferred
async def test_restarted(launch: Launch) -> None:
    """
    A server that is restarted in good order has said so, and the session goes on.
    """
    server = await launch("--zone", "z1")
    zone = await server.zoneSide()
    program = atTerminal(server)
    await program.seated()
    restart = server.run(client(server.rundir, "restart", "z1"))
    assert await restart.ends() == 0
    before = await program.says(AGAIN)
    assert before.endswith(b"\r\n[The server restarts; connecting again]\r\n" + AGAIN)
    assert LOST not in before
    program.send(b"typed")
    assert await zone.reads(5) == b"typed"
    program.send(b"\r~.")
    assert await program.ends() == 0


def rests(server: Twistd, program: Program) -> bool:
    """
    Do both sleep, though there is more to be typed than has been taken?
    """
    given = program.transport.pipes[0].fileno()
    return not select.select([], [given], [], 0)[1] and all(
        stateOf(pid) == "S" for pid in (program.pid, server.pid)
    )


@pytest_twisted.ensureDeferred
async def test_typedAndLost(launch: Launch) -> None:
    """
    What was typed and had not come to the zone when the server was killed is counted,
    and nothing that it has is.
    """
    server = await launch("--zone", "z1")
    zone = await server.zoneSide()
    program = piped(server)
    await until(lambda: b"[Connected to" in program.output, "the session")
    program.send(b"heard")
    assert await zone.reads(5) == b"heard"
    size = 400_000
    program.send(b"x" * size)
    # More than the zone's terminal, the server and the connection take.
    await until(lambda: rests(server, program), "nobody takes any more")
    await server.kill()
    await until(lambda: b"trying again" in program.errors, "that it is told")
    again = await launch("--zone", "z1")
    await until(lambda: b"may not have" in program.errors, "that it is told")
    found = re.search(rb"\[NOTICE: (\d+) bytes that were typed", program.errors)
    assert found is not None
    lost = int(found.group(1))
    assert 65536 < lost < size
    zone = await again.zoneSide()
    assert await zone.reads(size - lost) == b"x" * (size - lost)


@pytest_twisted.ensureDeferred
async def test_replay(launch: Launch) -> None:
    """
    On a terminal the last screenful comes first; in a pipe nothing does; and either
    can be chosen.
    """
    server = await launch("--zone", "z1")
    zone = await server.zoneSide()
    await zone.do("number", 0, 16 * 100)
    for words, first in (((), 100 - 24), (("--replay", "3"), 97), (("-Q",), 76)):
        program = atTerminal(server, *words)
        last = b"%015d\n" % (16 * 99,)
        seen = await program.says(last)
        assert seen.endswith(numbered(1600)[16 * first :]), words
        assert b"%015d\n" % (16 * (first - 1),) not in seen
        await until(lambda program=program: program.raw, "raw mode")
        program.send(b"~.")
        assert await program.ends() == 0
    new = b""
    for words, first in (
        ((), 100),
        (("--replay", "all"), 0),
        (("--replay", "3"), 99),
    ):
        script = piped(server, "-Q", *words)
        await operatorIs(server, script.pid)
        await zone.prints(b"new %d\n" % (first,))
        seen = await script.says(b"new %d\n" % (first,))
        before = numbered(1600)[16 * first :] + new if words else b""
        new += b"new %d\n" % (first,)
        assert seen == before + b"new %d\n" % (first,), words
        script.signal(signal.SIGTERM)
        await script.ends()


async def operatorIs(server: Twistd, pid: int) -> None:
    """
    Wait until a process has the operator's seat.
    """
    while [who["pid"] for who in (await server.ask(Status))["operator"]] != [pid]:
        await pause(0.005)


@pytest_twisted.ensureDeferred
async def test_window(server: Twistd) -> None:
    """
    The zone's terminal has the size of the operator's, and follows it.
    """
    program = AtTerminal(server.rundir, "attach", "z1")
    server.run(program)
    termios.tcsetwinsize(program.user, (33, 99))
    await program.seated()
    side = os.open(server.link(), os.O_RDWR | os.O_NOCTTY)
    try:
        for size in ((33, 99), (44, 111)):
            termios.tcsetwinsize(program.user, size)
            program.signal(signal.SIGWINCH)
            await until(
                lambda size=size: termios.tcgetwinsize(side) == size, f"size {size}"
            )
    finally:
        os.close(side)


@pytest_twisted.ensureDeferred
async def test_take(server: Twistd) -> None:
    """
    Whoever takes over gets the seat, and the loser is told by whom.
    """
    zone = await server.zoneSide()
    loser = atTerminal(server)
    await loser.seated()
    winner = AtTerminal(server.rundir, "take", "z1")
    server.run(winner)
    await winner.seated()
    assert await loser.ends() == 3
    told = b"zconsole: the server ended the session: taken over by process %d of %s"
    assert told % (winner.pid, NAME) in loser.output
    assert loser.settings == loser.before
    winner.send(b"typed")
    assert await zone.reads(5) == b"typed"


@pytest_twisted.ensureDeferred
async def test_wrong(server: Twistd) -> None:
    """
    A zone that is not there is status 1; what can't be meant is status 2.
    """
    for words, status, text in (
        (("attach", "other"), 1, b"zconsole: Could not connect to zone console: no "),
        (("attach", "global"), 2, b"the global zone has no zone console"),
        (("attach", "-x", "z1"), 2, b"attach has no option -x"),
        (("attach", "-e", "\\777", "z1"), 2, b"Octal escape character '\\777' too"),
        ((), 2, b"required: COMMAND"),
    ):
        program = server.run(client(server.rundir, *words))
        assert await program.ends() == status
        assert text in program.errors
        assert program.output == b""
