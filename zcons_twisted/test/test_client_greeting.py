# -*- test-case-name: zcons_twisted.test.test_client_greeting -*-
"""
Tests for L{zcons_twisted.client.greeting}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.errors import (
    AttachError,
    ConsoleInUse,
    HandshakeFailed,
    NotSpoken,
    OnlyOperators,
)
from zcons_twisted.client.greeting import ANSWER_MAX, StructuredHandshake, fallback
from zcons_twisted.frames import Attach, formatAttach, parseAttach

from .client_fakes import accepts, refuses


class HelloTests(SynchronousTestCase):
    """
    The line that a client sends.
    """

    def test_line(self) -> None:
        """
        It tells all that is asked for.
        """
        asked = Attach("take", ("offset", 7), True, "de_DE.UTF-8", 24, 80)
        self.assertEqual(StructuredHandshake(asked).hello, formatAttach(asked))

    def test_unusableLocale(self) -> None:
        """
        A locale that the line can't carry is C.
        """
        for locale in ("x" * 256, "a b", "\x01", "\xe4", "C\n"):
            hello = StructuredHandshake(Attach(locale=locale)).hello
            self.assertEqual(parseAttach(hello[:-1]).locale, "C")
        hello = StructuredHandshake(Attach(locale='"' * 255)).hello
        self.assertEqual(parseAttach(hello[:-1]).locale, '"' * 255)


class AnswerTests(SynchronousTestCase):
    """
    What the answer means.
    """

    def refused(self, answer: bytes, role: str = "operator") -> AttachError:
        """
        Why we are not let in.
        """
        with self.assertRaises(AttachError) as caught:
            StructuredHandshake(Attach(role)).feed(answer)
        error: AttachError = caught.exception
        return error

    def test_accepted(self) -> None:
        """
        Wherever it is split, what comes after the answer is the session's, which
        begins at the offset that it names.
        """
        answer = accepts(offset=7) + b"\nmore"
        for at in range(len(answer) - 6):
            handshake = StructuredHandshake(Attach())
            self.assertIsNone(handshake.feed(answer[:at]))
            self.assertEqual(handshake.feed(answer[at:]), b"\nmore")
            self.assertEqual(handshake.speech.position, 7)
            assert handshake.welcome is not None
            self.assertEqual(handshake.welcome.state, "running")

    def test_busy(self) -> None:
        """
        A taken seat is told with its holder.
        """
        error = self.refused(refuses("busy", "no", 99))
        self.assertIsInstance(error, ConsoleInUse)
        self.assertEqual(str(error), "Console is already in use by process ID 99.")

    def test_refused(self) -> None:
        """
        Other reasons are told in the server's words, without control characters.
        """
        error = self.refused(refuses("full", "there are \x1b too many"))
        self.assertEqual(str(error), "the server refused: there are \\x1b too many")
        self.assertIn("None", str(self.refused(b'{"ok":false}\n')))

    def test_nonsense(self) -> None:
        """
        What is no answer is a protocol error; the answer has a limit.
        """
        for answer in (b"OK\n", b"\n", b"[]\n", b'{"ok":true}\n', b"\xff\n"):
            self.assertIn("protocol error", str(self.refused(answer)))
        error = self.refused(b"x" * (ANSWER_MAX + 1))
        self.assertIn("longer than", str(error))

    def test_legacyBusy(self) -> None:
        """
        A server that knows only operators tells who is there, and that is no answer
        for somebody who wants to watch.
        """
        self.assertIsInstance(self.refused(b"99\n"), ConsoleInUse)
        error = self.refused(b"99\n", "watch")
        self.assertIsInstance(error, OnlyOperators)
        self.assertIn("process ID 99 is there", str(error))
        handshake = StructuredHandshake(Attach())
        handshake.feed(b"99")
        self.assertIsInstance(handshake.end(), ConsoleInUse)

    def test_closed(self) -> None:
        """
        A server that closes without a byte may not know such sessions; one that
        closes within its answer does.
        """
        self.assertIsInstance(StructuredHandshake(Attach()).end(), NotSpoken)
        handshake = StructuredHandshake(Attach())
        handshake.feed(b'{"ok"')
        error = handshake.end()
        self.assertIsInstance(error, HandshakeFailed)
        self.assertNotIsInstance(error, NotSpoken)


class FallbackTests(SynchronousTestCase):
    """
    What to do about a server that knows no structured sessions.
    """

    def test_operator(self) -> None:
        """
        An operator gets a legacy session.
        """
        asked = Attach(locale="de_DE.UTF-8", disconnect=True)
        self.assertEqual(fallback(asked, 42).hello, b"IDENT 42 de_DE.UTF-8 1\n")

    def test_others(self) -> None:
        """
        Nobody can watch there or take over.
        """
        for role in ("watch", "take"):
            self.assertRaises(OnlyOperators, fallback, Attach(role), 42)
