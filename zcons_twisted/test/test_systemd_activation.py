# -*- test-case-name: zcons_twisted.test.test_systemd_activation -*-
"""
Tests for L{zcons_twisted.systemd.activation}: sockets that were there before us.
"""

from __future__ import annotations

import fcntl
import os
import socket
from typing import cast

from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from ..doors.listening import Listener, PassedSocket, bindSocket, checkSocket
from ..systemd.activation import ActivatedSockets
from ..testing import FakeReactor
from .support import shortDirectory

#: Where the passed descriptors begin: where nothing else is.
FIRST = 200


class ActivatedSocketsTests(SynchronousTestCase):
    """
    Each socket is found by where it is bound.
    """

    def setUp(self) -> None:
        """
        A directory.
        """
        self.base = shortDirectory(self)
        self.path = os.path.join(self.base, "z.console_sock")
        self.warnings: list[str] = []
        self.given: list[int] = []
        observer = cast(ILogObserver, self.logged)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def logged(self, event: LogEvent) -> None:
        """
        Something was logged.
        """
        if "why" in event:
            self.warnings.append(f"{event['name']}: {event['why']}")

    def listening(self, path: str, kind: int = socket.SOCK_STREAM) -> socket.socket:
        """
        A socket such as a manager makes.
        """
        made = socket.socket(socket.AF_UNIX, kind)
        self.addCleanup(made.close)
        made.bind(path)
        if kind == socket.SOCK_STREAM:
            made.listen()
        return made

    def passed(self, *descriptors: int, **environ: str) -> ActivatedSockets:
        """
        Pass descriptors as a manager does.
        """
        for number, fd in enumerate(descriptors):
            if FIRST + number not in self.given:
                self.given.append(FIRST + number)
                self.addCleanup(os.close, FIRST + number)
            os.dup2(fd, FIRST + number)
        self.environ = {
            "LISTEN_PID": "7",
            "LISTEN_FDS": str(len(descriptors)),
            "LISTEN_FDNAMES": ":".join("abcde"[: len(descriptors)]),
            "A": "b",
            **environ,
        }
        return ActivatedSockets.fromEnvironment(self.environ, 7, FIRST)

    def test_found(self) -> None:
        """
        A socket is found by its path, however its directory is spelled, as often as it
        is asked for; no other is.
        """
        made = self.listening(self.path)
        os.symlink(self.base, f"{self.base}/link")
        sockets = self.passed(made.fileno())
        for path in (self.path, f"{self.base}/link/z.console_sock"):
            found = sockets.find(path)
            assert found is not None
            self.assertTrue(os.path.samestat(os.fstat(found.fileno()), os.fstat(FIRST)))
            found.close()
        self.assertIs(sockets.find(f"{self.base}/y.console_sock"), None)
        self.assertEqual(sockets.paths(), [self.path])
        self.assertEqual(self.warnings, [])

    def test_notForOthers(self) -> None:
        """
        Neither the variables nor the descriptors are for what we run.
        """
        self.passed(self.listening(self.path).fileno())
        self.assertEqual(self.environ, {"A": "b"})
        flags = fcntl.fcntl(FIRST, fcntl.F_GETFD)
        self.assertTrue(flags & fcntl.FD_CLOEXEC)

    def test_notOurs(self) -> None:
        """
        What was passed to another process is not ours.
        """
        made = self.listening(self.path)
        for environ in ({"LISTEN_PID": "8"}, {"LISTEN_FDS": "x"}, {"LISTEN_PID": ""}):
            sockets = self.passed(made.fileno(), **environ)
            self.assertEqual(sockets.paths(), [])
        nothing = ActivatedSockets.fromEnvironment({}, 7)
        self.assertEqual(nothing.paths(), [])

    def test_unfit(self) -> None:
        """
        What is no listening unix socket is left alone, with a line in the log.
        """
        plain = open(self.base + "/file", "w")
        self.addCleanup(plain.close)
        other = socket.socket()
        self.addCleanup(other.close)
        quiet = socket.socket(socket.AF_UNIX)
        self.addCleanup(quiet.close)
        abstract = self.listening(f"\0zcons-test-{os.getpid()}")
        datagrams = self.listening(self.path, socket.SOCK_DGRAM)
        made = (plain, other, quiet, abstract, datagrams)
        sockets = self.passed(*(each.fileno() for each in made))
        self.assertEqual(sockets.paths(), [])
        self.assertEqual(
            self.warnings,
            [
                "a: it is no socket",
                "b: it is no unix socket that listens",
                "c: it is no unix socket that listens",
                "d: it has no path",
                "e: it is no unix socket that listens",
            ],
        )

    def test_missing(self) -> None:
        """
        So is one that is not there.
        """
        sockets = self.passed(LISTEN_FDS="1")
        self.assertEqual(sockets.paths(), [])
        self.assertEqual(self.warnings, [": Bad file descriptor"])

    def test_used(self) -> None:
        """
        A door listens on what is there, and leaves it there when it closes.
        """
        sockets = self.passed(self.listening(self.path).fileno())
        os.chmod(self.path, 0o604)
        checkSocket(self.path, "z", sockets)
        reactor = FakeReactor()
        listening = bindSocket(self.path, "z", None, sockets)
        self.assertIsInstance(listening, PassedSocket)
        came: list[socket.socket] = []
        listener = Listener(reactor, self.path, listening, came.append)
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(self.path)
            reactor.settle()
        self.assertEqual(len(came), 1)
        came[0].close()
        listener.close()
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o604)
        again = bindSocket(self.path, "z", None, sockets)
        again.close()
