# -*- test-case-name: zcons_twisted.test -*-
"""
What several test modules share.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from ..credentials import Credentials
from ..frames import SERVER_TYPES, Frame, FrameReader
from ..history import HISTORY_MIN, History, historySize
from ..ident import Ident, parseIdent
from ..locales import Language
from ..marks import Mark
from ..sessions import LegacyVoice, Peer, Session, SessionHost
from ..testing import FakeReactor, MemoryLink

__all__ = [
    "OURS",
    "PlainVoice",
    "descriptorsInUse",
    "framesOf",
    "makeHistory",
    "makeSession",
    "numbered",
    "shortDirectory",
    "splits",
]

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


def descriptorsInUse() -> list[str]:
    """
    Our open descriptors, without those of objects that nobody has any more: they would
    be closed at any moment.
    """
    gc.collect()
    return os.listdir("/proc/self/fd")


def numbered(start: int, stop: int) -> bytes:
    """
    Bytes that tell where they belong: those of a long text, from one offset up to
    another, in which no two places look alike.
    """
    first = start // 8
    text = b"".join(b"%07x " % n for n in range(first, -(-stop // 8)))
    return text[start - first * 8 :][: stop - start]


def makeHistory(ring: int = HISTORY_MIN) -> History:
    """
    A history in memory.
    """
    return History(memoryview(bytearray(historySize(ring))), ring)


class PlainVoice:
    """
    Tells a gap as C{<7>}, and a mark as its text.
    """

    framed = False
    pieceMax = 64 * 1024

    def head(self, offset: int, length: int) -> bytes:
        """
        There are no frames.
        """
        return b""

    def mark(self, mark: Mark) -> bytes:
        """
        What the mark says.
        """
        return mark.text.encode()

    def gap(self, offset: int, missing: int) -> bytes:
        """
        How much is missing.
        """
        return b"<%d>" % missing

    def forgotten(self, offset: int, before: Mark) -> bytes:
        """
        That there were others.
        """
        return b"<forgotten>"


def makeSession(
    reactor: FakeReactor,
    link: MemoryLink,
    host: SessionHost,
    history: History,
    line: bytes = b"IDENT 7 C 0",
    who: Credentials = OURS,
    language: Language | None = None,
) -> Session:
    """
    A legacy session as the console socket makes it.
    """
    ident: Ident = parseIdent(line)
    return Session(
        reactor,
        link,
        host,
        history,
        LegacyVoice(language or Language(), ident.disconnect),
        Peer(who, ident.pid, ident.locale, ident.disconnect, reactor.seconds()),
    )


def framesOf(data: bytes) -> list[Frame]:
    """
    The frames of a server; nothing may be left over.
    """
    reader = FrameReader(SERVER_TYPES)
    frames = list(reader.feed(data))
    assert list(reader.feed(b"")) == [] and not reader._held
    return frames
