# -*- test-case-name: zcons_twisted.test.test_client_lasting_typed -*-
"""
What was typed and sent over connections that may be lost, and is not known to have come
to the zone.

A server that goes in good order says how much it leaves to the next one.  What came
behind that may be sent again; of what a killed one had nobody knows anything.
"""

from __future__ import annotations

from .happenings import End

__all__ = ["Sent"]


class Sent:
    """
    What one operator sent.
    """

    def __init__(self) -> None:
        self._waits = bytearray()
        # How much of it the next server has, and what was sent in this session.
        self._left = self._here = 0

    def __len__(self) -> int:
        """
        How many bytes are not confirmed.
        """
        return len(self._waits)

    def begin(self) -> int:
        """
        A session begins.

        @return: how many bytes may be lost.
        """
        lost = len(self._waits) - self._left
        del self._waits[self._left :]
        self._here = 0
        return lost

    def add(self, data: bytes) -> None:
        """
        More is sent.
        """
        self._waits += data
        self._here += len(data)

    def confirmed(self, count: int) -> None:
        """
        So much, of what was sent first, has come to the zone.
        """
        del self._waits[:count]

    def forget(self) -> None:
        """
        Nobody will be told any more what became of it.
        """
        self._waits.clear()

    def end(self, end: End) -> bytes:
        """
        The session has ended.

        @return: what nobody has, and may be sent again.
        """
        self._left = 0
        if end.typed is None:
            return b""
        self._left = max(0, len(self._waits) - max(0, self._here - end.typed))
        late = bytes(self._waits[self._left :])
        del self._waits[self._left :]
        return late
