# -*- test-case-name: zcons_twisted.test.test_zone_respawn -*-
"""
Tests for L{zcons_twisted.drivers.zone_process}: a command that ends by itself.
"""

from __future__ import annotations

import signal

from ..drivers.verdict import ofContainer
from ..events import ZoneState
from .zone_case import ZoneTestCase


class EndsByItselfTests(ZoneTestCase):
    """
    What happens when the command ends by itself is the policy's.
    """

    def after(self, respawn: str, status: int, number: int | None = None) -> ZoneState:
        """
        @return: the state of a zone whose command has ended so.
        """
        self.zone = self.make(respawn)
        self.booted()
        self.goes(status, number)
        return self.zone.state()

    def test_never(self) -> None:
        """
        By default the zone has halted, however its command ended.
        """
        for status, number, why in (
            (0, None, "exit status 0"),
            (1, None, "exit status 1"),
            (0, signal.SIGSEGV, "signal 11"),
        ):
            self.assertIs(self.after("never", status, number), ZoneState.INSTALLED)
            self.assertEqual(self.told(), [("HALTED", why)])
        self.assertDown()

    def test_always(self) -> None:
        """
        With C{always} it is started again, however its command ended.
        """
        for status, number in ((0, None), (1, None), (0, signal.SIGSEGV)):
            self.assertIs(self.after("always", status, number), ZoneState.DOWN)
            self.assertEqual(self.told(), [("REBOOTING", "")])

    def test_onFailure(self) -> None:
        """
        With C{on-failure} it is started again after a failure or a signal.
        """
        for status, number in ((1, None), (0, signal.SIGSEGV)):
            self.assertIs(self.after("on-failure", status, number), ZoneState.DOWN)
            self.assertEqual(self.told(), [("REBOOTING", "")])

    def test_onFailureWithoutOne(self) -> None:
        """
        With C{on-failure} a command that ends well has halted the zone.
        """
        self.assertIs(self.after("on-failure", 0), ZoneState.INSTALLED)
        self.assertEqual(self.told(), [("HALTED", "exit status 0")])
        self.assertDown()

    def test_childrenLeft(self) -> None:
        """
        What a command leaves running when it ends goes too.
        """
        process = self.booted()
        self.sessions.left[process.pid] = [process.pid + 1]
        self.goes()
        self.assertEqual(self.sessions.sent[0][0], process.pid + 1)
        self.assertEqual(self.told(), [])
        self.sessions.left.clear()
        self.settle()
        self.assertEqual(self.told(), [("HALTED", "exit status 0")])
        self.assertDown()


class RespawnTests(ZoneTestCase):
    """
    A command that is started again waits longer each time.
    """

    def setUp(self) -> None:
        """
        A zone whose command is always started again.
        """
        super().setUp()
        self.zone = self.make("always")

    def wait(self) -> float:
        """
        @return: how long until the command is started again.
        """
        (call,) = self.reactor.getDelayedCalls()
        return round(call.getTime() - self.reactor.seconds(), 6)

    def again(self) -> None:
        """
        The wait is over, and the command is started again.
        """
        before = len(self.reactor.processes)
        self.reactor.advance(10)
        self.assertEqual(len(self.reactor.processes), before + 1)
        self.process.begins()

    def test_backOff(self) -> None:
        """
        The waits double up to the longest, for a command that ends at once.
        """
        self.booted()
        waits = []
        for _ in range(5):
            self.goes()
            waits.append(self.wait())
            self.again()
        self.assertEqual(waits, [1, 2, 4, 8, 8])

    def test_steady(self) -> None:
        """
        A command that has run for ten seconds is started soon again.
        """
        self.booted()
        self.goes()
        self.again()
        self.reactor.advance(10)
        self.goes()
        self.assertEqual(self.wait(), 1)

    def test_withoutArguments(self) -> None:
        """
        A command that is started again by itself gets no boot arguments.
        """
        done = self.zone.boot("-s")
        self.process.begins()
        self.successResultOf(done)
        self.goes()
        self.again()
        self.assertEqual(self.process.environment["ZONE_BOOT_ARGS"], "")

    def test_bootFailed(self) -> None:
        """
        A boot that failed is told and tried again.
        """
        done = self.zone.boot()
        self.process.failsToBegin("sleep: no")
        self.settle()
        self.refusal(done)
        self.assertEqual(self.told(), [("BOOTING", ""), ("BOOT_FAILED", "sleep: no")])
        self.assertIs(self.zone.state(), ZoneState.DOWN)
        self.again()
        self.assertIs(self.zone.state(), ZoneState.RUNNING)
        self.assertEqual(self.told(), [])

    def test_halt(self) -> None:
        """
        A zone that waits to be started again can be halted at once.
        """
        self.booted()
        self.goes()
        self.told()
        self.assertEqual(self.successResultOf(self.zone.halt()), "zone halted")
        self.assertEqual(self.told(), [("HALTED", "exit status 0")])
        self.assertDown()

    def test_haltAsked(self) -> None:
        """
        Then both how it had ended and who has halted it are told.
        """
        process = self.booted()
        self.goes(3)
        self.told()
        self.successResultOf(self.zone.haltFor("root"))
        why = "asked for by root, exit status 3"
        self.assertEqual(self.told(), [("HALTED", why)])
        how = f"process {process.pid} ended: halted by root, exit status 3"
        self.assertEqual(self.zone.account, how)

    def test_account(self) -> None:
        """
        While it is started again and again, it is told how often it was, and when it
        is next.
        """
        first = self.booted()
        self.assertEqual(self.zone.account, f"process {first.pid}")
        self.goes(1)
        how = f"process {first.pid} ended: exit status 1"
        self.assertEqual(self.zone.account, f"{how}; next in 1 s")
        self.again()
        pid = self.process.pid
        self.assertEqual(self.zone.account, f"process {pid}, started 2 times")
        self.goes(1)
        how = f"process {pid} ended: exit status 1"
        self.assertEqual(self.zone.account, f"{how}; started 2 times, next in 2 s")
        self.reactor.advance(1.5)
        self.assertEqual(self.zone.account, f"{how}; started 2 times, next in 1 s")
        self.again()
        # One that holds begins anew, as does one that somebody boots.
        self.reactor.advance(10)
        self.goes(1)
        how = f"process {self.process.pid} ended: exit status 1"
        self.assertEqual(self.zone.account, f"{how}; next in 1 s")
        self.again()
        self.goes(1)
        self.zone.boot()
        self.process.begins()
        self.assertEqual(self.zone.account, f"process {self.process.pid}")
        self.goes(1)
        self.zone.reboot()
        self.process.begins()
        self.assertEqual(self.zone.account, f"process {self.process.pid}")

    def test_accountFailed(self) -> None:
        """
        The same of one that does not boot; once it is halted there is no next time.
        """
        self.zone.boot().addErrback(lambda _: None)
        self.process.failsToBegin("sleep: no")
        self.settle()
        self.assertEqual(self.zone.account, "boot failed: sleep: no; next in 1 s")
        self.reactor.advance(1)
        self.process.failsToBegin("sleep: no")
        self.settle()
        self.assertEqual(
            self.zone.account,
            "boot failed: sleep: no; started 2 times, next in 2 s",
        )
        self.zone.haltFor("root")
        self.assertEqual(self.zone.account, "boot failed: sleep: no")

    def test_boot(self) -> None:
        """
        It can be booted at once, which is nothing new to be told.
        """
        self.booted()
        self.goes()
        self.told()
        done = self.zone.boot("-s")
        self.process.begins()
        self.successResultOf(done)
        self.assertEqual(self.told(), [])
        self.assertEqual(self.process.environment["ZONE_BOOT_ARGS"], "-s")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_reboot(self) -> None:
        """
        It can be rebooted at once.
        """
        self.booted()
        self.goes()
        self.told()
        done = self.zone.reboot("-v")
        self.process.begins()
        self.successResultOf(done)
        self.assertEqual(self.told(), [("REBOOTING", "-v")])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_haltIsNoFailure(self) -> None:
        """
        A zone that was halted stays down, whatever the policy.
        """
        self.booted()
        self.zone.halt()
        self.goes(1)
        self.assertEqual(self.told(), [("HALTED", "")])
        self.assertDown()


class ContainerTests(ZoneTestCase):
    """
    A zone whose process can tell what it wants by how it ends.
    """

    def after(self, respawn: str, number: int) -> ZoneState:
        """
        @return: the state of a zone whose process was ended by a signal.
        """
        self.zone = self.make(respawn, read=ofContainer)
        self.booted()
        self.goes(0, number)
        return self.zone.state()

    def test_reboots(self) -> None:
        """
        One that reboots is started again, whatever the policy, and not at once when it
        does so again and again.
        """
        for respawn in ("never", "always"):
            self.assertIs(self.after(respawn, signal.SIGHUP), ZoneState.DOWN)
            self.assertEqual(self.told(), [("REBOOTING", "")])
            self.assertEqual(
                self.zone.account,
                f"process {self.process.pid} ended: rebooted; next in 1 s",
            )
            for seconds in (1, 2, 4):
                before = len(self.reactor.processes)
                self.reactor.advance(seconds - 0.1)
                self.assertEqual(len(self.reactor.processes), before)
                self.reactor.advance(0.2)
                self.assertEqual(len(self.reactor.processes), before + 1)
                self.process.begins()
                self.goes(0, signal.SIGHUP)
                self.assertEqual(self.told(), [("REBOOTING", "")])
            self.successResultOf(self.zone.halt())

    def test_powersOff(self) -> None:
        """
        One that powers off has halted, whatever the policy.
        """
        for respawn in ("never", "on-failure", "always"):
            self.assertIs(self.after(respawn, signal.SIGINT), ZoneState.INSTALLED)
            self.assertEqual(self.told(), [("HALTED", "powered off")])
        self.assertDown()

    def test_rebootsAndIsHalted(self) -> None:
        """
        One that reboots while it is told to halt has halted.
        """
        self.zone = self.make(read=ofContainer)
        self.booted()
        self.sessions.left[self.process.pid] = [self.process.pid]
        done = self.zone.halt()
        self.sessions.left.clear()
        self.goes(0, signal.SIGHUP)
        self.successResultOf(done)
        self.assertEqual(self.told(), [("HALTED", "")])
        self.assertDown()
