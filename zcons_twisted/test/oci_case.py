# -*- test-case-name: zcons_twisted.test.test_oci_driver -*-
"""
What the tests of containers have in common.
"""

from __future__ import annotations

import os
import shutil
import tempfile

from twisted.trial.unittest import SynchronousTestCase


def shortDirectory(test: SynchronousTestCase) -> str:
    """
    A directory for a test, short enough for sockets.
    """
    path = tempfile.mkdtemp(prefix="zc-", dir="/tmp")
    test.addCleanup(lambda: shutil.rmtree(path))
    return os.path.realpath(path)
