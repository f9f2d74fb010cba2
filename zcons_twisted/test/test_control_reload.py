# -*- test-case-name: zcons_twisted.test.test_control_reload -*-
"""
Tests for L{Reload<zcons_twisted.doors.commands.Reload>}: a reload that is asked for at
the control door.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from ..config import BadConfig
from ..doors.commands import Reload, Status
from ..doors.control_door import PROBLEMS_MAX, shortened
from ..doors.farewell import LINGER_SECONDS
from ..outcomes import Outcome
from .control_case import ControlTestCase


class ReloadTests(ControlTestCase):
    """
    Whoever is admitted can have the configuration read anew.
    """

    def setUp(self) -> None:
        """
        A reload that a test finishes.
        """
        super().setUp()
        self.reloading: Deferred[Outcome] = Deferred()
        self.door.reload = lambda: self.reloading

    def test_done(self) -> None:
        """
        What came of it is told in a line, and what could not be done in a line each.
        """
        self.reloading.callback(Outcome(["a"], untouched=3, problems=["b: no"]))
        self.assertEqual(
            self.done(Reload),
            {"message": "zones: 1 started, 3 untouched", "problems": ["b: no"]},
        )

    def test_refused(self) -> None:
        """
        Where the configuration is wrong, all that is wrong with it is told, and last
        that the server goes on as it was.
        """
        self.reloading.errback(BadConfig(["f:1: a", "f:2: b"]))
        self.assertEqual(
            self.refused(Reload), "f:1: a\nf:2: b\nnothing has been changed"
        )

    def test_refusedAtLength(self) -> None:
        """
        So it is where there is no room for all that is wrong.
        """
        self.reloading.errback(BadConfig(["x" * 1024] * 40))
        told = self.refused(Reload).split("\n")
        self.assertEqual(
            told[32:], ["8 more are in the server's log", "nothing has been changed"]
        )

    def test_none(self) -> None:
        """
        Where there is no configuration file, that is told.
        """
        self.door.reload = None
        self.assertIn("has no configuration file", self.refused(Reload))

    def test_ownEnd(self) -> None:
        """
        A door that is closed by the reload still answers to who asked for it, and is
        held up by nobody.
        """
        peer = self.connect()
        self.ask(peer, Reload)
        other = self.connect()
        stopped = self.door.stop()
        self.reactor.settle()
        self.successResultOf(stopped)
        self.assertTrue(self.gone(other))
        self.assertFalse(self.gone(peer))
        self.reloading.callback(Outcome(stopped=["z"]))
        answer = self.answer(peer, Reload)
        self.assertEqual(answer["message"], "zones: 1 stopped, 0 untouched")
        self.assertTrue(self.gone(peer))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_goneMeanwhile(self) -> None:
        """
        One that asked and has gone is not answered.
        """
        peer = self.connect()
        self.ask(peer, Reload)
        self.door.stop()
        peer.close()
        self.reactor.settle()
        self.reloading.callback(Outcome())
        self.reactor.settle()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_takesNoAnswer(self) -> None:
        """
        One that does not take its answer is not waited for longer than others are.
        """
        peer = self.connect()
        self.ask(peer, Reload)
        self.door.stop()
        self.reloading.callback(Outcome())
        self.reactor.settle()
        self.reactor.advance(LINGER_SECONDS)
        self.reactor.settle()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_goesOn(self) -> None:
        """
        Afterwards the connection can be used for other things.
        """
        peer = self.connect()
        self.ask(peer, Reload)
        self.reloading.callback(Outcome())
        self.answer(peer, Reload)
        self.ask(peer, Status)
        self.assertEqual(self.answer(peer, Status)["zone"], "z")

    def test_shortened(self) -> None:
        """
        An answer has room for so many bytes of problems; how many more there are is
        told.
        """
        line = "x" * 1024
        fits = [line] * (PROBLEMS_MAX // 1024)
        self.assertEqual(PROBLEMS_MAX, 32768)
        self.assertEqual(shortened(fits), fits)
        self.assertEqual(
            shortened([*fits, "y", "z"]), [*fits, "2 more are in the server's log"]
        )
