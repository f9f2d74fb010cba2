# -*- test-case-name: zcons_twisted.test.test_tap -*-
"""
C{twistd zconsole}: the server's options.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any, cast

from twisted.application.service import IService
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python import usage

from . import __version__
from .errors import BadOption, ZConsError
from .names import checkZoneName
from .notices import escaped
from .reactors import ServerReactor
from .rundir import ROOT_RUN_DIRECTORY, RunDirectory, groupNumber
from .server import ConsoleServer
from .service import ZoneConfig
from .zone_options import ZONE_OPTIONS, ZoneOption, zoneConfig

__all__ = ["Options", "makeService"]


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

    # For a zone; the rest of its options is added below.

    def opt_zone(self, name: str) -> None:
        """
        A zone to serve; the options below that follow belong to it.
        """
        checkZoneName(name)
        if any(name == known for known, _ in self._zones):
            raise BadOption(f"zone '{name}' is given twice")
        self._zones.append((name, {}))

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
        return [
            zoneConfig(name, own, self._defaults, "--{}".format)
            for name, own in self._zones
        ]

    def setZoneOption(self, name: str, value: object) -> None:
        """
        An option is given to the zone that came last, or to all.
        """
        target = self._zones[-1][1] if self._zones else self._defaults
        target[name] = value


def _zoneOption(option: ZoneOption) -> Callable[[Options, str], None]:
    """
    The method that Twisted calls when it finds a zone's option.
    """

    def opt(self: Options, given: str) -> None:
        try:
            value = option.fromText(given)
        except BadOption as e:
            raise BadOption(f"--{option.name} {given}: {e}") from None
        self.setZoneOption(option.name, value)

    opt.__doc__ = option.help
    return opt


for _option in ZONE_OPTIONS.values():
    setattr(Options, f"opt_{_option.name.replace('-', '_')}", _zoneOption(_option))


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


def _globalReactor() -> ServerReactor:
    from twisted.internet import reactor

    return cast(ServerReactor, reactor)
