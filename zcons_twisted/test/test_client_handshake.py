# -*- test-case-name: zcons_twisted.test.test_client_handshake -*-
"""
Tests for L{zcons_twisted.client.handshake}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.errors import AttachError, ConsoleInUse, HandshakeFailed
from zcons_twisted.client.handshake import REPLY_MAX, Handshake


def reply(*pieces: bytes) -> bytes | None:
    """
    The outcome of a handshake whose reply comes in these pieces.
    """
    handshake = Handshake(7)
    outcome = None
    for piece in pieces:
        outcome = handshake.feed(piece)
    return outcome


class HelloTests(SynchronousTestCase):
    """
    The line that a client sends.
    """

    def test_dialectA(self) -> None:
        """
        It tells pid, locale and whether to disconnect at halt.
        """
        self.assertEqual(
            Handshake(42, "de_DE.UTF-8", True).hello, b"IDENT 42 de_DE.UTF-8 1\n"
        )
        self.assertEqual(Handshake(42).hello, b"IDENT 42 C 0\n")

    def test_unusableLocale(self) -> None:
        """
        A locale name that the line can't carry does not keep anybody out.
        """
        for name in ("two words", "x" * 2000):
            self.assertEqual(Handshake(42, name).hello, b"IDENT 42 C 0\n")


class ReplyTests(SynchronousTestCase):
    """
    What the server's reply means.
    """

    def test_seatedHoweverSplit(self) -> None:
        """
        C{OK} seats us, and what follows it is output already.
        """
        for rest in (b"", b"login: ", b"OK\n", b"\n\n"):
            whole = b"OK\n" + rest
            for at in range(1, len(whole)):
                first, second = whole[:at], whole[at:]
                if b"\n" in first:
                    self.assertEqual(reply(first), rest[: at - 3])
                else:
                    self.assertEqual(reply(first, second), rest)

    def test_notYet(self) -> None:
        """
        Without a newline nothing is known yet.
        """
        self.assertIsNone(reply(b"O", b"K"))

    def test_busy(self) -> None:
        """
        Digits are the pid of whoever has the seat.
        """
        error = self.assertRaises(ConsoleInUse, reply, b"12", b"34\n")
        self.assertEqual(error.holder, "1234")
        self.assertEqual(str(error), "Console is already in use by process ID 1234.")

    def test_busyCutShort(self) -> None:
        """
        A pid counts although its newline is missing.
        """
        handshake = Handshake(7)
        handshake.feed(b"1234")
        self.assertIsInstance(handshake.end(), ConsoleInUse)

    def test_noReply(self) -> None:
        """
        A server that closes without an answer, or in the middle of one, is told of
        as that and not as an operator without a pid.
        """
        for got in (b"", b"O", b"OK", b"sorry"):
            handshake = Handshake(7)
            handshake.feed(got)
            error = handshake.end()
            self.assertNotIsInstance(error, ConsoleInUse)
            self.assertIn("without an answer", str(error))

    def test_empty(self) -> None:
        """
        An empty line is no reply that the protocol knows.
        """
        error = self.assertRaises(HandshakeFailed, reply, b"\n")
        self.assertIn("empty", str(error))

    def test_otherText(self) -> None:
        """
        Another text is shown, and can't do anything to the terminal.
        """
        error = self.assertRaises(HandshakeFailed, reply, b"go \x1b[2J away\xff\n")
        self.assertEqual(str(error), "the server refused: go \\x1b[2J away\\xff")

    def test_almostOK(self) -> None:
        """
        Only C{OK} itself seats us.
        """
        for line in (b"OK \n", b"ok\n", b"OK\r\n", b" OK\n", b"OK\0\n", b"-5\n"):
            self.assertRaises(HandshakeFailed, reply, line)

    def test_longest(self) -> None:
        """
        A reply of 1023 bytes is read whole; one more, with or without its newline,
        is a protocol error.
        """
        error = self.assertRaises(AttachError, reply, b"9" * REPLY_MAX + b"\n")
        self.assertIsInstance(error, ConsoleInUse)
        for line in (b"9" * (REPLY_MAX + 1), b"9" * (REPLY_MAX + 1) + b"\n"):
            error = self.assertRaises(HandshakeFailed, reply, line)
            self.assertIn("protocol error", str(error))
