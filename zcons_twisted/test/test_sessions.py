# -*- test-case-name: zcons_twisted.test.test_sessions -*-
"""
Tests for L{zcons_twisted.sessions}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from ..events import ZoneEvent
from ..locales import Language
from ..sessions import EndReason
from ..testing import FakeReactor, MemoryLink
from .support import makeSession


class LegacySessionTests(SynchronousTestCase):
    """
    A legacy session gets a byte pipe with notices in band.
    """

    def setUp(self) -> None:
        """
        A peer that takes everything.
        """
        self.reactor = FakeReactor()
        self.link = MemoryLink()

    def test_notice(self) -> None:
        """
        A session is told of an event in a frame of its own.
        """
        makeSession(self.reactor, self.link).notice(ZoneEvent.HALTED, "")
        self.assertEqual(self.link.received, b"\r\n[NOTICE: Zone halted]\r\n")

    def test_noticeWithDisconnect(self) -> None:
        """
        A session that asked to be ended is told that it is.
        """
        session = makeSession(self.reactor, self.link, b"IDENT 7 C 1")
        session.notice(ZoneEvent.HALTED, "")
        self.assertEqual(
            self.link.received, b"\r\n[NOTICE: Zone halted.  Disconnecting...]\r\n"
        )

    def test_noticeWithArguments(self) -> None:
        """
        Boot arguments are told with the event.
        """
        makeSession(self.reactor, self.link).notice(ZoneEvent.REBOOTING, "-s\n")
        self.assertEqual(
            self.link.received,
            b"\r\n[NOTICE: Zone rebooting with arguments: -s\\x0a]\r\n",
        )

    def test_nothingToTell(self) -> None:
        """
        Of the null event a session hears nothing.
        """
        makeSession(self.reactor, self.link).notice(ZoneEvent.NULL, "")
        self.assertEqual(self.link.received, b"")

    def test_language(self) -> None:
        """
        A session is spoken to in its language and its character set.
        """
        language = Language("iso8859-1", lambda text: "Zone läuft nicht")
        session = makeSession(self.reactor, self.link, language=language)
        session.notice(ZoneEvent.HALTED, "")
        self.assertEqual(self.link.received, b"\r\n[Zone l\xe4uft nicht]\r\n")

    def test_gap(self) -> None:
        """
        A session that stalled is told what it missed, in its language.
        """
        language = Language(
            "utf-8", lambda text: text.replace("skipped", "übersprungen")
        )
        session = makeSession(self.reactor, self.link, language=language)
        self.link.room = 0
        session.outlet.write(b"x")
        self.reactor.advance(1)
        session.outlet.write(b"missed")
        self.link.take(None, session.outlet.writable)
        self.assertEqual(
            self.link.received.decode(), "x\r\n[NOTICE: 6 bytes übersprungen]\r\n"
        )
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_end(self) -> None:
        """
        A session that ends gets what waits for it, and its connection is closed.
        """
        session = makeSession(self.reactor, self.link)
        self.link.room = 1
        session.outlet.write(b"abc")
        session.end()
        self.assertEqual((self.link.received, self.link.closed), (b"abc", True))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_reasons(self) -> None:
        """
        Every end has a word for programs.
        """
        self.assertEqual(
            {reason.value for reason in EndReason},
            {
                "left",
                "lost",
                "halted",
                "boot-failed",
                "zone-uninstalled",
                "detached",
                "replaced",
                "server-stopping",
            },
        )
