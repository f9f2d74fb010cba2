# -*- test-case-name: zcons_twisted.test.test_unread -*-
"""
How much the other end of a unix socket has not read yet.

A socket only tells when a good part of what was sent has been read, which at a slow
terminal's pace can take a minute, so whether somebody reads at all can't be seen from
this end.  The kernel knows, and tells through its socket diagnosis (netlink,
unix_diag(4) and sock_diag(7)); it is asked once a second at most, for a session
whose output waits.
"""

from __future__ import annotations

import os
import socket
import struct

__all__ = ["PeerQueue"]

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_SHOW_PEER = 0x04
_SHOW_RQLEN = 0x10
_ATTRIBUTE_PEER = 2
_ATTRIBUTE_RQLEN = 4
_ANY_STATE = 0xFFFFFFFF
_NO_COOKIE = 0xFFFFFFFF

# struct nlmsghdr and struct unix_diag_req, struct unix_diag_msg, struct nlattr.
_REQUEST = struct.Struct("=IHHII BBHIIIII")
_ANSWER_SIZE = 16 + 16
_ATTRIBUTE = struct.Struct("=HH")


class PeerQueue:
    """
    The receive queue at the other end of one connected unix socket.
    """

    def __init__(self, fd: int) -> None:
        """
        @param fd: our end.
        """
        self._inode = os.fstat(fd).st_ino
        self._peer: int | None = None

    def unread(self) -> int | None:
        """
        Bytes that the other end has not read yet, or L{None} where the kernel does not
        tell: it may not know how to, as only Linux does, or the other end may be in
        another network namespace.
        """
        if not hasattr(socket, "AF_NETLINK"):
            return None
        try:
            if self._peer is None:
                (self._peer,) = struct.unpack_from(
                    "=I", _ask(self._inode, _SHOW_PEER, _ATTRIBUTE_PEER)
                )
            queue = _ask(self._peer, _SHOW_RQLEN, _ATTRIBUTE_RQLEN)
            unread: int = struct.unpack_from("=II", queue)[0]
        except (OSError, LookupError, struct.error):
            return None
        return unread


def _ask(inode: int | None, show: int, wanted: int) -> bytes:
    """
    One attribute of one socket.

    @raise OSError: the kernel does not answer.
    @raise LookupError: it answers without the attribute.
    """
    request = _REQUEST.pack(
        _REQUEST.size,
        _SOCK_DIAG_BY_FAMILY,
        _NLM_F_REQUEST,
        1,
        0,
        socket.AF_UNIX,
        0,
        0,
        _ANY_STATE,
        (inode or 0) & 0xFFFFFFFF,
        show,
        _NO_COOKIE,
        _NO_COOKIE,
    )
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG
    ) as link:
        link.setblocking(False)
        link.sendto(request, (0, 0))
        answer = link.recv(4096)
    if struct.unpack_from("=IH", answer)[1] != _SOCK_DIAG_BY_FAMILY:
        raise LookupError("refused")
    at = _ANSWER_SIZE
    while at + _ATTRIBUTE.size <= len(answer):
        length, kind = _ATTRIBUTE.unpack_from(answer, at)
        if length < _ATTRIBUTE.size:
            break
        if kind == wanted:
            return answer[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    raise LookupError("not told")
