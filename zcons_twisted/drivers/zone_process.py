# -*- test-case-name: zcons_twisted.test.test_zone_process -*-
"""
The life of a zone that is a command on its console: boot, halt, reboot, and what
happens when the command ends by itself.

::

    DOWN --boot--> STARTING --began--> RUNNING --halt, reboot, ended--> ENDING
      ^                |                                                  |
      +--boot failed---+        WAITING <--respawn------------------------+
      |                            |  ^                                   |
      +--halt----------------------+  +-- (back-off) --> STARTING         |
      +--------------------------------------------------halted-----------+

C{ENDING} lasts until no process of the zone's session is left: SIGHUP and SIGTERM at
once, SIGKILL after the grace period.
"""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Mapping

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ProcessTerminated
from twisted.internet.interfaces import (
    IDelayedCall,
    IProcessTransport,
)
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..backoff import STEADY_SECONDS, BackOff
from ..errors import LifecycleError
from ..events import ZoneEvent, ZoneState
from ..interfaces import DriverOptions, IZoneEvents, IZoneLife, IZoneStates
from ..notices import escaped
from ..reactors import ProcessReactor
from . import leader
from .sweep import Sweep, ZoneDevice

__all__ = ["RESPAWN_POLICIES", "ZoneProcess"]

#: What may happen when a zone's command ends by itself.
RESPAWN_POLICIES = ("never", "on-failure", "always")

#: Seconds before a command is started again: first, and at most.
RESPAWN_FIRST = 0.25
RESPAWN_LONGEST = 30.0


class _Phase(enum.Enum):
    DOWN = ZoneState.INSTALLED
    STARTING = ZoneState.READY
    RUNNING = ZoneState.RUNNING
    ENDING = ZoneState.SHUTTING_DOWN
    WAITING = ZoneState.DOWN


class _After(enum.Enum):
    """
    What follows when a zone has ended.
    """

    HALT = enum.auto()
    REBOOT = enum.auto()
    RESPAWN = enum.auto()
    FAILED = enum.auto()


@implementer(IZoneLife, IZoneStates)
class ZoneProcess:
    """
    One zone's command.

    @ivar account: what runs, or how it ended last.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: ProcessReactor,
        zone: str,
        options: DriverOptions,
        device: ZoneDevice,
        events: IZoneEvents,
        environ: Mapping[str, str],
        sweep: Sweep | None = None,
        backOff: BackOff | None = None,
    ) -> None:
        """
        @param reactor: starts processes and measures time.
        @param device: the zone's console device.
        @param events: is told of what happens.
        @param environ: the command's environment, to which the zone's name and the
            boot arguments are added.
        @param sweep: ends what is left of the zone.
        """
        self._reactor = reactor
        self._zone = zone
        self._options = options
        self._device = device
        self._events = events
        self._environ = environ
        self._sweep = sweep or Sweep(reactor, zone, device)
        self._backOff = backOff or BackOff(RESPAWN_FIRST, RESPAWN_LONGEST)
        self.account = "not booted yet"
        self._phase = _Phase.DOWN
        self._after = _After.HALT
        self._arguments = ""
        self._startedAt = 0.0
        self._timer: IDelayedCall | None = None
        self._booting: list[Deferred[str]] = []
        self._halting: list[Deferred[str]] = []

    # As what knows the state.

    def state(self) -> ZoneState:
        """
        See L{IZoneStates}.
        """
        return self._phase.value

    def posted(self, event: ZoneEvent) -> None:
        """
        See L{IZoneStates}.  Events from outside change nothing here: the process
        tells the state.
        """

    # As a life.

    def boot(self, arguments: str = "") -> Deferred[str]:
        """
        See L{IZoneLife}.
        """
        if self._phase is _Phase.ENDING:
            return fail(LifecycleError("zone is shutting down: try again in a moment"))
        if self._phase is _Phase.RUNNING:
            return succeed("zone is already booted")
        if self._phase is _Phase.STARTING:
            return self._bootWaiter()
        if self._phase is _Phase.DOWN:
            # The state comes first: who hears of the event looks at it.
            self._phase = _Phase.STARTING
            self._events.event(ZoneEvent.BOOTING, arguments)
        done = self._bootWaiter()
        self._start(arguments)
        return done

    def halt(self) -> Deferred[str]:
        """
        See L{IZoneLife}.
        """
        if self._phase is _Phase.DOWN:
            return succeed("zone is already halted")
        done: Deferred[str] = Deferred()
        self._halting.append(done)
        self._after = _After.HALT
        if self._phase is _Phase.WAITING:
            self._stopTimer()
            self._halted()
        elif self._phase is not _Phase.ENDING:
            self._end(_After.HALT)
        return done

    def reboot(self, arguments: str = "") -> Deferred[str]:
        """
        See L{IZoneLife}.
        """
        if self._phase in (_Phase.DOWN, _Phase.ENDING):
            return fail(
                LifecycleError(
                    "reboot operation is invalid for zones in state"
                    f" '{self.state().label}'"
                )
            )
        self._events.event(ZoneEvent.REBOOTING, arguments)
        done = self._bootWaiter()
        if self._phase is _Phase.WAITING:
            self._start(arguments)
        else:
            self._arguments = arguments
            self._end(_After.REBOOT)
        return done

    # What the process tells.

    def began(self) -> None:
        """
        The command runs.
        """
        if self._phase is _Phase.STARTING:
            self._phase = _Phase.RUNNING
            self._answer(self._booting, "zone booted")

    def beginFailed(self, why: str) -> None:
        """
        The command can't be run.
        """
        if self._phase is _Phase.STARTING:
            why = escaped(why)
            self.account = f"boot failed: {why}"
            self._log.error("{zone}: boot failed: {why}", zone=self._zone, why=why)
            self._refuse(self._booting, f"zone did not boot: {why}")
            self._end(_After.FAILED)

    def ended(self, reason: Failure) -> None:
        """
        The process has ended and been reaped.
        """
        if not self.account.startswith("boot failed"):
            self.account = f"process {self._sweep.leader} ended: {_how(reason)}"
            self._log.info(
                "{zone}: zone {account}", zone=self._zone, account=self.account
            )
        self._sweep.reaped()
        if self._phase not in (_Phase.STARTING, _Phase.RUNNING):
            return
        policy = self._options.respawn
        failed = reason.check(ProcessTerminated) is not None
        again = policy == "always" or (policy == "on-failure" and failed)
        self._end(_After.RESPAWN if again else _After.HALT)

    # Inside.

    def _start(self, arguments: str) -> None:
        self._stopTimer()
        self._phase = _Phase.STARTING
        if self._device.terminalSession():
            # Somebody has the console as their controlling terminal, which there can
            # be only one of: a process, as a rule, that the last life left behind.
            self._sweep.begin(self._options.grace, lambda: self._spawn(arguments))
        else:
            self._spawn(arguments)

    def _spawn(self, arguments: str) -> None:
        self._startedAt = self._reactor.seconds()
        protocol = _ZoneProtocol(self)
        try:
            subsidiary = self._device.openSubsidiary()
            try:
                process: IProcessTransport = self._reactor.spawnProcess(
                    protocol,
                    sys.executable,
                    [sys.executable, "-IS", leader.__file__, *self._options.command],
                    env={
                        **self._environ,
                        "ZONENAME": self._zone,
                        "ZONE_BOOT_ARGS": arguments,
                    },
                    childFDs={
                        0: subsidiary,
                        1: subsidiary,
                        2: subsidiary,
                        leader.STATUS_FD: "r",
                    },
                )
            finally:
                os.close(subsidiary)
        except (OSError, TypeError, ValueError) as e:
            # The last two are for words that no process can be given.
            self.beginFailed(getattr(e, "strerror", None) or str(e))
            return
        self._sweep.began(process.pid or 0)
        self.account = f"process {process.pid}"

    def _end(self, after: _After) -> None:
        """
        End what runs, and do what comes after it.
        """
        self._phase = _Phase.ENDING
        self._after = after
        self._sweep.begin(self._options.grace, self._finish)

    def _finish(self) -> None:
        """
        The zone is down: do what comes after.
        """
        after = self._after
        if self._halting or after is _After.HALT:
            self._refuse(self._booting, "zone was halted")
            self._halted()
        elif after is _After.REBOOT:
            self._start(self._arguments)
        else:
            if self._reactor.seconds() - self._startedAt >= STEADY_SECONDS:
                self._backOff.reset()
            failed = after is _After.FAILED
            respawn = self._options.respawn != "never"
            self._phase = _Phase.WAITING if respawn else _Phase.DOWN
            if respawn:
                wait = self._backOff.wait()
                self._timer = self._reactor.callLater(wait, self._start, "")
            self._events.event(
                ZoneEvent.BOOT_FAILED if failed else ZoneEvent.REBOOTING, ""
            )

    def _halted(self) -> None:
        self._phase = _Phase.DOWN
        self._events.event(ZoneEvent.HALTED, "")
        self._answer(self._halting, "zone halted")

    def _bootWaiter(self) -> Deferred[str]:
        done: Deferred[str] = Deferred()
        self._booting.append(done)
        return done

    def _answer(self, waiters: list[Deferred[str]], text: str) -> None:
        while waiters:
            waiters.pop().callback(text)

    def _refuse(self, waiters: list[Deferred[str]], text: str) -> None:
        while waiters:
            waiters.pop().errback(LifecycleError(text))

    def _stopTimer(self) -> None:
        if self._timer is not None:
            if self._timer.active():
                self._timer.cancel()
            self._timer = None


def _how(reason: Failure) -> str:
    """
    How a process ended, in a few words.
    """
    number = getattr(reason.value, "signal", None)
    if number is not None:
        return f"signal {number}"
    return f"exit status {getattr(reason.value, 'exitCode', None)}"


class _ZoneProtocol(ProcessProtocol):
    """
    Tells a zone how its process does.
    """

    def __init__(self, zone: ZoneProcess) -> None:
        self._zone = zone
        self._why = b""

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """
        Why the command can't be run.
        """
        self._why += data

    def childConnectionLost(self, childFD: int) -> None:
        """
        The command has begun, unless we were told why not.
        """
        if self._why:
            self._zone.beginFailed(self._why.decode("utf-8", "replace"))
        else:
            self._zone.began()

    def processEnded(self, reason: Failure) -> None:
        """
        The process has been reaped, and has said all it had to say of its beginning.
        """
        self._zone.ended(reason)
