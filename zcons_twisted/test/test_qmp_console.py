# -*- test-case-name: zcons_twisted.test.test_qmp_console -*-
"""
Tests for L{zcons_twisted.drivers.qmp_console}.
"""

from __future__ import annotations

from ..events import ZoneEvent
from ..notices import UNKNOWN_TEXT
from .machine_case import MachineTestCase

BOOTING = ZoneEvent.BOOTING
READIED = ZoneEvent.READIED


class UnheardTests(MachineTestCase):
    """
    What a machine prints before its console is connected is lost, and that is told.
    """

    def lateConnection(self) -> None:
        """
        The console is connected now, and that is told.
        """
        self.zone.consoleOpened(None)
        self.assertEqual(self.events.events, [(ZoneEvent.CONNECTED, UNKNOWN_TEXT)])
        self.told()

    def test_seenToBegin(self) -> None:
        """
        It began before that.
        """
        self.zone.qmpLost("Connection refused", True)
        self.ready()
        self.assertEqual(self.told(), [BOOTING])
        self.lateConnection()

    def test_resumed(self) -> None:
        """
        Somebody let it go before that.
        """
        self.ready("prelaunch")
        self.happens("RESUME")
        self.assertEqual(self.told(), [READIED, BOOTING])
        self.lateConnection()

    def test_found(self) -> None:
        """
        It ran before anybody looked, whichever is connected first.
        """
        self.ready()
        self.assertEqual(self.told(), [])
        self.lateConnection()

    def test_foundAfterwards(self) -> None:
        """
        QEMU may tell so when its console is connected already.
        """
        self.zone.consoleOpened(None)
        self.assertEqual(self.told(), [])
        self.ready()
        self.assertEqual(self.events.events, [(ZoneEvent.CONNECTED, UNKNOWN_TEXT)])

    def test_foundConnected(self) -> None:
        """
        One whose console an earlier server had connected was heard all the time.
        """
        self.zone.consoleOpened(None, True)
        self.ready()
        self.assertEqual(self.told(), [])

    def test_heard(self) -> None:
        """
        So was one whose console was connected when it began, and what is over is over.
        """
        self.zone.qmpLost("Connection refused", True)
        self.zone.consoleOpened(None)
        self.ready()
        self.assertEqual(self.told(), [BOOTING])
        self.zone.consoleLost("x")
        self.zone.qmpLost("Connection refused", True)
        self.ready()
        self.happens("SHUTDOWN", "guest-shutdown")
        self.ready("prelaunch")
        self.told()
        self.zone.consoleOpened(None)
        self.assertEqual(self.told(), [])

    def test_atOnce(self) -> None:
        """
        As soon as QEMU is there its console is connected to.
        """
        self.zone.qmpReady(7)
        self.assertEqual(self.line.opens, 1)
        self.zone.consoleOpened(None)
        self.zone.qmpReady(7)
        self.assertEqual(self.line.opens, 1)
