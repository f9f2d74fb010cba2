"""
What the machine allows and says: limits, processor time, memory, and spinners that
keep it from halting.
"""

# There is no reactor here that a wait could hold up.
# ruff: noqa: TID251

from __future__ import annotations

import contextlib
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = [
    "BenchError",
    "arguments",
    "awake",
    "buildRuler",
    "descendants",
    "describe",
    "descriptors",
    "processes",
    "processorSeconds",
    "proportionalMemory",
    "raiseDescriptors",
    "tell",
    "terminals",
]

_HERE = Path(__file__).parent
_SOURCES = _HERE / "ruler"
_TERMINALS = Path("/proc/sys/kernel/pty/max")


class BenchError(Exception):
    """
    Something that can't be measured; the message is one line for a person.
    """


def tell(line: str) -> None:
    """
    Say how far it is.
    """
    sys.stderr.write(f"{line}\n")


def buildRuler(build: Path) -> Path:
    """
    Compile the ruler where its source is newer than it.

    @return: the program.
    """
    program = build / "ruler"
    sources = sorted(_SOURCES.glob("*.c"))
    newest = max(path.stat().st_mtime for path in _SOURCES.iterdir())
    if program.exists() and program.stat().st_mtime > newest:
        return program
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise BenchError("no C compiler for the ruler: apt-get install gcc libc6-dev")
    build.mkdir(parents=True, exist_ok=True)
    fresh = build / f"ruler.{os.getpid()}"
    done = subprocess.run(
        [
            *(compiler, "-O2", "-Wall", "-Wextra", "-std=gnu11"),
            *("-o", str(fresh), *map(str, sources), "-lutil"),
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise BenchError(f"the ruler can't be compiled:\n{done.stderr}")
    fresh.replace(program)
    return program


# Limits.


def raiseDescriptors() -> int:
    """
    Allow this process, and those that it starts, as many descriptors as can be had.

    @return: how many.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


@contextlib.contextmanager
def terminals(wanted: int) -> Iterator[int]:
    """
    See to it that there can be so many pseudo-terminals, for as long as this lasts.

    @return: how many more there can be.
    """
    before = int(_TERMINALS.read_text())
    used = int(_TERMINALS.with_name("nr").read_text())
    reserve = int(_TERMINALS.with_name("reserve").read_text())
    needed = wanted + used + reserve
    raised = False
    if before < needed:
        with contextlib.suppress(OSError):
            _TERMINALS.write_text(str(needed))
            raised = True
    try:
        yield int(_TERMINALS.read_text()) - used - reserve
    finally:
        if raised:
            _TERMINALS.write_text(str(before))


# Processes.


def processes() -> list[int]:
    """
    All that run.
    """
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def arguments(pid: int) -> list[bytes]:
    """
    What a process was started with; one empty word, where it does not run any more.
    """
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return [b""]


def _parents() -> dict[int, int]:
    """
    Each process's parent.
    """
    found = {}
    for pid in processes():
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text()
            found[pid] = int(stat.rpartition(")")[2].split()[1])
    return found


def descendants(roots: Iterable[int]) -> list[int]:
    """
    These processes and all that they have started, which still run.
    """
    children: dict[int, list[int]] = {}
    parents = _parents()
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    todo = [pid for pid in roots if pid in parents]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def processorSeconds(pids: Iterable[int]) -> float:
    """
    The processor time that all threads of these processes have had.
    """
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                path = Path(f"/proc/{pid}/task/{thread}/schedstat")
                with contextlib.suppress(OSError):
                    total += int(path.read_text().split()[0])
    return total / 1e9


def proportionalMemory(pids: Iterable[int]) -> int:
    """
    The memory of these processes in bytes, what is shared divided among its sharers.
    """
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def descriptors(pids: Iterable[int]) -> list[int]:
    """
    How many descriptors each of these processes has open.
    """
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            found.append(len(os.listdir(f"/proc/{pid}/fd")))
    return found


@contextlib.contextmanager
def awake(ruler: Path) -> Iterator[None]:
    """
    Keep every processor from halting.
    """
    spinners = [
        subprocess.Popen([str(ruler), "spin", str(processor)])
        for processor in sorted(os.sched_getaffinity(0))
    ]
    try:
        time.sleep(0.2)
        if any(spinner.poll() is not None for spinner in spinners):
            raise BenchError("the processors could not be kept awake")
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _versionOf(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def describe() -> dict[str, str | int | float]:
    """
    The machine, as far as it matters for what is measured.
    """
    return {
        "processor": _processor(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "twisted": _versionOf("Twisted"),
        "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "terminals": int(_TERMINALS.read_text()),
        "load_before": round(os.getloadavg()[0], 2),
    }
