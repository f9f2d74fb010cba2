# -*- test-case-name: zcons_twisted.test.test_execute -*-
"""
The exec driver: a pty, and a command that runs on it as the zone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from zope.interface import implementer

from ..errors import BadOption
from ..interfaces import (
    DriverOptions,
    IAdjustableDriver,
    IConsoleDriver,
    IZoneEvents,
)
from ..reactors import ServerReactor
from ..rundir import RunDirectory
from .pty import PtyDriver
from .zone_process import ZoneProcess

__all__ = ["ExecDriver", "makeDriver"]


@implementer(IConsoleDriver, IAdjustableDriver)
class ExecDriver(PtyDriver):
    """
    The console device of a zone that is a command.
    """

    kind = "exec"

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
        process = ZoneProcess(reactor, zone, options, self, events, environ)
        self.life = process
        self.states = process
        self.adjust = process.adjust


def makeDriver(
    reactor: ServerReactor,
    zone: str,
    rundir: RunDirectory,
    options: DriverOptions,
    events: IZoneEvents,
) -> IConsoleDriver:
    """
    An exec driver with the server's own environment for its command.

    @raise BadOption: there is no command.
    """
    if not options.command:
        raise BadOption(f"zone '{zone}': the exec driver needs --exec COMMAND")
    return ExecDriver(reactor, zone, rundir, options, events, os.environ)
