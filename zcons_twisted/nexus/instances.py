# -*- test-case-name: zcons_twisted.test.test_nexus_holder -*-
"""
The pty pairs that a nexus holds, by instance number and by zone; and connections to
consoles that are elsewhere, which are held in the same way.

A subsidiary of each pair is held open all the time, so that no zone is hung up by a
server's death.  What a zone does to that hold (C{vhangup}) is noticed and mended.
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Iterator

from .pair import PtyInstance, allowOthers
from .stream import StreamInstance
from .wire import Connection

__all__ = ["REHOLD_SECONDS", "Held", "Instances"]

#: Seconds from a hang-up to the new hold; a zone that makes a game of it costs no more.
REHOLD_SECONDS = 0.05


class Held:
    """
    One pair, or connection.

    @ivar number: its instance number.
    @ivar pair: the pair, or what is held in its place.
    @ivar owner: the server that has it, or L{None}.
    @ivar typed: a file with what was typed and waited for the zone when the last server
        left, for the next; or -1.
    """

    __slots__ = ("hold", "number", "owner", "pair", "typed")

    def __init__(self, number: int, pair: PtyInstance | StreamInstance) -> None:
        self.number = number
        self.pair = pair
        self.hold = self.typed = -1
        self.owner: Connection | None = None

    def openSubsidiary(self) -> int:
        """
        A new descriptor of the subsidiary, also where the zone has claimed it for
        itself alone, which whoever has it open may undo.

        @raise OSError: it can't be opened.
        """
        try:
            return self.pair.openSubsidiary()
        except OSError as e:
            if e.errno != errno.EBUSY:
                raise
        allowOthers(self.hold)
        return self.pair.openSubsidiary()

    def isFor(self, server: Connection) -> bool:
        """
        May this server have it?
        """
        owner = self.owner
        return owner is None or owner is server or not owner.alive()


class Instances:
    """
    All of them.
    """

    def __init__(self, epoll: select.epoll) -> None:
        """
        @param epoll: tells of hang-ups, of descriptors for which L{hungUp} is to be
            called.
        """
        self._epoll = epoll
        self._zones: dict[str, list[Held]] = {}
        self._holds: dict[int, Held] = {}
        self._dead: list[Held] = []
        self._next = 0

    def __len__(self) -> int:
        return sum(map(len, self._zones.values()))

    def __iter__(self) -> Iterator[Held]:
        for held in self._zones.values():
            yield from held

    @property
    def wait(self) -> float:
        """
        Seconds until L{mend} is to be called, or -1.
        """
        return REHOLD_SECONDS if self._dead else -1

    def of(self, zone: str) -> list[Held]:
        """
        Those of a zone.
        """
        return self._zones.get(zone, [])

    def create(self, zone: str) -> Held:
        """
        One more.

        @raise OSError: there is none to be had.
        """
        pair = PtyInstance(zone)
        try:
            return self._add(self._next, pair)
        except OSError:
            pair.close()
            raise

    def adopt(self, zone: str, master: int, number: int | None = None) -> Held:
        """
        One more that somebody else made.

        @param master: its master, or a connection, which becomes ours.
        @raise OSError: it is neither; the descriptor is closed.
        """
        try:
            pair = _held(zone, master)
            return self._add(self._next if number is None else number, pair)
        except OSError:
            os.close(master)
            raise

    def remove(self, held: Held) -> None:
        """
        It is no more.
        """
        self._release(held)
        self._zones[held.pair.zone].remove(held)
        if not self._zones[held.pair.zone]:
            del self._zones[held.pair.zone]
        if held.typed != -1:
            os.close(held.typed)
        held.pair.close()

    def left(self, server: Connection) -> None:
        """
        A server has gone.
        """
        for held in self:
            if held.owner is server:
                held.owner = None

    def hungUp(self, fd: int) -> bool:
        """
        A hold is dead.

        @return: whether it was one.
        """
        held = self._holds.pop(fd, None)
        if held is None:
            return False
        # Until there is another one it stays open: no hang-up comes to the manager.
        self._epoll.unregister(fd)
        self._dead.append(held)
        return True

    def mend(self) -> None:
        """
        Hold anew what was hung up.
        """
        dead, self._dead = self._dead, []
        for held in dead:
            try:
                self._hold(held)
            except OSError as e:
                if e.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
                    self._dead.append(held)

    def _add(self, number: int, pair: PtyInstance | StreamInstance) -> Held:
        held = Held(number, pair)
        if isinstance(pair, PtyInstance):
            self._hold(held)
        self._next = max(self._next, number + 1)
        self._zones.setdefault(pair.zone, []).append(held)
        return held

    def _hold(self, held: Held) -> None:
        fresh = held.pair.openSubsidiary()
        if held.hold != -1:
            os.close(held.hold)
        held.hold = fresh
        self._holds[fresh] = held
        # Asked for nothing, it tells of hang-ups alone.
        self._epoll.register(fresh, 0)

    def _release(self, held: Held) -> None:
        if self._holds.pop(held.hold, None) is not None:
            self._epoll.unregister(held.hold)
        if held in self._dead:
            self._dead.remove(held)
        if held.hold != -1:
            os.close(held.hold)
            held.hold = -1


def _held(zone: str, master: int) -> PtyInstance | StreamInstance:
    try:
        return PtyInstance(zone, master)
    except OSError as e:
        if e.errno != errno.ENOTTY:
            raise
    return StreamInstance(zone, master)
