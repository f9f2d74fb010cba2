# -*- test-case-name: zcons_twisted.test.test_client_searching -*-
"""
Tests for L{zcons_twisted.client.searching}.
"""

from __future__ import annotations

import re
import signal

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.searching import (
    SEARCH_SECONDS,
    SearchTooLong,
    searchInTime,
)


class SearchTests(SynchronousTestCase):
    """
    A search ends.
    """

    def setUp(self) -> None:
        """
        The alarm is for us alone.
        """
        self.handler = signal.getsignal(signal.SIGALRM)
        self.set: list[float] = []
        setTimer = signal.setitimer

        def setitimer(which: int, seconds: float) -> object:
            self.set.append(seconds)
            # Nobody waits for it here.
            return setTimer(which, seconds / 100)

        self.patch(signal, "setitimer", setitimer)

    def assertLeft(self) -> None:
        """
        Everything is as it was before.
        """
        self.assertEqual(signal.getsignal(signal.SIGALRM), self.handler)
        self.assertEqual(signal.getitimer(signal.ITIMER_REAL), (0.0, 0.0))
        self.assertEqual(self.set, [2.0, 0])
        self.assertEqual(SEARCH_SECONDS, 2.0)

    def test_found(self) -> None:
        """
        What is there is found.
        """
        found = searchInTime(re.compile(rb"o.i"), b"login: ")
        assert found is not None
        self.assertEqual(found.group(), b"ogi")
        self.assertLeft()

    def test_notThere(self) -> None:
        """
        What is not there is not.
        """
        self.assertIsNone(searchInTime(re.compile(rb"x"), b"login: "))
        self.assertLeft()

    def test_tooLong(self) -> None:
        """
        What would take years is given up.
        """
        pattern = re.compile(rb"(L+)+Z")
        self.assertRaises(SearchTooLong, searchInTime, pattern, b"L" * 60)
        self.assertLeft()
