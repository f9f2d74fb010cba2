# -*- test-case-name: zcons_twisted.test.test_relay -*-
"""
Flow control of what a zone prints, without I/O; for what is typed, see
L{zcons_twisted.input_queue}.

Output is in the history, and a session is a position in it: a L{Follower}.  One that is
up to date gets each batch sent at once, straight from the ring; one that is behind
catches up from the ring whenever its connection takes more.  So the ring is the only
buffer, and when it overtakes somebody that is a gap, of a size that is known.

The operator paces the zone, see L{zcons_twisted.pace}.  Watchers pace nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .history import History
from .marks import Mark, MarkKind
from .outlets import OutputLink, Voice
from .pace import Pace

__all__ = [
    "PENDING_MAX",
    "PUMP_MAX",
    "REST_MAX",
    "Follower",
    "OutputLink",
    "Voice",
]

#: Most bytes that wait for one session besides what is in the ring: the rest of a
#: frame, notices, answers.
PENDING_MAX = 64 * 1024
#: Most bytes of output that one session catches up with in one turn of the reactor.
PUMP_MAX = 256 * 1024
#: Most bytes that a session which is ended is still sent.
REST_MAX = 256 * 1024

_NOTHING = memoryview(b"")


class Follower:
    """
    One session's position in the history.

    @ivar cursor: the offset of the next byte that it gets.
    @ivar skipped: bytes that it missed in all.
    @ivar behind: whether it has something to catch up with.
    @ivar framed: whether output goes in frames.
    @ivar taken: bytes that the link has taken in all.
    @ivar unread: tells how many of these the session has not read yet, if that can be
        told.
    """

    def __init__(
        self,
        link: OutputLink,
        history: History,
        voice: Voice,
        changed: Callable[[Follower], None],
        start: int | None = None,
    ) -> None:
        """
        @param link: where the bytes go.
        @param history: where they come from.
        @param voice: how they are told.
        @param changed: is told when this falls behind or has caught up.
        @param start: the first offset; the end of history, where L{None}.
        """
        live = start is None
        self.cursor = history.end if start is None else start
        self.skipped = 0
        self.behind = False
        self.taken = 0
        self.unread = link.unread
        self._link = link
        self._sendNow = link.sendNow
        self._history = history
        self._voice = voice
        self.framed = voice.framed
        self._changed = changed
        self._pace: Pace | None = None
        self._mark = history.marks.made if live else history.marks.first(self.cursor)
        # Who asked for what is past gets the first bytes since the boot, too.
        self._past = not live and self.cursor < history.oldest
        self._pending = b""
        self._blocked = False
        self._over = False

    @property
    def missing(self) -> int:
        """
        Bytes that it missed, those included that it has not been told of yet.
        """
        return self.skipped + max(0, self._history.oldest - self.cursor)

    @property
    def stalled(self) -> bool:
        """
        Does it hold nobody up because it accepts too little?
        """
        return self._pace is not None and self._pace.stalled

    def setPace(self, pace: Pace | None) -> None:
        """
        Let this session pace the zone from now on, or no more.

        @param pace: that of the seat that it has.
        """
        if self._pace is not None:
            self._pace.end()
        self._pace = pace
        if pace is not None:
            pace.begin(self)

    def send(self, chunk: memoryview) -> None:
        """
        Send the next piece of output; called from outside for one that is not behind.
        """
        if self.framed:
            self.sendFrame(self.frame(chunk), len(chunk))
            return
        taken = self._sendNow(chunk)
        self.taken += taken
        self.cursor += taken
        if taken < len(chunk):
            self._block()

    def frame(self, chunk: memoryview) -> bytes:
        """
        The next piece of output in its frame, where this is L{framed}: the same for all
        that are as far.
        """
        return b"".join((self._voice.head(self.cursor, len(chunk)), chunk))

    def sendFrame(self, frame: bytes, length: int) -> None:
        """
        Send what L{frame} made.  Once its head is gone a frame can't be given up: its
        rest is kept.

        @param length: of the piece.
        """
        taken = self._sendNow(frame)
        self.taken += taken
        self.cursor += length
        if taken < len(frame):
            self._pending = frame[taken:]
            self._block()

    def say(self, data: bytes) -> bool:
        """
        Say something that has no place among the output: an answer, for example.

        @return: whether there was room for it.
        """
        if len(self._pending) + len(data) > PENDING_MAX:
            return False
        self._pending += data
        self.pump()
        return True

    def writable(self) -> None:
        """
        The link takes more.
        """
        if not self._over:
            self._blocked = False
            self.pump()

    def pump(self) -> None:
        """
        Send what there is to send, for as long as the link takes it; but no more than
        L{PUMP_MAX} bytes in one go, for others wait as well.
        """
        if self._isCurrent():
            self._catchUp()
            return
        sent = 0
        while not self._blocked:
            if self._pending:
                taken = self._link.sendNow(self._pending)
                self.taken += taken
                self._pending = self._pending[taken:]
                if self._pending:
                    self._block()
                    return
                if self._isCurrent():
                    # An answer was all: nothing of the history has to be looked at.
                    self._catchUp()
                    return
            chunk = self._next()
            if chunk is None:
                self._catchUp()
                return
            if len(chunk):
                sent += len(chunk)
                self.send(chunk)
            if sent >= PUMP_MAX and not self._blocked:
                self._block()

    def rest(self) -> bytes:
        """
        The session ends: what it was still to get, no more than L{REST_MAX} bytes of
        output.  It holds nobody up any more.
        """
        self._over = True
        self.setPace(None)
        if self._isCurrent():
            return b""
        parts = [self._pending]
        self._pending = b""
        if self._history.end - self.cursor > REST_MAX:
            self._overtaken(self._history.end - REST_MAX)
        while True:
            parts.append(self._pending)
            self._pending = b""
            chunk = self._next()
            if chunk is None:
                return b"".join(parts)
            if len(chunk):
                if self.framed:
                    parts.append(self._voice.head(self.cursor, len(chunk)))
                parts.append(bytes(chunk))
                self.cursor += len(chunk)

    def begun(self) -> bytes:
        """
        The session ends, and its peer goes on from here in another one: no more than
        the rest of what was begun.
        """
        self._over = True
        self.setPace(None)
        begun, self._pending = self._pending, b""
        return begun

    def _isCurrent(self) -> bool:
        """
        Has it been sent all that there is?
        """
        history = self._history
        return (
            self.cursor == history.end
            and self._mark == history.marks.made
            and not self._pending
        )

    def _next(self) -> memoryview | None:
        """
        What comes next: a piece of output; or nothing, where something else has been
        made pending; or L{None} where there is no more.
        """
        history = self._history
        history.settle()
        oldest, chunk, stop = history.oldest, history.chunk, history.end
        if self.cursor < oldest:
            first, last = history.boot
            if not (self._past and first <= self.cursor < last):
                self._overtaken(oldest)
                return _NOTHING
            chunk, stop = history.firstChunk, last
        found = history.marks.after(self._mark)
        if found is not None:
            number, mark = found
            if mark.offset <= self.cursor:
                self._pending = self._told(mark)
                if number > self._mark:
                    told = self._voice.forgotten(self.cursor, mark)
                    self._pending = told + self._pending
                self._mark = number + 1
                return _NOTHING
            stop = min(stop, mark.offset)
        if self.cursor >= stop:
            return None
        return chunk(self.cursor, min(stop - self.cursor, self._voice.pieceMax))

    def _told(self, mark: Mark) -> bytes:
        """
        A gap among what is missing anyway is told at the end of that, for whoever
        counts offsets must never go back.
        """
        if mark.kind is MarkKind.GAP and mark.offset < self.cursor:
            mark = replace(mark, offset=self.cursor)
        return self._voice.mark(mark)

    def _overtaken(self, oldest: int) -> None:
        """
        What lies before C{oldest} is not to be had any more.
        """
        missing = oldest - self.cursor
        self.skipped += missing
        self._pending += self._voice.gap(self.cursor, missing)
        self.cursor = oldest

    def _block(self) -> None:
        """
        The link takes no more for now.
        """
        self._blocked = True
        self._link.wantWritable()
        if self.behind:
            return
        self.behind = True
        self._changed(self)
        if self._pace is not None:
            self._pace.fellBehind()

    def _catchUp(self) -> None:
        if not self.behind:
            return
        self.behind = False
        pace = self._pace
        if pace is not None:
            pace.caughtUp()
        # It may be told something then, and be behind again.
        self._changed(self)
        if pace is not None and not self._blocked:
            pace.letGo()
