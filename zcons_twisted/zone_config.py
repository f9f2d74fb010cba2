# -*- test-case-name: zcons_twisted.test.test_service -*-
"""
L{ZoneConfig}: one zone, as it is to be served.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .console import OnHalt
from .history import HISTORY_DEFAULT
from .interfaces import DriverOptions

__all__ = ["ZoneConfig"]


@dataclass(frozen=True, slots=True)
class ZoneConfig:
    """
    One zone, as it is to be served.

    @ivar name: the zone's name.
    @ivar driver: the name of the driver of its device.
    @ivar options: what concerns the driver alone.
    @ivar onHalt: what becomes of the console when the zone is down and nobody is
        attached.
    @ivar history: how many bytes of what the zone prints are kept.
    """

    name: str
    driver: str = "pty"
    options: DriverOptions = field(default_factory=DriverOptions)
    onHalt: OnHalt = OnHalt.STAY
    history: int = HISTORY_DEFAULT
