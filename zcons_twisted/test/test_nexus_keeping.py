# -*- test-case-name: zcons_twisted.test.test_nexus_keeping -*-
"""
Tests for L{zcons_twisted.nexus.keeping}: pairs that a nexus keeps.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import cast

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from ..nexus.client import Nexus
from ..nexus.commands import Adopt
from ..nexus.keeping import Claimed, NexusPairs
from .direct_nexus import DirectNexus


class ClaimTests(SynchronousTestCase):
    """
    What a zone has in the nexus becomes its console.
    """

    def setUp(self) -> None:
        """
        There is nothing.
        """
        self.nexus = DirectNexus(self)
        self.pairs = NexusPairs(cast(Nexus, self.nexus), "z")

    def claim(self) -> Claimed:
        """
        Have it.
        """
        claimed = self.successResultOf(Deferred.fromCoroutine(self.pairs.claim()))
        self.addCleanup(claimed.pair.close)
        return claimed

    def test_pair(self) -> None:
        """
        A pair is used as it is.
        """
        self.successResultOf(Deferred.fromCoroutine(self.pairs.create()))
        self.assertTrue(os.path.exists(self.claim().pair.subsidiary))
        self.assertEqual(self.nexus.calls, ["Create", "Claim"])

    def test_nothing(self) -> None:
        """
        Where there is nothing that is told.
        """
        claiming = Deferred.fromCoroutine(self.pairs.claim())
        failure = self.failureResultOf(claiming, OSError)
        self.assertEqual(failure.value.errno, errno.ENXIO)

    def test_connection(self) -> None:
        """
        What is left of a zone whose console was elsewhere is a connection, which goes:
        there is a pair in its place.
        """
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        with ours:
            adopting = self.nexus.call(
                Adopt, zone="z", master=ours.fileno(), process=None
            )
            self.successResultOf(Deferred.fromCoroutine(adopting))
        self.assertTrue(os.path.exists(self.claim().pair.subsidiary))
        self.assertEqual(theirs.recv(1), b"")
        self.assertEqual(self.nexus.held(), 1)
