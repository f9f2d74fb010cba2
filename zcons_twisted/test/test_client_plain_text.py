# -*- test-case-name: zcons_twisted.test.test_client_plain_text -*-
"""
Tests for L{zcons_twisted.client.plain_text}.
"""

from __future__ import annotations

from collections.abc import Iterable

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.plain_text import PlainText


def text(*pieces: bytes) -> bytes:
    """
    The text of pieces that follow on each other.
    """
    plain = PlainText()
    return b"".join(
        piece[start:end] for piece in pieces for start, end in plain.feed(piece)
    )


def cuts(data: bytes) -> Iterable[tuple[bytes, bytes]]:
    """
    Every way to cut it in two.
    """
    return ((data[:at], data[at:]) for at in range(len(data) + 1))


SEQUENCES = (
    b"\x1b[6n",
    b"\x1b[m",
    b"\x1b[1;32m",
    b"\x1b[?2004h",
    b"\x1b[!p",
    b"\x1b[4 q",
    b"\x1b7",
    b"\x1bc",
    b"\x1b(B",
    b"\x1b%G",
    b"\x1b#8",
    b"\x1b]0;root@vm: ~\x07",
    b"\x1b]0;root@vm: ~\x1b\\",
    b"\x1bP+q544e\x1b\\",
    b"\x1b_x y\x1b\\",
    b"\x1b[1\x1b[2m",
    b"\x1b\x1b[m",
    b"\x1b[1\x18",
    b"\x1b]0;x\x1a",
    b"\x1b]0;\xc3\xa9\x07",
)


class PlainTextTests(SynchronousTestCase):
    """
    What people read of it.
    """

    def test_sequences(self) -> None:
        """
        A sequence of whichever form is left out, and nothing around it, however it is
        cut.
        """
        for sequence in SEQUENCES:
            data = b"/root # " + sequence + b"[0n;x"
            for pieces in cuts(data):
                self.assertEqual(text(*pieces), b"/root # [0n;x", pieces)
            self.assertEqual(text(*(bytes([byte]) for byte in data)), b"/root # [0n;x")

    def test_text(self) -> None:
        """
        Everything else is text, control characters and bytes of no character set too.
        """
        for data in (b"", b"a\r\nb\tc\x07\x08", b"\xc3\xa9\x9b1m\xff", bytes(0x1B)):
            self.assertEqual(text(data), data)

    def test_brokenOff(self) -> None:
        """
        What can't belong to a sequence ends it, and is text: the line after one that a
        crash has left unfinished is all there.
        """
        for broken in (b"\x1b", b"\x1b[1;3", b"\x1b(", b"\x1b]0;title", b"\x1bPx"):
            for line in (b"\r\nlogin: ", b"\nlogin: "):
                for pieces in cuts(b"x" + broken + line):
                    self.assertEqual(text(*pieces), b"x" + line, pieces)
        self.assertEqual(text(b"\x1b[1\xc3\xa9"), b"\xc3\xa9")
        self.assertEqual(text(b"\x1b\xc3\xa9"), b"\xc3\xa9")

    def test_long(self) -> None:
        """
        A sequence may be of any length.
        """
        self.assertEqual(text(b"a\x1b]", b"x" * 100000, b"y" * 9, b"\x07b"), b"ab")

    def test_spans(self) -> None:
        """
        No stretch of text is empty.
        """
        self.assertEqual(PlainText().feed(b"\x1b[m\x1b[mab\x1b[mc"), [(6, 8), (11, 12)])
        self.assertEqual(PlainText().feed(b""), [])

    def test_forget(self) -> None:
        """
        What comes from somewhere else does not end a sequence.
        """
        plain = PlainText()
        plain.feed(b"\x1b[")
        plain.forget()
        self.assertEqual(plain.feed(b"31m"), [(0, 3)])
