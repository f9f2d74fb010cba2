"""
What a zone prints, and what others call things, is shown as it is where it is output,
and nowhere else does anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable

import pytest
import pytest_twisted
from client_support import AtTerminal, client, zconsole
from conftest import Twistd
from structured_peer import Structured
from support import Program, content, until, within
from twisted.protocols.amp import AMP

from zcons_twisted.doors.commands import Event, Refused, Status
from zcons_twisted.frames import FrameType, encodeFrame, encodeGap, encodeObject

Launch = Callable[..., Awaitable[Twistd]]

#: What a zone may print to be taken for somebody else, or to have a terminal do
#: something.
HOSTILE = {
    "notices": b"\r\n[NOTICE: Zone halted]\r\n"
    b"\r\n[NOTICE: Zone halted.  Disconnecting...]\r\n"
    b"\r\n[NOTICE: 4711 bytes skipped]\r\n"
    b"\r\n[NOTICE: Console taken over by process 1 of user 0]\r\n",
    "frames": encodeFrame(
        FrameType.NOTICE,
        encodeObject(
            {"event": "halted", "text": "x", "time": 1, "offset": 0, "arguments": ""}
        ),
    )
    + encodeGap(0, 1 << 40)
    + encodeFrame(FrameType.OPERATOR, b'{"operator":null,"role":"operator"}')
    + encodeFrame(FrameType.END, b'{"reason":"halted","text":"it is over"}'),
    "handshake": b'OK\n1\n{"v":1,"ok":false,"reason":"busy","text":"no"}\n',
    "titles": b"\x1b]0;rm -rf\x07\x1b]2;title\x1b\\\x1bkname\x1b\\",
    "queries": b"\x1b[c\x1b[>c\x1b[6n\x1b[5n\x05\x1b[?1;2c\x1bP+q544e\x1b\\",
    "clipboard": b"\x1b]52;c;cm0gLXJmIC8K\x07",
    "terminal": b"\x1bc\x1b[2J\x1b[?1049h\x1b(0\x1b[!p\x1b[8;1;1t\x0e\x0f",
    "nothings": b"\0" * 5000,
    "no UTF-8": b"\xff\xfe\xc0\x80\xed\xa0\x80\xf5\xe2\x82",
    "C1": bytes(range(0x80, 0xA0)) + b"\x9b2J\x9d0;title\x9c",
    "long line": b"x" * 200_000,
    "all": content(64 * 1024, 3),
}

#: What is not to be seen where no output is: all control characters, C1 among them,
#: and what changes the direction of a line.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")

EVIL = "\x1b]0;owned\x07\x9b2J\u202e\r\nz9: console attached by root\x00"


async def prints(server: Twistd, data: bytes) -> None:
    """
    Have a zone print something, however long it is.
    """
    zone = await server.zoneSide()
    for at in range(0, len(data), 60_000):
        await zone.prints(data[at : at + 60_000])


def plain(text: str) -> None:
    """
    There is nothing in a text that would do anything to a terminal.
    """
    found = CONTROL.search(text)
    if found is not None:
        around = text[max(0, found.start() - 200) : found.end() + 100]
        raise AssertionError(f"{ascii(found.group())} in {ascii(around)}")


@pytest_twisted.ensureDeferred
async def test_output(server: Twistd) -> None:
    """
    Every byte comes as it is, to sessions of both kinds and from history; none of it
    is taken for a notice, a gap or an end.
    """
    operator = await server.attach()
    watcher = await Structured(await server.connect()).attach(role="watch")
    zone = await server.zoneSide()
    for what, data in HOSTILE.items():
        for at in range(0, len(data), 60_000):
            zone.begin("print", data[at : at + 60_000].decode("latin-1"))
            assert (
                await operator.exactly(len(data[at : at + 60_000]))
                == (data[at : at + 60_000])
            ), what
            await zone.done()
        output = b""
        while len(output) < len(data):
            output += b"".join(piece for _, piece in watcher.take())
            if len(output) < len(data):
                assert await watcher.peer.more()
        assert output == data, what
        assert {frame.type for frame in watcher.others} <= {FrameType.OPERATOR}, what
        assert watcher.gaps == [], what
    await server.ask(Event, name="readied")
    assert (await watcher.told(FrameType.NOTICE))["event"] == "readied"
    await operator.expect(b"\r\n[NOTICE: Zone readied]\r\n")
    history = server.run(client(server.rundir, "history", "z1"))
    assert await history.ends() == 0
    assert history.output == b"".join(HOSTILE.values())
    assert CONTROL.search(server.log) is None


@pytest_twisted.ensureDeferred
async def test_attached(launch: Launch) -> None:
    """
    At a terminal the zone's bytes are the zone's bytes; a notice that it has made up
    ends nothing.
    """
    server = await launch()
    terminal = AtTerminal(server.rundir, "attach", "-d", "z1")
    server.run(terminal)
    await terminal.seated()
    data = b"".join(HOSTILE[what] for what in ("notices", "frames", "titles", "C1"))
    await prints(server, data)
    await terminal.says(data)
    terminal.send(b"\r~.")
    assert await terminal.ends() == 0


@pytest_twisted.ensureDeferred
async def test_watchedLines(launch: Launch) -> None:
    """
    Where several zones are watched, each line has its zone in front and nothing in it
    that a terminal would do.
    """
    server = await launch("--zone", "z1", "--zone", "z2")
    looks = server.run(client(server.rundir, "watch", "z1", "z2"))
    while not (await server.ask(Status))["watchers"]:
        pass
    await prints(server, b"\n".join([*HOSTILE.values(), b"the end\n"]))
    await looks.says(b"the end\n")
    shown = looks.output.decode() + looks.errors.decode()
    assert CONTROL.search(shown) is None
    assert all(line.startswith("z1: ") for line in shown.splitlines())


async def knocks(server: Twistd) -> None:
    """
    Say hostile things at both doors.
    """
    evil = EVIL.encode()
    for line in (
        b"IDENT 1 " + evil.replace(b"\n", b"").replace(b" ", b"") + b" 0\n",
        b"IDENT \x1b[2J C 0\n",
        evil + b"\n",
        b"ATTACH " + encodeObject({"v": 1, "role": EVIL}) + b"\n",
        b"ATTACH " + encodeObject({"v": 1, "locale": EVIL}) + b"\n",
        b"ATTACH " + encodeObject({"v": 1, "start": {EVIL: 1}}) + b"\n",
        b'ATTACH {"v":1,"\x1b[2J":1}\n',
    ):
        peer = await server.connect()
        await peer.send(line)
        answer = await peer.rest()
        assert CONTROL.search(answer.decode()) is None
    door: AMP = await server.control()
    with pytest.raises(Refused) as refused:
        await within(door.callRemote(Event, name=EVIL))
    assert CONTROL.search(str(refused.value)) is None
    raw = await server.connectTo("control_sock")
    name = b"\x1b[2J\n"
    box = b"\0\x04_ask\0\x011\0\x08_command" + len(name).to_bytes(2, "big") + name
    await raw.send(box + b"\0\0")
    # What nobody knows is told by its own name, but not to a terminal.
    assert b"Unhandled" in await raw.until(b"\0\0")
    raw.close()


@pytest_twisted.ensureDeferred
async def test_namesFromOutside(launch: Launch) -> None:
    """
    Boot arguments, first lines, locales, commands and events that are called something
    hostile: the log and what the commands say of them stay lines of plain text, in
    which nobody else's line can begin.
    """
    hostile = "/nowhere/\x1b]0;owned\x07\x9b2J"
    server = await launch(
        *("--zone", "z1"), *("--zone", "z2", "--exec", f"'{hostile}'")
    )
    operator = await server.attach(b"IDENT 1 \x5b2J;evil~locale 0\n")
    watcher = await Structured(await server.connect()).attach(role="watch")
    for name in ("booting", "rebooting", "bad-args"):
        text = EVIL.replace("\0", "")
        await server.ask(Event, name=name, bootArguments=text)
        notice = await watcher.told(FrameType.NOTICE)
        # The text is ours, and plain; the arguments are told as they are.
        assert CONTROL.search(notice["text"]) is None
        assert notice["arguments"] == text
        shown = (await operator.until(b"]\r\n")).decode().strip("\r\n")
        assert CONTROL.search(shown) is None and "\n" not in shown
    operator.close()
    await knocks(server)
    await until(lambda: "z2: boot failed: " in server.log, "a command that is none")
    said = server.log
    for words in (["status"], ["status", "z1"], ["status", "z2"], ["list"], ["who"]):
        program = server.run(client(server.rundir, *words))
        await program.ends()
        said += (program.output + program.errors).decode()
    for words in (["status", "z2"], ["boot", "z2"], ["boot", hostile], ["list"]):
        program = server.run(AtTerminal(server.rundir, *words))
        await program.ends()
        said += program.output.decode().replace("\r\n", "\n")
    plain(said)
    assert "\nz9: " not in said
    assert "Traceback" not in said
    assert "owned" in said


@pytest_twisted.ensureDeferred
async def test_historyAtTerminal(launch: Launch) -> None:
    """
    A notice in history is plain text, whatever the arguments were.
    """
    server = await launch()
    await prints(server, b"before\r\n")
    await server.has(8)
    await server.ask(Event, name="booting", bootArguments=EVIL.replace("\0", ""))
    program = Program(zconsole(server.rundir, "history", "z1"))
    at = AtTerminal(server.rundir, "history", "z1")
    server.run(program)
    server.run(at)
    assert (await program.ends(), await at.ends()) == (0, 0)
    assert program.output == b"before\r\n"
    shown = at.output.decode().replace("\r", "")
    assert "booting up with arguments" in shown
    assert CONTROL.search(shown) is None
    assert json.dumps(shown).count("\\n[NOTICE") == 1
