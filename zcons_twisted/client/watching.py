# -*- test-case-name: zcons_twisted.test.test_client_watching -*-
"""
C{zconsole watch} with several zones: their output by lines, each with its zone in
front.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from zcons_twisted.errors import RunDirectoryError
from zcons_twisted.frames import Attach

from .ears import Ears
from .endings import ExitStatus, told, verdict
from .errors import AttachError
from .escapes import COMMAND_CHARACTER, HELP, lineHelpText, shown
from .happenings import End, EndCause, Happening
from .lasting import Lasting
from .looking import Looker, Looking
from .replay import Replay, replayedText
from .showing import AGAIN_TEXT, LineShower, lostText, standingSaid
from .streams import InputStream

__all__ = ["PROMPT_SECONDS", "Watching"]

#: How long a line may be unfinished before it is shown as it is: a prompt is.
PROMPT_SECONDS = 1.0


class Watching(Looking):
    """
    One run of it.
    """

    def __init__(
        self,
        looker: Looker,
        zones: Sequence[str],
        asked: Attach,
        command: bytes | None = COMMAND_CHARACTER,
    ) -> None:
        """
        @param zones: which zones.
        @param asked: what to ask each of their servers for.
        @param command: a line of this character and a dot leaves, and one with a
            question mark tells what there is, where lines come from a terminal;
            L{None} for none.
        """
        super().__init__(looker)
        self._command = command
        self._input: InputStream | None = None
        if looker.input is not None:
            self._input = InputStream(
                looker.reactor, looker.input, self._typed, self._leave
            )
        self._watched = [_Watched(self, zone, asked) for zone in zones]
        self._left = len(self._watched)
        self._worst: int = ExitStatus.DONE

    async def run(self) -> int:
        """
        Watch until no zone is left to be watched.
        """
        status = await super().run()
        if self._input is not None:
            self._input.close()
        for watched in self._watched:
            watched.stop()
        return status

    def begin(self) -> None:
        """
        Attach to each.
        """
        if self.looker.shown and not self.looker.quiet:
            self.text(f"[Watching the consoles of {self._left} zones; {self._ways}]\n")
        for watched in self._watched:
            watched.begin()
        if self._input is not None:
            self._input.resume()

    def signalled(self, number: int) -> None:
        """
        A signal ends it; C{^C} is the way to leave.
        """
        if number == signal.SIGINT:
            self._leave()
        else:
            super().signalled(number)

    @property
    def _ways(self) -> str:
        """
        How to leave.
        """
        if self._command is None or self._input is None:
            return "Ctrl-C leaves"
        escape = shown(self._command).decode("ascii")
        return (
            f"Ctrl-C leaves, and so does {escape}. with Enter; {escape}? with Enter"
            " tells more"
        )

    def _typed(self, data: bytes) -> None:
        """
        The terminal is not raw: it gives whole lines.
        """
        command = self._command
        if command is None:
            return
        for line in data.splitlines():
            if line.strip() == command + b".":
                self._leave()
                return
            if line.strip() == command + HELP:
                self.show(lineHelpText(command))

    def _leave(self) -> None:
        self.finish(ExitStatus.DONE)
        self._output.abandon()

    def text(self, text: str) -> None:
        """
        Show some lines.
        """
        self.show(text.encode(self.looker.encoding, "replace"))

    def ended(self, status: int) -> None:
        """
        One zone is watched no more.
        """
        self._worst = max(self._worst, status)
        self._left -= 1
        if not self._left:
            self.finish(self._worst)


class _Watched:
    """
    One zone.
    """

    def __init__(self, watching: Watching, zone: str, asked: Attach) -> None:
        looker = watching.looker
        self._watching = watching
        self._zone = zone
        self._disconnect = asked.disconnect
        self._shower = LineShower(zone, watching.text)
        self._flush: Any = None
        ears = Ears(self._heard, self._happened, self._lost, self._again)
        self._session = Lasting(
            looker.reactor, looker.rundir, zone, asked, ears, looker.opener
        )
        self._replaying = looker.shown
        self._replay = Replay(
            self._session, looker.now(), self._output, self._output, self._replayed
        )
        watching.sessions.append(self._session)

    def begin(self) -> None:
        self._attaching = Deferred.fromCoroutine(self._attach())

    def stop(self) -> None:
        self._attaching.cancel()
        if self._flush is not None:
            self._flush.cancel()

    async def _attach(self) -> None:
        try:
            await self._session.attach()
        except CancelledError:
            return
        except (AttachError, RunDirectoryError) as e:
            self._say(str(e))
            self._watching.ended(ExitStatus.FAILED)
            return
        self._tellStanding()
        self._session.whenEnded().addCallback(self._ended)
        self._session.deliver()

    def _tellStanding(self) -> None:
        """
        Why does nothing come, where it is not running or not connected?
        """
        note = standingSaid(self._session.welcome, self._zone)
        if note and not self._watching.looker.quiet:
            self._shower.remark(note)

    def _output(self, data: bytes) -> None:
        self._shower.output(data)
        if self._flush is None:
            reactor = self._watching.looker.reactor
            self._flush = reactor.callLater(PROMPT_SECONDS, self._prompt)

    def _heard(self, data: bytes) -> None:
        if self._replaying:
            self._replay.output(data)
        else:
            self._output(data)

    def _happened(self, happening: Happening) -> None:
        if self._replaying:
            happening = self._replay.happened(happening)
        self._shower.happening(happening)

    def _replayed(self, anything: bool) -> None:
        """
        What was printed before is over; that is told once.
        """
        looker = self._watching.looker
        if anything and not looker.quiet:
            self._shower.remark(replayedText(self._session, looker.now()))
        self._replaying = False

    def _prompt(self) -> None:
        self._flush = None
        self._shower.flush()

    def _lost(self) -> None:
        if not self._watching.looker.quiet:
            self._say(lostText(self._session.restarts))

    def _again(self) -> None:
        self._replay.again()
        if not self._watching.looker.quiet:
            self._say(AGAIN_TEXT)

    def _say(self, text: str) -> None:
        self._watching.looker.say(f"{self._zone}: {text}")

    def _ended(self, end: End) -> None:
        self._shower.flush()
        if end.cause is EndCause.OURS:
            return
        result = verdict(self._disconnect, told(end), b"")
        if result.message:
            self._say(result.message)
        self._watching.ended(result.status)
