# -*- test-case-name: zcons_twisted.test.test_control_socket -*-
"""
The control door: the socket by which a zone's console is asked things, and told to do
things, from outside.  Whoever is admitted may ask everything.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import ServerFactory

from ..console import Console
from ..credentials import Admission, Credentials, peerCredentials
from ..interfaces import IConsoleDriver
from ..laps import Laps
from ..outcomes import Reload
from ..reactors import ServerReactor
from .control_link import ControlLink
from .control_protocol import ControlProtocol
from .listening import ListeningDoor
from .usernames import UserNames, userNamesInThread

__all__ = ["CONNECTIONS_MAX", "ControlSocket"]

#: Most connections to one control socket; beyond it the one that has been
#: quiet longest is closed.
CONNECTIONS_MAX = 64


class ControlSocket(ListeningDoor):
    """
    The control door of one zone.
    """

    def __init__(
        self,
        reactor: ServerReactor,
        console: Console,
        driver: IConsoleDriver,
        laps: Laps,
        admission: Admission,
        userNames: UserNames | None = None,
        reload: Reload | None = None,
        restart: Callable[[], None] | None = None,
    ) -> None:
        """
        @param reactor: provides descriptors and time.
        @param driver: knows the device and, perhaps, how to boot the zone.
        @param laps: know how the device is.
        @param admission: who may come in.
        @param userNames: finds users' names; in a thread, where L{None}.
        @param reload: has the whole server's configuration read anew.
        @param restart: has the whole server run again.
        """
        super().__init__(reactor, console.zone, admission.gid)
        self._adopter = reactor
        self.reactor: IReactorTime = reactor
        self.console = console
        self.driver = driver
        self.laps = laps
        self.began = console.now()
        self.userNames = userNames or userNamesInThread(reactor)
        self.reload = reload
        self.restart = restart
        self._admission = admission
        # Quiet longest first.
        self._connections: dict[ControlLink, None] = {}
        self._stopping: list[Deferred[None]] = []

    def stop(self) -> Deferred[None]:
        """
        Listen no more and close every connection.

        @return: fires when all are closed.
        """
        self.listenNoMore()
        done: Deferred[None] = Deferred()
        self._stopping.append(done)
        for protocol in list(self._connections):
            if protocol.outlives:
                # It is this stop that its answer is about.
                del self._connections[protocol]
            protocol.leave()
        self._checkClosed()
        return done

    def accepted(self, connection: socket.socket) -> None:
        """
        See L{ListeningDoor}.
        """
        try:
            who = peerCredentials(connection)
            if not self._admission.admits(connection, who):
                self.console.logbook.notAdmitted(who)
                return
            self._adopter.adoptStreamConnection(
                connection.fileno(), socket.AF_UNIX, _Factory(self, who)
            )
        finally:
            connection.close()

    def opened(self, protocol: ControlLink) -> None:
        """
        A connection is there.
        """
        self._connections[protocol] = None
        if len(self._connections) > CONNECTIONS_MAX:
            quiet = [known for known in self._connections if not known.busy]
            victim = (quiet or [protocol])[0]
            # It counts no more, though it takes a turn to be gone.
            del self._connections[victim]
            victim.giveUp()

    def heard(self, protocol: ControlLink) -> None:
        """
        A connection was not quiet.
        """
        if self._connections.pop(protocol, protocol) is None:
            self._connections[protocol] = None

    def closed(self, protocol: ControlLink) -> None:
        """
        A connection has gone.
        """
        self._connections.pop(protocol, None)
        self._checkClosed()

    def _checkClosed(self) -> None:
        while self._stopping and not self._connections:
            self._stopping.pop().callback(None)


class _Factory(ServerFactory):
    """
    Makes the protocol of one connection that is there already.
    """

    noisy = False

    def __init__(self, door: ControlSocket, who: Credentials) -> None:
        self._door = door
        self._who = who

    def buildProtocol(self, addr: IAddress | None) -> ControlProtocol:
        """
        See L{ServerFactory}.
        """
        return ControlProtocol(self._door, self._who)
