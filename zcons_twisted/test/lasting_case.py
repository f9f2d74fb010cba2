# -*- test-case-name: zcons_twisted.test.test_client_lasting -*-
"""
A session that outlives its connection, for the tests of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.ears import Ears
from zcons_twisted.client.happenings import (
    Happening,
)
from zcons_twisted.client.lasting import Lasting
from zcons_twisted.frames import Attach, parseAttach
from zcons_twisted.rundir import RunDirectory

from .client_fakes import (
    ClientReactor,
    FakeTransport,
    accepts,
    connectedSocket,
    nobody,
)

__all__ = ["LastingTestCase"]


class LastingTestCase(SynchronousTestCase):
    """
    Such a session, and its servers.
    """

    def setUp(self) -> None:
        """
        A seated watcher.
        """
        self.reactor = ClientReactor()
        self.output = b""
        self.heard: list[Happening | str] = []
        self.there = True
        self.lost: Callable[[], None] = lambda: self.heard.append("lost")

    def begin(self, role: str = "watch") -> None:
        """
        Attach.
        """
        ears = Ears(
            self.took,
            self.heard.append,
            lambda: self.lost(),
            lambda: self.heard.append("again"),
        )
        self.lasting = Lasting(
            self.reactor,
            RunDirectory("/run/x"),
            "z",
            Attach(role, ("lines", 24)),
            ears,
            lambda path: (connectedSocket if self.there else nobody)(path),
        )
        self.attaching = self.lasting.attach()

    def took(self, data: bytes) -> None:
        """
        There is output.
        """
        self.output += data

    @property
    def server(self) -> FakeTransport:
        """
        The newest connection.
        """
        return self.reactor.transports[-1]

    def says(self, *told: bytes) -> None:
        """
        The server says something.
        """
        self.server.protocol.dataReceived(b"".join(told))

    def seat(self, role: str = "watch", **more: Any) -> None:
        """
        Attached, from offset 5 on.
        """
        self.begin(role)
        self.server.clear()
        self.says(accepts(offset=5, end=9, **more))
        self.successResultOf(self.attaching)
        self.lasting.deliver()

    def back(self) -> Attach:
        """
        The server is lost, and there is another.

        @return: what that is asked for.
        """
        self.server.loseConnection()
        self.reactor.advance(0.1)
        asked = parseAttach(self.server.value().partition(b"\n")[0])
        self.server.clear()
        return asked
