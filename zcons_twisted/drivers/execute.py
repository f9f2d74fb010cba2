# -*- test-case-name: zcons_twisted.test.test_execute -*-
"""
The exec driver: a pty, and a command that runs on it as the zone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from ..errors import BadOption
from ..interfaces import (
    DriverOptions,
    IAdjustableDriver,
    IConsoleDriver,
    IZoneEvents,
)
from ..nexus.client import Nexus
from ..nexus.keeping import Claimed
from ..reactors import ServerReactor
from ..rundir import RunDirectory
from .pty import PtyDriver
from .spawning import NexusSpawner
from .zone_process import ZoneProcess

__all__ = ["DEFAULT_TERM", "ExecDriver", "makeDriver"]

#: The type of terminal that a command is told of where nobody says anything else: a
#: service manager's own environment has none, and without one nothing moves the cursor.
DEFAULT_TERM = "vt100"


@implementer(IConsoleDriver, IAdjustableDriver)
class ExecDriver(PtyDriver):
    """
    The console device of a zone that is a command.
    """

    kind = "exec"

    #: Whether the command leads a session on the console.
    leads = True

    def __init__(
        self,
        reactor: ServerReactor,
        zone: str,
        rundir: RunDirectory,
        options: DriverOptions,
        events: IZoneEvents,
        environ: Mapping[str, str],
    ) -> None:
        """
        @param reactor: provides time, descriptors and processes.
        @param options: the command, and how it is started again and ended.
        @param events: is told of what happens to the zone.
        @param environ: the command's environment.
        """
        super().__init__(reactor, zone, rundir)
        process = self.makeProcess(reactor, options, events, environ)
        self.life = process
        self.states = process
        self.adjust = process.adjust
        self._process = process
        self._spawner: NexusSpawner | None = None

    def makeProcess(
        self,
        reactor: ServerReactor,
        options: DriverOptions,
        events: IZoneEvents,
        environ: Mapping[str, str],
    ) -> ZoneProcess:
        """
        Make what runs on the device.
        """
        return ZoneProcess(reactor, self.zone, options, self, events, environ)

    def useNexus(self, nexus: Nexus, typedBefore: Callable[[bytes], None]) -> None:
        """
        See L{IOutlivingDriver<zcons_twisted.interfaces.IOutlivingDriver>}.
        """
        super().useNexus(nexus, typedBefore)
        self._spawner = NexusSpawner(nexus, self.zone, self._alone, self.leads)
        self._process.spawner = self._spawner

    @property
    def resumed(self) -> bool:
        """
        See L{IOutlivingDriver<zcons_twisted.interfaces.IOutlivingDriver>}.
        """
        return self._process.resumed

    def leave(self, typed: bytes) -> Deferred[None]:
        """
        See L{IOutlivingDriver<zcons_twisted.interfaces.IOutlivingDriver>}.
        """
        self._process.leave()
        return super().leave(typed)

    def found(self, claimed: Claimed) -> None:
        """
        What an earlier server started goes on.
        """
        self._process.found(claimed.process, claimed.note)

    def foundAgain(self, claimed: Claimed) -> None:
        """
        The process may have begun, or ended, meanwhile.
        """
        if self._spawner is not None:
            self._spawner.foundAgain(claimed.process)

    def facts(self) -> dict[str, Any]:
        """
        What a nexus is to know of the zone's process.
        """
        return self._process.facts

    def began(self, pid: int, why: str) -> None:
        """
        The nexus tells that the process has begun, or has not.
        """
        if self._spawner is not None:
            self._spawner.began(pid, why)

    def ended(self, pid: int, code: int | None, number: int | None) -> None:
        """
        The nexus tells that it has ended.
        """
        if self._spawner is not None:
            self._spawner.ended(pid, code, number)


def makeDriver(
    reactor: ServerReactor,
    zone: str,
    rundir: RunDirectory,
    options: DriverOptions,
    events: IZoneEvents,
) -> IConsoleDriver:
    """
    An exec driver with the server's own environment for its command, and a C{TERM} in
    any case.

    @raise BadOption: there is no command.
    """
    if not options.command:
        raise BadOption(f"zone '{zone}': the exec driver needs --exec COMMAND")
    term = options.term or os.environ.get("TERM") or DEFAULT_TERM
    environ = {**os.environ, "TERM": term}
    return ExecDriver(reactor, zone, rundir, options, events, environ)
