# -*- test-case-name: zcons_twisted.test.test_announcer -*-
"""
Tests for L{zcons_twisted.announcer}: who is told of the operator, and how often.
"""

from __future__ import annotations

import os

from ..announcer import ANNOUNCE_SECONDS
from ..frames import FrameType, encodeFrame, encodeObject
from .structured_case import StructuredTestCase

_CLAIM = encodeFrame(FrameType.SEAT, encodeObject({"want": "operator"}))
_LEAVE = encodeFrame(FrameType.SEAT, encodeObject({"want": "watch"}))


class AnnouncerTests(StructuredTestCase):
    """
    A seat that changes hands all the time costs the others nothing.
    """

    def test_limit(self) -> None:
        """
        The limit is the documented one.
        """
        self.assertEqual(ANNOUNCE_SECONDS, 0.1)

    def test_often(self) -> None:
        """
        Those who look on are told of the first change, and then of the last.
        """
        watcher, fickle = self.join("watch"), self.join("watch")
        self.say(fickle.peer, (_CLAIM + _LEAVE) * 5 + _CLAIM)
        self.assertEqual(watcher.told(), [("operator", "watch", os.getpid())])
        self.reactor.advance(0.09)
        self.assertEqual(watcher.told(), [])
        self.reactor.advance(0.02)
        self.assertEqual(watcher.told(), [("operator", "watch", os.getpid())])
        self.reactor.advance(ANNOUNCE_SECONDS)
        self.assertEqual(watcher.told(), [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_concerned(self) -> None:
        """
        The one whose seat it is hears of each change.
        """
        self.join("watch")
        fickle = self.join("watch")
        self.say(fickle.peer, (_CLAIM + _LEAVE) * 3)
        told = [frame[0] for frame in fickle.told()]
        self.assertEqual(told.count("operator"), 6)
        self.assertEqual(told.count("answer"), 6)

    def test_alone(self) -> None:
        """
        Where nobody looks on nothing is waited for.
        """
        self.join().peer.close()
        self.reactor.settle()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_close(self) -> None:
        """
        At the end nothing is left to be told.
        """
        self.join("watch")
        self.join()
        self.assertEqual(len(self.reactor.getDelayedCalls()), 1)
        self.console.close()
        self.console.close()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_behind(self) -> None:
        """
        A session that does not read is told once, when it has caught up, and is not
        ended for what others do.
        """
        slow, fickle = self.join("watch"), self.join("watch")
        for _ in range(40):
            self.device.zonePrints(b"x" * 16384)
        for _ in range(2000):
            fickle.say(FrameType.SEAT, want="operator")
            fickle.say(FrameType.SEAT, want="watch")
            fickle.frames()
            self.reactor.advance(ANNOUNCE_SECONDS)
        told = slow.told()
        self.assertEqual(
            [frame for frame in told if frame[0] == "operator"],
            [("operator", "watch", None)],
        )
        self.assertFalse(slow.closed)
