"""
C{python -m bench.report RESULTS.json}: the tables of the documentation, from what a
run has written.

What it writes to the standard output is reStructuredText, for
C{docs/capacity-results.inc}.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .measures import COSTS, MEASURES, Figure
from .results import Results
from .table import REGIMES, busiest, cell, figureLabel, grouped, number, rows

__all__ = ["report"]

_US = "zcons"


def report(results: Results) -> str:
    """
    All of it.
    """
    parts = [
        *_head(results),
        *_model(results),
        *(line for regime in results.regimes for line in _regime(results, regime)),
        *_costs(results),
        *_skipped(results),
    ]
    return "\n".join(parts) + "\n"


def _title(text: str) -> Iterator[str]:
    yield from (text, "~" * len(text), "")


def _list(head: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    yield from (".. list-table::", "   :header-rows: 1", "")
    for line in (head, *lines):
        for number_, text in enumerate(line):
            yield f"   {'*' if number_ == 0 else ' '} - {text}".rstrip()
    yield ""


def _head(results: Results) -> Iterator[str]:
    machine, settings = results.machine, results.settings
    yield from (".. Made by: python -m bench.report RESULTS.json", "")
    yield (
        f"Measured at {results.made} on {machine['processors']} processors"
        f" ({machine['processor']}) with {machine['memory_mib']} MiB, Linux"
        f" {machine['kernel']}, Python {machine['python']}, Twisted"
        f" {machine['twisted']}: {settings['rounds']} rounds, {settings['seconds']:g} s"
        f" a measure; the load was {machine['load_before']} before it began."
    )
    yield ""
    yield from _list(
        ("Peer", "What it is"),
        [(f"``{name}``", _escaped(what)) for name, what in results.peers.items()],
    )


def _escaped(text: str) -> str:
    """
    What stands in a run's results as it is, and not as markup.
    """
    return "".join(f"\\{c}" if c in "\\*`_|" else c for c in text)


# The capacity model.


def _counts(results: Results) -> list[int]:
    """
    With how many consoles our server has been measured.
    """
    names = {s.measure for s in results.samples if s.peer == _US}
    return sorted(
        int(name.partition("-")[2]) for name in names if name.startswith("consoles-")
    )


def _consoles(results: Results, count: int, key: str) -> float | None:
    """
    A figure of our idle consoles; of the regime in which they have been measured.
    """
    for regime in results.regimes:
        found = results.values(regime, f"consoles-{count}", _US, key)
        if found:
            return found[0]
    return None


def _slope(results: Results, key: str) -> float | None:
    """
    What one more console takes, from the fewest and the most that were measured.
    """
    counts = _counts(results)
    if len(counts) < 2:
        return None
    few, many = counts[0], counts[-1]
    less, more = (_consoles(results, count, key) for count in (few, many))
    zonesFew, zonesMany = (_consoles(results, count, "zones") for count in (few, many))
    if None in (less, more, zonesFew, zonesMany) or zonesMany == zonesFew:
        return None
    assert less is not None and more is not None
    assert zonesFew is not None and zonesMany is not None
    return (more - less) / (zonesMany - zonesFew)


def _ours(results: Results, measure: str, key: str) -> str:
    """
    Our median in each regime.
    """
    texts = []
    for regime in results.regimes:
        found = results.summary(regime, measure, _US, key)
        if found is not None:
            texts.append(f"{number(found.median)} ({regime})")
    return ", ".join(texts)


def _sizes(results: Results) -> Iterator[tuple[str, str]]:
    perZone = _slope(results, "most_descriptors")
    if perZone is not None:
        limit = int(results.machine["descriptors"])
        yield (
            "descriptors of a console in its server, nobody attached",
            f"{perZone:.1f}",
        )
        yield "descriptors of a session", "1"
        most = int((limit - 64) / (perZone + 1))
        yield (
            f"consoles with an operator each, where a process may have {limit}"
            " descriptors (``ulimit -Hn``)",
            str(most),
        )
    memory = _slope(results, "pss_mib")
    first = _consoles(results, _counts(results)[0], "pss_mib") if perZone else None
    if memory is not None and first is not None:
        yield (
            "memory of a server with one console, and of its nexus",
            f"{number(first)} MiB",
        )
        yield (
            "memory of each further one that has printed nothing",
            f"{number(memory * 1024)} KiB",
        )
    attached = _slope(results, "pss_attached_mib")
    if memory is not None and attached is not None:
        more = f"{number((attached - memory) * 1024)} KiB"
        yield "memory of a session that is up to date", more
    counts = _counts(results)
    if counts:
        idle = _consoles(results, counts[-1], "idle_cpu_pct")
        zones = _consoles(results, counts[-1], "zones")
        if idle is not None and zones is not None:
            yield (f"processor time of {zones:.0f} idle consoles", f"{number(idle)} %")


def _flows(results: Results) -> Iterator[tuple[str, str]]:
    wanted = (
        ("bulk", "cpu_s_gib", "processor time for a GiB of output, one operator", "s"),
        ("unwatched", "cpu_s_gib", "the same, nobody attached", "s"),
        ("paste", "cpu_s_gib", "processor time for a GiB of input", "s"),
        ("echo", "cpu_us_key", "processor time of a key and its echo", "us"),
        ("attach", "cpu_us", "processor time of an attach and a leave", "us"),
        ("bulk", "mib_s", "output that one console reaches", "MiB/s"),
        ("neighbour-4", "mib_s", "output of 4 flooding consoles in all", "MiB/s"),
        ("neighbour-32", "mib_s", "output of 32 flooding consoles in all", "MiB/s"),
    )
    for measure, key, what, unit in wanted:
        text = _ours(results, measure, key)
        if text:
            yield f"{what}, {unit}", text


def _model(results: Results) -> Iterator[str]:
    lines = [*_sizes(results), *_flows(results)]
    if lines:
        yield from _title("What things take")
        yield from _list(("What", "How much"), lines)


# The measurements.


def _both(
    results: Results, regime: str, measure: str, peer: str, figure: Figure
) -> str:
    """
    A value, and its ratio to the base.
    """
    found = results.summary(regime, measure, peer, figure.key)
    if found is None:
        return cell(results, regime, measure, peer, figure)
    text = number(found.median)
    if figure.ratio and found.ratio is not None:
        text += f" (**{found.ratio:.2f}**, {found.low:.2f}-{found.high:.2f})"
    return text


def _regime(results: Results, regime: str) -> Iterator[str]:
    yield from _title(f"{REGIMES[regime][0].upper()}{REGIMES[regime][1:]}")
    yield (
        f"Medians; in brackets the ratio to {results.base}, the median of those of the"
        " rounds, and its quartiles."
    )
    yield ""
    names = [results.base, *(n for n in results.peers if n != results.base)]
    lines = [
        [
            measure,
            f"{figure.label}, {figure.unit}" if figure.unit else figure.label,
            *(_both(results, regime, measure, name, figure) for name in names),
        ]
        for measure, figure in rows(results, regime)
    ]
    yield from _list(("Measure", "Figure", *names), lines)


def _costs(results: Results) -> Iterator[str]:
    lines = []
    for cost in COSTS:
        for measure, key in cost.figures:
            cells = []
            for regime in results.regimes:
                found = results.summary(regime, measure, cost.having, key, cost.lacking)
                if found is None or found.ratio is None:
                    cells.append("-")
                else:
                    quartiles = f"{found.low:.2f}-{found.high:.2f}"
                    cells.append(f"{found.ratio:.2f} ({quartiles})")
            if set(cells) - {"-"}:
                lines.append((cost.what, figureLabel(measure, key), *cells))
    if lines:
        yield from _title("What history and structured sessions cost")
        yield from _list(("What", "Ratio of", *results.regimes), lines)


def _skipped(results: Results) -> Iterator[str]:
    yield from _title("What was not measured, and what else has to be known")
    order = [measure.name for measure in MEASURES]
    for (peer, why), measures in grouped(results).items():
        names = sorted(measures, key=lambda n: order.index(n) if n in order else 99)
        yield f"* {peer} {_escaped(why)}: {', '.join(names)}"
    for note in results.notes:
        yield f"* {_escaped(note)}"
    busy = busiest(results)
    if busy:
        parts = ", ".join(f"{name} {100 * value:.0f} %" for name, value in busy.items())
        yield f"* the ruler's own reading process was busy, at most: {parts}"
    yield ""


def main() -> int:
    """
    Read the results, write the tables.

    @return: the exit status.
    """
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m bench.report RESULTS.json\n")
        return 2
    try:
        results = Results.read(Path(sys.argv[1]))
    except (OSError, ValueError) as e:
        sys.stderr.write(f"bench.report: {e}\n")
        return 1
    sys.stdout.write(report(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
