# -*- test-case-name: zcons_twisted.test.test_client_endings -*-
"""
Tests for L{zcons_twisted.client.endings}.
"""

from __future__ import annotations

import os
import socket

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.connecting import Opener
from zcons_twisted.client.endings import (
    REASON_SECONDS,
    TAIL_SIZE,
    Found,
    lastEnd,
    told,
    verdict,
    whyEnded,
)
from zcons_twisted.client.happenings import End, EndCause
from zcons_twisted.rundir import RunDirectory

from .client_fakes import ClientReactor, connectedSocket, nobody

HALTED = b"\r\n[NOTICE: Zone halted.  Disconnecting...]\r\n"
BOOT_FAILED = b"\r\n[NOTICE: Zone boot failed.  Disconnecting...]\r\n"


class VerdictTests(SynchronousTestCase):
    """
    The exit status of a session that the server ended.
    """

    def test_asAsked(self) -> None:
        """
        With C{-d}, the zone's halt and a boot that failed are what was asked for.
        """
        for word in ("halted", "boot-failed"):
            result = verdict(True, Found("text", word), b"")
            self.assertEqual((result.status, result.message), (0, ""))

    def test_notAsked(self) -> None:
        """
        Every other reason is told, and so are those without C{-d}.
        """
        others = ("left", "lost", "zone-uninstalled", "detached", "replaced")
        for word in (*others, "server-stopping"):
            result = verdict(True, Found("text", word), HALTED)
            self.assertEqual((result.status, result.message), (3, "text"))
        result = verdict(False, Found("text", "halted"), HALTED)
        self.assertEqual((result.status, result.message), (3, "text"))

    def test_lastWords(self) -> None:
        """
        Of a server that does not say why, the last notice is taken; it must be the
        last.
        """
        nothing = Found("the server is gone")
        for notice in (HALTED, BOOT_FAILED):
            self.assertEqual(verdict(True, nothing, b"bye" + notice).status, 0)
            self.assertEqual(verdict(True, nothing, notice + b"x").status, 3)
            self.assertEqual(verdict(False, nothing, notice).status, 3)
            self.assertLessEqual(len(notice), TAIL_SIZE)


class ToldTests(SynchronousTestCase):
    """
    What a structured session was told of its end.
    """

    def test_reason(self) -> None:
        """
        The server's reason and text count, control characters escaped.
        """
        end = End(EndCause.SERVER, "", "taken-over", "by \x1b5")
        wanted = Found("the server ended the session: by \\x1b5", "taken-over")
        self.assertEqual(told(end), wanted)

    def test_broken(self) -> None:
        """
        Where it said none, what broke does.
        """
        self.assertEqual(told(End(EndCause.LOST, "reset")).text, "reset")
        self.assertEqual(
            told(End(EndCause.SERVER)).text, "the server closed the session"
        )


class LastEndTests(SynchronousTestCase):
    """
    What the control door remembers of us.
    """

    def test_newest(self) -> None:
        """
        The newest entry with our pid counts, control characters escaped.
        """
        ended = [
            {"pid": 1, "reason": "left", "text": "old"},
            {"pid": 1, "reason": "detached", "text": "by \x1bx"},
            {"pid": 2, "reason": "lost", "text": "other"},
        ]
        self.assertEqual(
            lastEnd(ended, 1),
            Found("the server ended the session: by \\x1bx", "detached"),
        )
        self.assertIsNone(lastEnd(ended, 3))


class WhyEndedTests(SynchronousTestCase):
    """
    Asking why.
    """

    def setUp(self) -> None:
        """
        A run directory and a reactor.
        """
        self.rundir = RunDirectory(self.mktemp())
        os.makedirs(self.rundir.path)
        self.reactor = ClientReactor()

    def found(self, opener: Opener = nobody) -> Deferred[Found]:
        """
        What is found out.
        """
        return Deferred.fromCoroutine(
            whyEnded(self.reactor, self.rundir, "z", 1, opener)
        )

    def test_stopped(self) -> None:
        """
        A server that took its socket away has stopped.
        """
        found = self.successResultOf(self.found())
        self.assertEqual(found, Found("the server has stopped"))

    def test_gone(self) -> None:
        """
        One that left it behind is gone.
        """
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(self.rundir.consoleSocket("z"))
        found = self.successResultOf(self.found())
        self.assertEqual(found, Found("the server is gone"))

    def test_noControlDoor(self) -> None:
        """
        A server that lives and does not say why has closed the session.
        """
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(self.rundir.consoleSocket("z"))
            server.listen()
            asking = self.found()
            self.assertEqual(
                self.successResultOf(asking), Found("the server closed the session")
            )

    def test_limit(self) -> None:
        """
        It is not waited for long.
        """
        asking = self.found(connectedSocket)
        self.assertNoResult(asking)
        self.reactor.advance(REASON_SECONDS)
        self.assertEqual(self.successResultOf(asking), Found("the server has stopped"))
