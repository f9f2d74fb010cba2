# -*- test-case-name: zcons_twisted.test.test_client_past -*-
"""
Tests for L{zcons_twisted.client.past} and L{zcons_twisted.client.looking}.
"""

from __future__ import annotations

import errno
import signal
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.connecting import Opener
from zcons_twisted.client.looking import GOODBYE_SECONDS, Looker, Looking
from zcons_twisted.client.past import Past
from zcons_twisted.client.streams import HIGH_WATER
from zcons_twisted.frames import Attach, FrameType, encodeFrame, encodeGap, parseAttach
from zcons_twisted.rundir import RunDirectory

from .client_fakes import (
    ClientReactor,
    FakeDescriptor,
    FakeTransport,
    accepts,
    connectedSocket,
    ends,
    frames,
    nobody,
    prints,
    refuses,
    tells,
)

NOTICE = tells(
    FrameType.NOTICE, event="halted", text="Zone halted", time=1, offset=3, arguments=""
)


class PastTests(SynchronousTestCase):
    """
    What a zone has printed.
    """

    def setUp(self) -> None:
        """
        Somebody with a pipe.
        """
        self.reactor = ClientReactor()
        self.output = FakeDescriptor()
        self.said: list[str] = []
        self.shown = False

    def begin(
        self,
        start: str | tuple[str, int] = "all",
        follow: bool = False,
        opener: Opener = connectedSocket,
    ) -> None:
        """
        Ask.
        """
        looker = Looker(
            self.reactor,
            RunDirectory("/run/x"),
            self.output,
            self.said.append,
            self.shown,
            opener=opener,
        )
        self.past = Past(looker, "z", start, follow)
        self.exit = Deferred.fromCoroutine(self.past.run())

    def letIn(self, *told: bytes, **more: Any) -> None:
        """
        The server accepts, and says something.
        """
        self.asked = parseAttach(self.server.value().partition(b"\n")[0])
        self.server.clear()
        self.says(accepts(role="watch", **more), *told)

    def says(self, *told: bytes) -> None:
        """
        The server says something.
        """
        self.server.protocol.dataReceived(b"".join(told))

    @property
    def server(self) -> FakeTransport:
        """
        The newest connection.
        """
        return self.reactor.transports[-1]

    def pong(self) -> None:
        """
        Everything has been told.
        """
        (ping,) = frames(self.server.value())
        self.assertIs(ping.type, FrameType.PING)
        self.says(encodeFrame(FrameType.PONG))

    def exited(self, status: int) -> None:
        """
        It is over, and nothing is left.
        """
        self.assertEqual(self.successResultOf(self.exit), status)
        self.assertTrue(self.output.closed)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        for transport in self.reactor.transports:
            self.assertFalse(transport.connected)

    def test_bytes(self) -> None:
        """
        A pipe gets the zone's bytes up to the end that there was, and no more.
        """
        self.begin(("lines", 3))
        self.letIn(prints(b"\x1b[mab"), end=7)
        self.assertEqual(self.asked, Attach("watch", ("lines", 3)))
        self.says(NOTICE, prints(b"cdefg", 5))
        self.says(prints(b"more", 10))
        self.pong()
        self.assertEqual(self.output.written, b"\x1b[mabcd")
        self.assertEqual(self.said, [])
        self.exited(0)

    def test_nothing(self) -> None:
        """
        Where there is nothing, nothing is put out.
        """
        self.begin(("offset", 9))
        self.letIn(offset=7, end=7)
        self.pong()
        self.assertEqual(self.output.written, b"")
        self.exited(0)

    def test_gap(self) -> None:
        """
        What is missing is told on standard error.
        """
        self.begin()
        self.letIn(encodeGap(0, 4), prints(b"x", 4), end=5)
        self.pong()
        self.assertEqual(self.output.written, b"x")
        self.assertEqual(self.said, ["4 bytes are missing at offset 0"])
        self.exited(0)

    def test_terminal(self) -> None:
        """
        A terminal shows notices, to the last, and gaps among it.
        """
        self.shown = True
        self.begin()
        self.letIn(encodeGap(0, 2), prints(b"x", 2), end=3)
        self.says(NOTICE)
        self.pong()
        self.assertEqual(
            self.output.written,
            b"\r\n[NOTICE: 2 bytes skipped]\r\nx\r\n[Zone halted]\r\n",
        )
        self.exited(0)

    def test_queries(self) -> None:
        """
        A terminal is not asked again what it was asked long ago; a pipe gets all.
        """
        asked = b"a\x1b[6nb\x1b]11;?\x07c\x1b[?6"
        for shown, wanted in ((True, b"abc\x1b[?6"), (False, asked)):
            self.setUp()
            self.shown = shown
            self.begin()
            self.letIn(prints(asked[:3]), end=len(asked))
            self.says(prints(asked[3:] + b"n", 3))
            self.pong()
            self.assertEqual(self.output.written, wanted)
            self.exited(0)

    def test_queriesFollowed(self) -> None:
        """
        Whoever follows is asked what is asked from now on.
        """
        asked = b"a\x1b[6nb"
        self.shown = True
        self.begin(follow=True)
        self.letIn(prints(asked), end=len(asked))
        self.says(prints(asked, len(asked)))
        self.assertEqual(self.output.written, b"ab" + asked)
        self.past.signalled(signal.SIGINT)
        self.exited(130)

    def test_follow(self) -> None:
        """
        It goes on if it is told to, over a lost connection too, until a signal ends
        it.
        """
        self.begin(follow=True)
        self.letIn(prints(b"abc"), end=3)
        self.server.loseConnection()
        self.reactor.advance(0.1)
        self.letIn(prints(b"def", 3), offset=3, end=6)
        self.assertEqual(self.asked.start, ("offset", 3))
        self.assertEqual(self.output.written, b"abcdef")
        self.assertEqual(
            self.said, ["[Connection lost; trying again]", "[Connected again]"]
        )
        self.past.signalled(signal.SIGINT)
        self.exited(130)

    def test_anew(self) -> None:
        """
        Where there is another history when the connection is back, there is no more to
        be had of the one that was asked for.
        """
        for shown in (False, True):
            self.setUp()
            self.shown = shown
            self.begin()
            self.letIn(prints(b"abc"), end=100, birth="1" * 16)
            self.server.loseConnection()
            self.reactor.advance(0.1)
            self.letIn(prints(b"new"), offset=0, end=3, birth="2" * 16)
            self.assertEqual(self.output.written, b"abc")
            self.assertEqual(
                self.said[2:],
                ["the history has begun anew; the rest of the one before is lost"],
            )
            self.exited(3)

    def test_anewFollowed(self) -> None:
        """
        Whoever follows goes on with the other one.
        """
        for shown in (False, True):
            self.setUp()
            self.shown = shown
            self.begin(follow=True)
            self.letIn(prints(b"abc"), end=3, birth="1" * 16)
            self.server.loseConnection()
            self.reactor.advance(0.1)
            self.letIn(prints(b"new"), offset=0, end=3, birth="2" * 16)
            self.assertEqual(self.asked.birth, "1" * 16)
            between = b"\r\n[NOTICE: History begins anew]\r\n" if shown else b""
            self.assertEqual(self.output.written, b"abc" + between + b"new")
            self.assertEqual(
                self.said[2:], [] if shown else ["the history begins anew"]
            )
            self.past.signalled(signal.SIGINT)
            self.exited(130)

    def test_refused(self) -> None:
        """
        Who is not let in is told why.
        """
        self.begin(opener=nobody)
        self.assertIn("Could not connect to zone console: no server", self.said[0])
        self.exited(1)
        self.setUp()
        self.begin()
        self.says(refuses("full", "there are too many"))
        self.assertEqual(self.said, ["the server refused: there are too many"])
        self.exited(1)

    def test_early(self) -> None:
        """
        A signal ends the attempt.
        """
        self.begin()
        self.past.signalled(signal.SIGTERM)
        self.assertEqual(self.said, [])
        self.exited(143)

    def test_ended(self) -> None:
        """
        The server may end it.
        """
        self.begin(follow=True)
        self.letIn(ends("zone-uninstalled", "so"))
        self.assertEqual(self.said, ["the server ended the session: so"])
        self.exited(3)

    def test_paced(self) -> None:
        """
        A pipe that takes nothing pauses the session, and gets the rest when it takes
        again.
        """
        self.begin()
        self.output.room = 0
        size = HIGH_WATER + 5
        self.letIn(end=size)
        self.says(prints(b"x" * HIGH_WATER))
        self.assertEqual(self.server.producerState, "paused")
        self.output.room = 1 << 20
        self.reactor.writers[0].doWrite()
        self.assertEqual(self.server.producerState, "producing")
        self.output.room = 0
        self.says(prints(b"y" * 5, HIGH_WATER))
        self.pong()
        self.assertNoResult(self.exit)
        self.output.room = 1 << 20
        self.reactor.writers[0].doWrite()
        self.assertEqual(len(self.output.written), size)
        self.exited(0)

    def test_outputFails(self) -> None:
        """
        Whoever reads it may have seen enough; output that can't be written is an
        error.
        """
        for error, status, said in (
            (BrokenPipeError(errno.EPIPE, "broken"), 0, []),
            (
                OSError(errno.ENOSPC, "No space left on device"),
                1,
                ["could not write the output: No space left on device"],
            ),
        ):
            self.setUp()
            self.begin()
            self.output.error = error
            self.letIn(prints(b"x"), end=100)
            self.assertEqual(self.said, said)
            self.exited(status)

    def test_goodbye(self) -> None:
        """
        The server is told that one leaves; one that takes nothing is not waited for.
        """
        for taken in (True, False):
            self.setUp()
            self.begin()
            self.letIn(prints(b"abc"), end=3)
            server = self.server
            if not taken:
                server.loseConnection = lambda: None  # type: ignore[method-assign]
            self.says(encodeFrame(FrameType.PONG))
            if not taken:
                self.reactor.advance(0.99)
                self.assertNoResult(self.exit)
                self.reactor.advance(0.01)
            self.exited(0)
            kinds = [frame.type for frame in frames(server.value())]
            self.assertEqual(kinds, [FrameType.PING, FrameType.LEAVE])
            self.assertEqual(server.aborted, not taken)
            self.assertEqual(GOODBYE_SECONDS, 1.0)


class LookingTests(SynchronousTestCase):
    """
    What such commands have in common.
    """

    def test_begin(self) -> None:
        """
        Each attaches to its own.
        """
        looker = Looker(
            ClientReactor(), RunDirectory("/run/x"), FakeDescriptor(), print
        )
        self.assertRaises(NotImplementedError, Looking(looker).begin)
