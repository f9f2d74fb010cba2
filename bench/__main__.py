"""
C{python -m bench}: measure, and print one table.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .consoles import Consoles, Room
from .known import standardPeers
from .machine import (
    BenchError,
    awake,
    buildRuler,
    describe,
    raiseDescriptors,
    tell,
    terminals,
)
from .measures import MEASURES, Measure
from .peers import Peer
from .results import Results
from .rounds import Rounds
from .table import table

_BUILD = Path(__file__).parent.parent / ".build" / "bench"
_ROUNDS = 7
_SECONDS = 0.7
_QUICK_SECONDS = 0.3
_MINUTES = 29.0
#: Seconds that all idle consoles may take, so that they are kept from the rounds.
_CONSOLES_SECONDS = 240.0
#: Above this, the machine is not quiet.
_BUSY_LOAD = 0.5
_COUNTS = (1, 100, 1000, 5000)
_QUICK_COUNTS = (1, 100)
_NEIGHBOURS_ZONES = 33
#: Not among the peers unless it is asked for.
_ASKED_FOR = ("relay",)
#: What the others are compared with, the first that is there.
_BASES = ("conserver", "dtach", "socat", "zcons")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure our server and its peers against each other.",
        epilog="Measures: "
        + "; ".join(f"{measure.name}: {measure.what}" for measure in MEASURES)
        + "; consoles-N: N idle consoles in one server.",
    )
    add = parser.add_argument
    add(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="one more peer that speaks illumos' protocol, run once for each zone;"
        " {zone}, {dir}, {socket}, {link}, {file} and {ruler} are replaced",
    )
    add("--peers", metavar="NAMES", help="these only, with commas between them")
    add("--measures", metavar="NAMES", help="these only; neighbour is all neighbour-N")
    add("--base", metavar="NAME", help="the peer that the others are compared with")
    add("--rounds", type=int, metavar="N", help=f"rounds of each measure [{_ROUNDS}]")
    add("--seconds", type=float, metavar="S", help=f"of one measurement [{_SECONDS}]")
    add(
        "--minutes",
        type=float,
        metavar="M",
        default=_MINUTES,
        help=f"no further round is begun that would not end by then [{_MINUTES:g}]",
    )
    add("--consoles", metavar="COUNTS", help="of idle consoles [1,100,1000,5000]")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--idle", action="store_true", help="on an idle machine only")
    which.add_argument("--awake", action="store_true", help="kept awake only")
    which.add_argument("--both", action="store_true", help="both [unless --quick]")
    add("--quick", action="store_true", help="one round of each, not kept awake")
    add("--json", type=Path, metavar="FILE", help="write everything that was found")
    return parser


def _given(words: Sequence[str]) -> list[tuple[str, str]]:
    found = []
    for word in words:
        name, equals, command = word.partition("=")
        if not name or not equals or not command.strip():
            raise BenchError(f"--peer {word}: NAME=COMMAND is needed")
        found.append((name, command))
    return found


def _peers(options: argparse.Namespace, ruler: Path, results: Results) -> list[Peer]:
    """
    Those that are asked for.
    """
    there, missing = standardPeers(ruler, _given(options.peer))
    names = [peer.name for peer in there]
    if len(set(names)) < len(names):
        raise BenchError("two peers have the same name")
    if options.peers is None:
        wanted = [name for name in (*names, *missing) if name not in _ASKED_FOR]
    else:
        wanted = options.peers.split(",")
        # One whose command is given is meant to be measured.
        wanted = [n for n, _ in _given(options.peer) if n not in wanted] + wanted
    for name in wanted:
        if name in missing:
            results.skip("all", name, missing[name])
        elif name not in names:
            known = ", ".join(sorted({*names, *missing}))
            raise BenchError(f"--peers {name}: there are {known}")
    chosen = [peer for peer in there if peer.name in wanted]
    if not chosen:
        raise BenchError("no peer is left to be measured")
    return chosen


def _base(options: argparse.Namespace, peers: Sequence[Peer]) -> str:
    names = [peer.name for peer in peers]
    if options.base is not None:
        if options.base not in names:
            raise BenchError(f"--base {options.base}: it is not among the peers")
        return str(options.base)
    candidates = (*(name for name, _ in _given(options.peer)), *_BASES, names[0])
    return next(name for name in candidates if name in names)


def _measures(options: argparse.Namespace) -> tuple[list[Measure], list[int]]:
    """
    The measures, and how many consoles.
    """
    quick = _QUICK_COUNTS if options.quick else _COUNTS
    try:
        text = options.consoles
        counts = list(quick) if text is None else [int(n) for n in text.split(",") if n]
    except ValueError:
        raise BenchError(f"--consoles {options.consoles}: numbers are needed") from None
    if any(count < 1 for count in counts):
        raise BenchError(f"--consoles {options.consoles}: 1 is the least")
    if options.measures is None:
        return list(MEASURES), counts
    chosen = []
    wanted = options.measures.split(",")
    for name in wanted:
        matching = [m for m in MEASURES if name in (m.name, m.name.rpartition("-")[0])]
        if not matching and name != "consoles":
            known = ", ".join(measure.name for measure in MEASURES)
            raise BenchError(f"--measures {name}: there are {known}, consoles")
        chosen += [measure for measure in matching if measure not in chosen]
    return chosen, counts if "consoles" in wanted else []


def _regimes(options: argparse.Namespace) -> list[str]:
    if options.awake:
        return ["awake"]
    if options.idle or (options.quick and not options.both):
        return ["idle"]
    return ["idle", "awake"]


def _positive(name: str, value: float) -> None:
    if value <= 0:
        raise BenchError(f"--{name} {value:g}: more than 0 is needed")


def _run(options: argparse.Namespace) -> Results:
    rounds = options.rounds
    if rounds is None:
        rounds = 1 if options.quick else _ROUNDS
    seconds = options.seconds
    if seconds is None:
        seconds = _QUICK_SECONDS if options.quick else _SECONDS
    _positive("rounds", rounds)
    _positive("seconds", seconds)
    _positive("minutes", options.minutes)
    measures, counts = _measures(options)
    ruler = buildRuler(_BUILD)
    results = Results(
        describe(),
        "",
        datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        {"rounds": rounds, "seconds": seconds},
        {},
    )
    peers = _peers(options, ruler, results)
    results.base = _base(options, peers)
    results.peers = {peer.name: peer.what for peer in peers}
    load = float(results.machine["load_before"])
    if load > _BUSY_LOAD:
        said = f"other programs were busy: the load was {load} before it began"
        results.notes.append(f"{said}, so that these figures say little")
    wanted = max([_NEIGHBOURS_ZONES * len(peers), *counts]) + len(peers)
    descriptorsHad = raiseDescriptors()
    regimes = _regimes(options)
    forRounds = 60 * options.minutes - (_CONSOLES_SECONDS if counts else 0)
    with terminals(wanted) as terminalsHad:
        for number, regime in enumerate(regimes):
            until = time.monotonic() + forRounds / len(regimes)
            with awake(ruler) if regime == "awake" else contextlib.nullcontext():
                if measures:
                    loop = Rounds(results, ruler, seconds, regime)
                    loop.run(measures, peers, rounds, until)
                if counts and number == 0:
                    # Memory does not depend on the regime; once is enough.
                    room = Room(descriptorsHad, terminalsHad)
                    many = Consoles(results, ruler, 3 * seconds, regime, room)
                    many.run(counts, peers)
    return results


def _stopped(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main(words: Sequence[str] | None = None) -> int:
    """
    Measure, print, and write.

    @param words: the options; those of the command line, where L{None}.
    @return: the exit status.
    """
    options = _parser().parse_args(words)
    began = time.monotonic()
    try:
        results = _run(options)
    except BenchError as e:
        tell(f"bench: {e}")
        return 1
    except KeyboardInterrupt:
        tell("bench: stopped")
        return 130
    if options.json is not None:
        results.write(options.json)
    sys.stdout.write(f"{table(results)}\n")
    tell(f"{time.monotonic() - began:.0f} s in all")
    return 0 if results.samples else 1


if __name__ == "__main__":
    # So that nothing is left behind.
    signal.signal(signal.SIGTERM, _stopped)
    sys.exit(main())
