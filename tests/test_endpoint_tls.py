"""
Consoles at TLS endpoints: a real server with a certificate of its own.
"""

from __future__ import annotations

import datetime
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_twisted
from conftest import InProcess, Twistd
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from nexus_support import Resuming, restarted, text
from structured_peer import structured
from support import content, pause, until, within
from twisted.internet import reactor, ssl
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from zcons_twisted.doors.commands import Restart, Status
from zcons_twisted.drivers import endpoint
from zcons_twisted.frames import FrameType
from zcons_twisted.interfaces import DriverOptions
from zcons_twisted.service import ZoneConfig

Serve = Callable[..., InProcess]


def certificate() -> bytes:
    """
    A certificate for this machine, with its key, in PEM.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "console")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([here]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


class Far(Protocol):
    """
    The other end of a console.

    @ivar got: what was typed.
    """

    latest: Far

    def connectionMade(self) -> None:
        """
        Somebody connects.
        """
        Far.latest = self
        self.got = b""
        self.lost: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        """
        Somebody types.
        """
        self.got += data

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """
        Gone.
        """
        self.lost = reason


class Listening:
    """
    A TLS server.

    @ivar roots: a directory with its certificate.
    """

    def __init__(self, directory: Path) -> None:
        pem = certificate()
        self.roots = directory / "roots"
        self.roots.mkdir()
        (self.roots / "console.pem").write_bytes(pem)
        own = ssl.PrivateCertificate.loadPEM(pem)
        self.port = reactor.listenSSL(
            0, Factory.forProtocol(Far), own.options(), interface="127.0.0.1"
        )

    def endpoint(self, roots: Path | None = None) -> str:
        """
        The endpoint.
        """
        trusted = roots or self.roots
        return f"tls:127.0.0.1:{self.port.getHost().port}:trustRoots={trusted}"

    def zone(self, roots: Path | None = None) -> ZoneConfig:
        """
        A zone whose console it is.
        """
        options = DriverOptions(endpoint=self.endpoint(roots))
        return ZoneConfig("z1", "endpoint", options)


@pytest_twisted.async_yield_fixture
async def listening(tmp_path: Path) -> AsyncIterator[Listening]:
    """
    A TLS server, which outlives the console's.
    """
    made = Listening(tmp_path)
    yield made
    await within(made.port.stopListening())


async def deviceState(console: InProcess | Twistd, wanted: str) -> None:
    """
    Wait for the device's state to begin so.
    """
    found = ""
    end = reactor.seconds() + 30
    while not found.startswith(wanted):
        found = (await console.ask(Status))["deviceState"]
        assert reactor.seconds() < end, found
        await pause(0.01)


@pytest_twisted.ensureDeferred
async def test_bothWays(listening: Listening, serve: Serve) -> None:
    """
    Bytes come and go, many of them, and the end of the connection is told.
    """
    console = serve(listening.zone())
    await deviceState(console, "open")
    far = Far.latest
    peer = await console.attach()
    printed = content(1024 * 1024)
    far.transport.write(printed)
    assert await peer.exactly(len(printed)) == printed
    typed = content(1024 * 1024, 1)
    await peer.send(typed)
    await until(lambda: len(far.got) == len(typed), "what was typed")
    assert far.got == typed
    far.transport.loseConnection()
    await peer.until(b"[NOTICE: Console disconnected: closed by the other side]\r\n")
    await peer.until(b"[NOTICE: Console connected]\r\n")


@pytest_twisted.ensureDeferred
async def test_slow(listening: Listening, serve: Serve) -> None:
    """
    Where the other end reads nothing, whoever types waits, and nothing grows.
    """
    console = serve(listening.zone())
    await deviceState(console, "open")
    far = Far.latest
    far.transport.pauseProducing()
    peer = await console.attach()
    sent = 0
    while taken := peer.sendNow(b"x" * 65536):
        sent += taken
        await pause(0.05)
        assert sent < 32 * 1024 * 1024, "somebody buffers without end"
    far.transport.resumeProducing()
    await until(lambda: len(far.got) == sent, "all that was typed")


@pytest_twisted.ensureDeferred
async def test_stranger(listening: Listening, serve: Serve, tmp_path: Path) -> None:
    """
    A server that is not who it should be is never a console.
    """
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "x.pem").write_bytes(certificate())
    console = serve(listening.zone(tmp_path / "others"))
    await deviceState(console, "can't connect: ")
    assert (await console.ask(Status))["state"] == "installed"
    assert console.zone.console.counters.opened == 0


@pytest_twisted.ensureDeferred
async def test_silent(
    listening: Listening, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A server that accepts and says nothing is given up in time.
    """
    monkeypatch.setattr(endpoint, "CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        text = f"tls:127.0.0.1:{port}:trustRoots={listening.roots}"
        console = serve(ZoneConfig("z1", "endpoint", DriverOptions(endpoint=text)))
        await deviceState(console, "opening")
        await deviceState(console, "can't connect: no answer in 0.5 seconds")


@pytest_twisted.ensureDeferred
async def test_serverComesAndGoes(
    listening: Listening, launch: Callable[..., Awaitable[Twistd]]
) -> None:
    """
    An encrypted connection can't be kept when the server is restarted or killed.  It is
    made again, and the history says that something may be missing there; an operator
    that resumes notices no more than that.
    """
    options = ("--zone", "z1", "--endpoint", listening.endpoint())
    server = await launch(*options)
    await deviceState(server, "open")
    assert (await server.ask(Status))["nexusPid"] is None
    operator = await Resuming(server.rundir).attach()
    Far.latest.transport.write(text(0, 160))
    await until(lambda: operator.at == 160, "the first of it")
    before = (await server.ask(Status))["since"]
    await server.ask(Restart)
    await restarted(server, before)
    await deviceState(server, "open")
    Far.latest.transport.write(text(160, 320))
    await until(lambda: operator.at == 320, "the second")
    await server.kill()
    server = await launch(*options)
    await deviceState(server, "open")
    Far.latest.transport.write(text(320, 480))
    await operator.to(480)
    assert (operator.gaps, operator.pauses) == ([], 2)
    operator.session.leave()

    reader = await structured(server, role="watch", start="all")
    told = []
    for _ in range(3):
        notice = await reader.told(FrameType.NOTICE)
        told.append((notice["offset"], notice["text"].removeprefix("NOTICE: Console ")))
    assert told == [
        (160, "disconnected: the server stops"),
        (160, "connected: what was printed before is not known"),
        (320, "connected: what was printed before is not known"),
    ]
