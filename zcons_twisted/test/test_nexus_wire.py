# -*- test-case-name: zcons_twisted.test.test_nexus_wire -*-
"""
Tests for L{zcons_twisted.nexus.wire}: AMP without Twisted, against Twisted's own.
"""

from __future__ import annotations

import array
import os
import socket

from twisted.protocols.amp import AmpBox
from twisted.trial.unittest import SynchronousTestCase

from ..nexus.wire import (
    DESCRIPTORS_MAX,
    PENDING_MAX,
    Box,
    Connection,
    Malformed,
    decode,
    encode,
)
from .support import descriptorsInUse, splits

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

    def test_twoDescriptors(self) -> None:
        """
        A box may have several of them.
        """
        ends = os.pipe()
        names = [self.ours.give(fd) for fd in ends]
        self.ours.send({"reads": names[0], "writes": names[1]})
        self.assertTrue(self.ours.flush())
        for fd in ends:
            os.close(fd)
        boxes = self.theirs.receive()
        assert boxes is not None
        (box,) = boxes
        reading, writing = (
            self.theirs.descriptor(box[name]) for name in ("reads", "writes")
        )
        os.write(writing, b"x")
        self.assertEqual(os.read(reading, 2), b"x")
        os.close(reading)
        os.close(writing)

    def test_unclaimed(self) -> None:
        """
        Descriptors that nobody asked for go with the connection.
        """
        before = descriptorsInUse()
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

    def ahead(self, count: int) -> list[Box] | None:
        """
        Send descriptors ahead of one box, with a byte of it each, as Twisted does.

        @return: what arrives.
        """
        data = encode({"text": b"x" * count})
        null = os.open(os.devnull, os.O_RDWR)
        self.addCleanup(os.close, null)
        beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [null]))]
        for n in range(count):
            self.ours._socket.sendmsg([data[n : n + 1]], beside)
            self.theirs.receive()
        self.ours._socket.send(data[count:])
        return self.theirs.receive()

    def test_ahead(self) -> None:
        """
        Up to 64 descriptors may come ahead of the boxes that name them.
        """
        self.assertEqual(DESCRIPTORS_MAX, 64)
        self.assertEqual(self.ahead(64), [{"text": b"x" * 64}])
        for number in range(64):
            os.close(self.theirs.descriptor(b"%d" % number))
        error = self.assertRaises(Malformed, self.ahead, 65)
        self.assertEqual(str(error), "more than 64 descriptors ahead of a box")

    def test_atOnce(self) -> None:
        """
        The same with one message that has them all.
        """
        null = os.open(os.devnull, os.O_RDWR)
        self.addCleanup(os.close, null)
        for count, bad in ((64, False), (65, True)):
            numbers = array.array("i", [null] * count)
            beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)]
            self.ours._socket.sendmsg([b"\0"], beside)
            if bad:
                self.assertRaises(Malformed, self.theirs.receive)
            else:
                self.assertEqual(self.theirs.receive(), [])
                for number in range(64):
                    os.close(self.theirs.descriptor(b"%d" % number))

    def test_endless(self) -> None:
        """
        A box that has more than a MiB and no end is none.
        """
        value = b"\xff\xff" + b"x" * 65535
        piece = b"\0\1k" + value
        with self.assertRaises(Malformed) as caught:
            for _ in range(PENDING_MAX // len(piece) + 2):
                sent = 0
                while sent < len(piece):
                    sent += self.ours._socket.send(piece[sent : sent + 60000])
                    self.assertEqual(self.theirs.receive(), [])
        self.assertEqual(
            str(caught.exception), "more than 1048576 bytes of a box without end"
        )

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
