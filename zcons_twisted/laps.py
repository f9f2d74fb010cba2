# -*- test-case-name: zcons_twisted.test.test_laps -*-
"""
Laps: opening a zone's device, and opening it again when it failed.

A device that can't be opened, because somebody else has it for example, ends
nothing: it is tried again, each time after a longer wait, for as long as the
console is there.  A device that takes its time to open is waited for.  Where a driver
learns that it could be opened now, it is tried at once.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from .backoff import STEADY_SECONDS, BackOff
from .console import Console
from .errors import DeviceError
from .interfaces import (
    IConnectingDriver,
    IConsoleDriver,
    IDeviceReceiver,
    IManagerDevice,
)
from .urgency import Urgency

__all__ = ["FIRST_WAIT", "LONGEST_WAIT", "NEAR_WAIT", "Laps"]

#: Seconds before the first new try ...
FIRST_WAIT = 0.1
#: ... and at most between two.
LONGEST_WAIT = 30.0
#: The same where the device is near, so that a try costs next to nothing.
NEAR_WAIT = 1.0

#: Seconds until what is there at last is tried: who makes it may have to do a little
#: more, and one that comes and goes all the time is not tried more often than that.
_SOON = 0.01


@implementer(IDeviceReceiver)
class Laps:
    """
    One zone's laps.

    @ivar deviceState: C{open} or C{opening}, or why the device is neither.
    @ivar readFrom: the console's own method, so that a batch takes no detour; and so
        the next four.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        driver: IConsoleDriver,
        console: Console,
        urgency: Urgency | None = None,
        backOff: BackOff | None = None,
    ) -> None:
        """
        @param clock: measures the waits.
        @param driver: opens the device.
        @param console: is served by it.
        @param urgency: all that is interactive in the server.
        """
        self.deviceState = "not open yet"
        self.readFrom = console.readFrom
        self.advanced = console.advanced
        self.output = console.output
        self.batchMax = console.batchMax
        self.writable = console.writable
        self._urgency = urgency or Urgency()
        self.urgent = self._urgency.waits
        self.stillUrgent = self._urgency.stillWaits
        self._clock = clock
        self._driver = driver
        self._console = console
        self._backOff = backOff or BackOff(FIRST_WAIT, _longestWait(driver))
        self._device: IManagerDevice | None = None
        self._opening: Deferred[IManagerDevice] | None = None
        self._openedAt = 0.0
        self._told = ""
        self._again: IDelayedCall | None = None

    def begin(self) -> None:
        """
        Open the device, now or as soon as that is possible.
        """
        self._again = None
        try:
            device = self._driver.open(self)
        except DeviceError as e:
            self._cantOpen(str(e))
            return
        if isinstance(device, Deferred):
            self.deviceState = "opening"
            self._opening = device
            device.addCallbacks(self._opened, self._failedToOpen)
            device.addErrback(self._failedOtherwise)
        else:
            self._opened(device)

    def interactive(self, fd: int, yes: bool) -> None:
        """
        See L{IDeviceReceiver}.
        """
        if yes:
            self._urgency.add(fd)
        else:
            self._urgency.remove(fd)

    def available(self) -> None:
        """
        The device could be opened now.
        """
        self._backOff.reset()
        if self._again is not None:
            left = self._again.getTime() - self._clock.seconds()
            self._again.reset(min(left, _SOON))

    def lost(self, reason: str) -> None:
        """
        The device failed: the lap is over, and the next one begins after a wait.
        """
        self._log.error(
            "{zone}: console manager lost: {reason}",
            zone=self._console.zone,
            reason=reason,
        )
        if self._clock.seconds() - self._openedAt >= STEADY_SECONDS:
            self._backOff.reset()
        self._close()
        self._retry(reason)
        self._console.deviceLost()

    def end(self) -> None:
        """
        No more laps.
        """
        if self._again is not None:
            self._again.cancel()
            self._again = None
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
        self._close()
        self.deviceState = "closed"

    def _opened(self, device: IManagerDevice) -> None:
        self._opening = None
        self._told = ""
        self._device = device
        self._openedAt = self._clock.seconds()
        self.deviceState = "open"
        self._console.deviceOpened(device)

    def _failedToOpen(self, failure: Failure) -> None:
        if self._opening is None:
            # Nobody waits for it any more.
            return
        self._opening = None
        self._cantOpen(failure.getErrorMessage())
        failure.trap(DeviceError)

    def _failedOtherwise(self, failure: Failure) -> None:
        self._log.failure(
            "{zone}: while opening the console manager",
            failure,
            zone=self._console.zone,
        )

    def _cantOpen(self, reason: str) -> None:
        if reason != self._told:
            # What stays the same is logged once.
            self._told = reason
            self._log.error(
                "{zone}: failed to open console manager: {reason}",
                zone=self._console.zone,
                reason=reason,
            )
        self._retry(reason)

    def _retry(self, reason: str) -> None:
        wait = self._backOff.wait()
        self.deviceState = f"{reason}; trying again"
        self._again = self._clock.callLater(wait, self.begin)

    def _close(self) -> None:
        if self._device is not None:
            self._device.close()
            self._device = None


def _longestWait(driver: IConsoleDriver) -> float:
    if IConnectingDriver.providedBy(driver) and IConnectingDriver(driver).near:
        return NEAR_WAIT
    return LONGEST_WAIT
