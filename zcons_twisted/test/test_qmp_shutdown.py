# -*- test-case-name: zcons_twisted.test.test_qmp_shutdown -*-
"""
Tests for L{zcons_twisted.drivers.qmp_zone}: machines that are asked to power down.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from ..errors import LifecycleError
from ..events import ZoneEvent, ZoneState
from .machine_case import MachineTestCase


class QmpShutdownTests(MachineTestCase):
    """
    What a machine is asked, and when it can't be.
    """

    def why(self, done: Deferred[str]) -> str:
        """
        @return: why something was not done.
        """
        return str(self.failureResultOf(done, LifecycleError).getErrorMessage())

    # Shutting down.

    def test_shutdown(self) -> None:
        """
        The power button is pressed, and the machine waited for: it is not ended.
        """
        self.runs()
        done = self.zone.shutdown()
        self.answers("system_powerdown")
        self.clock.advance(59.9)
        self.assertEqual(self.names(), [])
        self.assertEqual(self.told(), [])
        self.happens("POWERDOWN")
        self.assertIs(self.zone.state(), ZoneState.SHUTTING_DOWN)
        self.happens("SHUTDOWN", "guest-shutdown")
        late = self.zone.shutdown()
        self.assertNoResult(done)
        self.zone.consoleLost("x")
        for each in (done, late):
            self.assertEqual(self.successResultOf(each), "zone halted")
        self.assertEqual(self.told(), [ZoneEvent.HALTED])
        self.assertEqual((self.names(), self.clock.getDelayedCalls()), ([], []))

    def test_shutdownDeaf(self) -> None:
        """
        A machine that does not power down runs on.
        """
        self.runs()
        done = self.zone.shutdown()
        self.answers("system_powerdown")
        self.clock.advance(60.1)
        self.assertIn("did not go down within 60 s", self.why(done))
        self.clock.advance(1000)
        self.assertEqual((self.names(), self.told()), ([], []))

    def test_shutdownRefused(self) -> None:
        """
        So does one that QEMU does not tell.
        """
        self.runs()
        done = self.zone.shutdown()
        self.refuses("system_powerdown")
        self.assertEqual(self.why(done), "QEMU: no")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_shutdownOtherwise(self) -> None:
        """
        What is not there or does not run can't be asked; one that is down is down.
        """
        self.assertEqual(
            self.successResultOf(self.zone.shutdown()), "zone is already halted"
        )
        self.ready("prelaunch")
        invalid = "shutdown operation is invalid for zones in state"
        self.assertEqual(self.why(self.zone.shutdown()), f"{invalid} 'ready': halt it")
        self.happens("RESUME")
        self.happens("STOP")
        self.assertEqual(
            self.why(self.zone.shutdown()), f"{invalid} 'running': halt it"
        )

    def test_shutdownRebooted(self) -> None:
        """
        One that is rebooted meanwhile does not go.
        """
        self.runs()
        done = self.zone.shutdown()
        self.answers("system_powerdown")
        self.zone.reboot()
        self.assertEqual(self.why(done), "zone was rebooted")
        waits = self.zone.shutdown()
        self.zone.disconnect()
        self.assertEqual(self.why(waits), "the server stops")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def powersDown(self) -> Deferred[str]:
        """
        It is asked to, and to be booted again; and it does.
        """
        self.runs()
        done = self.zone.shutdown(True)
        self.answers("system_powerdown")
        self.happens("SHUTDOWN", "guest-shutdown")
        self.clock.advance(1)
        self.assertEqual(self.told(), [ZoneEvent.HALTED])
        return done

    def test_reboot(self) -> None:
        """
        One that QEMU outlives can be booted again, by its own end.
        """
        done = self.powersDown()
        self.answers("system_reset")
        self.happens("RESET", "host-qmp-system-reset")
        self.answers("cont")
        self.happens("RESUME")
        self.assertEqual(self.successResultOf(done), "zone rebooted")
        self.assertEqual(self.told(), [ZoneEvent.READIED, ZoneEvent.BOOTING])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_rebootGone(self) -> None:
        """
        Else that is told.
        """
        done = self.powersDown()
        self.refuses("system_reset")
        self.assertEqual(
            self.why(done), "zone halted, and is not booted again: QEMU: no"
        )

    def test_rebootNot(self) -> None:
        """
        What can't be is refused before anything is done.
        """
        self.assertEqual(
            self.why(self.zone.shutdown(True)),
            "reboot operation is invalid for zones in state 'installed': boot it",
        )
        self.runs()
        self.assertIn("no boot arguments", self.why(self.zone.shutdown(True, "-s")))
        self.assertEqual(self.names(), [])
