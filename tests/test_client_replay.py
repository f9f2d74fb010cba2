"""
What C{zconsole} shows at a terminal of what a zone printed before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import pytest_twisted
from client_support import AtTerminal, client
from conftest import Twistd
from support import until

from zcons_twisted.doors.commands import Event, Status

Launch = Callable[..., Awaitable[Twistd]]

#: Where is the cursor, of what kind is the terminal, and of what color?
ASKED = b"\x1b[6n\x1b[c\x1b]11;?\x07\x1bP+q544e\x1b\\\x05"
ANSWER = b"\x1b[1;1R"
PRINTED = b"\x1b[1mold" + ASKED + b"$ "
END = b"\r\n[End of what was printed before"


class Answering(AtTerminal):
    """
    C{zconsole} at a terminal that answers where the cursor is.
    """

    def outReceived(self, data: bytes) -> None:
        """
        See L{AtTerminal}.
        """
        super().outReceived(data)
        for _ in range(data.count(b"\x1b[6n")):
            self.send(ANSWER)


@pytest.mark.parametrize("command", ["attach", "take", "watch"])
@pytest_twisted.ensureDeferred
async def test_oldQuestions(server: Twistd, command: str) -> None:
    """
    What was asked before somebody came is not asked again, so nothing but what they
    type is typed; what is asked now is answered.
    """
    zone = await server.zoneSide()
    await zone.prints(PRINTED)
    await server.has(len(PRINTED))
    program = Answering(server.rundir, command, "z1")
    server.run(program)
    await program.says(b"\x1b[1mold$ " + END)
    await until(lambda: program.raw, "raw mode")
    if command != "watch":
        program.send(b"typed")
        assert await zone.reads(5) == b"typed"
    await zone.prints(ASKED)
    await program.says(ASKED)
    if command != "watch":
        assert await zone.reads(len(ANSWER)) == ANSWER
    program.send(b"\r~.")
    assert await program.ends() == 0


@pytest_twisted.ensureDeferred
async def test_leavesAtOnce(server: Twistd) -> None:
    """
    Nor does an answer stand before the way out, which is at the beginning of a line.
    """
    zone = await server.zoneSide()
    await zone.prints(PRINTED)
    await server.has(len(PRINTED))
    program = Answering(server.rundir, "attach", "-Q", "z1")
    server.run(program)
    await program.says(b"\x1b[1mold$ ")
    await until(lambda: program.raw, "raw mode")
    program.send(b"~.")
    assert await program.ends() == 0
    assert b"End of" not in program.output


@pytest_twisted.ensureDeferred
async def test_notices(server: Twistd) -> None:
    """
    What happened before is told with its time, what happens now without.
    """
    zone = await server.zoneSide()
    await zone.prints(PRINTED)
    await server.has(len(PRINTED))
    await server.ask(Event, name="booting")
    program = AtTerminal(server.rundir, "watch", "z1")
    server.run(program)
    told = await program.says(END)
    assert b"\r\n[NOTICE: Zone booting up]" not in told
    assert b" NOTICE: Zone booting up]\r\n" + END in told
    await server.ask(Event, name="booting")
    await program.says(b"\r\n[NOTICE: Zone booting up]\r\n")
    program.send(b"~.")
    assert await program.ends() == 0


@pytest_twisted.ensureDeferred
async def test_history(server: Twistd) -> None:
    """
    A terminal that is shown history is asked nothing; a pipe gets every byte.
    """
    zone = await server.zoneSide()
    await zone.prints(PRINTED)
    await server.has(len(PRINTED))
    program = Answering(server.rundir, "history", "z1")
    server.run(program)
    assert await program.ends() == 0
    assert program.output == b"\x1b[1mold$ "
    piped = server.run(client(server.rundir, "history", "z1"))
    assert await piped.ends() == 0
    assert piped.output == PRINTED
    script = server.run(client(server.rundir, "attach", "--replay", "all", "-Q", "z1"))
    assert await script.says(PRINTED) == PRINTED


@pytest_twisted.ensureDeferred
async def test_meanwhile(launch: Launch) -> None:
    """
    Nor is a terminal asked what was asked while the connection was lost.
    """
    server = await launch("--zone", "z1")
    zone = await server.zoneSide()
    program = Answering(server.rundir, "attach", "z1")
    server.run(program)
    await program.seated()
    await server.kill()
    await program.says(b"[Connection lost; trying again]")
    await zone.prints(PRINTED)
    again = await launch("--zone", "z1")
    seen = await program.says(b"\x1b[1mold$ ")
    assert b"[Connected again]" in seen
    program.send(b"typed")
    assert await zone.reads(5) == b"typed"
    await zone.prints(ASKED)
    seen = await program.says(ASKED)
    assert b"End of" not in seen
    assert (await again.ask(Status))["end"] == len(PRINTED + ASKED)
    program.send(b"\r~.")
    assert await program.ends() == 0
