# -*- test-case-name: zcons_twisted.test.test_conservation -*-
"""
Tests for L{zcons_twisted.console} with whatever chance makes of it: no byte is lost
without being counted.
"""

from __future__ import annotations

import re

from ..console import Console
from ..credentials import Credentials
from ..events import ZoneEvent
from ..frames import Attach, FrameType, parseGap, parseOutput
from ..history import READ_MAX
from ..locales import Language
from ..sessions import EndReason, Peer, Session
from ..structured import StructuredSession
from ..testing import MemoryLink
from .console_case import ConsoleTestCase
from .examples import given, quickly, st
from .support import OURS, framesOf, makeSession, numbered

_NOTICE = re.compile(rb"\r\n\[NOTICE: (?:([0-9]+) bytes skipped|Zone readied)\]\r\n")

#: What can happen: the zone prints so much; something happens to it; somebody comes,
#: reads so much, or leaves; time passes; the device fails.
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("print"), st.integers(1, 40_000), st.just(0)),
        st.tuples(st.just("print"), st.integers(1, 300), st.just(0)),
        st.tuples(st.just("event"), st.just(0), st.just(0)),
        st.tuples(st.just("come"), st.integers(0, 3), st.integers(0, 20_000)),
        st.tuples(st.just("read"), st.integers(0, 5), st.integers(1, 90_000)),
        st.tuples(st.just("read"), st.integers(0, 5), st.integers(1, 50)),
        st.tuples(st.just("leave"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("pass"), st.integers(1, 8), st.just(0)),
        st.tuples(st.just("fail"), st.just(0), st.just(0)),
    ),
    max_size=50,
)


#: The last thing that a legacy operator is told when it loses the seat.
_TAKEN_OVER = re.compile(rb"\r\n\[NOTICE: Console taken over by [^]]*\]\r\n\Z")


class Attendant:
    """
    Somebody who attached, and where its output begins.
    """

    def __init__(self, session: Session, link: MemoryLink, framed: bool) -> None:
        self.session = session
        self.link = link
        self.framed = framed
        self.start = session.follower.cursor

    def covered(self) -> tuple[int, int]:
        """
        Check all that it got.

        @return: where its output ended, and how much was missing in it.
        """
        at, missing = self.start, 0
        for what, data in self.pieces():
            if what == "gap":
                at += int(data)
                missing += int(data)
            else:
                stop = at + len(data)
                assert data == numbered(at, stop), (at, data[:20])
                at = stop
        return at, missing

    def pieces(self) -> list[tuple[str, bytes]]:
        """
        The output and the gaps that it got, in order.
        """
        if not self.framed:
            found: list[tuple[str, bytes]] = []
            received = _TAKEN_OVER.sub(b"", self.link.received)
            for number, piece in enumerate(_NOTICE.split(received)):
                if piece is not None:
                    found.append(("gap" if number % 2 else "output", piece))
            return found
        found = []
        at = self.start
        for frame in framesOf(self.link.received):
            if frame.type is FrameType.OUTPUT:
                offset, data = parseOutput(frame.payload)
                assert offset == at
                found.append(("output", data))
                at += len(data)
            elif frame.type is FrameType.GAP:
                offset, size = parseGap(frame.payload)
                assert offset == at
                found.append(("gap", b"%d" % size))
                at += size
        return found


class ConservationTests(ConsoleTestCase):
    """
    Each session gets exactly what the zone printed, or gaps of exactly what is
    missing.
    """

    def come(self, kind: int, room: int) -> Attendant:
        """
        Somebody attaches: as a legacy session, as an operator, as a watcher from now
        on, or as one that wants all there is.
        """
        console: Console = self.console
        link = MemoryLink(room)
        if kind == 0:
            if console.operator is not None:
                console.operator.halfClosed()
            session = makeSession(self.reactor, link, console, console.history)
        else:
            role = "take" if kind == 1 else "watch"
            session = StructuredSession(
                self.reactor,
                link,
                console,
                Language(),
                Peer(Credentials(9, 0, 0), None, "C", False, 0.0),
                Attach(role),
                console.history.oldest if kind == 3 else None,
            )
        attendant = Attendant(session, link, kind > 0)
        console.attach(session)
        console.attached(session)
        return attendant

    @quickly
    @given(_STEPS)
    def test_output(self, steps: list[tuple[str, int, int]]) -> None:
        """
        Whatever is printed, however it is read, and whoever comes and goes.
        """
        self.setUp()
        self.end = 0
        self.people: list[Attendant] = []
        for what, first, second in steps:
            if what in ("read", "leave") and not self.people:
                continue
            getattr(self, f"do_{what}")(first, second)
        self.finish(self.people, self.end)

    def do_print(self, size: int, _: int) -> None:
        """
        The zone prints something.
        """
        for start in range(self.end, self.end + size, READ_MAX):
            stop = min(start + READ_MAX, self.end + size)
            self.device.zonePrints(numbered(start, stop))
        self.end += size

    def do_event(self, _: int, __: int) -> None:
        """
        Something happens to the zone.
        """
        self.console.event(ZoneEvent.READIED)

    def do_come(self, kind: int, room: int) -> None:
        """
        Somebody attaches.
        """
        self.people.append(self.come(kind, room))

    def do_pass(self, quarters: int, _: int) -> None:
        """
        Time passes.
        """
        self.reactor.advance(quarters / 4)

    def do_fail(self, _: int, __: int) -> None:
        """
        The device fails, with nothing in it that nobody has read.
        """
        while not self.device.reading:
            self.reactor.advance(1)
        self.device.fail()
        self.reactor.advance(40)

    def do_read(self, number: int, size: int) -> None:
        """
        Somebody reads.
        """
        one = self.people[number % len(self.people)]
        if one.session in self.console.sessions:
            one.link.take(size, one.session.writable)

    def do_leave(self, number: int, _: int) -> None:
        """
        Somebody leaves.
        """
        one = self.people[number % len(self.people)]
        self.console.gone(one.session, EndReason.LEFT, "the client left")

    def finish(self, people: list[Attendant], end: int) -> None:
        """
        Everybody reads what is left, and all of it is looked at.
        """
        while any(one.link.wanted for one in people):
            for one in people:
                one.link.take(None, one.session.writable)
            if not self.device.reading:
                self.reactor.advance(1)
        self.assertTrue(self.device.reading)
        self.assertEqual(self.console.history.end, end)
        skipped = 0
        for one in people:
            stop, missing = one.covered()
            skipped += missing
            self.assertEqual(missing, one.session.follower.skipped)
            if one.session in self.console.sessions:
                self.assertEqual(stop, end)
        self.assertEqual(dict(self.console.totals())["skipped"], skipped)
        self.console.endAll(EndReason.DETACHED, f"detached by {OURS}")
        self.reactor.advance(1)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
