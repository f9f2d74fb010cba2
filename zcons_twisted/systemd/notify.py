# -*- test-case-name: zcons_twisted.test.test_systemd_notify -*-
"""
Telling systemd how the server does: C{sd_notify(3)}.

It is datagrams of lines C{NAME=value} to a socket that the environment names.  Nobody
waits for it, and a manager that does not listen harms nobody.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, MutableMapping

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

__all__ = ["STATUS_SECONDS", "Notifications", "Notifier", "watchdogSeconds"]

#: Seconds between two looks at what the status line says.
STATUS_SECONDS = 5.0


class Notifier:
    """
    The socket that a manager listens on.
    """

    _log = Logger()

    def __init__(self, address: str, sender: socket.socket) -> None:
        """
        @param address: its path, or C{@} and a name in the abstract namespace.
        @param sender: a datagram socket, closed at the end of the process.
        """
        sender.setblocking(False)
        # Names in the abstract namespace begin with a NUL, which no variable can have.
        abstract = address.startswith("@")
        self._address = "\0" + address[1:] if abstract else address
        self._sender = sender

    @classmethod
    def fromEnvironment(cls, environ: MutableMapping[str, str]) -> Notifier | None:
        """
        The one that the environment names, which is taken out of it: it is not for
        what the server runs.

        @return: L{None} where there is none, or none that we can reach.
        """
        address = environ.pop("NOTIFY_SOCKET", "")
        if address[:1] not in ("/", "@"):
            return None
        return cls(address, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))

    def send(self, **values: object) -> None:
        """
        Send one message.
        """
        lines = "".join(f"{name}={value}\n" for name, value in values.items())
        try:
            self._sender.sendto(lines.encode(), self._address)
        except OSError as e:
            self._log.debug("systemd was not told: {error}", error=e.strerror)


def watchdogSeconds(environ: MutableMapping[str, str], pid: int) -> float | None:
    """
    How often the manager wants to hear of us, by the environment, out of which that is
    taken.

    @param pid: our process ID.
    @return: L{None} if it does not want to.
    """
    interval = environ.pop("WATCHDOG_USEC", "")
    whose = environ.pop("WATCHDOG_PID", str(pid))
    wanted = interval.isdecimal() and int(interval) > 0 and whose == str(pid)
    return int(interval) / 1e6 if wanted else None


class Notifications:
    """
    What one server tells its manager.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        notifier: Notifier,
        status: Callable[[], str],
        watchdog: float | None = None,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """
        @param reactor: measures time.
        @param status: says in a few words how things stand.
        @param watchdog: seconds within which it wants to hear of us.
        @param monotonic: the time in nanoseconds since some point, of the clock that
            C{CLOCK_MONOTONIC} is.
        """
        self._notifier = notifier
        self._status = status
        self._said = ""
        self._monotonic = monotonic
        self._loops = [(LoopingCall(self._look), STATUS_SECONDS)]
        if watchdog is not None:
            # The watch is for the reactor: it hears nothing when that hangs.
            alive = LoopingCall(notifier.send, WATCHDOG=1)
            self._loops.append((alive, watchdog / 2))
        for loop, _ in self._loops:
            loop.clock = reactor

    def ready(self) -> None:
        """
        Everything is served.
        """
        self._said = self._status()
        self._notifier.send(READY=1, STATUS=self._said, MAINPID=os.getpid())
        for loop, seconds in self._loops:
            if not loop.running:
                loop.start(seconds)

    def reloading(self) -> None:
        """
        The configuration is read anew; L{ready} says when that is over.
        """
        self._notifier.send(RELOADING=1, MONOTONIC_USEC=self._monotonic() // 1000)

    def stopping(self) -> None:
        """
        The server stops; it is still watched.
        """
        looking, _seconds = self._loops[0]
        if looking.running:
            looking.stop()
        self._notifier.send(STOPPING=1, STATUS="stopping")

    def stopped(self) -> None:
        """
        Nothing more is told.
        """
        for loop, _ in self._loops:
            if loop.running:
                loop.stop()

    def _look(self) -> None:
        status = self._status()
        if status != self._said:
            self._said = status
            self._notifier.send(STATUS=status)
