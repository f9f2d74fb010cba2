# -*- test-case-name: zcons_twisted.test.test_descriptor_limit -*-
"""
Tests for L{zcons_twisted.descriptor_limit}: how many files a server may have open.
"""

from __future__ import annotations

import resource

from twisted.trial.unittest import SynchronousTestCase

from ..descriptor_limit import checkFiles, filesNeeded, raiseLimit
from ..drivers.leader import SOFT_LIMIT
from ..errors import BadOption


class LimitTests(SynchronousTestCase):
    """
    A server allows itself what it may, and knows whether that is enough.
    """

    def raised(self, soft: int, hard: int) -> tuple[int, list[object], dict[str, str]]:
        """
        What comes of a limit.
        """
        calls: list[object] = []
        self.patch(resource, "getrlimit", lambda which: (soft, hard))
        self.patch(resource, "setrlimit", lambda which, both: calls.append(both))
        environ: dict[str, str] = {}
        return raiseLimit(environ), calls, environ

    def test_raised(self) -> None:
        """
        The limit becomes what it may be at most; what we run is told what it was.
        """
        self.assertEqual(
            self.raised(1024, 5000), (5000, [(5000, 5000)], {SOFT_LIMIT: "1024"})
        )

    def test_already(self) -> None:
        """
        One that is there already stays.
        """
        self.assertEqual(self.raised(5000, 5000), (5000, [], {}))

    def test_enough(self) -> None:
        """
        So many zones need so many files.
        """
        self.assertEqual((filesNeeded(0), filesNeeded(100)), (64, 964))
        checkFiles(100, 964)
        checkFiles(100, resource.RLIM_INFINITY)

    def test_notEnough(self) -> None:
        """
        Where there are fewer, both numbers are told, and what to do.
        """
        error = self.assertRaises(BadOption, checkFiles, 100, 963)
        self.assertEqual(
            str(error),
            "100 zones need 964 open files, and no more than 963 are allowed: raise the"
            " hard limit (ulimit -Hn, LimitNOFILE= of systemd), or divide the zones"
            " among servers with --shard",
        )
