# -*- test-case-name: zcons_twisted.test.test_control_life -*-
"""
Tests for L{zcons_twisted.doors.control_protocol}: what is to become of a zone.
"""

from __future__ import annotations

import os

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from zope.interface import implementer, implementer_only

from ..console import OnHalt
from ..doors.commands import Boot, Halt, Ready, Reboot, Shutdown
from ..errors import LifecycleError
from ..events import ZoneState
from ..interfaces import IAccountableLife, IZoneLife
from ..testing import MemoryLife
from .control_case import ControlTestCase


@implementer(IAccountableLife)
class AccountableLife(MemoryLife):
    """
    The life of a zone that tells who had asked for its end.
    """

    def haltFor(self, who: str) -> Deferred[str]:
        """
        See L{IAccountableLife}.
        """
        return self._answer("zone halted", "halt", who)


@implementer_only(IZoneLife)
class PlainLife(MemoryLife):
    """
    A life that offers no more than it has to.
    """


class LifeTests(ControlTestCase):
    """
    A zone that the server runs can be booted, halted and rebooted; most can be asked to
    shut down, and some made ready.
    """

    def test_done(self) -> None:
        """
        What was asked for is done, and answered with a line.
        """
        self.assertEqual(self.done(Boot), {"message": "zone booted"})
        self.assertEqual(
            self.done(Boot, bootArguments="-s"), {"message": "zone booted"}
        )
        self.assertEqual(self.done(Halt), {"message": "zone halted"})
        self.assertEqual(self.done(Reboot), {"message": "zone rebooted"})
        self.done(Reboot, bootArguments="-v")
        self.assertEqual(self.done(Shutdown), {"message": "zone halted"})
        self.assertEqual(self.done(Shutdown, reboot=True), {"message": "zone rebooted"})
        self.done(Shutdown, reboot=True, bootArguments="-v")
        self.assertEqual(self.done(Ready), {"message": "zone ready"})
        self.assertEqual(
            self.life.calls,
            [
                *(("boot", ""), ("boot", "-s"), ("halt",)),
                *(("reboot", ""), ("reboot", "-v"), ("shutdown",)),
                *(("shutdown, reboot", ""), ("shutdown, reboot", "-v"), ("ready",)),
            ],
        )

    def test_notOffered(self) -> None:
        """
        What a zone's life does not offer is refused, with what to do instead.
        """
        self.driver.life = PlainLife()
        self.assertEqual(
            self.refused(Ready),
            "zone 'z' can't be made ready without running (driver memory): boot it",
        )
        self.assertEqual(
            self.refused(Shutdown),
            "zone 'z' can't be asked to go down (driver memory): halt it",
        )
        self.assertEqual(self.done(Halt), {"message": "zone halted"})

    def test_haltedBy(self) -> None:
        """
        A life that tells who had asked for its end is told that, by name where the user
        has one.
        """
        life = self.driver.life = AccountableLife()
        uid = os.getuid()
        for names, told in (
            ({uid: "ann\x1b"}, "ann\\x1b"),
            ({uid: str(uid)}, f"user {uid}"),
            ({}, f"user {uid}"),
        ):
            self.door.userNames = lambda uids, names=names: succeed(names)
            self.assertEqual(self.done(Halt), {"message": "zone halted"})
            self.assertEqual(life.calls.pop(), ("halt", told))
        self.door.userNames = lambda uids: fail(OSError("no directory"))
        self.done(Halt)
        self.assertEqual(life.calls.pop(), ("halt", f"user {uid}"))

    def test_answeredWhenItIsDone(self) -> None:
        """
        The answer comes when the zone runs, not before.
        """
        booted = self.life.pending = Deferred()
        peer = self.connect()
        self.ask(peer, Boot)
        self.assertRaises(BlockingIOError, peer.recv, 1)
        booted.callback("zone booted")
        self.assertEqual(self.answer(peer, Boot), {"message": "zone booted"})

    def test_refused(self) -> None:
        """
        What the zone can't do now is refused with its reason.
        """
        self.life.refusal = "zone is shutting down: try again in a moment"
        for command in (Ready, Boot, Halt, Shutdown, Reboot):
            self.assertEqual(self.refused(command), self.life.refusal)

    def test_tooLong(self) -> None:
        """
        Boot arguments that are too long are refused and nothing is done.
        """
        for command in (Boot, Shutdown, Reboot):
            self.assertIn("too long", self.refused(command, bootArguments="x" * 256))
        self.assertEqual(self.life.calls, [])

    def test_notOurs(self) -> None:
        """
        A zone that others run is refused, with advice.
        """
        self.driver.life = None
        for command in (Ready, Boot, Halt, Shutdown, Reboot):
            self.assertEqual(
                self.refused(command),
                "zone 'z' is not run by this server (driver memory): tell what happens"
                " to it with 'zconsole event'",
            )

    def test_dying(self) -> None:
        """
        A console in its death throes boots nothing.
        """
        self.console.dying = True
        self.assertIn("start it again", self.refused(Boot))
        self.assertEqual(self.life.calls, [])

    def test_looksAtTheState(self) -> None:
        """
        Afterwards, whatever came of it, the shutdown rule is looked at.
        """
        self.console.onHalt = OnHalt.EXIT
        self.states.current = ZoneState.INSTALLED
        self.life.refusal = "no"
        self.refused(Boot)
        self.assertEqual(self.deaths, 1)

    def test_bug(self) -> None:
        """
        An error that nobody foresaw is in the log, and the peer learns that there was
        one.
        """
        booted = self.life.pending = Deferred()
        peer = self.connect()
        self.ask(peer, Boot)
        booted.errback(Failure(RuntimeError("a bug")))
        self.reactor.settle()
        self.assertIn(b"_error", peer.recv(1000))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_goneMeanwhile(self) -> None:
        """
        A peer that has gone before the answer harms nothing.
        """
        booted = self.life.pending = Deferred()
        peer = self.connect()
        self.ask(peer, Boot)
        peer.close()
        self.reactor.settle()
        booted.callback("zone booted")
        self.reactor.settle()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_refusedAfterThePeerHasGone(self) -> None:
        """
        So it does where the answer is a refusal.
        """
        booted = self.life.pending = Deferred()
        peer = self.connect()
        self.ask(peer, Boot)
        peer.close()
        self.reactor.settle()
        booted.errback(Failure(LifecycleError("no")))
        self.reactor.settle()
        self.assertEqual(self.flushLoggedErrors(), [])
