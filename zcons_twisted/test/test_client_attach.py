# -*- test-case-name: zcons_twisted.test.test_client_attach -*-
"""
Tests for L{zcons_twisted.client.attach}: how a session begins and how it goes on.
"""

from __future__ import annotations

import os
import signal
from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred

from zcons_twisted.client.attach import Attachment
from zcons_twisted.client.keyboard import TYPED_AHEAD_MAX
from zcons_twisted.client.seated import SEAT_SECONDS
from zcons_twisted.client.streams import HIGH_WATER
from zcons_twisted.client.user_side import AttachOptions, UserSide
from zcons_twisted.frames import Attach, FrameType, encodeGap
from zcons_twisted.rundir import RunDirectory

from .attach_case import CONNECTED, AttachingCase
from .client_fakes import (
    frames,
    nobody,
    refuses,
    tells,
    typed,
)


class BeginningTests(AttachingCase):
    """
    Until the session is had.
    """

    def test_order(self) -> None:
        """
        The first line comes before every byte of the console, and the terminal is
        raw once there is a session.
        """
        self.begin(disconnect=True, locale="de_DE.UTF-8")
        wanted = Attach("operator", ("lines", 30), True, "de_DE.UTF-8", 30, 100)
        self.assertEqual(self.asked, wanted)
        self.assertFalse(self.terminal.raw)
        self.assertEqual(self.reactor.readers, [])
        self.letIn(b"login: ")
        self.assertTrue(self.terminal.raw)
        self.assertEqual(self.output.written, CONNECTED + b"login: ")

    def test_quiet(self) -> None:
        """
        With C{-Q} only the console is shown.
        """
        self.seat(b"login: ", quiet=True)
        self.type_(b"~.")
        self.ends("left", "the client left")
        self.assertEqual(self.output.written, b"login: ~.")
        self.exited(0)

    def test_busy(self) -> None:
        """
        A taken seat is told of with its holder, in the words that people know.
        """
        self.begin()
        self.server.protocol.dataReceived(refuses("busy", "no", 99))
        self.assertEqual(self.said, ["Console is already in use by process ID 99."])
        self.assertEqual(self.output.written, b"")
        self.reactor.advance(SEAT_SECONDS)
        self.assertIn("'zconsole take z' takes the seat", self.said[1])
        self.exited(1)

    def test_nobody(self) -> None:
        """
        Where there is no server, we are told so in one line.
        """
        self.begin(opener=nobody)
        (line,) = self.said
        self.assertTrue(line.startswith("Could not connect to zone console: no server"))
        self.exited(1)

    def test_longPath(self) -> None:
        """
        A run directory that is too long for a socket is told of.
        """
        user = UserSide(self.input, self.output, None, self.said.append)
        rundir = RunDirectory("/" + "x" * 200)
        attachment = Attachment(self.reactor, AttachOptions("z", rundir), user)
        exit = Deferred.fromCoroutine(attachment.run())
        self.assertEqual(self.successResultOf(exit), 1)
        self.assertIn("longer than", self.said[0])

    def test_signal(self) -> None:
        """
        A signal ends the attempt.
        """
        self.begin()
        self.attachment.signalled(signal.SIGINT)
        self.assertEqual(self.said, [])
        self.exited(130)

    def test_notRaw(self) -> None:
        """
        A terminal that can't be made raw gives no session.
        """
        self.terminal.broken = True
        self.seat()
        self.assertIn("failed to set user terminal to raw mode", self.said[0])
        self.exited(1)


class ConversationTests(AttachingCase):
    """
    While the session lasts.
    """

    def test_bothWays(self) -> None:
        """
        What is typed goes to the zone, what it prints is shown.
        """
        self.seat()
        self.type_(b"ls\r", b"~~x")
        self.assertEqual(typed(self.server.value()), b"ls\r~x")
        self.prints(b"\xff\0file\r\n")
        self.assertEqual(self.output.written, CONNECTED + b"\xff\0file\r\n")

    def test_outputPaces(self) -> None:
        """
        A terminal that takes nothing pauses the session, until it takes again.
        """
        self.seat()
        self.output.room = 0
        self.prints(b"x" * HIGH_WATER)
        self.assertEqual(self.server.producerState, "paused")
        self.output.room = 1 << 20
        self.reactor.writers[0].doWrite()
        self.assertEqual(self.server.producerState, "producing")

    def test_zonePacesAPipe(self) -> None:
        """
        A zone that takes nothing pauses a pipe at once.
        """
        self.terminal = None
        self.seat()
        self.server.producer.pauseProducing()
        self.type_(b"x")
        self.assertEqual(self.reactor.readers, [])
        self.server.producer.resumeProducing()
        self.assertEqual(len(self.reactor.readers), 1)
        self.attachment.signalled(signal.SIGTERM)
        self.exited(128 + signal.SIGTERM)

    def test_zonePacesATerminal(self) -> None:
        """
        A user at a terminal finds the way out of a zone that takes nothing; only
        so much is typed ahead.
        """
        self.seat()
        self.server.producer.pauseProducing()
        self.type_(b"x" * TYPED_AHEAD_MAX)
        self.assertEqual(len(self.reactor.readers), 1)
        self.type_(b"x")
        self.assertEqual(self.reactor.readers, [])
        self.server.producer.resumeProducing()
        self.type_(b"\r~.")
        self.ends("left", "the client left")
        self.exited(0)

    def test_endOfInput(self) -> None:
        """
        The end of a pipe is not the end of the session, nor of its sending side;
        a command character that was waiting is sent.
        """
        self.terminal = None
        self.seat()
        self.type_(b"x\n~", b"")
        self.assertEqual(typed(self.server.value()), b"x\n~")
        self.assertTrue(self.server.connected)
        self.prints(b"still here")
        self.assertEqual(self.output.written, CONNECTED + b"still here")

    def test_silence(self) -> None:
        """
        A script that has said all gives up the seat, and has seen all when the zone
        has been silent for a while.
        """
        self.terminal = None
        self.seat(wait=2.0)
        self.type_(b"x\n", b"")
        (*_, last) = frames(self.server.value())
        self.assertEqual(
            (last.type, last.payload), (FrameType.SEAT, b'{"want":"watch"}')
        )
        self.reactor.advance(9)
        self.server.protocol.dataReceived(
            tells(FrameType.ANSWER, request="seat", ok=True, text="")
        )
        self.reactor.advance(1.9)
        self.prints(b"still here")
        self.reactor.advance(1.9)
        self.assertNoResult(self.exit)
        self.reactor.advance(0.1)
        self.ends("left", "the client left")
        self.exited(0)

    def test_nobodyListens(self) -> None:
        """
        A script whose input reaches nobody is told so and fails; somebody at a
        terminal is told so once, and again when something has happened.
        """
        refused = tells(FrameType.ANSWER, request="input", ok=False, text="down")
        self.seat()
        for _ in range(2):
            self.server.protocol.dataReceived(refused)
        self.assertEqual(self.output.written, CONNECTED + b"\r\n[down]\r\n")
        notice = dict(event="booting", text="NOTICE: B", time=1, offset=0, arguments="")
        self.server.protocol.dataReceived(tells(FrameType.NOTICE, **notice) + refused)
        self.assertEqual(self.output.written.count(b"[down]"), 2)
        self.type_(b"\r~.")
        self.ends("left", "the client left")
        self.exited(0)
        self.setUp()
        self.terminal = None
        self.seat()
        self.server.protocol.dataReceived(refused)
        self.exited(1)
        self.assertEqual(self.said, ["down"])

    def test_down(self) -> None:
        """
        Where the zone is down when we come, we are told how to start it.
        """
        self.begin()
        self.letIn(present=False)
        self.assertEqual(
            self.output.written,
            CONNECTED + b"[zone 'z' is down: 'zconsole boot z' starts it]\n",
        )
        self.type_(b"~.")
        self.ends("left", "the client left")
        self.exited(0)

    def test_note(self) -> None:
        """
        A server that knows more of how the zone stands is believed.
        """
        for present in (True, False):
            self.begin()
            self.letIn(present=present, note="console is not connected: no \x1b")
            self.assertEqual(
                self.output.written,
                CONNECTED + b"[console is not connected: no \\x1b]\n",
            )
            self.type_(b"~.")
            self.ends("left", "the client left")
            self.exited(0)
            self.setUp()

    def test_noteAndDisconnect(self) -> None:
        """
        With C{-d} as well, unless that is the end of it.
        """
        self.begin(disconnect=True)
        self.letIn(note="console is not connected: x")
        self.assertIn(b"[console is not connected: x]\n", self.output.written)
        self.type_(b"~.")
        self.ends("left", "the client left")
        self.exited(0)

    def test_asks(self) -> None:
        """
        Help is shown here; a break is asked for there, and what it has to say is
        shown.
        """
        self.seat()
        self.type_(b"~?~Bls")
        self.assertIn(b"~.  leave the console\r\n", self.output.written)
        self.assertEqual(typed(self.server.value()), b"ls")
        kinds = [frame.type for frame in frames(self.server.value())]
        self.assertEqual(kinds[:2], [FrameType.BREAK, FrameType.INPUT])
        why = "a pty has no break"
        self.server.protocol.dataReceived(
            tells(FrameType.ANSWER, request="break", ok=False, text=why)
        )
        self.assertIn(b"\r\n[a pty has no break]\r\n", self.output.written)
        self.type_(b"\r~.")
        self.ends("left", "the client left")
        self.exited(0)

    def test_noEscapes(self) -> None:
        """
        Without a command character a pipe is sent as it is.
        """
        self.terminal = None
        self.seat(command=None)
        self.type_(b"~.\n~.")
        self.assertEqual(typed(self.server.value()), b"~.\n~.")

    def test_stopped(self) -> None:
        """
        While it is stopped the terminal is as it was, and then raw again.
        """
        self.seat()
        seen: list[Any] = []
        with mock.patch("os.kill", lambda *a: seen.append((a, self.terminal.raw))):
            self.attachment.stopped(signal.SIGTSTP)
        self.assertEqual(seen, [((os.getpid(), signal.SIGSTOP), False)])
        self.assertTrue(self.terminal.raw)
        self.terminal.broken = True
        self.attachment.continued(signal.SIGCONT)

    def test_stoppedEarly(self) -> None:
        """
        Stopped before there is a session, the terminal is not touched; nor is one
        that there is not.
        """
        self.begin()
        with mock.patch("os.kill"):
            self.attachment.stopped(signal.SIGTSTP)
            self.attachment.continued(signal.SIGCONT)
            self.assertFalse(self.terminal.raw)
            self.attachment.signalled(signal.SIGTERM)
            self.exited(128 + signal.SIGTERM)
            self.terminal = None
            self.begin()
            self.attachment.stopped(signal.SIGTSTP)
            self.attachment.continued(signal.SIGCONT)
            self.attachment.signalled(signal.SIGTERM)
            self.exited(128 + signal.SIGTERM)


class WhatHappensTests(AttachingCase):
    """
    What is told besides output, and what is told to the server.
    """

    def test_notices(self) -> None:
        """
        Notices and gaps are shown among the output, without a control character
        from outside.
        """
        self.seat(b"up\r\n")
        notice = tells(
            FrameType.NOTICE,
            event="booting",
            text="NOTICE: Zone booting up \x1b[2J",
            time=0.0,
            offset=4,
            arguments="",
        )
        self.server.protocol.dataReceived(notice + encodeGap(4, 12))
        self.assertEqual(
            self.output.written,
            CONNECTED
            + b"up\r\n\r\n[NOTICE: Zone booting up \\x1b[2J]\r\n"
            + b"\r\n[NOTICE: 12 bytes skipped]\r\n",
        )

    def test_noticesPace(self) -> None:
        """
        They too pause a session whose terminal takes nothing.
        """
        self.seat()
        self.output.room = 0
        self.server.protocol.dataReceived(encodeGap(0, 1) * (HIGH_WATER // 20))
        self.assertEqual(self.server.producerState, "paused")

    def test_replay(self) -> None:
        """
        What was printed before is shown by the screenful, as much as was asked for,
        or not where nobody looks.
        """

        def wanted(**options: Any) -> Attach:
            self.begin(**options)
            asked = self.asked
            self.attachment.signalled(signal.SIGTERM)
            self.exited(143)
            self.setUp()
            return asked

        self.assertEqual(wanted(start="all").start, "all")
        self.terminal = None
        self.assertEqual(wanted(), Attach("operator", ("lines", 24)))
        self.shown = False
        self.assertEqual(wanted().start, "live")

    def test_resized(self) -> None:
        """
        The server hears of another size of the terminal, once there is a session.
        """
        self.begin()
        self.attachment.resized(signal.SIGWINCH)
        self.letIn()
        self.terminal.size = (50, 132)
        self.attachment.resized(signal.SIGWINCH)
        (frame,) = frames(self.server.value())
        self.assertEqual(frame.payload, b'{"rows":50,"columns":132}')
