# -*- test-case-name: zcons_twisted.test.test_standing -*-
"""
How a zone stands, in one line for people: for who attaches and would otherwise look at
an empty screen, and for who looks at many zones at once.
"""

from __future__ import annotations

from .interfaces import ILastingLife, IZoneLife
from .notices import EVENT_REASON_MAX, escaped
from .presence import Presence

__all__ = ["BRIEF_MAX", "brief", "standing"]

#: Longest way of saying why a zone is not running, in characters, where there is no
#: room for more.
BRIEF_MAX = 80


def brief(life: str, most: int = BRIEF_MAX) -> str:
    """
    What a life's account tells of a zone that is down, without what goes without
    saying.

    @param life: the account, as in
        L{IZoneLife<zcons_twisted.interfaces.IZoneLife>}; C{process 7 ended: signal 9}
        for example.
    @param most: how many characters there is room for.
    """
    first, ended, how = life.partition("ended: ")
    words = how if ended and (not first or first.startswith("process ")) else life
    return words if len(words) <= most else f"{words[: most - 3]}..."


def standing(zone: str, presence: Presence, life: IZoneLife | None, device: str) -> str:
    """
    What a newcomer has to know of a zone that does not answer, or C{""}.

    @param life: its life, or L{None} where others run it.
    @param device: how its device is, as
        L{Laps.deviceState<zcons_twisted.laps.Laps>} tells.
    """
    if not presence.present():
        why = ""
        if life is not None:
            why = f" ({escaped(brief(life.account, EVENT_REASON_MAX))})"
        # A machine whose hypervisor is gone is not ours to start.
        starts = life is not None and (
            presence.connected() or not ILastingLife.providedBy(life)
        )
        hint = f": 'zconsole boot {zone}' starts it" if starts else ""
        return f"zone '{zone}' is down{why}{hint}"
    if device == "open":
        return ""
    what = "connected" if presence.remote else "open"
    return f"console is not {what}: {device.removeprefix(_CANT_CONNECT)}"


_CANT_CONNECT = "can't connect: "
