# -*- test-case-name: zcons_twisted.test.test_lean_reactor -*-
"""
Tests for L{zcons_twisted.lean_reactor}.

The reactors here are made and turned, but never run and never the global one.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from functools import partial

from twisted.internet import error
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor, IWriteDescriptor
from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest, SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from .. import lean_reactor
from ..systems import hasEpoll


@implementer(IReadDescriptor, IWriteDescriptor)
class Descriptor:
    """
    One that notes what it is told.
    """

    def __init__(self, fd: int, work: Callable[[], object] = lambda: None) -> None:
        self.told: list[object] = []
        self._fd = fd
        self._work = work

    def fileno(self) -> int:
        """
        The descriptor.
        """
        return self._fd

    def logPrefix(self) -> str:
        """
        Nobody asks.
        """
        raise AssertionError

    def doRead(self) -> None:
        """
        There is something.
        """
        self.told.append("read")
        os.read(self._fd, 100)
        self._work()

    def doWrite(self) -> None:
        """
        There is room.
        """
        self.told.append("write")

    def connectionLost(self, reason: Failure) -> None:
        """
        It is over.
        """
        self.told.append(reason.type)


class LeanEPollReactorTests(SynchronousTestCase):
    """
    Who is told what.
    """

    def setUp(self) -> None:
        """
        A reactor and two pipes.
        """
        if not hasEpoll():
            raise SkipTest("there is no epoll")
        self.pipes = [self._pipe(), self._pipe()]
        self.reactor = lean_reactor.LeanEPollReactor()
        self.addCleanup(self._leave)

    def _pipe(self) -> tuple[int, int]:
        ends = os.pipe()
        for end in ends:
            self.addCleanup(_closed, end)
        return ends

    def _leave(self) -> None:
        self.reactor.removeAll()
        for reader in list(self.reactor._internalReaders):
            reader.connectionLost(None)
        self.reactor._poller.close()

    def test_interface(self) -> None:
        """
        It is a reactor of descriptors.
        """
        self.assertTrue(verifyObject(IReactorFDSet, self.reactor))

    def test_ready(self) -> None:
        """
        Those that are ready are told, and no others.
        """
        first, second = (Descriptor(reader) for reader, _ in self.pipes)
        writer = Descriptor(self.pipes[0][1])
        self.reactor.addReader(first)
        self.reactor.addReader(second)
        self.reactor.addWriter(writer)
        os.write(self.pipes[0][1], b"x")
        self.reactor.doIteration(0)
        told = (first.told, second.told, writer.told)
        self.assertEqual(told, (["read"], [], ["write"]))

    def test_takenOut(self) -> None:
        """
        One that another has taken out in the same turn is told nothing.
        """
        pair = [Descriptor(reader) for reader, _ in self.pipes]
        for one, other in (pair, reversed(pair)):
            one._work = partial(self.reactor.removeReader, other)
            self.reactor.addReader(one)
        for _, writer in self.pipes:
            os.write(writer, b"x")
        self.reactor.doIteration(0)
        self.assertEqual(sorted(len(each.told) for each in pair), [0, 1])

    def test_sameNumber(self) -> None:
        """
        What is ready on a descriptor that is closed in the same turn is not told to
        whoever has its number next.
        """
        pair = [Descriptor(reader) for reader, _ in self.pipes]
        next_: list[Descriptor] = []

        def replaces(other: Descriptor) -> None:
            self.reactor.removeReader(other)
            next_.append(Descriptor(other.fileno()))
            self.reactor.addReader(next_[0])

        for one, other in (pair, reversed(pair)):
            one._work = partial(replaces, other)
            self.reactor.addReader(one)
        for _, writer in self.pipes:
            os.write(writer, b"x")
        self.reactor.doIteration(0)
        self.assertEqual(next_[0].told, [])
        self.reactor.doIteration(0)
        self.assertEqual(next_[0].told, ["read"])

    def test_raises(self) -> None:
        """
        What a descriptor raises is in the log, it is dropped, and the others are told.
        """
        broken = Descriptor(self.pipes[0][0], lambda: 1 / 0)
        other = Descriptor(self.pipes[1][0])
        for reader in (broken, other):
            self.reactor.addReader(reader)
        for _, writer in self.pipes:
            os.write(writer, b"x")
        self.reactor.doIteration(0)
        self.assertEqual(broken.told, ["read", ZeroDivisionError])
        self.assertEqual(other.told, ["read"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertNotIn(broken, self.reactor.getReaders())

    def test_over(self) -> None:
        """
        The end of a descriptor is told as Twisted's own reactor does it.
        """
        reader = Descriptor(self.pipes[0][0])
        self.reactor.addReader(reader)
        os.close(self.pipes[0][1])
        self.reactor.doIteration(0)
        self.assertEqual(reader.told, [error.ConnectionDone])

    def test_interrupted(self) -> None:
        """
        A signal ends the wait, and is no error; anything else is one.
        """

        class Poller:
            number = errno.EINTR

            def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
                raise OSError(self.number, "")

            def close(self) -> None:
                pass

        self.reactor._poller.close()
        self.reactor._poller = Poller()
        self.reactor.doIteration(None)
        Poller.number = errno.EBADF
        self.assertRaises(OSError, self.reactor.doIteration, None)


class InstallTests(SynchronousTestCase):
    """
    Where it becomes the global one.
    """

    def install(self) -> list[object]:
        """
        What is installed.
        """
        installed: list[object] = []
        self.patch(lean_reactor, "installReactor", installed.append)
        self.patch(lean_reactor, "LeanEPollReactor", object)
        lean_reactor.installWhereNone()
        return installed

    def test_none(self) -> None:
        """
        Where there is none.
        """
        modules = {k: v for k, v in sys.modules.items() if k != _GLOBAL}
        self.patch(sys, "modules", modules)
        self.assertEqual(len(self.install()), 1)

    def test_chosen(self) -> None:
        """
        Not where there is one.
        """
        self.patch(sys, "modules", {**sys.modules, _GLOBAL: object()})
        self.assertEqual(self.install(), [])


_GLOBAL = "twisted.internet.reactor"


def _closed(fd: int) -> None:
    try:
        os.close(fd)
    except OSError:
        # The test has closed it.
        return
