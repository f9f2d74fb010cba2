"""
The servers that are measured, and how each is started.

A peer is asked for a server of so many zones; a server tells its processes, and for
each zone where a client goes and which terminal the zone has.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .machine import BenchError, descendants

__all__ = ["KINDS", "Command", "Peer", "Server", "standardPeers"]

#: Seconds for a server to have all its zones.
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0

#: What a measure may need of a peer.
KINDS = (
    "output",
    "unwatched",
    "input",
    "attach",
    "busy",
    "watchers",
    "history",
    "consoles",
    "everybody",
    "operator",
    "silent",
)


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
        found = []
        for pid in descendants(process.pid for process in self._processes):
            with contextlib.suppress(OSError):
                arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if arguments[:2] != [os.fsencode(self.peer.ruler), b"hold"]:
                    found.append(pid)
        return found

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
        family = descendants(process.pid for process in self._processes)
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
            elif self._isHolder(pid) or pid in descendants(mine):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _isHolder(self, pid: int) -> bool:
        """
        Is that the process of one of our zones, and not another that has its number?
        """
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            return os.fsencode(self.directory) in words
        return False

    def _tty(self, zone: str) -> str | None:
        path = self.peer.terminal(self, zone)
        if path.is_symlink():
            return os.path.realpath(path)
        with contextlib.suppress(OSError):
            return path.read_text().strip()
        return None

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
        return lines[-1] if lines else "it said nothing"


def _isThere(address: str) -> bool:
    # That of a TCP server is known to be there when its zones are.
    return not address.startswith("/") or os.path.exists(address)


@dataclass
class Ours(Peer):
    """
    C{twistd zconsole}, as a user starts it.
    """

    options: tuple[str, ...] = ()

    def commands(self, server: Server) -> Sequence[list[str]]:
        beside = Path(sys.executable).with_name("twistd")
        program = str(beside) if beside.exists() else shutil.which("twistd")
        if program is None:
            raise BenchError("there is no twistd beside this Python")
        rundir = str(server.directory / "run")
        words = [program, "-n", "--pidfile=", "zconsole", "--rundir", rundir]
        zones = [word for zone in server.zones for word in ("--zone", zone)]
        return [[*words, *self.options, *zones]]

    def terminal(self, server: Server, zone: str) -> Path:
        return server.directory / "run" / "zcons" / zone / "zoneconsole"


@dataclass
class Conserver(Peer):
    """
    conserver, with a log for each console as its packages have it, and without TLS.
    """

    program: str = ""

    def commands(self, server: Server) -> Sequence[list[str]]:
        directory = server.directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        passwords = directory / "passwords"
        passwords.write_text("*any*:*any*\n")
        lines = [
            f"config * {{ defaultaccess trusted; passwdfile {passwords};"
            f" sslrequired no; logfile {directory}/server.log; }}",
            f"default * {{ master localhost; type exec; rw *;"
            f" logfile {directory}/&.output; }}",
            "access * { trusted 127.0.0.1; allowed 127.0.0.1; }",
        ]
        for zone in server.zones:
            command = shlex.join(self.hold(server, zone))
            lines.append(f'console {zone} {{ exec "{command}"; }}')
        configuration = directory / "conserver.cf"
        configuration.write_text("\n".join(lines) + "\n")
        where = ["-M", "127.0.0.1", "-p", str(self.port)]
        return [[self.program, "-C", str(configuration), *where]]

    def address(self, server: Server, zone: str) -> str:
        return f"127.0.0.1:{self.port}/{zone}"


@dataclass
class Command(Peer):
    """
    One process a zone, started by a command with these placeholders:

     - C{{zone}}: the zone's name,
     - C{{dir}}: the directory that it is run in, which has a directory C{run},
     - C{{socket}}: C{{dir}/run/{zone}.console_sock}, where clients go,
     - C{{link}}: C{{dir}/run/{zone}.zoneconsole}, a link that it makes to the zone's
       terminal,
     - C{{file}}: in the place of such a link, a file that it writes the terminal's
       name to,
     - C{{ruler}}: the ruler, of which C{{ruler} hold {file}} is a zone's command.
    """

    template: tuple[str, ...] = ()

    def commands(self, server: Server) -> Sequence[list[str]]:
        return [self._command(server, zone) for zone in server.zones]

    def terminal(self, server: Server, zone: str) -> Path:
        link = _link(server, zone)
        return link if link.is_symlink() else super().terminal(server, zone)

    def _command(self, server: Server, zone: str) -> list[str]:
        places = {
            "{zone}": zone,
            "{dir}": str(server.directory),
            "{socket}": self.address(server, zone),
            "{link}": str(_link(server, zone)),
            "{file}": str(server.directory / f"{zone}.tty"),
            "{ruler}": str(self.ruler),
        }
        words = []
        for word in self.template:
            for place, value in places.items():
                word = word.replace(place, value)
            words.append(word)
        return words


def _link(server: Server, zone: str) -> Path:
    return server.directory / "run" / f"{zone}.zoneconsole"


#: One that speaks illumos' protocol and nothing else.
_ILLUMOS_LACKS = {
    "watchers": "has no watchers",
    "history": "keeps no history",
}


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _ours(ruler: Path) -> list[Peer]:
    plain = "twistd zconsole, as it is started without further options"
    return [
        Ours("zcons", plain, ruler, watchers="attach", most=100000),
        Ours(
            "zcons-64K",
            "the same with the smallest history, --history 64K",
            ruler,
            watchers="attach",
            only=frozenset(("bulk", "unwatched", "echo", "flood-key")),
            options=("--history", "64K"),
        ),
        Ours(
            "zcons-structured",
            "the same, spoken to in structured sessions",
            ruler,
            wire="attach",
            only=frozenset(("bulk", "paste", "echo", "flood-key", "attach", "busy")),
        ),
    ]


def _conserver(ruler: Path, program: str) -> Peer:
    return Conserver(
        "conserver",
        "conserver over TCP, a log for each console",
        ruler,
        wire="conserver",
        watchers="conserver",
        lacks={
            "busy": "turns nobody away, but makes a watcher of a newcomer",
            "history": "keeps a log, which can't be asked for by offset",
        },
        program=program,
    )


def _dtach(ruler: Path, program: str) -> Peer:
    never = "never tells a client that it is attached"
    return Command(
        "dtach",
        "dtach, one process a console",
        ruler,
        wire="dtach",
        watchers="dtach",
        lacks={
            "attach": never,
            "everybody": never,
            "busy": "turns nobody away",
            "history": "keeps no history",
        },
        template=(program, "-N", "{socket}", "-r", "none", "{ruler}", "hold", "{file}"),
    )


def _socat(ruler: Path, program: str) -> Peer:
    alone = "has no console without its one client"
    return Command(
        "socat",
        "socat, one process a console, for one session",
        ruler,
        wire="raw",
        lacks={
            "unwatched": alone,
            "attach": alone,
            "busy": "does not answer a second client",
            "watchers": "has no watchers",
            "history": "keeps no history",
            "everybody": alone,
            "operator": alone,
            "silent": alone,
        },
        once=True,
        template=(
            program,
            "EXEC:{ruler} hold {file},pty,setsid,ctty,raw,echo=0",
            "UNIX-LISTEN:{socket}",
        ),
    )


def _relay(ruler: Path) -> Peer:
    never = "never tells a client that it is attached"
    return Command(
        "relay",
        "the least that can be between a zone and a client: poll, read, write",
        ruler,
        wire="raw",
        lacks={
            "attach": never,
            "everybody": never,
            "busy": "does not answer a second client",
            "watchers": "has no watchers",
            "history": "keeps no history",
            "operator": "does not answer a second client",
            "silent": "does not answer a second client",
        },
        template=("{ruler}", "relay", "{socket}", "{file}"),
    )


def standardPeers(
    ruler: Path, given: Sequence[tuple[str, str]]
) -> tuple[list[Peer], dict[str, str]]:
    """
    All peers that there are here, those of the command line first.

    @param given: names and commands of more.
    @return: the peers, and which are missing, each with the reason.
    """
    peers: list[Peer] = [
        Command(
            name,
            f"one process a console: {command}",
            ruler,
            lacks=_ILLUMOS_LACKS,
            template=tuple(shlex.split(command)),
        )
        for name, command in given
    ]
    missing = {}
    makers = (
        ("conserver", "conserver-server", _conserver),
        ("dtach", "dtach", _dtach),
        ("socat", "socat", _socat),
    )
    for name, package, make in makers:
        program = _which(name)
        if program is None:
            missing[name] = f"not installed (Debian: apt-get install {package})"
        else:
            peers.append(make(ruler, program))
    return [*peers, _relay(ruler), *_ours(ruler)], missing
