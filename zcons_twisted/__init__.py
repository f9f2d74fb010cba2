# -*- test-case-name: zcons_twisted.test.test_facade -*-
"""
The zone console for everything that runs in a box.

What is named here, in L{zcons_twisted.interfaces}, L{zcons_twisted.testing},
L{zcons_twisted.client} and L{zcons_twisted.tap} is the public API; the other
modules may change from one release to the next.

To serve consoles from a service of your own::

    from twisted.internet import reactor
    from zcons_twisted import ConsoleServer, RunDirectory, ZoneConfig

    server = ConsoleServer(reactor, [ZoneConfig("myzone")], RunDirectory("/run/zones"))
    server.setServiceParent(application)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .console import Console, OnHalt
    from .errors import ZConsError
    from .events import ZoneEvent, ZoneState
    from .interfaces import DriverOptions
    from .nexus.client import Nexus
    from .rundir import RunDirectory
    from .server import ConsoleServer
    from .service import ZoneConsoleService
    from .zone_config import ZoneConfig

__all__ = [
    "Console",
    "ConsoleServer",
    "DriverOptions",
    "Nexus",
    "OnHalt",
    "RunDirectory",
    "ZConsError",
    "ZoneConfig",
    "ZoneConsoleService",
    "ZoneEvent",
    "ZoneState",
    "__version__",
]

__version__ = "26.11.0"

# Loaded when first asked for: zconsole is of this package too, and starts in a
# quarter of the time without the server.
_HOMES = {
    "Console": "console",
    "ConsoleServer": "server",
    "DriverOptions": "interfaces",
    "Nexus": "nexus.client",
    "OnHalt": "console",
    "RunDirectory": "rundir",
    "ZConsError": "errors",
    "ZoneConfig": "zone_config",
    "ZoneConsoleService": "service",
    "ZoneEvent": "events",
    "ZoneState": "events",
}


def __getattr__(name: str) -> object:
    """
    Load what is asked for from its module.
    """
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"zcons_twisted has no {name!r}") from None
    return getattr(import_module(f".{home}", __name__), name)
