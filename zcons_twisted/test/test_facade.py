# -*- test-case-name: zcons_twisted.test.test_facade -*-
"""
Tests for C{zcons_twisted} itself: what an embedding program imports.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

import zcons_twisted


class FacadeTests(SynchronousTestCase):
    """
    The public names are there.
    """

    def test_names(self) -> None:
        """
        Everything that is promised can be imported, and is our own.
        """
        for name in zcons_twisted.__all__:
            found = getattr(zcons_twisted, name)
            if name != "__version__":
                self.assertTrue(found.__module__.startswith("zcons_twisted."), name)
                self.assertEqual(found.__name__, name)

    def test_version(self) -> None:
        """
        The version is numbers with dots.
        """
        self.assertRegex(zcons_twisted.__version__, r"^[0-9]+(\.[0-9]+)+$")

    def test_nothingElse(self) -> None:
        """
        A name that is not promised is no attribute.
        """
        error = self.assertRaises(AttributeError, getattr, zcons_twisted, "Zone")
        self.assertEqual(str(error), "zcons_twisted has no 'Zone'")
