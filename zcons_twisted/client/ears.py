# -*- test-case-name: zcons_twisted.test.test_client_lasting -*-
"""
Who hears of what a session tells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .happenings import Happening

__all__ = ["Ears"]


@dataclass(frozen=True, slots=True)
class Ears:
    """
    Who hears of what.

    @ivar output: is given what the zone prints.
    @ivar happening: is told whatever else the server tells, nothing twice.
    @ivar lost: the connection is lost, and is tried again.
    @ivar again: there is one again.
    """

    output: Callable[[bytes], None]
    happening: Callable[[Happening], None]
    lost: Callable[[], None]
    again: Callable[[], None]
