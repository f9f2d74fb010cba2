"""
What a run has found, as it is written to a file, and the statistics of it.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Results", "Sample", "Summary"]

_VERSION = 1


@dataclass(frozen=True)
class Sample:
    """
    One measurement.

    @ivar regime: C{idle} or C{awake}.
    @ivar measure: what was measured.
    @ivar peer: of whom.
    @ivar turn: in which round.
    @ivar figures: what was found.
    """

    regime: str
    measure: str
    peer: str
    turn: int
    figures: dict[str, float]


@dataclass(frozen=True)
class Summary:
    """
    Several rounds of one figure.

    @ivar median: of the values.
    @ivar ratio: the median of each round's ratio to the base; L{None} for the base
        itself, and where one of them has none.
    @ivar low: the ratios' lower quartile.
    @ivar high: the upper one.
    @ivar rounds: how many values there were.
    """

    median: float
    ratio: float | None
    low: float | None
    high: float | None
    rounds: int


@dataclass
class Results:
    """
    All of one run.

    @ivar machine: where it was.
    @ivar base: the peer that the others are compared with.
    @ivar made: when, as people write it.
    @ivar settings: how it was measured.
    @ivar peers: each with what it is.
    @ivar samples: what was found.
    @ivar skipped: what was not measured: measure, peer, and why.
    @ivar notes: what else has to be known.
    """

    machine: dict[str, Any]
    base: str
    made: str
    settings: dict[str, Any]
    peers: dict[str, str]
    samples: list[Sample] = field(default_factory=list)
    skipped: list[tuple[str, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        """
        One more.
        """
        self.samples.append(sample)

    def skip(self, measure: str, peer: str, why: str) -> None:
        """
        Something was not measured.
        """
        if (measure, peer, why) not in self.skipped:
            self.skipped.append((measure, peer, why))

    @property
    def regimes(self) -> list[str]:
        """
        Those that there are samples of.
        """
        return list(dict.fromkeys(sample.regime for sample in self.samples))

    def values(
        self, regime: str, measure: str, peer: str, key: str
    ) -> dict[int, float]:
        """
        One figure by round.
        """
        return {
            sample.turn: sample.figures[key]
            for sample in self.samples
            if (sample.regime, sample.measure, sample.peer) == (regime, measure, peer)
            and key in sample.figures
        }

    def summary(
        self, regime: str, measure: str, peer: str, key: str, base: str = ""
    ) -> Summary | None:
        """
        One figure of one peer, compared with that of the base in the same rounds.
        """
        values = self.values(regime, measure, peer, key)
        if not values:
            return None
        middle = statistics.median(values.values())
        against = self.values(regime, measure, base or self.base, key)
        ratios = [values[n] / against[n] for n in values if against.get(n)]
        if not ratios or peer == (base or self.base):
            return Summary(middle, None, None, None, len(values))
        low, ratio, high = _quartiles(ratios)
        return Summary(middle, ratio, low, high, len(values))

    def write(self, path: Path) -> None:
        """
        To a file.
        """
        whole = {"version": _VERSION, **self.__dict__}
        whole["samples"] = [sample.__dict__ for sample in self.samples]
        path.write_text(json.dumps(whole, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        """
        From a file.

        @raise ValueError: it is none that was written here.
        """
        whole = json.loads(path.read_text())
        if not isinstance(whole, dict) or whole.pop("version", None) != _VERSION:
            raise ValueError(f"{path} has no results of this benchmark")
        whole["samples"] = [Sample(**each) for each in whole["samples"]]
        whole["skipped"] = [(each[0], each[1], each[2]) for each in whole["skipped"]]
        return cls(**whole)

    def unanswered(self, regime: str, measure: str, peer: str) -> bool:
        """
        Was there a newcomer without an answer?
        """
        return bool(self.values(regime, measure, peer, "unanswered"))

    def most(self, key: str, of: Callable[[Sample], bool]) -> float:
        """
        The greatest value of a figure in some samples, 0 if it is in none.
        """
        return max((s.figures.get(key, 0.0) for s in self.samples if of(s)), default=0)


def _quartiles(values: list[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high
