"""
Every limit that is documented is one: it has the documented value, and the tests that
are named with it fail when it is another.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import HERE

ROOT = HERE.parent
PACKAGE = ROOT / "zcons_twisted"
DOCUMENT = ROOT / "docs" / "limits.rst"

UNITS = {
    "": 1,
    "bytes": 1,
    "characters": 1,
    "times": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "s": 1,
    "h": 3600,
}
QUANTITY = re.compile(
    r"(?<![\w.])(\d+(?:\.\d+)?)(?: (bytes|characters|times|KiB|MiB|GiB|s|h)\b)?"
)

#: What is said in words of a limit's own; the values are in the order of the names.
IN_WORDS = {
    "2\\ :sup:`31` - 1": [2**31 - 1],
    "5 s, ``ATTEMPTS``, ``RETRY_SECONDS``": [100, 0.05],
}

#: A default of a dataclass, not a constant; ``test_tap.py`` has its test.
NO_CONSTANTS = {"grace"}

#: Numbers of modules that limit nothing that anybody outside could notice.
NO_LIMITS = {
    "attach_line.VERSION": "part of the format",
    "client.descriptors.READ_SIZE": "of one read, and there are as many as it takes",
    "client.descriptors.SMALL_PIECE": "of one write, likewise",
    "client.endings.TAIL_SIZE": "as long as the longest notice that is looked for",
    "client.retrying.FIRST_SECONDS": "how often one tries within RESUME_SECONDS",
    "client.retrying.LONGEST_SECONDS": "how often one tries within RESUME_SECONDS",
    "client.streams.HIGH_WATER": "when a producer is paused; it loses nothing by it",
    "client.user_side.SCREEN_ROWS": "lines that are shown when nothing else is asked",
    "drivers.illumos.devices.HOLD_SUBSIDIARY": "the system's",
    "drivers.illumos.devices.RELEASE_SUBSIDIARY": "the system's",
    "drivers.illumos.devices.SET_READ_OPTIONS": "the system's",
    "drivers.illumos.ucred.NOBODY": "the system's",
    "drivers.illumos.zones.NO_ZONE_ID": "the system's",
    "drivers.leader.STATUS_FD": "a descriptor's number",
    "drivers.serial_line.BAUD_DEFAULT": "what is meant when nothing else is said",
    "drivers.sweep.LOOK_SECONDS": "how often one looks while one waits",
    "drivers.sweep.LOOK_SECONDS_MAX": "how often one looks while one waits",
    "frames.HEAD_SIZE": "part of the format",
    "systemd.activation.FIRST_DESCRIPTOR": "a descriptor's number",
    "header.HEADER_SIZE": "part of the format",
    "mapping.LOOK_SECONDS": "how often one looks whether a file was removed",
    "marks.MARK_SIZE": "part of the format",
    "marks.MARKS_SIZE": "part of the format",
    "ring.AHEAD": "part of the format",
    "ring.FIRST_AT": "part of the format",
    "ring.HEAD_SIZE": "part of the format",
    "ring.RING_AT": "part of the format",
    "ring.RENEW": "how often a guard is renewed that reaches far enough",
    "ring.STEP": "by how much a file grows at once",
    "oci.hearing.BACKLOG": "shims that wait are accepted in no time",
    "oci.shim.RETRY_SECONDS": "how often one tries while there is no server",
    "oci.shim.STATUS_FD": "a descriptor's number",
    "nexus.children.STATUS_FD": "a descriptor's number",
    "nexus.client.RETRY_SECONDS": "how often one looks within START_SECONDS",
    "nexus.door.BACKLOG": "servers that wait are accepted in no time",
    "nexus.holder.VERSION": "part of the format",
    "nexus.pair.TERMINAL_MAX": "the system's",
    "nexus.wire.VALUE_MAX": "part of the format",
}


@dataclass(frozen=True)
class Limit:
    """
    One limit, as it is documented.
    """

    module: str
    name: str
    value: float
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


def rows() -> list[list[str]]:
    """
    The cells of the document's tables, without their headings.
    """
    found: list[list[str]] = []
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("   * - "):
            found.append([line[7:]])
        elif line.startswith("     - "):
            found[-1].append(line[7:])
        elif line.startswith("       ") and found:
            found[-1][-1] += " " + line.strip()
    return [row for row in found if row[0] != "Limit"]


def values(cell: str, names: list[str]) -> list[float]:
    """
    The numbers of a cell, in bytes, seconds or pieces.
    """
    for key in (cell, f"{cell}, ``{'``, ``'.join(names)}``"):
        if key in IN_WORDS:
            return IN_WORDS[key]
    return [float(n) * UNITS[unit] for n, unit in QUANTITY.findall(cell)]


def limits() -> list[Limit]:
    """
    All that are documented.
    """
    found = []
    for cell, naming, _, where in rows():
        names = re.findall(r"``(\w+)``", naming)
        files = re.findall(r"``([\w/]+)\.py``", where)
        tests = tuple(file for file in files if file.startswith("test_"))
        modules = [file.replace("/", ".") for file in files if file not in tests]
        numbers = values(cell, names)
        assert len(numbers) == len(names), (cell, names)
        assert modules and tests, (names, where)
        for name, number in zip(names, numbers, strict=True):
            if name not in NO_CONSTANTS:
                found.append(Limit(modules[-1], name, number, tests))
    return found


LIMITS = limits()


@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_value(limit: Limit) -> None:
    """
    A limit is what the documentation says.
    """
    module = importlib.import_module(f"zcons_twisted.{limit.module}")
    assert getattr(module, limit.name) == limit.value


@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_named(limit: Limit) -> None:
    """
    The tests that are named with a limit are there.
    """
    for test in limit.tests:
        assert (PACKAGE / "test" / f"{test}.py").exists()


def numbersOf(path: Path) -> set[str]:
    """
    The public numbers that a module sets.
    """
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    module = importlib.import_module(f"zcons_twisted.{name}")
    return {
        f"{name}.{target.id}"
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
        and re.fullmatch("[A-Z][A-Z_]+", target.id)
        and type(getattr(module, target.id)) in (int, float)
    }


def test_allAreDocumented() -> None:
    """
    A number that a module sets is documented as a limit, or is none for a reason.
    """
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).parts
        if parts[0] != "test" and not parts[-1].startswith(("testing", "__")):
            found |= numbersOf(path)
    documented = {str(limit) for limit in LIMITS if not limit.name.startswith("_")}
    assert found - documented - set(NO_LIMITS) == set(), "not in docs/limits.rst"
    assert set(NO_LIMITS) - found == set(), "there are no such numbers"
    assert documented - found == set(), "documented, but set nowhere"


#: What may come sooner than that, and nobody be the worse for it.
SOONER = (
    "client.attach.LEAVING_SECONDS",
    "client.connecting.RETRY_SECONDS",
    "client.endings.REASON_SECONDS",
    "client.seated.SEAT_SECONDS",
    "client.watching.PROMPT_SECONDS",
    "doors.listening.ACCEPT_PAUSE",
)


def test_held() -> None:
    """
    When a limit is twice or half of what it should be, and nothing else is changed, the
    tests that are named with it fail.
    """
    jobs = [[limit.module, limit.name, 1, list(limit.tests)] for limit in LIMITS]
    unchanged = [
        job for n, job in enumerate(jobs) if job[3] not in [j[3] for j in jobs[:n]]
    ]
    changed = [
        [module, name, factor, tests]
        for module, name, _, tests in jobs
        for factor in (2, 0.5)
        if factor > 1 or f"{module}.{name}" not in SOONER
    ]
    done = subprocess.run(
        [sys.executable, str(HERE / "mutants.py")],
        input="".join(json.dumps(job) + "\n" for job in unchanged + changed),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        check=True,
        timeout=900,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(unchanged) + len(changed)
    broken = [
        each["job"][3] for each in found if each["job"][2] == 1 and not each["passed"]
    ]
    assert broken == [], "these fail as it is"
    survived = [
        f"{module}.{name} * {factor}"
        for module, name, factor, _ in (e["job"] for e in found if e["passed"])
        if factor != 1
    ]
    assert sorted(survived) == [], "these tests do not notice"
