# -*- test-case-name: zcons_twisted.test -*-
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

from .console import Console, OnHalt
from .errors import ZConsError
from .events import ZoneEvent, ZoneState
from .interfaces import DriverOptions
from .rundir import RunDirectory
from .service import ConsoleServer, ZoneConfig, ZoneConsoleService

__all__ = [
    "Console",
    "ConsoleServer",
    "DriverOptions",
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
