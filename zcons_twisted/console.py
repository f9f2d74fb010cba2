# -*- test-case-name: zcons_twisted.test.test_console -*-
"""
The rules of one zone's console.

 - Everything that the zone prints is in the history, and every session follows it.
 - One operator: L{zcons_twisted.seat} has the rules of its seat.  Any number of
   watchers.
 - Events are kept with the output and told to every session, and some end sessions.
 - When a session ends, when an event comes and nobody is attached, and when the
   device fails, we look at the zone's state: with nobody attached and no zone
   alive, a console that is told to C{exit} on halt dies.  A console that has just
   begun waits for one of these first.

Nothing here does I/O.  Sessions and the device are handed in, and tell of what
happened by the methods here.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from .announcer import Announcer
from .counters import Counters, OnHalt
from .credentials import Credentials
from .ended import ENDS_AT, OVER_TEXT, EndedSessions
from .events import ZoneEvent
from .fanout import Fanout
from .history import History
from .interfaces import IManagerDevice, IZoneStates
from .log_queue import LogQueue
from .logbook import Logbook
from .notices import keptText, ungivenText, unreadText, untakenText
from .presence import Presence
from .relay import Follower
from .seat import Seat
from .sessions import EndReason, Role, Session

__all__ = ["SESSIONS_KEPT", "SESSIONS_MAX", "Console", "OnHalt"]

#: Most sessions of one console.
SESSIONS_MAX = 256

#: Of these, kept for root and the server's own user, so that nobody of the group can
#: keep them out.
SESSIONS_KEPT = 16


class Console:
    """
    One zone's console: its device, its sessions and its rules.

    @ivar history: what the zone printed; every session follows it.
    @ivar seat: the operator's seat.
    @ivar sessions: those that are attached, in the order that they came.
    @ivar device: the manager, while it is open.
    @ivar handsOver: what was typed and waits goes to another server.
    @ivar dying: in death throes: nobody is seated any more.
    @ivar ended: the sessions that ended last, oldest first.
    @ivar logbook: tells the log who came and went.
    @ivar presence: whether there is a zone.
    @ivar fanout: brings what the zone prints to the sessions.
    @ivar advanced: the zone printed something: L{fanout}'s, and so the next two.
    """

    _log = Logger()

    def __init__(
        self,
        zone: str,
        states: IZoneStates,
        onHalt: OnHalt,
        now: Callable[[], float],
        onDeath: Callable[[], None],
        history: History,
        clock: IReactorTime,
        logQueue: LogQueue | None = None,
    ) -> None:
        """
        @param zone: the zone's name.
        @param states: tells the zone's state.
        @param onHalt: what to do when the zone is down and nobody is attached.
        @param now: the time in seconds since the epoch.
        @param onDeath: called once, when the console is to be taken down.
        @param history: keeps what the zone prints.
        @param clock: measures the stall rule, and how much is told in the log.
        @param logQueue: writes who came and went; where L{None}, that is written at
            once.
        """
        self.zone = zone
        self.logbook = Logbook(zone, clock, logQueue)
        self.counters = Counters()
        self.history = history
        self.readFrom = history.readFrom
        self.sessions: dict[Session, None] = {}
        self.fanout = Fanout(history, now, self.sessions)
        self.advanced = self.fanout.advanced
        self.output = self.fanout.output
        self.batchMax = self.fanout.batchMax
        self.seat = Seat(clock)
        self.writable = self.seat.writable
        self._announcer = Announcer(clock, self.sessions, lambda: self.operator)
        self.device: IManagerDevice | None = None
        self.handsOver = self.dying = False
        self.ended = EndedSessions(now)
        self.onHalt = onHalt
        self.now = now
        self.presence = Presence(zone, states)
        self._states = states
        self._onDeath = onDeath
        self._leaving: Session | None = None
        self._began = history.end

    # The device's side.

    def deviceOpened(self, device: IManagerDevice) -> None:
        """
        The manager is open: a lap begins.
        """
        self.device = device
        self.counters.opened += 1
        self.seat.deviceOpened(device)

    def deviceLost(self) -> None:
        """
        The manager failed: the lap is over.  The sessions stay, and what is typed
        waits for the next lap; but not where another may be at the other end by then.
        """
        self.device = None
        self.seat.deviceLost()
        self._dropUntaken()
        self._lookAtState()

    # The sessions' side.

    @property
    def operator(self) -> Session | None:
        """
        The session that may type, if any.
        """
        return self.seat.operator

    def refuse(self, who: Credentials, holder: Session) -> None:
        """
        A newcomer found the seat taken, and has been told so.
        """
        self.counters.refused += 1
        self.logbook.refused(who, holder.peer.who)

    def attach(self, session: Session) -> None:
        """
        A newcomer comes in: into the operator's seat if that is what it asks for.
        """
        if session.role is Role.OPERATOR:
            self._clearSeat(session)
        self.sessions[session] = None
        self.counters.attached += 1

    def attached(self, session: Session) -> None:
        """
        The newcomer has been told so: from now on it gets output.
        """
        # It may be behind already, with the history that it asked for.
        self.followerChanged(session.follower)
        if session.role is Role.OPERATOR:
            self.seat.take(session)
            self._announcer.changed(session)
        session.follower.pump()
        self.logbook.attached(session.peer.who, session.role.noun)
        if session.endsAtOnce and session.peer.disconnect and self.presence.isOver():
            self.end(session, EndReason.HALTED, OVER_TEXT)

    def followerChanged(self, follower: Follower) -> None:
        """
        A session has fallen behind, or has caught up.
        """
        self.fanout.changed(follower)

    def typed(self, session: Session, data: bytes) -> bool:
        """
        A session sent something to type.  Where there is no zone, or no connection to
        it, nobody gets it, for whatever is there next has not asked for it; the session
        is told.

        @return: whether it may.
        """
        if data and session is self.operator:
            why = self.presence.unheard()
            if why:
                session.unheard(why)
                return True
        may = self.seat.typed(session, data)
        if may:
            self.counters.input += len(data)
            if self.device is None:
                # It may have failed just now, under our hands.
                self._dropUntaken()
        return may

    def claim(self, session: Session, take: bool) -> Session | None:
        """
        An attached session asks for the operator's seat.

        @param take: whether to take it from whoever has it.
        @return: who has it and keeps it, or L{None} where the session has it now.
        """
        if session is self.operator:
            return None
        holder = self.seat.holder()
        if holder is not None and not take:
            self.refuse(session.peer.who, holder)
            return holder
        self._clearSeat(session)
        if session in self.sessions:
            self.seat.take(session)
            self.logbook.tookSeat(session.peer.who)
            self._announcer.changed(session)
        else:
            self._announcer.changed()
        return None

    def giveUp(self, session: Session) -> None:
        """
        The operator gives up its seat, and goes on looking.
        """
        if session is self.operator:
            # What it sends next, it sends as a watcher.
            self._vacate(session, takeInput=False)
            self._announcer.changed(session)

    def halfClosed(self, session: Session) -> None:
        """
        A session sends no more, but still receives.
        """
        if session is self.operator:
            self._vacate(session, takeInput=True)
            self._announcer.changed(session)

    def vanished(self, session: Session) -> None:
        """
        A session has gone while it was paused.  What it typed last is taken in, if
        there is room for it; else the seat is kept for it until there is.
        """
        if self.seat.hasRoom():
            self.gone(session, *session.departure)

    def gone(self, session: Session, reason: EndReason, text: str) -> None:
        """
        A session's connection is over, by its own doing.
        """
        if session in self.sessions and session is not self._leaving:
            self.end(session, reason, text)

    def end(self, session: Session, reason: EndReason, text: str) -> None:
        """
        End a session.

        @param text: who or what ends it, in one line.
        """
        self._end(session, reason, text)
        self._lookAtState()

    def close(self) -> None:
        """
        Everything is over: what is left to be told is told.  Harmless to say twice.
        """
        self._dropped(self.seat.discard(), ungivenText)
        self._announcer.close()
        self.logbook.close()

    def endAll(self, reason: EndReason, text: str) -> None:
        """
        End every session.
        """
        for session in list(self.sessions):
            self._end(session, reason, text)
        self._lookAtState()

    # Events.

    def event(self, event: ZoneEvent, arguments: str = "") -> None:
        """
        Something happened to the zone.

        @param arguments: the boot arguments that belong to it, or why it happened.
        """
        self._states.posted(event)
        if event is not ZoneEvent.NULL:
            self._keep(event, arguments)
        if event is ZoneEvent.UNINSTALLING:
            self.endAll(EndReason.ZONE_UNINSTALLED, "the zone is being uninstalled")
        elif event in ENDS_AT:
            reason, text = ENDS_AT[event]
            for session in list(self.sessions):
                if session.peer.disconnect:
                    self._end(session, reason, text)
        self._lookAtState()

    def lifeEnded(self, unread: int) -> None:
        """
        One life of the zone is over: what was typed and has not been read is not for
        the next.

        @param unread: how many bytes of it the device had.
        """
        self._dropped(unread + self.seat.discard(), unreadText)

    def totals(self) -> list[tuple[str, int]]:
        """
        The counters' names and values as of now.
        """
        missed = sum(session.follower.missing for session in self.sessions)
        return self.counters.totals(self.history.end - self._began, missed)

    # Inside.

    def _dropUntaken(self) -> None:
        """
        There is no device: what waits is not for whoever is behind the next connection.
        """
        if self.presence.remote:
            self._dropped(self.seat.discard(), untakenText)

    def _dropped(self, count: int, text: Callable[[int], str]) -> None:
        """
        Typed bytes were dropped, if any: that is told.
        """
        if count:
            why = text(count)
            self._log.warn("{zone}: {why}: they are dropped", zone=self.zone, why=why)
            if self.operator is not None:
                self.operator.unheard(why)

    def _keep(self, event: ZoneEvent, arguments: str) -> None:
        self.counters.events += 1
        if event in (ZoneEvent.BOOTING, ZoneEvent.REBOOTING):
            self.history.booted()
        self.history.event(self.now(), event, keptText(event, arguments))
        self.fanout.marked()

    def _vacate(self, session: Session, takeInput: bool) -> None:
        """
        The operator leaves its seat and stays; it is for the caller to announce that.

        @param takeInput: whether what it has sent is the last that it typed.
        """
        lost = self.seat.leave(takeInput)
        self.logbook.gaveUpSeat(session.peer.who, lost)

    def _clearSeat(self, newcomer: Session) -> None:
        """
        Whoever has the seat leaves it: one that has only closed its sending side goes
        on looking, the others end.  It is for the newcomer's seating to be announced.
        """
        holder = self.operator
        if holder is None:
            return
        if not holder.link.alive():
            text = "found dead when somebody else came"
            self._endUntold(holder, EndReason.LOST, text)
        elif holder.link.sendsNoMore():
            self._vacate(holder, takeInput=True)
        else:
            text = f"taken over by {newcomer.peer.who}"
            self._endUntold(holder, EndReason.TAKEN_OVER, text)

    def _end(self, session: Session, reason: EndReason, text: str) -> None:
        if self._endUntold(session, reason, text):
            self._announcer.changed()

    def _endUntold(self, session: Session, reason: EndReason, text: str) -> bool:
        """
        End a session.

        @return: whether it had the seat, which is for the caller to announce.
        """
        wasOperator = session is self.operator
        if wasOperator:
            # What it sent last may say that it leaves.
            self._leaving = session
            lost = self.seat.leave()
            self._leaving = None
            if reason is EndReason.CLOSED:
                reason, text = session.departure
            if lost:
                text = f"{text}; {lost} bytes that it had typed found no room"
        del self.sessions[session]
        self.fanout.drop(session.follower)
        session.end(reason, text)
        self.counters.skipped += session.follower.skipped
        self.ended.add(session, reason, text, wasOperator)
        self.logbook.left(session.peer.who, reason.value, text)
        return wasOperator

    def _lookAtState(self) -> None:
        """
        The shutdown rule.  Where the state can't be told, nothing is shut down.
        """
        if self.onHalt is OnHalt.STAY or self.sessions or self.dying:
            return
        state = self.presence.state()
        if state is not None and not state.alive:
            self.dying = True
            self._log.info(
                "{zone}: nobody is attached and the zone is {state}: console ends",
                zone=self.zone,
                state=state.label,
            )
            self._onDeath()
