# -*- test-case-name: zcons_twisted.test.test_oci_ending -*-
"""
What a container's shim is told: to end it, in good order first, or to let it begin.
What a shim leaves behind, because it was killed itself, is removed by another one.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IDelayedCall, IProcessProtocol
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..drivers.sweep import KILL_SECONDS, LOOK_SECONDS, LOOKS_MAX, ZoneDevice
from ..notices import escaped
from ..reactors import ProcessReactor
from .shim import LIFE_PREFIX

__all__ = ["CLEAN_SECONDS", "ContainerEnd", "leftovers"]

#: Seconds that the removal of what was left behind may take.
CLEAN_SECONDS = 60.0


def leftovers(home: str) -> list[str]:
    """
    What the lives of a zone have left in its own directory: that of the one that runs,
    or of one whose shim was killed.
    """
    try:
        return [name for name in os.listdir(home) if name.startswith(LIFE_PREFIX)]
    except FileNotFoundError:
        return []


class ContainerEnd:
    """
    Ends one zone's container, each time that it is to end: see
    L{Ending<zcons_twisted.drivers.sweep.Ending>}.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: ProcessReactor,
        zone: str,
        device: ZoneDevice,
        home: str,
        clean: Sequence[str],
        signalProcess: Callable[[int, int], None] = os.kill,
    ) -> None:
        """
        @param reactor: measures the grace period, and runs what cleans up.
        @param device: the zone's console device.
        @param home: the zone's own directory.
        @param clean: the words of the command that removes what was left behind.
        @param signalProcess: sends a signal to a process.
        """
        self.leader = 0
        self._reactor = reactor
        self._zone = zone
        self._device = device
        self._home = home
        self._clean = clean
        self._signal = signalProcess
        self._done: Callable[[], None] | None = None
        self._timers: list[IDelayedCall] = []
        self._looks = 0
        self._cleaning = False

    def began(self, leader: int) -> None:
        """
        See L{Ending<zcons_twisted.drivers.sweep.Ending>}.
        """
        self.leader = leader

    def reaped(self) -> None:
        """
        See L{Ending<zcons_twisted.drivers.sweep.Ending>}.
        """
        self.leader = 0
        if self._done is not None:
            self._gone()

    def tell(self) -> None:
        """
        See L{Ending<zcons_twisted.drivers.sweep.Ending>}.
        """
        self._send(signal.SIGTERM)

    def let(self) -> None:
        """
        Have a container begin that is ready.
        """
        self._send(signal.SIGUSR1)

    def begin(self, grace: float, done: Callable[[], None]) -> None:
        """
        See L{Ending<zcons_twisted.drivers.sweep.Ending>}.
        """
        self._stopTimers()
        self._done = done
        if not self.leader:
            self._gone()
            return
        self.tell()
        for seconds, number in (
            (grace, signal.SIGQUIT),
            (grace + KILL_SECONDS, signal.SIGKILL),
        ):
            self._timers.append(self._reactor.callLater(seconds, self._send, number))

    def stop(self) -> None:
        """
        See L{Ending<zcons_twisted.drivers.sweep.Ending>}.
        """
        self._stopTimers()
        self._done = None

    def _send(self, number: int) -> None:
        try:
            if self.leader:
                self._signal(self.leader, number)
        except ProcessLookupError:
            # It has ended, and that is on its way to us.
            return

    def _gone(self) -> None:
        """
        The shim has ended: what has it left?
        """
        self._stopTimers()
        if self._cleaning:
            return
        if not leftovers(self._home):
            self._looks = 0
            self._drain()
            return
        self._log.warn(
            "{zone}: the container's shim has ended before its container: removing"
            " what is left",
            zone=self._zone,
        )
        self._cleaning = True
        process = self._reactor.spawnProcess(
            _Cleaning(self._cleaned),
            sys.executable,
            list(self._clean),
            env=dict(os.environ),
            childFDs={0: "w", 1: "r", 2: "r"},
        )
        self._timers.append(
            self._reactor.callLater(CLEAN_SECONDS, process.signalProcess, "KILL")
        )

    def _cleaned(self, said: str) -> None:
        self._cleaning = False
        self._stopTimers()
        if said:
            self._log.error(
                "{zone}: what is left of the container can't be removed: {said}",
                zone=self._zone,
                said=said,
            )
        self._looks = 0
        if self._done is not None:
            self._drain()

    def _drain(self) -> None:
        """
        Take what it printed last, which the kernel may still be carrying: one look
        that finds nothing is not enough.
        """
        self._timers.clear()
        self._looks += 1
        taken = self._device.drain()
        if self._looks > LOOKS_MAX or (taken == 0 and self._looks > 1):
            done, self._done = self._done, None
            if done is not None:
                done()
            return
        self._timers.append(self._reactor.callLater(LOOK_SECONDS, self._drain))

    def _stopTimers(self) -> None:
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        self._timers.clear()


@implementer(IProcessProtocol)
class _Cleaning(ProcessProtocol):
    """
    What cleans up.
    """

    def __init__(self, done: Callable[[str], None]) -> None:
        self._done = done
        self._said = b""

    def errReceived(self, data: bytes) -> None:
        """
        Why it can't.
        """
        self._said = (self._said + data)[:4096]

    def processEnded(self, reason: Failure) -> None:
        """
        That is all it could do.
        """
        lines = self._said.decode("utf-8", "replace").strip().splitlines()
        self._done(escaped(lines[-1]) if lines else "")
