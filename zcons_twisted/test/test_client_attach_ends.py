# -*- test-case-name: zcons_twisted.test.test_client_attach_ends -*-
"""
Tests for L{zcons_twisted.client.attach}: how a session ends, and with what status.
"""

from __future__ import annotations

import errno
import signal
from typing import Any

from twisted.internet.testing import StringTransport

from zcons_twisted.client.attach import (
    LEAVING_SECONDS,
)
from zcons_twisted.client.streams import HIGH_WATER
from zcons_twisted.frames import FrameType

from .attach_case import CLOSED, CONNECTED, HALTED, AttachingCase, Door
from .client_fakes import (
    connectedSocket,
    frames,
    nobody,
    typed,
)


class EndingTests(AttachingCase):
    """
    How it ends, what is shown then, and the exit status.
    """

    def test_left(self) -> None:
        """
        The way out is shown, ends the session, and is what was asked for.
        """
        self.seat()
        self.type_(b"exit\r~.")
        *_, last = frames(self.server.value())
        self.assertEqual(typed(self.server.value()), b"exit\r")
        self.assertEqual(last.type, FrameType.LEAVE)
        self.assertNoResult(self.exit)
        self.prints(b"dropped")
        self.ends("left", "the client left")
        self.assertEqual(self.output.written, CONNECTED + b"~." + CLOSED)
        self.exited(0)

    def test_leftWithOutputWaiting(self) -> None:
        """
        A terminal that takes nothing keeps nobody from leaving.
        """
        self.seat()
        self.output.room = 0
        self.prints(b"x" * 100)
        self.type_(b"~.")
        self.ends("left", "the client left")
        self.assertNoResult(self.exit)
        self.reactor.advance(LEAVING_SECONDS)
        self.reactor.advance(LEAVING_SECONDS)
        self.exited(0)

    def test_leftWithInputWaiting(self) -> None:
        """
        Neither does a zone that takes nothing.
        """
        self.seat()
        self.type_(b"~.")
        self.assertNoResult(self.exit)
        self.reactor.advance(LEAVING_SECONDS)
        self.assertTrue(self.server.aborted)
        self.exited(0)

    def test_serverEnded(self) -> None:
        """
        Who or what ended it is told in one line.
        """
        self.seat()
        self.ends("taken-over", "taken over by \x1b5")
        self.assertFalse(self.terminal.raw)
        self.assertEqual(self.output.written, CONNECTED + CLOSED)
        self.assertEqual(
            self.said, ["the server ended the session: taken over by \\x1b5"]
        )
        self.exited(3)

    def test_haltedAsAsked(self) -> None:
        """
        With C{-d} the zone's halt, or a boot that failed, is what was asked for.
        """
        for reason in ("halted", "boot-failed"):
            self.setUp()
            self.seat(disconnect=True)
            self.ends(reason, "the zone halted")
            self.assertEqual(self.said, [])
            self.exited(0)

    def test_downAlready(self) -> None:
        """
        With C{-d}, a zone that was down already ends it with a word.
        """
        self.begin(disconnect=True)
        self.letIn(present=False)
        self.ends("halted", "the zone is down already")
        self.exited(0)
        self.assertEqual(self.said, ["zone 'z' is down: 'zconsole boot z' starts it"])

    def test_downAlreadyAndWhy(self) -> None:
        """
        The word is the server's, where it has one.
        """
        self.begin(disconnect=True)
        self.letIn(present=False, note="zone 'z' is down (exit status 3)")
        self.ends("halted", "the zone is down already")
        self.exited(0)
        self.assertEqual(self.said, ["zone 'z' is down (exit status 3)"])
        self.assertNotIn(b"is down", self.output.written)

    def test_nonsense(self) -> None:
        """
        A server that can't be understood ends it.
        """
        self.seat()
        self.server.protocol.dataReceived(b"\xff" * 8)
        self.assertEqual(
            self.said, ["protocol error: a frame of type 0xff has no place"]
        )
        self.exited(3)

    def test_lastOutputIsShown(self) -> None:
        """
        What the zone printed last is shown before anything else happens.
        """
        self.seat()
        self.output.room = 0
        self.prints(b"panic: ")
        self.ends("detached", "by process 5")
        self.assertTrue(self.terminal.raw)
        self.output.room = 1000
        self.reactor.writers[0].doWrite()
        self.assertEqual(self.output.written, CONNECTED + b"panic: " + CLOSED)
        self.exited(3)

    def test_lastOutputIsNotWaitedFor(self) -> None:
        """
        Whoever does not want to see it can still leave, or send a signal.
        """
        self.seat()
        self.output.room = 0
        self.prints(b"panic: ")
        self.ends("detached", "by process 5")
        self.attachment.signalled(signal.SIGTERM)
        self.exited(143)

    def test_signals(self) -> None:
        """
        A signal ends it at once, with the terminal put back.
        """
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            self.setUp()
            self.seat()
            self.attachment.signalled(number)
            self.assertEqual(self.output.written, CONNECTED + CLOSED)
            self.assertTrue(self.server.aborted)
            self.exited(128 + number)

    def test_signalWhileStopped(self) -> None:
        """
        The same when the terminal takes nothing.
        """
        self.seat()
        self.output.room = 0
        self.prints(b"x" * HIGH_WATER)
        self.attachment.signalled(signal.SIGTERM)
        self.exited(143)

    def test_terminalGone(self) -> None:
        """
        A terminal that hung up is as good as SIGHUP.
        """
        self.seat()
        self.type_(OSError(errno.EIO, "hung up"))
        self.exited(129)
        self.setUp()
        self.seat()
        self.output.error = OSError(errno.EIO, "hung up")
        self.prints(b"x")
        self.exited(129)

    def test_readerGone(self) -> None:
        """
        Whoever reads our output may stop when it has seen enough.
        """
        self.shown = False
        self.seat()
        self.output.error = BrokenPipeError(errno.EPIPE, "broken")
        self.prints(b"x")
        self.assertEqual(self.said, [])
        self.exited(0)

    def test_diskFull(self) -> None:
        """
        Output that can't be written is an error.
        """
        self.seat()
        self.output.error = OSError(errno.ENOSPC, "No space left on device")
        self.prints(b"x")
        self.assertEqual(
            self.said, ["could not write the output: No space left on device"]
        )
        self.exited(1)

    def test_outputFailsAtTheFirstLine(self) -> None:
        """
        The same for output that was never there.
        """
        self.shown = False
        self.output.error = BrokenPipeError(errno.EPIPE, "broken")
        self.seat()
        self.exited(0)


class LegacyTests(AttachingCase):
    """
    A server that knows no structured sessions.
    """

    def seat(self, rest: bytes = b"", **options: Any) -> None:
        """
        It closes on what it does not know, and seats us on what it knows.
        """
        self.begin(**options)
        self.server.loseConnection()
        self.number = 1
        self.assertRegex(self.server.value(), rb"\AIDENT [0-9]+ C [01]\n\Z")
        self.server.clear()
        self.server.protocol.dataReceived(b"OK\n" + rest)

    def tell(self, reason: str, text: str) -> None:
        """
        The control door tells why.
        """
        transport = self.reactor.transports[2]
        answers = StringTransport()
        door = Door(reason, text)
        door.makeConnection(answers)
        door.dataReceived(transport.value())
        transport.protocol.dataReceived(answers.value())

    def test_bothWays(self) -> None:
        """
        It is a byte pipe, and is left by closing.
        """
        self.seat(b"login: ")
        self.attachment.resized(signal.SIGWINCH)
        self.type_(b"root\r~.")
        self.assertEqual(self.server.value(), b"root\r")
        self.assertEqual(self.output.written, CONNECTED + b"login: ~." + CLOSED)
        self.exited(0)

    def test_onlyOperators(self) -> None:
        """
        Nobody can watch there, or take over.
        """
        for role in ("watch", "take"):
            self.setUp()
            self.begin(role=role)
            self.server.loseConnection()
            (line,) = self.said
            self.assertIn("knows only operators", line)
            self.exited(1)

    def test_serverEnded(self) -> None:
        """
        What the control door knows is told in one line.
        """
        self.seat()
        self.server.loseConnection()
        self.assertFalse(self.terminal.raw)
        self.tell("detached", "by process 5")
        self.assertEqual(self.output.written, CONNECTED + CLOSED)
        self.assertEqual(self.said, ["the server ended the session: by process 5"])
        self.exited(3)

    def test_haltedAsAsked(self) -> None:
        """
        With C{-d} the zone's halt is what was asked for.
        """
        self.seat(disconnect=True)
        self.server.protocol.dataReceived(HALTED)
        self.server.loseConnection()
        self.tell("halted", "the zone halted")
        self.assertEqual(self.said, [])
        self.exited(0)

    def test_haltedAndServerGone(self) -> None:
        """
        The same when the server went with the zone: its last words count, however
        they were split.
        """
        answers = [connectedSocket(""), connectedSocket("")]

        def opener(path: str) -> Any:
            return answers.pop() if answers else nobody(path)

        self.seat(disconnect=True, opener=opener)
        for byte in b"x" * 300 + HALTED:
            self.server.protocol.dataReceived(bytes([byte]))
        self.server.loseConnection()
        self.exited(0)

    def test_serverGone(self) -> None:
        """
        A server that has stopped is said to have.
        """
        answers = [connectedSocket(""), connectedSocket("")]

        def opener(path: str) -> Any:
            return answers.pop() if answers else nobody(path)

        self.seat(opener=opener)
        self.server.loseConnection()
        self.assertEqual(self.said, ["the server has stopped"])
        self.exited(3)
