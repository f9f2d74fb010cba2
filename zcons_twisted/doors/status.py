# -*- test-case-name: zcons_twisted.test.test_control_commands -*-
"""
What L{Status<zcons_twisted.doors.commands.Status>} tells of a zone's console.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol

from ..console import Console
from ..ended import Ended
from ..interfaces import IConsoleDriver, IOutlivingDriver
from ..laps import Laps
from ..sessions import Session

__all__ = ["Told", "statusOf"]


class Told(Protocol):
    """
    What there is to tell of: a control door has it.

    @ivar began: when the server began with the zone, in seconds since the epoch.
    """

    console: Console
    driver: IConsoleDriver
    laps: Laps
    began: float


def statusOf(door: Told, names: Mapping[int, str]) -> dict[str, Any]:
    """
    The answer to a Status command.

    @param names: users' names, by their numbers.
    """
    console = door.console
    life = door.driver.life
    told = {session: _session(session, names) for session in console.sessions}
    return {
        "zone": console.zone,
        "state": console.presence.label(),
        "driver": door.driver.kind,
        "life": life.account if life is not None else None,
        "device": door.driver.path,
        "deviceState": door.laps.deviceState,
        "onHalt": console.onHalt.value,
        "serverPid": os.getpid(),
        "nexusPid": _keeper(door.driver),
        "since": door.began,
        "operator": [v for s, v in told.items() if s is console.operator],
        "watchers": [v for s, v in told.items() if s is not console.operator],
        "printedAt": console.fanout.printedAt,
        "oldest": console.history.oldest,
        "end": console.history.end,
        "historyProblem": console.history.problem or None,
        "birth": console.history.birth,
        "boot": console.history.boot[0],
        "bootEnd": console.history.boot[1],
        "ended": [_ended(end) for end in console.ended],
        "counters": [
            {"name": name, "value": value} for name, value in console.totals()
        ],
    }


def _keeper(driver: IConsoleDriver) -> int | None:
    if IOutlivingDriver.providedBy(driver) and IOutlivingDriver(driver).outlives:
        return int(IOutlivingDriver(driver).keeper)
    return None


def _session(session: Session, names: Mapping[int, str]) -> dict[str, Any]:
    who = session.peer.who
    return {
        "pid": who.pid,
        "uid": who.uid,
        "user": names.get(who.uid, str(who.uid)),
        "since": session.peer.since,
        "locale": session.peer.locale,
        "toldPid": session.peer.told,
        "halfClosed": session.silent,
        "stalled": session.follower.stalled,
    }


def _ended(end: Ended) -> dict[str, Any]:
    return {
        "pid": end.who.pid,
        "uid": end.who.uid,
        "at": end.at,
        "reason": end.reason.value,
        "text": end.text,
        "role": end.role.value,
    }
