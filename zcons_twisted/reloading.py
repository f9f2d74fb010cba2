# -*- test-case-name: zcons_twisted.test.test_reloading -*-
"""
Changing the zones of a server while it serves them.

A zone whose configuration has not changed is not touched at all, but for sockets and
links that somebody has removed, which are made again.  One that has is stopped and
started only if that can't be had otherwise, by what the table of
L{zcons_twisted.zone_options} says of its options.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from .errors import DeviceError, ZConsError
from .nexus.client import Nexus
from .outcomes import Outcome, Reload
from .service import ZoneConsoleService
from .zone_config import ZoneConfig
from .zone_options import ZONE_OPTIONS

__all__ = ["Plan", "Reloads", "changeZones", "planChange"]


@dataclass(slots=True)
class Plan:
    """
    What is to be done.
    """

    start: list[ZoneConfig] = field(default_factory=list)
    stop: list[ZoneConsoleService] = field(default_factory=list)
    restart: list[tuple[ZoneConsoleService, ZoneConfig]] = field(default_factory=list)
    change: list[tuple[ZoneConsoleService, ZoneConfig]] = field(default_factory=list)
    keep: list[ZoneConsoleService] = field(default_factory=list)


def planChange(
    served: Iterable[ZoneConsoleService], wanted: Iterable[ZoneConfig]
) -> Plan:
    """
    What has to be done so that what is wanted is served?
    """
    plan = Plan()
    zones = {zone.zone: zone for zone in served}
    for config in wanted:
        zone = zones.pop(config.name, None)
        if zone is None:
            plan.start.append(config)
        elif zone.config == config:
            plan.keep.append(zone)
        elif _canChange(zone, config):
            plan.change.append((zone, config))
        else:
            plan.restart.append((zone, config))
    plan.stop.extend(zones.values())
    return plan


def _canChange(zone: ZoneConsoleService, config: ZoneConfig) -> bool:
    """
    Can this be had without a stop?
    """
    live = all(
        option.live or option.of(zone.config) == option.of(config)
        for option in ZONE_OPTIONS.values()
    )
    return live and (zone.config.options == config.options or zone.adjusts())


async def changeZones(
    server: MultiService,
    served: Collection[ZoneConsoleService],
    wanted: Iterable[ZoneConfig],
    make: Callable[[ZoneConfig], ZoneConsoleService],
    reactor: IReactorTime,
    nexus: Nexus | None = None,
) -> Outcome:
    """
    Serve these zones from now on, and no others.

    @param server: the parent of all zones.
    @param served: those that are served now.
    @param wanted: those that are to be.
    @param make: makes the service of one.
    @param reactor: lets others have their turn.
    @param nexus: keeps the devices of the zones, if there is one.
    @raise ZConsError: a new zone can't be served; then nothing has changed.
    """
    plan = planChange(served, wanted)
    new = [make(config) for config in plan.start]
    for zone in new:
        zone.check()
    outcome = Outcome(untouched=len(plan.keep))
    for zone, config in plan.change:
        zone.change(config)
        outcome.changed.append(zone.zone)
    _mend([*plan.keep, *(zone for zone, _ in plan.change)], outcome)

    async def remove(zone: ZoneConsoleService) -> None:
        await zone.stopService()
        if zone.parent is not None:
            zone.disownServiceParent()

    async def stop(zone: ZoneConsoleService) -> None:
        await remove(zone)
        outcome.stopped.append(zone.zone)

    async def restart(zone: ZoneConsoleService, config: ZoneConfig) -> None:
        await remove(zone)
        if _start(server, make(config), outcome):
            outcome.restarted.append(config.name)

    begun = [Deferred.fromCoroutine(stop(zone)) for zone in plan.stop]
    begun += [Deferred.fromCoroutine(restart(*each)) for each in plan.restart]
    for zone in new:
        if _start(server, zone, outcome):
            outcome.started.append(zone.zone)
        # Many of them hold nobody up.
        await deferLater(reactor, 0)
    await _mendNexus(nexus, outcome)
    await gatherResults(begun)
    return outcome


def _start(server: MultiService, zone: ZoneConsoleService, outcome: Outcome) -> bool:
    """
    Serve a zone, unless the server has been stopped in the meantime.
    """
    if not server.running:
        return False
    try:
        zone.setServiceParent(server)
    except ZConsError as e:
        outcome.problems.append(f"zone '{zone.zone}' is not served: {e}")
        zone.disownServiceParent()
        return False
    return True


def _mend(zones: Iterable[ZoneConsoleService], outcome: Outcome) -> None:
    """
    What goes on is to be found as well.
    """
    for zone in zones:
        try:
            if zone.mend():
                outcome.mended.append(zone.zone)
        except ZConsError as e:
            outcome.problems.append(
                f"zone '{zone.zone}': what was removed can't be made again: {e}"
            )


async def _mendNexus(nexus: Nexus | None, outcome: Outcome) -> None:
    try:
        outcome.nexus = nexus is not None and await nexus.mend()
    except (OSError, DeviceError) as e:
        why = getattr(e, "strerror", None) or str(e)
        outcome.problems.append(f"the socket of the nexus can't be made again: {why}")


class Reloads:
    """
    Has one reload done at a time.  Whoever asks while one is under way gets the
    outcome of the next, which all of them share.
    """

    _log = Logger()

    def __init__(self, reload: Reload) -> None:
        """
        @param reload: does one.
        """
        self._reload = reload
        self._waiting: list[Deferred[Outcome]] = []
        self._busy = False

    def ask(self) -> Deferred[Outcome]:
        """
        Have the configuration read anew.

        @return: fails with L{ZConsError} where nothing has changed.
        """
        asked: Deferred[Outcome] = Deferred()
        self._waiting.append(asked)
        if not self._busy:
            self._busy = True
            Deferred.fromCoroutine(self._work())
        return asked

    async def _work(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, []
            result: Outcome | Failure
            try:
                result = await self._reload()
                self._told(result)
            except ZConsError as e:
                result = Failure(e)
                for line in str(e).split("\n"):
                    self._log.error("nothing is changed: {line}", line=line)
            except Exception:
                result = Failure()
                self._log.failure("while changing the configuration", result)
            for each in asked:
                if isinstance(result, Failure):
                    each.errback(result)
                else:
                    each.callback(result)
        self._busy = False

    def _told(self, outcome: Outcome) -> None:
        self._log.info("configuration read anew; {outcome}", outcome=str(outcome))
        for line in outcome.problems:
            self._log.error("{line}", line=line)
