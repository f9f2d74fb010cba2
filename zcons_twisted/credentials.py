# -*- test-case-name: zcons_twisted.test.test_credentials -*-
"""
Who is at the other end of a unix socket, told by the kernel and never by the text
that they send; and whether they are let in.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from dataclasses import dataclass
from typing import NamedTuple

from .drivers.illumos.ucred import UserCredentials

__all__ = ["Admission", "Credentials", "peerCredentials", "peerGroups"]

_UCRED = struct.Struct("=iII")
_SO_PEERGROUPS = 59
# A process may be in so many groups, by Linux' limits.h.
_GROUPS_MAX = 65536


class Credentials(NamedTuple):
    """
    A process as the kernel saw it when it connected.

    @ivar pid: its process ID, 0 where it has none in our namespace.
    @ivar uid: its effective user ID.
    @ivar gid: its effective group ID.
    """

    pid: int
    uid: int
    gid: int

    def __str__(self) -> str:
        """
        For messages and the log.  Root is called so everywhere; to look other users'
        names up may take time, so that is for who reads it.
        """
        user = f"user {self.uid}" if self.uid else "root"
        return f"process {self.pid} of {user}"


def peerCredentials(connection: socket.socket) -> Credentials:
    """
    Ask the kernel who is at the other end of a connected unix socket.

    @raise OSError: the kernel doesn't say.
    """
    if not hasattr(socket, "SO_PEERCRED"):
        told = UserCredentials().peer(connection.fileno())
        return Credentials(told.pid, told.uid, told.gid)
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return Credentials(*_UCRED.unpack(raw))


def peerGroups(connection: socket.socket) -> frozenset[int]:
    """
    The supplementary groups of the process at the other end; none on kernels before
    4.13, which don't tell.
    """
    if not hasattr(socket, "SO_PEERCRED"):
        return UserCredentials().peer(connection.fileno()).groups
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 1024)
    except OSError as e:
        return _manyGroups(connection) if e.errno == errno.ERANGE else frozenset()
    return frozenset(struct.unpack(f"={len(raw) // 4}I", raw))


def _manyGroups(connection: socket.socket) -> frozenset[int]:
    """
    More groups than Python's own getsockopt has room for, which is 1024 bytes.
    """
    numbers = (ctypes.c_uint32 * _GROUPS_MAX)()
    size = ctypes.c_uint32(ctypes.sizeof(numbers))
    failed = ctypes.CDLL(None).getsockopt(
        connection.fileno(),
        socket.SOL_SOCKET,
        _SO_PEERGROUPS,
        numbers,
        ctypes.byref(size),
    )
    return frozenset() if failed else frozenset(numbers[: size.value // 4])


@dataclass(frozen=True, slots=True)
class Admission:
    """
    Who may use a zone's sockets: root, the server's own user, and the group
    that was named, if any.  The sockets' permissions say the same; this holds
    where a system does not look at them.

    @ivar uid: the server's user.
    @ivar gid: the group that is let in, or L{None}.
    """

    uid: int
    gid: int | None = None

    @classmethod
    def ours(cls, gid: int | None = None) -> Admission:
        """
        For a server that runs as the current user.
        """
        return cls(os.geteuid(), gid)

    def owns(self, peer: Credentials) -> bool:
        """
        Is it root or the server's own user?
        """
        return peer.uid in (0, self.uid)

    def admits(self, connection: socket.socket, peer: Credentials) -> bool:
        """
        May the peer at the other end of this connection come in?
        """
        if self.owns(peer):
            return True
        return self.gid is not None and (
            self.gid == peer.gid or self.gid in peerGroups(connection)
        )
