# -*- test-case-name: zcons_twisted.test.test_nexus_children -*-
"""
Tests for L{zcons_twisted.nexus.children}: the processes that a nexus is the parent of.

No process is started: what would be one is a pipe and a number.
"""

from __future__ import annotations

import os
import select

from twisted.trial.unittest import SynchronousTestCase

from ..nexus.children import STATUS_MAX, Child, Children


class ChildrenTests(SynchronousTestCase):
    """
    What a process says of its beginning is told, and its end is kept.
    """

    def setUp(self) -> None:
        """
        There are none yet.
        """
        self.epoll = select.epoll()
        self.addCleanup(self.epoll.close)
        self.told: list[tuple[str, str]] = []
        self.children = Children(self.epoll, self.tell, (64, 64))

    def tell(self, child: Child, what: str) -> None:
        """
        Remember it.
        """
        self.told.append((what, child.facts["why"]))

    def ready(self) -> None:
        """
        See to what has happened.
        """
        for fd, _what in self.epoll.poll(0):
            self.assertTrue(self.children.ready(fd))

    def begins(self, said: bytes) -> None:
        """
        Have a process whose parent is this one's, and that is never reaped, say this.
        """
        reading, writing = os.pipe()

        def fork() -> int:
            return os.getpid()

        self.patch(os, "fork", fork)
        self.patch(os, "pipe", lambda: (reading, os.dup(writing)))
        spec = {"arguments": "-s"}
        child = self.children.spawn("z", spec, -1)
        self.addCleanup(os.close, child.pidfd)
        os.write(writing, said)
        self.ready()
        self.assertEqual(self.told, [])
        os.close(writing)
        self.ready()

    def test_begins(self) -> None:
        """
        One that closes its pipe without a word has begun.
        """
        self.begins(b"")
        self.assertEqual(self.told, [("Began", "")])
        child = self.children.get("z")
        assert child is not None
        self.assertEqual(child.facts["arguments"], "-s")
        self.assertTrue(self.children.running())

    def test_whyNot(self) -> None:
        """
        What it says is why it can't, up to 4096 bytes.
        """
        self.begins(b"no" + b"x" * 5000)
        self.assertEqual(self.told, [("Began", "no" + "x" * (STATUS_MAX - 2))])
        self.assertEqual(STATUS_MAX, 4096)

    def test_adoptedAndGone(self) -> None:
        """
        A process of another nexus that is gone by now has ended, nobody knows how.
        """
        child = self.children.adopt("z", {"pid": 2**22 + 1})
        self.assertTrue(child.facts["ended"])
        self.assertNotIn("code", child.facts)
        self.children.reap("z")
        self.assertFalse(self.children.running())
        self.children.forget("z")
        self.assertIsNone(self.children.get("z"))

    def test_adoptedAndReplaced(self) -> None:
        """
        Another process of its number is not taken for it.
        """
        child = self.children.adopt("z", {"pid": os.getpid(), "born": 1})
        self.assertTrue(child.facts["ended"])

    def test_adopted(self) -> None:
        """
        One that runs is known on, also when its zone's instance is not.
        """
        child = self.children.adopt("z", {"pid": os.getpid(), "began": False})
        self.addCleanup(os.close, child.pidfd)
        self.assertFalse(child.facts["ended"])
        self.assertTrue(child.facts["began"])
        self.children.forget("z")
        self.assertIs(self.children.get("z"), child)
        self.assertFalse(self.children.ready(-2))
