# -*- test-case-name: zcons_twisted.test.test_zone_process -*-
"""
The life of a zone that is a command on its console: boot, halt, reboot, shutdown, and
going on where an earlier server has left it.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from ..errors import LifecycleError
from ..events import ZoneEvent
from ..interfaces import IAccountableLife, IZoneShutdown
from .phases import After, Phase
from .spawning import Facts, endOf
from .zone_command import ZoneCommand

__all__ = ["RESPAWN_POLICIES", "ZoneProcess"]

#: What may happen when a zone's command ends by itself.
RESPAWN_POLICIES = ("never", "on-failure", "always")


@implementer(IAccountableLife, IZoneShutdown)
class ZoneProcess(ZoneCommand):
    """
    One zone's command, as it is directed.
    """

    # As a life.

    def boot(self, arguments: str = "") -> Deferred[str]:
        """
        See L{IAccountableLife}.
        """
        if self._phase is Phase.ENDING:
            return fail(LifecycleError("zone is shutting down: try again in a moment"))
        if self._phase is Phase.RUNNING:
            return succeed("zone is already booted")
        if self._phase is Phase.STARTING:
            return self._booting.wait()
        self._account.counts()
        if self._phase is Phase.DOWN:
            # The state comes first: who hears of the event looks at it.
            self._phase = Phase.STARTING
            self._events.event(ZoneEvent.BOOTING, arguments)
        done = self._booting.wait()
        self._start(arguments)
        return done

    def halt(self) -> Deferred[str]:
        """
        See L{IAccountableLife}.
        """
        return self.haltFor("")

    def haltFor(self, who: str) -> Deferred[str]:
        """
        See L{IAccountableLife}.
        """
        if self._phase is Phase.DOWN:
            return succeed("zone is already halted")
        self._account.asked(who)
        done = self._halting.wait()
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
        See L{IAccountableLife}.
        """
        if self._phase in (Phase.DOWN, Phase.ENDING):
            state = self.state().label
            why = f"reboot operation is invalid for zones in state '{state}'"
            hint = ": boot it" if self._phase is Phase.DOWN else ""
            return fail(LifecycleError(why + hint))
        self._account.counts()
        self._shutdown.refuse("zone was rebooted")
        self._events.event(ZoneEvent.REBOOTING, arguments)
        done = self._booting.wait().addCallback(lambda _ignored: "zone rebooted")
        if self._phase is Phase.WAITING:
            self._start(arguments)
        else:
            self._arguments = arguments
            self._end(After.REBOOT)
        return done

    def shutdown(self, reboot: bool = False, arguments: str = "") -> Deferred[str]:
        """
        See L{IZoneShutdown}.
        """
        if self._phase is Phase.STARTING:
            return fail(
                LifecycleError(
                    "shutdown operation is invalid for zones in state"
                    f" '{self.state().label}': halt it"
                )
            )
        if self._phase is not Phase.RUNNING:
            # Nothing of it hears, or it is told to go already.
            return self.reboot(arguments) if reboot else self.halt()
        self._account.asked("")
        done = self._shutdown.wait()
        after = After.SHUTDOWN_REBOOT if reboot else After.SHUTDOWN
        self._goesDown(after, arguments)
        self.spawner.note(after.value)
        self._sweep.tell()
        return done

    # Over a server's end.

    def found(self, facts: Facts, note: str) -> None:
        """
        An earlier server ran the zone: go on where that one was.

        @param facts: as L{facts}; the process may have ended meanwhile.
        @param note: what was to become of the zone.
        """
        if not facts:
            return
        self.resumed = True
        self.facts = facts
        after = After.noted(note)
        if facts["reaped"]:
            self._foundDown(after or After.HALT)
            return
        self._account.runs(facts["pid"], facts["started"])
        self._phase = Phase.RUNNING if facts["began"] else Phase.STARTING
        self._startedAt = facts["started"]
        self._sweep.began(facts["pid"])
        self.spawner.resume(facts, self)
        # In a turn of its own: then the console is served, and hears of it.
        self._timer = self._reactor.callLater(0, self._goOn, after)

    def _foundDown(self, after: After) -> None:
        verdict = self._read(endOf(self.facts.get("code"), self.facts.get("signal")))
        self._account.ended(self.facts["pid"], verdict.words)
        self._lifeEnded()
        if after in (After.RESPAWN, After.FAILED):
            again = self._options.respawn != "never"
        else:
            again = after in (After.REBOOT, After.REBOOTED, After.SHUTDOWN_REBOOT)
        if again:
            self._phase = Phase.WAITING
            self._timer = self._reactor.callLater(0, self._start, "")

    def _goOn(self, after: After | None) -> None:
        self._timer = None
        if after is After.HALT:
            self._account.asked("")
        if self.facts["began"] and self.facts["why"]:
            self._phase = Phase.STARTING
            self.beginFailed(self.facts["why"])
        elif after in (After.HALT, After.REBOOT):
            self._end(after)
        elif after in (After.SHUTDOWN, After.SHUTDOWN_REBOOT):
            self._account.asked("")
            self._goesDown(after, "")
        if self.facts["ended"]:
            self.spawner.foundEnded()
