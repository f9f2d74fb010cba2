"""
Virtual machines for the tests: QEMU, a kernel of Debian's and busybox.

The kernel and the small system are made once, in C{.build/vm}.  A machine ends with its
test, and with the process that runs the tests, however that ends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import pytest_twisted
from support import HERE, Program, until

#: Where the kernel and the small system are.
FILES = HERE.parent / ".build" / "vm"

QEMU = "qemu-system-x86_64"


@pytest.fixture(scope="session")
def vmFiles() -> Path:
    """
    A kernel and a small system.
    """
    for program in (QEMU, "busybox", "setpriv"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program}")
    made = subprocess.run(
        [str(HERE.parent / ".ci" / "test-kernel"), str(FILES)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
    )
    assert made.returncode == 0, made.stdout
    return FILES


class Machine:
    """
    A virtual machine with a serial line and QMP.

    @ivar console: the path of the serial line's socket.
    @ivar qmp: the path of the QMP socket.
    @ivar log: a file with all that its lives have printed, whoever was connected.
    """

    def __init__(self, files: Path, directory: str) -> None:
        self.console = os.path.join(directory, "console")
        self.qmp = os.path.join(directory, "qmp")
        self.log = Path(directory) / "log"
        self._files = files
        self.program: Program | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """
        What a server is told of it.
        """
        return ("--endpoint", f"unix:{self.console}", "--qmp", self.qmp)

    async def start(self, *words: str) -> Machine:
        """
        Run it, with more words on QEMU's command line, and wait until QEMU is there.
        """
        self.program = Program(
            [
                *(shutil.which("setpriv") or "", "--pdeathsig", "KILL"),
                *(shutil.which(QEMU) or "", "-accel", "tcg", "-m", "256"),
                *("-nodefaults", "-display", "none"),
                "-chardev",
                f"socket,id=con,path={self.console},server=on,wait=off"
                f",logfile={self.log},logappend=on",
                *("-serial", "chardev:con"),
                *("-qmp", f"unix:{self.qmp},server=on,wait=off"),
                *("-kernel", str(self._files / "vmlinuz")),
                *("-initrd", str(self._files / "initramfs.gz")),
                *("-append", "console=ttyS0 panic=-1 sysrq_always_enabled=1"),
                *words,
            ]
        ).start()
        program = self.program
        await until(
            lambda: os.path.exists(self.qmp) or program.status is not None, "QEMU"
        )
        assert program.status is None, program.errors
        return self

    async def ends(self) -> int:
        """
        Wait for QEMU's end.
        """
        assert self.program is not None
        return await self.program.ends(60)

    async def kill(self) -> None:
        """
        End it the hard way.
        """
        if self.program is not None and self.program.status is None:
            await self.program.kill()
            await self.program.ends()
        for path in (self.console, self.qmp):
            if os.path.exists(path):
                os.unlink(path)


@pytest_twisted.async_yield_fixture
async def machine(vmFiles: Path, rundir: str) -> Iterator[Callable[..., Machine]]:
    """
    A machine, not running yet.
    """
    made = Machine(vmFiles, os.path.dirname(rundir))
    yield made
    await made.kill()
