# -*- test-case-name: zcons_twisted.test.test_pty_hold -*-
"""
The hold on a subsidiary, without which a zone's last close would hang the manager up.

C{vhangup} makes it a dead one, which is noticed and replaced by C{TIOCGPTPEER}, never
by a path that a zone can touch.
"""

from __future__ import annotations

import os
import termios
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from ..hangup import Watch, watchHangup
from ..nexus.pair import discardInput
from ..reactors import DescriptorReactor

__all__ = ["ASK_SECONDS", "HANGUP_SECONDS", "SubsidiaryHold"]

#: Seconds between two lines in the log that tell of hang-ups.
HANGUP_SECONDS = 60.0

#: Seconds from one look to the next, after a hang-up, whether the pty takes input
#: again; the last for as long as some waits, or there is no live hold.
ASK_SECONDS = (0.02, 0.1, 0.5, 1.0)


class SubsidiaryHold:
    """
    The hold on one zone's subsidiary.

    @ivar fd: the descriptor, or -1.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: DescriptorReactor,
        zone: str,
        openSubsidiary: Callable[[], int],
        waits: Callable[[int], bool],
    ) -> None:
        """
        @param reactor: provides time and descriptors.
        @param openSubsidiary: opens it anew, by no path.
        @param waits: has whoever waits to write try it; does anybody wait still?  It
            is told how often it was asked since the last hang-up.
        """
        self.fd = -1
        self._reactor = reactor
        self._zone = zone
        self._open = openSubsidiary
        self._waits = waits
        self._hangups = 0
        self._tellAfter = 0.0
        self._asking: IDelayedCall | None = None
        self._watch: Watch | None = None

    def take(self) -> None:
        """
        Hold it, and notice when that hold is dead.

        @raise OSError: it can't be held.
        """
        fresh = self._open()
        self.release()
        self.fd = fresh
        self._watch = watchHangup(self._reactor, fresh, self._hungUp)

    def takeAnew(self) -> bool:
        """
        Take a live hold in a dead one's place.

        @return: whether there is one now.
        """
        try:
            self.take()
        except OSError as e:
            self._log.error(
                "{zone}: the subsidiary can't be held: {error}",
                zone=self._zone,
                error=e.strerror,
            )
            return False
        return True

    def discardInput(self, master: int) -> int:
        """
        Drop what was typed and nobody has read: it is not for whatever comes next.

        @return: how many bytes it was.
        """
        try:
            fd = self._open()
        except OSError:
            return 0
        try:
            os.set_blocking(fd, False)
            return discardInput(master, fd)
        except (OSError, termios.error):
            # Hung up, which empties it.
            return 0
        finally:
            os.close(fd)

    def release(self) -> None:
        """
        Let it go.
        """
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        if self.fd != -1:
            os.close(self.fd)
            self.fd = -1

    def _hungUp(self) -> None:
        self._watch = None
        self.askNoMore()
        self._tellHangup()
        self.takeAnew()
        self._askAgain(0)

    def _askAgain(self, turn: int) -> None:
        """
        A hang-up empties a pty at some moment while it happens, and tells nobody who
        waits to write.  What was on its way to the reader stays there until somebody
        writes: a pty that is full of it looks as if it took nothing, for good, to all
        who ask and don't try.
        """
        self._asking = None
        if self.fd == -1:
            return
        waits = self._waits(turn)
        if waits or not self._isLive() or turn < len(ASK_SECONDS):
            wait = ASK_SECONDS[min(turn, len(ASK_SECONDS) - 1)]
            self._asking = self._reactor.callLater(wait, self._askAgain, turn + 1)

    def _isLive(self) -> bool:
        """
        Is there a live hold?  Where there were no descriptors for one, there may be by
        now; without it the next hang-up would not be noticed.
        """
        if self._watch is None:
            try:
                self.take()
            except OSError:
                return False
        return True

    def askNoMore(self) -> None:
        """
        Look no more whether it takes input again.
        """
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _tellHangup(self) -> None:
        """
        Tell of a hang-up in the log, but of a zone that makes a game of it only once in
        L{HANGUP_SECONDS}.
        """
        self._hangups += 1
        now = self._reactor.seconds()
        if now >= self._tellAfter:
            self._log.info(
                "{zone}: the console was hung up, {count} times since last told;"
                " holding anew",
                zone=self._zone,
                count=self._hangups,
            )
            self._hangups = 0
            self._tellAfter = now + HANGUP_SECONDS
