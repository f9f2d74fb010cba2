"""
Executes the pages of C{docs/howto/}, so that they stay true.

A page's blocks of C{.. code-block:: console} are run in their order, each as people
would type it.  A line that begins with C{$} is a command, which lines that are indented
further go on; the lines below it are what it shows, in their order and among others,
where C{...} stands for anything.  A comment right before a block says what is special::

    .. howto: stays             it goes on running, and has shown these lines
    .. howto: instead           the same, when what stayed before has been ended
    .. howto: terminal          as stays, at a terminal, where Enter is typed until then
    .. howto: there             no command: these lines are shown at that terminal
    .. howto: fails             it ends with another exit status than 0
    .. howto: file NAME         no console: this is what the file of that name has
    .. howto: elsewhere REASON  it is not run here

Any other command ends, with exit status 0.  C{twistd} and C{zconsole} are those of this
checkout, with a run directory of the test's own; everything runs in a directory that
is gone afterwards.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from client_support import AtTerminal
from support import HERE, Program, endNexus, pause, twistd
from twisted.internet import reactor

PAGES = HERE.parent / "docs" / "howto"

#: Seconds that a command may take: machines boot in some.
PATIENCE = 120.0

_WRAPPERS = {
    # twistd's own options come first, and the subcommand's after its name.
    "twistd": """#!/bin/sh
set -- "$@" _end_
while [ "$1" != _end_ ]; do
    word=$1; shift
    set -- "$@" "$word"
    [ "$word" != zconsole ] || set -- "$@" --rundir "$HOWTO_RUNDIR"
done
shift
exec {twistd} --pidfile= "$@"
""",
    "zconsole": """#!/bin/sh
exec {python} -m zcons_twisted.client --rundir "$HOWTO_RUNDIR" "$@"
""",
}


@dataclass(frozen=True)
class Step:
    """
    A block of a page.

    @ivar kind: the word of its comment; empty without one.
    @ivar command: what is typed, if anything; or the name of a file.
    @ivar shown: what is shown then; or the lines of the file.
    """

    kind: str
    command: str
    shown: tuple[str, ...]


def steps(text: str) -> list[Step]:
    """
    The steps of a page.
    """
    found: list[Step] = []
    kind = name = ""
    lines = deque(text.splitlines())
    while lines:
        line = lines.popleft()
        if match := re.fullmatch(r"\.\. howto: (\w+) ?(.*)", line):
            kind, name = match[1], match[2]
        elif line.startswith(".. code-block:: ") and kind == "file":
            found.append(Step(kind, name, tuple(_lines(lines))))
            kind = ""
        elif line == ".. code-block:: console":
            found += _block(kind, lines)
            kind = ""
        elif line.strip():
            kind = ""
    return found


def _lines(lines: deque[str]) -> list[str]:
    """
    All lines of a block, empty ones between them included.
    """
    found: list[str] = []
    while lines and (not lines[0] or lines[0].startswith("    ")):
        found.append(lines.popleft()[4:])
    while found and not found[0]:
        del found[0]
    while found and not found[-1]:
        del found[-1]
    return found


def _block(kind: str, lines: deque[str]) -> list[Step]:
    """
    The steps of one block: as many as it has commands.
    """
    steps: list[Step] = []
    command, shown = "", []
    while lines:
        line = lines.popleft()
        if line and not line.startswith("    "):
            raise AssertionError(f"a line without a place: {line}")
        line = line[4:]
        if not line.strip():
            if command or shown:
                break
        elif line.startswith("$ "):
            if command or shown:
                steps.append(Step(kind, command, tuple(shown)))
            command, shown = line[2:], []
        elif command.endswith("\\") and not shown:
            command += "\n" + line
        else:
            shown.append(line)
    return [*steps, Step(kind, command, tuple(shown))]


def seen(output: bytes, shown: tuple[str, ...]) -> int:
    """
    Where the lines that are shown end in an output, or -1 where they are not there.
    """
    pattern = rb"[^\n]*\n(?:[^\n]*\n)*?".join(
        rb"[^\n]*?".join(re.escape(part.encode()) for part in line.split("..."))
        for line in shown
        if line.strip() != "..."
    )
    match = re.search(pattern, output)
    return match.end() if match else -1


class Page:
    """
    A page, as somebody follows it.

    @ivar text: what it says.
    """

    def __init__(self, name: str, links: Mapping[str, Path]) -> None:
        """
        @param name: of the page, without its ending.
        @param links: what is there already, as names in the directory.
        """
        self.text = (PAGES / f"{name}.rst").read_text("utf-8")
        self._directory = Path(tempfile.mkdtemp(prefix="zh-", dir="/tmp"))
        self._running: list[Program] = []
        self._terminal: AtTerminal | None = None
        for link, target in links.items():
            (self._directory / link).symlink_to(target)
        commands = self._directory / ".commands"
        commands.mkdir()
        for command, script in _WRAPPERS.items():
            self.command(command, script.format(twistd=twistd(), python=sys.executable))
        self._env = {
            "PATH": f"{commands}:{os.environ['PATH']}:/usr/sbin:/sbin",
            "HOWTO_RUNDIR": str(self._directory / ".run"),
            "PYTHONPATH": os.pathsep.join(
                [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
            ),
        }

    def command(self, name: str, script: str) -> None:
        """
        Have a command be this script.
        """
        path = self._directory / ".commands" / name
        path.write_text(script)
        path.chmod(0o755)

    async def follow(self) -> int:
        """
        Do all that it says.

        @return: how many steps that were.
        """
        done = 0
        try:
            for step in steps(self.text):
                if step.kind != "elsewhere":
                    await self._do(step)
                    done += 1
        finally:
            await self._leave()
        return done

    async def _do(self, step: Step) -> None:
        if step.kind == "there":
            assert self._terminal is not None, "nobody is at a terminal"
            await self._shows(self._terminal, step)
            return
        assert step.command, step
        if step.kind == "file":
            text = "".join(f"{line}\n" for line in step.shown)
            (self._directory / step.command).write_text(text)
            return
        if step.kind == "instead":
            await self._end()
        argv = ["/bin/sh", "-c", "exec " + step.command]
        if step.kind == "terminal":
            terminal = AtTerminal("")
            terminal.argv = argv
            self._terminal = terminal
            self._running.append(terminal.start(self._env, str(self._directory)))
            await self._shows(terminal, step, b"\r")
            return
        if step.kind in ("", "fails"):
            argv[2] = step.command
        program = Program(argv)
        self._running.append(program.start(self._env, str(self._directory)))
        if step.kind in ("stays", "instead"):
            await self._shows(program, step)
        else:
            status = await program.ends(PATIENCE)
            output = program.output + program.errors
            assert (status == 0) == (step.kind == ""), (step.command, output)
            assert seen(output, step.shown) >= 0, (step, output)

    async def _shows(self, program: Program, step: Step, typed: bytes = b"") -> None:
        """
        Wait for a program that goes on to have shown something, and take it.
        """
        end = reactor.seconds() + PATIENCE
        while (at := seen(program.output, step.shown)) < 0:
            assert program.status is None, (step, program.output, program.errors)
            assert reactor.seconds() < end, (step, program.output, program.errors)
            if typed:
                program.send(typed)
            await pause(0.5 if typed else 0.05)
        if step.shown:
            program.output = program.output[at:]

    async def _end(self) -> None:
        """
        End what still runs, the last first.
        """
        for program in reversed(self._running):
            if program.status is None:
                program.signal(signal.SIGTERM)
                try:
                    await program.ends(10)
                except AssertionError:
                    pass
            await program.kill()
            await program.ends()
        self._running.clear()

    async def _leave(self) -> None:
        await self._end()
        for path in self._directory.glob("*.pid"):
            # A server in the background.
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(path.read_text()), signal.SIGKILL)
        endNexus(self._env["HOWTO_RUNDIR"])
        shutil.rmtree(self._directory)
