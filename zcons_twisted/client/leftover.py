# -*- test-case-name: zcons_twisted.test.test_client_leftover -*-
"""
The history of a zone that no server serves: read from its file, of which nothing is
changed.

The pages are a private copy: what a server does to repair a file after a crash is
done to that copy.  A server that comes up meanwhile is not in our way, nor we in its;
but one that holds the zone's lock is asked, not its file.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Callable

from zcons_twisted.errors import DamagedHistory, ZConsError
from zcons_twisted.events import TOLD_NAMES, ZoneEvent
from zcons_twisted.header import checkFormat
from zcons_twisted.history import HISTORY_MAX, HISTORY_MIN, History, historySize
from zcons_twisted.marks import Mark, MarkKind
from zcons_twisted.notices import forgottenText, noticeText
from zcons_twisted.relay import Follower
from zcons_twisted.rundir import RunDirectory

from .happenings import Gap, Happening, Notice
from .holding import lockHolder

__all__ = ["Reading", "Unreadable", "openLeft"]

_NAMES = {event: name for name, event in TOLD_NAMES.items()}


class Unreadable(ZConsError):
    """
    There is no history to read, or it can't be read.
    """


def openLeft(rundir: RunDirectory, zone: str, now: float) -> History:
    """
    The history that the last server of a zone left.

    @param now: the time in seconds since the epoch.
    @raise Unreadable: there is none, or it is not to be had.
    """
    holder = lockHolder(rundir.lockFile(zone))
    if holder:
        raise Unreadable(
            f"process {holder} is about to serve zone {zone}, or ends: try again"
        )
    path = rundir.historyFile(zone)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return _mapped(fd, os.stat(rundir.path).st_uid, now)
        finally:
            os.close(fd)
    except (DamagedHistory, ValueError) as e:
        raise Unreadable(f"{path}: {e}") from None
    except OSError as e:
        raise Unreadable(f"{path}: {e.strerror or e}") from None


def _mapped(fd: int, owner: int, now: float) -> History:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != owner:
        raise DamagedHistory("it is not the run directory's owner's")
    ring = found.st_size - historySize(0)
    checkFormat(memoryview(os.pread(fd, 8, 0).ljust(8, b"\0")).cast("Q"))
    if not HISTORY_MIN <= ring <= HISTORY_MAX:
        raise DamagedHistory(f"it has {found.st_size} bytes")
    copy = mmap.mmap(fd, found.st_size, access=mmap.ACCESS_COPY)
    history = History(memoryview(copy), ring)
    history.recover(now)
    return history


class Reading:
    """
    One such history, being read.
    """

    framed = False
    pieceMax = 64 * 1024

    def __init__(
        self,
        history: History,
        start: int,
        show: Callable[[bytes], bool],
        happened: Callable[[Happening], None],
    ) -> None:
        """
        @param start: the first offset.
        @param show: is given the output; told L{False}, it waits for L{goOn}.
        @param happened: is told what happened, in its place among the output.
        """
        self._show = show
        self._happened = happened
        self._full = False
        self._follower = Follower(self, history, self, lambda it: None, start)

    def goOn(self) -> bool:
        """
        Show as much as is taken.

        @return: whether that was all.
        """
        self._full = False
        self._follower.writable()
        return not self._follower.behind

    # As a follower's link.

    def sendNow(self, data: bytes | memoryview) -> int:
        """
        Show something.
        """
        if self._full:
            return 0
        if len(data):
            self._full = not self._show(bytes(data))
        return len(data)

    def wantWritable(self) -> None:
        """
        Whoever reads comes again.
        """

    def unread(self) -> int | None:
        """
        Nobody asks.
        """
        return None

    # As a follower's voice.

    def head(self, offset: int, length: int) -> bytes:
        """
        There is none.
        """
        return b""

    def mark(self, mark: Mark) -> bytes:
        """
        Something happened.
        """
        if mark.kind is MarkKind.GAP:
            return self.gap(mark.offset, mark.number)
        event = ZoneEvent(mark.number)
        text = noticeText(event, False, mark.text) or ""
        self._happened(Notice(_NAMES[event], text, mark.time, mark.offset, mark.text))
        return b""

    def gap(self, offset: int, missing: int) -> bytes:
        """
        Something is missing.
        """
        self._happened(Gap(offset, missing))
        return b""

    def forgotten(self, offset: int, before: Mark) -> bytes:
        """
        Something happened, and nobody knows what.
        """
        text = forgottenText()
        self._happened(Notice("forgotten", text, before.time, offset, ""))
        return b""
