"""
The console socket byte by byte: what goes in is what a client of illumos sends, what
comes out is compared to the last byte.

docs/protocol/ident.rst has the same tables for people.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import pytest_twisted
from conftest import InProcess
from support import Peer, turn

from zcons_twisted.events import ZoneEvent

HALTED = b"\r\n[NOTICE: Zone halted]\r\n"
HALTED_D = b"\r\n[NOTICE: Zone halted.  Disconnecting...]\r\n"
UNINSTALLED = b"\r\n[NOTICE: Zone is being uninstalled.  Disconnecting...]\r\n"

#: First lines that seat their sender, and whether they ask for C{-d}.
SEATED = [
    # Dialect A, illumos since 2015.
    (b"IDENT 123 C 1", True),
    (b"IDENT 123 C 0", False),
    (b"IDENT 123 C 9", True),
    (b"IDENT 123 en_US.UTF-8 0", False),
    (b"IDENT 123 de_DE.ISO8859-1@euro 1", True),
    (b"IDENT 2147483647 C 0", False),
    (b"IDENT 0 C 0", False),
    (b"IDENT 123  1", True),
    (b"IDENT 123  0", False),
    # Dialect B, SmartOS and OmniOS.
    (b"IDENT C 0", False),
    (b"IDENT C 1", True),
    (b"IDENT C 2", False),
    (b"IDENT C 3", True),
    (b"IDENT en_US.UTF-8 1", True),
    (b"IDENT POSIX 4294967295", True),
    # Dialect 0, Solaris 10.
    (b"IDENT 123 C", False),
    (b"IDENT 123 POSIX", False),
    (b"IDENT 123 en_US.UTF-8", False),
    (b"IDENT 123 8859-1", False),
    # As long as a line may be.
    (b"IDENT 1 " + b"x" * 1013 + b" 1", True),
]

#: First lines that are refused without a byte.
REFUSED = [
    b"",
    b"IDENT",
    b"IDENT ",
    b"ident 1 C 0",
    b" IDENT 1 C 0",
    b"IDENT\t1 C 0",
    b"IDENT 123",
    b"IDENT 123 ",
    b"IDENT 123 1",
    b"IDENT -5 C 1",
    b"IDENT +5 C 1",
    b"IDENT abc C 1",
    b"IDENT 0x10 C 1",
    b"IDENT 99999999999 C 0",
    b"IDENT 2147483648 C 0",
    b"IDENT 99999999999999999999 C 0",
    b"IDENT 123 C 10",
    b"IDENT 123 C -1",
    b"IDENT 123 C x",
    b"IDENT 123 C 1 ",
    b"IDENT 123 C 1\r",
    b"IDENT 123 C\r",
    b"IDENT 123 C  1",
    b"IDENT  123 C 1",
    b"IDENT 123 C\t1",
    b"IDENT 123 C\x001 1",
    b"IDENT 123 C 1\x00",
    b"IDENT 123 \xc3\xa9 1",
    b"IDENT C",
    b"IDENT C 99999999999",
    b"IDENT C 1 1",
    b"ATTACHED {}",
    b"\x16\x03\x01",
    b"GET / HTTP/1.1\r",
    # One byte longer than a line may be.
    b"IDENT 1 " + b"x" * 1014 + b" 1",
    b"\0" * 5000,
]


def shown(value: object) -> str:
    """
    A line as a test's name.
    """
    if isinstance(value, bytes):
        return ascii(value[:32].decode("latin-1"))[1:-1] or "empty"
    return str(value)


async def checkSeated(console: InProcess, peer: Peer, disconnect: bool) -> None:
    """
    A peer has the seat, and its session ends as it has asked for.
    """
    await peer.expect(b"OK\n")
    console.zone.event(ZoneEvent.HALTED)
    if disconnect:
        await peer.expect(HALTED_D)
    else:
        await peer.expect(HALTED)
        console.zone.event(ZoneEvent.UNINSTALLING)
        await peer.expect(UNINSTALLED)
    await peer.closes()


@pytest.mark.parametrize(("line", "disconnect"), SEATED, ids=shown)
@pytest_twisted.ensureDeferred
async def test_seated(console: InProcess, line: bytes, disconnect: bool) -> None:
    """
    Each of the three dialects gets C{OK}, and its flag is understood.
    """
    peer = await console.connect()
    await peer.send(line + b"\n")
    await checkSeated(console, peer, disconnect)


@pytest.mark.parametrize(("line", "disconnect"), SEATED, ids=shown)
@pytest_twisted.ensureDeferred
async def test_seatedWithoutNewline(
    console: InProcess, line: bytes, disconnect: bool
) -> None:
    """
    A whole line counts without its newline if the client sends nothing after it.
    """
    peer = await console.connect()
    await peer.send(line)
    peer.halfClose()
    await checkSeated(console, peer, disconnect)


@pytest.mark.parametrize("line", REFUSED, ids=shown)
@pytest_twisted.ensureDeferred
async def test_refused(console: InProcess, line: bytes) -> None:
    """
    A line of no dialect is answered with nothing and a closed connection, and the
    next client is seated.
    """
    peer = await console.connect()
    await peer.send(line + b"\n")
    await peer.closes()
    await console.attach()


@pytest.mark.parametrize("line", REFUSED, ids=shown)
@pytest_twisted.ensureDeferred
async def test_refusedWithoutNewline(console: InProcess, line: bytes) -> None:
    """
    The same for a line that ends with the client's sending.
    """
    peer = await console.connect()
    await peer.send(line)
    peer.halfClose()
    await peer.closes()


@pytest.mark.parametrize(
    ("line", "disconnect"),
    [(b"IDENT 123 C 1", True), (b"IDENT de_DE 3", True), (b"IDENT 12 POSIX", False)],
    ids=shown,
)
@pytest_twisted.ensureDeferred
async def test_splitAnywhere(console: InProcess, line: bytes, disconnect: bool) -> None:
    """
    A line means the same wherever it is divided on its way.
    """
    whole = line + b"\n"
    for at in range(1, len(whole)):
        peer = await console.connect()
        await peer.send(whole[:at])
        await turn(3)
        assert peer.look() == b""
        await peer.send(whole[at:])
        await checkSeated(console, peer, disconnect)


@pytest_twisted.ensureDeferred
async def test_byteByByte(console: InProcess) -> None:
    """
    A client that sends single bytes is seated by the last of them.
    """
    peer = await console.connect()
    for byte in b"IDENT 4711 en_US.UTF-8 1":
        await peer.send(bytes([byte]))
        await turn(2)
    assert peer.look() == b""
    await peer.send(b"\n")
    await checkSeated(console, peer, True)


@pytest_twisted.ensureDeferred
async def test_tooLongWithoutNewline(console: InProcess) -> None:
    """
    1023 bytes may wait for their newline; the next one closes the connection.
    """
    peer = await console.connect()
    await peer.send(b"IDENT 1 " + b"x" * 1015)
    await turn(3)
    assert peer.look() == b"" and not peer.ended
    await peer.send(b"x")
    await peer.closes()


@pytest_twisted.ensureDeferred
async def test_goneWithoutAWord(console: InProcess) -> None:
    """
    A client that closes at once gets nothing and changes nothing.
    """
    peer = await console.connect()
    peer.halfClose()
    await peer.closes()
    await console.attach()


BUSY_LINES = [
    *(line for line, _ in SEATED[:3]),
    *(line for line in REFUSED if len(line) <= 1023),
]


@pytest.mark.parametrize("line", BUSY_LINES, ids=shown)
@pytest_twisted.ensureDeferred
async def test_busy(console: InProcess, line: bytes) -> None:
    """
    Whoever finds the seat taken is told the holder's process ID as the kernel has it,
    whatever the holder said of itself and whatever the newcomer's line says.
    """
    holder = await console.attach(b"IDENT 4711 C 0\n")
    peer = await console.connect()
    await peer.send(line + b"\n")
    await peer.expect(b"%d\n" % (os.getpid(),))
    await peer.closes()
    console.zone.event(ZoneEvent.READIED)
    await holder.expect(b"\r\n[NOTICE: Zone readied]\r\n")


@pytest_twisted.ensureDeferred
async def test_busyNamesAnotherProcess(console: InProcess) -> None:
    """
    The process ID is the holder's, not the one of whoever asks.
    """
    holder = await console.client(b"IDENT 1 C 0\n")
    assert holder.pid != os.getpid()
    peer = await console.connect()
    await peer.send(b"IDENT 2 C 0\n")
    await peer.expect(b"%d\n" % (holder.pid,))
    await peer.closes()


@pytest.mark.parametrize("line", [b"", b"IDENT 1 C 0", b"nonsense"], ids=shown)
@pytest_twisted.ensureDeferred
async def test_busyWithoutNewline(console: InProcess, line: bytes) -> None:
    """
    Whoever finds the seat taken and ends before a newline is told nothing.
    """
    await console.attach()
    peer = await console.connect()
    await peer.send(line)
    peer.halfClose()
    await peer.closes()


@pytest_twisted.ensureDeferred
async def test_busyTooLong(console: InProcess) -> None:
    """
    More than 1023 bytes are too many for a first line, seat taken or not.
    """
    await console.attach()
    peer = await console.connect()
    await peer.send(b"x" * 1024)
    await peer.closes()


#: What each event is told as: without arguments and with some; an empty text where
#: nothing is told.
NOTICES: list[tuple[ZoneEvent, str, str, str]] = [
    (ZoneEvent.NULL, "", "", ""),
    (
        ZoneEvent.BOOTING,
        "NOTICE: Zone booting up",
        "NOTICE: Zone booting up",
        "NOTICE: Zone booting up with arguments: %s",
    ),
    (
        ZoneEvent.REBOOTING,
        "NOTICE: Zone rebooting",
        "NOTICE: Zone rebooting",
        "NOTICE: Zone rebooting with arguments: %s",
    ),
    (
        ZoneEvent.HALTED,
        "NOTICE: Zone halted",
        "NOTICE: Zone halted.  Disconnecting...",
        "",
    ),
    (ZoneEvent.READIED, "NOTICE: Zone readied", "NOTICE: Zone readied", ""),
    (
        ZoneEvent.UNINSTALLING,
        "NOTICE: Zone is being uninstalled.  Disconnecting...",
        "NOTICE: Zone is being uninstalled.  Disconnecting...",
        "",
    ),
    (
        ZoneEvent.BOOT_FAILED,
        "NOTICE: Zone boot failed",
        "NOTICE: Zone boot failed.  Disconnecting...",
        "",
    ),
    (
        ZoneEvent.BAD_ARGS,
        "WARNING: Ignoring invalid boot arguments: %s",
        "WARNING: Ignoring invalid boot arguments: %s",
        "WARNING: Ignoring invalid boot arguments: %s",
    ),
]

#: Boot arguments and how they are shown.
ARGUMENTS = [
    ("", ""),
    ("-s", "-s"),
    ("-m milestone=none  -v", "-m milestone=none  -v"),
    ("100% %s", "100% %s"),
    ("a]\r\n[NOTICE: Zone halted", "a]\\x0d\\x0a[NOTICE: Zone halted"),
    ("\x1b[2J\x07\x00\x7f", "\\x1b[2J\\x07\\x00\\x7f"),
    ("\x9b31m", "\\x9b31m"),
]


@pytest.mark.parametrize("flag", [0, 1], ids=["plain", "d"])
@pytest.mark.parametrize(("arguments", "asShown"), ARGUMENTS, ids=ascii)
@pytest.mark.parametrize(
    ("event", "plain", "withFlag", "withArguments"),
    NOTICES,
    ids=[event.name for event, *_ in NOTICES],
)
@pytest_twisted.ensureDeferred
async def test_notice(
    console: InProcess,
    event: ZoneEvent,
    plain: str,
    withFlag: str,
    withArguments: str,
    arguments: str,
    asShown: str,
    flag: int,
) -> None:
    """
    Each event is told in its own words, and ends the session or does not.
    """
    peer = await console.attach(b"IDENT 1 C %d\n" % (flag,))
    console.zone.event(event, arguments)
    text = withFlag if flag else plain
    if arguments and withArguments:
        text = withArguments
    ends = event is ZoneEvent.UNINSTALLING or (
        event in (ZoneEvent.HALTED, ZoneEvent.BOOT_FAILED) and flag
    )
    expected = b"\r\n[%b]\r\n" % (text.replace("%s", asShown, 1).encode(),)
    if text:
        await peer.expect(expected)
    if not ends:
        # It still has the seat, and nothing else was sent.
        console.zone.event(ZoneEvent.UNINSTALLING)
        await peer.expect(UNINSTALLED)
    await peer.closes()


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        (b"C", b"?a-?"),
        (b"POSIX", b"?a-?"),
        (b"", b"?a-?"),
        (b"en_US.UTF-8", "éa-€".encode()),
        (b"en_US.utf8", "éa-€".encode()),
        (b"de_DE.ISO8859-1", b"\xe9a-?"),
        (b"de_DE.ISO8859-15", b"\xe9a-\xa4"),
        (b"../../../etc/passwd", b"?a-?"),
        (b"xx_YY.no-such-codeset", b"?a-?"),
    ],
    ids=shown,
)
@pytest_twisted.ensureDeferred
async def test_characterSet(console: InProcess, locale: bytes, expected: bytes) -> None:
    """
    A notice comes in the client's character set; what that lacks is a question mark.
    """
    peer = await console.attach(b"IDENT 1 %b 0\n" % (locale,))
    console.zone.event(ZoneEvent.BOOTING, "éa-€")
    await peer.expect(
        b"\r\n[NOTICE: Zone booting up with arguments: %b]\r\n" % (expected,)
    )


@pytest_twisted.ensureDeferred
async def test_longNotice(console: InProcess) -> None:
    """
    A notice is never longer than 1023 bytes and always has its closing bracket.
    """
    peer = await console.attach()
    console.zone.event(ZoneEvent.BOOTING, "\x01" * 255)
    notice = await peer.until(b"]\r\n")
    assert len(notice) <= 1023
    start = b"\r\n[NOTICE: Zone booting up with arguments: "
    body = notice.removeprefix(start).removesuffix(b"]\r\n")
    assert body == (b"\\x01" * 255)[: len(body)]
    console.zone.event(ZoneEvent.READIED)
    await peer.expect(b"\r\n[NOTICE: Zone readied]\r\n")


@pytest_twisted.ensureDeferred
async def test_eventsWhileNobodyIsAttached(console: InProcess) -> None:
    """
    Who comes later is not told of what happened before, and the events are harmless.
    """
    for event in ZoneEvent:
        console.zone.event(event, "-s")
    peer = await console.attach()
    console.zone.event(ZoneEvent.READIED)
    await peer.expect(b"\r\n[NOTICE: Zone readied]\r\n")


@pytest_twisted.ensureDeferred
async def test_rawPipe(console: InProcess) -> None:
    """
    After C{OK} every byte goes through as it is, both ways, also those that came
    together with the first line.
    """
    every = bytes(range(256))
    zone = await console.zoneSide()
    peer = await console.connect()
    await peer.send(b"IDENT 1 C 0\n" + every + b"~.\r\n~~.")
    await peer.expect(b"OK\n")
    assert await zone.reads(256 + 7) == every + b"~.\r\n~~."
    await zone.prints(every + b"\r\n[NOTICE: Zone halted]\r\n")
    await peer.expect(every + b"\r\n[NOTICE: Zone halted]\r\n")


@pytest_twisted.ensureDeferred
async def test_serverStops(serve: Callable[[], InProcess]) -> None:
    """
    A server that stops closes its session in good order and says nothing more.
    """
    console = serve()
    peer = await console.attach()
    stopped = console.server.stopService()
    await peer.closes()
    await stopped
