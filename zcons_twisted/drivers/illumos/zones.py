# -*- test-case-name: zcons_twisted.test.test_illumos_libraries -*-
"""
What the system knows of its zones, by libzonecfg and the C library.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_int, c_uint
from dataclasses import dataclass

from ...events import ZoneState
from .loader import LIBC, Functions, Loader

__all__ = ["NO_ZONE_ID", "ZoneLook", "Zones"]

#: The ID of a zone that is not in the kernel.
NO_ZONE_ID = -1

# libzonecfg's own error numbers.
_OK = 0
_NO_ZONE = 16

_ZONECFG = {"zone_get_state": (c_int, (c_char_p, POINTER(c_uint)))}
_LIBC = {"getzoneidbyname": (c_int, (c_char_p,))}


@dataclass(frozen=True, slots=True)
class ZoneLook:
    """
    A zone at one moment.

    @ivar state: its state, or L{None} where no zone of its name is configured.
    @ivar number: its ID in the kernel, another one at each boot, or L{NO_ZONE_ID}.
    """

    state: ZoneState | None
    number: int = NO_ZONE_ID

    @property
    def alive(self) -> bool:
        """
        Is there a zone in the kernel?
        """
        return self.state is not None and self.state.alive


class Zones:
    """
    The zones of this system.
    """

    def __init__(self, loader: Loader) -> None:
        """
        @raise OSError: this system has none.
        """
        self._config = Functions(loader, "libzonecfg.so.1", _ZONECFG)
        self._libc = Functions(loader, LIBC, _LIBC)

    def look(self, zone: str) -> ZoneLook:
        """
        Look at a zone.

        @raise OSError: its state can't be told.
        """
        name = zone.encode()
        number = c_uint()
        result = self._config.zone_get_state(name, ctypes.byref(number))
        if result == _NO_ZONE:
            return ZoneLook(None)
        if result != _OK:
            raise OSError(f"unable to determine state of zone: error {result}")
        try:
            state = ZoneState(number.value)
        except ValueError:
            raise OSError(
                f"unable to determine state of zone: there is no state {number.value}",
            ) from None
        if not state.alive:
            return ZoneLook(state)
        return ZoneLook(state, self._libc.getzoneidbyname(name))
