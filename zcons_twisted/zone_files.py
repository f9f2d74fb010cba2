# -*- test-case-name: zcons_twisted.test.test_service -*-
"""
What a zone's server has in the run directory apart from sockets: the directory itself,
the lock, and the history.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from .doors.zone_lock import ZoneLock
from .history import History
from .history_file import HistoryFile
from .rundir import RunDirectory

__all__ = ["ZoneFiles"]


class ZoneFiles:
    """
    Those of one zone.

    @ivar history: what the zone printed, between L{acquire} and L{release}.
    """

    def __init__(
        self, rundir: RunDirectory, zone: str, gid: int | None, signal: str = ""
    ) -> None:
        """
        @param rundir: where they are.
        @param gid: the group that may come in, or L{None}.
        @param signal: what has the server make sockets again: see L{ZoneLock}.
        """
        self.history: History | None = None
        self._rundir = rundir
        self._zone = zone
        self._gid = gid
        self._lock = ZoneLock(rundir.lockFile(zone), zone, signal, self._isFound)

    def check(self) -> None:
        """
        Could they be had now?  Acquires nothing.

        @raise ZConsError: they could not.
        """
        self._rundir.check(os.geteuid(), self._gid)
        self._lock.check()

    def acquire(self, ring: int, now: Callable[[], float]) -> History:
        """
        Have them.

        @param ring: how many bytes of what the zone prints are kept.
        @param now: the time in seconds since the epoch.
        @raise ZConsError: they can't be had.
        """
        self._rundir.make(os.geteuid(), self._gid)
        self._lock.acquire()
        path = self._rundir.historyFile(self._zone)
        self.history = HistoryFile(path, ring, now, self._gid).history
        return self.history

    def mend(self) -> None:
        """
        Make again what somebody has removed of directory and lock.

        @raise ZConsError: that can't be done, or somebody else has them by now.
        """
        self._rundir.make(os.geteuid(), self._gid)
        self._lock.mend()

    def _isFound(self) -> bool:
        return os.path.lexists(self._rundir.consoleSocket(self._zone))

    def release(self) -> None:
        """
        Have them no more.  Harmless to say twice.
        """
        history, self.history = self.history, None
        if history is not None:
            history.close()
        self._lock.release()
