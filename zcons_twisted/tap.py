# -*- test-case-name: zcons_twisted.test.test_tap -*-
"""
C{twistd zconsole}: the server's options.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
from typing import Any, cast

from twisted.application.service import IService
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python import usage

from . import __version__
from .console import OnHalt
from .drivers.zone_process import RESPAWN_POLICIES
from .errors import BadOption, ZConsError
from .history import HISTORY_DEFAULT, HISTORY_MAX, HISTORY_MIN
from .interfaces import DriverOptions
from .names import checkZoneName
from .notices import escaped
from .reactors import ServerReactor
from .rundir import ROOT_RUN_DIRECTORY, RunDirectory, groupNumber
from .server import ConsoleServer
from .service import ZoneConfig

__all__ = ["Options", "makeService"]

_GRACE_MAX = 3600.0


class Options(usage.Options):
    """
    The options of C{twistd zconsole}.

    C{--zone} may be repeated; what follows it belongs to that zone, and what comes
    before the first is for all that do not say otherwise.
    """

    synopsis = "[options] --zone NAME [zone options] [--zone NAME [zone options]] ..."

    longdesc = (
        "Keep a console for each zone, and serve it on a unix socket to one operator"
        " at a time.  'zconsole attach NAME' attaches.  The sockets are in"
        f" {ROOT_RUN_DIRECTORY} for root and in $XDG_RUNTIME_DIR/zones for others,"
        " unless --rundir says otherwise."
    )

    def __init__(self) -> None:
        super().__init__()
        self._defaults: dict[str, Any] = {}
        self._zones: list[tuple[str, dict[str, Any]]] = []
        self["rundir"] = None
        self["group"] = None

    # For the whole server.

    def opt_rundir(self, path: str) -> None:
        """
        Directory of the sockets and device links.
        """
        if not path:
            raise BadOption("--rundir needs a directory")
        self["rundir"] = RunDirectory(os.path.abspath(path))

    def opt_group(self, name: str) -> None:
        """
        A group that may use the consoles, besides this user and root.
        """
        self["group"] = groupNumber(name)

    def opt_version(self) -> None:
        """
        Show the version and exit.
        """
        print(f"zcons_twisted {__version__}")  # noqa: T201  # it is the answer
        raise SystemExit(0)

    # For a zone.

    def opt_zone(self, name: str) -> None:
        """
        A zone to serve; the options below that follow belong to it.
        """
        checkZoneName(name)
        if any(name == known for known, _ in self._zones):
            raise BadOption(f"zone '{name}' is given twice")
        self._zones.append((name, {}))

    def opt_exec(self, command: str) -> None:
        """
        Run this command on the console, as the zone.
        """
        try:
            words = shlex.split(command)
        except ValueError as e:
            raise BadOption(f"--exec {command}: {str(e).lower()}") from None
        if not words or not words[0]:
            raise BadOption("--exec needs a command")
        self._set("exec", tuple(words))

    def opt_driver(self, name: str) -> None:
        """
        What makes the device: pty, exec or another plugin [default: by --exec].
        """
        self._set("driver", name)

    def opt_respawn(self, policy: str) -> None:
        """
        When the command ends: never (the default), on-failure or always.
        """
        self._set("respawn", _oneOf("respawn", policy, RESPAWN_POLICIES))

    def opt_grace(self, seconds: str) -> None:
        """
        Seconds that a command is given to end before it is killed [default: 10].
        """
        try:
            value = float(seconds)
        except ValueError:
            value = -1.0
        if not 0 <= value <= _GRACE_MAX:
            raise BadOption(
                f"--grace {seconds}: a number of seconds from 0 to {_GRACE_MAX:g}"
                " is needed"
            )
        self._set("grace", value)

    def opt_on_halt(self, what: str) -> None:
        """
        When the zone is down and nobody is attached: stay, or exit [default: stay].
        """
        choices = tuple(each.value for each in OnHalt)
        self._set("onHalt", OnHalt(_oneOf("on-halt", what, choices)))

    def opt_history(self, size: str) -> None:
        """
        Bytes of output that are kept, with K, M or G [default: 1M].
        """
        self._set("history", _size(size))

    # All together.

    def parseOptions(self, options: list[str] | None = None) -> None:
        """
        Parse, and check what needs all options.

        @raise SystemExit: they can't be served; one line says why, and the exit
            status is 1.
        """
        try:
            super().parseOptions(options)
            self.zones()
        except (usage.UsageError, ZConsError) as e:
            raise SystemExit(f"twistd zconsole: {escaped(str(e))}") from None

    def parseArgs(self, *words: str) -> None:
        """
        Words that belong to no option are refused.
        """
        if words:
            raise BadOption(f"'{words[0]}' belongs to no option")

    def zones(self) -> list[ZoneConfig]:
        """
        The zones with their options.

        @raise BadOption: there is none, or one's options don't fit together.
        """
        if not self._zones:
            raise BadOption("which zone?  Give --zone NAME")
        return [self._config(name, own) for name, own in self._zones]

    def _config(self, name: str, own: dict[str, Any]) -> ZoneConfig:
        given = {**self._defaults, **own}
        command = given.get("exec", ())
        driver = given.get("driver", "exec" if command else "pty")
        if driver == "pty":
            if command:
                raise BadOption(f"zone '{name}': the pty driver runs no command")
            for option in ("respawn", "grace"):
                if option in own:
                    raise BadOption(
                        f"zone '{name}': --{option} is of no use without a command:"
                        " add --exec COMMAND"
                    )
        return ZoneConfig(
            name,
            driver,
            DriverOptions(
                command, given.get("respawn", "never"), given.get("grace", 10.0)
            ),
            given.get("onHalt", OnHalt.STAY),
            given.get("history", HISTORY_DEFAULT),
        )

    def _set(self, key: str, value: object) -> None:
        target = self._zones[-1][1] if self._zones else self._defaults
        target[key] = value


class _Server(ConsoleServer):
    """
    A server that tells a person in one line why it does not start, and that goes in
    good order when its terminal does.
    """

    def __init__(
        self,
        reactor: ServerReactor,
        zones: list[ZoneConfig],
        rundir: RunDirectory,
        gid: int | None,
    ) -> None:
        super().__init__(reactor, zones, rundir, gid, reactor.stop)
        self._stop = reactor.stop

    def privilegedStartService(self) -> None:
        try:
            super().privilegedStartService()
        except ZConsError as e:
            raise SystemExit(f"twistd zconsole: {e}") from None

    def startService(self) -> None:
        super().startService()
        # Twisted sees to SIGINT and SIGTERM.  nohup's wish is respected.
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            signal.signal(signal.SIGHUP, self._hungUp)

    def _hungUp(self, number: int, frame: object) -> None:
        cast(IReactorFromThreads, self._reactor).callFromThread(self._stop)


def makeService(options: Options, reactor: ServerReactor | None = None) -> IService:
    """
    Make the server that the options ask for.

    @param reactor: the one to run in; the global one, where L{None}.
    @raise SystemExit: it could not be started; one line says why.
    """
    chosen = reactor or _globalReactor()
    try:
        rundir = options["rundir"] or RunDirectory.default(os.environ, os.geteuid())
        server = _Server(
            chosen,
            options.zones(),
            rundir,
            options["group"],
        )
        server.check()
        # Made here already so that a failure is told before twistd goes its way.
        rundir.make(os.geteuid(), options["group"])
    except ZConsError as e:
        raise SystemExit(f"twistd zconsole: {e}") from None
    return server


def _size(text: str) -> int:
    """
    A number of bytes, by itself or with a unit of 1024.
    """
    match = re.fullmatch(r"([0-9]{1,12})([KMG]?)", text)
    size = int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]] if match else 0
    if not HISTORY_MIN <= size <= HISTORY_MAX:
        raise BadOption(f"--history {text}: from 64K to 1G is possible")
    return size


def _globalReactor() -> ServerReactor:
    from twisted.internet import reactor

    return cast(ServerReactor, reactor)


def _oneOf(option: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise BadOption(f"--{option} {value}: choose one of {', '.join(choices)}")
    return value
