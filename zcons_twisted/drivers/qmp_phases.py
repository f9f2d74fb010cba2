# -*- test-case-name: zcons_twisted.test.test_qmp_machine -*-
"""
The phases in the life of a zone that is a virtual machine.

::

    down --(prelaunch)--> ready --RESUME--> running --RESET--> running, rebooted
     ^                                         |
     |                                     POWERDOWN
     |                                         v
     +--- its console has ended, or 1 s --- ending <--SHUTDOWN, QEMU gone-- any
"""

from __future__ import annotations

import enum

from ..events import ZoneState

__all__ = ["ALIVE", "RUNS", "Phase"]


class Phase(enum.Enum):
    """
    How a machine is; the values are states of a zone.
    """

    DOWN = ZoneState.INSTALLED
    READY = ZoneState.READY
    RUNNING = ZoneState.RUNNING
    POWERING_DOWN = ZoneState.SHUTTING_DOWN
    ENDING = ZoneState.DOWN


#: The phases in which there is a machine.
ALIVE = (Phase.READY, Phase.RUNNING, Phase.POWERING_DOWN)
#: Those in which it may print something.
RUNS = (Phase.RUNNING, Phase.POWERING_DOWN)
