# -*- test-case-name: zcons_twisted.test.test_illumos_driver -*-
"""
The zcons driver: the console of a zone of the system, in C{zoneadmd}'s place.

The device belongs to the zone, not to the server: it is removed only when there is no
zone in the kernel.  A server that stops while its zone runs leaves it as it is, and the
next one, or C{zoneadmd}, goes on with it.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, execute
from twisted.logger import Logger
from zope.interface import implementer

from ...errors import BadOption, DeviceError
from ...interfaces import (
    DriverOptions,
    IConsoleDriver,
    IDeviceReceiver,
    IManagerDevice,
    IZoneEvents,
    IZoneLife,
    IZoneStates,
)
from ...reactors import DescriptorReactor
from ...rundir import RunDirectory
from ..instances import destroyInstances, initInstances
from .devices import ConsoleDevices, FileCalls, SystemFileCalls
from .loader import Loader, SystemLoader
from .manager import StreamsManager
from .states import WatchedStates
from .tree import DeviceTree
from .zones import Zones

__all__ = ["ZconsDriver", "makeDriver"]


@implementer(IConsoleDriver)
class ZconsDriver:
    """
    The console device of one zone of the system.

    @ivar path: the zone's end, as the global zone sees it.
    """

    _log = Logger()

    kind = "zcons"
    life: IZoneLife | None = None

    def __init__(
        self,
        reactor: DescriptorReactor,
        zone: str,
        events: IZoneEvents,
        loader: Loader | None = None,
        calls: FileCalls | None = None,
    ) -> None:
        """
        @param reactor: provides time and descriptors.
        @param zone: the zone's name.
        @param events: is told of what happens to the zone.
        @param loader: knows where the libraries are; the system's own, where L{None}.
        @param calls: the system calls; the system's own, where L{None}.
        @raise BadOption: this system has no zones, or not this one.
        """
        chosen = loader or SystemLoader()
        try:
            tree = DeviceTree(chosen)
            zones = Zones(chosen)
        except OSError as e:
            raise BadOption(
                f"zone '{zone}': the zcons driver is for illumos alone: {e}"
            ) from None
        self.zone = zone
        self._reactor = reactor
        self._zones = zones
        self._served = False
        self._devices = ConsoleDevices(zone, tree, calls or SystemFileCalls())
        self._watched = WatchedStates(reactor, zone, zones.look, events)
        self.states: IZoneStates = self._watched
        self.path = self._devices.path
        self._checkZone()

    # As a driver.

    def count(self) -> Deferred[int]:
        """
        See L{IConsoleDriver}.
        """
        return execute(self._devices.count)

    def init(self) -> Deferred[None]:
        """
        See L{IConsoleDriver}.
        """
        self._served = True
        return Deferred.fromCoroutine(self._init())

    def destroy(self) -> Deferred[tuple[int, int]]:
        """
        See L{IConsoleDriver}.  A zone that is in the kernel keeps its device.
        """
        # It may still be coming up.
        self._served = False
        self._devices.settle()
        self._watched.end()
        return Deferred.fromCoroutine(self._destroy())

    def hold(self) -> None:
        """
        See L{IConsoleDriver}.
        """
        try:
            self._devices.hold()
        finally:
            self._devices.settle()

    def release(self) -> None:
        """
        See L{IConsoleDriver}.
        """
        self._devices.release()

    def open(self, receiver: IDeviceReceiver) -> IManagerDevice:
        """
        See L{IConsoleDriver}.
        """
        try:
            fd = self._devices.openToServe()
        except OSError as e:
            raise DeviceError(
                f"console manager of zone '{self.zone}': {e.strerror or e}"
            ) from None
        return StreamsManager(self._reactor, fd, receiver)

    # Inside.

    def _checkZone(self) -> None:
        try:
            unknown = self._zones.look(self.zone).state is None
        except OSError:
            # It is looked at again, and told, when the zone is served.
            return
        if unknown:
            raise BadOption(
                f"zone '{self.zone}' unknown: 'zoneadm list -c' tells those that"
                " there are"
            )

    async def _init(self) -> None:
        try:
            await initInstances(self._devices, self.zone, self._reactor)
        finally:
            self._devices.settle()
        if self._served:
            self._watched.begin()

    async def _destroy(self) -> tuple[int, int]:
        try:
            lives = self._zones.look(self.zone).alive
        except OSError as e:
            self._log.warn(
                "{zone}: {error}; its console device stays",
                zone=self.zone,
                error=str(e),
            )
            lives = True
        if lives:
            self._log.info("{zone}: its console device stays", zone=self.zone)
            return 0, 0
        return await destroyInstances(self._devices, self.zone)


def makeDriver(
    reactor: DescriptorReactor,
    zone: str,
    rundir: RunDirectory,
    options: DriverOptions,
    events: IZoneEvents,
) -> IConsoleDriver:
    """
    A zcons driver, with the system's libraries.

    @raise BadOption: this system has no zones, or not this one.
    """
    return ZconsDriver(reactor, zone, events)
