"""
The how-to pages do what they say.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import pytest_twisted
from howto import Page, Step, seen, steps
from support import HERE
from vm import vmFiles

__all__ = ["vmFiles"]

CI = HERE.parent / ".ci"

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
"""


def test_steps() -> None:
    """
    A page's blocks are its steps.
    """
    assert steps(PAGE.replace("    Not shown.\n", "")) == [
        Step("stays", "one --long \\\n      --word", ("shown ... here",)),
        Step("", "two", ()),
        Step("", "three", ()),
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
