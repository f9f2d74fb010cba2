# -*- test-case-name: zcons_twisted.test.test_client_expecting -*-
"""
Tests for L{zcons_twisted.client.expecting}.
"""

from __future__ import annotations

import re
from typing import Any

from zcons_twisted.client.expecting import Expecting
from zcons_twisted.client.matching import WINDOW_SIZE
from zcons_twisted.client.searching import SearchTooLong
from zcons_twisted.frames import Attach, FrameType, encodeGap

from .client_fakes import accepts, ends, prints, tells, typed
from .script_case import ScriptCase


def notice(event: str, offset: int) -> bytes:
    """
    The server tells what happened.
    """
    return tells(
        FrameType.NOTICE, event=event, text="", time=0.0, offset=offset, arguments=""
    )


class ExpectingCase(ScriptCase):
    """
    Something is waited for.
    """

    def begin(self, pattern: bytes, *more: Any, **welcome: Any) -> Attach:
        """
        Wait for it.

        @param more: for L{Expecting}.
        @param welcome: for the server's answer.
        @return: what the server was asked for.
        """
        self.run_(Expecting(self.looker(), "z", re.compile(pattern), *more))
        return self.letIn(**welcome)

    def happens(self, event: str, offset: int) -> None:
        """
        Something happens to the zone.
        """
        self.says(notice(event, offset))


class ExpectingTests(ExpectingCase):
    """
    It comes, or it does not.
    """

    def test_takesTooLong(self) -> None:
        """
        A pattern that there is no time to look for is an error that says so.
        """

        def search(pattern: re.Pattern[bytes], text: bytes) -> None:
            raise SearchTooLong

        self.begin(b"(L+)+Z", None, None, 60.0, False, search)
        self.says(prints(b"LLLL"))
        self.exited(
            1,
            "it takes too long to look for '(L+)+Z' in what the zone prints: give a"
            " simpler pattern",
        )

    def test_comes(self) -> None:
        """
        It is waited for without a seat, from the last line on; what was printed up to
        its end is shown.
        """
        asked = self.begin(b"login: ")
        self.assertEqual(asked, Attach("watch", ("lines", 1), True))
        self.prints(b"Welcome\r\n")
        self.assertNoResult(self.exit)
        self.prints(b"z login: more")
        self.exited(0)
        self.assertEqual(self.output.written, b"Welcome\r\nz login: ")

    def test_inPieces(self) -> None:
        """
        However it is cut it is found, once.
        """
        for at in range(1, 7):
            self.setUp()
            self.begin(b"login:")
            self.prints(b"x login:"[: at + 2])
            if at < 6:
                self.assertNoResult(self.exit)
                self.prints(b"x login:"[at + 2 :])
            self.exited(0)
            self.assertEqual(self.output.written, b"x login:")

    def test_typesFirst(self) -> None:
        """
        What is to be typed first needs the seat; then only what comes after counts.
        """
        asked = self.begin(b"[$] ", b"ls\r")
        self.assertEqual(asked, Attach("operator", "live", True))
        self.assertEqual(typed(self.server.value()), b"ls\r")
        self.prints(b"ls\r\nfile\r\n$ ")
        self.exited(0)

    def test_typedAtNobody(self) -> None:
        """
        What reaches nobody is a failure.
        """
        self.begin(b"x", b"ls\r")
        self.says(
            tells(FrameType.ANSWER, request="input", ok=False, text="zone is down")
        )
        self.exited(1, "zone is down")

    def test_late(self) -> None:
        """
        It is not waited for without end.
        """
        self.begin(b"login: ", None, "all", 5.0)
        self.prints(b"panic")
        self.reactor.advance(5)
        self.exited(4, "no 'login: ' within 5 s; the last line is 'panic'")
        self.assertEqual(self.output.written, b"panic")

    def test_noAnswer(self) -> None:
        """
        A server that does not answer is told as what it is, not as a silent zone.
        """
        wanted = re.compile(b"login: ")
        self.run_(Expecting(self.looker(), "z", wanted, None, None, 5.0))
        self.reactor.advance(5)
        self.exited(4, "the server did not answer within 5 s")

    def test_lateInSilence(self) -> None:
        """
        A zone that has printed nothing is said to have.
        """
        self.begin(b"login: ", None, None, 5.0)
        self.reactor.advance(5)
        self.exited(4, "no 'login: ' within 5 s; nothing was printed")

    def test_halted(self) -> None:
        """
        A zone that ends before has a status of its own; so has each way to end.
        """
        for reason, status, text in (
            ("halted", 5, "the zone halted without 'x'"),
            ("boot-failed", 5, "the zone did not boot without 'x'"),
            ("detached", 3, "the server ended the session: so"),
        ):
            self.setUp()
            self.begin(b"x")
            self.says(ends(reason, "so"))
            self.exited(status, text)

    def test_gap(self) -> None:
        """
        What is missing is told.
        """
        self.begin(b"x")
        self.says(encodeGap(0, 7))
        self.prints(b"x")
        self.exited(0, "7 bytes are missing at offset 0")

    def test_window(self) -> None:
        """
        It may extend over so many bytes and no more.
        """
        self.assertEqual(WINDOW_SIZE, 65536)
        for size, status in ((WINDOW_SIZE - 1, 0), (WINDOW_SIZE, 4)):
            self.setUp()
            self.begin(b"(?s)a.*b")
            self.prints(b"a" + b"." * size)
            self.prints(b"b")
            self.reactor.advance(60)
            self.assertEqual(self.successResultOf(self.exit), status)

    def test_escapeSequences(self) -> None:
        """
        They are no part of what is matched, but of what is shown up to its end; unless
        they are to be matched as well.
        """
        prompt = b"\x1b[32m/root # \x1b[6n"
        self.begin(b"^/root # $")
        self.prints(prompt)
        self.exited(0)
        self.assertEqual(self.output.written, b"\x1b[32m/root # ")
        self.setUp()
        self.begin(b"# $", None, None, 5.0, True)
        self.prints(prompt)
        self.reactor.advance(5)
        line = r"'\x1b[32m/root # \x1b[6n'"
        self.exited(4, f"no '# $' within 5 s; the last line is {line}")


class LifeTests(ExpectingCase):
    """
    Only what the zone's present life has printed counts.
    """

    def test_bootedBefore(self) -> None:
        """
        The prompt that the zone printed before it was booted is neither found nor
        shown, though it is in the last line and its bytes come with later ones.
        """
        for cut in range(20):
            self.setUp()
            self.offset = 100
            self.begin(b"login: ", offset=100, end=107, boot=[107, 107])
            data = b"login: Linux\r\nlogin: "
            for piece in (data[:cut], data[cut:]):
                if piece:
                    self.assertNoResult(self.exit)
                    self.prints(piece)
            self.exited(0)
            self.assertEqual(self.output.written, b"Linux\r\nlogin: ")

    def test_wholeHistory(self) -> None:
        """
        However far one asks to look back: of earlier boots that are told on the way
        none is the last.
        """
        self.begin(b"login: ", None, "all", boot=[21, 21])
        self.prints(b"login: ")
        self.happens("booting", 7)
        self.prints(b"login: ")
        self.happens("rebooting", 14)
        self.prints(b"login: ")
        self.assertNoResult(self.exit)
        self.happens("rebooting", 21)
        self.prints(b"login: ")
        self.exited(0)
        self.assertEqual(self.output.written, b"login: ")

    def test_bootsMeanwhile(self) -> None:
        """
        What one life has begun another one does not complete.
        """
        for event, status in (
            ("booting", None),
            ("rebooting", None),
            ("readied", 0),
            ("halted", 0),
        ):
            self.setUp()
            self.begin(b"log in")
            self.prints(b"log")
            self.happens(event, 3)
            self.prints(b" in")
            if status is None:
                self.assertNoResult(self.exit)
                self.prints(b"log in")
            self.exited(0)

    def test_bootedWhileAway(self) -> None:
        """
        What a zone printed while the connection was lost counts from its boot on.
        """
        self.begin(b"login: ", boot=[0, 0])
        self.prints(b"login")
        self.server.loseConnection()
        self.reactor.advance(0.1)
        again = self.reactor.transports[1].protocol
        again.dataReceived(accepts(offset=5, end=7, boot=[7, 7]))
        again.dataReceived(prints(b": ", 5))
        self.assertNoResult(self.exit)
        again.dataReceived(notice("rebooting", 7))
        again.dataReceived(prints(b"login: ", 7))
        self.exited(0)

    def test_typedMayBeLost(self) -> None:
        """
        What was typed and was lost with the connection, perhaps, is told; what is
        waited for may come all the same.
        """
        self.begin(b"42", b"echo 42")
        self.server.loseConnection()
        self.reactor.advance(0.1)
        again = self.reactor.transports[1].protocol
        again.dataReceived(accepts())
        self.assertNoResult(self.exit)
        again.dataReceived(prints(b"42", 0))
        self.exited(0, "7 bytes that were typed may not have reached the zone")

    def test_untold(self) -> None:
        """
        A server that does not tell where the last boot was is taken at its notices.
        """
        self.begin(b"login: ", boot=None)
        self.prints(b"login:")
        self.happens("rebooting", 6)
        self.prints(b" ")
        self.assertNoResult(self.exit)
        self.prints(b"login: ")
        self.exited(0)
