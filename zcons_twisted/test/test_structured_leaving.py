# -*- test-case-name: zcons_twisted.test.test_structured_leaving -*-
"""
Tests for L{zcons_twisted.structured}: whether a session that is over had said that it
leaves.
"""

from __future__ import annotations

from ..frames import INPUT_MAX, FrameType, encodeFrame
from .structured_case import StructuredTestCase


class LeavingTests(StructuredTestCase):
    """
    The end of a connection is no word.
    """

    def test_close(self) -> None:
        """
        One whose connection ends without that is told apart.
        """
        for role in ("operator", "watch"):
            self.join(role).peer.close()
            self.reactor.settle()
            ended = self.console.ended[-1]
            self.assertEqual(
                (ended.reason.value, ended.text),
                ("closed", "the client closed its connection without leaving"),
            )

    def test_leavePaused(self) -> None:
        """
        One that goes while it is paused for what it typed has left if it has said so.
        """
        for says, reason in ((b"", "closed"), (encodeFrame(FrameType.LEAVE), "left")):
            operator = self.join()
            self.device.room = 0
            for _ in range(3):
                operator.say(FrameType.INPUT, b"x" * INPUT_MAX)
            operator.peer.send(says)
            operator.peer.close()
            self.reactor.settle()
            self.assertEqual(self.console.ended[-1].reason.value, reason)
            self.device.zoneReads()
