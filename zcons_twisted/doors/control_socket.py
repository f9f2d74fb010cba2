# -*- test-case-name: zcons_twisted.test.test_control_socket -*-
"""
The control door: what can be asked of a zone's console, and done to it, from outside.

Whoever may connect may ask everything, and each peer is looked at: who it is comes
from the kernel, and is logged with what it had done.
"""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Callable
from typing import Any, Protocol, cast

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IAddress, IDelayedCall, ITCPTransport
from twisted.internet.protocol import ServerFactory
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.protocols.amp import AMP
from twisted.python.failure import Failure

from ..console import Console
from ..credentials import Admission, Credentials, peerCredentials
from ..errors import LifecycleError, ZConsError
from ..events import EVENT_NAMES, ZoneEvent, checkBootArguments
from ..interfaces import IConsoleDriver
from ..laps import Laps
from ..reactors import ServerReactor
from ..sessions import EndReason
from .commands import Boot, Detach, Event, Halt, Reboot, Refused, Status
from .listening import Listener, bindSocket

__all__ = [
    "CONNECTIONS_MAX",
    "IDLE_SECONDS",
    "UNFINISHED_MAX",
    "ControlProtocol",
    "ControlSocket",
]

#: Most connections to one control socket; beyond it the one that has been
#: quiet longest is closed.
CONNECTIONS_MAX = 64
#: Seconds that a connection may be quiet, with no command under way.
IDLE_SECONDS = 60.0
#: Most bytes of a command that is not complete yet.
UNFINISHED_MAX = 128 * 1024


class UserNames(Protocol):
    """
    Finds users' names.
    """

    def __call__(self, uids: list[int]) -> Deferred[dict[int, str]]:
        """
        The name of each user, or its number where it has none.
        """


def userNamesInThread(reactor: Any) -> UserNames:
    """
    Look names up where a slow directory service holds nobody up: in a thread.
    """

    def look(uids: list[int]) -> dict[int, str]:
        names = {}
        for uid in uids:
            try:
                names[uid] = pwd.getpwuid(uid).pw_name
            except KeyError:
                names[uid] = str(uid)
        return names

    return lambda uids: deferToThreadPool(reactor, reactor.getThreadPool(), look, uids)


class ControlSocket:
    """
    The control door of one zone.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: ServerReactor,
        console: Console,
        driver: IConsoleDriver,
        laps: Laps,
        admission: Admission,
        userNames: UserNames | None = None,
    ) -> None:
        """
        @param reactor: provides descriptors and time.
        @param driver: knows the device and, perhaps, how to boot the zone.
        @param laps: know how the device is.
        @param admission: who may come in.
        @param userNames: finds users' names; in a thread, where L{None}.
        """
        self.reactor = reactor
        self.console = console
        self.driver = driver
        self.laps = laps
        self.began = console.now()
        self.userNames = userNames or userNamesInThread(reactor)
        self._admission = admission
        self._listener: Listener | None = None
        # Quiet longest first.
        self._connections: dict[ControlProtocol, None] = {}
        self._allClosed: Deferred[None] | None = None

    def start(self, path: str) -> None:
        """
        Listen.

        @raise ZoneServed: a live server listens there.
        @raise RunDirectoryError: the socket can't be made.
        """
        listening = bindSocket(path, self.console.zone, self._admission.gid)
        self._listener = Listener(self.reactor, path, listening, self.accepted)

    def stop(self) -> Deferred[None]:
        """
        Listen no more and close every connection.

        @return: fires when all are closed.
        """
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        done: Deferred[None] = Deferred()
        self._allClosed = done
        for protocol in list(self._connections):
            protocol.giveUp()
        self._checkClosed()
        return done

    def accepted(self, connection: socket.socket) -> None:
        """
        Somebody has connected.
        """
        try:
            who = peerCredentials(connection)
            if not self._admission.admits(who):
                self._log.warn(
                    "{zone}: control: {who} is not admitted",
                    zone=self.console.zone,
                    who=who,
                )
                return
            self.reactor.adoptStreamConnection(
                connection.fileno(), socket.AF_UNIX, _Factory(self, who)
            )
        finally:
            connection.close()

    def opened(self, protocol: ControlProtocol) -> None:
        """
        A connection is there.
        """
        self._connections[protocol] = None
        if len(self._connections) > CONNECTIONS_MAX:
            quiet = [known for known in self._connections if not known.busy]
            (quiet or [protocol])[0].giveUp()

    def heard(self, protocol: ControlProtocol) -> None:
        """
        A connection was not quiet.
        """
        if self._connections.pop(protocol, protocol) is None:
            self._connections[protocol] = None

    def closed(self, protocol: ControlProtocol) -> None:
        """
        A connection has gone.
        """
        self._connections.pop(protocol, None)
        self._checkClosed()

    def _checkClosed(self) -> None:
        if self._allClosed is not None and not self._connections:
            done, self._allClosed = self._allClosed, None
            done.callback(None)


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


class ControlProtocol(AMP):
    """
    One connection to the control door.

    @ivar busy: how many commands are under way.
    """

    _log = Logger()

    def __init__(self, door: ControlSocket, who: Credentials) -> None:
        """
        @param who: the peer, from the kernel.
        """
        super().__init__()
        self._door = door
        self._who = who
        self._unfinished = 0
        self.busy = 0
        self._idle: IDelayedCall | None = None

    # As a protocol.

    def connectionMade(self) -> None:
        """
        A peer has connected.
        """
        super().connectionMade()
        self._idle = self._door.reactor.callLater(IDLE_SECONDS, self._quiet)
        self._door.opened(self)

    def dataReceived(self, data: bytes) -> None:
        """
        A piece of a command, which may not grow without end.
        """
        self._door.heard(self)
        if self._idle is not None:
            self._idle.reset(IDLE_SECONDS)
        self._unfinished += len(data)
        super().dataReceived(data)
        if self._unfinished > UNFINISHED_MAX:
            self._log.warn(
                "{zone}: control: {who} sent {size} bytes without completing a command",
                zone=self._door.console.zone,
                who=self._who,
                size=self._unfinished,
            )
            self.giveUp()

    def ampBoxReceived(self, box: Any) -> None:
        """
        A command is complete.
        """
        self._unfinished = 0
        super().ampBoxReceived(box)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """
        The peer has gone.
        """
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        super().connectionLost(reason)
        self._door.closed(self)

    def giveUp(self) -> None:
        """
        Close it.
        """
        transport = cast(ITCPTransport, self.transport)
        transport.abortConnection()

    def _quiet(self) -> None:
        self._idle = None
        if self.busy:
            self._idle = self._door.reactor.callLater(IDLE_SECONDS, self._quiet)
        else:
            self.giveUp()

    # The commands.

    @Status.responder
    def status(self) -> Deferred[dict[str, Any]]:
        """
        See L{Status}.
        """
        console = self._door.console
        uids = [session.who.uid for session in (console.operator,) if session]
        found: Deferred[dict[int, str]] = maybeDeferred(self._door.userNames, uids)
        return found.addCallback(self._status)

    @Event.responder
    def event(self, name: str, bootArguments: str | None = None) -> dict[str, Any]:
        """
        See L{Event}.
        """
        event = EVENT_NAMES.get(name)
        if event is None:
            names = ", ".join(EVENT_NAMES)
            raise Refused(f"there is no event {ascii(name)}: choose one of {names}")
        arguments = _checked(bootArguments)
        self._refuseIfDying()
        self._note(f"event {name}")
        self._door.console.event(event, arguments)
        return {"message": f"event '{name}' posted"}

    @Boot.responder
    def boot(self, bootArguments: str | None = None) -> Deferred[dict[str, Any]]:
        """
        See L{Boot}.
        """
        arguments = _checked(bootArguments)
        return self._live("boot", lambda life: life.boot(arguments))

    @Halt.responder
    def halt(self) -> Deferred[dict[str, Any]]:
        """
        See L{Halt}.
        """
        return self._live("halt", lambda life: life.halt())

    @Reboot.responder
    def reboot(self, bootArguments: str | None = None) -> Deferred[dict[str, Any]]:
        """
        See L{Reboot}.
        """
        arguments = _checked(bootArguments)
        return self._live("reboot", lambda life: life.reboot(arguments))

    @Detach.responder
    def detach(self) -> dict[str, Any]:
        """
        See L{Detach}.
        """
        self._note("detach")
        console = self._door.console
        gone = console.detach(EndReason.DETACHED, f"detached by {self._who}")
        if gone is None:
            raise Refused(f"nobody is attached to zone '{console.zone}'")
        return {"message": f"{gone} detached"}

    # Inside.

    def _live(
        self, what: str, do: Callable[[Any], Deferred[str]]
    ) -> Deferred[dict[str, Any]]:
        """
        Have the zone's life do something; afterwards, whatever came of it, the
        console is told to look at the state, as the door server of illumos does.
        """
        self._refuseIfDying()
        life = self._door.driver.life
        if life is None:
            raise Refused(
                f"zone '{self._door.console.zone}' is not run by this server (driver"
                f" {self._door.driver.kind}): tell what happens to it with"
                " 'zconsole event'"
            )
        self._note(what)
        self.busy += 1

        def after(result: object) -> object:
            self.busy -= 1
            self._door.console.event(ZoneEvent.NULL)
            return result

        done = do(life).addBoth(after)
        return done.addCallbacks(lambda text: {"message": text}, _refused)

    def _refuseIfDying(self) -> None:
        console = self._door.console
        if console.dying:
            raise Refused(f"the server of zone '{console.zone}' ends: start it again")

    def _note(self, what: str) -> None:
        self._log.info(
            "{zone}: control: {what} by {who}",
            zone=self._door.console.zone,
            what=what,
            who=self._who,
        )

    def _status(self, names: dict[int, str]) -> dict[str, Any]:
        door = self._door
        console = door.console
        counters = console.counters.items()
        operators = []
        if console.operator is not None:
            session = console.operator
            operators.append(
                {
                    "pid": session.who.pid,
                    "uid": session.who.uid,
                    "user": names.get(session.who.uid, str(session.who.uid)),
                    "since": session.since,
                    "locale": session.ident.locale,
                    "toldPid": session.ident.pid,
                    "halfClosed": session.halfClosed,
                    "stalled": session.outlet.stalled,
                }
            )
        ended = [
            {
                "pid": end.who.pid,
                "uid": end.who.uid,
                "at": end.at,
                "reason": end.reason.value,
                "text": end.text,
            }
            for end in console.ended
        ]
        return {
            "zone": console.zone,
            "state": console.stateLabel(),
            "driver": door.driver.kind,
            "device": door.driver.path,
            "deviceState": door.laps.deviceState,
            "onHalt": console.onHalt.value,
            "serverPid": os.getpid(),
            "since": door.began,
            "operator": operators,
            "ended": ended,
            "counters": [{"name": name, "value": value} for name, value in counters],
        }


def _checked(arguments: str | None) -> str:
    try:
        return checkBootArguments(arguments or "")
    except ZConsError as e:
        raise Refused(str(e)) from None


def _refused(failure: Failure) -> Failure:
    failure.trap(LifecycleError)
    return Failure(Refused(failure.getErrorMessage()))
