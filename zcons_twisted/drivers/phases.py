# -*- test-case-name: zcons_twisted.test.test_zone_process -*-
"""
The phases in the life of a zone that is a command.

::

    DOWN --boot--> STARTING --began--> RUNNING --halt, reboot, ended--> ENDING
      ^                |                                                  |
      +--boot failed---+        WAITING <--respawn------------------------+
      |                            |  ^                                   |
      +--halt----------------------+  +-- (back-off) --> STARTING         |
      +--------------------------------------------------halted-----------+

C{ENDING} lasts until no process of the zone's session is left: SIGHUP and SIGTERM at
once, SIGKILL after the grace period.  A zone that is asked to shut down is C{RUNNING}
until it ends by itself.
"""

from __future__ import annotations

import enum

from ..events import ZoneState

__all__ = ["After", "Phase"]


class Phase(enum.Enum):
    """
    Each with the state that others are told.
    """

    DOWN = ZoneState.INSTALLED
    STARTING = ZoneState.READY
    RUNNING = ZoneState.RUNNING
    ENDING = ZoneState.SHUTTING_DOWN
    WAITING = ZoneState.DOWN


class After(enum.Enum):
    """
    What follows when a zone has ended.
    """

    HALT = "halt"
    REBOOT = "reboot"
    RESPAWN = "respawn"
    FAILED = "failed"
    #: It has rebooted by itself.
    REBOOTED = "rebooted"
    #: It was asked to go down by itself.
    SHUTDOWN = "shutdown"
    #: And to be started again then.
    SHUTDOWN_REBOOT = "shutdown, reboot"
    #: It is to be made ready, and no more.
    READY = "ready"
    #: It could not be made ready.
    NOT_READY = "not ready"

    @classmethod
    def noted(cls, note: str) -> After | None:
        """
        What an earlier server has noted, if it is one of these.
        """
        return next((after for after in cls if after.value == note), None)
