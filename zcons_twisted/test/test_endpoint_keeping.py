# -*- test-case-name: zcons_twisted.test.test_endpoint_keeping -*-
"""
Tests for L{zcons_twisted.drivers.endpoint_keeping}.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import cast

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from ..drivers.endpoint_keeping import StreamKeeper
from ..drivers.handing import ADOPT_SECONDS
from ..nexus.client import Nexus, NexusLost
from .direct_nexus import DirectNexus
from .support import descriptorsInUse


class KeeperTests(SynchronousTestCase):
    """
    A connection outlives the server.
    """

    def setUp(self) -> None:
        """
        There is a nexus and a connection.
        """
        self.clock = Clock()
        self.nexus = DirectNexus(self)
        self.keeper = self.make()
        self.ours, self.theirs = socket.socketpair()
        for each in (self.ours, self.theirs):
            each.setblocking(False)
            self.addCleanup(each.close)

    def make(self, endpoint: str = "unix:/x") -> StreamKeeper:
        """
        A server's keeper.
        """
        keeper = StreamKeeper(self.clock, "z", endpoint)
        keeper.nexus = cast(Nexus, self.nexus)
        return keeper

    def find(self) -> int | None:
        """
        What there is.
        """
        return self.successResultOf(self.keeper.find())

    def kept(self) -> None:
        """
        The connection is kept.
        """
        self.assertIsNone(self.find())
        self.keeper.keep(self.ours)
        self.assertTrue(self.keeper.keeps)

    def test_killed(self) -> None:
        """
        What one server leaves in any way the next one finds.
        """
        self.kept()
        self.ours.close()
        self.nexus.nextServer()
        self.theirs.send(b"waits")
        self.keeper = self.make()
        fd = self.find()
        assert fd is not None
        with socket.socket(fileno=fd) as found:
            self.assertEqual(found.recv(100), b"waits")
            # It has it already.
            self.keeper.keep(found)
        self.assertEqual(self.nexus.calls, ["Claim"])

    def test_left(self) -> None:
        """
        So it is in good order, where the nexus has it.
        """
        self.kept()
        self.assertTrue(self.successResultOf(self.keeper.leave(b"")))
        self.keeper.end()
        self.assertEqual((self.nexus.held(), self.nexus.ears), (1, {}))
        self.assertEqual(self.nexus.calls[-1], "Release")
        self.assertFalse(self.successResultOf(self.keeper.leave(b"")))

    def test_typed(self) -> None:
        """
        What was typed and waits is left with it, for who finds it.
        """
        self.kept()
        self.assertTrue(self.successResultOf(self.keeper.leave(b"waits")))
        for found in ([b"waits"], []):
            self.keeper = self.make()
            typed: list[bytes] = []
            self.keeper.typedBefore = typed.append
            fd = self.find()
            assert fd is not None
            os.close(fd)
            self.assertEqual(typed, found)
            self.successResultOf(self.keeper.leave(b""))

    def test_typedForAnother(self) -> None:
        """
        It is for no other console.
        """
        self.kept()
        self.assertTrue(self.successResultOf(self.keeper.leave(b"waits")))
        self.keeper = self.make("unix:/y")
        self.keeper.typedBefore = lambda typed: self.fail(repr(typed))
        with capturedLogs() as events:
            self.assertIsNone(self.find())
        (told,) = map(formatEvent, events)
        self.assertIn("the last 5 bytes that were typed: they are dropped", told)

    def test_typedNotLeft(self) -> None:
        """
        Where the connection can't be left, what was typed is given back.
        """
        self.kept()
        typed: list[bytes] = []
        self.keeper.typedBefore = typed.append
        self.nexus.failures = {"Release": [NexusLost("gone")]}
        self.assertFalse(self.successResultOf(self.keeper.leave(b"waits")))
        self.assertEqual(typed, [b"waits"])

    def test_leftWithout(self) -> None:
        """
        Where it does not, it does not stay.
        """
        self.kept()
        self.nexus.failures = {"Release": [NexusLost("gone")]}
        self.assertFalse(self.successResultOf(self.keeper.leave(b"")))
        self.keeper.nexus = None
        self.assertFalse(self.successResultOf(self.keeper.leave(b"")))

    def test_dropped(self) -> None:
        """
        A connection that is over is held no more, and the next one is.
        """
        self.kept()
        self.successResultOf(self.keeper.drop())
        self.assertEqual(self.nexus.held(), 0)
        self.successResultOf(self.keeper.drop())
        self.assertEqual(self.nexus.calls.count("Remove"), 1)
        self.keeper.keep(self.ours)
        self.assertEqual(self.nexus.held(), 1)
        self.nexus.failures = {"Remove": [NexusLost("gone")]}
        self.successResultOf(self.keeper.drop())

    def test_otherEndpoint(self) -> None:
        """
        That of another endpoint is closed.
        """
        self.kept()
        self.ours.close()
        self.nexus.nextServer()
        self.keeper = self.make("unix:/y")
        self.assertIsNone(self.find())
        self.assertEqual(self.theirs.recv(1), b"")
        self.assertEqual(self.nexus.held(), 0)

    def test_noNexus(self) -> None:
        """
        Without a nexus nothing is kept, and nothing is said of it.
        """
        self.keeper.nexus = None
        with capturedLogs() as events:
            self.assertIsNone(self.find())
            self.keeper.keep(self.ours)
            self.successResultOf(self.keeper.drop())
            self.keeper.end()
        self.assertEqual((self.keeper.keeps, list(events)), (False, []))

    def test_cantKeep(self) -> None:
        """
        Where it can't be kept, that is told once, and tried again until the connection
        is over.
        """
        lost = NexusLost("no nexus")
        self.nexus.failures = {"Claim": [lost] * 4}
        with capturedLogs() as events:
            self.assertIsNone(self.find())
            self.keeper.keep(self.ours)
            self.clock.advance(ADOPT_SECONDS)
            self.clock.advance(ADOPT_SECONDS)
        self.assertEqual(
            [formatEvent(event) for event in events],
            [
                "z: no nexus keeps the console's connection, which goes with this"
                " server; trying again every 10 s: no nexus"
            ],
        )
        self.clock.advance(ADOPT_SECONDS)
        self.assertTrue(self.keeper.keeps)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.successResultOf(self.keeper.drop())
        self.nexus.failures = {"Adopt": [OSError(errno.ENOTTY, "x")]}
        self.keeper.keep(self.ours)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.successResultOf(self.keeper.drop())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nexusLost(self) -> None:
        """
        Another nexus is handed the connection.
        """
        self.kept()
        self.nexus.forgetAll()
        self.nexus.begin()
        self.keeper.lost()
        self.assertEqual((self.nexus.held(), self.keeper.keeps), (1, True))
        self.successResultOf(self.keeper.drop())
        self.nexus.forgetAll()
        self.keeper.lost()
        self.assertEqual(self.nexus.held(), 0)

    def test_nexusHasIt(self) -> None:
        """
        One that a service manager has started again has it already; what else it has is
        of no use.
        """
        self.kept()
        self.keeper.lost()
        self.assertEqual(self.nexus.calls[-1], "Claim")
        self.assertTrue(self.keeper.keeps)
        other, _end = socket.socketpair()
        self.keeper.lost()
        self.keeper._stream = other
        before = descriptorsInUse()
        self.keeper.lost()
        self.assertEqual(self.nexus.calls[-3:], ["Claim", "Remove", "Adopt"])
        self.assertEqual(len(os.listdir("/proc/self/fd")), len(before))
        other.close()
        _end.close()

    def test_hears(self) -> None:
        """
        It hears of processes, and has started none.
        """
        self.kept()
        ears = self.nexus.ears["z"]
        ears.began(1, "")
        ears.ended(1, 0, None)
        ears.lost()
        self.assertTrue(self.keeper.keeps)

    def test_lostMeanwhile(self) -> None:
        """
        A connection that is over before it could be kept is not.
        """
        self.find()
        self.successResultOf(self.keeper._lock.acquire())
        self.keeper.keep(self.ours)
        dropped = self.keeper.drop()
        self.keeper._lock.release()
        self.successResultOf(dropped)
        self.assertEqual((self.nexus.held(), self.nexus.calls), (0, ["Claim"]))
