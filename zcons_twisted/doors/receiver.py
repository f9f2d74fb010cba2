# -*- test-case-name: zcons_twisted.test.test_peer -*-
"""
Who hears of what a peer does.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["PeerReceiver"]


class PeerReceiver(Protocol):
    """
    Who hears of what a peer does.
    """

    def received(self, data: bytes) -> None:
        """
        The peer sent something.
        """

    def halfClosed(self) -> None:
        """
        The peer sends no more, but receives.
        """

    def writable(self) -> None:
        """
        More can be sent, after C{wantWritable}.
        """

    def vanished(self) -> None:
        """
        The peer has gone while nobody took what it sent; that still waits.
        """

    def lost(self, why: str) -> None:
        """
        The connection is over by the peer's doing, or broke.  Comes at most once, and
        never after C{close}.

        @param why: empty for an orderly end, else what broke.
        """
