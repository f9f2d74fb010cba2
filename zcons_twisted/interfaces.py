# -*- test-case-name: zcons_twisted.test.test_interfaces -*-
"""
What a driver and a console device must offer; what a zone's life must is in
L{zcons_twisted.zone_interfaces}, and can be had from here as well.

A driver of one's own is a plugin: an object that provides L{IConsoleDriverMaker} in
a module under C{twisted/plugins}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.plugin import IPlugin
from zope.interface import Attribute, Interface

from .driver_options import DriverOptions
from .zone_interfaces import (
    IAccountableLife,
    ILastingLife,
    IZoneConnection,
    IZoneEvents,
    IZoneLife,
    IZonePresence,
    IZoneReady,
    IZoneShutdown,
    IZoneStates,
)

if TYPE_CHECKING:
    from .arrivals import Arrivals
    from .nexus.client import Nexus
    from .rundir import RunDirectory

__all__ = [
    "DriverOptions",
    "IAccountableLife",
    "IAdjustableDriver",
    "IConnectingDriver",
    "IConsoleDriver",
    "IConsoleDriverMaker",
    "IDeviceReceiver",
    "ILastingLife",
    "IManagerDevice",
    "IMendableDriver",
    "IOutlivingDriver",
    "IZoneConnection",
    "IZoneEvents",
    "IZoneLife",
    "IZonePresence",
    "IZoneReady",
    "IZoneShutdown",
    "IZoneStates",
]


class IDeviceReceiver(Interface):
    """
    Who hears of what a console device does.
    """

    def readFrom(fd: int, most: int) -> int:
        """
        Read a device's descriptor once, straight into the history.

        @param most: how many bytes at most.
        @return: how many came.
        @raise OSError: what the read raised.
        """

    def advanced() -> None:
        """
        Something was read so: it is to be told.
        """

    def output(data: bytes) -> None:
        """
        The zone printed something, on a device that has no descriptor to read.
        """

    def batchMax() -> int:
        """
        Most bytes that are to be read before they are told.
        """

    def urgent() -> bool:
        """
        Is something interactive waiting, so that a batch should end?
        """

    def stillUrgent() -> bool:
        """
        Was there when it was asked last, of this device or of another, and is there
        still?  Then a device that floods should give way for a turn of the reactor.
        """

    def interactive(fd: int, yes: bool) -> None:
        """
        What comes from this descriptor is interactive from now on, or is not: because
        it floods, because it is not read for now, or because it is to be closed.
        """

    def writable() -> None:
        """
        More input can be written, after L{IManagerDevice.wantWritable}.
        """

    def available() -> None:
        """
        The device could not be opened, and could be now: it is worth a try.
        """

    def lost(reason: str) -> None:
        """
        The device failed and is of no more use; it calls nothing after this.

        @param reason: why, in one line.
        """


class IManagerDevice(Interface):
    """
    Our end of a console device, open.  It begins paused.
    """

    def pauseReading() -> None:
        """
        Take no more output from the zone, which waits when its buffers are full.
        """

    def resumeReading() -> None:
        """
        Take output again.
        """

    def writeNow(data: bytes) -> int:
        """
        Write input as far as that is possible without waiting.

        @return: how many bytes were taken.
        """

    def wantWritable() -> None:
        """
        Ask for one call of L{IDeviceReceiver.writable} when more can be written.
        """

    def setWindow(rows: int, columns: int) -> None:
        """
        Tell the zone the size of the operator's terminal; nothing where a device has
        no size.
        """

    def sendBreak() -> None:
        """
        Send a break.

        @raise DeviceError: the device has none.
        """

    def close() -> None:
        """
        Close our end.  The zone does not notice.
        """


class IConsoleDriver(Interface):
    """
    What makes, finds, holds and removes the console device of one zone.
    """

    kind = Attribute("The driver's name, as in C{--driver}.")
    path = Attribute("Where the zone finds the subsidiary.")
    states = Attribute("An L{IZoneStates}.")
    life = Attribute("An L{IZoneLife}, or L{None} for a zone that others run.")

    def count() -> Deferred[int]:
        """
        How many device instances carry this zone's name; one is right.
        """

    def init() -> Deferred[None]:
        """
        Make sure that there is exactly one instance, that its links are there and
        that its subsidiary is held.

        @raise DeviceError: that can't be had; the Deferred fails.
        """

    def destroy() -> Deferred[tuple[int, int]]:
        """
        Release the subsidiary and remove every instance.

        @return: how many were removed, and how many there were.
        """

    def hold() -> None:
        """
        Hold the subsidiary open, so that the zone's last close is no hang-up.
        """

    def release() -> None:
        """
        Let the subsidiary go.
        """

    def open(receiver: IDeviceReceiver) -> IManagerDevice | Deferred[IManagerDevice]:
        """
        Open the manager, at once or as soon as something has answered.  A Deferred may
        be cancelled: then nothing of it stays open.

        @raise DeviceError: it can't be opened now; or the Deferred fails with it.
        """


class IAdjustableDriver(Interface):
    """
    A driver whose options can be changed while its zone is served.  For any other, the
    zone is stopped and started when they change.
    """

    def adjust(options: DriverOptions) -> None:
        """
        These are its options from now on.

        @param options: differ from those before only in what the table of
            L{zcons_twisted.zone_options} calls live.
        """


class IMendableDriver(Interface):
    """
    What a driver may be besides: one that has something in the run directory by which
    the zone is found.
    """

    def mend() -> bool:
        """
        Make it again where somebody has removed it.

        @return: whether that was so.
        @raise DeviceError: it can't be made.
        """


class IOutlivingDriver(Interface):
    """
    What a driver may be besides: one whose device, with the zone on it, outlives the
    server where a nexus keeps it.
    """

    outlives = Attribute("Whether a nexus keeps it.")
    keeper = Attribute("The nexus' process, or 0 where there is none now.")
    resumed = Attribute(
        "Whether the zone was found as an earlier server left it, so that it is not"
        " booted when this one begins."
    )

    def useNexus(nexus: Nexus, typedBefore: Callable[[bytes], None]) -> None:
        """
        Have the device kept by a nexus.  Called before anything else, if at all.

        @param typedBefore: called with what was typed and waited for the zone when an
            earlier server left; before anything is told of the zone as it is now.
        """

    def leave(typed: bytes) -> Deferred[None]:
        """
        Let go of the device and leave it, and what runs on it, to the next server.

        @param typed: what was typed and waits for the zone; given back by
            C{typedBefore}, if it can't be left.
        """


class IConnectingDriver(Interface):
    """
    What a driver may be besides: one whose device others make, and which connects to
    that.
    """

    near = Attribute("Whether it may be tried often, for that costs next to nothing.")

    def prepare(arrivals: Arrivals, past: bool) -> None:
        """
        Called before C{init}.

        @param arrivals: tells when a file is there.
        @param past: whether an earlier server has left output, to which that of a new
            connection does not follow on.
        """


class IConsoleDriverMaker(IPlugin):
    """
    A plugin that makes drivers of one kind.
    """

    name = Attribute("What it is called in C{--driver}.")
    description = Attribute("One line for people.")

    def driver(
        reactor: object,
        zone: str,
        rundir: RunDirectory,
        options: DriverOptions,
        events: IZoneEvents,
    ) -> IConsoleDriver:
        """
        Make the driver for one zone; it acquires nothing yet.

        @param reactor: provides time, descriptors and processes.
        @param events: is told of what happens to the zone, where this driver
            knows of it.
        @raise BadOption: the options don't suit this driver.
        """
