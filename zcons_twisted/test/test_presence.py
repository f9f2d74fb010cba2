# -*- test-case-name: zcons_twisted.test.test_presence -*-
"""
Tests for L{zcons_twisted.presence}, and for what a console does by it.
"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from ..events import ZoneEvent, ZoneState
from ..frames import FrameType
from ..interfaces import IZoneConnection, IZonePresence
from ..laps import Laps
from ..presence import Presence
from ..sessions import UNHEARD_SECONDS, EndReason
from ..testing import MemoryStates
from .console_case import ConsoleTestCase
from .structured_case import StructuredTestCase

DOWN = b"\r\n[NOTICE: Zone is down: what is typed reaches nobody]\r\n"
TEXT = "zone is down: what is typed reaches nobody"
UNCONNECTED = (
    b"\r\n[NOTICE: The console is not connected: what is typed reaches nobody]\r\n"
)
UNTAKEN = (
    b"\r\n[NOTICE: Connection ended before it had taken the last %d bytes that were"
    b" typed]\r\n"
)


@implementer(IZonePresence)
class KnownStates(MemoryStates):
    """
    The state of a zone whose presence is known.
    """

    there = True

    def present(self) -> bool:
        """
        As a test sets it.
        """
        return self.there

    def goes(self, state: ZoneState = ZoneState.INSTALLED) -> None:
        """
        There is no zone any more.
        """
        self.there = False
        self.current = state


@implementer(IZoneConnection)
class RemoteStates(MemoryStates):
    """
    The state of a zone whose console is at the other end of a connection.
    """

    there = True

    def connected(self) -> bool:
        """
        As a test sets it.
        """
        return self.there


class PresenceTests(SynchronousTestCase):
    """
    Whether there is a zone.
    """

    def test_connection(self) -> None:
        """
        Without a connection nobody reads what is typed, but that is no zone's end.
        """
        states = RemoteStates(ZoneState.INSTALLED)
        presence = Presence("z", states)
        self.assertTrue(presence.remote)
        self.assertEqual(presence.unheard(), "")
        states.there = False
        self.assertEqual(
            presence.unheard(),
            "the console is not connected: what is typed reaches nobody",
        )
        self.assertTrue(presence.present())
        self.assertFalse(presence.isOver())

    def test_downFirst(self) -> None:
        """
        That there is no zone goes before that there is no connection to it.
        """

        @implementer(IZoneConnection)
        class Both(KnownStates):
            """
            Neither is there.
            """

            def connected(self) -> bool:
                """
                Never.
                """
                return False

        states = Both(ZoneState.INSTALLED)
        states.there = False
        self.assertEqual(Presence("z", states).unheard(), TEXT)

    def test_unknown(self) -> None:
        """
        Of a zone that others run it is not known that it is not there.
        """
        presence = Presence("z", MemoryStates(ZoneState.INSTALLED))
        self.assertTrue(presence.present())
        self.assertTrue(presence.connected())
        self.assertFalse(presence.remote)
        self.assertFalse(presence.isOver())

    def test_known(self) -> None:
        """
        A zone that is down is over, but for one that is to be started again.
        """
        states = KnownStates(ZoneState.RUNNING)
        presence = Presence("z", states)
        self.assertTrue(presence.present())
        self.assertFalse(presence.isOver())
        states.goes()
        self.assertFalse(presence.present())
        self.assertTrue(presence.isOver())
        states.goes(ZoneState.DOWN)
        self.assertFalse(presence.isOver())

    def test_noState(self) -> None:
        """
        Where the state can't be told, nothing is over.
        """
        states = KnownStates(None)
        states.there = False
        presence = Presence("z", states)
        self.assertEqual(presence.label(), "unknown")
        self.assertFalse(presence.isOver())
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 2)


class TypingTests(ConsoleTestCase):
    """
    What is typed at a zone that is down is not for the next one.
    """

    def setUp(self) -> None:
        """
        A zone whose presence is known.
        """
        super().setUp()
        self.known = KnownStates(ZoneState.RUNNING)
        self.states = self.known
        self.console = self.makeConsole()
        self.laps._console = self.console
        self.console.deviceOpened(self.device)

    def test_down(self) -> None:
        """
        Nothing is typed where there is no zone, and who types is told.
        """
        session, link = self.attach()
        self.known.goes()
        session.received(b"rm -rf /tmp/x\n")
        self.assertEqual(self.device.written, b"")
        self.assertEqual(link.received, DOWN)
        self.known.there = True
        session.received(b"ls\n")
        self.assertEqual(self.device.written, b"ls\n")
        self.assertEqual(link.received, DOWN)

    def test_notAgainAndAgain(self) -> None:
        """
        A legacy session is told once in a while, not at each key.
        """
        session, link = self.attach()
        self.known.goes()
        session.received(b"a")
        self.reactor.advance(9.9)
        session.received(b"b")
        self.assertEqual(link.received, DOWN)
        self.reactor.advance(0.1)
        session.received(b"c")
        self.assertEqual(link.received, 2 * DOWN)
        self.assertEqual(UNHEARD_SECONDS, 10.0)

    def test_waited(self) -> None:
        """
        What waited for a zone that has ended is dropped, and who typed it is told,
        with what had come as far as the device.
        """
        session, link = self.attach()
        self.device.room = 3
        session.received(b"abcdefgh")
        self.console.lifeEnded(3)
        self.assertEqual(
            link.received,
            b"\r\n[NOTICE: Zone ended before it had read the last 8 bytes that were"
            b" typed]\r\n",
        )
        self.device.room = None
        self.console.writable()
        self.assertEqual(self.device.written, b"abc")

    def test_nothingWaited(self) -> None:
        """
        A zone that has read everything ends without a word; so does one at which
        nobody sits.
        """
        _, link = self.attach()
        self.console.lifeEnded(0)
        self.assertEqual(link.received, b"")
        self.console.endAll(EndReason.DETACHED, "")
        self.console.lifeEnded(5)


class ConnectionTests(ConsoleTestCase):
    """
    What is typed at a console without a connection is not for whoever is behind the
    next one.
    """

    def setUp(self) -> None:
        """
        A console at the other end of a connection.
        """
        super().setUp()
        self.remote = RemoteStates(ZoneState.RUNNING)
        self.states = self.remote
        self.console = self.makeConsole()
        self.laps = Laps(self.reactor, self.driver, self.console)
        self.laps.begin()
        self.session, self.link = self.attach()

    def loses(self) -> None:
        """
        The connection ends.
        """
        self.device.fail()
        self.remote.there = False

    def comesBack(self) -> None:
        """
        There is another one.
        """
        self.remote.there = True
        self.reactor.advance(30)

    def test_refused(self) -> None:
        """
        What is typed meanwhile is refused, and who types is told.
        """
        self.loses()
        self.session.received(b"rm -rf /precious\n")
        self.assertEqual(self.link.received, UNCONNECTED)
        self.assertEqual(self.console.counters.input, 0)
        self.comesBack()
        self.assertEqual(self.device.written, b"")
        self.session.received(b"ls\n")
        self.assertEqual(self.device.written, b"ls\n")

    def test_waited(self) -> None:
        """
        What had not been taken when it ended is dropped; how much is told, and who
        types may go on.
        """
        self.device.room = 3
        self.session.received(b"abcdefgh")
        self.assertEqual(self.device.written, b"abc")
        self.loses()
        self.assertEqual(self.link.received, UNTAKEN % 5)
        self.assertFalse(self.link.paused)
        self.comesBack()
        self.assertEqual(self.device.written, b"")

    def test_fails(self) -> None:
        """
        The same holds where it is found to have ended when something is typed.
        """
        self.device.failAtNextWrite()
        self.session.received(b"abc")
        self.assertEqual(self.link.received, UNTAKEN % 3)
        self.comesBack()
        self.assertEqual(self.device.written, b"")

    def test_failsLater(self) -> None:
        """
        And where that is found when there seems to be room again.
        """
        self.device.room = 0
        self.session.received(b"abc")
        self.session.received(b"def")
        self.device.failAtNextWrite()
        self.device.zoneReads()
        self.assertEqual(self.link.received, UNTAKEN % 6)
        self.comesBack()
        self.assertEqual(self.device.written, b"")

    def test_nothingWaited(self) -> None:
        """
        A connection that has taken everything ends without a word.
        """
        self.session.received(b"abc")
        self.loses()
        self.assertEqual(self.link.received, b"")


class DeviceTests(ConsoleTestCase):
    """
    A device that fails for a moment is none of that.
    """

    def test_kept(self) -> None:
        """
        The zone lives on: what is typed meanwhile waits, and it gets that.
        """
        session, link = self.attach()
        self.device.room = 1
        session.received(b"abc")
        self.device.fail()
        session.received(b"def")
        self.assertEqual(link.received, b"")
        self.reactor.advance(30)
        self.assertEqual(self.device.written, b"bcdef")


class StructuredPresenceTests(StructuredTestCase):
    """
    The same in structured sessions.
    """

    def setUp(self) -> None:
        """
        A zone whose presence is known.
        """
        super().setUp()
        self.known = KnownStates(ZoneState.RUNNING)
        self.console.presence = Presence("z", self.known)
        self.console._states = self.known

    def test_answered(self) -> None:
        """
        Each piece of input is answered.
        """
        operator = self.join()
        self.assertIs(operator.answer["present"], True)
        self.known.goes()
        for _ in range(2):
            operator.say(FrameType.INPUT, b"reboot\n")
        self.assertEqual(operator.told(), 2 * [("answer", "input", False, TEXT)])
        self.assertEqual(self.device.written, b"")

    def test_unconnected(self) -> None:
        """
        So it is where there is no connection, which is no zone's end.
        """
        states = RemoteStates(ZoneState.INSTALLED)
        states.there = False
        self.console.presence = Presence("z", states)
        operator = self.join(disconnect=True)
        operator.say(FrameType.INPUT, b"reboot\n")
        why = "the console is not connected: what is typed reaches nobody"
        self.assertEqual(operator.told(), [("answer", "input", False, why)])
        self.assertFalse(operator.closed)

    def test_told(self) -> None:
        """
        A newcomer is told that there is nobody.
        """
        self.known.goes()
        self.assertIs(self.join("watch").answer["present"], False)

    def test_tooLate(self) -> None:
        """
        A session that asks to end when the zone halts ends at once where it has; it
        takes nobody's seat for that.
        """
        operator = self.join()
        self.console.output(b"panic\r\n")
        operator.told()
        self.console.event(ZoneEvent.HALTED)
        self.known.goes()
        for role in ("operator", "take", "watch"):
            late = self.join(role, start="all", disconnect=True)
            self.assertEqual(late.answer["role"], "watch")
        late = self.attachBy(role="operator", start="all", disconnect=True)
        told = late.told()
        self.assertEqual(told[0], ("output", 0, b"panic\r\n"))
        self.assertEqual(told[-1], ("end", "halted", "the zone is down already"))
        self.assertEqual([t[0] for t in operator.told()], ["notice"])
        self.assertTrue(operator.peer.fileno() > 0)
        self.assertIsNotNone(self.console.operator)

    def test_startedAgain(self) -> None:
        """
        One whose zone is to be started again by itself is not ended.
        """
        self.known.goes(ZoneState.DOWN)
        late = self.join(disconnect=True)
        self.assertEqual(late.answer["role"], "operator")
        self.assertFalse(late.closed)

    def test_past(self) -> None:
        """
        What is long past does not end a session, and does not say so.
        """
        self.console.event(ZoneEvent.HALTED)
        self.reactor.advance(1)
        late = self.attachBy(start="all", disconnect=True)
        (notice,) = [f for f in late.frames() if f.type is FrameType.NOTICE]
        self.assertEqual(json.loads(notice.payload)["text"], "NOTICE: Zone halted")
        self.console.event(ZoneEvent.HALTED)
        told = {kind: content for kind, content, *_ in late.told()}
        self.assertEqual(
            told["notice"]["text"], "NOTICE: Zone halted.  Disconnecting..."
        )
