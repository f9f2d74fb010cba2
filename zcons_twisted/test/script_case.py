# -*- test-case-name: zcons_twisted.test.test_client_sending -*-
"""
What the tests of commands for scripts share.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.connecting import Opener
from zcons_twisted.client.looking import Looker, Looking
from zcons_twisted.frames import Attach, parseAttach
from zcons_twisted.rundir import RunDirectory

from .client_fakes import (
    ClientReactor,
    FakeDescriptor,
    FakeTransport,
    accepts,
    connectedSocket,
    prints,
)

__all__ = ["ScriptCase"]


class ScriptCase(SynchronousTestCase):
    """
    A script that has a pipe.
    """

    def setUp(self) -> None:
        """
        Nothing is asked yet.
        """
        self.reactor = ClientReactor()
        self.output = FakeDescriptor()
        self.said: list[str] = []
        self.offset = 0

    def looker(self, opener: Opener = connectedSocket) -> Looker:
        """
        Who looks.
        """
        rundir = RunDirectory("/run/x")
        return Looker(
            self.reactor, rundir, self.output, self.said.append, opener=opener
        )

    def run_(self, looking: Looking) -> None:
        """
        Begin.
        """
        self.exit = Deferred.fromCoroutine(looking.run())

    @property
    def server(self) -> FakeTransport:
        """
        The session's connection.
        """
        return self.reactor.transports[0]

    def letIn(self, **more: Any) -> Attach:
        """
        The server accepts.

        @return: what it was asked for.
        """
        asked = parseAttach(self.server.value().partition(b"\n")[0])
        self.server.clear()
        self.says(accepts(**more))
        return asked

    def says(self, data: bytes) -> None:
        """
        The server says something.
        """
        self.server.protocol.dataReceived(data)

    def prints(self, data: bytes) -> None:
        """
        The zone prints something.
        """
        self.says(prints(data, self.offset))
        self.offset += len(data)

    def exited(self, status: int, *said: str) -> None:
        """
        It is over, and nothing is left of it.
        """
        self.assertEqual(self.successResultOf(self.exit), status)
        self.assertEqual(self.said, list(said))
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        for transport in self.reactor.transports:
            self.assertFalse(transport.connected)
