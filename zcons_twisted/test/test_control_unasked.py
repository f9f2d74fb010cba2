# -*- test-case-name: zcons_twisted.test.test_control_unasked -*-
"""
Tests for the control door: boxes that want no answer, or are one.
"""

from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent
from twisted.protocols.amp import AmpBox

from .control_case import ControlTestCase


class UnaskedTests(ControlTestCase):
    """
    Nobody could be told what is wrong with them, but for a line in the log.
    """

    def sent(self, **box: bytes) -> list[str]:
        """
        Somebody sends a box, and is closed without a word.

        @return: what was logged.
        """
        peer = self.connect()
        with capturedLogs() as events:
            peer.sendall(
                AmpBox(
                    {name.encode(): value for name, value in box.items()}
                ).serialize()
            )
            self.assertTrue(self.gone(peer))
        self.assertEqual([e for e in events if "log_failure" in e], [])
        return [str(formatEvent(event)) for event in events]

    def test_unknown(self) -> None:
        """
        A command that nobody knows.
        """
        (line,) = self.sent(_command=b"\x1b[2J")
        self.assertIn("asked no answer of what failed", line)
        self.assertTrue(line.isprintable())

    def test_refused(self) -> None:
        """
        A command that is refused.
        """
        (line,) = self.sent(_command=b"Event", name=b"\x1b[2J")
        self.assertIn("there is no event", line)
        self.assertTrue(line.isprintable())

    def test_alsoAnAnswer(self) -> None:
        """
        A command that is an answer, or an error, as well.
        """
        for name in ("_answer", "_error"):
            box = {"_ask": b"1", "_command": b"Status", name: b"1"}
            self.assertEqual(self.sent(**box), [])
