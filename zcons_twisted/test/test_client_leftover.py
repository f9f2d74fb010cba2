# -*- test-case-name: zcons_twisted.test.test_client_leftover -*-
"""
Tests for L{zcons_twisted.client.leftover}: C{zconsole history} without a server.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred

from zcons_twisted.client.leftover import Unreadable, openLeft
from zcons_twisted.client.past import Past
from zcons_twisted.client.reports import moment
from zcons_twisted.client.streams import HIGH_WATER
from zcons_twisted.doors.zone_lock import ZoneLock
from zcons_twisted.events import ZoneEvent
from zcons_twisted.history import HISTORY_MIN
from zcons_twisted.history_file import HistoryFile
from zcons_twisted.rundir import RunDirectory

from .client_fakes import nobody
from .script_case import ScriptCase
from .support import shortDirectory


class LeftoverTests(ScriptCase):
    """
    What the last server has left is read, and nothing of it is changed.
    """

    def setUp(self) -> None:
        """
        A run directory.
        """
        super().setUp()
        self.directory = RunDirectory(os.path.join(shortDirectory(self), "run"))
        os.mkdir(self.directory.path, 0o700)
        self.path = self.directory.historyFile("z")

    def leave(self, *pieces: bytes) -> None:
        """
        A server keeps what a zone prints, with an event after each piece, and ends.
        """
        history = HistoryFile(self.path, HISTORY_MIN, lambda: 5.0).history
        for piece in pieces:
            history.append(piece)
            history.event(7.0, ZoneEvent.HALTED, "")
        history.close()

    def read(
        self, start: Any = "all", follow: bool = False, times: bool = False
    ) -> int:
        """
        Read it.

        @return: the exit status.
        """
        looker = self.looker(nobody)
        looker = type(looker)(
            looker.reactor,
            self.directory,
            looker.output,
            looker.say,
            self.shown,
            opener=nobody,
        )
        self.exit = Deferred.fromCoroutine(
            Past(looker, "z", start, follow, times).run()
        )
        while self.reactor.writers:
            self.output.room = HIGH_WATER
            self.reactor.writers[0].doWrite()
        return self.successResultOf(self.exit)

    shown = False

    def test_read(self) -> None:
        """
        Into a pipe go the zone's bytes, and where they are from is said.
        """
        self.leave(b"booting\r\n", b"panic\r\n")
        with open(self.path, "rb") as file:
            before = file.read()
        self.assertEqual(self.read(), 0)
        self.assertEqual(self.output.written, b"booting\r\npanic\r\n")
        self.assertEqual(
            self.said, [f"no server serves zone z: this is what {self.path} has"]
        )
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), before)
        self.assertEqual(os.listdir(self.directory.path), ["z.history"])

    def test_onATerminal(self) -> None:
        """
        On a terminal what happened is shown in its place, with its time if wanted.
        """
        self.leave(b"booting\r\n", b"panic\r\n")
        self.shown = True
        self.read()
        halted = b"\r\n[NOTICE: Zone halted]\r\n"
        self.assertEqual(
            self.output.written, b"booting\r\n" + halted + b"panic\r\n" + halted
        )
        self.output.written = b""
        self.read(times=True)
        timed = f"\r\n[{moment(7.0)} NOTICE: Zone halted]\r\n".encode()
        self.assertEqual(self.output.written.count(timed), 2)

    def test_queries(self) -> None:
        """
        A terminal is not asked what the zone had asked.
        """
        self.leave(b"panic\x1b[6n\r\n\x1b[6")
        self.shown = True
        self.read()
        self.assertTrue(self.output.written.startswith(b"panic\r\n"))
        self.assertNotIn(b"\x1b[6n", self.output.written)
        self.assertTrue(self.output.written.endswith(b"\x1b[6"))

    def test_times(self) -> None:
        """
        In a pipe what happened is told with its place.
        """
        self.leave(b"panic\r\n")
        self.read(times=True)
        self.assertEqual(self.output.written, b"panic\r\n")
        self.assertEqual(
            self.said[1:], [f"{moment(7.0)} NOTICE: Zone halted, at offset 7"]
        )

    def test_part(self) -> None:
        """
        A part of it may be had, and what is missing is told.
        """
        self.leave(b"a\r\n", b"b\r\n", b"c\r\n")
        self.read(("lines", 1))
        self.assertEqual(self.output.written, b"c\r\n")
        self.leave(b"x" * 4 * HISTORY_MIN)
        self.read(("offset", 3))
        self.assertTrue(any("bytes are missing" in line for line in self.said))

    def test_paced(self) -> None:
        """
        No more is held than a reader takes.
        """
        self.leave(b"x" * HISTORY_MIN)
        self.output.room = 0
        self.assertEqual(self.read(), 0)
        self.assertEqual(len(self.output.written), HISTORY_MIN)

    def test_none(self) -> None:
        """
        Where there is nothing left, or nothing to follow, that is a failure.
        """
        self.assertEqual(self.read(), 1)
        self.assertIn("no server serves zone z", self.said[0])
        self.assertIn("No such file", self.said[1])
        self.leave(b"x")
        self.said.clear()
        self.assertEqual(self.read(follow=True), 1)
        self.assertEqual(len(self.said), 1)

    def test_served(self) -> None:
        """
        Where a server holds the zone's lock its file is its own.
        """
        self.leave(b"x")
        lock = ZoneLock(self.directory.lockFile("z"), "z")
        lock.acquire()
        self.addCleanup(lock.release)
        error = self.assertRaises(Unreadable, openLeft, self.directory, "z", 0.0)
        self.assertIn(f"process {os.getpid()} is about to serve", str(error))
        lock.release()
        openLeft(self.directory, "z", 0.0).close()

    def test_damaged(self) -> None:
        """
        What is no history is not taken for one.
        """
        for content in (b"", b"x" * 100, b"x" * (1 << 20)):
            with open(self.path, "wb") as file:
                file.write(content)
            self.assertRaises(Unreadable, openLeft, self.directory, "z", 0.0)
        os.unlink(self.path)
        os.symlink("/etc/passwd", self.path)
        self.assertRaises(Unreadable, openLeft, self.directory, "z", 0.0)
