"""
The how-to pages do what they say.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import pytest_twisted
from howto import Page, Step, seen, steps
from illumos_support import Illumos, compileLibrary
from oci_support import Mounts
from support import HERE, twistd
from vm import vmFiles

__all__ = ["vmFiles"]

CI = HERE.parent / ".ci"

#: What needs a mount namespace of its own.
RUNTIMES = ("crun", "runc", "unshare")

PAGE = """
Text, with ``$ no command``.

.. howto: stays

.. code-block:: console

    $ one --long \\
          --word
    shown ... here

    Not shown.

.. howto: stays

This text parts the comment from the block.

.. code-block:: console

    $ two
    $ three

.. howto: file some.toml

.. code-block:: toml

    [first]

    second = 2

.. howto: fails

.. code-block:: console

    $ four
"""


def test_steps() -> None:
    """
    A page's blocks are its steps.
    """
    assert steps(PAGE.replace("    Not shown.\n", "")) == [
        Step("stays", "one --long \\\n      --word", ("shown ... here",)),
        Step("", "two", ()),
        Step("", "three", ()),
        Step("file", "some.toml", ("[first]", "", "second = 2")),
        Step("fails", "four", ()),
    ]


def test_seen() -> None:
    """
    What is shown is shown in order, among other lines.
    """
    output = b"one\r\ntwo 2 times\r\nthree\r\nfour\r\n"
    assert seen(output, ("one", "three")) == output.index(b"\r\nfour")
    assert seen(output, ("two ... times",)) > 0
    assert seen(output, ("one", "...", "four")) > 0
    assert seen(output, ("three", "one")) == -1
    assert seen(output, ()) == 0


@pytest_twisted.ensureDeferred
async def test_virtualMachine(vmFiles: Path) -> None:
    """
    A virtual machine, from nothing to a login prompt.
    """
    assert await Page("virtual-machine", {"vm": vmFiles, ".ci": CI}).follow() >= 6


@pytest_twisted.ensureDeferred
async def test_serialLine() -> None:
    """
    A serial line, from nothing to a login prompt.
    """
    if shutil.which("socat") is None or shutil.which("agetty", path="/sbin") is None:
        pytest.skip("socat and agetty are needed")
    assert await Page("serial-line", {}).follow() >= 3


@pytest_twisted.ensureDeferred
async def test_serveACommand() -> None:
    """
    Commands as zones, in every way that a server serves them.
    """
    assert await Page("serve-a-command", {}).follow() >= 12


@pytest_twisted.ensureDeferred
async def test_manyZones() -> None:
    """
    A configuration file: checked, served, changed, divided.
    """
    assert await Page("many-zones", {}).follow() >= 9


@pytest_twisted.ensureDeferred
async def test_scripting() -> None:
    """
    Consoles that nobody sits at.
    """
    assert await Page("scripting", {}).follow() >= 12


class IllumosPage(Page):
    """
    A page that is followed on a library that plays the system: what is under /opt is
    this checkout's, and the zone's end of its console is elsewhere.
    """

    def __init__(self, name: str, illumos: Illumos) -> None:
        super().__init__(name, {})
        for before, after in (
            ("/opt/zconsole/bin/", ""),
            (" --rundir /var/run/zconsole", ""),
            ("/dev/zcons/try/zoneconsole", illumos.device("try")),
        ):
            assert before in self.text, before
            self.text = self.text.replace(before, after)
        path = f"{HERE / 'illumos_python'}:{HERE.parent}"
        env = {**illumos.env, "PYTHONPATH": path}
        words = " ".join(f"{name}={value}" for name, value in env.items())
        self.command(
            "twistd",
            f'#!/bin/sh\nexec env {words} {twistd()} --pidfile= "$@"'
            ' --rundir "$HOWTO_RUNDIR"\n',
        )
        # It is halted already.
        self.command("zoneadm", "#!/bin/sh\n")


@pytest_twisted.ensureDeferred
async def test_illumos(tmp_path: Path) -> None:
    """
    A zone of illumos is tried.
    """
    illumos = Illumos(compileLibrary(tmp_path), tmp_path / "illumos")
    assert await IllumosPage("illumos", illumos).follow() == 5


class ContainerPage(Page):
    """
    A page whose containers are in a mount namespace that suits them.
    """

    def __init__(self, name: str, mounts: Mounts) -> None:
        super().__init__(name, {})
        for command in RUNTIMES:
            program = shutil.which(command, path=f"{os.environ['PATH']}:/usr/sbin")
            words = " ".join(mounts.under[:-1])
            self.command(
                command, f'#!/bin/sh\nexec {words} --wd="$PWD" {program} "$@"\n'
            )


@pytest_twisted.ensureDeferred
async def test_ociContainer(mounts: Mounts) -> None:
    """
    A container, from nothing to a shell in it.
    """
    assert await ContainerPage("oci-container", mounts).follow() >= 11


@pytest_twisted.ensureDeferred
async def test_systemContainer(mounts: Mounts) -> None:
    """
    A system, from nothing to a login prompt.
    """
    assert await ContainerPage("system-container", mounts).follow() >= 12
