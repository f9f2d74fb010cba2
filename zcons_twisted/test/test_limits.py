# -*- test-case-name: zcons_twisted.test.test_limits -*-
"""
Tests for limits as they are set, where the tests of a module set others of their own.

What is here is written with numbers: it is the other side of docs/limits.rst.
"""

from __future__ import annotations

import txaio.tx
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from ..answers import startOffset
from ..client.errors import HandshakeFailed
from ..client.greeting import StructuredHandshake
from ..client.handshake import Handshake
from ..client.inquiries import ORDERS
from ..client.session import ConsoleSession
from ..drivers.sweep import Sweep
from ..drivers.zone_process import ZoneProcess
from ..frames import Attach, FrameType
from ..handshakes import PendingHandshakes
from ..history import HISTORY_DEFAULT
from ..interfaces import DriverOptions
from ..laps import Laps
from ..locales import Language
from ..relay import Follower
from ..structured import FrameVoice
from ..tap import Options
from ..testing import MemoryEvents, MemoryLink, MemorySessions
from ..zone_config import ZoneConfig
from .console_case import ConsoleTestCase
from .session_case import FakeConnection
from .support import PlainVoice, framesOf, makeHistory
from .test_handshakes import Peer
from .zone_case import FakeDevice

KIB = 1024
MIB = 1024 * KIB


class HandshakeLimitTests(SynchronousTestCase):
    """
    How many may have said nothing yet.
    """

    def closed(self, uids: list[int]) -> int:
        """
        @return: how many are closed when peers of these users connect.
        """
        clock = Clock()
        pending = PendingHandshakes(clock)
        peers = [Peer(uid) for uid in uids]
        for peer in peers:
            pending.begin(peer)
        found = sum(bool(peer.why) for peer in peers)
        clock.advance(9.9)
        self.assertEqual(sum(bool(peer.why) for peer in peers), found)
        clock.advance(0.2)
        self.assertEqual(sum(bool(peer.why) for peer in peers), len(peers))
        return found

    def test_ofOneUser(self) -> None:
        """
        64 of one user.
        """
        self.assertEqual(self.closed([7] * 64), 0)
        self.assertEqual(self.closed([7] * 65), 1)

    def test_inAll(self) -> None:
        """
        256 in all.
        """
        self.assertEqual(self.closed([n // 60 for n in range(256)]), 0)
        self.assertEqual(self.closed([n // 60 for n in range(257)]), 1)


class OutputLimitTests(ConsoleTestCase):
    """
    How much a session gets at once.
    """

    ring = 16 * MIB

    def test_oneTurn(self) -> None:
        """
        256 KiB in one turn, and a piece more than that at the most.
        """
        history = makeHistory(MIB)
        history.append(bytes(MIB))
        link = MemoryLink()
        follower = Follower(link, history, PlainVoice(), print, 0)
        follower.behind = True
        follower.pump()
        self.assertGreaterEqual(len(link.received), 256 * KIB)
        self.assertLess(len(link.received), 256 * KIB + PlainVoice.pieceMax)
        self.assertTrue(link.wanted)

    def test_oneFrame(self) -> None:
        """
        32 KiB in one frame, with its offset before it.
        """
        history = makeHistory(MIB)
        history.append(bytes(200 * KIB))
        link = MemoryLink()
        voice = FrameVoice(Language(), False)
        follower = Follower(link, history, voice, lambda _: None, 0)
        follower.behind = True
        follower.pump()
        sizes = [
            len(frame.payload) - 8
            for frame in framesOf(link.received)
            if frame.type is FrameType.OUTPUT
        ]
        self.assertEqual(max(sizes), 32 * KIB)

    def test_lastLines(self) -> None:
        """
        4 MiB are looked through for the last lines.
        """
        history = self.console.history
        for _ in range(6):
            history.append(bytes(MIB))
        self.assertEqual(startOffset(history, Attach(start=("lines", 3))), 2 * MIB)


class WaitLimitTests(ConsoleTestCase):
    """
    How long is waited for another try.
    """

    def waits(self, times: int) -> list[float]:
        """
        The waits for a device that can't be opened.
        """
        driver = self.driver
        driver.refusals = ["no"] * times
        self.laps.end()
        laps = Laps(self.reactor, driver, self.console)
        laps.begin()
        found = []
        while driver.refusals:
            (call,) = self.reactor.getDelayedCalls()
            found.append(call.getTime() - self.reactor.seconds())
            self.reactor.advance(found[-1])
        laps.end()
        return found

    def test_device(self) -> None:
        """
        A tenth of a second at first, and 30 at the longest, less a quarter by chance.
        """
        waits = self.waits(20)
        self.assertTrue(0.075 <= waits[0] <= 0.1, waits)
        self.assertTrue(22.5 <= min(waits[-5:]) <= max(waits) <= 30, waits)

    def test_command(self) -> None:
        """
        A quarter of a second at first, and 30 at the longest, less a quarter by chance.
        """
        states = FakeDevice(), MemoryEvents()
        options = DriverOptions(("x",))
        process = ZoneProcess(self.reactor, "z", options, *states, {})
        waits = [process._backOff.wait() for _ in range(20)]
        self.assertTrue(0.1875 <= waits[0] <= 0.25, waits)
        self.assertTrue(22.5 <= min(waits[-5:]) <= max(waits) <= 30, waits)


class OptionLimitTests(SynchronousTestCase):
    """
    What may be asked for.
    """

    def parse(self, *options: str) -> Options:
        """
        The options of a zone.
        """
        parsed = Options()
        parsed.parseOptions(["--zone", "z", *options])
        return parsed

    def test_history(self) -> None:
        """
        64 KiB to 1 GiB of history, and 1 MiB where nothing is asked for.
        """
        for good in ("64K", "1G"):
            self.parse("--history", good)
        for bad in ("63K", "1025M"):
            self.assertRaises(SystemExit, self.parse, "--history", bad)
        self.assertEqual((ZoneConfig("z").history, HISTORY_DEFAULT), (MIB, MIB))

    def test_grace(self) -> None:
        """
        An hour of grace.
        """
        self.parse("--exec", "cat", "--grace", "3600")
        self.assertRaises(SystemExit, self.parse, "--exec", "cat", "--grace", "3601")


class ClientLimitTests(SynchronousTestCase):
    """
    How long a client waits, and how much it takes.
    """

    def test_answer(self) -> None:
        """
        64 KiB of answer.
        """
        self.assertIsNone(StructuredHandshake(Attach()).feed(b"x" * 64 * KIB))

    def test_handshake(self) -> None:
        """
        30 seconds for an answer to the first line.
        """
        clock = Clock()
        session = ConsoleSession(txaio.tx, clock.callLater, Handshake(7))
        seated = session.whenSeated()
        session.connected(FakeConnection())
        clock.advance(29.9)
        self.assertNoResult(seated)
        clock.advance(0.2)
        self.failureResultOf(seated, HandshakeFailed)

    def test_lifecycle(self) -> None:
        """
        Two minutes for a zone to boot or halt, and ten seconds for all else.
        """
        seconds = {name: most for name, (_, most) in ORDERS.items()}
        self.assertEqual(
            seconds,
            {
                **{
                    "event": 10,
                    "ready": 120,
                    "boot": 120,
                    "halt": 120,
                    "shutdown": 120,
                    "reboot": 120,
                },
                **{"break": 10, "detach": 10, "restart": 10},
            },
        )


class KillLimitTests(SynchronousTestCase):
    """
    How long is waited for what can't be killed.
    """

    def test_seconds(self) -> None:
        """
        Five seconds.
        """
        clock = Clock()
        sessions = MemorySessions()
        sessions.left[100] = [101]
        sweep = Sweep(clock, "z", FakeDevice(), sessions)
        sweep.began(100)
        ended: list[float] = []
        sweep.begin(0.0, lambda: ended.append(clock.seconds()))
        sweep.reaped()
        clock.pump([0.01] * 600)
        self.assertTrue(5.0 <= ended[0] <= 5.5, ended)

    def test_looks(self) -> None:
        """
        Fifty looks for what is printed and printed.
        """
        clock = Clock()
        device = FakeDevice()
        device.printed = [1] * 1000
        sweep = Sweep(clock, "z", device, MemorySessions())
        sweep.began(100)
        ended: list[float] = []
        sweep.begin(0.0, lambda: ended.append(clock.seconds()))
        sweep.reaped()
        clock.pump([0.01] * 600)
        self.assertEqual(len(ended), 1)
        self.assertTrue(49 <= 1000 - len(device.printed) <= 52, device.printed)
