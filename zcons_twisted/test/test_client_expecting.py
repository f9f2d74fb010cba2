# -*- test-case-name: zcons_twisted.test.test_client_expecting -*-
"""
Tests for L{zcons_twisted.client.expecting}.
"""

from __future__ import annotations

import re
from typing import Any

from zcons_twisted.client.expecting import WINDOW_SIZE, Expecting
from zcons_twisted.frames import Attach, FrameType, encodeGap

from .client_fakes import ends, tells, typed
from .script_case import ScriptCase


class ExpectingTests(ScriptCase):
    """
    Something is waited for.
    """

    def begin(self, pattern: bytes, *more: Any) -> Attach:
        """
        Wait for it.

        @return: what the server was asked for.
        """
        self.run_(Expecting(self.looker(), "z", re.compile(pattern), *more))
        return self.letIn()

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
        self.exited(4, "no 'login: ' within 5 s")
        self.assertEqual(self.output.written, b"panic")

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
