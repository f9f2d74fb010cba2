# -*- test-case-name: zcons_twisted.test.test_shards -*-
"""
Which server of several serves a zone, where all of them have the same configuration.

By rendezvous hashing: each shard draws a number for the zone, the SHA-256 of
C{<shard>/<zone>}, and the highest has it.  So everybody who knows the name knows the
shard, and with one shard more only those zones move that it gets: one in so many.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from .errors import BadOption

__all__ = ["SHARDS_MAX", "Shard"]

#: Most shards of one configuration.
SHARDS_MAX = 256


@dataclass(frozen=True, slots=True)
class Shard:
    """
    One part of the zones.

    @ivar number: which one, counted from 1.
    @ivar among: how many there are.
    """

    number: int
    among: int

    @classmethod
    def fromText(cls, text: str) -> Shard:
        """
        From C{K/N}.

        @raise BadOption: there is no such shard.
        """
        found = re.fullmatch(r"([0-9]{1,3})[/-]([0-9]{1,3})", text)
        if found is not None:
            shard = cls(int(found[1]), int(found[2]))
            if 1 <= shard.number <= shard.among <= SHARDS_MAX:
                return shard
        raise BadOption(
            f"K/N is needed, with K from 1 to N and N at most {SHARDS_MAX}: the shard's"
            " number, and how many there are"
        )

    def has(self, zone: str) -> bool:
        """
        Is a zone in it?
        """

        def drawn(number: int) -> bytes:
            return hashlib.sha256(f"{number}/{zone}".encode()).digest()

        return max(range(1, self.among + 1), key=drawn) == self.number

    def __str__(self) -> str:
        """
        As in L{fromText}.
        """
        return f"{self.number}/{self.among}"
