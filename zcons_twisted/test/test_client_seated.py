# -*- test-case-name: zcons_twisted.test.test_client_seated -*-
"""
Tests for L{zcons_twisted.client.seated}.
"""

from __future__ import annotations

import pwd
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.protocols.amp import AMP
from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.naming import named
from zcons_twisted.client.reports import moment
from zcons_twisted.client.seated import SEAT_SECONDS, whoSits
from zcons_twisted.doors.commands import Status
from zcons_twisted.notices import escaped
from zcons_twisted.rundir import RunDirectory

from .client_fakes import ClientReactor, connectedSocket
from .test_client_reports import someone, status


class _Door(AMP):
    """
    A control door that knows who is there.
    """

    def __init__(self, operators: list[dict[str, Any]]) -> None:
        super().__init__()
        self.operators = operators

    @Status.responder
    def status(self) -> dict[str, Any]:
        """
        Who is.
        """
        return status(operator=self.operators)


class WhoSitsTests(SynchronousTestCase):
    """
    Who was refused is told who sits there, and what may be done.
    """

    def ask(self) -> Deferred[str]:
        """
        Ask.
        """
        self.reactor = ClientReactor()
        return Deferred.fromCoroutine(
            whoSits(self.reactor, RunDirectory("/run/x"), "z", connectedSocket)
        )

    def answered(self, operators: list[dict[str, Any]]) -> str:
        """
        Ask, and have it answered.
        """
        asked = self.ask()
        door, server = _Door(operators), StringTransport()
        door.makeConnection(server)
        transport = self.reactor.transports[0]
        door.dataReceived(transport.value())
        transport.protocol.dataReceived(server.value())
        return self.successResultOf(asked)

    def test_known(self) -> None:
        """
        By name, and since when.
        """
        who = someone()
        told = self.answered([who])
        wanted = (
            f"that is {who['user']}, since {moment(who['since'])}: 'zconsole watch z'"
        )
        self.assertTrue(told.startswith(escaped(wanted)), told)
        self.assertTrue(told.endswith("'zconsole take z' takes the seat"))

    def test_gone(self) -> None:
        """
        Whoever sat there may have gone meanwhile.
        """
        self.assertIn("the seat is free by now", self.answered([]))

    def test_unknown(self) -> None:
        """
        A server that does not say is not waited for, and the ways are told.
        """
        asked = self.ask()
        self.reactor.advance(SEAT_SECONDS)
        told = self.successResultOf(asked)
        self.assertTrue(told.startswith("'zconsole watch z' shows"))
        self.assertEqual(SEAT_SECONDS, 2.0)


class NamedTests(SynchronousTestCase):
    """
    Users are told by their names.
    """

    def test_named(self) -> None:
        """
        Where they have one.
        """
        name = pwd.getpwuid(0).pw_name
        self.assertEqual(
            named("taken over by process 7 of user 0"),
            f"taken over by process 7 of {name}",
        )
        for text in ("of user 4294967294", "of user 9999999999", "of user x", ""):
            self.assertEqual(named(text), text)
