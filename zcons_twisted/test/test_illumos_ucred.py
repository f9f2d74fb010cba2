# -*- test-case-name: zcons_twisted.test.test_illumos_ucred -*-
"""
Tests for L{zcons_twisted.drivers.illumos.ucred}.
"""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from ..drivers.illumos.loader import LIBC
from ..drivers.illumos.ucred import NOBODY, PeerCredentials, UserCredentials


class MemoryLibc:
    """
    A C library that knows one peer.

    @ivar peer: what it tells of it, by its functions' names.
    @ivar groups: the peer's groups, or L{None} for none told.
    @ivar freed: how often what was told was given back.
    """

    def __init__(self) -> None:
        self.peer = {
            "ucred_getpid": 12,
            "ucred_geteuid": 34,
            "ucred_getegid": 56,
            "ucred_getzoneid": 0,
            "getzoneid": 0,
        }
        self.groups: list[int] | None = [7, 8]
        self.failure = 0
        self.freed = 0

    def load(self, name: str) -> SimpleNamespace:
        """
        See L{Loader<zcons_twisted.drivers.illumos.loader.Loader>}.
        """
        assert name == LIBC
        known = {symbol: self._tells(symbol) for symbol in self.peer}

        def getpeerucred(fd: int, told: Any) -> int:
            assert fd == 5
            ctypes.set_errno(self.failure)
            told._obj.value = 99
            return -1 if self.failure else 0

        def groupsOf(told: ctypes.c_void_p, groups: Any) -> int:
            if self.groups is None:
                return -1
            kept = (ctypes.c_uint32 * len(self.groups))(*self.groups)
            ctypes.memmove(
                groups,
                ctypes.byref(ctypes.pointer(kept)),
                ctypes.sizeof(ctypes.c_void_p),
            )
            self.kept = kept
            return len(self.groups)

        def free(told: ctypes.c_void_p) -> None:
            assert told.value == 99
            self.freed += 1

        return SimpleNamespace(
            getpeerucred=getpeerucred,
            ucred_getgroups=groupsOf,
            ucred_free=free,
            **known,
        )

    def _tells(self, symbol: str) -> Callable[..., int]:
        def function(*told: Any) -> int:
            return self.peer[symbol]

        return function


class UserCredentialsTests(SynchronousTestCase):
    """
    The kernel tells who a peer is.
    """

    def setUp(self) -> None:
        """
        A peer.
        """
        self.libc = MemoryLibc()
        self.credentials = UserCredentials(self.libc)

    def test_peer(self) -> None:
        """
        Its process, user and groups; and what was told is given back.
        """
        peer = self.credentials.peer(5)
        self.assertEqual(peer, PeerCredentials(12, 34, 56, frozenset({7, 8})))
        self.assertEqual(self.libc.freed, 1)

    def test_noGroups(self) -> None:
        """
        One whose groups or whose process are not told has none.
        """
        self.libc.groups = None
        self.libc.peer["ucred_getpid"] = -1
        peer = self.credentials.peer(5)
        self.assertEqual(peer, PeerCredentials(0, 34, 56, frozenset()))

    def test_otherZone(self) -> None:
        """
        One from another zone is nobody, and in no group.
        """
        self.libc.peer.update(ucred_getzoneid=3, ucred_geteuid=0)
        peer = self.credentials.peer(5)
        self.assertEqual(peer, PeerCredentials(12, NOBODY, NOBODY, frozenset()))
        self.assertEqual(self.libc.freed, 1)

    def test_ourZone(self) -> None:
        """
        A server may be in a zone itself.
        """
        self.libc.peer.update(ucred_getzoneid=3, getzoneid=3)
        self.assertEqual(self.credentials.peer(5).uid, 34)

    def test_notTold(self) -> None:
        """
        Where the kernel does not tell who it is, that is an error.
        """
        self.libc.failure = errno.ENOTCONN
        error = self.assertRaises(OSError, self.credentials.peer, 5)
        self.assertEqual(error.errno, errno.ENOTCONN)
        self.assertEqual(self.libc.freed, 0)

    def test_otherSystem(self) -> None:
        """
        A system that has another way has not got this one.
        """
        error = self.assertRaises(OSError, UserCredentials)
        self.assertEqual(str(error), "libc has no getpeerucred")
