# -*- test-case-name: zcons_twisted.test.test_sessions -*-
"""
Tests for L{zcons_twisted.sessions}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from ..events import ZoneEvent
from ..history import HISTORY_MIN
from ..locales import Language
from ..marks import Mark, MarkKind
from ..relay import Follower
from ..sessions import EndReason, Role, Session
from ..testing import FakeReactor, MemoryLink
from .support import OURS, makeHistory, makeSession


class RememberingHost:
    """
    Remembers what its sessions do.
    """

    def __init__(self) -> None:
        self.told: list[object] = []

    def typed(self, session: Session, data: bytes) -> bool:
        """
        It sent something to type.
        """
        self.told.append(data)
        return True

    def halfClosed(self, session: Session) -> None:
        """
        It sends no more.
        """
        self.told.append("half-closed")

    def vanished(self, session: Session) -> None:
        """
        It has gone while it was paused.
        """
        self.told.append("vanished")

    def gone(self, session: Session, reason: EndReason, text: str) -> None:
        """
        Its connection is over.
        """
        self.told.append((reason, text))

    def followerChanged(self, follower: Follower) -> None:
        """
        It has fallen behind, or has caught up.
        """
        self.told.append(follower.behind)


class SessionTestCase(SynchronousTestCase):
    """
    A legacy session of a history in memory.
    """

    def setUp(self) -> None:
        """
        A peer that takes everything.
        """
        self.reactor = FakeReactor()
        self.link = MemoryLink()
        self.history = makeHistory()
        self.host = RememberingHost()

    def make(
        self, line: bytes = b"IDENT 7 C 0", language: Language | None = None
    ) -> Session:
        """
        A session.
        """
        return makeSession(
            self.reactor, self.link, self.host, self.history, line, OURS, language
        )

    def happens(self, session: Session, event: ZoneEvent, arguments: str = "") -> None:
        """
        Something happens to the zone.
        """
        self.history.event(0.0, event, arguments)
        session.follower.pump()


class LegacySessionTests(SessionTestCase):
    """
    A legacy session gets a byte pipe with notices in band.
    """

    def test_whose(self) -> None:
        """
        A session knows whose it is, from the kernel and from its own words.
        """
        session = self.make(b"IDENT 7 de_DE.UTF-8 1")
        peer = session.peer
        self.assertEqual(
            (peer.who, peer.told, peer.locale, peer.disconnect, peer.since),
            (OURS, 7, "de_DE.UTF-8", True, 0.0),
        )
        self.assertEqual((session.role, session.silent), (Role.OPERATOR, False))

    def test_notice(self) -> None:
        """
        A session is told of an event in a frame of its own.
        """
        self.happens(self.make(), ZoneEvent.HALTED)
        self.assertEqual(self.link.received, b"\r\n[NOTICE: Zone halted]\r\n")

    def test_noticeWithDisconnect(self) -> None:
        """
        A session that asked to be ended is told that it is.
        """
        self.happens(self.make(b"IDENT 7 C 1"), ZoneEvent.HALTED)
        self.assertEqual(
            self.link.received, b"\r\n[NOTICE: Zone halted.  Disconnecting...]\r\n"
        )

    def test_noticeWithArguments(self) -> None:
        """
        Boot arguments are told with the event.
        """
        self.happens(self.make(), ZoneEvent.REBOOTING, "-s\n")
        self.assertEqual(
            self.link.received,
            b"\r\n[NOTICE: Zone rebooting with arguments: -s\\x0a]\r\n",
        )

    def test_noReason(self) -> None:
        """
        Why a zone halted or did not boot is not told: the texts are illumos'.
        """
        for event, text in (
            (ZoneEvent.HALTED, b"Zone halted"),
            (ZoneEvent.BOOT_FAILED, b"Zone boot failed"),
        ):
            for line, more in (
                (b"IDENT 7 C 0", b""),
                (b"IDENT 7 C 1", b".  Disconnecting..."),
            ):
                self.link.received = b""
                self.happens(self.make(line), event, "exit status 3")
                self.assertEqual(
                    self.link.received, b"\r\n[NOTICE: %s%s]\r\n" % (text, more)
                )

    def test_nothingToTell(self) -> None:
        """
        Of the null event a session hears nothing.
        """
        self.happens(self.make(), ZoneEvent.NULL)
        self.assertEqual(self.link.received, b"")

    def test_language(self) -> None:
        """
        A session is spoken to in its language and its character set.
        """
        language = Language("iso8859-1", lambda text: "Zone läuft nicht")
        self.happens(self.make(language=language), ZoneEvent.HALTED)
        self.assertEqual(self.link.received, b"\r\n[Zone l\xe4uft nicht]\r\n")

    def test_gap(self) -> None:
        """
        A session that the ring has overtaken is told what it missed, in its language.
        """
        language = Language(
            "utf-8", lambda text: text.replace("skipped", "übersprungen")
        )
        session = self.make(language=language)
        self.history.append(b"missed" + b"x" * HISTORY_MIN)
        session.follower.pump()
        self.assertEqual(
            self.link.received.decode(),
            "\r\n[NOTICE: 6 bytes übersprungen]\r\n" + "x" * HISTORY_MIN,
        )

    def test_lostOutput(self) -> None:
        """
        Output that was lost before it could be kept is told in the same words.
        """
        session = self.make()
        self.history.mark(Mark(0, 0.0, MarkKind.GAP, 4095, ""))
        session.follower.pump()
        self.assertEqual(self.link.received, b"\r\n[NOTICE: 4095 bytes skipped]\r\n")

    def test_end(self) -> None:
        """
        A session that ends gets what waits for it, and its connection is closed
        without another word: the protocol has none.
        """
        session = self.make()
        self.link.room = 1
        self.history.append(b"abc")
        session.follower.pump()
        session.end(EndReason.DETACHED, "detached")
        self.assertEqual((self.link.received, self.link.closed), (b"abc", True))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_operatorChanged(self) -> None:
        """
        It is told nothing of who has the seat.
        """
        session = self.make()
        session.operatorChanged(session)
        session.operatorChanged(None)
        self.assertEqual(self.link.received, b"")


class PeerTests(SessionTestCase):
    """
    What a peer does is told to its console.
    """

    def test_told(self) -> None:
        """
        What it types, its end, and how it goes.
        """
        session = self.make()
        session.received(b"ls\n")
        session.halfClosed()
        session.vanished()
        session.lost("")
        session.lost("Broken pipe")
        self.assertEqual(
            self.host.told,
            [
                b"ls\n",
                "half-closed",
                "vanished",
                (EndReason.LEFT, "the client left"),
                (EndReason.LOST, "connection lost: Broken pipe"),
            ],
        )
        self.assertTrue(session.silent)

    def test_behind(self) -> None:
        """
        So is that it has fallen behind, and that it has caught up.
        """
        session = self.make()
        self.link.room = 0
        self.history.append(b"abc")
        session.follower.pump()
        self.link.take(None, session.writable)
        self.assertEqual(self.host.told, [True, False])

    def test_reasons(self) -> None:
        """
        Every end has a word for programs.
        """
        self.assertEqual(
            {reason.value for reason in EndReason},
            {
                "left",
                "closed",
                "lost",
                "halted",
                "boot-failed",
                "zone-uninstalled",
                "detached",
                "taken-over",
                "malformed",
                "too-slow",
                "server-stopping",
                "restarting",
            },
        )
