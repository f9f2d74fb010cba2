"""
A zone that is a container, with real runtimes.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from conftest import Twistd
from oci_support import RUNTIMES, Bundle, Mounts, config, system
from support import Peer, pause, runs, until
from twisted.internet import reactor

from zcons_twisted.doors.commands import Boot, Halt, Reboot, Refused, Status

Launch = Callable[..., Awaitable[Twistd]]

BOOTING = b"\r\n[NOTICE: Zone booting up]\r\n"
READIED = b"\r\n[NOTICE: Zone readied]\r\n"
HALTED = b"\r\n[NOTICE: Zone halted]\r\n"
REBOOTING = b"\r\n[NOTICE: Zone rebooting]\r\n"
BOOT_FAILED = b"\r\n[NOTICE: Zone boot failed]\r\n"


class Containers:
    """
    Servers whose zones are containers.

    @ivar mounts: where they are.
    @ivar runtime: what runs them.
    @ivar bundle: that of the zone.
    """

    def __init__(
        self, launch: Launch, mounts: Mounts, runtime: str, directory: Path
    ) -> None:
        self._launch = launch
        self.mounts = mounts
        self.runtime = runtime
        self.id = f"z1-{os.getpid()}"
        self.path = directory / "bundle"

    def bundle(self, *args: str, **how: Any) -> Bundle:
        return Bundle(self.path, *args, **how)

    def system(self, **how: Any) -> Bundle:
        return system(self.path, **how)

    async def serve(self, *options: str) -> Twistd:
        """
        A server with one container.
        """
        return await self._launch(
            *("--zone", "z1", "--oci", str(self.path)),
            *("--runtime", self.runtime, "--id", self.id, *options),
            under=self.mounts.under,
        )

    def init(self) -> int:
        """
        The container's first process, or 0.
        """
        known = self.mounts.state(self.runtime, self.id)
        return 0 if known is None else known["pid"]

    def gone(self) -> None:
        """
        Nothing of the container is left.
        """
        assert self.mounts.remains(self.runtime, self.id) == []


@pytest.fixture(params=RUNTIMES)
def containers(
    request: pytest.FixtureRequest, mounts: Mounts, launch: Launch, tmp_path: Path
) -> Iterator[Containers]:
    """
    Containers of one runtime, of which nothing may be left.
    """
    made = Containers(launch, mounts, request.param, tmp_path)
    yield made
    mounts.do(made.runtime, "delete", "--force", made.id)


async def login(peer: Peer) -> None:
    """
    Log in at the prompt, with a quiet shell.
    """
    await peer.until(b"zone1 login: ")
    await peer.send(b"root\n")
    await peer.until(b"# ")
    await ready(peer)


async def ready(peer: Peer) -> None:
    """
    The shell has read what was typed, and says so in words that were not typed.
    """
    await peer.send(b"PS1=; stty -echo; echo re''ady\n")
    await peer.until(b"ready\r\n")


@pytest.mark.parametrize("console", ["own", "runtime"])
@pytest_twisted.ensureDeferred
async def test_shell(containers: Containers, console: str) -> None:
    containers.bundle("/bin/sh", terminal=True)
    server = await containers.serve("--console", console)
    peer = await server.attach(b"IDENT 1 C 0\n")
    await ready(peer)
    await peer.send(b"tty; hostname; echo $ZONENAME\n")
    print(await peer.until(b"zone1\r\nz1\r\n"))
    print((await server.ask(Status)))
    print((await server.ask(Halt)))
    await peer.until(HALTED)
    containers.gone()
