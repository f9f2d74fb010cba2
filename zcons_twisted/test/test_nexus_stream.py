# -*- test-case-name: zcons_twisted.test.test_nexus_stream -*-
"""
Tests for L{zcons_twisted.nexus.stream}: connections that a nexus holds.
"""

from __future__ import annotations

import errno
import os
import socket

from ..nexus.notify import parseName, storeName
from .test_nexus_holder import HolderTestCase, Server


class StreamTests(HolderTestCase):
    """
    A connection is held as a pair is.
    """

    def setUp(self) -> None:
        """
        There is a connection.
        """
        super().setUp()
        self.ours, self.theirs = socket.socketpair()
        for each in (self.ours, self.theirs):
            each.setblocking(False)
            self.addCleanup(each.close)

    def adopt(self, server: Server) -> None:
        """
        Have it held; it is nobody else's then.
        """
        given = server.link.give(self.ours.fileno()).decode()
        self.assertEqual(server.ask("Adopt", master=given)["instance"], b"0")
        self.ours.close()

    def claim(self, server: Server) -> socket.socket:
        """
        Have it back.
        """
        claimed = socket.socket(fileno=server.claim())
        self.addCleanup(claimed.close)
        return claimed

    def test_held(self) -> None:
        """
        It outlives its server: the other end sees no end, and what it says meanwhile
        waits for the next server.
        """
        first = self.server()
        self.adopt(first)
        first.link.close()
        self.assertTrue(self.holder.turn(0))
        self.assertRaises(BlockingIOError, self.theirs.recv, 1)
        self.theirs.send(b"waits")
        second = self.server()
        self.assertEqual(second.ask("Count")["count"], b"1")
        self.assertEqual(self.claim(second).recv(100), b"waits")

    def test_removed(self) -> None:
        """
        Removed, it is closed, and nothing is held.
        """
        server = self.server()
        self.adopt(server)
        answer = server.ask("Remove")
        self.assertEqual((answer["removed"], answer["found"]), (b"1", b"1"))
        self.assertEqual(self.theirs.recv(1), b"")
        self.assertEqual(len(self.holder._instances), 0)
        self.assertEqual(server.error("Claim"), errno.ENXIO)

    def test_line(self) -> None:
        """
        So is a serial line, which is a terminal and no master of one.
        """
        machine, line = os.openpty()
        self.addCleanup(os.close, machine)
        server = self.server()
        server.ask("Adopt", master=server.link.give(line).decode())
        os.close(line)
        line = server.claim()
        self.addCleanup(os.close, line)
        self.assertTrue(os.isatty(line))

    def test_noZone(self) -> None:
        """
        Nothing can be run on it.
        """
        server = self.server()
        self.adopt(server)
        (held,) = self.holder._instances
        error = self.assertRaises(OSError, held.openSubsidiary)
        self.assertEqual(error.errno, errno.ENXIO)

    def test_restored(self) -> None:
        """
        What a service manager has kept is held again.
        """
        name = storeName(3, "z")
        self.assertEqual(parseName(name), (3, "z"))
        self.holder.restore([(name, self.ours.detach())])
        self.theirs.send(b"waits")
        self.assertEqual(self.claim(self.server()).recv(100), b"waits")
