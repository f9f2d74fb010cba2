# -*- test-case-name: zcons_twisted.test.test_control_socket -*-
"""
What is done for who comes in by the control door, and how answers are worded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from ..console import Console
from ..credentials import Credentials
from ..drivers.account import haltFor
from ..errors import DeviceError, ZConsError
from ..events import EVENT_NAMES, ZoneEvent, checkBootArguments
from ..interfaces import IZoneLife, IZoneReady, IZoneShutdown
from ..notices import escaped
from ..sessions import EndReason
from .commands import Refused
from .control_link import ControlDoor

__all__ = [
    "PROBLEMS_MAX",
    "checked",
    "detach",
    "eventNamed",
    "halting",
    "lifeOf",
    "readied",
    "refuseIfDying",
    "refused",
    "sendBreak",
    "shortened",
    "shutDown",
    "unchanged",
]

#: Most bytes of problems in one answer, which has 64 KiB; the log has all of them.
PROBLEMS_MAX = 32 * 1024


def checked(arguments: str | None) -> str:
    """
    Boot arguments from outside.

    @raise Refused: they can't be passed on.
    """
    try:
        return checkBootArguments(arguments or "")
    except ZConsError as e:
        raise Refused(str(e)) from None


def eventNamed(name: str) -> ZoneEvent:
    """
    An event from outside.

    @raise Refused: there is none of that name.
    """
    event = EVENT_NAMES.get(name)
    if event is None:
        names = ", ".join(EVENT_NAMES)
        raise Refused(f"there is no event {ascii(name)}: choose one of {names}")
    return event


def detach(console: Console, who: Credentials) -> Credentials:
    """
    End the operator's session.

    @param who: has it ended.
    @return: whose it was.
    @raise Refused: there is none.
    """
    operator = console.operator
    if operator is None:
        raise Refused(f"zone '{console.zone}' has no operator")
    console.end(operator, EndReason.DETACHED, f"detached by {who}")
    return operator.peer.who


def lifeOf(door: ControlDoor) -> IZoneLife:
    """
    The life of a door's zone.

    @raise Refused: others run it.
    """
    life: IZoneLife | None = door.driver.life
    if life is None:
        raise Refused(
            f"zone '{door.console.zone}' is not run by this server (driver"
            f" {door.driver.kind}): tell what happens to it with 'zconsole event'"
        )
    return life


def halting(
    door: ControlDoor, who: Credentials
) -> Callable[[IZoneLife], Deferred[str]]:
    """
    How somebody halts a zone: under the name that the user has, where there is one.
    """

    def halt(life: IZoneLife) -> Deferred[str]:
        found: Deferred[dict[int, str]] = maybeDeferred(door.userNames, [who.uid])
        # Whoever it is, it is not for a directory service to keep the zone running.
        found.addErrback(lambda _failure: {})
        return found.addCallback(lambda names: haltFor(life, _called(who.uid, names)))

    return halt


def _called(uid: int, names: Mapping[int, str]) -> str:
    name = names.get(uid, str(uid))
    return f"user {uid}" if name == str(uid) else escaped(name)


def readied(door: ControlDoor, life: IZoneLife) -> Deferred[str]:
    """
    Have a zone be there without running.

    @raise Refused: it can't.
    """
    if not IZoneReady.providedBy(life):
        raise Refused(
            f"zone '{door.console.zone}' can't be made ready without running (driver"
            f" {door.driver.kind}): boot it"
        )
    return IZoneReady(life).ready()


def shutDown(door: ControlDoor, life: IZoneLife) -> Callable[..., Deferred[str]]:
    """
    What asks a zone to go down by itself.

    @raise Refused: it can't be asked.
    """
    if not IZoneShutdown.providedBy(life):
        raise Refused(
            f"zone '{door.console.zone}' can't be asked to go down (driver"
            f" {door.driver.kind}): halt it"
        )
    ask: Callable[..., Deferred[str]] = IZoneShutdown(life).shutdown
    return ask


def refuseIfDying(console: Console) -> None:
    """
    A server that ends begins nothing.

    @raise Refused: it does.
    """
    if console.dying:
        raise Refused(f"the server of zone '{console.zone}' ends: start it again")


def sendBreak(console: Console) -> None:
    """
    Send a break on a zone's line.

    @raise Refused: it has none, or is not open.
    """
    if console.device is None:
        raise Refused("the device is not open")
    try:
        console.device.sendBreak()
    except DeviceError as e:
        raise Refused(str(e)) from None


def refused(failure: Failure) -> Failure:
    """
    The answer to what could not be done.
    """
    return _refusal(failure)


def unchanged(failure: Failure) -> Failure:
    """
    The answer to a reload that could not be done: why, and as the last line what that
    means.
    """
    return _refusal(failure, "nothing has been changed")


def _refusal(failure: Failure, *more: str) -> Failure:
    failure.trap(ZConsError)
    lines = shortened(str(failure.value).split("\n"))
    return Failure(Refused("\n".join([*lines, *more])))


def shortened(lines: Sequence[str]) -> list[str]:
    """
    As many lines as there is room for in an answer, and how many are missing.
    """
    room = PROBLEMS_MAX
    for number, line in enumerate(lines):
        room -= len(line.encode("utf-8", "replace"))
        if room < 0:
            missing = len(lines) - number
            return [*lines[:number], f"{missing} more are in the server's log"]
    return list(lines)
