# -*- test-case-name: zcons_twisted.test.test_client_outliving -*-
"""
Whether a zone has outlived its server: its nexus knows.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable

from zcons_twisted.nexus.door import SOCKET_NAME
from zcons_twisted.nexus.wire import Malformed, decode, encode
from zcons_twisted.rundir import RunDirectory

__all__ = ["NEXUS_SECONDS", "outlived"]

#: How long the nexus may take to say so; somebody waits for a message meanwhile.
NEXUS_SECONDS = 0.5

_PIECE = 4096


def outlived(
    rundir: RunDirectory,
    zone: str,
    make: Callable[[int], socket.socket] = socket.socket,
) -> int:
    """
    The process that is a zone of which the nexus of a run directory has the console, or
    0 where there is none that anybody knows of, or that we may know of.

    @param make: makes a socket of a family.
    """
    question = {"_command": b"Count", "_ask": b"1", "zone": zone.encode()}
    try:
        with make(socket.AF_UNIX) as connection:
            connection.settimeout(NEXUS_SECONDS)
            connection.connect(os.path.join(rundir.path, SOCKET_NAME))
            connection.sendall(encode(question))
            answer = bytearray()
            while (box := decode(answer)) is None:
                piece = connection.recv(_PIECE)
                if not piece:
                    return 0
                answer += piece
        facts = json.loads(box.get("process", b"") or b"{}")
        return 0 if facts.get("ended", True) else int(facts["pid"])
    except (OSError, Malformed, ValueError, KeyError, TypeError, AttributeError):
        # There is no nexus, or none that answers, or not us.
        return 0
