# -*- test-case-name: zcons_twisted.test.test_urgency -*-
"""
Tests for L{zcons_twisted.urgency}.
"""

from __future__ import annotations

import os
import socket

from twisted.trial.unittest import SynchronousTestCase

from ..urgency import Urgency
from .support import descriptorsInUse


class UrgencyTests(SynchronousTestCase):
    """
    What is interactive and waits is told without waiting.
    """

    def setUp(self) -> None:
        """
        Somebody interactive who says nothing.
        """
        self.urgency = Urgency()
        self.ours, self.theirs = socket.socketpair()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)
        self.fd = self.ours.fileno()

    def test_nobody(self) -> None:
        """
        Where nobody is interactive nobody waits.
        """
        self.theirs.send(b"x")
        self.assertFalse(self.urgency.waits())

    def test_waits(self) -> None:
        """
        Somebody waits from what they say until it is read.
        """
        self.urgency.add(self.fd)
        self.assertFalse(self.urgency.waits())
        self.theirs.send(b"x")
        for _ in range(2):
            self.assertTrue(self.urgency.waits())
        self.ours.recv(1)
        self.assertFalse(self.urgency.waits())

    def test_stillWaits(self) -> None:
        """
        Who waited when it was asked last may have had its turn since; who waited only
        since then is not looked for.
        """
        self.urgency.add(self.fd)
        self.theirs.send(b"x")
        self.assertFalse(self.urgency.stillWaits())
        self.assertTrue(self.urgency.waits())
        for _ in range(2):
            self.assertTrue(self.urgency.stillWaits())
        self.ours.recv(1)
        self.assertFalse(self.urgency.stillWaits())
        self.theirs.send(b"x")
        self.assertFalse(self.urgency.stillWaits())

    def test_descriptor(self) -> None:
        """
        It has a descriptor only while somebody is interactive.
        """
        before = len(descriptorsInUse())
        for _ in range(2):
            self.urgency.add(self.fd)
            self.assertEqual(len(os.listdir("/proc/self/fd")), before + 1)
            self.urgency.remove(self.fd)
            self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_gone(self) -> None:
        """
        The end of somebody waits to be noticed, too.
        """
        self.urgency.add(self.fd)
        self.theirs.close()
        self.assertTrue(self.urgency.waits())

    def test_twice(self) -> None:
        """
        It is harmless to say twice that somebody is interactive, or is not.
        """
        for _ in range(2):
            self.urgency.add(self.fd)
        self.theirs.send(b"x")
        self.assertTrue(self.urgency.waits())
        for _ in range(2):
            self.urgency.remove(self.fd)
        self.assertFalse(self.urgency.waits())
        self.urgency.add(self.fd)
        self.assertTrue(self.urgency.waits())
