# -*- test-case-name: zcons_twisted.test.test_zone_options -*-
"""
L{DriverOptions}: what a driver is told of its zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DriverOptions"]


@dataclass(frozen=True, slots=True)
class DriverOptions:
    """
    What a server was told about one zone, as far as it concerns the driver.

    @ivar command: the words of the command to run as the zone, for drivers that
        run one.
    @ivar respawn: C{"never"}, C{"on-failure"} or C{"always"}: what happens when it
        ends by itself.
    @ivar grace: how many seconds it is given to end before it is killed.
    @ivar bundle: the directory of the OCI bundle to run as the zone.
    @ivar runtime: the words of the OCI runtime; empty for the first one that is there.
    @ivar container: the container's ID; empty for the zone's name.
    @ivar console: C{"own"} where the container's console is the pty that is there for
        all lives, C{"runtime"} where it is one that its runtime makes for each; empty
        for what the bundle asks for.
    @ivar endpoint: a Twisted client endpoint string, for drivers that connect to a
        console that something else makes.
    @ivar qmp: the path of QEMU's QMP socket, where the zone is a virtual machine.
    @ivar qmpChardev: what QEMU calls the character device of the console; empty where
        that is to be found out.
    @ivar term: the type of terminal that the command is told of; empty for the server's
        own.
    """

    command: Sequence[str] = ()
    respawn: str = "never"
    grace: float = 10.0
    bundle: str = ""
    runtime: Sequence[str] = ()
    container: str = ""
    console: str = ""
    endpoint: str = ""
    qmp: str = ""
    qmpChardev: str = ""
    term: str = ""
