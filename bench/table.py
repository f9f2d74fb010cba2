"""
The one table: a row for each figure, a column for each peer.

The base's column has values; the others have ratios to it with their quartiles, or
values where the base has none or where a ratio would say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .measures import CONSOLES, COSTS, MEASURES, Figure
from .results import Results

__all__ = [
    "REGIMES",
    "busiest",
    "cell",
    "figureLabel",
    "grouped",
    "number",
    "rows",
    "table",
]

#: The regimes, as they are called in tables.
REGIMES = {
    "idle": "idle machine: processors halt between wake-ups",
    "awake": "awake machine: processors never halt",
}

_UNANSWERED = "no answer"


def number(value: float) -> str:
    """
    Three digits, or all of a greater number.
    """
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def rows(results: Results, regime: str) -> Iterator[tuple[str, Figure]]:
    """
    The figures that there are values of, each with its measure.
    """
    there = {
        (s.measure, k) for s in results.samples if s.regime == regime for k in s.figures
    }
    for measure in MEASURES:
        for figure in measure.figures:
            if (measure.name, figure.key) in there or (
                figure.key == "newcomer_us" and (measure.name, "unanswered") in there
            ):
                yield measure.name, figure
    counts = {m for m, _ in there if m.startswith("consoles-")}
    for name in sorted(counts, key=lambda name: int(name.partition("-")[2])):
        for figure in CONSOLES:
            if (name, figure.key) in there:
                yield name, figure


def cell(results: Results, regime: str, measure: str, peer: str, figure: Figure) -> str:
    """
    What a peer's column has.
    """
    if figure.key == "newcomer_us" and results.unanswered(regime, measure, peer):
        return _UNANSWERED
    found = results.summary(regime, measure, peer, figure.key)
    if found is None:
        return "-"
    if peer == results.base or found.ratio is None or not figure.ratio:
        return f"={number(found.median)}"
    text = f"{found.ratio:.2f}"
    if found.rounds > 1:
        text += f" [{found.low:.2f}-{found.high:.2f}]"
    return text


def table(results: Results) -> str:
    """
    All of it, with what was skipped and what has to be known.
    """
    return "\n".join(
        [
            *_head(results),
            "",
            *_table(results),
            "",
            *_costs(results),
            *_remarks(results),
        ]
    )


def _head(results: Results) -> Iterator[str]:
    machine, settings = results.machine, results.settings
    yield (
        f"{machine['processors']} x {machine['processor']}, kernel {machine['kernel']},"
        f" Python {machine['python']}, Twisted {machine['twisted']}; {results.made}"
    )
    yield (
        f"{settings['rounds']} rounds of {settings['seconds']:g} s a measure, in random"
        f" order; load before: {machine['load_before']}"
    )
    yield (
        f"Ratios to {results.base}: median of each round's [quartiles].  =N is a"
        " value, not a ratio."
    )


def _table(results: Results) -> Iterator[str]:
    names = [results.base, *(n for n in results.peers if n != results.base)]
    lines: list[list[str]] = [["", "unit", *names]]
    for regime in results.regimes:
        lines.append([f"-- {REGIMES[regime]}"])
        last = ""
        for measure, figure in rows(results, regime):
            if measure != last:
                last = measure
                lines.append([measure])
            cells = [cell(results, regime, measure, n, figure) for n in names]
            lines.append([f"  {figure.label}", figure.unit, *cells])
    whole = [line for line in lines if len(line) > 1]
    widths = [max(len(line[n]) for line in whole) for n in range(len(whole[0]))]
    for line in lines:
        if len(line) == 1:
            yield line[0]
        else:
            padded = (
                text.ljust(width) for text, width in zip(line, widths, strict=True)
            )
            yield "  ".join(padded).rstrip()


def _costs(results: Results) -> Iterator[str]:
    for cost in COSTS:
        for regime in results.regimes:
            parts = []
            for measure, key in cost.figures:
                found = results.summary(regime, measure, cost.having, key, cost.lacking)
                if found is not None and found.ratio is not None:
                    quartiles = f"[{found.low:.2f}-{found.high:.2f}]"
                    label = figureLabel(measure, key)
                    parts.append(f"  {label}: {found.ratio:.2f} {quartiles}")
            if parts:
                yield f"Cost of {cost.what} ({cost.having} / {cost.lacking}, {regime}):"
                yield from parts
                yield ""


def figureLabel(measure: str, key: str) -> str:
    """
    What people call a figure of a measure.
    """
    for each in MEASURES:
        for figure in each.figures:
            if (each.name, figure.key) == (measure, key):
                return f"{measure}, {figure.label}"
    raise KeyError(measure, key)


def busiest(results: Results) -> dict[str, float]:
    """
    By measure, how busy the ruler's own reading process was at most.
    """
    found: dict[str, float] = {}
    for sample in results.samples:
        if "ruler_busy" in sample.figures:
            before = found.get(sample.measure, 0.0)
            found[sample.measure] = max(before, sample.figures["ruler_busy"])
    return dict(sorted(found.items(), key=lambda item: _natural(item[0])))


def _natural(name: str) -> list[object]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def grouped(results: Results) -> dict[tuple[str, str], list[str]]:
    """
    By peer and reason, what was skipped.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for measure, peer, why in results.skipped:
        found.setdefault((peer, why), []).append(measure)
    return found


def _remarks(results: Results) -> Iterator[str]:
    busy = busiest(results)
    if busy:
        parts = ", ".join(f"{name} {100 * value:.0f} %" for name, value in busy.items())
        yield f"The ruler's reader was busy, at most: {parts}"
    for note in results.notes:
        yield f"Note: {note}"
    for (peer, why), measures in grouped(results).items():
        yield f"Skipped: {peer} {why}: {', '.join(measures)}"
