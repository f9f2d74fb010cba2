# -*- test-case-name: zcons_twisted.test.test_zone_process -*-
"""
What runs as a zone that is a command: its process is started and tells of itself, and
when it has ended, something follows.  L{zcons_twisted.drivers.phases} has its phases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..backoff import STEADY_SECONDS, BackOff
from ..events import ZoneEvent, ZoneState
from ..interfaces import (
    DriverOptions,
    IZoneEvents,
    IZonePresence,
    IZoneStates,
)
from ..nexus.client import ASK_TRIES, Unanswered
from ..notices import escaped
from ..reactors import ProcessReactor
from .account import Account
from .phases import After, Phase
from .spawning import Facts, LocalSpawner, Spawner
from .sweep import Ending, Sweep, ZoneDevice
from .verdict import Outcome, Reading, ofCommand
from .waiters import ShutdownWaiters, Waiters

__all__ = ["RESPAWN_FIRST", "RESPAWN_LONGEST", "ZoneCommand"]

#: Seconds before a command is started again: first, and at most.
RESPAWN_FIRST = 0.25
RESPAWN_LONGEST = 30.0


@implementer(IZonePresence, IZoneStates)
class ZoneCommand:
    """
    One zone's command.

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
        self._account = Account(reactor)
        self.resumed = False
        self.facts: dict[str, Any] = {}
        self.spawner: Spawner = LocalSpawner(reactor, device)
        self._spawning = False
        self._phase = Phase.DOWN
        self._after = After.HALT
        self._wanted = After.SHUTDOWN
        self._arguments = self._bootArguments = ""
        self._startedAt = 0.0
        self._tries = 0
        self._again = False
        self._timer: IDelayedCall | None = None
        self._booting = Waiters()
        self._halting = Waiters()
        self._shutdown = ShutdownWaiters(reactor, self._runsOn)

    @property
    def account(self) -> str:
        """
        What runs, or how it ended last, and when it is started again.
        """
        return self._account.told(self._timer if self._phase is Phase.WAITING else None)

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

    def leave(self) -> None:
        """
        The zone is left as it is, for the next server.
        """
        self._stopTimer()
        self._sweep.stop()
        self._shutdown.refuse("the server stops")

    # What the process tells.

    def began(self) -> None:
        """
        The command runs.
        """
        self.facts["began"] = True
        if self._phase is Phase.STARTING:
            self._phase = Phase.RUNNING
            self._booting.answer("zone booted")

    def beginFailed(self, why: str) -> None:
        """
        The command can't be run.
        """
        if self._phase is Phase.STARTING and not self._beginsAgain():
            why = escaped(why)
            self._account.failed(why)
            self._log.error("{zone}: boot failed: {why}", zone=self._zone, why=why)
            self._booting.refuse(f"zone did not boot: {why}")
            self._end(After.FAILED)

    def ended(self, reason: Failure) -> None:
        """
        The process has ended and been reaped.
        """
        verdict = self._read(reason)
        if not self._again and self._account.ended(self._sweep.leader, verdict.words):
            self._log.info(
                "{zone}: zone {account}", zone=self._zone, account=self.account
            )
        self.facts["ended"] = self.facts["reaped"] = True
        self._sweep.reaped()
        if self._again or self._phase not in (Phase.STARTING, Phase.RUNNING):
            return
        if self._staysDown():
            self._hasGone()
        elif verdict.outcome is Outcome.REBOOT:
            self._end(After.REBOOTED)
        elif verdict.respawns(self._options.respawn):
            self._end(After.RESPAWN)
        else:
            self._end(After.HALT)

    # Inside.

    def _staysDown(self) -> bool:
        """
        Does a zone that ends by itself now stay down, whatever the policy?
        """
        return self._shutdown.wanted

    def _goesDown(self, after: After, arguments: str) -> None:
        """
        The zone is asked to go down by itself.

        @param after: what it is asked for.
        @param arguments: the boot arguments, where it is to be started again.
        """
        self._wanted = after
        self._arguments = arguments
        self._shutdown.begin()

    def _hasGone(self) -> None:
        """
        It has, and stays down unless it was asked for more.
        """
        if not self._shutdown.wanted or self._wanted is After.SHUTDOWN:
            self._end(After.HALT)
            return
        self._shutdown.stop()
        self._account.counts()
        self._booting.wait().addCallbacks(
            lambda _ignored: self._shutdown.answer("zone rebooted"),
            lambda failure: self._shutdown.refuse(failure.getErrorMessage()),
        )
        self._events.event(ZoneEvent.REBOOTING, self._arguments)
        self._end(After.REBOOT)

    def _runsOn(self) -> None:
        """
        The zone was asked to go down, and has not.
        """
        self._account.askedInVain()
        self.spawner.note("")

    def _words(self) -> Sequence[str]:
        """
        What is to be run.
        """
        return self._options.command

    def _standing(self) -> str:
        """
        What the next server is to know of a zone whose process has been started.
        """
        return ""

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
        self._spawning, self._again = True, False
        self._bootArguments = arguments
        self._tries += 1
        environment = {
            **self._environ,
            "ZONENAME": self._zone,
            "ZONE_BOOT_ARGS": arguments,
        }
        spawned = Deferred.fromCoroutine(
            self.spawner.spawn(self._words(), environment, arguments, self)
        )
        spawned.addCallbacks(self._spawned, self._notSpawned)
        spawned.addErrback(
            lambda failure: self._log.failure("{zone}", failure, zone=self._zone)
        )

    def _spawned(self, facts: Facts) -> None:
        self._spawning = False
        self.facts = facts
        self._sweep.began(facts["pid"])
        self._account.runs(facts["pid"])
        if self._phase is Phase.ENDING:
            # Halted in the meantime.
            self._end(self._after)
        else:
            self.spawner.note(self._standing())
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

    def _notSpawned(self, failure: Failure) -> None:
        self._spawning = False
        if self._phase is Phase.ENDING:
            self._end(self._after)
        elif failure.check(Unanswered) and self._tries < ASK_TRIES:
            self._spawnAgain()
        else:
            error = failure.value
            self.beginFailed(getattr(error, "strerror", None) or str(error))

    def _beginsAgain(self) -> bool:
        """
        Where nobody knew whether a process had been started, it may have taken the
        console by now, so that the one after it could not begin.
        """
        taken = 1 < self._tries < ASK_TRIES and self._device.terminalSession()
        if taken:
            self._spawnAgain()
        return bool(taken)

    def _spawnAgain(self) -> None:
        """
        What may have been started, and nobody knows of, goes first.
        """
        self._again = True
        self._sweep.begin(self._options.grace, lambda: self._spawn(self._bootArguments))

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
            self._booting.refuse("zone was halted")
            self._halted()
        elif after is After.REBOOT:
            self._start(self._arguments)
        else:
            if self._reactor.seconds() - self._startedAt >= STEADY_SECONDS:
                self._backOff.reset()
                self._account.counts()
            failed = after is After.FAILED
            again = after is After.REBOOTED or self._options.respawn != "never"
            self._phase = Phase.WAITING if again else Phase.DOWN
            if again:
                wait = self._backOff.wait()
                self._timer = self._reactor.callLater(wait, self._start, "")
            event = ZoneEvent.BOOT_FAILED if failed else ZoneEvent.REBOOTING
            self._events.event(event, self._account.how if failed else "")

    def _lifeEnded(self) -> None:
        self._events.lifeEnded(self._device.discardInput())

    def _halted(self) -> None:
        self._phase = Phase.DOWN
        self._events.event(ZoneEvent.HALTED, self._account.reason)
        for waiters in (self._halting, self._shutdown):
            waiters.answer("zone halted")

    def _stopTimer(self) -> None:
        if self._timer is not None:
            if self._timer.active():
                self._timer.cancel()
            self._timer = None
