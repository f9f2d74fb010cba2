# -*- test-case-name: zcons_twisted.test.test_client_silence -*-
"""
Tests for L{zcons_twisted.client.silence}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.silence import Silence

from .client_fakes import ClientReactor


class SilenceTests(SynchronousTestCase):
    """
    A silence that has lasted long enough is told, once.
    """

    def setUp(self) -> None:
        """
        Nobody waits yet.
        """
        self.reactor = ClientReactor()
        self.over = 0

    def done(self) -> None:
        """
        It has lasted.
        """
        self.over += 1

    def test_lasts(self) -> None:
        """
        From when it begins, or from what was heard last.
        """
        silence = Silence(self.reactor, 2.0, self.done)
        silence.heard()
        self.reactor.advance(9)
        silence.begin()
        self.reactor.advance(1.9)
        silence.heard()
        self.reactor.advance(1.9)
        self.assertEqual(self.over, 0)
        self.reactor.advance(0.1)
        self.assertEqual(self.over, 1)

    def test_paused(self) -> None:
        """
        Not while nothing could be heard, nor when nobody waits any more.
        """
        silence = Silence(self.reactor, 2.0, self.done)
        silence.begin()
        silence.pause()
        self.reactor.advance(9)
        silence.heard()
        silence.stop()
        silence.heard()
        self.reactor.advance(9)
        self.assertEqual(self.over, 0)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_forever(self) -> None:
        """
        Nobody need wait for it.
        """
        Silence(self.reactor, None, self.done).begin()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
