# -*- test-case-name: zcons_twisted.test.test_client_attach_replay -*-
"""
Tests for L{zcons_twisted.client.screen}: what is shown of what was printed before.
"""

from __future__ import annotations

import signal
import time
from typing import Any

from zcons_twisted.client.reports import moment
from zcons_twisted.frames import FrameType, encodeFrame, encodeObject

from .attach_case import CONNECTED, AttachingCase
from .client_fakes import frames

PAST = b"\x1b[1mold\x1b[6n$ \x1b]11;?\x07"
SHOWN = b"\x1b[1mold$ "
END = b"\r\n[End of what was printed before; the last output was 3 h ago]\r\n"


class ReplayTests(AttachingCase):
    """
    What was printed before is shown without what a terminal would answer, and where it
    ends is told.
    """

    def arrive(self, **options: Any) -> None:
        """
        Somebody comes three hours late.
        """
        self.begin(**options)
        self.server.clear()
        self.letIn(end=len(PAST), printed=time.time() - 3 * 3600 - 60)

    def pong(self) -> None:
        """
        The server answers.
        """
        (ping,) = [f for f in frames(self.server.value()) if f.type is FrameType.PING]
        self.server.protocol.dataReceived(encodeFrame(FrameType.PONG, ping.payload))

    def leave(self) -> None:
        """
        It is over.
        """
        self.attachment.signalled(signal.SIGTERM)
        self.exited(143)

    @property
    def shownBytes(self) -> bytes:
        """
        What was shown after the first line.
        """
        self.assertTrue(self.output.written.startswith(CONNECTED))
        return self.output.written[len(CONNECTED) :]

    def test_end(self) -> None:
        """
        What comes then is shown as it is.
        """
        for size in (1, 7, len(PAST)):
            self.setUp()
            self.arrive()
            for at in range(0, len(PAST), size):
                self.prints(PAST[at : at + size])
            self.assertEqual(self.shownBytes, SHOWN)
            self.pong()
            self.assertEqual(self.shownBytes, SHOWN + END)
            self.prints(PAST)
            self.assertEqual(self.shownBytes, SHOWN + END + PAST)
            self.leave()

    def test_goesOn(self) -> None:
        """
        The zone may print something while the server is asked, and it comes after the
        line.
        """
        self.arrive()
        self.prints(PAST + b"now\x1b[c")
        self.assertEqual(self.shownBytes, SHOWN + END + b"now\x1b[c")
        self.pong()
        self.assertEqual(self.shownBytes, SHOWN + END + b"now\x1b[c")
        self.leave()

    def test_unfinished(self) -> None:
        """
        A sequence at the end goes on with what comes now.
        """
        self.begin()
        self.letIn(end=5)
        self.prints(b"old\x1b[")
        self.prints(b"6n")
        line = b"\r\n[End of what was printed before]\r\n"
        self.assertEqual(self.shownBytes, b"old" + line + b"\x1b[6n")
        self.leave()

    def test_notices(self) -> None:
        """
        What happened before is told with its time, to the last.
        """
        self.arrive()
        content: dict[str, Any] = {"event": "halted", "text": "NOTICE: Zone halted"}
        content |= {"time": 7.0, "offset": len(PAST), "arguments": ""}
        notice = encodeFrame(FrameType.NOTICE, encodeObject(content))
        self.prints(PAST)
        self.server.protocol.dataReceived(notice)
        self.pong()
        dated = f"\r\n[{moment(7.0)} NOTICE: Zone halted]\r\n".encode()
        self.assertEqual(self.shownBytes, SHOWN + dated + END)
        self.server.protocol.dataReceived(notice)
        plain = b"\r\n[NOTICE: Zone halted]\r\n"
        self.assertEqual(self.shownBytes, SHOWN + dated + END + plain)
        self.leave()

    def test_quiet(self) -> None:
        """
        With C{-Q} nothing is told; what was asked is left out all the same.
        """
        self.arrive(quiet=True)
        self.prints(PAST)
        self.pong()
        self.assertEqual(self.output.written, SHOWN)
        self.leave()

    def test_pipe(self) -> None:
        """
        A pipe gets all of it, and no line.
        """
        self.shown = False
        self.arrive()
        self.prints(PAST)
        self.assertEqual(self.shownBytes, PAST)
        self.assertEqual(frames(self.server.value()), [])
        self.leave()

    def test_nothing(self) -> None:
        """
        Where nothing was printed before there is nothing to tell.
        """
        self.seat(PAST)
        self.assertEqual(self.shownBytes, PAST)
        self.leave()

    def test_anew(self) -> None:
        """
        Another history is told of where the connection is, not among the output.
        """
        self.begin()
        self.letIn(end=3, birth="1" * 16)
        self.prints(b"old")
        self.server.loseConnection()
        self.number, self.offset = 1, 0
        self.reactor.advance(0.1)
        self.letIn(end=len(PAST), birth="2" * 16)
        self.prints(PAST)
        self.assertEqual(self.told[2:], ["[NOTICE: History begins anew]"])
        self.assertEqual(self.shownBytes, b"old" + SHOWN)
        self.leave()

    def test_paced(self) -> None:
        """
        A terminal that takes nothing pauses what was printed before as well.
        """
        self.begin()
        self.letIn(end=1 << 20)
        self.output.room = 0
        self.prints(b"x" * 70000)
        self.assertEqual(self.server.producerState, "paused")
        self.leave()

    def test_resumed(self) -> None:
        """
        What was printed while the connection was lost was asked long ago, too; that it
        was lost is told already.
        """
        self.arrive()
        self.prints(PAST)
        self.pong()
        before = self.shownBytes
        self.server.loseConnection()
        self.number = 1
        self.reactor.advance(0.1)
        self.letIn(end=2 * len(PAST))
        self.prints(PAST)
        self.pong()
        self.prints(PAST)
        self.assertEqual(self.shownBytes, before + SHOWN + PAST)
        self.leave()

    def test_lostMeanwhile(self) -> None:
        """
        The connection may be lost before the end has come; then it comes later.
        """
        self.arrive()
        self.prints(PAST[:-3])
        self.server.loseConnection()
        self.number = 1
        self.reactor.advance(0.1)
        self.letIn(end=len(PAST))
        self.prints(PAST[-3:])
        self.pong()
        self.assertEqual(self.shownBytes, SHOWN + END)
        self.leave()
