# -*- test-case-name: zcons_twisted.test.test_arrivals -*-
"""
Tests for L{zcons_twisted.arrivals} and L{zcons_twisted.inotify}.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import socket

from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from .. import inotify
from ..arrivals import Arrivals
from ..inotify import Inotify
from ..testing import FakeReactor
from .support import descriptorsInUse, shortDirectory


class ArrivalsTests(SynchronousTestCase):
    """
    Who waits for a file is called when it is there.
    """

    def setUp(self) -> None:
        """
        Somebody waits for C{x} and C{y} in a directory.
        """
        self.reactor = FakeReactor()
        self.arrivals = Arrivals(self.reactor)
        self.directory = shortDirectory(self)
        self.calls: list[str] = []
        self.before = descriptorsInUse()
        self.expect("x", self.x)
        self.expect("y", self.y)
        self.addCleanup(self.arrivals.connectionLost, Failure(OSError()))

    def x(self) -> None:
        """
        It is there.
        """
        self.calls.append("x")

    def y(self) -> None:
        """
        The other one is.
        """
        self.calls.append("y")

    def at(self, name: str) -> str:
        """
        @return: its path.
        """
        return os.path.join(self.directory, name)

    def expect(self, name: str, call: object) -> None:
        """
        Wait for one.
        """
        self.arrivals.expect(self.at(name), call)  # type: ignore[arg-type]

    def make(self, name: str) -> None:
        """
        It comes.
        """
        with open(self.at(name), "x"):
            pass

    def happened(self) -> list[str]:
        """
        @return: who was called since this was last asked.
        """
        self.reactor.settle()
        calls, self.calls = self.calls, []
        return calls

    def test_interface(self) -> None:
        """
        The reactor can read it.
        """
        verifyObject(IReadDescriptor, self.arrivals)

    def test_comes(self) -> None:
        """
        Each is called for its own file alone, however that comes.
        """
        self.make("z")
        self.assertEqual(self.happened(), [])
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(self.at("x"))
        self.assertEqual(self.happened(), ["x"])
        os.rename(self.at("z"), self.at("y"))
        self.assertEqual(self.happened(), ["y"])

    def test_mayBeUsed(self) -> None:
        """
        One that was there and becomes usable is as good as new.
        """
        self.make("x")
        self.happened()
        os.chmod(self.at("x"), 0o666)
        self.assertEqual(self.happened(), ["x"])

    def test_link(self) -> None:
        """
        What a link leads to is waited for.
        """
        other = shortDirectory(self)
        os.symlink(os.path.join(other, "far"), self.at("near"))
        self.expect("near", self.x)
        with open(os.path.join(other, "far"), "x"):
            pass
        self.assertEqual(self.happened(), ["x"])

    def test_noMore(self) -> None:
        """
        Who does not wait any more is not called, and when nobody does nothing is open.
        """
        self.expect("y", self.x)
        self.arrivals.expectNoMore(self.x)
        self.make("x")
        self.make("y")
        self.assertEqual(self.happened(), ["y"])
        self.arrivals.expectNoMore(self.y)
        self.arrivals.expectNoMore(self.y)
        self.assertEqual(self.reactor.getReaders(), [])
        self.assertEqual(os.listdir("/proc/self/fd"), self.before)
        self.assertEqual(self.arrivals.fileno(), -1)

    def test_twice(self) -> None:
        """
        Who waits twice for the same is called once, also if it comes twice.
        """
        self.expect("x", self.x)
        self.make("x")
        os.unlink(self.at("x"))
        self.make("x")
        self.assertEqual(self.happened(), ["x"])

    def test_stopsWhenCalled(self) -> None:
        """
        Whoever is called may wait no more, the others being called all the same.
        """
        self.expect("x", self.stop)
        self.expect("y", self.stop)
        self.make("y")
        self.make("x")
        self.assertEqual(sorted(self.happened()), ["stop", "x", "y"])

    def stop(self) -> None:
        """
        Nobody waits any more.
        """
        self.calls.append("stop")
        for call in (self.x, self.y, self.stop):
            self.arrivals.expectNoMore(call)

    def test_directoryGoes(self) -> None:
        """
        A directory that goes has to be named again when it is there again.
        """
        shutil.rmtree(self.directory)
        self.assertEqual(self.happened(), [])
        self.assertEqual(self.reactor.getReaders(), [])
        os.mkdir(self.directory)
        self.make("x")
        self.assertEqual(self.happened(), [])
        self.expect("y", self.y)
        self.make("y")
        self.assertEqual(self.happened(), ["y"])
        self.arrivals.expectNoMore(self.x)
        self.arrivals.expectNoMore(self.y)
        self.assertEqual(os.listdir("/proc/self/fd"), self.before)

    def test_nowhere(self) -> None:
        """
        In a directory that is not there nothing can be waited for, and that is no harm.
        """
        self.arrivals.expectNoMore(self.x)
        self.arrivals.expectNoMore(self.y)
        self.expect("nowhere/x", self.x)
        self.assertEqual(os.listdir("/proc/self/fd"), self.before)
        self.arrivals.expectNoMore(self.x)

    def test_overflow(self) -> None:
        """
        Where the kernel lost count, everybody is called.
        """
        self.patch(Inotify, "read", lambda self: iter([(-1, "")]))
        self.make("z")
        self.reactor.pump()
        self.assertEqual(sorted(self.calls), ["x", "y"])


class InotifyTests(SynchronousTestCase):
    """
    The kernel's part.
    """

    def test_overflow(self) -> None:
        """
        That the kernel lost count is told.
        """
        made = Inotify()
        self.addCleanup(made.close)
        told = inotify._EVENT.pack(-1, 0x4000, 0, 0)
        self.patch(os, "read", lambda fd, most: told)
        self.assertEqual(list(made.read()), [(-1, "")])

    def test_nothing(self) -> None:
        """
        There may be nothing to tell.
        """
        made = Inotify()
        self.addCleanup(made.close)
        self.assertEqual(list(made.read()), [])

    def test_noRoom(self) -> None:
        """
        There may be none to be had, and what is no directory can't be watched.
        """
        made = Inotify()
        self.addCleanup(made.close)
        error = self.assertRaises(OSError, made.watch, os.devnull)
        self.assertEqual(error.errno, errno.ENOTDIR)
        self.patch(ctypes, "CDLL", lambda name, use_errno: object())
        error = self.assertRaises(OSError, Inotify)
        self.assertEqual(error.errno, errno.ENOSYS)
