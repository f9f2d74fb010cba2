# -*- test-case-name: zcons_twisted.test.test_pty -*-
"""
The pty driver: pty pairs as console devices.

The manager is the pair's master.  The subsidiary is linked at
C{<rundir>/zcons/<zone>/zoneconsole} for whatever runs as the zone, and it is always
held open here, for otherwise the zone's last close would hang the manager up.

What a zone can do to it costs it nothing: C{vhangup} makes our hold a dead one, which
is noticed and replaced by C{TIOCGPTPEER}, never by a path that a zone can touch.
"""

from __future__ import annotations

import errno
import os

from twisted.internet.defer import Deferred, execute
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from zope.interface import implementer

from ..errors import DeviceError
from ..events import ZoneEvent, ZoneState, stateAfter
from ..hangup import HangupWatch
from ..interfaces import (
    DriverOptions,
    IConsoleDriver,
    IDeviceReceiver,
    IManagerDevice,
    IZoneEvents,
    IZoneLife,
    IZoneStates,
)
from ..notices import escaped
from ..reactors import DescriptorReactor
from ..rundir import RunDirectory
from .instances import destroyInstances, initInstances
from .manager import PtyManager
from ..nexus.pair import PtyInstance, allowOthers, unstick

__all__ = [
    "ASK_SECONDS",
    "HANGUP_SECONDS",
    "LINK_NAME",
    "PostedStates",
    "PtyDriver",
    "makeDriver",
]

#: The name of the link to the subsidiary, illumos' own.
LINK_NAME = "zoneconsole"

#: Seconds between two lines in the log that tell of hang-ups.
HANGUP_SECONDS = 60.0

#: Seconds from one look to the next, after a hang-up, whether the pty takes input
#: again; the last for as long as some waits.
ASK_SECONDS = (0.02, 0.1, 0.5, 1.0)


@implementer(IZoneStates)
class PostedStates:
    """
    The state of a zone of which nothing but its events is known.
    """

    def __init__(self, state: ZoneState = ZoneState.INSTALLED) -> None:
        """
        @param state: what it is until an event says otherwise.
        """
        self._state = state

    def state(self) -> ZoneState:
        """
        As the last event left it.
        """
        return self._state

    def posted(self, event: ZoneEvent) -> None:
        """
        An event may change it.
        """
        self._state = stateAfter(event, self._state)


@implementer(IConsoleDriver)
class PtyDriver:
    """
    The console device of one zone, as a pty pair of this process.

    It is also the store of its instances, of which there is at most one here.

    @ivar path: the link by which the zone finds the subsidiary.
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
        self._reactor = reactor
        self._directory = rundir.deviceDirectory(zone)
        self.path = os.path.join(self._directory, LINK_NAME)
        self._instances: list[PtyInstance] = []
        self._held = -1
        self._hangups = 0
        self._tellAfter = 0.0
        self._asking: IDelayedCall | None = None
        self._watch: HangupWatch | None = None
        self._manager: PtyManager | None = None

    # As a driver.

    def init(self) -> Deferred[None]:
        """
        See L{IConsoleDriver}.
        """
        return Deferred.fromCoroutine(initInstances(self, self.zone, self._reactor))

    def destroy(self) -> Deferred[tuple[int, int]]:
        """
        See L{IConsoleDriver}.
        """
        return execute(destroyInstances, self, self.zone)

    def open(self, receiver: IDeviceReceiver) -> IManagerDevice:
        """
        See L{IConsoleDriver}.
        """
        if not self._instances:
            raise DeviceError(f"zone '{self.zone}' has no console device")
        if self._manager is not None and self._manager.isOpen:
            raise DeviceError(
                f"console manager of zone '{self.zone}': {os.strerror(errno.EBUSY)}"
            )
        try:
            fd = os.dup(self._instances[0].master)
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
        if not self._instances:
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        try:
            return self._instances[0].openSubsidiary()
        except OSError as e:
            if e.errno != errno.EBUSY or self._held == -1:
                raise
        # The zone has claimed exclusive use, which whoever has it open may undo.
        allowOthers(self._held)
        return self._instances[0].openSubsidiary()

    def terminalSession(self) -> int:
        """
        The session whose controlling terminal the subsidiary is, or 0 where it is
        nobody's.
        """
        return self._instances[0].terminalSession() if self._instances else 0

    def drain(self) -> int:
        """
        Take what the zone has printed and nobody has read yet, held or not.

        @return: how many bytes it was.
        """
        if self._manager is None or not self._manager.isOpen:
            return 0
        return self._manager.drain()

    # As a store.

    def count(self) -> int:
        """
        How many instances there are.
        """
        return len(self._instances)

    def create(self) -> None:
        """
        Make one.
        """
        self._instances.append(PtyInstance(self.zone))

    def makeLinks(self) -> None:
        """
        Link the subsidiary, in one step, whatever was there.
        """
        os.makedirs(self._directory, exist_ok=True)
        fresh = f"{self.path}.new"
        if os.path.lexists(fresh):
            os.unlink(fresh)
        os.symlink(self._instances[0].subsidiary, fresh)
        os.replace(fresh, self.path)

    def hold(self) -> None:
        """
        Hold the subsidiary open, and notice when that hold is dead.
        """
        fresh = self.openSubsidiary()
        self.release()
        self._held = fresh
        self._watch = HangupWatch(self._reactor, fresh, self._hungUp)

    def holdAnew(self) -> bool:
        """
        Take a live hold in a dead one's place.

        @return: whether there is one now.
        """
        try:
            self.hold()
        except OSError as e:
            self._log.error(
                "{zone}: the subsidiary can't be held: {error}",
                zone=self.zone,
                error=e.strerror,
            )
            return False
        return True

    def release(self) -> None:
        """
        Let the subsidiary go.
        """
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        if self._held != -1:
            os.close(self._held)
            self._held = -1

    def remove(self) -> tuple[int, int]:
        """
        Remove the link and the pair.
        """
        self._askNoMore()
        found = len(self._instances)
        while self._instances:
            self._instances.pop().close()
        for remove, path in (
            (os.unlink, self.path),
            (os.rmdir, self._directory),
            (os.rmdir, os.path.dirname(self._directory)),
        ):
            try:
                remove(path)
            except OSError as e:
                # Other zones have their links beside ours.
                if e.errno not in (errno.ENOENT, errno.ENOTEMPTY):
                    self._log.warn(
                        "{path} stays: {error}", path=escaped(path), error=e.strerror
                    )
        return found, found

    def _hungUp(self) -> None:
        self._watch = None
        self._askNoMore()
        self._tellHangup()
        self.holdAnew()
        self._askAgain(0)

    def _askAgain(self, turn: int) -> None:
        """
        A hang-up empties a pty at some moment while it happens, or leaves it stuck, and
        tells neither those who wait to write.
        """
        self._asking = None
        if self._held == -1:
            return
        waits = self._manager is not None and self._manager.askAgain()
        if waits and turn > 0 and unstick(self._held):
            self._log.warn(
                "{zone}: the hang-up left the console stuck: it is emptied",
                zone=self.zone,
            )
        if waits or turn < len(ASK_SECONDS):
            wait = ASK_SECONDS[min(turn, len(ASK_SECONDS) - 1)]
            self._asking = self._reactor.callLater(wait, self._askAgain, turn + 1)

    def _askNoMore(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _tellHangup(self) -> None:
        """
        Tell of a hang-up in the log, but of a zone that makes a game of it only once in
        L{HANGUP_SECONDS}.
        """
        self._hangups += 1
        now = self._reactor.seconds()
        if now >= self._tellAfter:
            self._log.info(
                "{zone}: the console was hung up, {count} times since last told;"
                " holding anew",
                zone=self.zone,
                count=self._hangups,
            )
            self._hangups = 0
            self._tellAfter = now + HANGUP_SECONDS


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
