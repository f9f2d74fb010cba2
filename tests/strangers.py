"""
Somebody else at both doors of a zone: as user C{UID} of groups C{GIDS} (with commas) it
connects to each socket, sends what opens the door, and tells what came back.
"""

from __future__ import annotations

import os
import socket
import sys

OPENINGS = {
    "console_sock": b"IDENT 1 C 0\n",
    # AMP: _ask = 1, _command = Status.
    "control_sock": b"\0\4_ask\0\x011\0\x08_command\0\6Status\0\0",
}


def visit(path: str, opening: bytes) -> bytes:
    """
    What a door answers.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(20)
        try:
            connection.connect(path)
            connection.sendall(opening)
            return connection.recv(64)
        except (BrokenPipeError, ConnectionResetError):
            return b""
        except PermissionError:
            return b"not permitted"


def main(prefix: str, uid: str, gids: str) -> None:
    """
    Become somebody else and knock.
    """
    groups = [int(gid) for gid in gids.split(",")]
    os.setgroups(groups[1:])
    os.setgid(groups[0])
    os.setuid(int(uid))
    for suffix, opening in OPENINGS.items():
        print(suffix, ascii(visit(f"{prefix}.{suffix}", opening)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
