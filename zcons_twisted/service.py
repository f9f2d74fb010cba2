# -*- test-case-name: zcons_twisted.test.test_service -*-
"""
L{ZoneConsoleService}: one zone's console as a service.

What a zone needs is acquired in this order: the run directory and the lock, the
device and the doors, and then the zone's own process.  It is released in the opposite
order, but for the sessions, which stay until the zone is down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from .console import Console
from .credentials import Admission
from .doors.both import BothDoors
from .doors.listening import checkSocket
from .drivers.account import haltFor
from .drivers.maker import findDriverMaker
from .errors import LifecycleError, ZConsError
from .events import ZoneEvent
from .interfaces import (
    IAdjustableDriver,
    IConsoleDriver,
    ILastingLife,
    IMendableDriver,
    IOutlivingDriver,
    IZoneEvents,
    IZoneLife,
)
from .names import checkZoneName
from .notices import escaped
from .reactors import ServerReactor
from .rundir import RunDirectory
from .server_parts import ServerParts
from .sessions import EndReason
from .zone_config import ZoneConfig
from .zone_files import ZoneFiles

__all__ = ["ZoneConsoleService"]

_T = TypeVar("_T")


@implementer(IZoneEvents)
class ZoneConsoleService(Service):
    """
    One zone's console as a service.

    C{startService} acquires everything or raises L{ZConsError}; C{stopService}
    returns a Deferred that fires when everything is released.  Both can be repeated.

    @ivar config: which zone, and how; see L{change}.
    @ivar console: the console, from the first start on.
    @ivar keep: when it stops, the zone is left as it is, if a nexus keeps its device.
    @ivar again: when it has stopped, the zone will be served again at once.
    """

    _log = Logger()

    console: Console

    def __init__(
        self,
        reactor: ServerReactor,
        config: ZoneConfig,
        rundir: RunDirectory,
        gid: int | None = None,
        onDeath: Callable[[ZoneConsoleService], None] | None = None,
        parts: ServerParts | None = None,
    ) -> None:
        """
        @param reactor: the one that everything runs in.
        @param config: which zone, and how.
        @param rundir: where its sockets and links are.
        @param gid: a group that may use them besides the server's user and root.
        @param onDeath: called when the zone is down, nobody is attached, and the
            console is not to stay; where L{None}, the service stops itself.
        @param parts: what it shares with the other zones of its server; where
            L{None}, there are none.
        @raise BadZoneName: the zone can't be called so.
        """
        self.zone = checkZoneName(config.name)
        self.setName(f"zone {config.name}")
        self._reactor = reactor
        self.config = config
        self._rundir = rundir
        self._admission = Admission.ours(gid)
        self._onDeath = onDeath
        self._parts = parts or ServerParts.make(reactor)
        self.keep = self.again = False
        self._files = ZoneFiles(rundir, self.zone, gid, self._parts.signal)
        self._driver: IConsoleDriver | None = None
        self._doors: BothDoors | None = None
        self._deviceReady: Deferred[None] | None = None
        self._stopping: list[Deferred[None]] = []

    def check(self) -> None:
        """
        Could the zone be served here now?  Acquires nothing.

        @raise ZConsError: it could not.
        """
        self._files.check()
        if not self.running:
            for path in (
                self._rundir.consoleSocket(self.zone),
                self._rundir.controlSocket(self.zone),
            ):
                checkSocket(path, self.zone, self._parts.passed)
        self._makeDriver()

    def usesNexus(self) -> bool:
        """
        Will the zone's device be kept by a nexus?
        """
        return self._parts.nexus is not None and IOutlivingDriver.providedBy(
            self._makeDriver()
        )

    def privilegedStartService(self) -> None:
        """
        Acquire everything, and boot nothing yet: so all zones of a server are there
        or none is.

        @raise ZConsError: it can't be had.
        """
        super().privilegedStartService()
        if self._driver is not None:
            return
        try:
            self._acquire()
        except Exception:
            self._releaseDevice()
            raise

    def startService(self) -> None:
        """
        Serve the zone, and boot it if it is ours to boot.

        @raise ZConsError: it can't be served.
        """
        if self._stopping:
            raise LifecycleError(
                f"zone '{self.zone}' is still being stopped: wait for the Deferred of"
                " stopService"
            )
        if self.running:
            return
        if self._driver is None:
            self.privilegedStartService()
        super().startService()
        if self._ownLife() is not None and self._deviceReady is not None:
            self._deviceReady.addCallback(lambda _ignored: self._boot())

    def stopService(self) -> Deferred[None]:
        """
        End the sessions, halt what was booted, and release everything.
        """
        super().stopService()
        if self._driver is None:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._stopping.append(done)
        if len(self._stopping) == 1:
            Deferred.fromCoroutine(self._release())
        return done

    def whenServed(self) -> Deferred[None]:
        """
        When its doors are open, or it can't be served after all.
        """
        if self._deviceReady is None:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._deviceReady.addBoth(lambda _ignored: done.callback(None))
        return done

    def change(self, config: ZoneConfig) -> None:
        """
        Change what can be changed while the zone is served.

        @param config: differs from L{config} in nothing else.
        """
        self.config = config
        self.console.onHalt = config.onHalt
        if IAdjustableDriver.providedBy(self._driver):
            IAdjustableDriver(self._driver).adjust(config.options)

    def adjusts(self) -> bool:
        """
        Can the driver's options be changed while the zone is served?
        """
        return bool(IAdjustableDriver.providedBy(self._driver))

    def mend(self) -> bool:
        """
        Make again what somebody has removed of the zone's sockets, of what they need
        and of its link.  The zone and its sessions notice nothing.

        @return: whether there were any.
        @raise ZConsError: that can't be done.
        """
        if self._doors is None or not self._doors.areOpen:
            return False
        self._files.mend()
        found = self._doors.mend()
        if IMendableDriver.providedBy(self._driver):
            found |= IMendableDriver(self._driver).mend()
        return found

    def event(self, event: ZoneEvent, arguments: str = "") -> None:
        """
        Tell the console that something happened to the zone.

        @param arguments: the boot arguments that belong to it, or why it happened.
        """
        self.console.event(event, arguments)

    def lifeEnded(self, unread: int) -> None:
        """
        See L{IZoneEvents}.
        """
        self.console.lifeEnded(unread)

    # Inside.

    def _makeDriver(self) -> IConsoleDriver:
        maker = findDriverMaker(self.config.driver)
        driver = maker.driver(
            self._reactor, self.zone, self._rundir, self.config.options, self
        )
        self._parts.equip(driver, self._typedBefore)
        return driver

    def _acquire(self) -> None:
        driver = self._makeDriver()
        history = self._files.acquire(self.config.history, self._parts.now)
        self.console = Console(
            self.zone,
            driver.states,
            self.config.onHalt,
            self._parts.now,
            self._died,
            history,
            self._reactor,
            self._parts.logQueue,
        )
        self._driver = driver
        self._parts.prepare(driver, history.end > 0)
        failed: list[Failure] = []
        ready = driver.init().addCallback(lambda _ignored: self._openDoors(driver))
        # What fails at once is raised; what takes longer is told in the log.
        ready.addErrback(failed.append)
        if failed:
            failed[0].raiseException()
        self._deviceReady = ready
        ready.addCallback(lambda _ignored: self._failedLate(driver, failed))

    def _typedBefore(self, typed: bytes) -> None:
        self.console.seat.typedBefore(typed)

    def _openDoors(self, driver: IConsoleDriver) -> None:
        if self._driver is not driver:
            # Stopped while the device came up.
            return
        self._doors = BothDoors(
            self._reactor, self.console, driver, self._admission, self._parts
        )
        self._doors.open(self._rundir, self.zone)
        self._log.info(
            "{zone}: console is served, device {device}",
            zone=self.zone,
            device=escaped(driver.path),
        )

    def _failedLate(self, driver: IConsoleDriver, failed: list[Failure]) -> None:
        if failed and self._driver is driver:
            if failed[0].check(ZConsError):
                self._log.error(
                    "{zone}: can't be served: {error}",
                    zone=self.zone,
                    error=failed[0].getErrorMessage(),
                )
            else:
                self._log.failure("{zone}: can't be served", failed[0], zone=self.zone)
            self._died()

    def _ownLife(self) -> IZoneLife | None:
        """
        The zone's life, if it begins and ends with this service.
        """
        life = self._driver.life if self._driver is not None else None
        return None if ILastingLife.providedBy(life) else life

    def _boot(self) -> None:
        life, outliving = self._ownLife(), self._outliving()
        if outliving is not None and outliving.resumed:
            self._log.info("{zone}: found as it was left", zone=self.zone)
        elif self.running and life and self._doors and self._doors.areOpen:
            booted = life.boot("")
            # Told as an event and in the log already.
            booted.addErrback(lambda failure: failure.trap(ZConsError) and None)

    async def _release(self) -> None:
        """
        Everything, in the opposite order; one part's failure keeps no other.  Who is
        attached stays until the zone is down, and sees it go.
        """
        # Whatever happens from here on, it does not end the console a second time.
        self.console.dying = True
        # What is found in the nexus belongs to the zone that is to be halted, too.
        await self._deviceSettled()
        for what, release in (
            ("control socket", self._closeControl),
            ("zone", self._halt),
            ("console socket", self._closeConsole),
        ):
            try:
                await release()
            except Exception:
                self._log.failure(
                    "{zone}: while releasing the {what}", zone=self.zone, what=what
                )
        await self._releaseDevice()
        stopping, self._stopping = self._stopping, []
        for done in stopping:
            done.callback(None)

    def _outliving(self) -> IOutlivingDriver | None:
        """
        The driver, if its device outlives this process.
        """
        if self._driver is None or not IOutlivingDriver.providedBy(self._driver):
            return None
        driver = IOutlivingDriver(self._driver)
        return driver if driver.outlives else None

    def _deviceSettled(self) -> Deferred[None]:
        ready, settled = self._deviceReady, Deferred[None]()
        if ready is None or self._outliving() is None:
            return succeed(None)

        def pass_(result: _T) -> _T:
            settled.callback(None)
            return result

        ready.addBoth(pass_)
        return settled

    async def _closeControl(self) -> None:
        if self._doors is not None:
            await self._doors.closeControl()

    async def _closeConsole(self) -> None:
        if self._doors is not None:
            outlives = self._outliving() is not None
            goesOn = outlives or self._ownLife() is None
            self.console.handsOver = self.keep and outlives
            if self.again or (self.keep and goesOn):
                self.console.endAll(EndReason.RESTARTING, "the server restarts")
            await self._doors.closeConsole()

    async def _halt(self) -> None:
        stays = self.keep and self._outliving() is not None
        life = None if stays else self._ownLife()
        if life is not None:
            await haltFor(life, "the server, which stops")

    def _releaseDevice(self) -> Deferred[None]:
        """
        What is left when the doors are closed and nothing runs.
        """
        if self._doors is not None:
            self._doors.end()
            self._doors = None
        gone: Deferred[Any] = succeed(None)
        outliving = self._outliving()
        if outliving is not None and self.keep:
            gone = outliving.leave(self.console.seat.giveTyped())
        elif self._driver is not None:
            gone = self._driver.destroy()
        self._driver = self._deviceReady = None
        gone.addErrback(
            lambda failure: self._log.failure(
                "{zone}: while removing the device", failure, zone=self.zone
            )
        )
        return gone.addCallback(lambda _ignored: self._releaseFiles())

    def _releaseFiles(self) -> None:
        if self._files.history is not None:
            self.console.close()
        self._files.release()

    def _died(self) -> None:
        if self._onDeath is not None:
            self._onDeath(self)
        else:
            # Not from within the console's own call.
            self._reactor.callLater(0, self.stopService)
