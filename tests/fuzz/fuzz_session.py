"""
A console with sessions of both kinds, of which chance decides what they send, read and
do; the zone prints meanwhile.
"""

from __future__ import annotations

from cuts import Source

from zcons_twisted.answers import startOffset
from zcons_twisted.console import Console, OnHalt
from zcons_twisted.credentials import Credentials
from zcons_twisted.errors import ZConsError
from zcons_twisted.events import ZoneEvent, ZoneState
from zcons_twisted.frames import (
    SERVER_TYPES,
    Frame,
    FrameReader,
    FrameType,
    encodeFrame,
    encodeObject,
    parseAttach,
    parseGap,
    parseOutput,
)
from zcons_twisted.history import HISTORY_MIN, READ_MAX, History, historySize
from zcons_twisted.ident import parseIdent
from zcons_twisted.laps import Laps
from zcons_twisted.locales import CATALOGUES
from zcons_twisted.relay import PENDING_MAX
from zcons_twisted.sessions import EndReason, LegacyVoice, Peer, Session
from zcons_twisted.structured import StructuredSession
from zcons_twisted.testing import FakeReactor, MemoryDriver, MemoryLink, MemoryStates

MOST = 8


class Someone:
    """
    Somebody who attached.
    """

    def __init__(self, session: Session, link: MemoryLink, typed: bool) -> None:
        self.session = session
        self.link = link
        self.framed = isinstance(session, StructuredSession)
        self.start = session.follower.cursor


class Scene:
    """
    One console and all that happens at it.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.reactor = FakeReactor()
        states = MemoryStates(ZoneState.RUNNING)
        self.driver = MemoryDriver(states=states)
        memory = memoryview(bytearray(historySize(HISTORY_MIN)))
        self.history = History(memory, HISTORY_MIN)
        self.console = Console(
            "z",
            states,
            OnHalt.STAY,
            self.reactor.seconds,
            self.dies,
            self.history,
            self.reactor,
        )
        Laps(self.reactor, self.driver, self.console).begin()
        self.people: list[Someone] = []
        self.printed = 0
        self.steps = (
            self.prints,
            self.comes,
            self.attaches,
            self.sends,
            self.saysFrame,
            self.reads,
            self.halfCloses,
            self.dies,
            self.happens,
            self.passes,
            self.zoneReads,
            self.leaves,
        )

    def run(self) -> None:
        """
        Everything that the input asks for.
        """
        while self.source:
            self.steps[self.source.number(len(self.steps))]()
            self.check()
        self.console.endAll(EndReason.DETACHED, "detached by nobody")
        self.reactor.advance(5)
        assert not self.console.sessions and self.console.operator is None
        for one in self.people:
            one.session.writable()
            account(one, self.history)
        self.console.close()
        assert self.reactor.getDelayedCalls() == []

    # What can happen.

    def prints(self) -> None:
        """
        The zone prints.
        """
        size = self.source.number(40_000)
        for at in range(0, size, READ_MAX):
            self.driver.device.zonePrints(bytes(min(READ_MAX, size - at)))

    def comes(self) -> None:
        """
        A legacy session comes, if there is room in the seat.
        """
        try:
            told = parseIdent(b"IDENT " + self.source.take(self.source.number(24)))
        except ZConsError:
            told = parseIdent(b"IDENT 1 C 1")
        if self.console.seat.holder() is not None or len(self.people) >= MOST:
            return
        link = MemoryLink(self.room())
        session = Session(
            self.reactor,
            link,
            self.console,
            self.history,
            LegacyVoice(CATALOGUES.language(told.locale), told.disconnect),
            Peer(Credentials(9, 0, 0), told.pid, told.locale, told.disconnect, 0.0),
        )
        self.seats(Someone(session, link, True))

    def attaches(self) -> None:
        """
        A structured session comes.
        """
        given = self.source.take(self.source.number(80))
        try:
            asked = parseAttach(b'ATTACH {"v":1,' + given + b"}")
        except ZConsError:
            role = ("operator", "watch", "take")[len(given) % 3]
            line = b"ATTACH " + encodeObject({"v": 1, "role": role, "start": "all"})
            asked = parseAttach(line)
        holder = self.console.seat.holder()
        if len(self.people) >= MOST or (asked.role == "operator" and holder):
            return
        link = MemoryLink(self.room())
        session = StructuredSession(
            self.reactor,
            link,
            self.console,
            CATALOGUES.language(asked.locale),
            Peer(Credentials(9, 0, 0), None, asked.locale, asked.disconnect, 0.0),
            asked,
            startOffset(self.history, asked),
        )
        self.seats(Someone(session, link, False))

    def seats(self, one: Someone) -> None:
        """
        Somebody is seated, as the console socket does it.
        """
        self.people.append(one)
        self.console.attach(one.session)
        self.console.attached(one.session)

    def sends(self) -> None:
        """
        Somebody sends whatever it is.
        """
        one = self.anybody()
        data = self.source.take(self.source.number(300))
        if one is not None and data and not one.link.paused:
            one.session.received(data)
        elif one is not None:
            one.link.sent += data

    def saysFrame(self) -> None:
        """
        Somebody sends a frame that is one.
        """
        one = self.anybody()
        kind = list(FrameType)[self.source.number(len(FrameType))]
        payload = self.source.take(self.source.number(80))
        if one is not None and not one.link.paused:
            one.session.received(encodeFrame(kind, payload))

    def reads(self) -> None:
        """
        Somebody reads some or all.
        """
        one = self.anybody()
        room = self.room()
        if one is not None and one.session in self.console.sessions:
            one.link.take(room, one.session.writable)

    def halfCloses(self) -> None:
        """
        Somebody sends no more.
        """
        one = self.anybody()
        if one is not None and not one.link.finished:
            one.link.finished = True
            one.session.halfClosed()

    def dies(self) -> None:
        """
        Somebody goes without a word.
        """
        one = self.anybody()
        if one is not None:
            one.link.dead = True
            if one.link.paused:
                one.session.vanished()

    def leaves(self) -> None:
        """
        Somebody goes, and is found to have gone.
        """
        one = self.anybody()
        if one is not None:
            one.link.dead = True
            one.session.lost("")

    def happens(self) -> None:
        """
        Something happens to the zone.
        """
        event = list(ZoneEvent)[self.source.number(len(ZoneEvent))]
        text = self.source.take(self.source.number(32)).decode("utf-8", "replace")
        self.console.event(event, text)

    def passes(self) -> None:
        """
        Time passes.
        """
        self.reactor.advance(self.source.number(16) / 4)

    def zoneReads(self) -> None:
        """
        The zone reads, or stops reading.
        """
        self.driver.device.zoneReads((0, 100, None)[self.source.number(3)])

    # What must hold.

    def anybody(self) -> Someone | None:
        """
        One of those who are there.
        """
        number = self.source.number(MOST)
        here = [one for one in self.people if one.session in self.console.sessions]
        self.people = here + [one for one in self.people if one not in here][-MOST:]
        return here[number % len(here)] if here else None

    def room(self) -> int | None:
        """
        How much somebody takes.
        """
        return (0, 7, 1000, None)[self.source.number(4)]

    def check(self) -> None:
        """
        There is at most one operator, it is attached, and nobody is kept more for than
        what is promised.
        """
        operator = self.console.operator
        assert operator is None or operator in self.console.sessions
        for session in self.console.sessions:
            follower = session.follower
            # One frame of what was in the ring may be on its way besides.
            assert len(follower._pending) <= PENDING_MAX + 33 * 1024
            assert follower.cursor <= self.history.end
            assert session in self.console.sessions


def account(one: Someone, history: History) -> None:
    """
    What somebody got is all that there was, with every gap told; nothing came behind
    the end of it.
    """
    if not one.framed:
        return
    at = one.start
    frames = list(FrameReader(SERVER_TYPES).feed(one.link.received))
    ends = [n for n, frame in enumerate(frames) if frame.type is FrameType.END]
    assert len(ends) <= 1, frames
    if ends and one.link.closed:
        assert ends[0] == len(frames) - 1
    for frame in frames:
        at = follow(frame, at)
    assert at <= history.end


def follow(frame: Frame, at: int) -> int:
    """
    Where one frame leads.
    """
    if frame.type is FrameType.OUTPUT:
        offset, data = parseOutput(frame.payload)
        assert offset == at
        return at + len(data)
    if frame.type is FrameType.GAP:
        offset, size = parseGap(frame.payload)
        assert offset == at and size > 0
        return at + size
    return at


def consume(data: bytes) -> None:
    """
    Nothing that sessions do breaks the console's rules.
    """
    Scene(Source(data)).run()
