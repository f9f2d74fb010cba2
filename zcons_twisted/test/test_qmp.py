# -*- test-case-name: zcons_twisted.test.test_qmp -*-
"""
Tests for L{zcons_twisted.drivers.qmp}.
"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from ..drivers.qmp import (
    LINE_MAX,
    Answer,
    Greeting,
    Happening,
    MalformedQmp,
    Message,
    QmpReader,
    Refusal,
    command,
)
from .support import splits

GREETING = (
    b'{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7},'
    b' "package": "x"}, "capabilities": ["oob"]}}\r\n'
)
RESET = (
    b'{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "RESET",'
    b' "data": {"guest": true, "reason": "guest-reset"}}\r\n'
)
RETURN = b'{"return": {}, "id": 1}\r\n'
ERROR = b'{"id": 2, "error": {"class": "GenericError", "desc": "no such thing"}}\r\n'


class CommandTests(SynchronousTestCase):
    """
    What is told to QEMU.
    """

    def test_command(self) -> None:
        """
        A command is one line with its number, and arguments where there are any.
        """
        line = command(3, "cont", {})
        self.assertTrue(line.endswith(b"}\n"))
        self.assertEqual(json.loads(line), {"execute": "cont", "id": 3})
        line = command(4, "chardev-send-break", {"id": "con\n\u2028"})
        self.assertEqual(line.count(b"\n"), 1)
        self.assertEqual(
            json.loads(line),
            {
                "execute": "chardev-send-break",
                "id": 4,
                "arguments": {"id": "con\n\u2028"},
            },
        )


class QmpReaderTests(SynchronousTestCase):
    """
    What QEMU says.
    """

    def read(self, *pieces: bytes) -> list[Message]:
        """
        @return: the messages of what comes in these pieces.
        """
        reader = QmpReader()
        return [message for piece in pieces for message in reader.feed(piece)]

    def malformed(self, said: bytes, greeted: bool = True) -> str:
        """
        @return: what is wrong with it.
        """
        pieces = [GREETING, said] if greeted else [said]
        return str(self.assertRaises(MalformedQmp, self.read, *pieces))

    def test_messages(self) -> None:
        """
        Each kind is understood, however it is cut.
        """
        said = GREETING + RETURN + b"\r\n" + RESET + ERROR
        expected = [
            Greeting("7.2"),
            Answer(1, {}),
            Happening("RESET", {"guest": True, "reason": "guest-reset"}),
            Refusal(2, "no such thing"),
        ]
        for head, tail in splits(said):
            self.assertEqual(self.read(head, tail), expected)
        self.assertEqual(self.read(*(bytes([byte]) for byte in said)), expected)

    def test_eventWithoutData(self) -> None:
        """
        Some events have nothing to tell.
        """
        self.assertEqual(
            self.read(GREETING, b'{"event": "POWERDOWN", "timestamp": {}}\n')[1],
            Happening("POWERDOWN"),
        )

    def test_long(self) -> None:
        """
        64 KiB in a line are understood, and one byte more is not, whether its end has
        come or not.
        """
        self.assertEqual(LINE_MAX, 65536)
        head, tail = b'{"id": 7, "return": "', b'"}'
        fits = head + b"x" * (65536 - len(head) - len(tail)) + tail
        self.assertEqual(len(self.read(GREETING, fits + b"\n")), 2)
        self.assertEqual(len(self.read(GREETING, fits)), 1)
        for end in (b"", b"\n"):
            self.assertEqual(
                self.malformed(fits + b" " + end), "a line is longer than 65536 bytes"
            )

    def test_malformed(self) -> None:
        """
        What QEMU never says is not guessed at, and told in one plain line.
        """
        for said in (
            b"SSH-2.0-x",
            b"\x1b[2J",
            b"[1]",
            b"null",
            b'"x"',
            b"{}",
            b'{"event": 1}',
            b'{"event": "X", "data": []}',
            b'{"return": {}}',
            b'{"return": {}, "id": "1"}',
            b'{"error": {"desc": "x"}}',
            b'{"error": "x", "id": 1}',
            b'{"QMP": 1}',
            b"[" * 60_000,
            b"\xff\xfe",
            GREETING.strip(),
        ):
            told = self.malformed(said + b"\n")
            self.assertTrue(told.endswith(" was not expected"), told)
            self.assertTrue(told.isprintable(), told)
            self.assertLess(len(told), 300)

    def test_greetingFirst(self) -> None:
        """
        Nothing comes before the greeting.
        """
        self.assertTrue(self.malformed(RESET, greeted=False))
        self.assertTrue(self.malformed(RETURN, greeted=False))
