"""
The illumos driver without a server, on the system that is preloaded: does what its
arguments say, C{init}, C{destroy}, or C{state:N} to have the zone in another state, and
tells in one line of JSON what came of each.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import formatEvent, globalLogPublisher
from twisted.python.failure import Failure

from zcons_twisted.drivers.illumos.driver import ZconsDriver
from zcons_twisted.testing import FakeReactor, MemoryEvents

#: More seconds than anything takes.
PATIENCE = 30


def result(reactor: FakeReactor, started: Deferred[Any]) -> Any:
    """
    What comes of something, letting time pass.
    """
    found: list[Any] = []
    started.addBoth(found.append)
    for _ in range(PATIENCE):
        if not found:
            reactor.advance(1)
    (value,) = found
    return str(value.value) if isinstance(value, Failure) else value


def enters(state: str) -> None:
    """
    The zone is in another state, or is no more.
    """
    path = Path(os.environ["FAKE_ILLUMOS"], "state")
    if state == "None":
        path.unlink()
    else:
        path.write_text(state)


def main(zone: str, actions: list[str]) -> dict[str, Any]:
    """
    Do it all.
    """
    warnings: list[str] = []

    def logged(event: dict[str, Any]) -> None:
        if event["log_level"].name == "warn":
            warnings.append(formatEvent(event))

    globalLogPublisher.addObserver(logged)
    reactor = FakeReactor()
    driver = ZconsDriver(reactor, zone, MemoryEvents())
    results = []
    for action in actions:
        if action.startswith("state:"):
            results.append(enters(action.removeprefix("state:")))
        else:
            results.append(result(reactor, getattr(driver, action)()))
    return {
        "results": results,
        "warnings": warnings,
        "seconds": reactor.seconds(),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2:])))
