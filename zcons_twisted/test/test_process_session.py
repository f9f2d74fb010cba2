# -*- test-case-name: zcons_twisted.test.test_process_session -*-
"""
Tests for L{zcons_twisted.drivers.process_session}.
"""

from __future__ import annotations

import builtins
import io
import os
import signal
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from ..drivers import process_session
from ..drivers.sweep import Session

#: Processes as C{/proc} shows them, all of session 100 but one.
PROCESSES = {
    100: b"100 (sh) S 1 100 100 34816",
    101: b"101 (a) Z (c)) R 100 101 100 34816",
    102: b"102 (dead) Z 100 102 100 34816",
    103: b"103 (dying) X 100 103 100 34816",
    200: b"200 (other) S 1 200 200 0",
}


class MembersTests(SynchronousTestCase):
    """
    The processes of a session are those that the system shows and that run.
    """

    def setUp(self) -> None:
        """
        A system of our own, where process 999 has ended just now.
        """
        names = ["self", "uptime", "999", *map(str, PROCESSES)]
        self.patch(os, "listdir", lambda path: names)
        self.patch(os, "getsid", self.getsid)
        self.patch(builtins, "open", self.open)

    def getsid(self, pid: int) -> int:
        """
        The session of a process.
        """
        if pid == 999:
            raise ProcessLookupError(pid)
        return 200 if pid == 200 else 100

    def open(self, path: str, mode: str) -> Any:
        """
        Open a file of C{/proc}.
        """
        return io.BytesIO(PROCESSES[int(path.split("/")[2])])

    def test_members(self) -> None:
        """
        Whatever a process calls itself, it is found; the dead are not.
        """
        self.assertEqual(process_session.members(100), [100, 101])
        self.assertEqual(process_session.members(200), [200])

    def test_none(self) -> None:
        """
        A session that is over has no members.
        """
        self.assertEqual(process_session.members(300), [])

    def test_isMember(self) -> None:
        """
        One process can be asked for.
        """
        self.assertEqual(
            [process_session.isMember(pid, 100) for pid in (100, 102, 200, 999)],
            [True, False, False, False],
        )


class OwnSessionTests(SynchronousTestCase):
    """
    The same with the real C{/proc}.
    """

    def test_ourselves(self) -> None:
        """
        This process is in its own session.
        """
        self.assertIn(os.getpid(), process_session.members(os.getsid(0)))


class SignalTests(SynchronousTestCase):
    """
    Signals go to each process that they are meant for.
    """

    def setUp(self) -> None:
        """
        Nobody is really signalled.
        """
        self.sent: list[tuple[int, int]] = []
        self.refused: dict[int, OSError] = {}
        self.patch(os, "kill", self.kill)

    def kill(self, pid: int, number: int) -> None:
        """
        Remember it, or refuse.
        """
        self.sent.append((pid, number))
        if pid in self.refused:
            raise self.refused[pid]

    def test_inOrder(self) -> None:
        """
        Each gets all signals in their order.
        """
        process_session.signal([100, 101], signal.SIGHUP, signal.SIGTERM)
        for pid in (100, 101):
            self.assertEqual(
                [number for each, number in self.sent if each == pid],
                [signal.SIGHUP, signal.SIGTERM],
            )

    def test_goneOrNotOurs(self) -> None:
        """
        One that has gone, or has become another user's, keeps no other from being
        signalled.
        """
        for error in (ProcessLookupError(), PermissionError()):
            self.refused = {100: error}
            self.sent.clear()
            process_session.signal([100, 101], signal.SIGHUP, signal.SIGTERM)
            self.assertIn((101, signal.SIGTERM), self.sent)
            self.assertNotIn((100, signal.SIGTERM), self.sent)

    def test_asASession(self) -> None:
        """
        The module is what a sweep needs.
        """
        session: Session = process_session
        self.assertTrue(session.isMember(os.getpid(), os.getsid(0)))
