# -*- test-case-name: zcons_twisted.test.test_systemd_journal -*-
"""
Tests for L{zcons_twisted.systemd.journal}: a log for the journal.
"""

from __future__ import annotations

import io
import os

from twisted.logger import ILogObserver, Logger, LogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from ..systemd.journal import JournalObserver, isJournal


class JournalTests(SynchronousTestCase):
    """
    An event is a line with a priority and no time.
    """

    def setUp(self) -> None:
        """
        A log.
        """
        self.output = io.StringIO()
        self.observer = JournalObserver(self.output)
        self.log = Logger(observer=LogPublisher(self.observer))

    def test_interface(self) -> None:
        """
        It is one that Twisted can use.
        """
        verifyObject(ILogObserver, self.observer)

    def test_priorities(self) -> None:
        """
        Each level has syslog's number.
        """
        for level in ("critical", "error", "warn", "info", "debug"):
            getattr(self.log, level)("{what}", what=level)
        self.assertEqual(
            self.output.getvalue(),
            "<2>critical\n<3>error\n<4>warn\n<6>info\n<7>debug\n",
        )

    def test_oneLine(self) -> None:
        """
        However many lines there are in it, or whatever else, it is one.
        """
        self.log.info("a\n  b\n\n\x1b[2J<0>c\u2028d")
        self.assertEqual(self.output.getvalue(), "<6>a | b | \\x1b[2J<0>c | d\n")

    def test_failure(self) -> None:
        """
        What went wrong is told with how it came to it.
        """
        self.log.failure("while {what}", Failure(ValueError("no")), what="trying")
        text = self.output.getvalue()
        self.assertTrue(text.startswith("<2>while trying | "), text)
        self.assertIn("ValueError: no", text)
        self.assertEqual(text.count("\n"), 1)

    def test_isJournal(self) -> None:
        """
        Whether a descriptor leads to the journal is told by what it is.
        """
        near, far = os.pipe()
        self.addCleanup(os.close, near)
        self.addCleanup(os.close, far)
        found = os.fstat(far)
        environ = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        self.assertTrue(isJournal(environ, far))
        with open(os.devnull) as other:
            self.assertFalse(isJournal(environ, other.fileno()))
        self.assertFalse(isJournal({}, far))
        self.assertFalse(isJournal(environ, 9999))
