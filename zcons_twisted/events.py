# -*- test-case-name: zcons_twisted.test.test_events -*-
"""
Zone events, zone states, and which state an event leads to.

The numbers are those of C{zone_evt_t} in illumos' zoneadmd.h and of
C{ZONE_STATE_*} in libzonecfg.h.
"""

from __future__ import annotations

import enum

from .errors import BadBootArguments

__all__ = [
    "BOOT_ARGUMENTS_MAX",
    "EVENT_NAMES",
    "TOLD_NAMES",
    "ZoneEvent",
    "ZoneState",
    "checkBootArguments",
    "stateAfter",
]

#: Longest boot arguments in UTF-8 bytes (illumos' C{BOOTARGS_MAX} is 256 with
#: its NUL).
BOOT_ARGUMENTS_MAX = 255


class ZoneEvent(enum.IntEnum):
    """
    What can happen to a zone, as the console hears of it.
    """

    #: Nothing happened, but look at the zone's state.
    NULL = 0
    BOOTING = 1
    REBOOTING = 2
    HALTED = 3
    READIED = 4
    UNINSTALLING = 5
    BOOT_FAILED = 6
    #: Boot arguments were not understood; a warning, the boot goes on.
    BAD_ARGS = 7
    #: The connection to the zone's console was lost, or there was none; a connection
    #: tells nothing of the zone itself.  These two are not illumos'.
    DISCONNECTED = 64
    #: There is one again.
    CONNECTED = 65


#: The events that somebody outside may post, by the name they are posted under.
EVENT_NAMES = {
    "booting": ZoneEvent.BOOTING,
    "readied": ZoneEvent.READIED,
    "halted": ZoneEvent.HALTED,
    "rebooting": ZoneEvent.REBOOTING,
    "uninstalling": ZoneEvent.UNINSTALLING,
    "boot-failed": ZoneEvent.BOOT_FAILED,
    "bad-args": ZoneEvent.BAD_ARGS,
}

#: All that are told of, by their names.
TOLD_NAMES = {
    **EVENT_NAMES,
    "disconnected": ZoneEvent.DISCONNECTED,
    "connected": ZoneEvent.CONNECTED,
}


class ZoneState(enum.IntEnum):
    """
    The states of a zone.  Below L{READY} there is no zone in the kernel.
    """

    CONFIGURED = 0
    INCOMPLETE = 1
    INSTALLED = 2
    READY = 3
    RUNNING = 4
    SHUTTING_DOWN = 5
    DOWN = 6
    MOUNTED = 7

    @property
    def label(self) -> str:
        """
        The state as illumos' tools print it, C{shutting_down} for example.
        """
        return self.name.lower()

    @property
    def alive(self) -> bool:
        """
        Is there a zone at all?  The shutdown rule asks this.
        """
        return self >= ZoneState.READY


_STATE_AFTER = {
    ZoneEvent.BOOTING: ZoneState.RUNNING,
    ZoneEvent.REBOOTING: ZoneState.RUNNING,
    ZoneEvent.HALTED: ZoneState.INSTALLED,
    ZoneEvent.READIED: ZoneState.READY,
    ZoneEvent.UNINSTALLING: ZoneState.INSTALLED,
    ZoneEvent.BOOT_FAILED: ZoneState.INSTALLED,
}


def stateAfter(event: ZoneEvent, before: ZoneState) -> ZoneState:
    """
    The state that a zone is in once an event has been posted for it, where
    events are all that is known of the zone.

    @param event: what happened.
    @param before: the state until now, kept by events that change nothing.
    """
    return _STATE_AFTER.get(event, before)


def checkBootArguments(arguments: str) -> str:
    """
    Check boot arguments: no more than L{BOOT_ARGUMENTS_MAX} bytes and no NUL, which
    no process could be given.

    @return: the same arguments.
    @raise BadBootArguments: they can't be passed on.
    """
    if "\0" in arguments:
        raise BadBootArguments("boot arguments can't contain a NUL")
    size = len(arguments.encode("utf-8", "surrogateescape"))
    if size > BOOT_ARGUMENTS_MAX:
        raise BadBootArguments(
            f"boot arguments of {size} bytes are too long:"
            f" at most {BOOT_ARGUMENTS_MAX} are passed on"
        )
    return arguments
