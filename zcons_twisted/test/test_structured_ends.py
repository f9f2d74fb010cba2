# -*- test-case-name: zcons_twisted.test.test_structured_ends -*-
"""
Tests for L{zcons_twisted.structured}: what a session still gets when it is ended.
"""

from __future__ import annotations

import json

from ..frames import FrameType, encodeFrame
from ..sessions import EndReason
from .structured_case import StructuredTestCase
from .support import numbered

SIZE = 2 * 1024 * 1024


class EndTests(StructuredTestCase):
    """
    A session that is far behind is ended.
    """

    def ended(self, reason: EndReason) -> list[str]:
        """
        End it.

        @return: what it got after the first output, repetitions left out.
        """
        watcher = self.join("watch")
        self.device.zonePrints(numbered(0, SIZE))
        self.console.endAll(reason, "so")
        names: list[str] = []
        at = 0
        while not watcher.closed:
            for name, *rest in watcher.told():
                if name == "output":
                    offset, data = rest
                    if "gap" not in names:
                        self.assertEqual(offset, at)
                    at = offset + len(data)
                    self.assertEqual(data, numbered(offset, at))
                if names[-1:] != [name]:
                    names.append(name)
        return names

    def test_stopping(self) -> None:
        """
        It gets the last of the output, and is told how much it missed.
        """
        names = self.ended(EndReason.SERVER_STOPPING)
        self.assertEqual(names, ["output", "gap", "output", "end"])

    def test_restarting(self) -> None:
        """
        Where the server comes again it misses nothing: it goes on where it is.
        """
        self.assertEqual(self.ended(EndReason.RESTARTING), ["output", "end"])

    def test_handedOver(self) -> None:
        """
        Where its zone is left to another server it is told how much of what it typed
        that one has: all that had come, given to the zone or not.
        """
        operator, watcher = self.join(), self.join("watch")
        self.device.room = 4
        operator.peer.send(encodeFrame(FrameType.INPUT, b"first"))
        watcher.peer.send(encodeFrame(FrameType.INPUT, b"nobody's"))
        self.reactor.settle()
        second = encodeFrame(FrameType.INPUT, b"second")
        operator.peer.send(second + second[:5])
        self.console.handsOver = True
        self.console.endAll(EndReason.RESTARTING, "so")
        self.assertEqual(self.console.seat.giveTyped(), b"tsecond")
        for session, typed in ((operator, 11), (watcher, 0)):
            end = json.loads(session.frames()[-1].payload)
            self.assertEqual((end["reason"], end["typed"]), ("restarting", typed))

    def test_notHandedOver(self) -> None:
        """
        Otherwise nothing is said of that.
        """
        operator = self.join()
        operator.peer.send(encodeFrame(FrameType.INPUT, b"first"))
        self.reactor.settle()
        self.console.endAll(EndReason.RESTARTING, "so")
        self.assertNotIn("typed", json.loads(operator.frames()[-1].payload))
