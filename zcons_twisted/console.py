# -*- test-case-name: zcons_twisted.test.test_console -*-
"""
The rules of one zone's console.

 - One operator.  A newcomer is refused while the operator is really there; one
   that is dead, or that has closed its sending side, makes room.
 - Events are told to the operator, and some end its session.
 - When a session ends, when an event comes and nobody is attached, and when the
   device fails, we look at the zone's state: with nobody attached and no zone
   alive, a console that is told to C{exit} on halt dies.  A console that has just
   begun waits for one of these first.

Nothing here does I/O.  Sessions and the device are handed in, and tell of what
happened by the methods here.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields

from twisted.logger import Logger

from .credentials import Credentials
from .events import ZoneEvent
from .interfaces import IManagerDevice, IZoneStates
from .relay import INPUT_BACKLOG_MAX, InputQueue
from .sessions import Ended, EndReason, LegacySession

__all__ = ["ENDED_KEPT", "Console", "Counters", "OnHalt"]

#: How many ended sessions are remembered.
ENDED_KEPT = 32

_REASON_AT = {
    ZoneEvent.HALTED: EndReason.HALTED,
    ZoneEvent.BOOT_FAILED: EndReason.BOOT_FAILED,
}


class OnHalt(enum.Enum):
    """
    What a console does when the zone is down and nobody is attached.
    """

    EXIT = "exit"
    STAY = "stay"


@dataclass(slots=True)
class Counters:
    """
    Totals since the console began.

    @ivar output: bytes that the zone printed.
    @ivar input: bytes that were typed.
    @ivar skipped: bytes that operators missed because they were stalled.
    @ivar attached: sessions that were seated.
    @ivar refused: newcomers that found the seat taken.
    @ivar malformed: peers whose first line was none, or came too late.
    @ivar events: zone events.
    @ivar opened: how often the device was opened.
    """

    output: int = 0
    input: int = 0
    skipped: int = 0
    attached: int = 0
    refused: int = 0
    malformed: int = 0
    events: int = 0
    opened: int = 0

    def items(self) -> list[tuple[str, int]]:
        """
        Name and value of each.
        """
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


class Console:
    """
    One zone's console: its device, its operator and its rules.

    @ivar operator: the session that may type, if any.
    @ivar device: the manager, while it is open.
    @ivar dying: in death throes: nobody is seated any more.
    @ivar ended: the sessions that ended last, oldest first.
    """

    _log = Logger()

    def __init__(
        self,
        zone: str,
        states: IZoneStates,
        onHalt: OnHalt,
        now: Callable[[], float],
        onDeath: Callable[[], None],
    ) -> None:
        """
        @param zone: the zone's name.
        @param states: tells the zone's state.
        @param onHalt: what to do when the zone is down and nobody is attached.
        @param now: the time in seconds since the epoch.
        @param onDeath: called once, when the console is to be taken down.
        """
        self.zone = zone
        self.counters = Counters()
        self.operator: LegacySession | None = None
        self.device: IManagerDevice | None = None
        self.dying = False
        self.ended: deque[Ended] = deque(maxlen=ENDED_KEPT)
        self.onHalt = onHalt
        self.now = now
        self._states = states
        self._onDeath = onDeath
        self._typed = InputQueue(self._pauseOperator)
        self._held = False

    # The device's side.

    def deviceOpened(self, device: IManagerDevice) -> None:
        """
        The manager is open: a lap begins.
        """
        self.device = device
        self.counters.opened += 1
        if not self._held:
            device.resumeReading()
        self._typed.connect(device)

    def deviceLost(self) -> None:
        """
        The manager failed: the lap is over.  The operator stays, and what is typed
        waits for the next lap.
        """
        self.device = None
        self._typed.disconnect()
        self._lookAtState()

    def output(self, data: bytes) -> None:
        """
        The zone printed something.
        """
        self.counters.output += len(data)
        if self.operator is not None:
            self.operator.outlet.write(data)

    def writable(self) -> None:
        """
        The manager takes more input.
        """
        self._typed.writable()

    # The sessions' side.

    def holder(self) -> LegacySession | None:
        """
        The session that a newcomer would find in the seat: not one that is dead, or
        that has closed its sending side, and so makes room.
        """
        holder = self.operator
        return None if holder is None or self._makesRoom(holder) else holder

    def refuse(self, who: Credentials, holder: LegacySession) -> None:
        """
        A newcomer found the seat taken, and has been told so.
        """
        self.counters.refused += 1
        self._log.info(
            "{zone}: console refused to {who}: {holder} has it",
            zone=self.zone,
            who=who,
            holder=holder.who,
        )

    def attach(self, session: LegacySession) -> None:
        """
        Give a newcomer the operator's seat, which L{holder} said is free.
        """
        if self.operator is not None:
            self._evict(self.operator, session)
        self.operator = session
        self.counters.attached += 1

    def seated(self, session: LegacySession) -> None:
        """
        The newcomer has been told: from now on it paces the zone, and waits where
        the zone does not read.
        """
        session.outlet.holds(self._holdDevice)
        if self._typed.paused:
            session.link.pauseReading()
        self._log.info(
            "{zone}: console attached by {who}", zone=self.zone, who=session.who
        )

    def typed(self, session: LegacySession, data: bytes) -> None:
        """
        A session sent something: input, if it is the operator's.
        """
        if session is self.operator:
            self.counters.input += len(data)
            self._typed.write(data)

    def halfClosed(self, session: LegacySession) -> None:
        """
        A session sends no more, but still receives.
        """
        session.halfClosed = True
        self._log.info(
            "{zone}: {who} has closed its sending side", zone=self.zone, who=session.who
        )

    def vanished(self, session: LegacySession) -> None:
        """
        A session has gone while it was paused.  What it typed last is taken in, if
        there is room for it; else the seat is kept for it until there is.
        """
        if session is self.operator and self._typed.size <= INPUT_BACKLOG_MAX:
            self._takeInput(session)
            self.gone(session, EndReason.LEFT, "the client left")

    def gone(self, session: LegacySession, reason: EndReason, text: str) -> None:
        """
        A session's connection is over, by its own doing.
        """
        if session is self.operator:
            self._end(session, reason, text)
            self._lookAtState()

    def detach(self, reason: EndReason, text: str) -> Credentials | None:
        """
        End the operator's session.

        @param text: who or what ends it, in one line.
        @return: whose it was, or L{None} where there was none.
        """
        session = self.operator
        if session is None:
            return None
        lost = self._takeInput(session)
        if lost:
            text = f"{text}; {lost} bytes that it had typed found no room"
        self._end(session, reason, text)
        self._lookAtState()
        return session.who

    # Events.

    def event(self, event: ZoneEvent, arguments: str = "") -> None:
        """
        Something happened to the zone.

        @param arguments: the boot arguments that belong to it.
        """
        self.counters.events += event is not ZoneEvent.NULL
        self._states.posted(event)
        session = self.operator
        if session is None:
            self._lookAtState()
            return
        session.notice(event, arguments)
        if event is ZoneEvent.UNINSTALLING:
            self.detach(EndReason.ZONE_UNINSTALLED, "the zone is being uninstalled")
        elif event in _REASON_AT and session.ident.disconnect:
            reason = _REASON_AT[event]
            halted = reason is EndReason.HALTED
            self.detach(
                reason, "the zone halted" if halted else "the zone did not boot"
            )

    def stateLabel(self) -> str:
        """
        The zone's state as illumos' tools print it, C{unknown} where it can't be told.
        """
        try:
            return self._states.state().label
        except Exception:
            self._log.failure(
                "{zone}: unable to determine state of zone", zone=self.zone
            )
            return "unknown"

    def totals(self) -> list[tuple[str, int]]:
        """
        The counters' names and values, with what the operator has missed so far.
        """
        missed = self.operator.outlet.skipped if self.operator is not None else 0
        return [
            (name, value + missed if name == "skipped" else value)
            for name, value in self.counters.items()
        ]

    # Inside.

    def _makesRoom(self, holder: LegacySession) -> bool:
        """
        Does the seat's holder give it up, being dead or silent by its own choice?
        A dead one keeps it while there is no room for what it typed last.
        """
        if holder.halfClosed:
            return True
        if self._typed.size > INPUT_BACKLOG_MAX:
            return False
        return holder.link.sendsNoMore() or not holder.link.alive()

    def _evict(self, holder: LegacySession, newcomer: LegacySession) -> None:
        if holder.link.alive():
            text = f"{newcomer.who} took the seat that this session had given up"
            reason = EndReason.REPLACED
        else:
            text = "found dead when somebody else came"
            reason = EndReason.LOST
        self._takeInput(holder)
        self._end(holder, reason, text)

    def _takeInput(self, session: LegacySession) -> int:
        """
        What a session had typed before it ended goes to the zone all the same.

        @return: how many bytes of it did not, because too much waits already.
        """
        rest = session.link.drain()
        if self._typed.size > INPUT_BACKLOG_MAX:
            return len(rest)
        if rest:
            self.typed(session, rest)
        return 0

    def _end(self, session: LegacySession, reason: EndReason, text: str) -> None:
        self.operator = None
        self.counters.skipped += session.outlet.skipped
        session.end()
        self.ended.append(Ended(session.who, self.now(), reason, text))
        self._log.info(
            "{zone}: console left by {who}: {text}",
            zone=self.zone,
            who=session.who,
            reason=reason.value,
            text=text,
        )

    def _holdDevice(self, hold: bool) -> None:
        self._held = hold
        if self.device is None:
            return
        if hold:
            self.device.pauseReading()
        else:
            self.device.resumeReading()

    def _pauseOperator(self, pause: bool) -> None:
        if self.operator is None:
            return
        if pause:
            self.operator.link.pauseReading()
        else:
            self.operator.link.resumeReading()

    def _lookAtState(self) -> None:
        """
        The shutdown rule.  Where the state can't be told, nothing is shut down.
        """
        if self.onHalt is OnHalt.STAY or self.operator is not None or self.dying:
            return
        try:
            state = self._states.state()
        except Exception:
            self._log.failure(
                "{zone}: unable to determine state of zone", zone=self.zone
            )
            return
        if not state.alive:
            self.dying = True
            self._log.info(
                "{zone}: nobody is attached and the zone is {state}: console ends",
                zone=self.zone,
                state=state.label,
            )
            self._onDeath()
