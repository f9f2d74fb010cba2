"""
The control door, and who is let in by it and by the console's.
"""

from __future__ import annotations

import os
import pwd
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_twisted
from conftest import InProcess, Twistd
from structured_peer import structured
from support import ROOT, memory, script, until, within
from twisted.internet.defer import gatherResults
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.protocols.amp import Command

from zcons_twisted.doors.commands import (
    Boot,
    Detach,
    Event,
    Halt,
    Reboot,
    Refused,
    Status,
)

Launch = Callable[..., Awaitable[Twistd]]

NOBODY = 65534

#: A group that nothing else here is of.
GROUP = 54321

rootOnly = pytest.mark.skipif(not ROOT, reason="only root can be somebody else")


def counters(status: dict[str, Any]) -> dict[str, int]:
    """
    The counters in a status.
    """
    return {each["name"]: each["value"] for each in status["counters"]}


@pytest_twisted.ensureDeferred
async def test_status(server: Twistd) -> None:
    """
    Status tells the zone, its state, its device, and who is attached since when: by
    what the kernel says, beside what the client says of itself.
    """
    before = time.time()
    zone = await server.zoneSide()
    status = await server.ask(Status)
    assert status["zone"] == "z1"
    assert status["state"] == "installed"
    assert status["driver"] == "pty"
    assert status["device"] == server.link()
    assert status["deviceState"] == "open"
    assert status["onHalt"] == "stay"
    assert status["serverPid"] == server.pid
    assert status["since"] <= time.time()
    assert status["operator"] == status["ended"] == []
    client = await server.client(b"IDENT 4711 de_DE.UTF-8 0\n")
    client.send(b"type hello\n")
    assert await zone.reads(5) == b"hello"
    await zone.prints(b"hello back")
    await client.says(b"hello back")
    status = await server.ask(Status)
    (operator,) = status["operator"]
    assert before - 1 <= operator.pop("since") <= time.time() + 1
    assert operator == {
        "pid": client.pid,
        "uid": os.getuid(),
        "user": pwd.getpwuid(os.getuid()).pw_name,
        "locale": "de_DE.UTF-8",
        "toldPid": 4711,
        "halfClosed": False,
        "stalled": False,
    }
    told = counters(status)
    assert (told["input"], told["output"], told["attached"]) == (5, 10, 1)


@pytest_twisted.ensureDeferred
async def test_statusWithoutToldPid(server: Twistd) -> None:
    """
    A client of a dialect that tells no process ID has told none.
    """
    await server.attach(b"IDENT C 0\n")
    (operator,) = (await server.ask(Status))["operator"]
    assert operator.get("toldPid") is None
    assert operator["pid"] == os.getpid()


@pytest_twisted.ensureDeferred
async def test_ended(server: Twistd) -> None:
    """
    Status tells of the sessions that ended last, and why each did.
    """
    (await server.attach()).close()
    client = await server.client()
    client.signal(signal.SIGKILL)
    await client.ends()
    await server.attach(b"IDENT 1 C 1\n")
    await server.ask(Event, name="halted")
    await server.attach(b"IDENT 1 C 1\n")
    await server.ask(Event, name="boot-failed")
    await server.attach()
    await server.ask(Event, name="uninstalling")
    await server.attach()
    await server.ask(Detach)
    await server.attach()
    await structured(server, role="take")
    ended = (await server.ask(Status))["ended"]
    reasons = [each["reason"] for each in ended]
    assert reasons[0] in ("left", "lost")
    assert reasons[1] in ("left", "lost")
    assert reasons[2:] == [
        "halted",
        "boot-failed",
        "zone-uninstalled",
        "detached",
        "taken-over",
    ]
    assert ended[1]["pid"] == client.pid
    for each in ended:
        assert each["text"] and "\n" not in each["text"]


@pytest_twisted.ensureDeferred
async def test_endedAreNotKeptForEver(server: Twistd) -> None:
    """
    Only so many of them are remembered.
    """
    for _ in range(60):
        peer = await server.attach()
        peer.close()
    await server.attach()
    status = await server.ask(Status)
    assert len(status["ended"]) == 32
    assert counters(status)["attached"] == 61


@pytest.mark.parametrize(
    ("name", "notice"),
    [
        ("booting", b"NOTICE: Zone booting up"),
        ("readied", b"NOTICE: Zone readied"),
        ("halted", b"NOTICE: Zone halted"),
        ("rebooting", b"NOTICE: Zone rebooting"),
        ("uninstalling", b"NOTICE: Zone is being uninstalled.  Disconnecting..."),
        ("boot-failed", b"NOTICE: Zone boot failed"),
        ("bad-args", b"WARNING: Ignoring invalid boot arguments: "),
    ],
)
@pytest_twisted.ensureDeferred
async def test_event(console: InProcess, name: str, notice: bytes) -> None:
    """
    An event that is posted from outside is told to whoever is attached.
    """
    peer = await console.attach()
    answer = await console.ask(Event, name=name)
    assert name in answer["message"]
    await peer.expect(b"\r\n[%b]\r\n" % (notice,))


@pytest_twisted.ensureDeferred
async def test_eventWithArguments(server: Twistd) -> None:
    """
    With boot arguments, however odd.
    """
    peer = await server.attach(b"IDENT 1 de_DE.UTF-8 0\n")
    await server.ask(Event, name="booting", bootArguments="-s ü\x1b]0;x\x07\n")
    await peer.expect(
        b"\r\n[NOTICE: Zone booting up with arguments: "
        b"-s \xc3\xbc\\x1b]0;x\\x07\\x0a]\r\n"
    )


REFUSED = [
    (Event, {"name": "exploded"}, "booting, readied"),
    (Event, {"name": ""}, "booting, readied"),
    (Event, {"name": "halted\nforged"}, "halted"),
    (Event, {"name": "booting", "bootArguments": "x" * 256}, "255"),
    (Event, {"name": "booting", "bootArguments": "ü" * 128}, "255"),
    (Detach, {}, "has no operator"),
    (Boot, {}, "not run by this server"),
    (Boot, {"bootArguments": "x" * 256}, "255"),
    (Halt, {}, "not run by this server"),
    (Reboot, {}, "not run by this server"),
]


@pytest.mark.parametrize(
    ("command", "arguments", "why"),
    REFUSED,
    ids=[f"{command.__name__} {arguments}"[:40] for command, arguments, _ in REFUSED],
)
@pytest_twisted.ensureDeferred
async def test_refused(
    console: InProcess, command: type[Command], arguments: dict[str, str], why: str
) -> None:
    """
    What can't be done is refused with one line that says why, and changes nothing.
    """
    control = await console.control()
    with pytest.raises(Refused) as refused:
        await within(control.callRemote(command, **arguments))
    said = str(refused.value)
    assert why in said
    assert "\n" not in said
    # The same connection is good for more.
    assert (await within(control.callRemote(Status)))["state"] == "installed"


@pytest_twisted.ensureDeferred
async def test_longestArguments(server: Twistd) -> None:
    """
    Boot arguments of 255 bytes are passed on whole.
    """
    peer = await server.attach()
    await server.ask(Event, name="booting", bootArguments="x" * 255)
    await peer.expect(
        b"\r\n[NOTICE: Zone booting up with arguments: %b]\r\n" % (b"x" * 255,)
    )


@pytest_twisted.ensureDeferred
async def test_detach(server: Twistd) -> None:
    """
    Detach ends the operator's session in good order; what was printed before arrives.
    """
    zone = await server.zoneSide()
    peer = await server.attach()
    await zone.prints(b"before")
    await peer.expect(b"before")
    answer = await server.ask(Detach)
    assert str(os.getpid()) in answer["message"]
    await peer.closes()
    await server.attach()


@pytest_twisted.ensureDeferred
async def test_boot(launch: Launch) -> None:
    """
    Boot, halt and reboot are answered when they are done.
    """
    server = await launch("--zone", "z1", "--exec", "/bin/cat")

    async def state() -> str:
        return (await server.ask(Status))["state"]

    await server.ask(Boot)
    assert await state() == "running"
    assert (await server.ask(Halt))["message"] == "zone halted"
    assert await state() == "installed"
    assert (await server.ask(Boot))["message"] == "zone booted"
    assert await state() == "running"
    assert (await server.ask(Reboot))["message"] == "zone rebooted"
    assert await state() == "running"


@pytest_twisted.ensureDeferred
async def test_manyCommandsAtOnce(launch: Launch) -> None:
    """
    Commands of many connections at once are all answered, and the zone is in the end
    what the last one made of it.
    """
    server = await launch("--zone", "z1", "--exec", "/bin/cat")
    await server.ask(Boot)
    controls = [await server.control() for _ in range(20)]
    calls = [
        control.callRemote((Reboot, Status, Halt, Boot)[n % 4])
        for n, control in enumerate(controls)
    ]
    for call in calls:
        try:
            await within(call)
        except Refused as e:
            assert "\n" not in str(e)
    await server.ask(Halt)
    assert (await server.ask(Boot))["message"] == "zone booted"
    assert (await server.ask(Status))["state"] == "running"


@pytest_twisted.ensureDeferred
async def test_pipelined(server: Twistd) -> None:
    """
    Hundreds of commands on one connection are answered in their order.
    """
    control = await server.control()
    peer = await server.attach()
    names = ["booting", "halted", "readied"] * 100
    calls = [control.callRemote(Event, name=name) for name in names]
    answers = await within(gatherResults(calls))
    assert [name in a["message"] for name, a in zip(names, answers, strict=True)]
    for _ in range(100):
        await peer.expect(
            b"\r\n[NOTICE: Zone booting up]\r\n"
            b"\r\n[NOTICE: Zone halted]\r\n"
            b"\r\n[NOTICE: Zone readied]\r\n"
        )


GARBAGE = {
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "ident": b"IDENT 1 C 0\n",
    "zeros": b"\0" * 1000,
    "ones": b"\xff" * 1000,
    "unknown command": b"\0\4_ask\0\x011\0\x08_command\0\7Explode\0\0",
    "no arguments": b"\0\4_ask\0\x011\0\x08_command\0\5Event\0\0",
    "not UTF-8": b"\0\4_ask\0\x011\0\x08_command\0\5Event\0\4name\0\2\xff\xfe\0\0",
    "an answer to nothing": b"\0\7_answer\0\x011\0\0",
    "an error to nothing": (
        b"\0\6_error\0\x011\0\x0b_error_code\0\1x\0\x12_error_description\0\1y\0\0"
    ),
    "half a command": b"\0\4_ask\0\x011\0\x08_comm",
    "a key too long": b"\x01\0" + b"k" * 256,
    "random": bytes(range(256)) * 8,
}


@pytest.mark.parametrize("what", GARBAGE)
@pytest_twisted.ensureDeferred
async def test_garbage(console: InProcess, what: str) -> None:
    """
    What is no command harms at most its own connection, and puts no traceback into the
    log.
    """
    other = await console.control()
    for _ in range(5):
        peer = await console.connectTo("control_sock")
        await peer.send(GARBAGE[what])
        peer.halfClose()
        await peer.rest()
    assert (await within(other.callRemote(Status)))["zone"] == "z1"
    assert console.errors == [], console.errors[0]


@pytest_twisted.ensureDeferred
async def test_oversized(server: Twistd) -> None:
    """
    A command that does not come to an end is cut off, and costs no memory.
    """
    other = await server.control()
    before = memory(server.pid)
    peer = await server.connectTo("control_sock")
    value = b"\0\1x" + (65535).to_bytes(2, "big") + b"v" * 65535
    sent = 0
    try:
        for n in range(1000):
            key = b"%04d" % (n,)
            await peer.send(b"\0\4" + key + value[3:])
            sent += len(value)
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert sent < 4 * 2**20
    assert memory(server.pid) - before < 4 * 2**20
    assert (await within(other.callRemote(Status)))["zone"] == "z1"


@pytest_twisted.ensureDeferred
async def test_silentConnections(server: Twistd) -> None:
    """
    Hundreds of connections that say nothing keep nobody out, nor the console from
    being used.
    """
    silent = [await server.connectTo("control_sock") for _ in range(300)]
    assert (await server.ask(Status))["zone"] == "z1"
    await server.attach()
    # The oldest made room.
    await silent[0].closes()
    assert len(os.listdir(f"/proc/{server.pid}/fd")) < 150


@pytest_twisted.ensureDeferred
async def test_whoDoesNotReadItsAnswers(server: Twistd) -> None:
    """
    A peer that asks and asks and takes no answer waits, and costs no memory.
    """
    other = await server.control()
    before = memory(server.pid)
    peer = await server.connectTo("control_sock")
    asked = 0
    while True:
        asked += 1
        call = b"\0\4_ask\0\4%04d\0\x08_command\0\6Status\0\0" % (asked % 10000,)
        if peer.sendNow(call * 20) < 20 * len(call):
            break
        assert asked < 100_000
        if asked % 50 == 0:
            await within(other.callRemote(Status))
    assert memory(server.pid) - before < 8 * 2**20
    assert (await within(other.callRemote(Status)))["zone"] == "z1"


@pytest_twisted.ensureDeferred
async def test_endsWithServer(server: Twistd) -> None:
    """
    Whoever is connected when the server stops sees the connection end.
    """
    control = await server.control()
    call = control.callRemote(Status)
    await within(call)
    server.program.signal(signal.SIGTERM)
    await until(lambda: control.transport is None, "the end of the connection")
    with pytest.raises((ConnectionDone, ConnectionLost)):
        await within(control.callRemote(Status))
    await server.program.ends()


# Who is let in.


async def knock(server: Twistd, uid: int, *gids: int) -> list[str]:
    """
    What somebody else is answered at the console's door and at the control door.
    """
    prefix = server.path("")[:-1]
    program = script("strangers.py", prefix, str(uid), ",".join(map(str, gids)))
    server.run(program)
    assert await program.ends() == 0, program.errors
    return program.output.decode().splitlines()


def openUp(server: Twistd) -> None:
    """
    Take away what keeps strangers from reaching the sockets.
    """
    os.chmod(os.path.dirname(server.rundir), 0o755)
    os.chmod(server.rundir, 0o755)
    for suffix in ("console_sock", "control_sock"):
        os.chmod(server.path(suffix), 0o666)


@rootOnly
@pytest_twisted.ensureDeferred
async def test_strangersAreKeptOut(server: Twistd) -> None:
    """
    Somebody else does not even reach the sockets.
    """
    os.chmod(os.path.dirname(server.rundir), 0o755)
    assert await knock(server, NOBODY, NOBODY) == [
        "console_sock b'not permitted'",
        "control_sock b'not permitted'",
    ]


@rootOnly
@pytest_twisted.ensureDeferred
async def test_strangersAreNotAdmitted(server: Twistd) -> None:
    """
    And is not let in by either door where nothing keeps them from reaching it: the
    kernel says who they are.
    """
    openUp(server)
    assert await knock(server, NOBODY, NOBODY) == [
        "console_sock b''",
        "control_sock b''",
    ]
    # They have not taken the seat, nor kept anybody else from it.
    assert (await server.ask(Status))["operator"] == []
    await server.attach()


@rootOnly
@pytest_twisted.ensureDeferred
async def test_rootsGroupIsNotRoot(server: Twistd) -> None:
    """
    Membership in the server's own group gives nothing.
    """
    openUp(server)
    answers = await knock(server, NOBODY, 0, GROUP)
    assert answers == ["console_sock b''", "control_sock b''"]


@rootOnly
@pytest.mark.parametrize(
    "gids", [(GROUP,), (NOBODY, GROUP)], ids=["primary", "supplementary"]
)
@pytest_twisted.ensureDeferred
async def test_groupIsAdmitted(launch: Launch, gids: tuple[int, ...]) -> None:
    """
    With C{--group} its members are let in by both doors, and others are not.
    """
    server = await launch("--group", str(GROUP), "--zone", "z1")
    os.chmod(os.path.dirname(server.rundir), 0o755)
    console, control = await knock(server, NOBODY, *gids)
    assert console == r"console_sock b'OK\n'"
    assert control.startswith(r"control_sock b'\x00\x07_answer")
    assert await knock(server, NOBODY, NOBODY) == [
        "console_sock b'not permitted'",
        "control_sock b'not permitted'",
    ]
    openUp(server)
    assert await knock(server, NOBODY, NOBODY) == [
        "console_sock b''",
        "control_sock b''",
    ]
