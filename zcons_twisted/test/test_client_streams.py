# -*- test-case-name: zcons_twisted.test.test_client_streams -*-
"""
Tests for L{zcons_twisted.client.streams}.
"""

from __future__ import annotations

import errno

from twisted.internet.interfaces import IReadDescriptor, IWriteDescriptor
from twisted.internet.main import CONNECTION_LOST
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from zcons_twisted.client.streams import HIGH_WATER, InputStream, OutputStream

from .client_fakes import ClientReactor, FakeDescriptor

LOST = Failure(CONNECTION_LOST)


class InputStreamTests(SynchronousTestCase):
    """
    What the user types.
    """

    def setUp(self) -> None:
        """
        An input that is read.
        """
        self.reactor = ClientReactor()
        self.descriptor = FakeDescriptor()
        self.got: list[bytes] = []
        self.ends: list[bool] = []
        self.stream = InputStream(
            self.reactor,
            self.descriptor,
            self.got.append,
            lambda: self.ends.append(True),
        )
        self.stream.resume()

    def test_interface(self) -> None:
        """
        A reactor can read it.
        """
        verifyObject(IReadDescriptor, self.stream)
        self.assertEqual(self.reactor.readers, [self.stream])
        self.assertEqual(self.stream.fileno(), 99)
        self.assertEqual(self.stream.logPrefix(), "input")

    def test_input(self) -> None:
        """
        What comes is passed on; a false alarm is none.
        """
        self.descriptor.incoming = [b"a", b"b"]
        for _ in range(3):
            self.stream.doRead()
        self.assertEqual(self.got, [b"a", b"b"])
        self.assertEqual(self.ends, [])

    def test_paused(self) -> None:
        """
        A paused input is left where it is.
        """
        self.stream.pause()
        self.assertEqual(self.reactor.readers, [])
        self.stream.resume()
        self.assertEqual(self.reactor.readers, [self.stream])

    def test_ends(self) -> None:
        """
        The end, an error and a hang-up are an end, once.
        """
        for incoming in (b"", OSError(errno.EIO, "hung up")):
            self.setUp()
            self.descriptor.incoming = [incoming]
            self.stream.doRead()
            self.stream.connectionLost(LOST)
            self.assertEqual(self.ends, [True])
            self.assertTrue(self.descriptor.closed)
            self.assertEqual(self.reactor.readers, [])
            self.assertEqual(self.stream.fileno(), -1)
            self.stream.resume()
            self.assertEqual(self.reactor.readers, [])

    def test_closed(self) -> None:
        """
        Closing it is no end.
        """
        self.stream.close()
        self.stream.close()
        self.assertEqual(self.ends, [])


class OutputStreamTests(SynchronousTestCase):
    """
    What the user sees.
    """

    def setUp(self) -> None:
        """
        An output.
        """
        self.make(True)

    def make(self, eager: bool) -> None:
        """
        An output that can be written at once, or not.
        """
        self.reactor = ClientReactor()
        self.descriptor = FakeDescriptor(eager)
        self.events: list[str | OSError] = []
        self.stream = OutputStream(
            self.reactor,
            self.descriptor,
            lambda: self.events.append("room"),
            self.events.append,
        )

    def test_atOnce(self) -> None:
        """
        It is written at once, if there is room.
        """
        self.assertTrue(self.stream.write(b"hello"))
        self.assertEqual(self.descriptor.written, b"hello")
        self.assertEqual(self.reactor.writers, [])
        self.successResultOf(self.stream.whenDrained())

    def test_interface(self) -> None:
        """
        A reactor can write it.
        """
        verifyObject(IWriteDescriptor, self.stream)
        self.assertEqual(self.stream.fileno(), 99)
        self.assertEqual(self.stream.logPrefix(), "output")

    def test_later(self) -> None:
        """
        What there is no room for is written in order when there is.
        """
        self.descriptor.room = 3
        self.assertTrue(self.stream.write(b"hello "))
        self.descriptor.room = 1
        self.assertTrue(self.stream.write(b"you"))
        drained = self.stream.whenDrained()
        self.assertEqual(self.reactor.writers, [self.stream])
        self.stream.doWrite()
        self.assertEqual(self.descriptor.written, b"hell")
        self.stream.doWrite()
        self.assertNoResult(drained)
        self.descriptor.room = 100
        self.stream.doWrite()
        self.assertEqual(self.descriptor.written, b"hello you")
        self.successResultOf(drained)
        self.assertEqual(self.reactor.writers, [])

    def test_carefully(self) -> None:
        """
        An output that may keep us waiting is written only when it is ready.
        """
        self.make(False)
        self.stream.write(b"hello")
        self.assertEqual(self.descriptor.written, b"")
        self.stream.doWrite()
        self.assertEqual(self.descriptor.written, b"hello")

    def test_pace(self) -> None:
        """
        Whoever writes more than is taken is told to pause, and when to go on.
        """
        self.descriptor.room = 0
        self.assertTrue(self.stream.write(b"x" * (HIGH_WATER - 1)))
        self.assertFalse(self.stream.write(b"x"))
        self.descriptor.room = HIGH_WATER // 4
        self.stream.doWrite()
        self.assertEqual(self.events, [])
        self.assertFalse(self.stream.write(b"") and self.events)
        self.descriptor.room = HIGH_WATER // 2
        self.stream.doWrite()
        self.assertEqual(self.events, ["room"])

    def test_fails(self) -> None:
        """
        An output that nobody takes is told of once, and then takes everything.
        """
        self.descriptor.error = BrokenPipeError(errno.EPIPE, "broken")
        self.assertTrue(self.stream.write(b"x"))
        self.assertTrue(self.stream.write(b"x" * HIGH_WATER * 2))
        self.stream.connectionLost(LOST)
        self.assertEqual(self.events, [self.descriptor.error])
        self.assertTrue(self.descriptor.closed)
        self.assertEqual(self.stream.fileno(), -1)

    def test_failsLater(self) -> None:
        """
        The same while something waits, found by writing or by the reactor.
        """
        for lose in (
            lambda: self.stream.doWrite(),
            lambda: self.stream.connectionLost(LOST),
        ):
            self.make(True)
            self.descriptor.room = 0
            self.stream.write(b"x")
            drained = self.stream.whenDrained()
            self.descriptor.error = BrokenPipeError(errno.EPIPE, "broken")
            lose()
            self.successResultOf(drained)
            self.assertEqual(self.reactor.writers, [])
            (error,) = self.events
            self.assertIsInstance(error, BrokenPipeError)

    def test_abandoned(self) -> None:
        """
        What was not taken can be dropped.
        """
        self.descriptor.room = 0
        self.stream.write(b"x" * HIGH_WATER)
        drained = self.stream.whenDrained()
        self.stream.abandon()
        self.successResultOf(drained)
        self.assertEqual(self.reactor.writers, [])
        self.assertTrue(self.stream.write(b"x"))
        self.stream.close()
        self.stream.close()
        self.assertEqual(self.events, [])
