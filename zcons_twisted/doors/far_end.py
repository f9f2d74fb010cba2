# -*- test-case-name: zcons_twisted.test.test_peer -*-
"""
Who is still at the other end of a connection, without taking anything from it.
"""

from __future__ import annotations

import select
import socket

__all__ = ["receives", "sendsNoMore"]

# Not every system tells of an end before it is received.
_HALF_CLOSED: int = getattr(select, "POLLRDHUP", 0)


def receives(connection: socket.socket) -> bool:
    """
    Is there still somebody who receives?  Sends nothing, which fails all the same where
    nobody does.
    """
    try:
        connection.send(b"", socket.MSG_NOSIGNAL)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


def sendsNoMore(connection: socket.socket) -> bool:
    """
    Has the peer closed its sending side, or gone?  On a system whose poll(2) does not
    answer that, what has not been received yet hides it.
    """
    asked = select.poll()
    asked.register(connection.fileno(), _HALF_CLOSED)
    if asked.poll(0):
        return True
    if _HALF_CLOSED:
        return False
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return False
