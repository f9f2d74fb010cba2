"""
What is measured: for each measure, what the ruler is told and which of its figures
are shown.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CONSOLES", "COSTS", "MEASURES", "Cost", "Figure", "Measure"]


@dataclass(frozen=True)
class Figure:
    """
    One number of a measure.

    @ivar key: what the ruler calls it.
    @ivar label: what people call it.
    @ivar unit: its unit.
    @ivar ratio: it is compared; else it is shown as it is.
    """

    key: str
    label: str
    unit: str
    ratio: bool = True


@dataclass(frozen=True)
class Measure:
    """
    One measure.

    @ivar name: what it is called on the command line.
    @ivar what: what it is, in one line.
    @ivar mode: the ruler's name for it.
    @ivar needs: what a peer has to have for it.
    @ivar figures: what is shown of it.
    @ivar arguments: what else the ruler is told.
    @ivar zones: how many zones the server needs.
    @ivar rough: it takes long and varies little: the first rounds are enough, and the
        peer is started again afterwards.
    """

    name: str
    what: str
    mode: str
    needs: str
    figures: tuple[Figure, ...]
    arguments: tuple[str, ...] = ()
    zones: int = 1
    rough: bool = False


_RATE = Figure("mib_s", "rate", "MiB/s")
_CPU = Figure("cpu_s_gib", "CPU", "s/GiB")
_LOST = Figure("lost_pct", "lost", "%", ratio=False)
_CORRUPT = Figure("corrupt", "receivers with wrong bytes", "", ratio=False)


def _percentiles(key: str, label: str) -> tuple[Figure, Figure]:
    return (
        Figure(f"{key}_p50_us", f"{label}, median", "us"),
        Figure(f"{key}_p99_us", f"{label}, p99", "us"),
    )


def _neighbour(floods: int) -> Measure:
    return Measure(
        f"neighbour-{floods}",
        f"the echo of one zone while {floods} others flood",
        "neighbour",
        "input",
        (*_percentiles("echo", "echo"), Figure("mib_s", "floods, in all", "MiB/s")),
        (f"count={floods}",),
        zones=33,
    )


def _fanout(watchers: int) -> Measure:
    return Measure(
        f"fanout-{watchers}",
        f"output to an operator and {watchers} watchers",
        "output",
        "watchers",
        (
            Figure("mib_s", "rate of each watcher", "MiB/s"),
            Figure("cpu_s_gib", "CPU, of all that is delivered", "s/GiB"),
            _LOST,
            _CORRUPT,
        ),
        (f"count={watchers}",),
    )


def _trouble(name: str, what: str, kind: str, needs: str, *more: str) -> Measure:
    return Measure(
        name,
        what,
        "trouble",
        needs,
        (
            Figure("rate_pct", "zone's rate, of that undisturbed", "%", ratio=False),
            Figure("newcomer_us", "a newcomer's answer", "us"),
        ),
        (f"kind={kind}", *more),
        rough=True,
    )


MEASURES = (
    Measure(
        "bulk",
        "output to one operator",
        "output",
        "output",
        (_RATE, _CPU, _LOST, _CORRUPT),
    ),
    Measure(
        "unwatched",
        "output while nobody is attached",
        "unwatched",
        "unwatched",
        (_RATE, _CPU, Figure("kept_kib", "kept and verified", "KiB", ratio=False)),
    ),
    Measure(
        "paste",
        "input as fast as it is taken",
        "paste",
        "input",
        (_RATE, Figure("cpu_s_gib", "CPU, of what arrived", "s/GiB"), _LOST),
    ),
    Measure(
        "echo",
        "one key and its echo, one after another",
        "echo",
        "input",
        (*_percentiles("echo", "echo"), Figure("cpu_us_key", "CPU a key", "us")),
    ),
    Measure(
        "flood-key",
        "from a key to a zone that floods",
        "flood-key",
        "input",
        (*_percentiles("key", "key to zone"), Figure("mib_s", "flood", "MiB/s")),
    ),
    _neighbour(1),
    _neighbour(4),
    _neighbour(32),
    Measure(
        "attach",
        "from connecting to being seated",
        "attach",
        "attach",
        (
            *_percentiles("attach", "attach"),
            Figure("cpu_us", "CPU each", "us"),
            Figure("refused_pct", "refused", "%", ratio=False),
        ),
    ),
    Measure(
        "busy",
        "newcomers that are turned away",
        "busy",
        "busy",
        (
            Figure("per_s", "answers a second", "/s"),
            Figure("busy_p99_us", "answer, p99", "us"),
        ),
    ),
    _fanout(1),
    _fanout(10),
    _fanout(100),
    _trouble(
        "stopped-operator",
        "an operator that takes nothing, after its stall second",
        "operator",
        "operator",
    ),
    _trouble(
        "stopped-watcher",
        "a watcher that takes nothing",
        "watcher",
        "watchers",
    ),
    _trouble(
        "silent-peers",
        "200 peers that connect and say nothing",
        "silent",
        "silent",
        "count=200",
    ),
)

#: Of idle consoles in one server; what they are measured for is in C{consoles.py}.
CONSOLES = (
    Figure("pss_mib", "memory (PSS)", "MiB"),
    Figure("pss_attached_mib", "memory with all attached", "MiB"),
    Figure("descriptors", "descriptors", ""),
    Figure("processes", "processes", "", ratio=False),
    Figure("idle_cpu_pct", "idle CPU", "% of one", ratio=False),
    Figure("start_s", "start", "s"),
    Figure("per_s", "all attach at once", "/s"),
)


@dataclass(frozen=True)
class Cost:
    """
    What something of ours costs: one of our servers compared with another.

    @ivar what: the thing.
    @ivar having: the server that has it.
    @ivar lacking: the one that has not.
    @ivar figures: measure and figure.
    """

    what: str
    having: str
    lacking: str
    figures: tuple[tuple[str, str], ...]


COSTS = (
    Cost(
        "history of 1 MiB against 64 KiB",
        "zcons",
        "zcons-64K",
        (
            ("bulk", "mib_s"),
            ("bulk", "cpu_s_gib"),
            ("unwatched", "mib_s"),
            ("unwatched", "cpu_s_gib"),
            ("echo", "echo_p50_us"),
            ("echo", "cpu_us_key"),
        ),
    ),
    Cost(
        "structured sessions against legacy ones",
        "zcons-structured",
        "zcons",
        (
            ("bulk", "mib_s"),
            ("bulk", "cpu_s_gib"),
            ("paste", "mib_s"),
            ("paste", "cpu_s_gib"),
            ("echo", "echo_p50_us"),
            ("echo", "cpu_us_key"),
            ("attach", "attach_p50_us"),
        ),
    ),
)
