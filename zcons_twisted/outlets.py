# -*- test-case-name: zcons_twisted.test.test_relay -*-
"""
What a L{Follower<zcons_twisted.relay.Follower>} needs of a session: where its bytes go,
and how it is told things.
"""

from __future__ import annotations

from typing import Protocol

from .marks import Mark

__all__ = ["OutputLink", "Voice"]


class OutputLink(Protocol):
    """
    Where a follower's bytes go.
    """

    def sendNow(self, data: bytes | memoryview) -> int:
        """
        Send what can be sent without waiting.

        @return: how many bytes were taken.
        """

    def wantWritable(self) -> None:
        """
        Ask for one call of L{Follower.writable} when more can be sent.
        """

    def unread(self) -> int | None:
        """
        Bytes that were sent and that the session has not read yet, or L{None} where
        that can't be told.
        """


class Voice(Protocol):
    """
    How a kind of session is told things.

    @ivar framed: whether output goes in frames, each with a head.
    @ivar pieceMax: most bytes of output in one piece.
    """

    framed: bool
    pieceMax: int

    def head(self, offset: int, length: int) -> bytes:
        """
        What goes before a piece of output.
        """

    def mark(self, mark: Mark) -> bytes:
        """
        What is told of something that happened; may be nothing.
        """

    def gap(self, offset: int, missing: int) -> bytes:
        """
        What is told in the place of output that is missing.
        """

    def forgotten(self, offset: int, before: Mark) -> bytes:
        """
        What is told where something happened that is not kept any more.

        @param before: what happened next.
        """
