# -*- test-case-name: zcons_twisted.test.test_nexus_client -*-
"""
Tests for L{zcons_twisted.nexus.client}: a server's connection to the nexus.
"""

from __future__ import annotations

import errno
import os

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent

from ..nexus import holder
from ..nexus.client import MANAGED_SECONDS, START_SECONDS, Nexus, NexusLost
from ..nexus.commands import Began, Count, Dropped, Ended
from .nexus_case import Ears, NexusTestCase


class NexusTests(NexusTestCase):
    """
    One connection, for all zones.
    """

    def test_onDemand(self) -> None:
        """
        It connects when it is first asked, and once.
        """
        self.assertEqual((self.reactor.attempts, self.nexus.pid), (0, 0))
        self.assertEqual(self.successResultOf(self.count()), {"count": 3})
        self.assertEqual(self.successResultOf(self.count()), {"count": 3})
        self.assertEqual((self.reactor.attempts, self.nexus.pid), (1, 4242))
        self.assertEqual(self.reactor.path, "/run/zones/nexus_sock")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_together(self) -> None:
        """
        Who asks while it connects waits for that connection.
        """
        asked = [
            Deferred.fromCoroutine(self.nexus.call(Count, zone=zone)) for zone in "abc"
        ]
        self.reactor.exchange()
        for each in asked:
            self.assertEqual(self.successResultOf(each), {"count": 3})
        self.assertEqual(self.reactor.attempts, 1)

    def test_fault(self) -> None:
        """
        What can't be done is an error of the system.
        """
        failure = self.failureResultOf(self.count("busy"), OSError)
        self.assertEqual(failure.value.errno, errno.EBUSY)
        self.assertEqual(failure.value.strerror, os.strerror(errno.EBUSY))

    def test_started(self) -> None:
        """
        Where there is none one is started, and connected to.
        """
        self.reactor.there = False
        done = self.count()
        (process,) = self.reactor.processes
        self.assertEqual(
            process.arguments[1:],
            ["-IS", holder.__file__, "--rundir", "/run/zones"],
        )
        self.assertEqual(process.environment, {})
        self.reactor.there = True
        process.ends()
        self.reactor.exchange()
        self.successResultOf(done)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_cantStart(self) -> None:
        """
        One that can't be started is told, after a while and with its own words.
        """
        self.reactor.there = False
        done = self.count()
        while not done.called:
            process = self.reactor.processes[-1]
            process.protocol.childDataReceived(2, b"x\nnexus: /run/zones: no\n")
            process.ends(1)
            self.reactor.advance(0.5)
        self.assertEqual(self.reactor.seconds(), START_SECONDS + 0.5)
        failure = self.failureResultOf(done, NexusLost)
        self.assertEqual(
            failure.getErrorMessage(), "no nexus in /run/zones: nexus: /run/zones: no"
        )
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def mend(self) -> bool:
        """
        Have its socket made again if it is gone.
        """
        done = Deferred.fromCoroutine(self.nexus.mend())
        self.reactor.exchange()
        return self.successResultOf(done)

    def test_mend(self) -> None:
        """
        It is asked to make its socket again where that is gone, and only there; one
        that nobody is connected to is left alone.
        """
        self.nexus = Nexus(self.reactor, rundir := self.mktemp())
        self.assertFalse(self.mend())
        self.count()
        (nexus,) = self.reactor.nexus
        with capturedLogs() as logs:
            self.assertTrue(self.mend())
            self.assertFalse(self.mend())
        self.assertEqual(
            [formatEvent(event) for event in logs],
            [
                f"somebody has removed {rundir}/nexus_sock: the nexus (process 4242)"
                " has made it again"
            ],
        )
        os.mkdir(rundir)
        with open(os.path.join(rundir, "nexus_sock"), "w"):
            pass
        self.assertFalse(self.mend())
        self.assertEqual(nexus.mended, 2)

    def test_heard(self) -> None:
        """
        What it tells of a zone is heard by whoever listens for that one.
        """
        ears = Ears()
        self.nexus.listen("z", ears)
        self.count()
        (nexus,) = self.reactor.nexus
        nexus.callRemote(Began, zone="z", pid=7, why="")
        nexus.callRemote(Ended, zone="z", pid=7, code=3)
        nexus.callRemote(Ended, zone="y", pid=8, code=3)
        self.reactor.exchange()
        self.nexus.listenNoMore("z")
        nexus.callRemote(Ended, zone="z", pid=9, signal=9)
        self.reactor.exchange()
        self.assertEqual(ears.heard, [(7, ""), (7, 3, None)])

    def lose(self, why: str = "") -> list[str]:
        """
        The connection breaks, and something is asked then.

        @param why: what the nexus says before.
        @return: what is in the log about it.
        """
        with capturedLogs() as events:
            if why:
                self.reactor.nexus[-1].callRemote(Dropped, why=why)
                self.reactor.exchange()
            self.reactor.nexus[-1].breaks()
            self.reactor.exchange()
            self.assertEqual(self.nexus.pid, 0)
            # It is not known yet what that was.
            self.assertEqual([event for event in events if "pid" in event], [])
            done = self.count()
            while not done.called:
                self.reactor.processes[-1].ends(1)
                self.reactor.advance(1)
            done.addErrback(lambda failure: failure.trap(NexusLost))
        return [formatEvent(event) for event in events if "pid" in event]

    def test_lost(self) -> None:
        """
        Its end is told in one line, and to all who listen; the next question finds
        another one.
        """
        ears = Ears()
        self.nexus.listen("z", ears)
        self.count()
        self.reactor.pid = 4343
        self.assertEqual(
            self.lose(),
            [
                "the nexus (process 4242) has ended unasked: another one takes over"
                " the console devices of 1 zones"
            ],
        )
        self.assertEqual((ears.heard, self.nexus.pid), (["lost"], 4343))
        self.assertEqual(len(self.reactor.nexus), 2)

    def test_lostForGood(self) -> None:
        """
        The same where there is no other one.
        """
        self.count()
        self.reactor.there = False
        self.assertEqual(
            self.lose(),
            [
                "the nexus (process 4242) has ended unasked, and there is no other"
                " one: no nexus in /run/zones: Connection was refused by other side."
            ],
        )

    def test_left(self) -> None:
        """
        A nexus that has left us, and is still there, is not said to have ended; if it
        said why, so do we.
        """
        ears = Ears()
        self.nexus.listen("z", ears)
        self.count()
        text = (
            "the nexus (process 4242) has closed the connection of this server, which"
            " is connected again: "
        )
        self.assertEqual(self.lose("no\n"), [f"{text}no\\x0a"])
        self.assertEqual(self.lose(), [f"{text}it did not say why"])
        self.assertEqual(ears.heard, ["lost", "lost"])

    def test_managed(self) -> None:
        """
        One that a service manager runs is given time to be there again.
        """
        self.reactor.managed = True
        self.count()
        self.reactor.nexus[0].breaks()
        self.reactor.exchange()
        self.reactor.there = False
        done = self.count()
        self.reactor.pump([0.1] * int(MANAGED_SECONDS * 10 - 1))
        self.assertEqual(self.reactor.processes, [])
        self.reactor.there = True
        self.reactor.advance(0.1)
        self.reactor.exchange()
        self.successResultOf(done)

    def test_managedNoMore(self) -> None:
        """
        But no longer than a while: then another one is started.
        """
        self.reactor.managed = True
        self.count()
        self.reactor.nexus[0].breaks()
        self.reactor.exchange()
        self.reactor.there = False
        self.count()
        self.reactor.pump([0.1] * 55)
        self.assertEqual(len(self.reactor.processes), 1)

    def test_remember(self) -> None:
        """
        It can be told something for later.
        """
        self.count()
        self.nexus.remember("z", "halt")
        self.reactor.exchange()
        self.assertEqual(self.reactor.nexus[0].notes, [("z", "halt")])

    def test_rememberedOn(self) -> None:
        """
        Whoever takes its place is told what is to be remembered of the zones that are
        listened for, the last of each, and at once.
        """
        self.nexus.listen("z", Ears())
        self.nexus.listen("y", Ears())
        for zone, text in (("z", "a"), ("x", "b"), ("y", "c"), ("z", "d")):
            self.nexus.remember(zone, text)
        self.count()
        self.assertEqual(self.reactor.nexus[0].notes, [("z", "d"), ("y", "c")])
        self.nexus.listenNoMore("y")
        self.lose()
        self.assertEqual(self.reactor.nexus[1].notes, [("z", "d")])

    def test_leave(self) -> None:
        """
        Who leaves in good order says so, and hears nothing of an end.
        """
        ears = Ears()
        self.successResultOf(Deferred.fromCoroutine(self.nexus.leave()))
        self.nexus.listen("z", ears)
        self.count()
        done = Deferred.fromCoroutine(self.nexus.leave())
        self.reactor.exchange()
        self.successResultOf(done)
        self.assertEqual((self.reactor.nexus[0].left, ears.heard), (1, []))
        self.assertEqual(self.nexus.pid, 0)
