# -*- test-case-name: zcons_twisted.test.test_errors -*-
"""
Tests for L{zcons_twisted.errors}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from .. import errors


class ErrorsTests(SynchronousTestCase):
    """
    Whoever embeds us catches one class.
    """

    def test_oneRoot(self) -> None:
        """
        Every error that we raise on purpose is a C{ZConsError}.
        """
        for name in errors.__all__:
            self.assertTrue(issubclass(getattr(errors, name), errors.ZConsError), name)

    def test_messageIsWhatWasSaid(self) -> None:
        """
        The text of an error is the line that it was made with.
        """
        self.assertEqual(str(errors.ZoneServed("by process 7")), "by process 7")

    def test_eachHasItsReason(self) -> None:
        """
        Each kind of error says in its docstring what it stands for.
        """
        for name in errors.__all__:
            self.assertTrue((getattr(errors, name).__doc__ or "").strip(), name)
