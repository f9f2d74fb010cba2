# -*- test-case-name: zcons_twisted.test.test_nexus_wire -*-
"""
Tests for L{zcons_twisted.nexus.wire}: AMP without Twisted, against Twisted's own.
"""

from __future__ import annotations

import os
import socket

from twisted.protocols.amp import AmpBox
from twisted.trial.unittest import SynchronousTestCase

from ..nexus.wire import PENDING_MAX, Box, Connection, Malformed, decode, encode
from .support import splits

BOX: Box = {"_ask": b"1", "_command": b"Count", "zone": b"z" * 300, "empty": b""}


class CodecTests(SynchronousTestCase):
    """
    A box is what Twisted takes for one.
    """

    def test_encode(self) -> None:
        """
        What we send is what Twisted would.
        """
        theirs = AmpBox({key.encode(): value for key, value in BOX.items()})
        data = bytearray(encode(BOX))
        self.assertEqual(sorted(data), sorted(theirs.serialize()))
        self.assertEqual(decode(bytearray(theirs.serialize())), BOX)

    def test_splits(self) -> None:
        """
        A box may come in any pieces, and what follows is left.
        """
        for first, second in splits(encode(BOX) + b"\0\1"):
            data = bytearray(first)
            found = decode(data)
            data += second
            found = found or decode(data)
            self.assertEqual((found, bytes(data)), (BOX, b"\0\1"))

    def test_tooLong(self) -> None:
        """
        A key has 255 bytes at most, and is text; a value has 65535.
        """
        self.assertRaises(Malformed, decode, bytearray(b"\1\0"))
        self.assertRaises(Malformed, decode, bytearray(b"\0\1\xff\0\0\0\0"))
        self.assertRaises(ValueError, encode, {"a": b"x" * 65536})


class ConnectionTests(SynchronousTestCase):
    """
    A connection carries boxes, and descriptors beside them.
    """

    def setUp(self) -> None:
        """
        Both ends of one.
        """
        pair = socket.socketpair()
        for each in pair:
            each.setblocking(False)
        self.ours, self.theirs = map(Connection, pair)
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)

    def test_credentials(self) -> None:
        """
        Who is there comes from the kernel.
        """
        self.assertEqual((self.ours.uid, self.ours.pid), (os.geteuid(), os.getpid()))

    def test_descriptors(self) -> None:
        """
        Descriptors are numbered in each direction, and arrive with their boxes, closed
        over an exec; the sender's own may be closed at once.
        """
        for number in (b"0", b"1"):
            reading, writing = os.pipe()
            value = self.ours.give(writing)
            os.close(writing)
            self.assertEqual(value, number)
            self.ours.send({"fd": value})
            self.assertTrue(self.ours.flush())
            boxes = self.theirs.receive()
            self.assertEqual(boxes, [{"fd": number}])
            fd = self.theirs.descriptor(number)
            self.assertFalse(os.get_inheritable(fd))
            os.write(fd, b"x")
            self.assertEqual(os.read(reading, 2), b"x")
            os.close(fd)
            os.close(reading)
        self.assertRaises(KeyError, self.theirs.descriptor, b"0")

    def test_unclaimed(self) -> None:
        """
        Descriptors that nobody asked for go with the connection.
        """
        before = os.listdir("/proc/self/fd")
        reading, writing = os.pipe()
        self.ours.send({"fd": self.ours.give(writing)})
        self.ours.flush()
        self.theirs.receive()
        self.ours.send({"fd": self.ours.give(reading)})
        os.close(reading)
        os.close(writing)
        self.ours.close()
        self.theirs.close()
        self.assertLess(len(os.listdir("/proc/self/fd")), len(before))

    def test_end(self) -> None:
        """
        The end is told, and that there is nobody any more.
        """
        self.assertTrue(self.ours.alive())
        self.assertEqual(self.ours.receive(), [])
        self.theirs.close()
        self.assertFalse(self.ours.alive())
        self.assertIsNone(self.ours.receive())

    def test_takesNothing(self) -> None:
        """
        Who takes no answers is left when more than a MiB waits.
        """
        box = {"text": b"x" * 60000}
        flushed = True
        while flushed:
            self.ours.send(box)
            flushed = self.ours.flush()
        for _ in range(PENDING_MAX // 60000 - 1):
            self.ours.send(box)
        self.assertFalse(self.ours.flush())
        for _ in range(2):
            self.ours.send(box)
        self.assertRaises(Malformed, self.ours.flush)

    def test_slow(self) -> None:
        """
        What was not taken at once goes later, whole.
        """
        box = {"text": b"x" * 60000}
        sent = 1
        self.ours.send(box)
        while self.ours.flush():
            self.ours.send(box)
            sent += 1
        boxes: list[Box] = []
        done = False
        while not done or len(boxes) < sent:
            boxes += self.theirs.receive() or []
            done = self.ours.flush()
        self.assertEqual(boxes, [box] * sent)
