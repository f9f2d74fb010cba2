"""
Containers that others run tell the console by their runtime's hooks.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import textwrap
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from conftest import Twistd
from oci_support import RUNTIMES, Bundle, Mounts, config
from support import HERE, Program, pause
from twisted.internet import reactor

from zcons_twisted.doors.commands import Status

Launch = Callable[..., Awaitable[Twistd]]

#: When a runtime calls its hooks, in the order of a container's life.
MOMENTS = ("createRuntime", "poststart", "poststop")


def hook(rundir: str, *options: str) -> dict[str, Any]:
    """
    A call of C{zconsole hook}, as a bundle's configuration has it.
    """
    words = [sys.executable, "-m", "zcons_twisted.client", "--rundir", rundir, "hook"]
    return {
        "path": sys.executable,
        "args": [*words, *options],
        "env": [f"PYTHONPATH={HERE.parent}"],
    }


class Other:
    """
    Somebody else who runs a container.
    """

    def __init__(self, mounts: Mounts, runtime: str, bundle: Bundle) -> None:
        self.mounts = mounts
        self.runtime = runtime
        self.id = f"other-{os.getpid()}"
        self.bundle = bundle

    async def do(self, command: str, *options: str, after: str = "") -> Program:
        """
        Have the runtime do something.
        """
        words = [self.runtime, command, *options, self.id, *after.split()]
        quiet = 'exec "$@" </dev/null >/dev/null 2>"$LOG"'
        log = self.bundle.path / "log"
        program = Program([*self.mounts.under, "sh", "-c", quiet, "sh", *words])
        status = await program.start(env={"LOG": str(log)}).ends()
        assert status == 0, log.read_text()
        return program

    async def runs(self) -> None:
        """
        Have it run.
        """
        await self.do("create", "--bundle", str(self.bundle.path))
        await self.do("start")

    async def ends(self) -> None:
        """
        Have it end.
        """
        await self.do("delete", "--force")


@pytest.fixture(params=RUNTIMES)
def other(
    request: pytest.FixtureRequest, mounts: Mounts, tmp_path: Path, rundir: str
) -> Iterator[Other]:
    """
    Somebody whose container has hooks for the zone C{z1}.
    """
    calls = {moment: [hook(rundir, "--zone", "z1")] for moment in MOMENTS}
    # runc calls this when the container is created, and says so.
    calls["poststart"] = [hook(rundir, "--zone", "z1", "--event", "booting")]
    bundle = Bundle(tmp_path / "bundle", "/bin/sleep", "1000", hooks=calls)
    made = Other(mounts, request.param, bundle)
    yield made
    mounts.do(made.runtime, "delete", "--force", made.id)


async def state(server: Twistd, wanted: str) -> None:
    """
    Wait for the zone to be in some state.
    """
    end = reactor.seconds() + 30
    while (found := (await server.ask(Status))["state"]) != wanted:
        assert reactor.seconds() < end, found
        await pause(0.02)


@pytest_twisted.ensureDeferred
async def test_life(launch: Launch, other: Other) -> None:
    """
    The console is told of a container's whole life.
    """
    server = await launch("--zone", "z1")
    peer = await server.attach()
    await other.do("create", "--bundle", str(other.bundle.path))
    await peer.expect(b"\r\n[NOTICE: Zone readied]\r\n")
    if other.runtime == "crun":
        assert (await server.ask(Status))["state"] == "ready"
    await other.do("start")
    await peer.expect(b"\r\n[NOTICE: Zone booting up]\r\n")
    assert (await server.ask(Status))["state"] == "running"
    await other.ends()
    await peer.expect(b"\r\n[NOTICE: Zone halted]\r\n")
    await state(server, "installed")


def fromPage(number: int) -> Any:
    """
    What the page about containers has as JSON.
    """
    text = (HERE.parent / "docs" / "howto" / "oci-container.rst").read_text("utf-8")
    blocks = re.findall(r"code-block:: json\n\n((?:    .*\n|\n)+)", text)
    return json.loads(textwrap.dedent(blocks[number]))


def installed(directory: Path, rundir: str) -> str:
    """
    The path of C{zconsole}, with a run directory of the test's own.
    """
    path = directory / "zconsole"
    words = f"{sys.executable} -m zcons_twisted.client --rundir {rundir}"
    path.write_text(f'#!/bin/sh\nexport PYTHONPATH={HERE.parent}\nexec {words} "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest_twisted.ensureDeferred
async def test_page(launch: Launch, other: Other, rundir: str, tmp_path: Path) -> None:
    """
    The hooks that the page has are such.
    """
    hooks = fromPage(0)["hooks"]
    path = installed(tmp_path, rundir)
    for calls in hooks.values():
        for call in calls:
            assert call["path"] == "/usr/bin/zconsole"
            call["path"] = path
    other.bundle.write(config("/bin/sleep", "1000", hooks=hooks))
    server = await launch("--zone", "web")
    peer = await server.attach()
    await other.do("create", "--bundle", str(other.bundle.path))
    await peer.expect(b"\r\n[NOTICE: Zone readied]\r\n")
    await other.do("start")
    await peer.expect(b"\r\n[NOTICE: Zone booting up]\r\n")
    await other.ends()
    await peer.expect(b"\r\n[NOTICE: Zone halted]\r\n")


@pytest_twisted.ensureDeferred
async def test_pageForAll(launch: Launch, rundir: str, tmp_path: Path) -> None:
    """
    So are those for all containers that are noted to be a zone.
    """
    found = fromPage(1)
    ((name, value),) = found["when"]["annotations"].items()
    assert re.search(name, "zcons_twisted.zone")
    assert re.search(value, "z1")
    assert found["hook"]["path"] == "/usr/bin/zconsole"
    path = installed(tmp_path, rundir)
    server = await launch("--zone", "z1")
    events = {
        "createRuntime": ("created", "ready"),
        "poststart": ("running", "running"),
    }
    events["poststop"] = ("stopped", "installed")
    assert list(events) == found["stages"]
    for stage in found["stages"]:
        status, wanted = events[stage]
        notes = {"zcons_twisted.zone": "z1"}
        program = Program([path, *found["hook"]["args"][1:]]).start()
        told = {"status": status, "id": "other", "annotations": notes}
        program.send(json.dumps(told).encode())
        program.transport.closeStdin()
        assert (await program.ends(), program.errors) == (0, b"")
        assert (await server.ask(Status))["state"] == wanted


@pytest_twisted.ensureDeferred
async def test_annotation(launch: Launch, other: Other, rundir: str) -> None:
    """
    A container may say itself of which zone it is.
    """
    calls = {moment: [hook(rundir)] for moment in MOMENTS}
    calls["poststart"] = [hook(rundir, "--event", "booting")]
    notes = {"zcons_twisted.zone": "z1"}
    other.bundle.write(config("/bin/sleep", "1000", hooks=calls, annotations=notes))
    server = await launch("--zone", "z1")
    await other.runs()
    await state(server, "running")
    await other.ends()
    await state(server, "installed")


@pytest_twisted.ensureDeferred
async def test_noServer(other: Other) -> None:
    """
    A container whose console nobody serves runs all the same.
    """
    await other.runs()
    found = other.mounts.state(other.runtime, other.id)
    assert found is not None
    assert found["status"] == "running"
    await other.ends()
    assert other.mounts.remains(other.runtime, other.id) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{"status": "stopped", "id": "z1"}', "no server serves zone z1"),
        ("nonsense", "standard input is no container's state"),
        ('{"status": "stopped", "id": "../x\\u001b"}', "is not allowed"),
        ("x" * 300_000, "a state of more than 262144 bytes"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_harmless(rundir: str, given: str, said: str) -> None:
    """
    Whatever goes wrong, the exit status is 0, with one line that says what it was.
    """
    words = hook(rundir)["args"]
    program = Program(words).start(env={"PYTHONPATH": str(HERE.parent)})
    program.send(given.encode())
    program.transport.closeStdin()
    assert await program.ends() == 0
    line = program.errors.decode()
    assert said in line
    assert line.startswith("zconsole: hook: ")
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    assert program.output == b""


@pytest_twisted.ensureDeferred
async def test_silentServer(rundir: str) -> None:
    """
    A server that does not answer holds a container up for two seconds.
    """
    server = Twistd(rundir)
    os.mkdir(rundir)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(server.path("control_sock"))
        silent.listen()
        words = hook(rundir, "--zone", "z1")["args"]
        began = reactor.seconds()
        program = Program(words).start(env={"PYTHONPATH": str(HERE.parent)})
        program.send(json.dumps({"status": "stopped"}).encode())
        program.transport.closeStdin()
        assert await program.ends() == 0
        assert 2 <= reactor.seconds() - began < 10
        assert b"does not answer" in program.errors
