# -*- test-case-name: zcons_twisted.test.test_endpoint_strings -*-
"""
Tests for L{zcons_twisted.drivers.endpoint_strings}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.trial.unittest import SynchronousTestCase

from ..drivers.endpoint_strings import clientEndpoint, unixEndpoint, unixPath
from ..testing import FakeReactor


class UnixPathTests(SynchronousTestCase):
    """
    Where a unix socket is.
    """

    def test_path(self) -> None:
        """
        It is where Twisted looks for it, however that is written.
        """
        for text, path in (
            ("unix:/run/x", "/run/x"),
            (r"unix:/run/a\:b:timeout=3", "/run/a:b"),
            (r"UNIX:path=/x\=y:lockfile=1", "/x=y"),
            ("unix:lockfile=1:path=/z", "/z"),
            ("unix:timeout=5:/q", "/q"),
            (r"unix:/a\\b", r"/a\b"),
        ):
            endpoint: Any = clientEndpoint(FakeReactor(), "z", text)
            self.assertEqual((unixPath(text), endpoint._path), (path, path))

    def test_none(self) -> None:
        """
        Others are at no path.
        """
        for text in ("tcp:host:1", "serial:/dev/ttyS0", "unix", "unix:timeout=5", ""):
            self.assertEqual(unixPath(text), "")

    def test_endpoint(self) -> None:
        """
        A path is written as it is.
        """
        endpoint: Any = unixEndpoint(FakeReactor(), "/a:b")
        self.assertIsInstance(endpoint, UNIXClientEndpoint)
        self.assertEqual(endpoint._path, "/a:b")
