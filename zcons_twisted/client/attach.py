# -*- test-case-name: zcons_twisted.test.test_client_attach -*-
"""
C{zconsole attach}, C{take} and C{watch}: a person, or a script, sits down at a zone's
console, or looks at it.

Everything that can end it (the way out, the server, a signal, the user's terminal or
pipe going away) comes to L{Attachment._finish}, and L{Attachment.run} takes it
from there: show what is left, put the terminal back, say the last line, find out why,
and exit.

Flow control: output that the user's side does not take pauses the session; for input
see L{zcons_twisted.client.keyboard}.
"""

from __future__ import annotations

import enum
import errno
import os
import signal
import termios
from functools import partial

from twisted.internet.defer import CancelledError, Deferred

from zcons_twisted.errors import RunDirectoryError
from zcons_twisted.frames import Attach
from zcons_twisted.notices import escaped, unconfirmedText
from zcons_twisted.sessions import EndReason

from .connecting import Opener, openUnix
from .ears import Ears
from .endings import (
    TAIL_SIZE,
    ExitStatus,
    Verdict,
    outputVerdict,
    told,
    verdict,
    whyEnded,
)
from .errors import AttachError, ConsoleInUse, CouldNotConnect, NotStructured
from .escapes import helpText
from .happenings import Answer, End, EndCause, Happening, Notice, Unconfirmed
from .keyboard import Keyboard
from .lasting import Lasting
from .running import within
from .screen import Screen
from .seated import whoSits
from .showing import standingSaid
from .silence import Silence
from .terminal import rawAgain, suspend
from .user_side import AttachOptions, UserReactor, UserSide

__all__ = ["AttachOptions", "Attachment", "UserSide"]

#: How long what was typed before the way out, and the last words on the user's
#: side, may take.
LEAVING_SECONDS = 1.0


class _Way(enum.Enum):
    LEFT = enum.auto()
    SERVER = enum.auto()
    SIGNAL = enum.auto()
    OUTPUT_FAILED = enum.auto()
    NOT_RAW = enum.auto()
    #: A script has typed what reached nobody.
    UNHEARD = enum.auto()


class Attachment:
    """
    One run of C{zconsole attach}.
    """

    def __init__(
        self,
        reactor: UserReactor,
        options: AttachOptions,
        user: UserSide,
        opener: Opener = openUnix,
    ) -> None:
        """
        @param reactor: where it happens.
        @param options: what the command line says.
        @param user: what the user has.
        @param opener: one attempt to connect, as L{openUnix}.
        """
        self._reactor = reactor
        self._options = options
        self._user = user
        self._opener = opener
        self._signal = 0
        self._early: int | None = None
        self._tail = b""
        self._way: _Way | None = None
        self._within = partial(within, reactor)
        self._outputError: OSError | None = None
        self._over: Deferred[None] = Deferred()
        self._end = End(EndCause.OURS)
        self._session: Lasting | None = None
        self._attaching: Deferred[None] | None = None
        self._onlyLooks = options.role == "watch"
        self._unheard = ""
        self._unconfirmed = 0
        self._keyboard = Keyboard(reactor, options, user, self)
        self._silence = Silence(reactor, options.wait, lambda: self._finish(_Way.LEFT))
        self._screen = Screen(reactor, options, user, self._outputFailed)
        self._output = self._screen.output

    async def run(self) -> int:
        """
        Attach, and come back when it is over.

        @return: the exit status.
        """
        try:
            session = await self._attach()
            if session is None:
                return ExitStatus.FAILED if self._early is None else self._early
            self._session = session
            way = await self._converse(session)
        finally:
            self._keyboard.close()
            self._silence.stop()
            if self._user.terminal is not None:
                self._user.terminal.restore()
        await self._lastLine(way)
        self._output.close()
        result = await self._verdict(way)
        if result.message:
            self._user.say(result.message)
        return result.status

    def signalled(self, number: int) -> None:
        """
        A signal ends it.
        """
        self._signal = ExitStatus.SIGNAL + number
        leaves = self._onlyLooks and number == signal.SIGINT
        if self._session is not None:
            self._finish(_Way.LEFT if leaves else _Way.SIGNAL)
        elif self._attaching is not None:
            self._early = ExitStatus.DONE if leaves else self._signal
            self._attaching.cancel()

    def stopped(self, number: int) -> None:
        """
        A signal stops it: the terminal is put back for as long as that lasts.
        """
        suspend(self._user.terminal)

    def continued(self, number: int) -> None:
        """
        It was stopped without having been told, and goes on.
        """
        rawAgain(self._user.terminal)

    def resized(self, number: int) -> None:
        """
        The user's terminal has another size.
        """
        if self._session is not None and not self._onlyLooks:
            self._session.window(*self._user.size())

    # Beginning.

    async def _attach(self) -> Lasting | None:
        options = self._options
        rows, columns = (0, 0) if self._onlyLooks else self._user.size()
        asked = Attach(
            options.role,
            self._user.start() if options.start is None else options.start,
            options.disconnect,
            options.locale,
            rows,
            columns,
        )
        ears = Ears(self._show, self._happened, self._lost, self._again)
        session = Lasting(
            self._reactor, options.rundir, options.zone, asked, ears, self._opener
        )
        self._attaching = session.attach()
        try:
            await self._attaching
        except CancelledError:
            return None
        except CouldNotConnect as e:
            self._user.say(f"Could not connect to zone console: {e}")
            return None
        except ConsoleInUse as e:
            self._user.say(str(e))
            hint = await whoSits(
                self._reactor, options.rundir, options.zone, self._opener
            )
            self._user.say(hint)
            return None
        except (AttachError, RunDirectoryError) as e:
            self._user.say(str(e))
            return None
        return session

    async def _converse(self, session: Lasting) -> _Way:
        if not self._options.quiet:
            doing = "Watching" if self._onlyLooks else "Connected to"
            self._screen.line(f"[{doing} zone '{self._options.zone}' console]\n")
            note = self._standing(session)
            if note and not (self._options.disconnect and self._isDown(session)):
                self._screen.line(f"[{note}]\n")
        session.whenEnded().addCallback(self._sessionEnded)
        self._screen.begin(session)
        if self._makeRaw():
            self._keyboard.begin(session)
            session.deliver()
        await self._over
        if self._way is _Way.LEFT:
            session.leave()
            await self._within(LEAVING_SECONDS, session.whenEnded())
            await self._within(LEAVING_SECONDS, self._output.whenDrained())
        elif self._way is _Way.SERVER:
            await self._output.whenDrained()
        session.abort()
        self._output.abandon()
        return self._way or _Way.LEFT

    def _makeRaw(self) -> bool:
        if self._user.terminal is not None:
            try:
                self._user.terminal.makeRaw()
            except termios.error as e:
                self._user.say(f"failed to set user terminal to raw mode: {e.args[-1]}")
                self._finish(_Way.NOT_RAW)
                return False
        return True

    # Meanwhile.

    def _show(self, data: bytes) -> None:
        if self._options.disconnect:
            self._tail = (self._tail + data[-TAIL_SIZE:])[-TAIL_SIZE:]
        self._silence.heard()
        self._screen.show(data)

    def _happened(self, happening: Happening) -> None:
        self._silence.heard()
        if isinstance(happening, Answer) and not happening.ok:
            self._refused(happening)
        elif isinstance(happening, Notice):
            self._unheard = ""
        elif isinstance(happening, Unconfirmed):
            self._unconfirmed += happening.typed
        self._screen.happened(happening)

    def _refused(self, answer: Answer) -> None:
        """
        What was asked for is not done; what is typed is asked for at each key.
        """
        if answer.request == "input" and self._user.terminal is None:
            self._unheard = answer.text
            self._finish(_Way.UNHEARD)
        elif answer.request in ("input", "break") and answer.text != self._unheard:
            self._unheard = answer.text if answer.request == "input" else ""
            self._screen.line(f"\r\n[{escaped(answer.text)}]\r\n")

    def _lost(self) -> None:
        self._silence.pause()
        self._screen.lost()

    def _again(self) -> None:
        self._silence.heard()
        self._screen.again()

    # As a typist.

    def left(self, shown: bytes) -> None:
        """
        By the way out.
        """
        if shown:
            self._output.write(shown)
        self._finish(_Way.LEFT)

    def asksHelp(self) -> None:
        """
        What are the escapes?
        """
        if self._options.command is not None:
            self._output.write(helpText(self._options.command, self._onlyLooks))

    def asksBreak(self) -> None:
        """
        Send a break.
        """
        try:
            if self._session is not None:
                self._session.sendBreak()
        except NotStructured as e:
            self._screen.line(f"\r\n[{e}]\r\n")

    def hungUp(self) -> None:
        """
        The terminal is gone.
        """
        self.signalled(signal.SIGHUP)

    def saidAll(self) -> None:
        """
        A script has said all: others may sit down, and it waits for what comes of it.
        """
        if self._session is not None:
            self._session.giveUp().addCallback(lambda answer: self._silence.begin())

    # Ending.

    def _sessionEnded(self, end: End) -> None:
        if end.cause is not EndCause.OURS:
            self._end = end
            self._finish(_Way.SERVER)

    def _outputFailed(self, error: OSError) -> None:
        user = self._user
        hungUp = error.errno == errno.EIO and user.terminal is not None
        if hungUp or (user.shown and isinstance(error, BrokenPipeError)):
            self.signalled(signal.SIGHUP)
        else:
            self._outputError = error
            self._finish(_Way.OUTPUT_FAILED)

    def _finish(self, way: _Way) -> None:
        """
        It is over; the second time, without waiting for anything any more.
        """
        if self._way is None:
            self._way = way
            self._over.callback(None)
            return
        if way is _Way.SIGNAL:
            self._way = way
        self._output.abandon()

    async def _lastLine(self, way: _Way) -> None:
        if self._options.quiet or way is _Way.NOT_RAW:
            return
        self._screen.line(
            f"\n[Connection to zone '{self._options.zone}' console closed]\n"
        )
        if way is not _Way.SIGNAL:
            await self._within(LEAVING_SECONDS, self._output.whenDrained())

    async def _verdict(self, way: _Way) -> Verdict:
        if way is _Way.SIGNAL:
            return Verdict(self._signal)
        if way is _Way.NOT_RAW:
            return Verdict(ExitStatus.FAILED)
        if way is _Way.OUTPUT_FAILED:
            return outputVerdict(self._outputError)
        if way is _Way.LEFT:
            return self._leftVerdict()
        if way is _Way.UNHEARD:
            return Verdict(ExitStatus.FAILED, escaped(self._unheard))
        options = self._options
        halted = self._end.reason == EndReason.HALTED.value
        if options.disconnect and halted and self._isDown(self._session):
            return Verdict(ExitStatus.DONE, self._standing(self._session))
        if self._session is not None and self._session.structured:
            return verdict(options.disconnect, told(self._end), b"")
        found = await whyEnded(
            self._reactor, options.rundir, options.zone, os.getpid(), self._opener
        )
        return verdict(options.disconnect, found, self._tail)

    def _leftVerdict(self) -> Verdict:
        """
        A script is to know that not all that it typed may have come to the zone; people
        have read it.
        """
        if not self._unconfirmed or self._user.terminal is not None:
            return Verdict(ExitStatus.DONE)
        read = self._user.tell is not None
        text = "" if read else unconfirmedText(self._unconfirmed)
        return Verdict(ExitStatus.SERVER_ENDED, text)

    def _isDown(self, session: Lasting | None) -> bool:
        """
        Was the zone down when we came?
        """
        welcome = None if session is None else session.welcome
        return welcome is not None and not welcome.present

    def _standing(self, session: Lasting | None) -> str:
        welcome = None if session is None else session.welcome
        return standingSaid(welcome, self._options.zone)
