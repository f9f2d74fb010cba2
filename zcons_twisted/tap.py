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
from .nexus.client import Nexus
from .notices import escaped
from .reactors import ServerReactor
from .restarting import Restart
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
        self["nexus"] = True
        self["keep"] = False

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

    def opt_nexus(self, which: str) -> None:
        """
        What keeps pty pairs: own, a process of its own, so that zones outlive this
        server, or none, this server itself [default: own].
        """
        self["nexus"] = _oneOf("nexus", which, ("own", "none")) == "own"

    def opt_on_stop(self, what: str) -> None:
        """
        What becomes of zones when the server stops in good order: halt, or keep, where
        a nexus keeps their devices [default: halt].
        """
        self["keep"] = _oneOf("on-stop", what, ("halt", "keep")) == "keep"

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
        nexus: Nexus | None,
    ) -> None:
        super().__init__(
            reactor, zones, rundir, gid, reactor.stop, nexus, self._runAgain
        )
        self._stop = reactor.stop
        self._again = Restart()

    def _runAgain(self) -> None:
        self._again.atExit()
        self._stop()

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
        nexus = Nexus(chosen, rundir.path) if options["nexus"] else None
        server = _Server(
            chosen,
            options.zones(),
            rundir,
            options["group"],
            nexus,
        )
        server.keep = options["keep"]
        server.check()
        # Made here already so that a failure is told before twistd goes its way.
        rundir.make(os.geteuid(), options["group"])
        if nexus is not None and any(zone.usesNexus() for zone in server.zones()):
            nexus.startNow()
    except ZConsError as e:
        raise SystemExit(f"twistd zconsole: {e}") from None
    return server


def _oneOf(option: str, given: str, choices: tuple[str, ...]) -> str:
    if given not in choices:
        raise BadOption(f"--{option} {given}: choose one of {', '.join(choices)}")
    return given


def _globalReactor() -> ServerReactor:
    from twisted.internet import reactor

    return cast(ServerReactor, reactor)
