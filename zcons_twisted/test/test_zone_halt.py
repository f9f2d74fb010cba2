# -*- test-case-name: zcons_twisted.test.test_zone_halt -*-
"""
Tests for L{zcons_twisted.drivers.zone_process}: halt and reboot.
"""

from __future__ import annotations

import errno
import os
import signal

from ..events import ZoneState
from .zone_case import ZoneTestCase


class HaltTests(ZoneTestCase):
    """
    A zone can be halted in every state.
    """

    def test_running(self) -> None:
        """
        A zone that runs is told to go; it is halted when nothing of it is left.
        """
        process = self.booted()
        done = self.zone.halt()
        self.assertEqual(
            self.sessions.sent,
            [(process.pid, (signal.SIGHUP, signal.SIGCONT, signal.SIGTERM))],
        )
        self.assertIs(self.zone.state(), ZoneState.SHUTTING_DOWN)
        self.assertNoResult(done)
        self.goes(0, signal.SIGTERM)
        self.assertEqual(self.successResultOf(done), "zone halted")
        self.assertEqual(self.told(), [("HALTED", "")])
        self.assertDown()

    def test_unread(self) -> None:
        """
        What the zone has not read goes with it, at each end of a life; there is
        somebody to read what is typed from one boot to the next end.
        """
        self.zone = self.make("on-failure")
        self.assertFalse(self.zone.present())
        self.booted()
        self.assertTrue(self.zone.present())
        self.device.unread = 5
        self.process.ends(1)
        self.assertEqual(self.events.unread, [])
        self.assertTrue(self.zone.present())
        self.settle()
        self.assertEqual(self.events.unread, [5])
        self.assertFalse(self.zone.present())
        self.reactor.advance(1)
        self.assertTrue(self.zone.present())
        self.process.begins()
        self.zone.reboot()
        self.goes()
        self.assertEqual(self.events.unread, [5, 0])
        self.assertTrue(self.zone.present())

    def test_asked(self) -> None:
        """
        Who has asked for it is told, rather than how the process came to its end.
        """
        process = self.booted()
        done = self.zone.haltFor("root")
        self.goes(0, signal.SIGHUP)
        self.successResultOf(done)
        self.assertEqual(self.told(), [("HALTED", "asked for by root")])
        self.assertEqual(
            self.zone.account, f"process {process.pid} ended: halted by root"
        )
        self.booted()
        self.goes(3)
        self.assertEqual(self.told(), [("HALTED", "exit status 3")])

    def test_askedAndHow(self) -> None:
        """
        Unless it did not do as it was told, or had something to say by its end.
        """
        for status, number, how in (
            (0, signal.SIGTERM, ""),
            (0, None, ", exit status 0"),
            (3, None, ", exit status 3"),
            (0, signal.SIGKILL, ", signal 9"),
        ):
            process = self.booted()
            self.zone.haltFor("root")
            self.goes(status, number)
            self.assertEqual(self.told(), [("HALTED", f"asked for by root{how}")])
            account = f"process {process.pid} ended: halted by root{how}"
            self.assertEqual(self.zone.account, account)

    def test_askedTooLate(self) -> None:
        """
        Where it was down already, nobody has done anything.
        """
        process = self.booted()
        self.goes(3)
        self.told()
        self.successResultOf(self.zone.haltFor("root"))
        self.assertEqual(self.told(), [])
        self.assertEqual(
            self.zone.account, f"process {process.pid} ended: exit status 3"
        )

    def test_grace(self) -> None:
        """
        A zone that does not go is killed after its grace period.
        """
        self.zone = self.make(grace=3.0)
        process = self.booted()
        self.zone.halt()
        self.reactor.advance(2.9)
        self.assertNotIn((process.pid, (signal.SIGKILL,)), self.sessions.sent)
        self.reactor.advance(0.1)
        self.assertIn((process.pid, (signal.SIGKILL,)), self.sessions.sent)
        self.goes(0, signal.SIGKILL)
        self.assertDown()

    def test_down(self) -> None:
        """
        A zone that is down is halted already, and nobody is told of it.
        """
        self.assertEqual(
            self.successResultOf(self.zone.halt()), "zone is already halted"
        )
        self.assertEqual(self.told(), [])

    def test_starting(self) -> None:
        """
        A zone that is only starting is halted, and whoever booted it is told.
        """
        booted = self.zone.boot()
        halted = self.zone.halt()
        self.process.begins()
        self.goes()
        self.assertEqual(self.refusal(booted), "zone was halted")
        self.assertEqual(self.successResultOf(halted), "zone halted")
        self.assertEqual(self.told(), [("BOOTING", ""), ("HALTED", "")])
        self.assertDown()

    def test_failsMeanwhile(self) -> None:
        """
        A boot that fails while it is halted was halted.
        """
        booted = self.zone.boot()
        self.zone.halt()
        self.process.failsToBegin("sleep: no")
        self.settle()
        self.assertEqual(self.refusal(booted), "zone was halted")
        self.assertEqual(self.told(), [("BOOTING", ""), ("HALTED", "")])

    def test_twice(self) -> None:
        """
        All who halt it are answered when it is down, and one event is told.
        """
        self.booted()
        both = [self.zone.halt(), self.zone.halt()]
        self.goes()
        for done in both:
            self.assertEqual(self.successResultOf(done), "zone halted")
        self.assertEqual(self.told(), [("HALTED", "")])
        self.assertEqual(len(self.sessions.sent), 1)

    def test_whileItReboots(self) -> None:
        """
        A zone that is halted while it reboots stays down.
        """
        self.booted()
        rebooted = self.zone.reboot()
        halted = self.zone.halt()
        self.goes()
        self.assertEqual(self.refusal(rebooted), "zone was halted")
        self.successResultOf(halted)
        self.assertEqual(self.told(), [("REBOOTING", ""), ("HALTED", "")])
        self.assertEqual(len(self.reactor.processes), 1)
        self.assertDown()

    def test_lastOutput(self) -> None:
        """
        What the zone printed last is taken before its halt is told.
        """
        self.booted()
        self.zone.halt()
        self.device.printed = [5, 5]
        self.process.ends()
        self.assertEqual(self.told(), [])
        self.settle()
        self.assertEqual(self.told(), [("HALTED", "")])


class RebootTests(ZoneTestCase):
    """
    A zone that runs can be rebooted.
    """

    def test_reboot(self) -> None:
        """
        It goes down and boots with the new arguments, without a halt being told.
        """
        first = self.booted()
        done = self.zone.reboot("-v")
        self.assertEqual(self.told(), [("REBOOTING", "-v")])
        self.goes()
        self.assertIs(self.zone.state(), ZoneState.READY)
        self.assertIsNot(self.process, first)
        self.assertEqual(self.process.environment["ZONE_BOOT_ARGS"], "-v")
        self.process.begins()
        self.assertEqual(self.successResultOf(done), "zone rebooted")
        self.assertEqual(self.told(), [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_starting(self) -> None:
        """
        A zone that is only starting starts again, and both who asked are answered.
        """
        both = [self.zone.boot(), self.zone.reboot()]
        self.goes(0, signal.SIGTERM)
        self.process.begins()
        texts = [self.successResultOf(done) for done in both]
        self.assertEqual(texts, ["zone booted", "zone rebooted"])
        self.assertEqual(len(self.reactor.processes), 2)

    def test_invalid(self) -> None:
        """
        A zone that is down, or goes down, can't be rebooted.
        """
        self.assertEqual(
            self.refusal(self.zone.reboot()),
            "reboot operation is invalid for zones in state 'installed': boot it",
        )
        self.booted()
        self.zone.halt()
        self.assertEqual(
            self.refusal(self.zone.reboot()),
            "reboot operation is invalid for zones in state 'shutting_down'",
        )
        self.assertEqual(self.told(), [])

    def test_fails(self) -> None:
        """
        A reboot that fails is told, and the zone is down.
        """
        self.booted()
        done = self.zone.reboot()
        self.reactor.spawnError = OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self.goes()
        self.settle()
        self.assertIn("zone did not boot", self.refusal(done))
        self.assertEqual(
            self.told(),
            [
                ("REBOOTING", ""),
                ("BOOT_FAILED", "Resource temporarily unavailable"),
            ],
        )
        self.assertDown()
