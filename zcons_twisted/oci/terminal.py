# -*- test-case-name: zcons_twisted.test.test_oci_terminal -*-
"""
The terminal that a runtime makes for a container: its manager comes through a socket,
and is looked at before anybody trusts it.  Its subsidiary is never opened by a path,
which the container could have put something else at.
"""

from __future__ import annotations

import array
import fcntl
import os
import socket
import stat
import struct

__all__ = ["MANAGER_SECONDS", "BadTerminal", "checkManager", "receiveManager"]

#: Seconds for the manager to come once the container is there.
MANAGER_SECONDS = 5.0

# What a runtime says beside the manager.
_MESSAGE_MAX = 4096

# How many descriptors are looked at; one is right.
_FDS_MAX = 16
_PTMX = (5, 2)

# From Linux' asm-generic/ioctls.h; Python does not name them.
_TIOCGPTN = 0x80045430
_TIOCGPTPEER = 0x5441


class BadTerminal(Exception):
    """
    What a runtime has sent is no terminal's manager, or there was none.
    """


def checkManager(fd: int) -> None:
    """
    Make sure that a descriptor is a pty's manager.

    @raise BadTerminal: it is something else.
    """
    try:
        found = os.fstat(fd)
        device = (os.major(found.st_rdev), os.minor(found.st_rdev))
        if not stat.S_ISCHR(found.st_mode) or device != _PTMX:
            raise BadTerminal("the runtime has sent a descriptor that is no terminal")
        fcntl.ioctl(fd, _TIOCGPTN, b"\0" * 4)
        flags = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC
        os.close(fcntl.ioctl(fd, _TIOCGPTPEER, flags))
    except OSError as e:
        raise BadTerminal(
            f"the runtime has sent a terminal that can't be used: {e.strerror}"
        ) from None


def receiveManager(listener: socket.socket) -> int:
    """
    Take the manager that a runtime has sent.

    @param listener: where it connects, or has connected.
    @return: the manager's descriptor.
    @raise BadTerminal: there is none, or what came is none.
    """
    listener.settimeout(MANAGER_SECONDS)
    fds = array.array("i")
    try:
        peer, _address = listener.accept()
        with peer:
            peer.settimeout(MANAGER_SECONDS)
            raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            _message, ancillary, _flags, _from = peer.recvmsg(
                _MESSAGE_MAX,
                socket.CMSG_SPACE(_FDS_MAX * fds.itemsize),
                socket.MSG_CMSG_CLOEXEC,
            )
    except OSError as e:
        raise BadTerminal(
            f"the runtime has sent no terminal: {e.strerror or e}"
        ) from None
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    try:
        if struct.unpack("iII", raw)[1] != os.geteuid():
            raise BadTerminal("another user has connected in the runtime's place")
        if len(fds) != 1:
            raise BadTerminal(
                f"the runtime has sent {len(fds)} descriptors instead of one"
            )
        checkManager(fds[0])
    except BadTerminal:
        for fd in fds:
            os.close(fd)
        raise
    return fds[0]
