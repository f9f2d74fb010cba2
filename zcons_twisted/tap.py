# -*- test-case-name: zcons_twisted.test.test_tap -*-
"""
C{twistd zconsole}: the server's options.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, cast

from twisted.application.service import IService
from twisted.python import usage

from . import __version__
from .config import BadConfig
from .descriptor_limit import raiseLimit
from .errors import BadOption, ZConsError
from .heap import settle
from .names import checkZoneName
from .notices import escaped
from .reactors import ServerReactor
from .rundir import ROOT_RUN_DIRECTORY, RunDirectory, groupNumber
from .shards import Shard
from .sources import ZoneSource
from .systemd.activation import ActivatedSockets
from .systemd.journal import JournalObserver, isJournal
from .systems import hasEpoll
from .twistd_server import TwistdServer
from .zone_config import ZoneConfig
from .zone_options import ZONE_OPTIONS, ZoneOption, zoneConfig

__all__ = ["Options", "makeService"]


class Options(usage.Options):
    """
    The options of C{twistd zconsole}.

    C{--zone} may be repeated; what follows it belongs to that zone, and what comes
    before the first is for all that do not say otherwise.
    """

    synopsis = (
        "[options] [--config FILE] [--zone NAME [zone options]]"
        " [--zone NAME [zone options]] ..."
    )

    longdesc = (
        "Keep a console for each zone, and serve it on a unix socket to one operator"
        " at a time.  'zconsole attach NAME' attaches.  The sockets are in"
        f" {ROOT_RUN_DIRECTORY} for root and in $XDG_RUNTIME_DIR/zones for others,"
        " unless --rundir says otherwise."
    )

    def __init__(self) -> None:
        super().__init__()
        # Twisted shows docstrings as they are, with their indentation in the midst.
        self.docs = {
            name: text and " ".join(text.split()) for name, text in self.docs.items()
        }
        self._defaults: dict[str, Any] = {}
        self._zones: list[tuple[str, dict[str, Any]]] = []
        self["rundir"] = None
        self["group"] = None
        self["config"] = None
        self["check"] = False
        self["shard"] = None
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

    def opt_config(self, path: str) -> None:
        """
        A file with the zones; it is read anew on SIGHUP.
        """
        if not path:
            raise BadOption("--config needs a file")
        self["config"] = os.path.abspath(path)

    def opt_check(self) -> None:
        """
        Check the configuration file, tell what is wrong with it, and exit.
        """
        self["check"] = True

    def opt_shard(self, given: str) -> None:
        """
        Serve only part K of N of the configuration file's zones, as in 2/3.
        """
        try:
            self["shard"] = Shard.fromText(given)
        except BadOption as e:
            raise BadOption(f"--shard {given}: {e}") from None

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
        A zone to serve; options of a zone belong to the --zone before them, and to all
        zones where there is none before them.
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
            self.source()
        except (usage.UsageError, ZConsError) as e:
            raise SystemExit(f"twistd zconsole: {escaped(str(e))}") from None

    def parseArgs(self, *words: str) -> None:
        """
        Words that belong to no option are refused.
        """
        if words:
            raise BadOption(f"'{words[0]}' belongs to no option")

    def source(self) -> ZoneSource:
        """
        Where the zones come from.

        @raise BadOption: there are none, or options don't fit together.
        """
        file = self["config"]
        if file is None:
            if self["check"] or self["shard"]:
                option = "check" if self["check"] else "shard"
                raise BadOption(f"--{option} needs a configuration: add --config FILE")
            if not self._zones:
                raise BadOption("which zone?  Give --zone NAME or --config FILE")
        elif self._defaults and not self._zones:
            option = next(iter(self._defaults))
            raise BadOption(
                f"--{option} is for zones given by --zone: for those of the file, put"
                " it into [defaults] there"
            )
        return ZoneSource(
            self.zones(), self["rundir"], self["group"], file, self["shard"]
        )

    def zones(self) -> list[ZoneConfig]:
        """
        The zones that are given here, with their options.

        @raise BadOption: one's options don't fit together.
        """
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


def makeService(options: Options, reactor: ServerReactor | None = None) -> IService:
    """
    Make the server that the options ask for.

    @param reactor: the one to run in; the global one, where L{None}.
    @raise SystemExit: it could not be started; one line says why, or one line each
        what is wrong with its configuration file.  Or nothing is to be started.
    """
    chosen = reactor or _globalReactor()
    # First of all: whoever loads Twisted's endpoints takes them out of the environment.
    sockets = ActivatedSockets.fromEnvironment(os.environ, os.getpid())
    try:
        source = options.source()
        limit = raiseLimit(os.environ)
        config = source.read(chosen, os.environ, limit)
        if options["check"]:
            told = f"{escaped(str(source.file))}: no errors, {len(config.zones)} zones"
            print(told)  # noqa: T201  # it is the answer
            raise SystemExit(0)
        server = TwistdServer(
            chosen,
            source,
            config,
            limit,
            observer=_observer(options),
            nexus=options["nexus"],
            sockets=sockets,
            settle=settle,
        )
        server.keep = options["keep"]
        server.check()
        # Made here already so that a failure is told before twistd goes its way.
        assert config.rundir is not None
        config.rundir.make(os.geteuid(), config.gid)
        server.startNexus()
    except BadConfig as e:
        raise SystemExit(str(e)) from None
    except ZConsError as e:
        raise SystemExit(f"twistd zconsole: {e}") from None
    return server


def _observer(options: Options) -> JournalObserver | None:
    """
    What writes our log, if it goes to the journal and twistd was told nothing else.
    """
    twistd: Mapping[str, object] = options.parent or {}
    elsewhere = any(twistd.get(name) for name in ("logfile", "logger", "syslog"))
    if elsewhere or not isJournal(os.environ, 1):
        return None
    return JournalObserver(sys.stdout)


def _oneOf(option: str, given: str, choices: tuple[str, ...]) -> str:
    if given not in choices:
        raise BadOption(f"--{option} {given}: choose one of {', '.join(choices)}")
    return given


def _globalReactor() -> ServerReactor:
    if hasEpoll():
        from .lean_reactor import installWhereNone

        installWhereNone()
    from twisted.internet import reactor

    return cast(ServerReactor, reactor)
