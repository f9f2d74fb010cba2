# -*- test-case-name: zcons_twisted.test.test_nexus_client -*-
"""
One connection to a nexus, and who hears what comes by it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IAddress, ITransport
from twisted.internet.protocol import Factory
from twisted.protocols.amp import AMP, BinaryBoxProtocol
from twisted.python.failure import Failure

from ..notices import escaped
from .commands import Began, Dropped, Ended

__all__ = ["Hearer", "Link", "NexusEars", "Once"]


class NexusEars(Protocol):
    """
    Who hears what the nexus tells of a zone.
    """

    def began(self, pid: int, why: str) -> None:
        """
        The zone's process has begun; it has not, where there is a reason.
        """

    def ended(self, pid: int, code: int | None, number: int | None) -> None:
        """
        It has ended, with an exit status or by a signal where that is known.
        """

    def lost(self) -> None:
        """
        The nexus has gone, and what it held with it; or it has left us, and is still
        there.
        """


class Hearer(Protocol):
    """
    Whose connection it is.
    """

    def tell(self, zone: str, what: Callable[[NexusEars], None]) -> None:
        """
        Something happened to a zone.
        """

    def linkLost(self, link: Link) -> None:
        """
        The connection is lost.
        """


class Link(AMP):
    """
    One connection to a nexus.

    @ivar pid: its process.
    @ivar why: why it leaves us, if it has said so.
    """

    def __init__(self, nexus: Hearer) -> None:
        super().__init__()
        self._nexus = nexus
        self.pid = 0
        self.why = "it did not say why"

    def makeConnection(self, transport: ITransport) -> None:
        """
        Passes over L{AMP}'s own, which logs every connection.
        """
        BinaryBoxProtocol.makeConnection(self, transport)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """
        The nexus has gone, or we have.
        """
        # First: whoever was not answered may ask again at once.
        self._nexus.linkLost(self)
        BinaryBoxProtocol.connectionLost(self, reason)
        self.transport = None

    @Began.responder
    def began(self, zone: str, pid: int, why: str) -> dict[str, Any]:
        """
        See L{Began}.
        """
        self._nexus.tell(zone, lambda ears: ears.began(pid, why))
        return {}

    @Ended.responder
    def ended(
        self, zone: str, pid: int, code: int | None = None, signal: int | None = None
    ) -> dict[str, Any]:
        """
        See L{Ended}.
        """
        self._nexus.tell(zone, lambda ears: ears.ended(pid, code, signal))
        return {}

    @Dropped.responder
    def dropped(self, why: str) -> dict[str, Any]:
        """
        See L{Dropped}.
        """
        self.why = escaped(why)
        return {}


class Once(Factory):
    """
    Makes one connection, and says nothing about it in the log.
    """

    noisy = False

    def __init__(self, link: Link) -> None:
        self._link = link

    def buildProtocol(self, addr: IAddress | None) -> Link:
        """
        See L{IProtocolFactory<twisted.internet.interfaces.IProtocolFactory>}.
        """
        return self._link
