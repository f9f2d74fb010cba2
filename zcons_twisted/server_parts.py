# -*- test-case-name: zcons_twisted.test.test_service -*-
"""
What the zones of one server have in common.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .arrivals import Arrivals
from .doors.listening import NO_SOCKETS, PassedSockets
from .handshakes import PendingHandshakes
from .interfaces import IConnectingDriver, IConsoleDriver, IOutlivingDriver
from .log_queue import LogQueue
from .nexus.client import Nexus
from .outcomes import Reload
from .reactors import ServerReactor
from .urgency import Urgency

__all__ = ["ServerParts"]


@dataclass(frozen=True, slots=True)
class ServerParts:
    """
    What a zone shares with the other zones of its server.

    @ivar handshakes: counts pending handshakes.
    @ivar urgency: all that is interactive.
    @ivar logQueue: writes who came and went.
    @ivar arrivals: tells when a file is there that is waited for.
    @ivar now: the time in seconds since the epoch.
    @ivar reload: has the server's configuration read anew.
    @ivar passed: sockets that are there already.
    @ivar nexus: keeps the devices of zones whose drivers can make use of one, so that
        the zones outlive the server; where L{None}, they go with this process.
    @ivar restart: has the server run again, with its zones left as they are.
    @ivar signal: the signal by which the process is had to make sockets again that
        somebody has removed; one of L{REMEDIES<zcons_twisted.lock_file.REMEDIES>}, or
        C{""} where it does not see to signals.
    """

    handshakes: PendingHandshakes
    urgency: Urgency
    logQueue: LogQueue
    arrivals: Arrivals
    now: Callable[[], float]
    reload: Reload | None = None
    passed: PassedSockets = NO_SOCKETS
    nexus: Nexus | None = None
    restart: Callable[[], None] | None = None
    signal: str = ""

    @classmethod
    def make(
        cls,
        reactor: ServerReactor,
        reload: Reload | None = None,
        passed: PassedSockets = NO_SOCKETS,
        nexus: Nexus | None = None,
        restart: Callable[[], None] | None = None,
        now: Callable[[], float] = time.time,
        signal: str = "",
    ) -> ServerParts:
        """
        Those of a new server.

        @param reactor: the one that everything runs in.
        """
        return cls(
            PendingHandshakes(reactor),
            Urgency(),
            LogQueue(reactor, now),
            Arrivals(reactor),
            now,
            reload,
            passed,
            nexus,
            restart,
            signal,
        )

    def equip(
        self, driver: IConsoleDriver, typedBefore: Callable[[bytes], None]
    ) -> None:
        """
        Give a driver what it can make use of.

        @param typedBefore: called with what an earlier server had not given the zone.
        """
        if self.nexus is not None and IOutlivingDriver.providedBy(driver):
            IOutlivingDriver(driver).useNexus(self.nexus, typedBefore)

    def prepare(self, driver: IConsoleDriver, past: bool) -> None:
        """
        The same when it is about to begin.

        @param past: whether an earlier server has left output.
        """
        if IConnectingDriver.providedBy(driver):
            IConnectingDriver(driver).prepare(self.arrivals, past)
