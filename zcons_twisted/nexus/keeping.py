# -*- test-case-name: zcons_twisted.test.test_nexus_keeping -*-
"""
Who keeps a zone's pty pairs: this process, or a nexus.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from twisted.logger import Logger

from ..notices import ungivenText
from .client import Nexus
from .commands import Adopt, Claim, Count, Create, Release, Remove
from .memory_file import contentOf, memoryFile
from .pair import PtyInstance

__all__ = [
    "Claimed",
    "LocalPairs",
    "NexusPairs",
    "Pairs",
    "dropTyped",
    "leave",
    "typedOf",
]

_log = Logger()


@dataclass(frozen=True, slots=True)
class Claimed:
    """
    A pair that is ours alone to serve.

    @ivar pair: the pair.
    @ivar process: what is known of the zone's process, as
        L{Child.facts<zcons_twisted.nexus.children.Child>} has it; empty where none was
        started.
    @ivar note: what an earlier server noted.
    @ivar typed: what was typed and waited for the zone when that left.
    """

    pair: PtyInstance
    process: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    typed: bytes = b""


class Pairs(Protocol):
    """
    Who keeps the pairs of one zone.  Each method may raise L{OSError} or
    L{DeviceError<zcons_twisted.errors.DeviceError>}.
    """

    async def count(self) -> int:
        """
        How many there are.
        """

    async def create(self) -> None:
        """
        Make one more.
        """

    async def claim(self) -> Claimed:
        """
        Have the zone's pair to oneself; fails with C{EBUSY} while somebody else does.
        """

    async def adopt(self, pair: PtyInstance, process: dict[str, Any]) -> None:
        """
        Keep a pair that somebody else made or kept, and have it to oneself.
        """

    async def release(self, pair: PtyInstance | None, typed: bytes) -> bool:
        """
        Have it to oneself no more; it stays, if it can.

        @param typed: what was typed and waits for the zone.
        @return: whether it stays, and what was typed with it.
        """

    async def remove(self, pair: PtyInstance | None) -> tuple[int, int]:
        """
        Remove all.

        @param pair: that which we have.
        @return: how many were removed, and how many there were.
        """


class LocalPairs:
    """
    This process keeps them, and they go with it.
    """

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self._pairs: list[PtyInstance] = []

    async def count(self) -> int:
        """
        See L{Pairs}.
        """
        return len(self._pairs)

    async def create(self) -> None:
        """
        See L{Pairs}.
        """
        self._pairs.append(PtyInstance(self._zone))

    async def claim(self) -> Claimed:
        """
        See L{Pairs}.
        """
        if not self._pairs:
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        return Claimed(self._pairs[0])

    async def adopt(self, pair: PtyInstance, process: dict[str, Any]) -> None:
        """
        See L{Pairs}.
        """
        self._pairs.append(pair)

    async def release(self, pair: PtyInstance | None, typed: bytes) -> bool:
        """
        See L{Pairs}.
        """
        return False

    async def remove(self, pair: PtyInstance | None) -> tuple[int, int]:
        """
        See L{Pairs}.
        """
        found = len(self._pairs)
        while self._pairs:
            self._pairs.pop().close()
        return found, found


class NexusPairs:
    """
    A nexus keeps them.
    """

    def __init__(self, nexus: Nexus, zone: str) -> None:
        self._nexus = nexus
        self._zone = zone

    async def count(self) -> int:
        """
        See L{Pairs}.
        """
        count: int = (await self._nexus.call(Count, zone=self._zone))["count"]
        return count

    async def create(self) -> None:
        """
        See L{Pairs}.
        """
        await self._nexus.call(Create, zone=self._zone)

    async def claim(self) -> Claimed:
        """
        See L{Pairs}.
        """
        answer = await self._nexus.call(Claim, zone=self._zone)
        try:
            pair = PtyInstance(self._zone, answer["master"])
        except OSError as e:
            os.close(answer["master"])
            dropTyped(self._zone, answer)
            if e.errno != errno.ENOTTY:
                raise
            # The zone was one of another driver's, and its console elsewhere.
            await self._nexus.call(Remove, zone=self._zone)
            await self.create()
            return await self.claim()
        process = json.loads(answer["process"]) if answer["process"] else {}
        return Claimed(pair, process, answer["note"], typedOf(answer))

    async def adopt(self, pair: PtyInstance, process: dict[str, Any]) -> None:
        """
        See L{Pairs}.
        """
        await self._nexus.call(
            Adopt,
            zone=self._zone,
            master=pair.master,
            process=json.dumps(process) if process else None,
        )

    async def release(self, pair: PtyInstance | None, typed: bytes) -> bool:
        """
        See L{Pairs}.
        """
        if pair is None:
            return False
        pair.close()
        if not self._nexus.pid:
            return False
        await leave(self._nexus, self._zone, typed)
        return True

    async def remove(self, pair: PtyInstance | None) -> tuple[int, int]:
        """
        See L{Pairs}.
        """
        if pair is not None:
            pair.close()
        if not self._nexus.pid:
            # It is gone, with all that it had; none is started to be told so.
            count = int(pair is not None)
            return count, count
        answer = await self._nexus.call(Remove, zone=self._zone)
        return answer["removed"], answer["found"]


async def leave(nexus: Nexus, zone: str, typed: bytes) -> None:
    """
    Leave to the next server what a nexus keeps for a zone.

    @param typed: what was typed and waits for the zone.
    @raise OSError: that can't be done; and the others as for L{Nexus.call}.
    """
    if not typed:
        await nexus.call(Release, zone=zone)
        return
    with memoryFile(typed) as fd:
        await nexus.call(Release, zone=zone, typed=fd)


def typedOf(answer: Mapping[str, Any]) -> bytes:
    """
    What was typed and waited for the zone, by the answer to L{Claim}.
    """
    return b"" if answer["typed"] is None else contentOf(answer["typed"])


def dropTyped(zone: str, answer: Mapping[str, Any]) -> None:
    """
    The same, where it was typed for something else than what the zone is now: it is
    for nobody, and the log tells how much it was.
    """
    typed = typedOf(answer)
    if typed:
        why = ungivenText(len(typed))
        _log.warn("{zone}: {why}: they are dropped", zone=zone, why=why)
