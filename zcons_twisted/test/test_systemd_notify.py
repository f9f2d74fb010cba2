# -*- test-case-name: zcons_twisted.test.test_systemd_notify -*-
"""
Tests for L{zcons_twisted.systemd.notify}: what a manager is told.
"""

from __future__ import annotations

import os
import socket

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from ..systemd.notify import STATUS_SECONDS, Notifications, Notifier, watchdogSeconds
from .support import shortDirectory


class NotifyTestCase(SynchronousTestCase):
    """
    A manager that listens.
    """

    def setUp(self) -> None:
        """
        Its socket.
        """
        self.path = os.path.join(shortDirectory(self), "notify")
        self.manager = self.listen(self.path)

    def listen(self, address: str) -> socket.socket:
        """
        A manager's socket.
        """
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(made.close)
        made.bind(address)
        made.setblocking(False)
        return made

    def notifier(self, address: str) -> Notifier:
        """
        What finds it.
        """
        found = Notifier.fromEnvironment({"NOTIFY_SOCKET": address})
        assert found is not None
        self.addCleanup(found._sender.close)
        return found

    def heard(self, manager: socket.socket | None = None) -> list[str]:
        """
        All messages so far, their lines with spaces between.
        """
        messages: list[str] = []
        while True:
            try:
                data = (manager or self.manager).recv(4096)
            except BlockingIOError:
                return messages
            messages.append(data.decode().rstrip("\n").replace("\n", " "))


class NotifierTests(NotifyTestCase):
    """
    The socket is the one that the environment names.
    """

    def test_path(self) -> None:
        """
        It may be a file.
        """
        self.notifier(self.path).send(READY=1, STATUS="a b")
        self.assertEqual(self.heard(), ["READY=1 STATUS=a b"])

    def test_abstract(self) -> None:
        """
        It may be a name that is no file.
        """
        name = f"zcons-test-{os.getpid()}"
        manager = self.listen(f"\0{name}")
        self.notifier(f"@{name}").send(READY=1)
        self.assertEqual(self.heard(manager), ["READY=1"])

    def test_takenOut(self) -> None:
        """
        It is not for what we run.
        """
        environ = {"NOTIFY_SOCKET": self.path, "A": "b"}
        found = Notifier.fromEnvironment(environ)
        assert found is not None
        found._sender.close()
        self.assertEqual(environ, {"A": "b"})

    def test_none(self) -> None:
        """
        There may be none, or one that we have no way to.
        """
        for environ in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}):
            self.assertIs(Notifier.fromEnvironment(environ), None)

    def test_gone(self) -> None:
        """
        A manager that has gone, or does not listen, harms nobody.
        """
        notifier = self.notifier(self.path)
        for _ in range(5000):
            notifier.send(STATUS="x")
        self.manager.close()
        notifier.send(STATUS="x")

    def test_watchdog(self) -> None:
        """
        Whether a manager watches us is told in microseconds, and perhaps for whom.
        """
        environ = {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7", "A": "b"}
        self.assertEqual(watchdogSeconds(environ, 7), 30.0)
        self.assertEqual(environ, {"A": "b"})
        self.assertEqual(watchdogSeconds({"WATCHDOG_USEC": "500000"}, 7), 0.5)
        for usec, pid in (("1", "8"), ("0", "7"), ("x", "7"), ("", "7")):
            environ = {"WATCHDOG_USEC": usec, "WATCHDOG_PID": pid}
            self.assertIs(watchdogSeconds(environ, 7), None)


class NotificationsTests(NotifyTestCase):
    """
    What a server's life says.
    """

    def setUp(self) -> None:
        """
        A server.
        """
        super().setUp()
        self.clock = Clock()
        self.status = "2 zones, 0 attached"

    def notifications(self, watchdog: float | None = None) -> Notifications:
        """
        Its voice.
        """
        return Notifications(
            self.clock,
            self.notifier(self.path),
            lambda: self.status,
            watchdog,
            lambda: 1234567,
        )

    def test_ready(self) -> None:
        """
        When it is ready, with how things stand.
        """
        self.notifications().ready()
        told = f"READY=1 STATUS=2 zones, 0 attached MAINPID={os.getpid()}"
        self.assertEqual(self.heard(), [told])

    def test_status(self) -> None:
        """
        How things stand is told when it changes.
        """
        self.notifications().ready()
        self.heard()
        self.status = "2 zones, 0 attached"
        self.clock.advance(STATUS_SECONDS)
        self.assertEqual(self.heard(), [])
        self.clock.advance(STATUS_SECONDS)
        self.status = "2 zones, 1 attached"
        self.clock.advance(STATUS_SECONDS - 0.1)
        self.assertEqual(self.heard(), [])
        self.clock.advance(0.1)
        self.assertEqual(self.heard(), ["STATUS=2 zones, 1 attached"])

    def test_watchdog(self) -> None:
        """
        A manager that watches hears of us twice in its time, until we have stopped.
        """
        told = self.notifications(10.0)
        told.ready()
        self.heard()
        self.clock.advance(4.9)
        self.assertEqual(self.heard(), [])
        self.clock.advance(0.1)
        self.assertEqual(self.heard(), ["WATCHDOG=1"])
        told.stopping()
        self.heard()
        self.clock.advance(5)
        self.assertEqual(self.heard(), ["WATCHDOG=1"])
        told.stopped()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_reloading(self) -> None:
        """
        A reload is told with the time of the clock that the manager goes by.
        """
        told = self.notifications()
        told.ready()
        self.heard()
        told.reloading()
        told.ready()
        self.assertEqual(self.heard()[0], "RELOADING=1 MONOTONIC_USEC=1234")
        self.assertEqual(len(self.heard()), 0)

    def test_stopping(self) -> None:
        """
        So is that we stop; then nothing changes any more.
        """
        told = self.notifications()
        told.ready()
        told.stopping()
        self.assertEqual(self.heard()[-1], "STOPPING=1 STATUS=stopping")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stoppedBeforeReady(self) -> None:
        """
        A server may stop before it was ready.
        """
        told = self.notifications(10.0)
        told.stopping()
        told.stopped()
        self.assertEqual(self.heard(), ["STOPPING=1 STATUS=stopping"])
