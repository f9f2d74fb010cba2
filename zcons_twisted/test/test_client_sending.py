# -*- test-case-name: zcons_twisted.test.test_client_sending -*-
"""
Tests for L{zcons_twisted.client.sending}.
"""

from __future__ import annotations

import signal
from typing import Any

from zcons_twisted.client.seated import SEAT_SECONDS
from zcons_twisted.client.sending import Sending
from zcons_twisted.frames import Attach, FrameType, encodeFrame

from .client_fakes import accepts, ends, frames, nobody, refuses, tells, typed
from .script_case import ScriptCase


class SendingTests(ScriptCase):
    """
    Something is typed, and that is all.
    """

    def begin(self, seconds: float = 10.0) -> Attach:
        """
        Type something.

        @return: what the server was asked for.
        """
        self.run_(Sending(self.looker(), "z", b"ls\r", seconds))
        return self.letIn()

    def test_sent(self) -> None:
        """
        It is typed in the free seat, and done when the server has taken it.
        """
        self.assertEqual(self.begin(), Attach("operator"))
        self.assertEqual(typed(self.server.value()), b"ls\r")
        self.prints(b"not shown")
        self.assertNoResult(self.exit)
        self.says(encodeFrame(FrameType.PONG))
        self.exited(0)
        self.assertEqual(self.output.written, b"")

    def test_nobodyListens(self) -> None:
        """
        What reaches nobody is a failure.
        """
        self.begin()
        self.says(
            tells(FrameType.ANSWER, request="input", ok=False, text="zone is down")
        )
        self.exited(1, "zone is down")

    def test_late(self) -> None:
        """
        A zone that has no room for it is not waited for without end.
        """
        self.begin(3.0)
        self.reactor.advance(3)
        self.exited(4, "the zone had no room for what was typed within 3 s")

    def test_busy(self) -> None:
        """
        Nobody is disturbed.
        """
        self.run_(Sending(self.looker(), "z", b"ls\r"))
        self.says(refuses("busy", "no", 99))
        self.reactor.advance(SEAT_SECONDS)
        self.assertEqual(self.said[0], "Console is already in use by process ID 99.")
        self.exited(1, *self.said)

    def test_nobody(self) -> None:
        """
        Where there is no server, we are told so.
        """
        self.run_(Sending(self.looker(nobody), "z", b""))
        self.assertIn("no server serves zone z", self.said[0])
        self.exited(1, *self.said)

    def test_refused(self) -> None:
        """
        What the server says is told.
        """
        self.run_(Sending(self.looker(), "z", b""))
        self.says(refuses("full", "there are 256 sessions already"))
        self.exited(1, "the server refused: there are 256 sessions already")

    def test_ended(self) -> None:
        """
        A session that the server ends is a failure of its own.
        """
        self.begin()
        self.says(ends("detached", "detached by Ann"))
        self.exited(3, "the server ended the session: detached by Ann")

    def test_signal(self) -> None:
        """
        A signal ends it, attached or not.
        """
        sending = Sending(self.looker(), "z", b"")
        self.run_(sending)
        sending.signalled(signal.SIGTERM)
        self.exited(128 + signal.SIGTERM)

    def back(self) -> Any:
        """
        The server is lost, and back.

        @return: the connection to it.
        """
        self.server.loseConnection()
        self.reactor.advance(0.1)
        again = self.reactor.transports[1].protocol
        again.dataReceived(accepts())
        return again

    def test_lost(self) -> None:
        """
        A server that is lost when the zone has what was typed is asked again when it is
        back.
        """
        self.begin()
        asked = frames(self.server.value())[1]
        self.says(encodeFrame(FrameType.CONFIRMED, asked.payload))
        again = self.back()
        self.assertNoResult(self.exit)
        again.dataReceived(encodeFrame(FrameType.PONG))
        self.exited(0)

    def test_lostWithIt(self) -> None:
        """
        Where nobody knows whether the zone has it, that is no success.
        """
        self.begin()
        self.back()
        self.exited(3, "3 bytes that were typed may not have reached the zone")

    def test_legacy(self) -> None:
        """
        With a server that answers nothing it is done when it has gone out.
        """
        self.run_(Sending(self.looker(), "z", b"ls\r"))
        self.server.loseConnection()
        legacy = self.reactor.transports[1]
        legacy.protocol.dataReceived(b"OK\n")
        self.assertTrue(legacy.value().endswith(b"ls\r"))
        self.exited(0)
