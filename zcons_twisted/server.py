# -*- test-case-name: zcons_twisted.test.test_server -*-
"""
L{ConsoleServer}: the zones of one server as a service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from .doors.listening import NO_SOCKETS, PassedSockets
from .nexus.client import Nexus
from .outcomes import Outcome, Reload
from .reactors import ServerReactor
from .reloading import changeZones
from .rundir import RunDirectory
from .server_parts import ServerParts
from .service import ZoneConsoleService
from .zone_config import ZoneConfig

__all__ = ["ConsoleServer"]


class ConsoleServer(MultiService):
    """
    The zones of one server.

    @ivar handshakes: counts pending handshakes over all of them.
    @ivar keep: when it stops, the zones that a nexus keeps are left as they are.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: ServerReactor,
        zones: list[ZoneConfig],
        rundir: RunDirectory,
        gid: int | None = None,
        onEmpty: Callable[[], None] | None = None,
        reload: Reload | None = None,
        passed: PassedSockets = NO_SOCKETS,
        nexus: Nexus | None = None,
        onRestart: Callable[[], None] | None = None,
        signal: str = "",
    ) -> None:
        """
        @param reactor: the one that everything runs in.
        @param zones: the zones, each of another name.
        @param rundir: where the sockets and links of all of them are.
        @param gid: a group that may use them besides the server's user and root.
        @param onEmpty: called when the last console has ended by itself.
        @param reload: has the configuration read anew, for those who ask at the
            control door.
        @param passed: sockets that are there already.
        @param nexus: keeps the devices of all zones whose drivers can make use of one,
            so that they outlive this process; where L{None}, they go with it.
        @param onRestart: has all this run again; called when somebody asks for it, and
            when it stops after that, the zones are left as they are.
        @param signal: the signal on which the program that this is a part of calls
            L{change}, C{HUP} or C{USR2}, for those who find a socket gone.
        @raise BadZoneName: a zone can't be called so.
        """
        super().__init__()
        self._reactor = reactor
        self._onEmpty = onEmpty
        self._nexus = nexus
        self._onRestart = onRestart
        self.keep = self._restarts = False
        self._parts = ServerParts.make(
            reactor,
            reload,
            passed,
            nexus,
            self.restart if nexus and onRestart else None,
            signal=signal,
        )
        self.handshakes = self._parts.handshakes
        self._rundir = rundir
        self._gid = gid
        for config in zones:
            self.make(config).setServiceParent(self)

    def make(self, config: ZoneConfig) -> ZoneConsoleService:
        """
        The service of a zone that is to be served here, and is not yet.

        @raise BadZoneName: it can't be called so.
        """
        return ZoneConsoleService(
            self._reactor, config, self._rundir, self._gid, self._zoneDied, self._parts
        )

    def change(self, zones: Iterable[ZoneConfig]) -> Deferred[Outcome]:
        """
        Serve these zones from now on, and no others.  Those that have not changed are
        not touched.

        @return: fails with L{ZConsError<zcons_twisted.errors.ZConsError>} where a new
            zone can't be served, and nothing has changed.
        """
        return Deferred.fromCoroutine(
            changeZones(
                self, self.zones(), zones, self.make, self._reactor, self._nexus
            )
        )

    def zones(self) -> list[ZoneConsoleService]:
        """
        The zones that are served, in the order that they were given.
        """
        return [service for service in self if isinstance(service, ZoneConsoleService)]

    def check(self) -> None:
        """
        Could all zones be served now?  Acquires nothing.

        @raise ZConsError: one could not.
        """
        for zone in self.zones():
            zone.check()

    def privilegedStartService(self) -> None:
        """
        Acquire what all zones need, or nothing.

        @raise ZConsError: one zone can't have it.
        """
        try:
            super().privilegedStartService()
        except Exception:
            self.stopService()
            raise

    def startService(self) -> None:
        """
        Serve all zones.

        @raise ZConsError: one can't be served; then none is.
        """
        self.privilegedStartService()
        super().startService()

    def restart(self) -> None:
        """
        Leave the zones as they are, and run again.
        """
        self.keep = self._restarts = True
        if self._onRestart is not None:
            self._onRestart()

    def stopService(self) -> Deferred[None]:
        """
        Stop all zones, all at the same time.
        """
        Service.stopService(self)
        for zone in self.zones():
            zone.keep, zone.again = self.keep, self._restarts
        stopped = [zone.stopService() for zone in reversed(self.zones())]
        done: Deferred[None] = gatherResults(stopped).addCallback(lambda _all: None)
        if self._nexus is not None:
            nexus = self._nexus
            done.addCallback(lambda _ignored: Deferred.fromCoroutine(nexus.leave()))
        return done

    def _zoneDied(self, zone: ZoneConsoleService) -> None:
        self._reactor.callLater(0, self._remove, zone)

    def _remove(self, zone: ZoneConsoleService) -> None:
        if not self.running or zone not in self.zones():
            return
        removed: Deferred[None] = zone.stopService()
        removed.addCallback(lambda _ignored: self._removed(zone))

    def _removed(self, zone: ZoneConsoleService) -> None:
        zone.disownServiceParent()
        if not self.zones() and self._onEmpty is not None:
            self._onEmpty()
