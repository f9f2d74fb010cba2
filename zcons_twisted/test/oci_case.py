# -*- test-case-name: zcons_twisted.test.test_oci_driver -*-
"""
What the tests of containers have in common.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any

from twisted.internet import unix
from twisted.internet.interfaces import IListeningPort, IReactorUNIX
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from ..testing import FakeReactor


def shortDirectory(test: SynchronousTestCase) -> str:
    """
    A directory for a test, short enough for sockets.
    """
    path = tempfile.mkdtemp(prefix="zc-", dir="/tmp")
    test.addCleanup(lambda: shutil.rmtree(path))
    return os.path.realpath(path)


@implementer(IReactorUNIX)
class UnixReactor(FakeReactor):
    """
    A reactor that listens, too.

    @ivar backlogs: how many may wait to be accepted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.backlogs: list[int] = []

    def listenUNIX(
        self,
        address: str | bytes,
        factory: Any,
        backlog: int = 50,
        mode: int = 0o666,
        wantPID: bool = False,
    ) -> IListeningPort:
        """
        See L{IReactorUNIX}.
        """
        assert isinstance(address, str)
        self.backlogs.append(backlog)
        port = unix.Port(address.encode(), factory, backlog, mode, self, wantPID)
        port.startListening()
        return port

    def connectUNIX(
        self,
        address: str | bytes,
        factory: Any,
        timeout: float = 30,
        checkPID: bool = False,
    ) -> Any:
        """
        Not done by this fake.
        """
        raise NotImplementedError
