"""
Servers to be measured: how they are started, found and ended.

A peer is asked for a server of so many zones; a server tells its processes, and for
each zone where a client goes and which terminal the zone has.
"""

# There is no reactor here that a wait could hold up.
# ruff: noqa: TID251

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .machine import BenchError, arguments, descendants, processes

__all__ = ["Peer", "Server"]

#: Seconds for a server to have all its zones.
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0


@dataclass
class Peer:
    """
    One kind of server.

    @ivar name: what it is called in the table.
    @ivar what: what it is, for people.
    @ivar ruler: the program that measures.
    @ivar wire: how an operator speaks to it.
    @ivar watchers: how a watcher does.
    @ivar lacks: what it can't be measured for, each with the reason.
    @ivar only: the measures that it is for; all of them where empty.
    @ivar most: how many zones there may be of it.
    @ivar once: it serves one session, and has then to be started again.
    @ivar oneProcess: one process has all its zones.
    """

    name: str
    what: str
    ruler: Path
    wire: str = "ident"
    watchers: str = ""
    lacks: dict[str, str] = field(default_factory=dict)
    only: frozenset[str] = frozenset()
    most: int = 1000
    once: bool = False
    oneProcess: bool = False

    def start(self, zones: int) -> Server:
        """
        Start a server and wait until it has all its zones.
        """
        server = Server(self, zones)
        try:
            server.commands(self.commands(server))
            server.wait()
        except BaseException:
            server.stop()
            raise
        return server

    def commands(self, server: Server) -> Sequence[list[str]]:
        """
        What to run.
        """
        raise NotImplementedError

    def address(self, server: Server, zone: str) -> str:
        """
        Where a client goes.
        """
        return str(server.directory / "run" / f"{zone}.console_sock")

    def terminal(self, server: Server, zone: str) -> Path:
        """
        What tells the zone's terminal: a link to it, or a file with its name.
        """
        return server.directory / f"{zone}.tty"

    def hold(self, server: Server, zone: str) -> list[str]:
        """
        The command of a zone, for a server that wants one.
        """
        return [str(self.ruler), "hold", str(self.terminal(server, zone))]


class Server:
    """
    A server that runs.

    @ivar directory: all that it has is in there, and is removed with it.
    @ivar zones: the names of its zones.
    """

    def __init__(self, peer: Peer, zones: int) -> None:
        self.peer = peer
        self.directory = Path(tempfile.mkdtemp(prefix="zbench-"))
        (self.directory / "run").mkdir(mode=0o700)
        self.zones = [f"z{number}" for number in range(zones)]
        self._processes: list[subprocess.Popen[bytes]] = []
        self._holders: set[int] = set()

    def commands(self, commands: Sequence[list[str]]) -> None:
        """
        Run these.
        """
        with open(self.directory / "log", "ab") as log:
            for words in commands:
                self._processes.append(
                    subprocess.Popen(
                        words,
                        cwd=self.directory,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        # What ends us by our terminal ends it in good order.
                        start_new_session=True,
                    )
                )

    def wait(self) -> None:
        """
        Wait until all zones are there, and write down for the ruler where.
        """
        limit = time.monotonic() + _START_SECONDS
        lines = []
        for zone in self.zones:
            address = self.peer.address(self, zone)
            while (tty := self._tty(zone)) is None or not _isThere(address):
                self._check(limit, zone)
                time.sleep(0.01)
            lines.append(f"{address} {tty}\n")
        self.zoneFile.write_text("".join(lines))
        self.pidFile.write_text(",".join(map(str, self.pids())))

    @property
    def zoneFile(self) -> Path:
        """
        For the ruler: the zones.
        """
        return self.directory / "zones"

    @property
    def pidFile(self) -> Path:
        """
        For the ruler: the processes.
        """
        return self.directory / "pids"

    def pids(self) -> list[int]:
        """
        The server's processes, without those of its zones.
        """
        hold = [os.fsencode(self.peer.ruler), b"hold"]
        return [pid for pid in self._family() if arguments(pid)[:2] != hold]

    def tidy(self) -> None:
        """
        Files that grow with all that is printed begin anew.
        """
        for path in self.directory.glob("*.output"):
            os.truncate(path, 0)

    def stop(self) -> None:
        """
        End it and all that it has started.
        """
        family = self._family()
        for process in self._processes:
            process.terminate()
        limit = time.monotonic() + _STOP_SECONDS
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, limit - time.monotonic()))
        mine = {process.pid: process for process in self._processes}
        for pid in family:
            if pid in mine:
                mine[pid].kill()
                mine[pid].wait()
            elif self._isOurs(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _family(self) -> list[int]:
        """
        What was started, and what that has started, also where it has gone its own way
        since: then it has our directory among its arguments, as a nexus has.
        """
        family = descendants(process.pid for process in self._processes)
        ruler = os.fsencode(self.peer.ruler)
        for pid in processes():
            # A ruler that measures has it, too.
            if pid not in family and self._isOurs(pid) and arguments(pid)[0] != ruler:
                family.append(pid)
        return family

    def _isOurs(self, pid: int) -> bool:
        """
        Does it belong to this server, or is it another that has got its number?
        """
        directory = os.fsencode(self.directory)
        return any(directory in word for word in arguments(pid))

    def _tty(self, zone: str) -> str | None:
        path = self.peer.terminal(self, zone)
        # Never opened where it is a link: that would read from the terminal.
        try:
            return os.readlink(path)
        except FileNotFoundError:
            return None
        except OSError:
            return path.read_text().strip()

    def _check(self, limit: float, zone: str) -> None:
        for process in self._processes:
            if process.poll() is not None:
                raise BenchError(f"it ended at its start: {self._said()}")
        if time.monotonic() > limit:
            raise BenchError(
                f"zone {self.zones.index(zone) + 1} of {len(self.zones)} was not there"
                f" within {_START_SECONDS:g} s: {self._said()}"
            )

    def _said(self) -> str:
        lines = (self.directory / "log").read_text(errors="replace").splitlines()
        if not lines:
            return "it said nothing"
        return lines[-1].replace(str(self.directory), "{dir}")


def _isThere(address: str) -> bool:
    # That of a TCP server is known to be there when its zones are.
    return not address.startswith("/") or os.path.exists(address)
