# -*- test-case-name: zcons_twisted.test.test_pty -*-
"""
The pty driver: pty pairs as console devices.

The manager is the pair's master.  The subsidiary is linked at
C{<rundir>/zcons/<zone>/zoneconsole} for whatever runs as the zone, and it is always
held open here, for otherwise the zone's last close would hang the manager up.

The pair is kept by this process, or by the nexus: then it outlives the server.  Where
the nexus itself ends unasked, what this process has of the pair keeps it alive, and it
is handed to another nexus: the zone notices nothing.

What a zone can do to it costs it nothing: see L{zcons_twisted.drivers.hold}.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger
from zope.interface import implementer

from ..errors import DeviceError
from ..interfaces import (
    DriverOptions,
    IConsoleDriver,
    IDeviceReceiver,
    IManagerDevice,
    IMendableDriver,
    IOutlivingDriver,
    IZoneEvents,
    IZoneLife,
    IZoneStates,
)
from ..nexus.client import ASK_TRIES, Nexus, Unanswered
from ..nexus.keeping import Claimed, LocalPairs, NexusPairs, Pairs
from ..nexus.pair import PtyInstance, allowOthers
from ..reactors import DescriptorReactor
from ..rundir import RunDirectory
from .handing import HandingOver
from .hold import SubsidiaryHold
from .instances import destroyInstances, initInstances
from .link import LINK_NAME, DeviceLink
from .manager import PtyManager
from .posted import PostedStates

__all__ = ["LINK_NAME", "PostedStates", "PtyDriver", "makeDriver"]

_T = TypeVar("_T")


@implementer(IConsoleDriver, IMendableDriver, IOutlivingDriver)
class PtyDriver:
    """
    The console device of one zone, as a pty pair.

    @ivar path: the link by which the zone finds the subsidiary.
    @ivar pair: the pair, while it is ours to serve.
    """

    _log = Logger()

    kind = "pty"
    life: IZoneLife | None = None

    def __init__(
        self, reactor: DescriptorReactor, zone: str, rundir: RunDirectory
    ) -> None:
        """
        @param reactor: provides time and descriptors.
        """
        self.zone = zone
        self.states: IZoneStates = PostedStates()
        self.pair: PtyInstance | None = None
        self._reactor = reactor
        self._link = DeviceLink(rundir, zone)
        self.path = self._link.path
        self._pairs: Pairs = LocalPairs(zone)
        self._nexus: Nexus | None = None
        self._typedBefore: Callable[[bytes], None] = _drop
        # One thing at a time is done with the pairs.
        self._lock = DeferredLock()
        self._why = f"zone '{zone}' has no console device"
        self._handing = HandingOver(
            reactor,
            zone,
            "the console device",
            lambda: self._alone(self._handOver()),
        )
        self._hold = SubsidiaryHold(reactor, zone, self.openSubsidiary, self._tryAgain)
        self._manager: PtyManager | None = None

    # As a driver.

    def useNexus(self, nexus: Nexus, typedBefore: Callable[[bytes], None]) -> None:
        """
        See L{IOutlivingDriver}.
        """
        self._nexus = nexus
        self._typedBefore = typedBefore
        self._pairs = NexusPairs(nexus, self.zone)
        if isinstance(self.states, PostedStates):
            zone = self.zone
            self.states = PostedStates(
                changed=lambda label: nexus.remember(zone, label)
            )

    @property
    def resumed(self) -> bool:
        """
        See L{IOutlivingDriver}.
        """
        return False

    @property
    def outlives(self) -> bool:
        """
        See L{IOutlivingDriver}.
        """
        return self._nexus is not None

    @property
    def keeper(self) -> int:
        """
        See L{IOutlivingDriver}.
        """
        return self._nexus.pid if self._nexus is not None else 0

    def init(self) -> Deferred[None]:
        """
        See L{IConsoleDriver}.
        """
        if self._nexus is not None:
            self._nexus.listen(self.zone, self)
        return self._alone(self._init())

    def destroy(self) -> Deferred[tuple[int, int]]:
        """
        See L{IConsoleDriver}.
        """
        return self._alone(self._destroy())

    def leave(self, typed: bytes) -> Deferred[None]:
        """
        See L{IOutlivingDriver}.
        """
        return self._alone(self._leave(typed))

    def mend(self) -> bool:
        """
        See L{IMendableDriver}.
        """
        return self.pair is not None and self._link.mend(self.pair.subsidiary)

    def open(self, receiver: IDeviceReceiver) -> IManagerDevice:
        """
        See L{IConsoleDriver}.
        """
        if self.pair is None and self._nexus is not None and not self._lock.locked:
            # For the next lap, as a rule.
            self._alone(self._claimAgain())
        if self.pair is None:
            raise DeviceError(self._why)
        if self._manager is not None and self._manager.isOpen:
            raise DeviceError(
                f"console manager of zone '{self.zone}': {os.strerror(errno.EBUSY)}"
            )
        try:
            fd = os.dup(self.pair.master)
        except OSError as e:
            raise DeviceError(
                f"console manager of zone '{self.zone}': {e.strerror}"
            ) from None
        self._manager = PtyManager(self._reactor, fd, receiver, self.holdAnew)
        return self._manager

    def openSubsidiary(self) -> int:
        """
        A new descriptor of the subsidiary for the zone; closed by the caller.

        @raise OSError: it can't be opened.
        """
        if self.pair is None:
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        try:
            return self.pair.openSubsidiary()
        except OSError as e:
            if e.errno != errno.EBUSY or self._hold.fd == -1:
                raise
        # The zone has claimed exclusive use, which whoever has it open may undo.
        allowOthers(self._hold.fd)
        return self.pair.openSubsidiary()

    def terminalSession(self) -> int:
        """
        The session whose controlling terminal the subsidiary is, or 0 where it is
        nobody's.
        """
        return self.pair.terminalSession() if self.pair is not None else 0

    def drain(self) -> int:
        """
        Take what the zone has printed and nobody has read yet, held or not.

        @return: how many bytes it was.
        """
        if self._manager is None or not self._manager.isOpen:
            return 0
        return self._manager.drain()

    def discardInput(self) -> int:
        """
        Drop what was typed and the zone has not read; how many bytes was it?
        """
        return self._hold.discardInput(self.pair.master) if self.pair else 0

    # As a store.

    def count(self) -> Deferred[int]:
        """
        How many instances there are.
        """
        return Deferred.fromCoroutine(self._pairs.count())

    async def create(self) -> None:
        """
        Make one.
        """
        await self._pairs.create()

    async def makeLinks(self) -> None:
        """
        Have the pair to ourselves, and link it.  Where another server has it nothing is
        changed: it is tried again by laps.
        """
        if self.pair is None:
            try:
                claimed = await self._pairs.claim()
            except OSError as e:
                if e.errno != errno.EBUSY:
                    raise
                self._why = f"console manager of zone '{self.zone}': {e.strerror}"
                return
            self.pair = claimed.pair
            if claimed.typed:
                self._typedBefore(claimed.typed)
            self.found(claimed)
        if self.pair.subsidiary:
            self._link.make(self.pair.subsidiary)
        else:
            self._link.remove()

    def hold(self) -> None:
        """
        Hold the subsidiary open, and notice when that hold is dead.
        """
        if self.pair is not None:
            self._hold.take()

    def holdAnew(self) -> bool:
        """
        Take a live hold in a dead one's place.

        @return: whether there is one now.
        """
        return self._hold.takeAnew()

    def release(self) -> None:
        """
        Let the subsidiary go.
        """
        self._hold.release()

    async def remove(self) -> tuple[int, int]:
        """
        Remove the link and the pair.
        """
        self._hold.askNoMore()
        pair, self.pair = self.pair, None
        removed, found = await self._pairs.remove(pair)
        if removed == found:
            self._link.remove()
        return removed, found

    # As what hears of the nexus.

    def found(self, claimed: Claimed) -> None:
        """
        The pair is ours; an earlier server may have had it.
        """
        if isinstance(self.states, PostedStates):
            self.states.found(claimed.note)

    def foundAgain(self, claimed: Claimed) -> None:
        """
        The nexus has been there anew, and had the pair.
        """

    def facts(self) -> dict[str, Any]:
        """
        What a nexus is to know of the zone's process.
        """
        return {}

    def began(self, pid: int, why: str) -> None:
        """
        Nothing was started by us.
        """

    def ended(self, pid: int, code: int | None, number: int | None) -> None:
        """
        Nothing was started by us.
        """

    def lost(self) -> None:
        """
        The nexus has ended: what it held is handed to another one.
        """
        self._handing.begin()

    # Inside.

    def _tryAgain(self, turn: int) -> bool:
        """
        Have whoever waits to write try it; does anybody wait still?
        """
        manager, held = self._manager, self._hold.fd
        return manager is not None and manager.tryAgain(turn, held)

    def _alone(self, work: Coroutine[Any, Any, _T]) -> Deferred[_T]:
        return self._lock.run(Deferred.fromCoroutine, work)

    async def _init(self) -> None:
        for tries in range(1, ASK_TRIES + 1):
            try:
                return await initInstances(self, self.zone, self._reactor)
            except Unanswered:
                # Whoever is there now is asked from the beginning.
                if tries == ASK_TRIES:
                    raise

    async def _destroy(self) -> tuple[int, int]:
        try:
            return await destroyInstances(self, self.zone)
        finally:
            self._hearNoMore()

    async def _leave(self, typed: bytes) -> None:
        self._hold.askNoMore()
        self.release()
        pair, self.pair = self.pair, None
        left = False
        try:
            left = await self._pairs.release(pair, typed)
        finally:
            if typed and not left:
                self._typedBefore(typed)
            self._hearNoMore()

    def _hearNoMore(self) -> None:
        self._handing.stop()
        if self._nexus is not None:
            self._nexus.listenNoMore(self.zone)

    async def _claimAgain(self) -> None:
        try:
            await self.makeLinks()
            self.hold()
        except (OSError, DeviceError) as e:
            why = getattr(e, "strerror", None) or str(e)
            self._why = f"console manager of zone '{self.zone}': {why}"

    async def _keepOn(self, pair: PtyInstance) -> None:
        """
        Have a nexus keep our pair: one that a service manager has started again may
        have it already.
        """
        try:
            claimed = await self._pairs.claim()
        except OSError as e:
            if e.errno != errno.ENXIO:
                raise
            await self._pairs.adopt(pair, self.facts())
            return
        claimed.pair.close()
        self.foundAgain(claimed)

    async def _handOver(self) -> None:
        if self.pair is not None:
            await self._keepOn(self.pair)


def _drop(typed: bytes) -> None:
    """
    Nobody keeps anything that was typed.
    """


def makeDriver(
    reactor: DescriptorReactor,
    zone: str,
    rundir: RunDirectory,
    options: DriverOptions,
    events: IZoneEvents,
) -> IConsoleDriver:
    """
    A pty driver, which runs nothing and hears of events from outside alone.
    """
    return PtyDriver(reactor, zone, rundir)
