# -*- test-case-name: zcons_twisted.test.test_nexus_notify -*-
"""
Tests for L{zcons_twisted.nexus.notify}: a service manager that keeps descriptors.
"""

from __future__ import annotations

import os
import socket

from twisted.trial.unittest import SynchronousTestCase

from ..nexus.notify import STATE_NAME, Notifier, inherited, parseName, storeName
from .support import shortDirectory


class NameTests(SynchronousTestCase):
    """
    The name that a master is kept under tells whose it is.
    """

    def test_name(self) -> None:
        """
        It has the properties that illumos gives a console device.
        """
        name = storeName(7, "web-1.a_b")
        self.assertEqual(
            name,
            "zcons,instance=7,zonename=web-1.a_b,auto-assign-instance=1,"
            "ddi-no-autodetach=1",
        )
        self.assertEqual(parseName(name), (7, "web-1.a_b"))

    def test_others(self) -> None:
        """
        Other names are none.
        """
        for name in ("", STATE_NAME, storeName(1, "../x"), storeName(1, "z") + "x"):
            self.assertIsNone(parseName(name))

    def test_notForUs(self) -> None:
        """
        Descriptors for another process are left alone.
        """
        environ = {"LISTEN_PID": "1", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "a:b:c"}
        self.assertEqual(inherited(environ, 2), [])
        self.assertEqual(inherited({}, 2), [])


class NotifierTests(SynchronousTestCase):
    """
    What is kept is sent to the service manager.
    """

    def setUp(self) -> None:
        """
        A service manager's socket.
        """
        self.path = os.path.join(shortDirectory(self), "notify")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(self.path)
        self.manager.setblocking(False)

    def said(self) -> tuple[str, int]:
        """
        @return: the next message, and how many descriptors came with it.
        """
        data, fds, _flags, _address = socket.recv_fds(self.manager, 4096, 4)
        for fd in fds:
            os.close(fd)
        return data.decode(), len(fds)

    def test_messages(self) -> None:
        """
        A descriptor goes with its name, and is kept though it may hang up.
        """
        notifier = Notifier(self.path)
        notifier.ready()
        notifier.keep("a", self.manager.fileno())
        notifier.drop("a")
        self.assertEqual(self.said(), ("READY=1", 0))
        self.assertEqual(self.said(), ("FDSTORE=1\nFDNAME=a\nFDPOLL=0", 1))
        self.assertEqual(self.said(), ("FDSTOREREMOVE=1\nFDNAME=a", 0))

    def test_abstract(self) -> None:
        """
        The socket may have a name without a file.
        """
        name = f"zcons-test-{os.getpid()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind("\0" + name)
            manager.setblocking(False)
            Notifier("@" + name).ready()
            self.assertEqual(manager.recv(100), b"READY=1")

    def test_state(self) -> None:
        """
        What is known besides is kept once, and found again as it was last.
        """
        notifier = Notifier(self.path)
        notifier.state({"notes": {"z": "a rather long note"}})
        data, fds, _flags, _address = socket.recv_fds(self.manager, 4096, 4)
        self.assertIn(STATE_NAME, data.decode())
        notifier.state({"notes": {}})
        self.assertRaises(BlockingIOError, self.said)
        self.assertEqual(Notifier(self.path).restore(fds[0]), {"notes": {}})
        os.ftruncate(fds[0], 3)
        self.assertEqual(Notifier(self.path).restore(fds[0]), {})
        os.close(fds[0])
        os.close(notifier._state)

    def test_none(self) -> None:
        """
        Without a service manager, or with one that is gone, nothing happens.
        """
        for path in (None, self.path + ".gone"):
            notifier = Notifier(path)
            notifier.ready()
            notifier.keep("a", self.manager.fileno())
        Notifier(None).state({"notes": {}})
