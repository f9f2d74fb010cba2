# -*- test-case-name: zcons_twisted.test -*-
"""
What several test modules share.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from ..credentials import Credentials
from ..ident import Ident, parseIdent
from ..locales import Language
from ..sessions import LegacySession
from ..testing import FakeReactor, MemoryLink

__all__ = ["OURS", "makeSession", "shortDirectory", "splits"]

#: This process, as a peer.
OURS = Credentials(os.getpid(), os.geteuid(), os.getegid())


def splits(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """
    Every way to cut bytes in two.
    """
    for at in range(len(data) + 1):
        yield data[:at], data[at:]


def shortDirectory(case: SynchronousTestCase) -> str:
    """
    A directory of the test's own with a path short enough for unix sockets, gone
    when the test is over.
    """
    path = tempfile.mkdtemp(prefix="zc")
    case.addCleanup(shutil.rmtree, path, ignore_errors=True)
    return path


def makeSession(
    reactor: FakeReactor,
    link: MemoryLink,
    line: bytes = b"IDENT 7 C 0",
    who: Credentials = OURS,
    language: Language | None = None,
) -> LegacySession:
    """
    A session as the console socket makes it.
    """
    ident: Ident = parseIdent(line)
    return LegacySession(
        reactor, link, who, ident, language or Language(), reactor.seconds()
    )
