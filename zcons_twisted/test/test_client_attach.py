# -*- test-case-name: zcons_twisted.test.test_client_attach -*-
"""
Tests for L{zcons_twisted.client.attach}.
"""

from __future__ import annotations

import errno
import os
import signal
import termios
from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.protocols.amp import AMP
from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.attach import (
    LEAVING_SECONDS,
    TYPED_AHEAD_MAX,
    Attachment,
)
from zcons_twisted.client.connecting import Opener
from zcons_twisted.client.escapes import LineCharacters
from zcons_twisted.client.lasting import RESUME_SECONDS
from zcons_twisted.client.streams import HIGH_WATER
from zcons_twisted.client.user_side import AttachOptions, UserSide
from zcons_twisted.doors.commands import Status
from zcons_twisted.frames import Attach, FrameType, encodeGap, parseAttach
from zcons_twisted.rundir import RunDirectory

from .client_fakes import (
    ClientReactor,
    FakeDescriptor,
    FakeTransport,
    accepts,
    connectedSocket,
    ends,
    frames,
    nobody,
    prints,
    refuses,
    tells,
    typed,
)
from .test_client_reports import status

HALTED = b"\r\n[NOTICE: Zone halted.  Disconnecting...]\r\n"
CONNECTED = b"[Connected to zone 'z' console]\n"
CLOSED = b"\n[Connection to zone 'z' console closed]\n"


class FakeTerminal:
    """
    A terminal that keeps whether it is raw.
    """

    characters = LineCharacters()
    raw = False
    broken = False
    size = (30, 100)

    def makeRaw(self, keepTypedAhead: bool = False) -> None:
        """
        Raw from now on.
        """
        if self.broken:
            raise termios.error(errno.EIO, "Input/output error")
        self.raw = True

    def restore(self) -> None:
        """
        As it was.
        """
        self.raw = False


class Door(AMP):
    """
    A control door that remembers one session.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__()
        self.ended = {
            "pid": os.getpid(),
            "uid": 0,
            "at": 0.0,
            "reason": reason,
            "text": text,
        }

    @Status.responder
    def status(self) -> dict[str, Any]:
        """
        What it remembers.
        """
        return status(ended=[self.ended])


class _Attaching(SynchronousTestCase):
    """
    What the tests below need.
    """

    def setUp(self) -> None:
        """
        A user, at a terminal.
        """
        self.reactor = ClientReactor()
        self.input = FakeDescriptor()
        self.output = FakeDescriptor()
        self.terminal: Any = FakeTerminal()
        self.said: list[str] = []
        self.told: list[str] = []
        self.shown = True
        self.number = 0
        self.offset = 0

    def begin(self, opener: Opener = connectedSocket, **options: Any) -> None:
        """
        Attach, as far as the greeting.
        """
        options.setdefault("command", b"~")
        user = UserSide(
            self.input,
            self.output,
            self.terminal,
            self.said.append,
            self.shown,
            self.told.append,
        )
        self.attachment = Attachment(
            self.reactor,
            AttachOptions("z", RunDirectory("/run/x"), **options),
            user,
            opener,
        )
        self.exit = Deferred.fromCoroutine(self.attachment.run())

    @property
    def server(self) -> FakeTransport:
        """
        The session's connection.
        """
        return self.reactor.transports[self.number]

    @property
    def asked(self) -> Attach:
        """
        What was asked for.
        """
        return parseAttach(self.server.value().partition(b"\n")[0])

    def seat(self, rest: bytes = b"", **options: Any) -> None:
        """
        Attach, and be seated.
        """
        self.begin(**options)
        self.letIn(rest)

    def letIn(self, rest: bytes = b"", **more: Any) -> None:
        """
        The server accepts.
        """
        self.server.clear()
        self.server.protocol.dataReceived(accepts(offset=self.offset, **more))
        self.prints(rest)

    def prints(self, data: bytes) -> None:
        """
        The zone prints something.
        """
        self.server.protocol.dataReceived(prints(data, self.offset))
        self.offset += len(data)

    def ends(self, reason: str, text: str) -> None:
        """
        The server says its last word.
        """
        self.server.protocol.dataReceived(ends(reason, text))

    def type_(self, *pieces: bytes | OSError) -> None:
        """
        Input comes.
        """
        self.input.incoming.extend(pieces)
        for _ in pieces:
            self.reactor.readers[0].doRead()

    def exited(self, code: int) -> None:
        """
        It is over, with everything put back and nothing left.
        """
        self.assertEqual(self.successResultOf(self.exit), code)
        if self.terminal is not None:
            self.assertFalse(self.terminal.raw)
        self.assertTrue(self.input.closed)
        self.assertEqual(self.reactor.readers, [])
        self.assertEqual(self.reactor.writers, [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        for transport in self.reactor.transports:
            self.assertFalse(transport.connected)


class BeginningTests(_Attaching):
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


class ConversationTests(_Attaching):
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


class EndingTests(_Attaching):
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


class WhatHappensTests(_Attaching):
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


class WatchingTests(_Attaching):
    """
    Somebody who only looks.
    """

    def test_watch(self) -> None:
        """
        Nothing that is typed is sent, and the terminal's size is nobody's.
        """
        self.begin(role="watch")
        self.assertEqual(self.asked, Attach("watch", ("lines", 30)))
        self.letIn(b"login: ", role="watch")
        self.type_(b"root\r")
        self.attachment.resized(signal.SIGWINCH)
        self.assertEqual(self.server.value(), b"")
        self.assertEqual(self.output.written, b"[Watching zone 'z' console]\nlogin: ")

    def test_leave(self) -> None:
        """
        The way out, C{^C} and its signal leave in good order.
        """
        ways = (
            lambda: self.type_(b"~."),
            lambda: self.type_(b"x\x03"),
            lambda: self.attachment.signalled(signal.SIGINT),
        )
        for way in ways:
            self.setUp()
            self.seat(role="watch")
            way()
            self.ends("left", "the client left")
            self.exited(0)

    def test_leaveEarly(self) -> None:
        """
        C{^C} leaves also where the server has not answered yet; another signal ends.
        """
        for number, code in ((signal.SIGINT, 0), (signal.SIGTERM, 143)):
            self.setUp()
            self.begin(role="watch")
            self.attachment.signalled(number)
            self.exited(code)

    def test_pipe(self) -> None:
        """
        Without a terminal nothing is read.
        """
        self.terminal = None
        self.seat(role="watch")
        self.assertEqual(self.reactor.readers, [])
        self.attachment.signalled(signal.SIGTERM)
        self.exited(143)


class ResumeTests(_Attaching):
    """
    A connection that is lost is tried again.
    """

    def setUp(self) -> None:
        """
        Somebody at a console, from its offset 100 on.
        """
        super().setUp()
        self.offset = 100
        self.there = True

    def opener(self, path: str) -> Any:
        """
        Somebody, while there is.
        """
        return (connectedSocket if self.there else nobody)(path)

    def lose(self, **options: Any) -> None:
        """
        The server is killed.
        """
        self.seat(b"before", opener=self.opener, **options)
        self.there = False
        self.server.loseConnection()

    def back(self) -> None:
        """
        There is one again.
        """
        self.there = True
        self.number = len(self.reactor.transports)
        self.reactor.advance(2.0)

    def test_resumed(self) -> None:
        """
        It goes on where it was, and what was typed meanwhile is sent.
        """
        self.lose(disconnect=True)
        self.assertEqual(self.told, ["[Connection lost; trying again]"])
        self.type_(b"typed")
        self.reactor.advance(0.1)
        self.reactor.advance(0.2)
        self.assertTrue(self.terminal.raw)
        self.back()
        self.assertEqual(self.asked.start, ("offset", 106))
        self.assertEqual(self.asked.role, "operator")
        self.letIn(b" after")
        self.assertEqual(self.told[1:], ["[Connected again]"])
        self.assertEqual(typed(self.server.value()), b"typed")
        self.assertEqual(self.output.written, CONNECTED + b"before after")
        self.type_(b"\r~.")
        self.ends("left", "the client left")
        self.exited(0)

    def test_onTheTerminal(self) -> None:
        """
        Where standard error is the same terminal, it is told there.
        """
        self.told = None  # type: ignore[assignment]
        user = UserSide(self.input, self.output, None, self.said.append, True)
        attachment = Attachment(
            self.reactor,
            AttachOptions("z", RunDirectory("/run/x")),
            user,
            self.opener,
        )
        self.exit = Deferred.fromCoroutine(attachment.run())
        self.letIn()
        self.server.loseConnection()
        self.assertEqual(
            self.output.written,
            CONNECTED + b"\r\n[Connection lost; trying again]\r\n",
        )
        attachment.signalled(signal.SIGTERM)
        self.assertEqual(self.successResultOf(self.exit), 143)

    def test_quiet(self) -> None:
        """
        With C{-Q} nothing is told.
        """
        self.lose(quiet=True)
        self.assertEqual(self.told, [])
        self.type_(b"\r~.")
        self.exited(0)

    def test_left(self) -> None:
        """
        The way out works at once.
        """
        self.lose()
        self.type_(b"\r~.")
        self.exited(0)

    def test_signal(self) -> None:
        """
        So does a signal.
        """
        self.lose()
        self.attachment.signalled(signal.SIGTERM)
        self.exited(143)

    def test_paused(self) -> None:
        """
        A terminal that takes nothing is not forgotten, and its new size is told.
        """
        self.seat(opener=self.opener)
        self.output.room = 0
        self.prints(b"x" * HIGH_WATER)
        self.server.loseConnection()
        self.terminal.size = (50, 132)
        self.attachment.resized(signal.SIGWINCH)
        self.back()
        self.assertEqual((self.asked.rows, self.asked.columns), (50, 132))
        self.letIn()
        self.assertEqual(self.server.producerState, "paused")

    def test_pipeWaits(self) -> None:
        """
        A pipe is not read while there is no connection.
        """
        self.terminal = None
        self.lose()
        self.type_(b"x")
        self.assertEqual(self.reactor.readers, [])
        self.back()
        self.letIn()
        self.assertEqual(len(self.reactor.readers), 1)

    def test_gone(self) -> None:
        """
        It is not tried for ever.
        """
        self.lose()
        for _ in range(int(RESUME_SECONDS)):
            self.assertNoResult(self.exit)
            self.reactor.advance(1.0)
        (line,) = self.said
        self.assertTrue(line.startswith("the connection was lost for 60 s: no server"))
        self.exited(3)

    def test_taken(self) -> None:
        """
        Somebody else may have been faster.
        """
        self.lose(role="take")
        self.back()
        self.assertEqual(self.asked.role, "operator")
        self.server.protocol.dataReceived(refuses("busy", "no", 99))
        self.assertEqual(self.said, ["Console is already in use by process ID 99."])
        self.exited(3)


class LegacyTests(_Attaching):
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
