# -*- test-case-name: zcons_twisted.test.test_oci_shim -*-
"""
How a container's shim tells the server something: one line of JSON through a unix
socket, perhaps with a descriptor, and one line as the answer.
"""

from __future__ import annotations

import json
import os
import socket
from typing import Any

__all__ = ["ACCEPTED", "ANSWER_SECONDS", "SOCKET_NAME", "Refusal", "tell"]

#: The socket's name in the zone's own directory.
SOCKET_NAME = "s"
#: Seconds that the server may take to answer.
ANSWER_SECONDS = 10.0

#: The answer that all is well.
ACCEPTED = b"ok\n"

_ANSWER_MAX = 4096


class Refusal(Exception):
    """
    The server won't have it; the message says why.
    """


def tell(home: str, said: dict[str, Any], fd: int = -1) -> bool:
    """
    Tell the server.

    @param home: the zone's own directory.
    @param fd: goes with it.
    @return: whether it has heard; it may not be there now.
    @raise Refusal: it has, and won't have it.
    """
    line = json.dumps(said).encode() + b"\n"
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(ANSWER_SECONDS)
        try:
            peer.connect(os.path.join(home, SOCKET_NAME))
            socket.send_fds(peer, [line], [fd] if fd != -1 else [])
            answer = b""
            while not answer.endswith(b"\n") and len(answer) < _ANSWER_MAX:
                more = peer.recv(_ANSWER_MAX)
                if not more:
                    return False
                answer += more
        except OSError:
            return False
    if answer != ACCEPTED:
        raise Refusal(answer.decode("utf-8", "replace").strip())
    return True
