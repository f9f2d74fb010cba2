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

#: Processes as C{/proc} shows them: number, name, state, session.
PROCESSES = {
    "100": b"100 (sh) S 1 100 100 34816",
    "101": b"101 (a) b (c)) R 100 101 100 34816",
    "102": b"102 (dead) Z 100 102 100 34816",
    "103": b"103 (dying) X 100 103 100 34816",
    "200": b"200 (other) S 1 200 200 0",
}


class MembersTests(SynchronousTestCase):
    """
    The processes of a session are those that C{/proc} shows and that run.
    """

    def setUp(self) -> None:
        """
        A C{/proc} of our own.
        """
        self.patch(os, "listdir", lambda path: ["self", "uptime", "999", *PROCESSES])
        self.patch(builtins, "open", self.open)

    def open(self, path: str, mode: str) -> Any:
        """
        Open a file of it; process 999 has ended meanwhile.
        """
        number = path.split("/")[2]
        if number not in PROCESSES:
            raise FileNotFoundError(path)
        return io.BytesIO(PROCESSES[number])

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


class OwnSessionTests(SynchronousTestCase):
    """
    The same with the real C{/proc}.
    """

    def test_ourselves(self) -> None:
        """
        This process is in its own session.
        """
        self.assertIn(os.getpid(), process_session.members(os.getsid(0)))


class SignalMembersTests(SynchronousTestCase):
    """
    Signals go to every process of a session, and to its leader in any case.
    """

    def setUp(self) -> None:
        """
        Nobody is really signalled.
        """
        self.sent: list[tuple[int, int]] = []
        self.refused: dict[int, OSError] = {}
        self.patch(os, "kill", self.kill)
        self.patch(process_session, "members", lambda sid: [100, 101])

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
        process_session.signalMembers(100, signal.SIGHUP, signal.SIGTERM)
        for pid in (100, 101):
            self.assertEqual(
                [number for each, number in self.sent if each == pid],
                [signal.SIGHUP, signal.SIGTERM],
            )

    def test_leader(self) -> None:
        """
        A leader that has not made its session yet is signalled too.
        """
        process_session.signalMembers(99, signal.SIGKILL)
        self.assertIn((99, signal.SIGKILL), self.sent)

    def test_gone(self) -> None:
        """
        One that has gone keeps no other from being signalled.
        """
        self.refused = {100: ProcessLookupError()}
        process_session.signalMembers(100, signal.SIGHUP, signal.SIGTERM)
        self.assertEqual(self.sent.count((101, signal.SIGTERM)), 1)
        self.assertNotIn((100, signal.SIGTERM), self.sent)

    def test_notOurs(self) -> None:
        """
        One that has become another user's is left alone.
        """
        self.refused = {101: PermissionError()}
        process_session.signalMembers(100, signal.SIGHUP, signal.SIGTERM)
        self.assertIn((100, signal.SIGTERM), self.sent)
        self.assertNotIn((101, signal.SIGTERM), self.sent)

    def test_asASession(self) -> None:
        """
        The module is what a sweep needs.
        """
        session: Session = process_session
        self.assertEqual(session.members(100), [100, 101])
