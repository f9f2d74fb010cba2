"""
Many idle consoles in one server: memory, descriptors, idle CPU, and everybody
attaching at once.
"""

# There is no reactor here that a wait could hold up.
# ruff: noqa: TID251

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .machine import (
    BenchError,
    descriptors,
    processorSeconds,
    proportionalMemory,
    tell,
)
from .peers import Peer, Server
from .results import Results, Sample

__all__ = ["Consoles", "Room"]

_MIB = 1048576
#: After everything has begun, and after everybody has attached.
_SETTLE = 0.5
#: Descriptors that a server has apart from those of its zones, with room to spare.
_SPARE = 64
_ANSWER_SECONDS = 120.0


@dataclass(frozen=True)
class Room:
    """
    What the machine has room for.

    @ivar descriptors: how many one process may have.
    @ivar terminals: how many there can be.
    """

    descriptors: int
    terminals: int


class Consoles:
    """
    One server after another, with more and more consoles.
    """

    def __init__(
        self, results: Results, ruler: Path, idle: float, regime: str, room: Room
    ) -> None:
        self._results = results
        self._ruler = ruler
        self._idle = idle
        self._regime = regime
        self._room = room
        self._perZone: dict[str, float] = {}

    def run(self, counts: Sequence[int], peers: Sequence[Peer]) -> None:
        """
        All of them, the small ones first: they tell how many descriptors a console
        needs.
        """
        for count in sorted(counts):
            for peer in peers:
                began = time.monotonic()
                self._measure(count, peer)
                took = time.monotonic() - began
                tell(f"{count} consoles, {peer.name}: {took:.0f} s")

    def _measure(self, count: int, peer: Peer) -> None:
        name = f"consoles-{count}"
        if "consoles" in peer.lacks or peer.only:
            return
        if count > peer.most:
            self._results.skip(name, peer.name, f"tried up to {peer.most} only")
            return
        zones, why = self._possible(count, peer)
        if zones < count:
            said = f"{peer.name}: {count} consoles asked for, {zones} had: {why}"
            self._results.notes.append(said)
        began = time.monotonic()
        try:
            server = peer.start(zones)
        except BenchError as e:
            self._results.skip(name, peer.name, f"could not be started: {e}")
            return
        try:
            took = time.monotonic() - began
            figures = {"zones": float(zones), "start_s": took}
            self._look(server, figures)
            self._everybody(name, server, figures)
        finally:
            server.stop()
        self._results.add(Sample(self._regime, name, peer.name, 0, figures))
        if zones > 1:
            self._perZone[peer.name] = figures["most_descriptors"] / zones

    def _possible(self, count: int, peer: Peer) -> tuple[int, str]:
        """
        How many there is room for, and what sets the limit.
        """
        possible, why = count, ""
        if self._room.terminals < possible:
            possible = self._room.terminals
            why = "kernel.pty.max could not be raised further"
        perZone = self._perZone.get(peer.name, 0.0)
        if perZone and peer.oneProcess:
            # Each is attached as well, which takes one more.
            most = int((self._room.descriptors - _SPARE) / (perZone + 1))
            if most < possible:
                possible = most
                why = (
                    f"{self._room.descriptors} descriptors a process, of which an"
                    f" attached console takes {perZone + 1:.1f}"
                )
        return possible, why

    def _look(self, server: Server, figures: dict[str, float]) -> None:
        time.sleep(_SETTLE)
        pids = server.pids()
        before, began = processorSeconds(pids), time.monotonic()
        time.sleep(self._idle)
        used = processorSeconds(pids) - before
        figures["idle_cpu_pct"] = 100 * used / (time.monotonic() - began)
        figures["pss_mib"] = proportionalMemory(pids) / _MIB
        had = descriptors(pids)
        figures["descriptors"] = sum(had)
        figures["most_descriptors"] = max(had)
        figures["processes"] = len(pids)

    def _everybody(self, name: str, server: Server, figures: dict[str, float]) -> None:
        """
        All attach at once, and stay until we have looked.
        """
        why = server.peer.lacks.get("everybody")
        if why is not None:
            self._results.skip(f"{name} attaching", server.peer.name, why)
            return
        process = subprocess.Popen(
            [
                *(str(self._ruler), "everybody", f"wire={server.peer.wire}"),
                *(f"zones={server.zoneFile}", f"pids=@{server.pidFile}"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if line:
                said = json.loads(line)
                time.sleep(_SETTLE)
                figures["per_s"] = said["per_s"]
                figures["seated"] = said["seated"]
                memory = proportionalMemory(server.pids())
                figures["pss_attached_mib"] = memory / _MIB
                return
        finally:
            _, errors = process.communicate(timeout=_ANSWER_SECONDS)
        why = errors.strip().removeprefix("ruler: ") or "it failed"
        self._results.skip(f"{name} attaching", server.peer.name, why)
