# -*- test-case-name: zcons_twisted.test.test_client_reports -*-
"""
What the control door tells, as text for people.

Everything that came from outside is shown with its control characters escaped.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from zcons_twisted.notices import escaped
from zcons_twisted.standing import brief

from .naming import named

__all__ = [
    "ENDED_SHOWN",
    "NO_SERVER",
    "age",
    "hasFailed",
    "listing",
    "moment",
    "operatorBrief",
    "stateBrief",
    "statusFacts",
    "statusReport",
    "summary",
    "unserved",
    "whoReport",
]

Values = dict[str, Any]

#: What is told of a zone whose server has died.
NO_SERVER = "no server"

#: How many of the sessions that ended last a status shows.
ENDED_SHOWN = 5

#: The states in which a zone is not running.
_DOWN = ("installed", "down")

#: What the counters count.
_COUNTED = {
    "output": "bytes printed",
    "input": "bytes typed",
    "skipped": "bytes missed",
    "attached": "sessions so far",
    "refused": "seat refused",
    "malformed": "bad first lines",
    "events": "zone events",
    "opened": "device opened",
}


def moment(seconds: float) -> str:
    """
    A point of time, in local time.

    @param seconds: since the epoch.
    """
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def operatorBrief(operators: Sequence[Values]) -> str:
    """
    Who has the operator's seat, in a few words.

    @param operators: the C{operator} list of a status: no entry or one.
    """
    if not operators:
        return "-"
    who = operators[0]
    return f"{escaped(who['user'])} (process {who['pid']})"


def statusReport(status: Values) -> str:
    """
    A zone's whole status, a line a fact.

    @param status: the answer to
        L{Status<zcons_twisted.doors.commands.Status>}.
    """
    facts = [
        ("zone", escaped(status["zone"])),
        ("state", escaped(status["state"])),
        ("driver", escaped(status["driver"])),
        *([("life", escaped(status["life"]))] if status.get("life") else []),
        ("device", _device(status)),
        ("on halt", escaped(status["onHalt"])),
        ("server", f"process {status['serverPid']} since {moment(status['since'])}"),
    ]
    if status.get("nexusPid") is not None:
        facts += [("nexus", f"process {status['nexusPid'] or '(starting)'}")]
    facts += [("operator", _session(who)) for who in status["operator"]] or [
        ("operator", "none")
    ]
    facts += [("watcher", _session(who)) for who in status["watchers"]]
    if status.get("printedAt") is not None:
        facts += [("printed", moment(status["printedAt"]))]
    facts += [
        ("history", _history(status)),
        ("birth", escaped(status["birth"])),
        ("last boot", f"offset {status['boot']}, kept to {status['bootEnd']}"),
    ]
    earlier = len(status["ended"]) - ENDED_SHOWN
    facts += [("ended", _ended(who)) for who in status["ended"][-ENDED_SHOWN:]]
    if earlier > 0:
        facts += [("", f"and {earlier} before")]
    facts += [(_counted(c["name"]), str(c["value"])) for c in status["counters"]]
    width = max(len(name) for name, _ in facts) + 2
    return "".join(
        f"{name + ':' if name else '':{width}}{value}\n" for name, value in facts
    )


def _history(status: Values) -> str:
    offsets = f"offsets {status['oldest']} to {status['end']}"
    problem = status.get("historyProblem")
    return f"{offsets} ({escaped(problem)})" if problem else offsets


def _device(status: Values) -> str:
    """
    A device is open also where nothing is on it.
    """
    state = status["deviceState"]
    if state == "open" and status.get("life") and status["state"] in _DOWN:
        state = "open, nothing runs on it"
    return f"{escaped(status['device'])} ({escaped(state)})"


def statusFacts(status: Values) -> Values:
    """
    The same for programs: the operator by itself, if there is one, and counters by
    their names.
    """
    return {
        **status,
        "operator": next(iter(status["operator"]), None),
        "counters": {each["name"]: each["value"] for each in status["counters"]},
        "error": None,
    }


def _counted(name: str) -> str:
    return _COUNTED.get(name, escaped(name))


def _session(who: Values) -> str:
    text = (
        f"process {who['pid']} of {escaped(who['user'])} (user {who['uid']})"
        f" since {moment(who['since'])}"
    )
    remarks = []
    if who["locale"]:
        remarks.append(f"locale {escaped(who['locale'])}")
    told = who.get("toldPid")
    if told is not None and told != who["pid"]:
        remarks.append(f"says it is process {told}")
    if who["halfClosed"]:
        remarks.append("sends no more")
    if who["stalled"]:
        remarks.append("stalled")
    return f"{text}; {', '.join(remarks)}" if remarks else text


def _ended(who: Values) -> str:
    role = {"operator": "operator", "watch": "watcher"}.get(who.get("role", ""), "")
    peer = named(f"process {who['pid']} of user {who['uid']}")
    return (
        f"{moment(who['at'])} {f'{role}, ' if role else ''}{peer}:"
        f" {named(escaped(who['text']))}"
    )


def hasFailed(status: Values) -> bool:
    """
    Is the zone down, and not because its command had done its work?
    """
    # How often it is started is told behind that.
    life = (status.get("life") or "").partition("; ")[0]
    down = status["state"] in _DOWN
    return down and not life.endswith("exit status 0")


def stateBrief(state: str, life: str | None, device: str | None = None) -> str:
    """
    A zone's state, and why it is down, where that is known.

    @param life: what runs as the zone, or how it ended.
    @param device: how its device is, which is all that is known of some.
    """
    if state not in _DOWN:
        return escaped(state)
    why = brief(life or ("" if device == "open" else device or ""))
    return escaped(f"{state} ({why})" if why else state)


def listing(rows: Iterable[Values]) -> str:
    """
    Zones in columns, under a heading.

    @param rows: from L{summary} or L{unserved}.
    """
    heading = ("ZONE", "STATE", "DRIVER", "OPERATOR", "WATCHERS", "OUTPUT")
    return _columns([heading, *map(_row, rows)])


def _row(row: Values) -> Sequence[str]:
    if row["error"] == NO_SERVER:
        state = f"{NO_SERVER} (runs on: {row['life']})" if row["life"] else NO_SERVER
        return escaped(row["zone"]), state, "-", "-", "-", "-"
    if row["error"] is not None:
        return escaped(row["zone"]), "unknown", "-", "-", "-", escaped(row["error"])
    return (
        escaped(row["zone"]),
        stateBrief(row["state"], row["life"], row["device"]),
        escaped(row["driver"]),
        operatorBrief([row["operator"]] if row["operator"] else []),
        str(row["watchers"]),
        "-" if row["age"] is None else f"{age(row['age'])} ago",
    )


def summary(status: Values, now: float) -> Values:
    """
    What C{zconsole list} tells of a zone.

    @param status: as for L{statusReport}.
    @param now: the time, in seconds since the epoch.
    """
    printed = status.get("printedAt")
    return {
        "zone": status["zone"],
        "state": status["state"],
        "life": status.get("life"),
        "device": status["deviceState"],
        "driver": status["driver"],
        "operator": next(
            (
                {name: who[name] for name in ("pid", "uid", "user", "since")}
                for who in status["operator"]
            ),
            None,
        ),
        "watchers": len(status["watchers"]),
        "age": None if printed is None else max(0.0, now - printed),
        "server": status["serverPid"],
        "error": None,
    }


def unserved(zone: str, error: str, process: int = 0) -> Values:
    """
    The same of a zone that nothing can be learned of.

    @param process: but that this runs as the zone; or 0.
    """
    known = dict.fromkeys(
        ("state", "life", "device", "driver", "operator", "watchers", "age", "server"),
        None,
    )
    life = {"life": f"process {process}"} if process else {}
    return {"zone": zone, **known, **life, "error": error}


def age(seconds: float) -> str:
    """
    How long something is ago, in one number.
    """
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def whoReport(status: Values) -> str:
    """
    Who is attached, a line each, under a heading.

    @param status: as for L{statusReport}.
    """
    rows = [
        (role, str(who["pid"]), escaped(who["user"]), moment(who["since"]))
        for role, sessions in (
            ("operator", status["operator"]),
            ("watcher", status["watchers"]),
        )
        for who in sessions
    ]
    return _columns([("ROLE", "PID", "USER", "SINCE"), *rows])


def _columns(table: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "".join(
        "  ".join(
            f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        + "\n"
        for row in table
    )
