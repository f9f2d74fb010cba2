# -*- test-case-name: zcons_twisted.test.test_maker -*-
"""
Finding drivers through C{twisted.plugin}.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from twisted.plugin import IPlugin, getPlugins
from twisted.python.reflect import namedAny
from zope.interface import implementer

from ..errors import BadOption
from ..interfaces import (
    DriverOptions,
    IConsoleDriver,
    IConsoleDriverMaker,
    IZoneEvents,
)

if TYPE_CHECKING:
    from ..rundir import RunDirectory

__all__ = ["DriverMaker", "findDriverMaker"]


@implementer(IPlugin, IConsoleDriverMaker)
@dataclass(frozen=True)
class DriverMaker:
    """
    A driver's plugin: it loads the driver's module only when one is made.

    @ivar name: what it is called in C{--driver}.
    @ivar module: the dotted name of a module with a C{makeDriver}.
    @ivar description: one line for people.
    """

    name: str
    module: str
    description: str

    def driver(
        self,
        reactor: object,
        zone: str,
        rundir: RunDirectory,
        options: DriverOptions,
        events: IZoneEvents,
    ) -> IConsoleDriver:
        """
        See L{IConsoleDriverMaker}.
        """
        make = cast(
            Callable[..., IConsoleDriver], namedAny(f"{self.module}.makeDriver")
        )
        return make(reactor, zone, rundir, options, events)


def findDriverMaker(name: str) -> IConsoleDriverMaker:
    """
    The driver plugin of a name.

    @raise BadOption: there is none; the message names those that there are.
    """
    if name not in _known:
        # It takes Twisted milliseconds, which a thousand zones would add up.
        _known.update((maker.name, maker) for maker in getPlugins(IConsoleDriverMaker))
    try:
        return _known[name]
    except KeyError:
        names = ", ".join(sorted(_known))
        raise BadOption(
            f"there is no driver {ascii(name)}: choose one of {names}"
        ) from None


#: The makers that have been found so far, by their names.
_known: dict[str, IConsoleDriverMaker] = {}
