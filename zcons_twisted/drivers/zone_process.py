# -*- test-case-name: zcons_twisted.test.test_zone_process -*-
"""
The life of a zone that is a command on its console: boot, halt, reboot, and what
happens when the command ends by itself.  L{zcons_twisted.drivers.phases} has its
phases.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..backoff import STEADY_SECONDS, BackOff
from ..errors import LifecycleError
from ..events import ZoneEvent, ZoneState
from ..interfaces import (
    DriverOptions,
    IZoneEvents,
    IZoneLife,
    IZonePresence,
    IZoneStates,
)
from ..nexus.client import ASK_TRIES, Unanswered
from ..notices import escaped
from ..reactors import ProcessReactor
from .phases import After, Phase
from .spawning import Facts, LocalSpawner, Spawner, endOf
from .sweep import Ending, Sweep, ZoneDevice
from .verdict import Outcome, Reading, Verdict, ofCommand

__all__ = ["RESPAWN_POLICIES", "ZoneProcess"]

#: What may happen when a zone's command ends by itself.
RESPAWN_POLICIES = ("never", "on-failure", "always")

#: Seconds before a command is started again: first, and at most.
RESPAWN_FIRST = 0.25
RESPAWN_LONGEST = 30.0


@implementer(IZoneLife, IZonePresence, IZoneStates)
class ZoneProcess:
    """
    One zone's command.

    @ivar account: what runs, or how it ended last.
    @ivar resumed: an earlier server ran it, and it is as that one left it.
    @ivar facts: what is known of the process, as
        L{Child.facts<zcons_twisted.nexus.children.Child>} has it.
    @ivar spawner: starts its processes.
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
        sweep: Ending | None = None,
        backOff: BackOff | None = None,
        read: Reading = ofCommand,
    ) -> None:
        """
        @param reactor: starts processes and measures time.
        @param device: the zone's console device.
        @param events: is told of what happens.
        @param environ: the command's environment, to which the zone's name and the
            boot arguments are added.
        @param sweep: ends what is left of the zone.
        @param read: tells what the end of its process means.
        """
        self._reactor = reactor
        self._zone = zone
        self._options = options
        self._device = device
        self._events = events
        self._environ = environ
        self._sweep = sweep or Sweep(reactor, zone, device)
        self._read = read
        self._backOff = backOff or BackOff(RESPAWN_FIRST, RESPAWN_LONGEST)
        self.account = "not booted yet"
        self.resumed = False
        self.facts: dict[str, Any] = {}
        self.spawner: Spawner = LocalSpawner(reactor, device)
        self._spawning = False
        self._phase = Phase.DOWN
        self._after = After.HALT
        self._arguments = ""
        self._startedAt = 0.0
        self._tries = 0
        self._timer: IDelayedCall | None = None
        self._booting: list[Deferred[str]] = []
        self._halting: list[Deferred[str]] = []

    # As what knows the state.

    def state(self) -> ZoneState:
        """
        See L{IZoneStates}.
        """
        return self._phase.value

    def present(self) -> bool:
        """
        See L{IZonePresence}.
        """
        return self._phase not in (Phase.DOWN, Phase.WAITING)

    def posted(self, event: ZoneEvent) -> None:
        """
        See L{IZoneStates}.  Events from outside change nothing here: the process
        tells the state.
        """

    def adjust(self, options: DriverOptions) -> None:
        """
        See L{IAdjustableDriver<zcons_twisted.interfaces.IAdjustableDriver>}.  It is for
        what happens from now on: an end that is under way goes on as it began.
        """
        self._options = options

    # As a life.

    def boot(self, arguments: str = "") -> Deferred[str]:
        """
        See L{IZoneLife}.
        """
        if self._phase is Phase.ENDING:
            return fail(LifecycleError("zone is shutting down: try again in a moment"))
        if self._phase is Phase.RUNNING:
            return succeed("zone is already booted")
        if self._phase is Phase.STARTING:
            return self._bootWaiter()
        if self._phase is Phase.DOWN:
            # The state comes first: who hears of the event looks at it.
            self._phase = Phase.STARTING
            self._events.event(ZoneEvent.BOOTING, arguments)
        done = self._bootWaiter()
        self._start(arguments)
        return done

    def halt(self) -> Deferred[str]:
        """
        See L{IZoneLife}.
        """
        if self._phase is Phase.DOWN:
            return succeed("zone is already halted")
        done: Deferred[str] = Deferred()
        self._halting.append(done)
        self._after = After.HALT
        self.spawner.note(self._after.value)
        if self._phase is Phase.WAITING:
            self._stopTimer()
            self._halted()
        elif self._phase is not Phase.ENDING:
            self._end(After.HALT)
        return done

    def reboot(self, arguments: str = "") -> Deferred[str]:
        """
        See L{IZoneLife}.
        """
        if self._phase in (Phase.DOWN, Phase.ENDING):
            state = self.state().label
            why = f"reboot operation is invalid for zones in state '{state}'"
            hint = ": boot it" if self._phase is Phase.DOWN else ""
            return fail(LifecycleError(why + hint))
        self._events.event(ZoneEvent.REBOOTING, arguments)
        done = self._bootWaiter()
        if self._phase is Phase.WAITING:
            self._start(arguments)
        else:
            self._arguments = arguments
            self._end(After.REBOOT)
        return done

    # Over a server's end.

    def found(self, facts: dict[str, Any], note: str) -> None:
        """
        An earlier server ran the zone: go on where that one was.

        @param facts: as L{facts}; the process may have ended meanwhile.
        @param note: what was to become of the zone.
        """
        if not facts:
            return
        self.resumed = True
        self.facts = facts
        after = After(note) if note else None
        if facts["reaped"]:
            self._foundDown(after or After.HALT)
            return
        since = datetime.fromtimestamp(facts["started"]).isoformat(" ", "seconds")
        self.account = f"process {facts['pid']}, found running since {since}"
        self._phase = Phase.RUNNING if facts["began"] else Phase.STARTING
        self._startedAt = facts["started"]
        self._sweep.began(facts["pid"])
        self.spawner.resume(facts, self)
        # In a turn of its own: then the console is served, and hears of it.
        self._timer = self._reactor.callLater(0, self._goOn, after)

    def leave(self) -> None:
        """
        The zone is left as it is, for the next server.
        """
        self._stopTimer()
        self._sweep.stop()

    def _foundDown(self, after: After) -> None:
        self.account = _ended(self.facts["pid"], self._read(self._foundEnd()))
        self._lifeEnded()
        respawn = self._options.respawn != "never"
        again = after in (After.REBOOT, After.REBOOTED)
        if again or (after is not After.HALT and respawn):
            self._phase = Phase.WAITING
            self._timer = self._reactor.callLater(0, self._start, "")

    def _foundEnd(self) -> Failure:
        return endOf(self.facts.get("code"), self.facts.get("signal"))

    def _goOn(self, after: After | None) -> None:
        self._timer = None
        if self.facts["began"] and self.facts["why"]:
            self._phase = Phase.STARTING
            self.beginFailed(self.facts["why"])
        elif after in (After.HALT, After.REBOOT):
            self._end(after)
        if self.facts["ended"]:
            self.spawner.foundEnded()

    # What the process tells.

    def began(self) -> None:
        """
        The command runs.
        """
        self.facts["began"] = True
        if self._phase is Phase.STARTING:
            self._phase = Phase.RUNNING
            self._answer(self._booting, "zone booted")

    def beginFailed(self, why: str) -> None:
        """
        The command can't be run.
        """
        if self._phase is Phase.STARTING:
            why = escaped(why)
            self.account = f"boot failed: {why}"
            self._log.error("{zone}: boot failed: {why}", zone=self._zone, why=why)
            self._refuse(self._booting, f"zone did not boot: {why}")
            self._end(After.FAILED)

    def ended(self, reason: Failure) -> None:
        """
        The process has ended and been reaped.
        """
        verdict = self._read(reason)
        if not self.account.startswith("boot failed"):
            self.account = _ended(self._sweep.leader, verdict)
            self._log.info(
                "{zone}: zone {account}", zone=self._zone, account=self.account
            )
        self.facts["ended"] = self.facts["reaped"] = True
        self._sweep.reaped()
        if self._phase not in (Phase.STARTING, Phase.RUNNING):
            return
        if verdict.outcome is Outcome.REBOOT:
            self._end(After.REBOOTED)
        elif verdict.respawns(self._options.respawn):
            self._end(After.RESPAWN)
        else:
            self._end(After.HALT)

    # Inside.

    def _start(self, arguments: str) -> None:
        self._stopTimer()
        self._phase = Phase.STARTING
        self._tries = 0
        if self._device.terminalSession():
            # Somebody has the console as their controlling terminal, which there can
            # be only one of: a process, as a rule, that the last life left behind.
            self._sweep.begin(self._options.grace, lambda: self._spawn(arguments))
        else:
            self._spawn(arguments)

    def _spawn(self, arguments: str) -> None:
        self._startedAt = self._reactor.seconds()
        self._spawning = True
        self._tries += 1
        environment = {
            **self._environ,
            "ZONENAME": self._zone,
            "ZONE_BOOT_ARGS": arguments,
        }
        spawned = Deferred.fromCoroutine(
            self.spawner.spawn(self._options.command, environment, arguments, self)
        )
        spawned.addCallbacks(self._spawned, self._notSpawned, (), {}, (arguments,))
        spawned.addErrback(
            lambda failure: self._log.failure("{zone}", failure, zone=self._zone)
        )

    def _spawned(self, facts: Facts) -> None:
        self._spawning = False
        self.facts = facts
        self._sweep.began(facts["pid"])
        self.account = f"process {facts['pid']}"
        if self._phase is Phase.ENDING:
            # Halted in the meantime.
            self._end(self._after)
        else:
            self.spawner.note("")
        self._catchUp()

    def _catchUp(self) -> None:
        """
        Hear what the process has told before anybody listened.
        """
        if self.facts["began"] and self.facts["why"]:
            self.beginFailed(self.facts["why"])
        elif self.facts["began"]:
            self.began()
        if self.facts["ended"]:
            self.spawner.foundEnded()

    def _notSpawned(self, failure: Failure, arguments: str) -> None:
        self._spawning = False
        if self._phase is Phase.ENDING:
            self._end(self._after)
        elif failure.check(Unanswered) and self._tries < ASK_TRIES:
            # What may have been started, and nobody knows of, goes first.
            grace = self._options.grace
            self._sweep.begin(grace, lambda: self._spawn(arguments))
        else:
            error = failure.value
            self.beginFailed(getattr(error, "strerror", None) or str(error))

    def _end(self, after: After) -> None:
        """
        End what runs, and do what comes after it.
        """
        self._phase = Phase.ENDING
        self._after = after
        self.spawner.note(after.value)
        if self._spawning:
            # Nobody knows yet what to end.
            return
        self._sweep.begin(self._options.grace, self._finish)

    def _finish(self) -> None:
        """
        The zone is down: do what comes after.
        """
        self._lifeEnded()
        after = self._after
        if self._halting or after is After.HALT:
            self._refuse(self._booting, "zone was halted")
            self._halted()
        elif after is After.REBOOT:
            self._start(self._arguments)
        else:
            if self._reactor.seconds() - self._startedAt >= STEADY_SECONDS:
                self._backOff.reset()
            failed = after is After.FAILED
            again = after is After.REBOOTED or self._options.respawn != "never"
            self._phase = Phase.WAITING if again else Phase.DOWN
            if again:
                wait = self._backOff.wait()
                self._timer = self._reactor.callLater(wait, self._start, "")
            self._events.event(
                ZoneEvent.BOOT_FAILED if failed else ZoneEvent.REBOOTING, ""
            )

    def _lifeEnded(self) -> None:
        self._events.lifeEnded(self._device.discardInput())

    def _halted(self) -> None:
        self._phase = Phase.DOWN
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


def _ended(pid: int, verdict: Verdict) -> str:
    return f"process {pid} ended: {verdict.words}"
