# -*- test-case-name: zcons_twisted.test.test_client_running -*-
"""
Tests for L{zcons_twisted.client.running}.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from zcons_twisted.client.running import runToEnd, watchSignals

from .client_fakes import ClientReactor


class RunningReactor(ClientReactor):
    """
    A reactor that runs until it is stopped.

    @ivar whileRunning: called once while it runs.
    """

    def __init__(self, whileRunning: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.whileRunning = whileRunning
        self.first: list[Callable[[], Any]] = []
        self.running = False
        self.ownSignals: bool | None = None

    def callWhenRunning(self, callable: Callable[..., Any]) -> None:
        """
        Keep it until it runs.
        """
        self.first.append(callable)

    def run(self, installSignalHandlers: bool = True) -> None:
        """
        Run.
        """
        self.ownSignals = installSignalHandlers
        self.running = True
        for one in self.first:
            one()
        self.whileRunning()

    def stop(self) -> None:
        """
        Stop.
        """
        self.running = False

    def callFromThread(self, callable: Callable[..., Any], *args: object) -> None:
        """
        Call at once.
        """
        callable(*args)


class RunToEndTests(SynchronousTestCase):
    """
    One piece of work in a reactor.
    """

    def test_result(self) -> None:
        """
        The work's result is the exit status, and the reactor is stopped.
        """

        async def work() -> int:
            return 3

        reactor = RunningReactor()
        self.assertEqual(runToEnd(reactor, work(), {}), 3)
        self.assertFalse(reactor.running)
        self.assertEqual(reactor.ownSignals, False)
        self.assertEqual(reactor.readers, [])

    def test_error(self) -> None:
        """
        What the work raises is raised.
        """

        async def work() -> int:
            raise ValueError("no")

        self.assertRaises(ValueError, runToEnd, RunningReactor(), work(), {})

    def test_signal(self) -> None:
        """
        A signal while the work is under way is told of.
        """
        waiting: Deferred[int] = Deferred()

        async def work() -> int:
            return await waiting

        def send() -> None:
            os.kill(os.getpid(), signal.SIGUSR1)

        status = runToEnd(
            RunningReactor(send), work(), {signal.SIGUSR1: waiting.callback}
        )
        self.assertEqual(status, signal.SIGUSR1)


class WatchSignalsTests(SynchronousTestCase):
    """
    Hearing of signals.
    """

    def test_putBack(self) -> None:
        """
        Afterwards everything is as it was before.
        """
        before = signal.getsignal(signal.SIGUSR1)
        bell = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(bell)
        with watchSignals(RunningReactor(), {signal.SIGUSR1: lambda number: None}):
            self.assertIsNot(signal.getsignal(signal.SIGUSR1), before)
        self.assertIs(signal.getsignal(signal.SIGUSR1), before)
        self.assertEqual(signal.set_wakeup_fd(bell), bell)

    def test_wakesTheReactor(self) -> None:
        """
        A reactor that waits is woken by a signal.
        """
        reactor = RunningReactor()
        with watchSignals(reactor, {signal.SIGUSR1: lambda number: None}):
            (bell,) = reactor.readers
            verifyObject(IReadDescriptor, bell)
            self.assertEqual(bell.logPrefix(), "signals")
            os.kill(os.getpid(), signal.SIGUSR1)
            self.assertEqual(select.select([bell], [], [], 0)[0], [bell])
            bell.doRead()
            self.assertEqual(select.select([bell], [], [], 0)[0], [])
            bell.doRead()
            bell.connectionLost(Failure(ValueError()))

    def test_ignored(self) -> None:
        """
        A signal that is ignored, as by C{nohup}, stays so.
        """
        before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGUSR1, before)
        told: list[int] = []
        with watchSignals(RunningReactor(), {signal.SIGUSR1: told.append}):
            os.kill(os.getpid(), signal.SIGUSR1)
        self.assertEqual(told, [])
        self.assertIs(signal.getsignal(signal.SIGUSR1), signal.SIG_IGN)
