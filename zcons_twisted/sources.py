# -*- test-case-name: zcons_twisted.test.test_sources -*-
"""
Where a server's zones come from: the command line, and a configuration file that can be
read anew.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from zope.interface import implementer

from .config import BadConfig, BadValue, ServerConfig, readConfig
from .descriptor_limit import checkFiles
from .drivers.maker import findDriverMaker
from .errors import BadOption
from .events import ZoneEvent
from .interfaces import IZoneEvents
from .reactors import ServerReactor
from .rundir import RunDirectory
from .shards import Shard
from .zone_config import ZoneConfig

__all__ = ["ZoneSource"]


@implementer(IZoneEvents)
class _Nobody:
    """
    Hears of zones that are not there.
    """

    def event(self, event: ZoneEvent, arguments: str) -> None:
        """
        See L{IZoneEvents}.
        """

    def lifeEnded(self, unread: int) -> None:
        """
        See L{IZoneEvents}.
        """


@dataclass(frozen=True, slots=True)
class ZoneSource:
    """
    All that a server is told of its zones.

    What the command line says of the server goes before what the file says; its zones
    are served besides those of the file.

    @ivar zones: those of the command line.
    @ivar rundir: the run directory that it names, or L{None}.
    @ivar gid: the group that it names, or L{None}.
    @ivar file: the configuration file, or L{None}.
    @ivar shard: which of the file's zones are served; all, where L{None}.
    """

    zones: list[ZoneConfig] = field(default_factory=list)
    rundir: RunDirectory | None = None
    gid: int | None = None
    file: str | None = None
    shard: Shard | None = None

    def read(
        self, reactor: ServerReactor, environ: Mapping[str, str], limit: int
    ) -> ServerConfig:
        """
        What is to be served, and where.

        @param reactor: is handed to drivers that are asked whether they can do with
            their options.
        @param environ: says where the run directory is, if nobody else does.
        @param limit: how many files may be open.
        @raise ZConsError: it can't be served; where the file is to blame,
            L{BadConfig}.
        """

        def check(zone: ZoneConfig, rundir: RunDirectory | None) -> None:
            if any(zone.name == other.name for other in self.zones):
                raise BadOption("it is given by --zone as well")
            where = self.rundir or rundir or RunDirectory("/")
            where.consoleSocket(zone.name)
            where.controlSocket(zone.name)
            try:
                maker = findDriverMaker(zone.driver)
                maker.driver(reactor, zone.name, where, zone.options, _Nobody())
            except BadOption as e:
                why = str(e).removeprefix(f"zone '{zone.name}': ")
                raise BadValue("driver", why) from None

        found = ServerConfig()
        if self.file is not None:
            found = readConfig(self.file, check)
        mine = [z for z in found.zones if self.shard is None or self.shard.has(z.name)]
        zones = [*self.zones, *mine]
        checkFiles(len(zones), limit)
        rundir = self.rundir or found.rundir
        return ServerConfig(
            zones,
            rundir or RunDirectory.default(environ, os.geteuid()),
            found.gid if self.gid is None else self.gid,
        )

    def readAgain(
        self,
        reactor: ServerReactor,
        environ: Mapping[str, str],
        limit: int,
        before: ServerConfig,
    ) -> ServerConfig:
        """
        The same for a server that runs.

        @param before: what it serves, from L{read}.
        @raise ZConsError: it can't be changed to what is wanted now.
        """
        assert self.file is not None
        found = self.read(reactor, environ, limit)
        for name, old, new in (
            ("rundir", before.rundir, found.rundir),
            ("group", before.gid, found.gid),
        ):
            if old != new:
                raise BadConfig(
                    [f"{self.file}: '{name}' can't be changed while the server runs"]
                )
        return found
