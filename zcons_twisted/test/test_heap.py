# -*- test-case-name: zcons_twisted.test.test_heap -*-
"""
Tests for L{zcons_twisted.heap}.
"""

from __future__ import annotations

import gc
import weakref

from twisted.trial.unittest import SynchronousTestCase

from ..heap import settle


class Knot:
    """
    Something that refers to itself.
    """

    def __init__(self) -> None:
        self.itself = self


class SettleTests(SynchronousTestCase):
    """
    What stays is not looked through again and again.
    """

    def setUp(self) -> None:
        """
        Other tests are to find things as they were.
        """
        self.addCleanup(gc.unfreeze)

    def test_stays(self) -> None:
        """
        What is there is no more looked through, and what comes later is.
        """
        before = Knot()
        settle()
        self.assertGreater(gc.get_freeze_count(), 0)
        after = Knot()
        looked = {id(each) for each in gc.get_objects()}
        self.assertIn(id(after), looked)
        self.assertNotIn(id(before), looked)

    def test_letGo(self) -> None:
        """
        What was settled and nobody needs any more goes when things are settled anew.
        """
        knot = Knot()
        settle()
        gone = weakref.ref(knot)
        del knot
        gc.collect()
        self.assertIsNotNone(gone())
        settle()
        self.assertIsNone(gone())
