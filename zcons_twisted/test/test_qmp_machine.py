# -*- test-case-name: zcons_twisted.test.test_qmp_machine -*-
"""
Tests for L{zcons_twisted.drivers.qmp_machine}.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from ..drivers.qmp_chardev import chardevOf
from ..drivers.qmp_machine import LAST_OUTPUT_SECONDS, RESET_SECONDS
from ..events import ZoneEvent, ZoneState
from ..interfaces import IZoneConnection, IZonePresence, IZoneStates
from .machine_case import MachineTestCase
from .support import shortDirectory

BOOTING = ZoneEvent.BOOTING
HALTED = ZoneEvent.HALTED
READIED = ZoneEvent.READIED
REBOOTING = ZoneEvent.REBOOTING


class StatusTests(MachineTestCase):
    """
    How a machine is when QEMU is asked.
    """

    def test_interface(self) -> None:
        """
        It knows the zone's state, which events from outside don't change.
        """
        for interface in (IZoneStates, IZonePresence, IZoneConnection):
            verifyObject(interface, self.zone)
        self.zone.posted(ZoneEvent.BOOTING)
        self.assertIs_(ZoneState.INSTALLED, "QEMU has not been seen yet")

    def test_runsAlready(self) -> None:
        """
        One that ran before the server did was not booted now.
        """
        self.ready()
        self.assertIs_(ZoneState.RUNNING, "QEMU process 7: running")
        self.assertEqual(self.told(), [])

    def test_startedLater(self) -> None:
        """
        One that was not there before was.
        """
        self.zone.qmpLost("Connection refused", True)
        self.assertIs_(ZoneState.INSTALLED, "QEMU has not been seen yet")
        self.ready()
        self.assertEqual(self.told(), [BOOTING])

    def test_prelaunch(self) -> None:
        """
        One that waits to be started is ready, and boots when it is.
        """
        self.ready("prelaunch")
        self.assertIs_(ZoneState.READY, "QEMU process 7: prelaunch")
        self.ready("prelaunch")
        self.happens("RESUME")
        self.assertIs_(ZoneState.RUNNING, "QEMU process 7: running")
        self.assertEqual(self.told(), [READIED, BOOTING])

    def test_resumedUnseen(self) -> None:
        """
        One that was started while nobody looked has booted.
        """
        self.ready("prelaunch")
        self.zone.qmpLost("x", False)
        self.ready()
        self.assertEqual(self.told(), [READIED, BOOTING])

    def test_paused(self) -> None:
        """
        One that is stopped runs as a zone, and is told to be stopped.
        """
        self.ready()
        self.happens("STOP")
        self.assertIs_(ZoneState.RUNNING, "QEMU process 7: paused")
        self.happens("RESUME")
        self.assertIs_(ZoneState.RUNNING, "QEMU process 7: running")
        self.ready("paused")
        self.assertIs_(ZoneState.RUNNING, "QEMU process 7: paused")
        self.assertEqual(self.told(), [])

    def test_shutdown(self) -> None:
        """
        One that has shut down while nobody looked has halted.
        """
        self.ready("shutdown")
        self.assertEqual(self.told(), [])
        self.ready()
        self.told()
        self.ready("shutdown")
        self.assertEqual(self.told(), [HALTED])
        self.assertIs_(ZoneState.INSTALLED, "ended: shutdown")

    def test_presence(self) -> None:
        """
        Nobody has to know QMP to type; but who is connected to a machine that has ended
        types into nothing, until it starts again or the next one is connected to.
        """
        self.assertEqual((self.zone.present(), self.zone.connected()), (True, False))
        self.runs()
        self.assertEqual((self.zone.present(), self.zone.connected()), (True, True))
        self.happens("SHUTDOWN", "guest-shutdown")
        self.assertFalse(self.zone.present())
        self.clock.advance(LAST_OUTPUT_SECONDS)
        self.assertFalse(self.zone.present())
        self.happens("RESET", "host-qmp-system-reset")
        self.assertTrue(self.zone.present())
        self.zone.consoleLost("x")
        self.zone.qmpLost("Connection refused", True)
        self.assertEqual((self.zone.present(), self.zone.connected()), (False, False))
        # QMP takes its time to be connected to again.
        self.zone.consoleOpened(UNIXAddress(b"/console"))
        self.assertEqual((self.zone.present(), self.zone.connected()), (True, True))

    def test_lifeEnded(self) -> None:
        """
        What was typed at a machine and not taken is not for the next.
        """
        self.runs()
        self.happens("SHUTDOWN", "guest-shutdown")
        self.assertEqual(self.events.unread, [])
        self.clock.advance(LAST_OUTPUT_SECONDS)
        self.assertEqual(self.events.unread, [0])

    def test_another(self) -> None:
        """
        Another process behind the same socket is another machine.
        """
        self.ready(pid=7)
        self.ready(pid=8)
        self.assertEqual(self.told(), [HALTED, BOOTING])
        self.assertIs_(ZoneState.RUNNING, "QEMU process 8: running")

    def test_anotherWhileEnding(self) -> None:
        """
        The end of the one before it is told first.
        """
        self.runs()
        self.happens("SHUTDOWN", "guest-shutdown")
        self.ready(pid=8)
        self.assertEqual(self.told(), [HALTED, BOOTING])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_hostile(self) -> None:
        """
        A QEMU that says nonsense changes nothing, and what it says is told plainly.
        """
        nonsense: list[Any] = [None, [], {"status": 1}]
        for said in nonsense:
            self.zone.qmpReady(7)
            self.answers("query-status", said)
        self.assertEqual(self.told(), [])
        self.zone.qmpReady(7)
        self.refuses("query-status")
        self.ready("\r\n[NOTICE: x]" + "y" * 100)
        self.assertEqual(
            self.zone.account, "QEMU process 7: \\x0d\\x0a[NOTICE: x]" + "y" * 41
        )

    def test_unknownProcess(self) -> None:
        """
        Where the kernel does not tell whose socket it is, nothing is made of that.
        """
        self.ready(pid=0)
        self.assertIs_(ZoneState.RUNNING, "QEMU: running")

    def test_disconnect(self) -> None:
        """
        In the end nothing is looked after and nothing is left to do.
        """
        self.runs()
        self.zone.consoleLost("x")
        self.zone.disconnect()
        self.zone.disconnect()
        self.assertFalse(self.client.running)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class HappeningTests(MachineTestCase):
    """
    What happens to a machine.
    """

    def setUp(self) -> None:
        """
        It runs.
        """
        super().setUp()
        self.runs()

    def test_drains(self) -> None:
        """
        What the machine has printed comes before what happened; what does not matter
        costs nothing.
        """
        self.happens("RESET", "guest-reset")
        self.assertEqual(self.line.drains, 1)
        self.happens("NIC_RX_FILTER_CHANGED")
        self.assertEqual(self.line.drains, 1)

    def test_reboot(self) -> None:
        """
        Resets within two seconds are one reboot.
        """
        self.assertEqual(RESET_SECONDS, 2.0)
        for seconds in (0, 0.1, 1.8):
            self.clock.advance(seconds)
            self.happens("RESET", "guest-reset")
        self.assertEqual(self.told(), [REBOOTING])
        self.clock.advance(0.1)
        self.happens("RESET", "host-qmp-system-reset")
        self.assertEqual(self.told(), [REBOOTING])

    def test_noReboot(self) -> None:
        """
        A part of a machine that is reset is no machine.
        """
        self.happens("RESET", "subsystem-reset")
        self.assertEqual(self.told(), [])

    def test_powerdown(self) -> None:
        """
        A machine whose power button was pressed shuts down, unless it boots again.
        """
        self.happens("POWERDOWN")
        self.assertIs_(ZoneState.SHUTTING_DOWN, "QEMU process 7: asked to power down")
        self.happens("RESET", "guest-reset")
        self.assertEqual(self.zone.state(), ZoneState.RUNNING)

    def test_shutdown(self) -> None:
        """
        A machine's end is told when its console has ended too.
        """
        self.happens("SHUTDOWN", "guest-shutdown")
        self.assertIs_(ZoneState.DOWN, "ended: guest-shutdown")
        self.happens("SHUTDOWN", "host-signal")
        self.assertEqual(self.told(), [])
        self.zone.consoleLost("closed by the other side")
        self.assertIs_(ZoneState.INSTALLED, "ended: guest-shutdown")
        self.assertEqual(self.told(), [HALTED])
        self.zone.qmpLost("closed by the other side", False)
        self.zone.qmpLost("Connection refused", True)
        self.assertIs_(ZoneState.INSTALLED, "ended: guest-shutdown")
        self.assertEqual((self.told(), self.clock.getDelayedCalls()), ([], []))

    def test_shutdownAlone(self) -> None:
        """
        Or a second later, where QEMU stays.
        """
        self.assertEqual(LAST_OUTPUT_SECONDS, 1.0)
        self.happens("SHUTDOWN", "guest-shutdown")
        self.clock.advance(0.9)
        self.assertEqual(self.told(), [])
        self.clock.advance(0.1)
        self.assertEqual(self.told(), [HALTED])
        self.happens("RESET", "host-qmp-system-reset")
        self.happens("RESUME")
        self.assertEqual(self.told(), [READIED, BOOTING])

    def test_againAtOnce(self) -> None:
        """
        A QEMU that stays and starts the machine anew within that second tells the end
        first.
        """
        self.happens("SHUTDOWN", "guest-shutdown")
        self.happens("RESET", "host-qmp-system-reset")
        self.happens("RESUME")
        self.assertEqual(self.told(), [HALTED, READIED, BOOTING])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_reasons(self) -> None:
        """
        Reasons are told plainly, even strange ones.
        """
        for reason, told in (
            ("host-signal", "host-signal"),
            ("\x1b[2J" + "x" * 100, "\\x1b[2J" + "x" * 53),
        ):
            self.ready()
            self.happens("SHUTDOWN", reason)
            self.assertEqual(self.zone.account, f"ended: {told}")
        self.ready()
        self.happens("SHUTDOWN")
        self.assertEqual(self.zone.account, "ended: shut down")

    def test_panicked(self) -> None:
        """
        A guest that panicked is told, and is as alive as QEMU says.
        """
        self.happens("GUEST_PANICKED")
        self.assertIs_(ZoneState.RUNNING, "QEMU process 7: the guest panicked")

    def test_gone(self) -> None:
        """
        A QEMU that was killed has said nothing, but nobody listens any more.
        """
        self.zone.consoleLost("closed by the other side")
        self.zone.qmpLost("closed by the other side", False)
        self.assertIs_(ZoneState.RUNNING, "QMP: closed by the other side")
        self.zone.qmpLost("Connection refused", True)
        self.assertIs_(ZoneState.INSTALLED, "ended: QEMU has gone")
        self.assertEqual(self.told(), [HALTED])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_disconnected(self) -> None:
        """
        A console that is lost while the machine goes on is told, but not before QEMU
        has had a second to say more; and so is its return.
        """
        self.zone.consoleLost("closed by the other side")
        self.clock.advance(0.9)
        self.assertEqual(self.told(), [])
        self.clock.advance(0.1)
        self.assertEqual(
            self.events.events,
            [(ZoneEvent.DISCONNECTED, "closed by the other side")],
        )
        self.told()
        self.zone.consoleFailed()
        self.zone.consoleOpened(None)
        self.zone.consoleOpened(None)
        self.assertEqual(self.told(), [ZoneEvent.CONNECTED])

    def test_disconnectedShortly(self) -> None:
        """
        One that is there again within that second is told as well, for what was printed
        in between is lost; the end of a machine is not told twice.
        """
        self.zone.consoleLost("x")
        self.zone.consoleOpened(None)
        self.assertEqual(self.told(), [ZoneEvent.DISCONNECTED, ZoneEvent.CONNECTED])
        self.zone.consoleLost("x")
        self.happens("SHUTDOWN", "guest-shutdown")
        self.clock.advance(5)
        self.assertEqual(self.told(), [HALTED])

    def test_disconnectedUnsure(self) -> None:
        """
        Where QEMU is gone as well, it may be another one's console: that is told when
        QEMU has said which it is.
        """
        for pid, told in (
            (7, [ZoneEvent.DISCONNECTED, ZoneEvent.CONNECTED]),
            (8, [HALTED, BOOTING]),
        ):
            self.zone.consoleLost("x")
            self.client.connected = False
            self.zone.consoleOpened(None)
            self.clock.advance(5)
            self.assertEqual(self.told(), [])
            self.client.connected = True
            self.ready(pid=pid)
            self.assertEqual(self.told(), told)

    def test_closed(self) -> None:
        """
        That we close it is told while the machine runs, and not afterwards.
        """
        self.zone.consoleClosed("the server stops")
        self.assertEqual(
            self.events.events, [(ZoneEvent.DISCONNECTED, "the server stops")]
        )
        self.happens("SHUTDOWN", "guest-shutdown")
        self.told()
        self.zone.consoleClosed("the server stops")
        self.assertEqual(self.told(), [])


class ChardevTests(SynchronousTestCase):
    """
    Which of QEMU's character devices is the console?
    """

    def find(self, peer: object, *filenames: str) -> str | None:
        """
        @return: the index of the one that is found, as text.
        """
        told = [
            {"label": str(n), "filename": name, "frontend-open": True}
            for n, name in enumerate(filenames)
        ]
        names, found = chardevOf(told, peer)
        self.assertEqual(names, [str(n) for n in range(len(filenames))])
        return found

    def test_unix(self) -> None:
        """
        The one whose socket it is, whatever the path is called and whether somebody is
        connected.
        """
        directory = shortDirectory(self)
        path = os.path.join(directory, "s")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
        os.symlink(path, os.path.join(directory, "link"))
        peer = UNIXAddress(path.encode())
        for prefix in ("", "disconnected:"):
            for name in ("s", "link"):
                filename = f"{prefix}unix:{directory}/{name},server=on"
                self.assertEqual(self.find(peer, "vc", filename), "1")
        self.assertEqual(self.find(peer, f"unix:{directory}/other,server=on"), None)
        self.assertEqual(self.find(peer, f"pty:{path}"), None)

    def test_tcp(self) -> None:
        """
        The one of the same address and port.
        """
        v4 = IPv4Address("TCP", "127.0.0.1", 4000)
        for filename in (
            "tcp:127.0.0.1:4000,server=on <-> 127.0.0.1:5000",
            "disconnected:telnet:127.0.0.1:4000,server=on",
        ):
            self.assertEqual(self.find(v4, filename), "0")
        self.assertEqual(self.find(v4, "tcp:127.0.0.1:40001,server=on"), None)
        v6 = IPv6Address("TCP", "::1", 4000)
        self.assertEqual(self.find(v6, "vc", "tcp:[::1]:4000,server=on"), "1")

    def test_unknown(self) -> None:
        """
        A console of another kind is none of them.
        """
        self.assertEqual(self.find(None, "unix:/x,server=on"), None)
        self.assertEqual(self.find(UNIXAddress(None), "unix:/x"), None)

    def test_hostile(self) -> None:
        """
        Nonsense has no character devices.
        """
        peer = UNIXAddress(b"/x")
        nonsense: list[Any] = [None, {}, [1], [{"label": 1, "filename": "x"}], [{}]]
        for told in nonsense:
            self.assertEqual(chardevOf(told, peer), ([], None))
        nul: list[Any] = [{"label": "a", "filename": "unix:/\0"}]
        self.assertEqual(chardevOf(nul, peer), (["a"], None))
