"""
A zone that counts, and those who check that nothing of it is missing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from structured_peer import Structured, structured
from support import Doors, pause, until
from twisted.internet import reactor

from zcons_twisted.client.ears import Ears
from zcons_twisted.client.happenings import Gap, Happening
from zcons_twisted.client.lasting import Lasting
from zcons_twisted.doors.commands import Status
from zcons_twisted.frames import Attach, FrameType, parseGap, parseOutput
from zcons_twisted.rundir import RunDirectory

LINE = 16

#: Writes numbered lines as fast as it can, one a write, until it is told to stop, and
#: tells what it has noticed.
COUNTER = """
import json, os, signal, sys, termios, tty
report, stop = sys.argv[1:]
noticed = []
def note(number, frame):
    noticed.append(number)
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGCONT):
    signal.signal(number, note)
tty.setraw(1)
written = 0
def tell(done):
    with open(report + ".new", "w") as file:
        said = dict(pid=os.getpid(), written=written, noticed=noticed, done=done)
        json.dump(said, file)
    os.rename(report + ".new", report)
tell(False)
try:
    while noticed == []:
        rest = b"%015d\\n" % (written,)
        while rest:
            took = os.write(1, rest)
            written += took
            rest = rest[took:]
        if written % 16384 == 0 and os.path.exists(stop):
            break
except OSError as e:
    noticed.append(str(e))
tell(True)
if noticed == []:
    signal.pause()
"""


def text(start: int, stop: int) -> bytes:
    """
    What the zone writes, from one position up to another.
    """
    first = start // LINE * LINE
    lines = b"".join(b"%015d\n" % (at,) for at in range(first, stop, LINE))
    return lines[start - first :][: stop - start]


class Counting:
    """
    A zone that counts.

    @ivar options: the server's options for it.
    """

    def __init__(self, directory: Path) -> None:
        self._report = directory / "report"
        self._stop = directory / "stop"
        program = directory / "counter.py"
        program.write_text(COUNTER)
        words = (sys.executable, program, self._report, self._stop)
        self.options = (
            *("--zone", "z1", "--history", "512M"),
            *("--exec", " ".join(map(str, words))),
        )

    @property
    def report(self) -> dict[str, object]:
        """
        What the zone says of itself.
        """
        found: dict[str, object] = json.loads(self._report.read_text())
        return found

    async def began(self) -> int:
        """
        Wait for its first line.

        @return: its process.
        """
        await until(self._report.exists, "the zone's report")
        return int(str(self.report["pid"]))

    async def stops(self) -> int:
        """
        Have it stop counting.

        @return: how many bytes it has written.
        """
        self._stop.touch()
        await until(lambda: self.report["done"], "the zone's last report")
        assert self.report["noticed"] == []
        return int(str(self.report["written"]))


class Checking:
    """
    Follows what the zone has written, from its beginning.

    @ivar at: the position in what the zone writes.
    @ivar gaps: the sizes of the gaps that came.
    """

    def __init__(self) -> None:
        self.at = 0
        self.gaps: list[int] = []

    def output(self, data: bytes) -> None:
        """
        The next bytes.
        """
        assert data == text(self.at, self.at + len(data)), (self.at, data[:64])
        self.at += len(data)

    def gap(self, missing: int) -> None:
        """
        Some are missing.
        """
        self.gaps.append(missing)
        self.at += missing


async def checkHistory(server: Doors, written: int) -> Checking:
    """
    Every byte that the zone wrote is in the history, or in a gap of its size.
    """
    found = Checking()
    reader: Structured = await structured(server, role="watch", start="all")
    while found.at < written:
        held, reader.peer.held = reader.peer.held, b""
        for frame in reader._reader.feed(held):
            if frame.type is FrameType.OUTPUT:
                found.output(parseOutput(frame.payload)[1])
            elif frame.type is FrameType.GAP:
                found.gap(parseGap(frame.payload)[1])
        if found.at < written:
            assert await reader.peer.more()
    assert found.at == written
    reader.peer.close()
    return found


class Resuming(Checking):
    """
    An operator that comes again whenever its connection is lost.

    @ivar pauses: how often that was.
    @ivar seated: whether it has a session now.
    @ivar failure: what was wrong with what it got.
    """

    def __init__(self, rundir: str) -> None:
        super().__init__()
        self.pauses = 0
        self.seated = False
        self.failure: AssertionError | None = None
        self.session = Lasting(
            reactor,
            RunDirectory(rundir),
            "z1",
            Attach("operator", ("offset", 0)),
            Ears(self._output, self._happening, self._lost, self._again),
        )

    async def attach(self) -> Resuming:
        """
        Begin.
        """
        await self.session.attach()
        self.session.deliver()
        self.seated = True
        return self

    async def to(self, written: int) -> None:
        """
        Wait for all that the zone has written.
        """
        await until(lambda: self.at >= written or self.failure, f"{written} bytes", 60)
        assert self.failure is None
        assert self.at == written

    def _output(self, data: bytes) -> None:
        try:
            self.output(data)
        except AssertionError as e:
            self.failure = self.failure or e
            self.session.abort()

    def _happening(self, happening: Happening) -> None:
        if isinstance(happening, Gap):
            self.gap(happening.missing)

    def _lost(self) -> None:
        self.pauses += 1
        self.seated = False

    def _again(self) -> None:
        self.seated = True


def leader(pid: int) -> int:
    """
    The parent of a process.
    """
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])


async def restarted(server: Doors, before: float) -> None:
    """
    The server, in the same process, has begun again.
    """
    while True:
        try:
            status = await server.ask(Status)
        except Exception:
            await pause(0.02)
            continue
        if status["since"] > before:
            assert status["serverPid"] == server.pid
            return
