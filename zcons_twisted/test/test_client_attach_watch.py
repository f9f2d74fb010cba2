# -*- test-case-name: zcons_twisted.test.test_client_attach_watch -*-
"""
Tests for L{zcons_twisted.client.attach}: C{zconsole watch} with one zone.
"""

from __future__ import annotations

import signal

from zcons_twisted.frames import Attach

from .attach_case import AttachingCase


class WatchingTests(AttachingCase):
    """
    Somebody who only looks.
    """

    def test_watch(self) -> None:
        """
        Nothing that is typed is sent, and the terminal's size is nobody's.
        """
        self.begin(role="watch")
        self.assertEqual(self.asked, Attach("watch", ("lines", 30)))
        self.letIn(b"login: ", role="watch")
        self.type_(b"root\r")
        self.attachment.resized(signal.SIGWINCH)
        self.assertEqual(self.server.value(), b"")
        self.assertEqual(self.output.written, b"[Watching zone 'z' console]\nlogin: ")

    def test_leave(self) -> None:
        """
        The way out, C{^C} and its signal leave in good order.
        """
        ways = (
            lambda: self.type_(b"~."),
            lambda: self.type_(b"x\x03"),
            lambda: self.attachment.signalled(signal.SIGINT),
        )
        for way in ways:
            self.setUp()
            self.seat(role="watch")
            way()
            self.ends("left", "the client left")
            self.exited(0)

    def test_help(self) -> None:
        """
        What there is to type does not include a break.
        """
        self.seat(role="watch")
        self.type_(b"~?~B")
        self.assertIn(b"~?\r\n~.  leave the console\r\n^C", self.output.written)
        self.assertNotIn(b"~B", self.output.written)
        self.assertEqual(self.server.value(), b"")
        self.type_(b"~.")
        self.ends("left", "the client left")
        self.exited(0)

    def test_leaveEarly(self) -> None:
        """
        C{^C} leaves also where the server has not answered yet; another signal ends.
        """
        for number, code in ((signal.SIGINT, 0), (signal.SIGTERM, 143)):
            self.setUp()
            self.begin(role="watch")
            self.attachment.signalled(number)
            self.exited(code)

    def test_pipe(self) -> None:
        """
        Without a terminal nothing is read.
        """
        self.terminal = None
        self.seat(role="watch")
        self.assertEqual(self.reactor.readers, [])
        self.attachment.signalled(signal.SIGTERM)
        self.exited(143)
