# -*- test-case-name: zcons_twisted.test.test_client_outliving -*-
"""
Tests for L{zcons_twisted.client.outliving}.
"""

from __future__ import annotations

import errno
import json
import os
import socket
from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client import connecting
from zcons_twisted.client.connecting import Dialler
from zcons_twisted.client.errors import CouldNotConnect
from zcons_twisted.client.outliving import NEXUS_SECONDS, outlived
from zcons_twisted.nexus.wire import decode, encode
from zcons_twisted.rundir import RunDirectory


class FakeNexus:
    """
    A connection to a nexus that answers what a test wants.

    @ivar answer: its bytes, in pieces of C{piece}; an exception is raised.
    @ivar asked: what it was asked.
    """

    def __init__(self, answer: bytes | OSError, piece: int = 4096) -> None:
        self.answer = answer
        self.piece = piece
        self.asked = bytearray()
        self.path = ""
        self.seconds: float | None = None
        self.closed = False

    def __enter__(self) -> FakeNexus:
        """
        It is open.
        """
        return self

    def __exit__(self, *why: object) -> None:
        """
        And closed.
        """
        self.closed = True

    def settimeout(self, seconds: float) -> None:
        """
        Remember it.
        """
        self.seconds = seconds

    def connect(self, path: str) -> None:
        """
        Remember it.
        """
        self.path = path

    def sendall(self, data: bytes) -> None:
        """
        Remember it.
        """
        self.asked += data

    def recv(self, most: int) -> bytes:
        """
        The next piece.
        """
        if isinstance(self.answer, OSError):
            raise self.answer
        most = min(most, self.piece)
        piece, self.answer = self.answer[:most], self.answer[most:]
        return piece


def answers(**facts: Any) -> bytes:
    """
    What a nexus says that has a process.
    """
    process = json.dumps(facts).encode()
    return encode({"_answer": b"1", "count": b"1", "process": process})


class OutlivedTests(SynchronousTestCase):
    """
    Has a zone outlived its server?
    """

    def ask(self, nexus: FakeNexus) -> int:
        """
        Ask a nexus.
        """
        made: list[int] = []

        def make(family: int) -> socket.socket:
            made.append(family)
            return cast(socket.socket, nexus)

        found = outlived(RunDirectory("/run/x"), "z", make)
        self.assertEqual(made, [socket.AF_UNIX])
        self.assertTrue(nexus.closed)
        return found

    def test_runs(self) -> None:
        """
        One that runs is told with its process, however the answer is cut.
        """
        for piece in (1, 7, 4096):
            nexus = FakeNexus(answers(pid=7, ended=False), piece)
            self.assertEqual(self.ask(nexus), 7)
            self.assertEqual(nexus.path, "/run/x/nexus_sock")
            box = decode(nexus.asked)
            self.assertEqual(box, {"_command": b"Count", "_ask": b"1", "zone": b"z"})

    def test_ended(self) -> None:
        """
        One that has ended has not, nor one that was never started.
        """
        for answer in (
            answers(pid=7, ended=True),
            encode({"_answer": b"1", "count": b"1", "process": b""}),
            # Of an older nexus.
            encode({"_answer": b"1", "count": b"1"}),
            encode({"_error": b"1", "_error_code": b"OS"}),
        ):
            self.assertEqual(self.ask(FakeNexus(answer)), 0)

    def test_others(self) -> None:
        """
        Of one that does not answer, or not us, nothing is known.
        """
        for answer in (
            b"",
            b"\0\x01x\0",
            b"\xff" * 100,
            answers(ended=False),
            answers(pid=[], ended=False),
            encode({"process": b"[]"}),
            encode({"process": b"{"}),
            TimeoutError(),
            OSError(errno.ECONNRESET, "no"),
        ):
            self.assertEqual(self.ask(FakeNexus(answer)), 0, answer)

    def test_soon(self) -> None:
        """
        Nobody waits for it for more than half a second.
        """
        self.assertEqual(NEXUS_SECONDS, 0.5)
        nexus = FakeNexus(b"")
        self.ask(nexus)
        self.assertEqual(nexus.seconds, 0.5)

    def test_none(self) -> None:
        """
        Where there is no nexus there is no zone of its.
        """
        self.assertEqual(outlived(RunDirectory("/nowhere/at/all"), "z"), 0)

    def test_told(self) -> None:
        """
        Who finds a dead server is told that its zone runs on.
        """

        def refuse(path: str) -> None:
            raise OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))

        path = "/run/x/z.console_sock"
        left = (
            f"the server of zone z is gone and has left {path} behind: start it again"
        )
        for process, told in ((0, left), (7, f"{left}; its zone runs on (process 7)")):
            self.patch(connecting, "outlived", lambda *_, found=process: found)
            dialler = Dialler(path, "z", refuse)
            error = self.assertRaises(CouldNotConnect, dialler.attempt)
            self.assertEqual((str(error), error.process), (told, process))
