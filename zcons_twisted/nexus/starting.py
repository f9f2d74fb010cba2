# -*- test-case-name: zcons_twisted.test.test_nexus_client -*-
"""
Starting the nexus of a run directory, where it is not there.
"""

from __future__ import annotations

import subprocess
import sys

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from ..errors import DeviceError
from ..reactors import ProcessReactor
from . import holder

__all__ = ["NexusLost", "start", "startNow"]


class NexusLost(DeviceError):
    """
    There is no nexus, or it has gone before it answered.
    """


async def start(reactor: ProcessReactor, rundir: str) -> str:
    """
    Start one; where there is one meanwhile, nothing happens.

    @param reactor: runs processes.
    @return: why it can't be, or C{""}.
    """
    protocol = _Starting()
    reactor.spawnProcess(
        protocol,
        sys.executable,
        _command(rundir),
        env={},
        childFDs={0: "w", 1: "r", 2: "r"},
    )
    return await protocol.done


def startNow(rundir: str) -> None:
    """
    The same, and wait for that: for those whose reactor does not run yet.

    @raise NexusLost: it can't be started; the message says why.
    """
    done = subprocess.run(
        _command(rundir), env={}, stdin=subprocess.DEVNULL, capture_output=True
    )
    if done.returncode:
        raise NexusLost(_lastLine(done.stderr) or "the nexus can't be started")


class _Starting(ProcessProtocol):
    """
    The nexus' first process, which ends when the nexus serves.
    """

    def __init__(self) -> None:
        self.done: Deferred[str] = Deferred()
        self._said = b""

    def errReceived(self, data: bytes) -> None:
        """
        Why it can't begin.
        """
        self._said += data

    def processEnded(self, reason: Failure) -> None:
        """
        It serves now, unless it said why not.
        """
        self.done.callback(_lastLine(self._said))


def _command(rundir: str) -> list[str]:
    return [sys.executable, "-IS", holder.__file__, "--rundir", rundir]


def _lastLine(said: bytes) -> str:
    text = said.decode("utf-8", "replace").strip()
    return text.splitlines()[-1] if text else ""
