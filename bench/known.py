"""
The peers that are known, and what each can't be measured for.
"""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .machine import BenchError
from .peers import Peer, Server

__all__ = ["standardPeers"]


@dataclass
class _Ours(Peer):
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
class _Shards(_Ours):
    """
    The same zones, divided among several servers.
    """

    shards: int = 1

    def commands(self, server: Server) -> Sequence[list[str]]:
        configuration = server.directory / "zones.toml"
        configuration.write_text("".join(f"[zones.{z}]\n" for z in server.zones))
        alone = _Ours.commands(self, server)[0]
        words = alone[: alone.index("--zone")]
        return [
            [
                *words,
                "--config",
                str(configuration),
                "--shard",
                f"{k + 1}/{self.shards}",
            ]
            for k in range(self.shards)
        ]


@dataclass
class _Conserver(Peer):
    """
    conserver, with a log for each console as its packages have it, and without TLS.
    """

    program: str = ""
    port: int = 0

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
            # Without exec, the shell that conserver runs it with would stay.
            command = f"exec {shlex.join(self.hold(server, zone))}"
            lines.append(f'console {zone} {{ exec "{command}"; }}')
        configuration = directory / "conserver.cf"
        configuration.write_text("\n".join(lines) + "\n")
        where = ["-M", "127.0.0.1", "-p", str(self.port)]
        return [[self.program, "-C", str(configuration), *where]]

    def address(self, server: Server, zone: str) -> str:
        return f"127.0.0.1:{self.port}/{zone}"


@dataclass
class _Command(Peer):
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
    processors = os.cpu_count() or 1
    return [
        _Ours(
            "zcons",
            plain,
            ruler,
            watchers="attach",
            most=100000,
            oneProcess=True,
        ),
        _Ours(
            "zcons-64K",
            "the same with the smallest history, --history 64K",
            ruler,
            watchers="attach",
            only=frozenset(("bulk", "unwatched", "echo", "flood-key")),
            options=("--history", "64K"),
        ),
        _Ours(
            "zcons-structured",
            "the same, spoken to in structured sessions",
            ruler,
            wire="attach",
            only=frozenset(("bulk", "paste", "echo", "flood-key", "attach", "busy")),
        ),
        _Shards(
            "zcons-shards",
            f"the same zones, divided among {processors} servers by --shard",
            ruler,
            only=frozenset(("neighbour-4", "neighbour-32")),
            shards=processors,
        ),
    ]


def _conserver(ruler: Path, program: str) -> Peer:
    return _Conserver(
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
    return _Command(
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
    return _Command(
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
    return _Command(
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
        _Command(
            name,
            f"one process a console: {os.path.basename(shlex.split(command)[0])}",
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
