# -*- test-case-name: zcons_twisted.test.test_client_inquiries -*-
"""
C{zconsole list}, C{status}, C{who}, C{reload}, C{restart} and the commands of
L{ORDERS}: one or more questions to control doors, and their answers as text.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet.defer import Deferred, gatherResults
from twisted.protocols.amp import Command

from zcons_twisted.doors import commands
from zcons_twisted.notices import escaped
from zcons_twisted.rundir import RunDirectory

from .connecting import Opener, isServed, openUnix
from .control import ANSWER_SECONDS, LIFECYCLE_SECONDS, ask
from .endings import ExitStatus
from .errors import CommandError
from .naming import named
from .reports import (
    NO_SERVER,
    Values,
    hasFailed,
    listing,
    statusFacts,
    statusReport,
    summary,
    unserved,
    whoReport,
)
from .tx import AttachReactor

__all__ = ["ASKED_AT_ONCE", "ORDERS", "STAY_SECONDS", "Inquiry"]

#: How long after a boot one looks whether the zone is still there.
STAY_SECONDS = 0.5

_BOOTS = ("boot", "reboot")

#: Most zones that are asked at the same time.
ASKED_AT_ONCE = 64

#: The commands that are answered with one line, and how long that may take.
ORDERS: dict[str, tuple[type[Command], float]] = {
    "event": (commands.Event, ANSWER_SECONDS),
    "ready": (commands.Ready, LIFECYCLE_SECONDS),
    "boot": (commands.Boot, LIFECYCLE_SECONDS),
    "halt": (commands.Halt, LIFECYCLE_SECONDS),
    "shutdown": (commands.Shutdown, LIFECYCLE_SECONDS),
    "reboot": (commands.Reboot, LIFECYCLE_SECONDS),
    "break": (commands.Break, ANSWER_SECONDS),
    "detach": (commands.Detach, ANSWER_SECONDS),
    "restart": (commands.Restart, ANSWER_SECONDS),
}


class InquiryReactor(AttachReactor, Protocol):
    """
    What is needed of a reactor.
    """

    def seconds(self) -> float:
        """
        As in C{IReactorTime}.
        """


@dataclass(frozen=True, slots=True)
class Inquiry:
    """
    Someone who asks.

    @ivar reactor: where to wait for answers.
    @ivar rundir: the servers' run directory.
    @ivar show: writes text to standard output.
    @ivar say: shows one line on standard error.
    @ivar opener: one attempt to connect, as L{openUnix}.
    @ivar now: the time in seconds since the epoch.
    """

    reactor: InquiryReactor
    rundir: RunDirectory
    show: Callable[[str], None]
    say: Callable[[str], None]
    opener: Opener = openUnix
    now: Callable[[], float] = time.time

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
            answer = await self._askOne(zone, command, seconds, **arguments)
        except CommandError as e:
            self.say(str(e))
            return ExitStatus.FAILED
        self.show(named(escaped(answer["message"])) + "\n")
        boots = name in _BOOTS or "reboot" in arguments
        return await self._stays(zone) if boots else ExitStatus.DONE

    async def orderAll(
        self, name: str, zones: Sequence[str], arguments: dict[str, Any]
    ) -> int:
        """
        Have something done with all zones that servers run and that it concerns: a
        boot those that are down, and all else the others.

        @param name: as for L{order}, and so C{arguments}.
        @param zones: those of the run directory.
        @return: the exit status.
        """
        command, seconds = ORDERS[name]
        status = ExitStatus.DONE
        chosen = []
        for zone, answer in zip(zones, await self._ask(zones), strict=True):
            if not isinstance(answer, CommandError):
                down = answer["state"] == "installed"
                if answer.get("life") is not None and down == (name == "boot"):
                    chosen.append(zone)
            elif isServed(self.rundir.consoleSocket(zone)):
                self.say(str(answer))
                status = ExitStatus.FAILED

        async def order(zone: str) -> None:
            nonlocal status
            try:
                answer = await self._askOne(zone, command, seconds, **arguments)
                self.show(f"{zone}: {escaped(answer['message'])}\n")
            except CommandError as e:
                self.say(f"{zone}: {e}")
                status = ExitStatus.FAILED

        await self._inTurn(chosen, order)
        return status

    async def _stays(self, zone: str) -> int:
        """
        A zone that was booted may have failed by the time that one could look.
        """
        pause: Deferred[None] = Deferred()
        self.reactor.callLater(STAY_SECONDS, pause.callback, None)
        await pause
        (answer,) = await self._ask([zone])
        if isinstance(answer, CommandError) or not hasFailed(answer):
            return ExitStatus.DONE
        self.say(f"but the zone did not stay up: {escaped(answer['life'])}")
        return ExitStatus.FAILED

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

    async def status(self, zones: Sequence[str], asJson: bool = False) -> int:
        """
        Show all there is to know of some zones.

        @param asJson: as JSON instead, an object a zone.
        @return: the exit status.
        """
        answers = await self._ask(zones)
        if asJson:
            rows = [
                {"zone": zone, "error": str(answer)}
                if isinstance(answer, CommandError)
                else {**statusFacts(answer), "zone": zone}
                for zone, answer in zip(zones, answers, strict=True)
            ]
            self.show(json.dumps(rows, indent=1) + "\n")
            failed = any(row["error"] is not None for row in rows)
            return ExitStatus.FAILED if failed else ExitStatus.DONE
        told = [statusReport(a) for a in answers if not isinstance(a, CommandError)]
        self.show("\n".join(told))
        failures = [str(a) for a in answers if isinstance(a, CommandError)]
        for failure in failures:
            self.say(failure)
        return ExitStatus.FAILED if failures else ExitStatus.DONE

    async def list(self, zones: Sequence[str], asJson: bool = False) -> int:
        """
        Show a line a zone.

        @param asJson: as JSON instead, an object a zone.
        @return: the exit status; a zone without a server is no failure.
        """
        answers = await self._ask(zones)
        now = self.now()
        rows = [
            {**summary(answer, now), "zone": zone}
            if not isinstance(answer, CommandError)
            else self._unserved(zone, answer)
            for zone, answer in zip(zones, answers, strict=True)
        ]
        self.show(json.dumps(rows, indent=1) + "\n" if asJson else listing(rows))
        left = [row for row in rows if row["error"] == NO_SERVER]
        if left and not asJson:
            names = ", ".join(escaped(row["zone"]) for row in left)
            # A zone that runs on is found by its next server.
            runs = any(row["life"] for row in left)
            self.say(
                f"dead servers have left sockets behind for {names}: start them again"
                + ("" if runs else f", or remove {self.rundir.path}/ZONE.*_sock")
            )
        return ExitStatus.DONE

    async def reload(self, zones: Sequence[str]) -> int:
        """
        Have every server of some zones read its configuration anew.

        @return: the exit status.
        """
        servers: dict[int, str] = {}
        failed = False
        for zone, answer in zip(zones, await self._ask(zones), strict=True):
            if not isinstance(answer, CommandError):
                servers.setdefault(answer["serverPid"], zone)
            elif isServed(self.rundir.consoleSocket(zone)) or len(zones) == 1:
                self.say(str(answer))
                failed = True
        for pid, zone in servers.items():
            try:
                answer = await self._askOne(zone, commands.Reload, LIFECYCLE_SECONDS)
                problems = answer["problems"]
                self.show(f"process {pid}: {escaped(answer['message'])}\n")
            except CommandError as e:
                problems = str(e).split("\n")
            for problem in problems:
                self.say(f"process {pid}: {escaped(problem)}")
            failed = failed or bool(problems)
        return ExitStatus.FAILED if failed else ExitStatus.DONE

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

    def _unserved(self, zone: str, error: CommandError) -> Values:
        served = isServed(self.rundir.consoleSocket(zone))
        return unserved(zone, str(error) if served else NO_SERVER, error.process)

    async def _ask(self, zones: Sequence[str]) -> Sequence[Values | CommandError]:
        """
        Ask how some zones do, not too many at a time; what is not answered by the
        time that one answer may take is given up.
        """
        answers: dict[str, Values | CommandError] = {}
        end = self.reactor.seconds() + ANSWER_SECONDS

        async def askOne(zone: str) -> None:
            left = end - self.reactor.seconds()
            try:
                if left <= 0:
                    raise CommandError(
                        f"zone {zone} was not asked: others took {ANSWER_SECONDS:g} s"
                    )
                answers[zone] = await self._askOne(zone, commands.Status, left)
            except CommandError as e:
                answers[zone] = e

        await self._inTurn(zones, askOne)
        return [answers[zone] for zone in zones]

    async def _inTurn(
        self, zones: Sequence[str], do: Callable[[str], Awaitable[None]]
    ) -> None:
        """
        Do something with each zone, not with too many at the same time.
        """
        waiting = iter(zones)

        async def each() -> None:
            for zone in waiting:
                await do(zone)

        doing = range(min(ASKED_AT_ONCE, len(zones)))
        await gatherResults([Deferred.fromCoroutine(each()) for _ in doing])

    async def _askOne(
        self, zone: str, command: type[Command], seconds: float, **arguments: Any
    ) -> Values:
        return await ask(
            self.reactor,
            self.rundir,
            zone,
            command,
            seconds,
            self.opener,
            **arguments,
        )
