# -*- test-case-name: zcons_twisted.test.test_qmp_ready -*-
"""
Tests for L{zcons_twisted.drivers.qmp_zone}: a machine that is there without running.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from ..errors import LifecycleError
from ..events import ZoneEvent, ZoneState
from .machine_case import MachineTestCase

_RESET = "host-qmp-system-reset"


class ReadyTests(MachineTestCase):
    """
    Ready is where a machine waits for its boot.
    """

    def why(self, done: Deferred[Any]) -> str:
        """
        Why something could not be done.
        """
        return str(self.failureResultOf(done, LifecycleError).getErrorMessage())

    def assertReady(self, done: Deferred[str]) -> None:
        """
        It is.
        """
        self.assertEqual(self.successResultOf(done), "zone ready")
        self.assertEqual(self.told(), [ZoneEvent.READIED])
        self.assertIs_(ZoneState.READY, "QEMU process 7: prelaunch")

    def test_ready(self) -> None:
        """
        A machine that QEMU was told not to let go is ready.
        """
        self.ready("prelaunch")
        self.assertEqual(
            self.successResultOf(self.zone.ready()), "zone is already ready"
        )

    def test_outlived(self) -> None:
        """
        One that has ended, and that QEMU has outlived, can be made ready.
        """
        self.runs()
        self.happens("SHUTDOWN", "guest-shutdown")
        self.zone.consoleLost("x")
        self.told()
        done = self.zone.ready()
        self.answers("system_reset")
        self.assertNoResult(done)
        self.happens("RESET", _RESET)
        self.assertReady(done)

    def test_running(self) -> None:
        """
        One that runs is ended and held, as on illumos; what it had not read is not for
        the next life.  Whoever asks meanwhile is answered with it.
        """
        self.runs()
        down = self.zone.shutdown()
        self.answers("system_powerdown")
        self.happens("POWERDOWN")
        asked = [self.zone.ready(), self.zone.ready()]
        self.answers("stop")
        self.happens("STOP")
        self.answers("system_reset")
        self.assertEqual(self.events.unread, [])
        self.happens("RESET", _RESET)
        self.assertEqual(self.successResultOf(asked[1]), "zone ready")
        self.assertReady(asked[0])
        self.assertEqual(self.events.unread, [0])
        self.assertEqual(self.why(down), "zone was made ready anew")
        self.happens("RESET", _RESET)
        self.assertEqual(self.told(), [])
        self.zone.boot()
        self.answers("cont")
        self.clock.advance(100)
        self.happens("RESUME")
        self.assertEqual(self.told(), [ZoneEvent.BOOTING])
        # The firmware's own reset belongs to that.
        self.clock.advance(1)
        self.happens("RESET", "guest-reset")
        self.assertEqual(self.told(), [])
        self.clock.advance(1)
        self.happens("RESET", "guest-reset")
        self.assertEqual(self.told(), [ZoneEvent.REBOOTING])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_refused(self) -> None:
        """
        What QEMU does not do is told, and nothing is waited for any more.
        """
        self.runs()
        for refused in ("stop", "system_reset"):
            done = self.zone.ready()
            if refused != "stop":
                self.answers("stop")
            self.refuses(refused)
            self.assertEqual(self.why(done), "QEMU: no")
        # Somebody else's reset is a reboot.
        self.happens("RESET", _RESET)
        self.assertEqual(self.told(), [ZoneEvent.REBOOTING])

    def test_ends(self) -> None:
        """
        Where QEMU takes a reset for the end, it has halted, and that is told.
        """
        self.runs()
        done = self.zone.ready()
        self.answers("stop")
        self.happens("SHUTDOWN", _RESET)
        self.answers("system_reset")
        self.assertEqual(
            self.why(self.zone.ready()),
            "ready operation is invalid for zones in state 'down': try again in a"
            " moment",
        )
        self.zone.consoleLost("x")
        self.assertEqual(self.why(done), "zone was halted")
        self.assertEqual(self.told(), [ZoneEvent.HALTED])

    def test_halting(self) -> None:
        """
        A machine that is being halted is not made ready, and who waits is told when the
        server stops.
        """
        self.runs()
        halted = self.zone.halt()
        self.assertEqual(
            self.why(self.zone.ready()),
            "ready operation is invalid for zones in state 'running': try again in a"
            " moment",
        )
        self.refuses("system_powerdown")
        self.why(halted)
        done = self.zone.ready()
        self.zone.disconnect()
        self.assertEqual(self.why(done), "the server stops")
