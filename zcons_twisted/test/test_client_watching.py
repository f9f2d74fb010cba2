# -*- test-case-name: zcons_twisted.test.test_client_watching -*-
"""
Tests for L{zcons_twisted.client.watching}.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.escapes import lineHelpText
from zcons_twisted.client.looking import Looker
from zcons_twisted.client.reports import moment
from zcons_twisted.client.watching import PROMPT_SECONDS, Watching
from zcons_twisted.frames import Attach, FrameType, encodeGap
from zcons_twisted.rundir import RunDirectory

from .client_fakes import (
    ClientReactor,
    FakeDescriptor,
    accepts,
    connectedSocket,
    ends,
    nobody,
    prints,
    tells,
)


class WatchingTests(SynchronousTestCase):
    """
    Several zones at once.
    """

    def setUp(self) -> None:
        """
        Somebody who looks.
        """
        self.reactor = ClientReactor()
        self.output = FakeDescriptor()
        self.said: list[str] = []
        self.missing = "none"

    def opener(self, path: str) -> Any:
        """
        Somebody, for all zones but one.
        """
        return (nobody if self.missing in path else connectedSocket)(path)

    def test_leave(self) -> None:
        """
        At a terminal a line with the way out leaves, and so does its end; nothing else
        that is typed does anything.
        """
        for pieces, command, left in (
            ([b"x\n", b"~.\n"], b"~", True),
            ([b""], b"~", True),
            ([b"~.\n"], None, False),
            ([b"~.\n", b"%.\n"], b"%", True),
            ([b"x~.\n"], b"~", False),
        ):
            self.setUp()
            keys = FakeDescriptor()
            keys.incoming.extend(pieces)
            looker = Looker(
                self.reactor,
                RunDirectory("/run/x"),
                self.output,
                self.said.append,
                opener=self.opener,
                input=keys,
            )
            watching = Watching(looker, ["y", "z"], Attach("watch"), command)
            exit_ = Deferred.fromCoroutine(watching.run())
            while keys.incoming:
                self.reactor.readers[0].doRead()
            if not left:
                self.assertNoResult(exit_)
                watching.signalled(signal.SIGINT)
            self.assertEqual(self.successResultOf(exit_), 0)
            self.assertTrue(keys.closed)
            self.assertEqual(self.reactor.readers, [])

    def test_help(self) -> None:
        """
        At a terminal one is told what one looks at and how to leave, and what there is
        when one asks.
        """
        start = b"[Watching the consoles of 2 zones; Ctrl-C leaves"
        more = b", and so does ~. with Enter; ~? with Enter tells more"
        for keys, command, quiet, told in (
            (FakeDescriptor(), b"~", False, start + more + b"]\n"),
            (FakeDescriptor(), None, False, start + b"]\n"),
            (None, b"~", False, start + b"]\n"),
            (FakeDescriptor(), b"~", True, b""),
        ):
            self.setUp()
            looker = Looker(
                self.reactor,
                RunDirectory("/run/x"),
                self.output,
                self.said.append,
                shown=True,
                quiet=quiet,
                opener=self.opener,
                input=keys,
            )
            watching = Watching(looker, ["y", "z"], Attach("watch"), command)
            exit_ = Deferred.fromCoroutine(watching.run())
            self.assertEqual(self.output.written, told)
            if keys is not None:
                keys.incoming.append(b"~?\n")
                self.reactor.readers[0].doRead()
                helped = self.output.written[len(told) :]
                self.assertEqual(helped, b"" if not command else lineHelpText(command))
            watching.signalled(signal.SIGINT)
            self.assertEqual(self.successResultOf(exit_), 0)

    def test_replayed(self) -> None:
        """
        At a terminal, where what was printed before ends is told of each zone, with the
        time of what happened before.
        """
        end = b"z: [End of what was printed before; the last output was 3 h ago]\n"
        for shown, quiet, told in (
            (True, False, end),
            (True, True, b""),
            (False, False, b""),
        ):
            self.setUp()
            looker = Looker(
                self.reactor,
                RunDirectory("/run/x"),
                self.output,
                self.said.append,
                shown=shown,
                quiet=quiet,
                opener=self.opener,
                now=lambda: 4 * 3600.0,
            )
            watching = Watching(looker, ["z", "y"], Attach("watch", "all"))
            exit_ = Deferred.fromCoroutine(watching.run())
            self.output.written = b""
            self.says(0, accepts(role="watch", end=4, printed=3600.0))
            notice = dict(event="halted", text="Halted", time=0, offset=2, arguments="")
            self.says(0, prints(b"a\n"), tells(FrameType.NOTICE, **notice))
            self.says(0, prints(b"b\nc\n", 2))
            at = f"{moment(0)} " if shown else ""
            lines = f"z: a\nz: [{at}Halted]\nz: b\n".encode()
            self.assertEqual(self.output.written, lines + told + b"z: c\n")
            watching.signalled(signal.SIGINT)
            self.assertEqual(self.successResultOf(exit_), 0)

    def test_standing(self) -> None:
        """
        Where a zone is down when we come, or its console is not connected, we are told
        why, as by C{attach}; once, and not where it is to be quiet.
        """
        down = dict(present=False, note="zone 'a' is down (exit status 3)")
        away = dict(note="console is not connected: No such file or directory")
        for quiet in (False, True):
            self.setUp()
            self.begin("a", "b", quiet=quiet, welcomes=(down, away))
            told = "" if quiet else f"a: [{down['note']}]\nb: [{away['note']}]\n"
            self.assertEqual(self.output.written, told.encode())
            self.reactor.transports[1].loseConnection()
            self.reactor.advance(0.1)
            self.says(2, accepts(role="watch", **away))
            self.says(0, ends("halted", "the zone is down already"))
            self.assertEqual(self.output.written, told.encode())
            self.watching.signalled(signal.SIGINT)
            self.exited(0)

    def begin(
        self, *zones: str, quiet: bool = False, welcomes: Sequence[Any] = ()
    ) -> None:
        """
        Look at some zones, and be let in.

        @param welcomes: what each server tells besides.
        """
        self._begin(zones, quiet)
        for number, told in enumerate(welcomes or [{}] * len(self.reactor.transports)):
            self.says(number, accepts(role="watch", **told))

    def _begin(self, zones: Sequence[str], quiet: bool) -> None:
        looker = Looker(
            self.reactor,
            RunDirectory("/run/x"),
            self.output,
            self.said.append,
            quiet=quiet,
            opener=self.opener,
        )
        self.watching = Watching(looker, zones, Attach("watch", disconnect=True))
        self.exit = Deferred.fromCoroutine(self.watching.run())

    def says(self, number: int, *told: bytes) -> None:
        """
        A server says something.
        """
        self.reactor.transports[number].protocol.dataReceived(b"".join(told))

    def exited(self, status: int) -> None:
        """
        It is over, and nothing is left.
        """
        self.assertEqual(self.successResultOf(self.exit), status)
        self.assertTrue(self.output.closed)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        for transport in self.reactor.transports:
            self.assertFalse(transport.connected)

    def test_lines(self) -> None:
        """
        Each zone's lines have its name in front, gaps and prompts too; C{^C} leaves.
        """
        self.begin("a", "b")
        self.says(0, prints(b"one\nlog"))
        self.says(1, prints(b"two\n"), encodeGap(4, 3))
        self.says(0, prints(b"in: ", 7))
        self.reactor.advance(PROMPT_SECONDS)
        self.says(0, prints(b"x", 11))
        self.watching.signalled(signal.SIGINT)
        self.assertEqual(
            self.output.written,
            b"a: one\nb: two\nb: [NOTICE: 3 bytes skipped]\na: login: \na: x\n",
        )
        self.exited(0)

    def test_ends(self) -> None:
        """
        It lasts until no zone is left, and the worst end is its own.
        """
        self.missing = "/c."
        self.begin("a", "b", "c")
        self.assertIn("c: no server serves zone c", self.said[0])
        self.says(0, ends("halted", "the zone halted"))
        self.assertNoResult(self.exit)
        self.says(1, prints(b"last words"), ends("zone-uninstalled", "so"))
        self.assertEqual(self.said[1:], ["b: the server ended the session: so"])
        self.assertEqual(self.output.written, b"b: last words\n")
        self.exited(3)

    def test_asAsked(self) -> None:
        """
        With C{-d} a zone's halt is what was asked for.
        """
        self.begin("a", "b")
        for number in range(2):
            self.says(number, ends("halted", "the zone halted"))
        self.assertEqual(self.said, [])
        self.exited(0)

    def test_resumed(self) -> None:
        """
        A connection that is lost is tried again.
        """
        self.begin("a", "b")
        self.reactor.transports[0].loseConnection()
        self.assertEqual(self.said, ["a: [Connection lost; trying again]"])
        self.reactor.advance(0.1)
        self.says(2, accepts(role="watch"), prints(b"x\n"))
        self.assertEqual(self.said[1:], ["a: [Connected again]"])
        self.assertEqual(self.output.written, b"a: x\n")
        self.says(1, ends("restarting", "the server restarts"))
        self.assertEqual(self.said[2:], ["b: [The server restarts; connecting again]"])
        self.watching.signalled(signal.SIGTERM)
        self.exited(143)

    def test_quiet(self) -> None:
        """
        With C{-Q} that is not told.
        """
        self.begin("a", "b", quiet=True)
        self.reactor.transports[0].loseConnection()
        self.reactor.advance(0.1)
        self.says(2, accepts(role="watch"))
        self.assertEqual(self.said, [])
        self.watching.signalled(signal.SIGTERM)
        self.exited(143)

    def test_early(self) -> None:
        """
        One may leave before all zones are attached to.
        """
        self.missing = "none"
        with_, without = connectedSocket, lambda path: None
        self.opener = lambda path: (  # type: ignore[method-assign]
            without(path) if "/b." in path else with_(path)
        )
        self.begin("a", "b")
        self.watching.signalled(signal.SIGINT)
        self.exited(0)
