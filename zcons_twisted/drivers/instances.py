# -*- test-case-name: zcons_twisted.test.test_instances -*-
"""
The rules by which a zone gets exactly one console device, whoever keeps the
devices: they are those of illumos' C{init_console_dev} and C{destroy_console_devs}.

 - One instance carries the zone's name: it is used again.
 - None does: one is made.
 - Several do, or nobody can tell: all are removed and one is made.
 - Then come the links, and then the subsidiary is held, which a device that is
   still coming up may refuse for a while.
"""

from __future__ import annotations

import errno
from collections.abc import Awaitable
from inspect import isawaitable
from typing import Protocol, TypeVar

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from ..errors import DeviceError

__all__ = [
    "HOLD_SECONDS",
    "HOLD_TRIES",
    "InstanceStore",
    "destroyInstances",
    "initInstances",
]

#: How often holding the subsidiary is tried while the device is not there yet ...
HOLD_TRIES = 5
#: ... and how many seconds apart.
HOLD_SECONDS = 1.0

_log = Logger()

_T = TypeVar("_T")


class InstanceStore(Protocol):
    """
    Who keeps the device instances of one zone.  Each method may raise L{OSError}, and
    may answer at once or later.
    """

    def count(self) -> int | Awaitable[int]:
        """
        How many there are.
        """

    def create(self) -> Awaitable[None] | None:
        """
        Make one more.
        """

    def makeLinks(self) -> Awaitable[None] | None:
        """
        Make the links by which it is found, replacing those that are there.
        """

    def hold(self) -> Awaitable[None] | None:
        """
        Hold the subsidiary.  Fails with C{ENXIO} while the device comes up.
        """

    def release(self) -> Awaitable[None] | None:
        """
        Let the subsidiary go.
        """

    def remove(self) -> tuple[int, int] | Awaitable[tuple[int, int]]:
        """
        Remove the links and every instance.

        @return: how many were removed, and how many there were.
        """


async def initInstances(store: InstanceStore, zone: str, clock: IReactorTime) -> None:
    """
    Make sure of exactly one instance, its links and its hold.

    @param clock: measures the time between two tries to hold.
    @raise DeviceError: that can't be had; the message says at which step.
    """
    step = "count instances of"
    try:
        found = await _count(store, zone)
        if found != 1:
            if found != 0:
                step = "remove all instances of"
                await destroyInstances(store, zone)
            step = "create"
            await _answered(store.create())
        step = "create links to"
        await _answered(store.makeLinks())
        step = "hold the subsidiary of"
        await _hold(store, clock)
    except OSError as e:
        raise DeviceError(
            f"console setup: could not {step} the console device of zone '{zone}':"
            f" {e.strerror or e}"
        ) from e


async def destroyInstances(store: InstanceStore, zone: str) -> tuple[int, int]:
    """
    Release the subsidiary and remove every instance.

    @return: how many were removed, and how many there were.
    """
    try:
        await _answered(store.release())
    except OSError as e:
        _log.warn(
            "WARNING: error while releasing subsidiary handle of zone console for"
            " {zone}: {error}",
            zone=zone,
            error=e.strerror or str(e),
        )
    removed, found = await _answered(store.remove())
    if found > 1:
        _log.warn(
            "WARNING: multiple zone console instances detected for zone '{zone}';"
            " {removed} of {found} successfully removed.",
            zone=zone,
            removed=removed,
            found=found,
        )
    return removed, found


async def _count(store: InstanceStore, zone: str) -> int:
    """
    How many instances there are, -1 where nobody can tell.
    """
    try:
        return await _answered(store.count())
    except OSError as e:
        _log.warn(
            "{zone}: console instances can't be counted: {error}",
            zone=zone,
            error=e.strerror or str(e),
        )
        return -1


async def _hold(store: InstanceStore, clock: IReactorTime) -> None:
    for last in (False,) * (HOLD_TRIES - 1) + (True,):
        try:
            await _answered(store.hold())
            return
        except OSError as e:
            if e.errno != errno.ENXIO or last:
                raise
        await deferLater(clock, HOLD_SECONDS)


async def _answered(answer: _T | Awaitable[_T]) -> _T:
    """
    What a store answers, now or later.
    """
    return await answer if isawaitable(answer) else answer
