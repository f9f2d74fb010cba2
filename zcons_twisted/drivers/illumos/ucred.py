# -*- test-case-name: zcons_twisted.test.test_illumos_ucred -*-
"""
Who is at the other end of a connection, on illumos: getpeerucred(3C).

There a zone's root has the number 0 as well, so a peer from another zone than ours is
nobody here, however it came by the socket.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_int, c_uint32, c_void_p
from dataclasses import dataclass

from .loader import LIBC, Functions, Loader, SystemLoader, failure

__all__ = ["NOBODY", "PeerCredentials", "UserCredentials"]

_Groups = POINTER(c_uint32)

_LIBC = {
    "getpeerucred": (c_int, (c_int, POINTER(c_void_p))),
    "ucred_free": (None, (c_void_p,)),
    "ucred_getpid": (c_int, (c_void_p,)),
    "ucred_geteuid": (c_uint32, (c_void_p,)),
    "ucred_getegid": (c_uint32, (c_void_p,)),
    "ucred_getgroups": (c_int, (c_void_p, POINTER(_Groups))),
    "ucred_getzoneid": (c_int, (c_void_p,)),
    "getzoneid": (c_int, ()),
}

#: A user and a group that nobody is: -1, also the kernel's word for what it does not
#: tell.
NOBODY = 2**32 - 1


@dataclass(frozen=True, slots=True)
class PeerCredentials:
    """
    A process as the kernel saw it when it connected.

    @ivar groups: its supplementary groups.
    """

    pid: int
    uid: int
    gid: int
    groups: frozenset[int]


class UserCredentials:
    """
    The kernel's knowledge of peers.
    """

    def __init__(self, loader: Loader | None = None) -> None:
        """
        @param loader: has the C library; the system's own, where L{None}.
        @raise OSError: this system does not tell who peers are.
        """
        self._libc = Functions(loader or SystemLoader(), LIBC, _LIBC)

    def peer(self, fd: int) -> PeerCredentials:
        """
        Who is at the other end of a connection; L{NOBODY} for a peer in another zone.

        @raise OSError: the kernel does not say.
        """
        libc = self._libc
        told = c_void_p()
        if libc.getpeerucred(fd, ctypes.byref(told)) != 0:
            raise failure("getpeerucred failed")
        try:
            pid = max(libc.ucred_getpid(told), 0)
            if libc.ucred_getzoneid(told) != libc.getzoneid():
                return PeerCredentials(pid, NOBODY, NOBODY, frozenset())
            groups = _Groups()
            count = libc.ucred_getgroups(told, ctypes.byref(groups))
            return PeerCredentials(
                pid,
                libc.ucred_geteuid(told),
                libc.ucred_getegid(told),
                frozenset(groups[: max(count, 0)]),
            )
        finally:
            libc.ucred_free(told)
