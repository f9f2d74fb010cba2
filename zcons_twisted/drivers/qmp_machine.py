# -*- test-case-name: zcons_twisted.test.test_qmp_machine -*-
"""
A virtual machine as a zone: what QEMU tells by QMP becomes the zone's state and events.

L{zcons_twisted.drivers.qmp_phases} has its phases.

What a machine printed before something happened comes before that: it is taken from the
console first, and a machine's end is told when its console has ended as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import LifecycleError
from ..events import ZoneEvent, ZoneState
from ..interfaces import IZoneConnection, IZoneEvents, IZonePresence, IZoneStates
from ..notices import escaped
from .account import askedWords, haltedWords
from .qmp_chardev import ConsoleChardev
from .qmp_client import QmpClient
from .qmp_console import MachineConsole, MachineLine
from .qmp_phases import ALIVE, RUNS, Phase

__all__ = ["ALIVE", "LAST_OUTPUT_SECONDS", "RESET_SECONDS", "Machine", "Phase"]

#: Resets within so many seconds are one reboot: a machine is reset two to four times.
RESET_SECONDS = 2.0

#: Seconds that a machine's last output is waited for before its end is told.
LAST_OUTPUT_SECONDS = 1.0

#: Longest reason of a machine's end that is told, in characters.
_REASON_MAX = 60


@implementer(IZoneConnection, IZonePresence, IZoneStates)
class Machine:
    """
    One virtual machine.

    @ivar account: how it is, or how it ended last.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        zone: str,
        events: IZoneEvents,
        chardev: str = "",
    ) -> None:
        """
        @param clock: measures how long things take.
        @param events: is told of what happens.
        @param chardev: what QEMU calls the console's character device, where that is
            not to be found out.
        """
        self.account = "QEMU has not been seen yet"
        self._clock = clock
        self._zone = zone
        self._events = events
        self._chardev = ConsoleChardev(chardev)
        self._client: QmpClient | None = None
        self._line: MachineLine | None = None
        self._console = MachineConsole(events)
        self._phase = Phase.DOWN
        self._seen = False
        self._paused = False
        self._pid = 0
        # Who has asked for its end, as far as that is known, and how it came.
        self._who = self._why = ""
        # Whether the console was connected to before the last machine ended.
        self._old = False
        self._rebootedAt = -RESET_SECONDS
        self._timers: dict[str, IDelayedCall] = {}

    def connect(self, client: QmpClient, line: MachineLine) -> None:
        """
        Begin to look after it.

        @param client: reaches QEMU.
        @param line: connects to its console.
        """
        self._client = client
        self._line = line
        client.start()

    def disconnect(self) -> None:
        """
        Look after it no more.
        """
        client, self._client = self._client, None
        if client is not None:
            client.stop()
        for name in list(self._timers):
            self._stopTimer(name)

    # As what knows the state.

    def state(self) -> ZoneState:
        """
        See L{IZoneStates}.
        """
        return self._phase.value

    def present(self) -> bool:
        """
        See L{IZonePresence}.  A console that was connected to after the last machine's
        end is that of another, whatever QMP has told so far.
        """
        return self._phase in ALIVE or not self._old

    def connected(self) -> bool:
        """
        See L{IZoneConnection}.
        """
        return self._console.isOpen

    def posted(self, event: ZoneEvent) -> None:
        """
        See L{IZoneStates}.  QEMU tells the state, and events from outside don't.
        """

    # What the console tells.

    def consoleOpened(self, peer: object, resumed: bool = False) -> None:
        """
        The console is connected.

        @param peer: its address, by which QEMU's character device is found.
        @param resumed: by an earlier server already: nothing is missing.
        """
        self._old = False
        self._chardev.peer = peer
        self._stopTimer("console")
        self._console.opened(resumed, self._client is not None and self._client.isReady)
        if not self._chardev.name and self._pid:
            self._ask("query-chardev", self._chardev.told)

    def consoleFailed(self) -> None:
        """
        The console can't be connected to now; if the machine is not running, that is no
        wonder.
        """

    def consoleLost(self, reason: str) -> None:
        """
        The console's connection is over, and with it the machine's last output.  Where
        the machine is not, that is told when QEMU has had time to say more.
        """
        if self._phase in ALIVE:
            self._console.lost(reason)
            self._startTimer("console", LAST_OUTPUT_SECONDS, self._tellLoss)
            return
        self._console.ended()
        if self._phase is Phase.ENDING:
            self._halted()

    def consoleClosed(self, reason: str) -> None:
        """
        We have closed the console's connection.
        """
        if self._phase in ALIVE:
            self._console.closed(reason)

    # What QEMU tells.

    def qmpReady(self, pid: int) -> None:
        """
        QEMU takes commands: how is it?
        """
        if pid and self._pid and pid != self._pid:
            # Another one has taken its place while nobody looked.
            if self._phase in ALIVE:
                self._ends("QEMU ended")
            self._finishEnd()
        self._pid = pid
        self._ask("query-status", self._status)
        if not self._chardev.name:
            self._ask("query-chardev", self._chardev.told)
        if self._line is not None and not self._console.isOpen:
            self._line.openNow()

    def qmpHappened(self, name: str, data: Mapping[str, Any]) -> None:
        """
        Something happened: what the machine printed before that comes before it.
        """
        react = _REACTIONS.get(name)
        if react is not None:
            if self._line is not None:
                self._line.drain()
            react(self, data)

    def qmpLost(self, reason: str, gone: bool) -> None:
        """
        QEMU can't be told anything for now.
        """
        if gone:
            self._seen = True
            if self._phase in ALIVE:
                self._ends("QEMU has gone")
        elif self._phase in ALIVE:
            self.account = f"QMP: {reason}"

    def _status(self, told: Any) -> None:
        status = told.get("status") if isinstance(told, dict) else None
        if not isinstance(status, str):
            self._log.warn("{zone}: QMP: no status was told", zone=self._zone)
            return
        self._paused = told.get("running") is not True
        known, self._seen = self._seen, True
        if status in ("shutdown", "postmigrate"):
            if self._phase in ALIVE:
                self._ends(status)
            return
        self._finishEnd()
        self.account = self._how(escaped(status)[:_REASON_MAX])
        before = self._phase
        if status in ("prelaunch", "inmigrate"):
            if before is not Phase.READY:
                self._readied()
        elif before in RUNS:
            if self._console.isOpen:
                # It is the one whose console was lost for a moment.
                self._console.tellLoss()
        elif known:
            self._boots()
        else:
            # One that ran before anybody looked was not booted now.
            self._phase = Phase.RUNNING
            self._console.machineFound()

    def _resumed(self, data: Mapping[str, Any]) -> None:
        self._paused = False
        self._finishEnd()
        if self._phase in (Phase.READY, Phase.DOWN):
            # Firmware that finds itself reset may reset the machine once more.
            self._rebootedAt = self._clock.seconds()
            self._boots()
        self.account = self._how("running")

    def _stopped(self, data: Mapping[str, Any]) -> None:
        self._paused = True
        if self._phase in ALIVE:
            self.account = self._how("paused")

    def _reset(self, data: Mapping[str, Any]) -> None:
        if data.get("reason") == "subsystem-reset":
            return
        self._finishEnd()
        if self._phase is Phase.DOWN and self._seen:
            # QEMU has outlived the machine, which can be started again now.
            self.account = self._how("prelaunch")
            self._readied()
        elif self._phase in RUNS and self._isHeld():
            # It does not run before it is told to.
            self._events.lifeEnded(0)
            self.account = self._how("prelaunch")
            self._readied()
        elif self._phase in RUNS:
            self._phase = Phase.RUNNING
            now = self._clock.seconds()
            if now - self._rebootedAt >= RESET_SECONDS:
                self._rebootedAt = now
                self._events.event(ZoneEvent.REBOOTING, "")

    def _shutdown(self, data: Mapping[str, Any]) -> None:
        if self._phase in ALIVE:
            self._ends(_word(data.get("reason")))

    def _powerdown(self, data: Mapping[str, Any]) -> None:
        if self._phase is Phase.RUNNING:
            self._phase = Phase.POWERING_DOWN
            self.account = self._how("asked to power down")

    def _panicked(self, data: Mapping[str, Any]) -> None:
        self.account = self._how("the guest panicked")

    # Inside.

    def _how(self, status: str) -> str:
        process = f"QEMU process {self._pid}" if self._pid else "QEMU"
        return f"{process}: {status}"

    def _boots(self) -> None:
        self._phase = Phase.RUNNING
        self._console.machineBegan()
        self._events.event(ZoneEvent.BOOTING, "")

    def _isHeld(self) -> bool:
        """
        Is a machine that is reset to wait before it begins anew?
        """
        return False

    def _readied(self) -> None:
        self._phase = Phase.READY
        self._events.event(ZoneEvent.READIED, "")

    def _ends(self, why: str) -> None:
        """
        The machine is no more: told when its last output is there.
        """
        self._phase = Phase.ENDING
        self._old = True
        self._why = why
        self.account = f"ended: {haltedWords(self._who, why)}"
        self._log.info("{zone}: zone {account}", zone=self._zone, account=self.account)
        self._stopTimer("grace")
        if self._console.isOpen:
            self._startTimer("end", LAST_OUTPUT_SECONDS, self._halted)
        else:
            self._halted()

    def _finishEnd(self) -> None:
        if self._phase is Phase.ENDING:
            self._halted()

    def _halted(self) -> None:
        for name in ("end", "grace", "console"):
            self._stopTimer(name)
        self._phase = Phase.DOWN
        self._console.machineEnded()
        why = askedWords(self._who, self._why)
        self._who = ""
        self._events.lifeEnded(0)
        self._events.event(ZoneEvent.HALTED, why)

    def _tellLoss(self) -> None:
        if self._phase in ALIVE:
            self._console.tellLoss()

    def _call(self, name: str, **arguments: Any) -> Deferred[Any]:
        if self._client is None:
            return fail(LifecycleError("QEMU is not looked after"))
        return self._client.call(name, **arguments)

    def _ask(self, name: str, react: Callable[[Any], None]) -> None:
        failed: list[Failure] = []
        asked = self._call(name).addCallback(react).addErrback(failed.append)
        asked.addCallback(lambda _ignored: self._tell(failed))

    def _tell(self, failed: list[Failure]) -> None:
        for failure in failed:
            if failure.check(LifecycleError):
                self._log.warn(
                    "{zone}: {reason}",
                    zone=self._zone,
                    reason=failure.getErrorMessage(),
                )
            else:
                self._log.failure("{zone}: QMP", failure, zone=self._zone)

    def _startTimer(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        self._stopTimer(name)
        self._timers[name] = self._clock.callLater(seconds, self._over, name, call)

    def _over(self, name: str, call: Callable[[], None]) -> None:
        del self._timers[name]
        call()

    def _stopTimer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()


_REACTIONS: dict[str, Callable[[Machine, Mapping[str, Any]], None]] = {
    "RESUME": Machine._resumed,
    "STOP": Machine._stopped,
    "RESET": Machine._reset,
    "SHUTDOWN": Machine._shutdown,
    "POWERDOWN": Machine._powerdown,
    "GUEST_PANICKED": Machine._panicked,
}


def _word(reason: object) -> str:
    """
    A reason in QEMU's words, C{guest-shutdown} for example.
    """
    return escaped(reason)[:_REASON_MAX] if isinstance(reason, str) else "shut down"
