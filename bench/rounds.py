"""
Rounds: every measure of every peer, interleaved and in another order each time, so
that what else the machine does falls on all of them alike.
"""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from .machine import BenchError, tell
from .measures import Measure
from .peers import Peer, Server
from .results import Results, Sample

__all__ = ["Rounds", "askRuler", "reasonAgainst"]

_RULER_SECONDS = 60.0
#: Of the measures that take long.
_ROUGH_ROUNDS = 3


def askRuler(
    ruler: Path, mode: str, server: Server, seconds: float, *more: str
) -> dict[str, float]:
    """
    Have something measured.

    @raise BenchError: it could not be.
    """
    peer = server.peer
    words = [
        *(str(ruler), mode, f"wire={peer.wire}"),
        f"watchers={peer.watchers or peer.wire}",
        f"zones={server.zoneFile}",
        f"pids=@{server.pidFile}",
        f"seconds={seconds}",
        *more,
    ]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=_RULER_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"no end within {_RULER_SECONDS:g} s") from None
    if done.returncode != 0:
        raise BenchError(done.stderr.strip().removeprefix("ruler: ") or "it failed")
    figures = json.loads(done.stdout)
    return {str(key): float(value) for key, value in figures.items()}


def reasonAgainst(measure: Measure, peer: Peer) -> str | None:
    """
    Why a peer can't be measured so, if it can't.
    """
    if peer.only and measure.name not in peer.only:
        return "is there for other measures"
    return peer.lacks.get(measure.needs)


class Rounds:
    """
    The servers of one regime, started when they are needed first.
    """

    def __init__(
        self, results: Results, ruler: Path, seconds: float, regime: str
    ) -> None:
        self._results = results
        self._ruler = ruler
        self._seconds = seconds
        self._regime = regime
        self._servers: dict[tuple[str, int], Server] = {}
        self._dead: dict[tuple[str, int], str] = {}
        self._random = random.Random()

    def run(
        self,
        measures: Sequence[Measure],
        peers: Sequence[Peer],
        rounds: int,
        until: float,
    ) -> None:
        """
        All of it, or as many rounds as end in time.

        @param until: when that is, as the monotonic clock says.
        """
        took = 0.0
        try:
            for turn in range(rounds):
                began = time.monotonic()
                if turn and began + took > until:
                    note = f"{self._regime}: {turn} rounds, for want of time"
                    self._results.notes.append(note)
                    break
                for measure in self._random.sample(list(measures), len(measures)):
                    if measure.rough and turn >= _ROUGH_ROUNDS:
                        continue
                    for peer in self._random.sample(list(peers), len(peers)):
                        self._measure(measure, peer, turn)
                took = time.monotonic() - began
                tell(f"{self._regime}: round {turn + 1} of {rounds}, {took:.0f} s")
        finally:
            for key in list(self._servers):
                self._stop(*key)

    def _measure(self, measure: Measure, peer: Peer, turn: int) -> None:
        why = reasonAgainst(measure, peer)
        if why is not None:
            # A variant of ours that is not for this is no gap in anything.
            if not peer.only or measure.name in peer.only:
                self._results.skip(measure.name, peer.name, why)
            return
        key = (peer.name, measure.zones)
        if key in self._dead:
            self._results.skip(measure.name, peer.name, self._dead[key])
            return
        try:
            figures = self._figures(measure, peer)
        except BenchError as e:
            why = f"failed in {self._regime} round {turn + 1}: {e}"
            self._results.skip(measure.name, peer.name, why)
            tell(f"{measure.name}, {peer.name}: {why}")
            self._stop(*key)
            return
        self._results.add(Sample(self._regime, measure.name, peer.name, turn, figures))

    def _figures(self, measure: Measure, peer: Peer) -> dict[str, float]:
        key = (peer.name, measure.zones)
        if key not in self._servers:
            try:
                self._servers[key] = peer.start(measure.zones)
            except BenchError as e:
                self._dead[key] = f"could not be started: {e}"
                raise
        server = self._servers[key]
        more = list(measure.arguments)
        if measure.name == "unwatched" and "history" not in peer.lacks:
            more.append("history=1")
        figures = askRuler(self._ruler, measure.mode, server, self._seconds, *more)
        server.tidy()
        if peer.once or measure.rough:
            self._stop(*key)
        return figures

    def _stop(self, name: str, zones: int) -> None:
        server = self._servers.pop((name, zones), None)
        if server is not None:
            server.stop()
