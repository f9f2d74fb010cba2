# -*- test-case-name: zcons_twisted.test.test_qmp_zone -*-
"""
Tests for L{zcons_twisted.drivers.qmp_zone}.
"""

from __future__ import annotations

import os
import socket

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from ..drivers.qmp_zone import CONSOLE_SECONDS, QUIT_SECONDS
from ..errors import DeviceError, LifecycleError
from ..events import ZoneEvent, ZoneState
from ..interfaces import IAccountableLife, ILastingLife, IZoneReady, IZoneShutdown
from .machine_case import MachineTestCase
from .support import shortDirectory


class QmpZoneTests(MachineTestCase):
    """
    What is to become of a machine.
    """

    def why(self, done: Deferred[str]) -> str:
        """
        @return: why something was not done.
        """
        return str(self.failureResultOf(done, LifecycleError).getErrorMessage())

    def test_interface(self) -> None:
        """
        It is the life of a zone that lasts.
        """
        for interface in (ILastingLife, IZoneReady, IZoneShutdown):
            verifyObject(interface, self.zone)

    # Booting.

    def test_boot(self) -> None:
        """
        A machine that is ready is let go.
        """
        self.zone.consoleOpened(None)
        self.ready("prelaunch")
        done = self.zone.boot()
        self.assertNoResult(done)
        self.answers("cont")
        self.assertEqual(self.successResultOf(done), "zone booted")

    def test_bootPaused(self) -> None:
        """
        So is one that is stopped.
        """
        self.runs()
        self.happens("STOP")
        done = self.zone.boot()
        self.answers("cont")
        self.assertEqual(self.successResultOf(done), "zone booted")

    def test_bootUnheard(self) -> None:
        """
        What it prints first would be lost without its console, which is connected to at
        once, and waited for.
        """
        self.ready("prelaunch")
        opens = self.line.opens
        done, other = self.zone.boot(), self.zone.boot()
        self.assertEqual((self.names(), self.line.opens), ([], opens + 2))
        self.clock.advance(4.9)
        self.zone.consoleOpened(None)
        for each in (done, other):
            self.answers("cont")
            self.assertEqual(self.successResultOf(each), "zone booted")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_bootNeverHeard(self) -> None:
        """
        After five seconds it is not booted, and one line says why.
        """
        self.assertEqual(CONSOLE_SECONDS, 5.0)
        self.ready("prelaunch")
        done = self.zone.boot()
        self.clock.advance(4.9)
        self.assertNoResult(done)
        self.clock.advance(0.1)
        self.assertEqual(
            self.why(done),
            "zone is not booted: its console is not connected after 5 seconds: can't"
            " connect: Connection refused",
        )
        self.assertEqual(self.names(), [])
        self.zone.consoleOpened(None)
        self.assertEqual(self.names(), [])

    def test_bootAtTheEnd(self) -> None:
        """
        Nor is it when the server stops.
        """
        self.ready("prelaunch")
        done = self.zone.boot()
        self.zone.disconnect()
        self.assertEqual(self.why(done), "the server stops")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_bootBooted(self) -> None:
        """
        One that runs runs.
        """
        self.ready()
        self.assertEqual(
            self.successResultOf(self.zone.boot()), "zone is already booted"
        )

    def test_bootNothing(self) -> None:
        """
        Where there is no QEMU nothing can be booted.
        """
        self.client.connected = False
        self.assertEqual(self.why(self.zone.boot()), "QEMU can't be told to cont: gone")

    def test_bootArguments(self) -> None:
        """
        QEMU takes no boot arguments.
        """
        self.ready("prelaunch")
        for tell in (self.zone.boot, self.zone.reboot):
            self.assertEqual(
                self.why(tell("-s")), "QEMU takes no boot arguments: see its -append"
            )

    # Halting.

    def test_halt(self) -> None:
        """
        Halting presses the power button, and is done when the machine has ended.
        """
        self.runs()
        done, other = self.zone.halt(), self.zone.halt()
        self.answers("system_powerdown")
        self.happens("POWERDOWN")
        self.happens("SHUTDOWN", "guest-shutdown")
        late = self.zone.halt()
        self.assertNoResult(done)
        self.zone.consoleLost("x")
        for each in (done, other, late):
            self.assertEqual(self.successResultOf(each), "zone halted")
        self.assertEqual((self.names(), self.clock.getDelayedCalls()), ([], []))

    def test_haltFor(self) -> None:
        """
        Who has pressed it is told, with what came of that.
        """
        verifyObject(IAccountableLife, self.zone)
        self.runs()
        self.zone.haltFor("root")
        self.answers("system_powerdown")
        self.happens("SHUTDOWN", "guest-shutdown")
        self.zone.consoleLost("x")
        self.assertEqual(self.zone.account, "ended: halted by root, guest-shutdown")
        self.assertEqual(
            self.events.events.pop(),
            (ZoneEvent.HALTED, "asked for by root, guest-shutdown"),
        )
        self.zone.consoleOpened(UNIXAddress(b"/console"))
        self.ready()
        self.happens("SHUTDOWN", "guest-shutdown")
        self.zone.consoleLost("x")
        self.assertEqual(self.zone.account, "ended: guest-shutdown")
        self.assertEqual(self.events.events.pop(), (ZoneEvent.HALTED, "guest-shutdown"))

    def test_haltForNothing(self) -> None:
        """
        A halt that came to nothing is none that anybody had asked for.
        """
        for fails in (lambda: self.refuses("system_powerdown"), self.never):
            self.client.told.clear()
            self.runs()
            self.zone.haltFor("root").addErrback(lambda _: None)
            fails()
            self.happens("SHUTDOWN", "host-signal")
            self.zone.consoleLost("x")
            self.assertEqual(self.zone.account, "ended: host-signal")

    def never(self) -> None:
        """
        QEMU neither powers the machine down nor ends.
        """
        self.answers("system_powerdown")
        self.clock.advance(10)
        self.answers("quit")
        self.clock.advance(QUIT_SECONDS)

    def test_haltDeaf(self) -> None:
        """
        A machine that does not power down in time is ended.
        """
        self.runs()
        done = self.zone.halt()
        self.answers("system_powerdown")
        self.clock.advance(9.9)
        self.assertEqual(self.names(), [])
        self.clock.advance(0.1)
        self.answers("quit")
        self.happens("SHUTDOWN", "host-qmp-quit")
        self.zone.consoleLost("x")
        self.assertEqual(self.successResultOf(done), "zone halted")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_haltForGood(self) -> None:
        """
        A QEMU that does not even end is told of after ten seconds.
        """
        self.assertEqual(QUIT_SECONDS, 10.0)
        self.runs()
        done = self.zone.halt()
        self.answers("system_powerdown")
        self.clock.advance(10)
        self.clock.advance(9.9)
        self.assertNoResult(done)
        self.clock.advance(0.2)
        self.assertEqual(self.why(done), "QEMU did not end in 10 seconds")

    def test_haltUnstarted(self) -> None:
        """
        A machine that would not hear of its power button is ended at once; QEMU may be
        gone before it has answered.
        """
        for state in ("prelaunch", "paused"):
            self.ready(state)
            done = self.zone.halt()
            self.refuses("quit")
            self.happens("SHUTDOWN", "host-qmp-quit")
            self.assertEqual(self.successResultOf(done), "zone halted")

    def test_haltHalted(self) -> None:
        """
        One that does not run does not.
        """
        self.assertEqual(
            self.successResultOf(self.zone.halt()), "zone is already halted"
        )

    def test_haltFails(self) -> None:
        """
        What QEMU refuses is told, and leaves nothing behind.
        """
        self.runs()
        done = self.zone.halt()
        self.refuses("system_powerdown")
        self.assertEqual(self.why(done), "QEMU: no")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_haltRaces(self) -> None:
        """
        A machine that has ended before QEMU could answer has ended.
        """
        self.runs()
        done = self.zone.halt()
        self.happens("SHUTDOWN", "guest-shutdown")
        self.refuses("system_powerdown")
        self.clock.advance(1)
        self.assertEqual(self.successResultOf(done), "zone halted")

    def test_haltAndStop(self) -> None:
        """
        A server that stops waits for no machine.
        """
        self.runs()
        done = self.zone.halt()
        self.zone.disconnect()
        self.assertEqual(self.why(done), "the server stops")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    # Rebooting.

    def test_reboot(self) -> None:
        """
        Rebooting is a reset.
        """
        self.ready()
        done = self.zone.reboot()
        self.answers("system_reset")
        self.assertEqual(self.successResultOf(done), "zone rebooted")

    def test_rebootPaused(self) -> None:
        """
        One that is stopped is let go as well.
        """
        self.ready("paused")
        done = self.zone.reboot()
        self.answers("system_reset")
        self.assertNoResult(done)
        self.answers("cont")
        self.assertEqual(self.successResultOf(done), "zone rebooted")

    def test_rebootNothing(self) -> None:
        """
        What does not run is not rebooted.
        """
        self.assertEqual(
            self.why(self.zone.reboot()),
            "reboot operation is invalid for zones in state 'installed': boot it",
        )

    # A break.

    def test_break(self) -> None:
        """
        A break goes to the character device that was named.
        """
        self.ready()
        self.zone.sendBreak(self.over)
        self.assertEqual(self.overs, 0)
        self.assertEqual(self.answers("chardev-send-break"), {"id": "con"})
        self.assertEqual(self.overs, 1)

    def test_breakRefused(self) -> None:
        """
        That QEMU does not send it comes too late for anything but the log.
        """
        self.ready()
        self.zone.sendBreak(self.over)
        self.refuses("chardev-send-break")
        self.assertEqual(self.overs, 1)

    def test_noQemu(self) -> None:
        """
        Without QEMU there is none.
        """
        self.client.connected = False
        error = self.assertRaises(DeviceError, self.zone.sendBreak, self.over)
        self.assertEqual(str(error), "QEMU can't be told to chardev-send-break: gone")
        self.zone.disconnect()
        error = self.assertRaises(DeviceError, self.zone.sendBreak, self.over)
        self.assertEqual(str(error), "QEMU is not looked after")


class FindingTests(MachineTestCase):
    """
    The console's character device is found by its socket.
    """

    chardev = ""

    def setUp(self) -> None:
        """
        There is a socket.
        """
        super().setUp()
        self.path = os.path.join(shortDirectory(self), "s")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(self.path)
        self.chardevs = [
            {"label": "compat_monitor0", "filename": "unix:/q,server=on"},
            {"label": "con", "filename": f"unix:{self.path},server=on"},
        ]

    def test_found(self) -> None:
        """
        Whichever comes first, the console or QMP.
        """
        self.zone.consoleOpened(UNIXAddress(self.path.encode()))
        self.ready()
        self.answers("query-chardev", self.chardevs)
        self.zone.sendBreak(self.over)
        self.assertEqual(self.answers("chardev-send-break"), {"id": "con"})

    def test_foundLate(self) -> None:
        """
        The other way round.
        """
        self.ready()
        self.answers("query-chardev", self.chardevs)
        self.zone.consoleOpened(UNIXAddress(self.path.encode()))
        self.answers("query-chardev", self.chardevs)
        self.zone.sendBreak(self.over)
        self.assertEqual(self.names(), ["chardev-send-break"])

    def test_notFound(self) -> None:
        """
        What can't be found is to be named.
        """
        error = self.assertRaises(DeviceError, self.zone.sendBreak, self.over)
        self.assertEqual(
            str(error),
            "a break can't be sent: QEMU has not told of its character devices yet",
        )
        self.ready()
        self.answers("query-chardev", self.chardevs)
        error = self.assertRaises(DeviceError, self.zone.sendBreak, self.over)
        self.assertEqual(
            str(error),
            "a break can't be sent: none of QEMU's character devices is known to be the"
            " console: give --qmp-chardev and one of compat_monitor0, con",
        )
        self.assertEqual(self.zone.state(), ZoneState.RUNNING)
