# -*- test-case-name: zcons_twisted.test.test_client_inquiries -*-
"""
C{zconsole list}, C{status}, C{who}, C{event}, C{boot}, C{halt}, C{reboot},
C{detach} and C{restart}: one or more questions to control doors, and their answers as
text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.protocols.amp import Command

from zcons_twisted.doors import commands
from zcons_twisted.notices import escaped
from zcons_twisted.rundir import RunDirectory

from .connecting import Opener, isServed, openUnix
from .control import ANSWER_SECONDS, LIFECYCLE_SECONDS, ask
from .endings import ExitStatus
from .errors import CommandError
from .reports import Values, listing, operatorBrief, statusReport, whoReport
from .tx import AttachReactor

__all__ = ["ORDERS", "Inquiry"]

#: The commands that are answered with one line, and how long that may take.
ORDERS: dict[str, tuple[type[Command], float]] = {
    "event": (commands.Event, ANSWER_SECONDS),
    "boot": (commands.Boot, LIFECYCLE_SECONDS),
    "halt": (commands.Halt, LIFECYCLE_SECONDS),
    "reboot": (commands.Reboot, LIFECYCLE_SECONDS),
    "detach": (commands.Detach, ANSWER_SECONDS),
    "restart": (commands.Restart, ANSWER_SECONDS),
}


@dataclass(frozen=True, slots=True)
class Inquiry:
    """
    Someone who asks.

    @ivar reactor: where to wait for answers.
    @ivar rundir: the servers' run directory.
    @ivar show: writes text to standard output.
    @ivar say: shows one line on standard error.
    @ivar opener: one attempt to connect, as L{openUnix}.
    """

    reactor: AttachReactor
    rundir: RunDirectory
    show: Callable[[str], None]
    say: Callable[[str], None]
    opener: Opener = openUnix

    async def order(self, name: str, zone: str, arguments: dict[str, Any]) -> int:
        """
        Have something done.

        @param name: one of L{ORDERS}.
        @param zone: to which zone.
        @param arguments: those of the command.
        @return: the exit status.
        """
        command, seconds = ORDERS[name]
        try:
            answer = await ask(
                self.reactor,
                self.rundir,
                zone,
                command,
                seconds,
                self.opener,
                **arguments,
            )
        except CommandError as e:
            self.say(str(e))
            return ExitStatus.FAILED
        self.show(escaped(answer["message"]) + "\n")
        return ExitStatus.DONE

    async def restart(self, zones: Sequence[str]) -> int:
        """
        Have the servers of some zones restart, each once.

        @return: the exit status.
        """
        answers = await self._ask(zones)
        servers: dict[int, str] = {}
        status = ExitStatus.DONE
        for zone, answer in zip(zones, answers, strict=True):
            if isinstance(answer, CommandError):
                self.say(str(answer))
                status = ExitStatus.FAILED
            else:
                servers.setdefault(answer["serverPid"], zone)
        for zone in servers.values():
            status = max(status, await self.order("restart", zone, {}))
        return status

    async def status(self, zones: Sequence[str]) -> int:
        """
        Show all there is to know of some zones.

        @return: the exit status.
        """
        answers = await self._ask(zones)
        told = [statusReport(a) for a in answers if not isinstance(a, CommandError)]
        self.show("\n".join(told))
        failures = [str(a) for a in answers if isinstance(a, CommandError)]
        for failure in failures:
            self.say(failure)
        return ExitStatus.FAILED if failures else ExitStatus.DONE

    async def list(self, zones: Sequence[str]) -> int:
        """
        Show a line a zone.

        @return: the exit status; a zone without a server is no failure.
        """
        answers = await self._ask(zones)
        self.show(listing(map(self._row, zones, answers)))
        return ExitStatus.DONE

    async def who(self, zone: str) -> int:
        """
        Show who is attached to a zone's console, a line each.

        @return: the exit status.
        """
        (answer,) = await self._ask([zone])
        if isinstance(answer, CommandError):
            self.say(str(answer))
            return ExitStatus.FAILED
        self.show(whoReport(answer))
        return ExitStatus.DONE

    def _row(self, zone: str, answer: Values | CommandError) -> tuple[str, str, str]:
        name = escaped(zone)
        if not isinstance(answer, CommandError):
            return name, escaped(answer["state"]), operatorBrief(answer["operator"])
        if not isServed(self.rundir.consoleSocket(zone)):
            return name, "-", "no server: its socket was left behind"
        return name, "unknown", str(answer)

    async def _ask(self, zones: Sequence[str]) -> Sequence[Values | CommandError]:
        asked = [Deferred.fromCoroutine(self._askOne(zone)) for zone in zones]
        return await gatherResults(asked)

    async def _askOne(self, zone: str) -> Values | CommandError:
        try:
            return await ask(
                self.reactor,
                self.rundir,
                zone,
                commands.Status,
                opener=self.opener,
            )
        except CommandError as e:
            return e
