"""
An illumos for the tests: C{illumos_fake.c}, compiled and preloaded, and what is on it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from support import DEADLINE, HERE

LIBRARIES = ("libdevinfo.so.1", "libdevice.so.1", "libzonecfg.so.1")

#: Zone states, by their numbers in libzonecfg.h.
CONFIGURED, INCOMPLETE, INSTALLED, READY, RUNNING = range(5)
DOWN = 6


def compileLibrary(directory: Path) -> Path:
    """
    Compile the system's libraries, under all their names.
    """
    made = directory / "libfake.so"
    if shutil.which("cc") is None:
        pytest.skip("cc is not installed")
    command = ["cc", "-O1", "-Wall", "-fPIC", "-shared", "-o", str(made)]
    source = str(HERE / "illumos_fake.c")
    done = subprocess.run(
        [*command, source, "-ldl"], capture_output=True, text=True, timeout=DEADLINE
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    for name in LIBRARIES:
        (directory / name).symlink_to(made)
    return made


class Illumos:
    """
    A system of the kind, with a zone called C{z} that is installed.

    @ivar place: the directory that has what is on it.
    """

    def __init__(self, library: Path, place: Path) -> None:
        self.place = place
        self._library = library
        for name in ("nodes", "dev"):
            (place / name).mkdir(parents=True)
        self.zone(INSTALLED)

    @property
    def env(self) -> dict[str, str]:
        """
        For programs that are to be on this system.
        """
        return {
            "FAKE_ILLUMOS": str(self.place),
            "LD_PRELOAD": str(self._library),
            "LD_LIBRARY_PATH": str(self._library.parent),
        }

    def zone(self, state: int | None, number: int = 7) -> None:
        """
        Have the zone in a state.

        @param state: its number, or L{None} for no such zone.
        @param number: its ID, where it is in the kernel.
        """
        self.write("zoneid", str(number))
        if state is None:
            (self.place / "state").unlink()
        else:
            self.write("state", str(state))

    def node(self, number: int, zone: str = "z") -> None:
        """
        Have a console node.
        """
        (self.place / "nodes" / str(number)).write_text(zone)

    def nodes(self) -> dict[int, str]:
        """
        The console nodes that there are.
        """
        found = (self.place / "nodes").iterdir()
        return {int(path.name): path.read_text() for path in found}

    def fails(self, *calls: tuple[str, int, int]) -> None:
        """
        Have calls fail: which, with what, and how often.
        """
        lines = (f"{what} {number} {times}\n" for what, number, times in calls)
        self.write("fail", "".join(lines))

    def write(self, name: str, text: str = "") -> None:
        """
        Have a file, in one step.
        """
        fresh = self.place / f"{name}.new"
        fresh.write_text(text)
        fresh.replace(self.place / name)

    def calls(self) -> list[str]:
        """
        What has been called.
        """
        path = self.place / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def device(self, zone: str = "z") -> str:
        """
        Where the zone's end of its console is.
        """
        return str(self.place / "dev" / zone)

    def run(self, script: str, *arguments: str) -> Any:
        """
        Run one of the programs beside this file on this system.

        @return: what it says, which is JSON.
        """
        done = subprocess.run(
            [sys.executable, str(HERE / script), *arguments],
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def without(calls: Iterable[str], *names: str) -> list[str]:
    """
    Calls but for those of some functions.
    """
    return [call for call in calls if not call.startswith(names)]
