# -*- test-case-name: zcons_twisted.test.test_laps -*-
"""
Tests for L{zcons_twisted.laps}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from zope.interface import implementer
from zope.interface.verify import verifyObject

from ..backoff import BackOff
from ..console import Console, OnHalt
from ..errors import DeviceError
from ..events import ZoneState
from ..interfaces import IConnectingDriver, IDeviceReceiver
from ..laps import FIRST_WAIT, LONGEST_WAIT, NEAR_WAIT, Laps
from ..testing import MemoryDevice, MemoryDriver
from .console_case import ConsoleTestCase
from .support import makeHistory


class Remembering:
    """
    A log that remembers the reasons it is given.
    """

    def __init__(self, reasons: list[object]) -> None:
        self._reasons = reasons

    def error(self, text: str, **values: object) -> None:
        """
        Something went wrong.
        """
        self._reasons.append(values["reason"])


class LapsTests(ConsoleTestCase):
    """
    A device that fails, or that can't be opened, is opened again.
    """

    def setUp(self) -> None:
        """
        Waits of 1, 2, 4 and then always 8 seconds.
        """
        super().setUp()
        self.laps.end()
        self.driver.devices.clear()
        self.laps = Laps(
            self.reactor, self.driver, self.console, None, BackOff(1, 8, lambda: 0.0)
        )

    def waits(self) -> list[float]:
        """
        @return: how long until the next tries.
        """
        now = self.reactor.seconds()
        return [call.getTime() - now for call in self.reactor.getDelayedCalls()]

    def test_interface(self) -> None:
        """
        Laps hear of what a device does.
        """
        verifyObject(IDeviceReceiver, self.laps)

    def test_limits(self) -> None:
        """
        The first wait is a tenth of a second and the longest half a minute, or a second
        where a try costs next to nothing.
        """
        self.assertEqual((FIRST_WAIT, NEAR_WAIT, LONGEST_WAIT), (0.1, 1.0, 30.0))

    def test_begin(self) -> None:
        """
        The device is opened and read, and the state says so.
        """
        self.assertEqual(self.laps.deviceState, "not open yet")
        self.laps.begin()
        self.assertEqual(self.laps.deviceState, "open")
        self.assertTrue(self.device.reading)
        self.assertEqual(self.waits(), [])

    def test_cantBeOpened(self) -> None:
        """
        A device that somebody else has is tried again, less and less often, and the
        state says why it is not open.
        """
        self.driver.refusals = ["in use"] * 6
        self.laps.begin()
        waits = []
        while self.waits():
            waits += self.waits()
            self.assertEqual(self.laps.deviceState, "in use; trying again")
            self.reactor.advance(waits[-1])
        self.assertEqual(waits, [1, 2, 4, 8, 8, 8])
        self.assertEqual(self.laps.deviceState, "open")

    def test_loggedOnce(self) -> None:
        """
        Why it can't be opened is logged once, and again when that changes.
        """
        logged: list[object] = []
        self.patch(self.laps, "_log", Remembering(logged))
        self.driver.refusals = ["in use", "in use", "gone", "in use"]
        self.laps.begin()
        self.reactor.pump([1, 2, 4])
        self.assertEqual(logged, ["in use", "gone", "in use"])

    def test_takesTime(self) -> None:
        """
        A device that takes its time is waited for.
        """
        opening = self.driver.opening = Deferred()
        self.laps.begin()
        self.assertEqual(self.laps.deviceState, "opening")
        self.reactor.advance(1000)
        self.assertEqual(self.laps.deviceState, "opening")
        device = MemoryDevice(self.laps)
        opening.callback(device)
        self.assertEqual(self.laps.deviceState, "open")
        self.assertTrue(device.reading)
        self.assertIs(self.console.device, device)
        self.laps.end()
        self.assertTrue(device.closed)

    def test_takesTimeAndFails(self) -> None:
        """
        One that can't be opened after all is tried again.
        """
        opening = self.driver.opening = Deferred()
        self.laps.begin()
        opening.errback(DeviceError("no answer"))
        self.assertEqual(self.laps.deviceState, "no answer; trying again")
        self.assertEqual(self.waits(), [1])
        self.reactor.advance(1)
        self.assertEqual(self.laps.deviceState, "open")

    def test_takesTimeAndBreaks(self) -> None:
        """
        A driver that fails in a way that it should not is tried again as well, and
        what happened is in the log.
        """
        opening = self.driver.opening = Deferred()
        self.laps.begin()
        opening.errback(ZeroDivisionError("oops"))
        self.assertEqual(self.laps.deviceState, "oops; trying again")
        self.assertEqual(self.waits(), [1])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_endWhileOpening(self) -> None:
        """
        At the end nobody waits for it.
        """
        cancelled: list[object] = []
        self.driver.opening = Deferred(cancelled.append)
        self.laps.begin()
        self.laps.end()
        self.assertEqual(len(cancelled), 1)
        self.assertEqual((self.laps.deviceState, self.waits()), ("closed", []))

    def test_endsNothing(self) -> None:
        """
        A device that can't be opened ends neither a session nor a console.
        """
        self.console.onHalt = OnHalt.EXIT
        self.states.current = ZoneState.INSTALLED
        self.driver.refusals = ["in use"]
        self.laps.begin()
        self.assertEqual(self.deaths, 0)

    def test_lost(self) -> None:
        """
        A device that failed is closed, and opened again after a wait.
        """
        self.laps.begin()
        lost = self.device
        lost.fail("hung up")
        self.assertTrue(lost.closed)
        self.assertEqual(self.laps.deviceState, "hung up; trying again")
        self.assertEqual(self.waits(), [1])
        self.reactor.advance(1)
        self.assertIsNot(self.device, lost)
        self.assertEqual((self.laps.deviceState, self.waits()), ("open", []))

    def test_lostAgain(self) -> None:
        """
        A device that fails soon again is tried less and less often.
        """
        self.laps.begin()
        for wait in (1, 2, 4):
            self.reactor.advance(9.5)
            self.device.fail()
            self.assertEqual(self.waits(), [wait])
            self.reactor.advance(wait)

    def test_steady(self) -> None:
        """
        A device that has held for ten seconds is tried soon again.
        """
        self.laps.begin()
        self.device.fail()
        self.reactor.advance(1)
        self.reactor.advance(10)
        self.device.fail()
        self.assertEqual(self.waits(), [1])

    def test_end(self) -> None:
        """
        At the end the device is closed and nothing is tried any more.
        """
        self.laps.begin()
        self.laps.end()
        self.assertTrue(self.device.closed)
        self.assertEqual((self.laps.deviceState, self.waits()), ("closed", []))

    def test_endWhileWaiting(self) -> None:
        """
        The end comes between two tries as well, and may be said twice.
        """
        self.laps.begin()
        self.device.fail()
        self.laps.end()
        self.laps.end()
        self.assertEqual((self.laps.deviceState, self.waits()), ("closed", []))

    def test_consoleEndsWithTheDevice(self) -> None:
        """
        A console that takes everything down when its device fails leaves no try
        behind.
        """
        console = Console(
            "z",
            self.states,
            OnHalt.EXIT,
            self.reactor.seconds,
            self.end,
            makeHistory(),
            self.reactor,
        )
        self.states.current = ZoneState.INSTALLED
        self.laps = Laps(self.reactor, self.driver, console)
        self.laps.begin()
        self.device.fail()
        self.assertEqual((self.laps.deviceState, self.waits()), ("closed", []))

    def end(self) -> None:
        """
        No more laps.
        """
        self.laps.end()

    def test_ownWaits(self) -> None:
        """
        Left alone, the first wait is about a tenth of a second.
        """
        laps = Laps(self.reactor, self.driver, self.console)
        self.driver.refusals = [str(DeviceError("in use"))]
        laps.begin()
        (wait,) = self.waits()
        self.assertTrue(0.075 <= wait <= 0.1)
        laps.end()
        self.assertEqual(self.waits(), [])

    def test_near(self) -> None:
        """
        A device that is near is tried each second at least.
        """
        near = NearDriver()
        near.refusals = ["gone"] * 8
        self.laps = Laps(self.reactor, near, self.console)
        self.laps.begin()
        for _ in range(7):
            (wait,) = self.waits()
            self.reactor.advance(wait)
        (wait,) = self.waits()
        self.assertTrue(0.75 <= wait <= 1.0)
        near.near = False
        near.refusals = ["gone"] * 20
        self.laps.end()
        self.laps = Laps(self.reactor, near, self.console)
        self.laps.begin()
        for _ in range(19):
            (wait,) = self.waits()
            self.reactor.advance(wait)
        self.assertTrue(22.5 <= wait <= 30.0)
        self.laps.end()

    def test_available(self) -> None:
        """
        When it is known that the device could be opened it is tried at once, and soon
        again if that was too early.
        """
        self.driver.refusals = ["gone"] * 4
        self.laps.begin()
        self.reactor.pump([1, 2])
        self.assertEqual(self.waits(), [4])
        self.laps.available()
        self.laps.available()
        self.reactor.advance(0.01)
        self.assertEqual(self.waits(), [1])
        self.reactor.advance(1)
        self.assertEqual(self.laps.deviceState, "open")

    def test_availableAllTheTime(self) -> None:
        """
        Nobody makes it try without a pause, or keeps it from trying.
        """
        self.driver.refusals = ["gone"] * 9
        self.laps.begin()
        for _ in range(8):
            for _ in range(3):
                self.laps.available()
                self.reactor.advance(0.004)
        self.assertEqual(len(self.driver.refusals), 0)

    def test_availableAlready(self) -> None:
        """
        One that is open is left alone.
        """
        self.laps.begin()
        device = self.device
        self.laps.available()
        self.reactor.advance(1)
        self.assertIs(self.device, device)
        self.assertEqual(self.waits(), [])


@implementer(IConnectingDriver)
class NearDriver(MemoryDriver):
    """
    A driver that connects to something.
    """

    near = True

    def prepare(self, arrivals: object, past: bool) -> None:
        """
        See L{IConnectingDriver}.
        """
