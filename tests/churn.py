"""
Somebody who comes to a console and goes again, as often as told and in every way there
is: C{churn.py PATH TIMES SEED}.  It says how often it has come, now and then, and what
came of it at the end.
"""

from __future__ import annotations

import random
import socket
import struct
import sys
import time
from collections import Counter

LEGACY = b"IDENT 1 C 0\n"
WATCH = b'ATTACH {"v":1,"role":"watch"}\n'
TAKE = b'ATTACH {"v":1,"role":"take"}\n'
ASK = b'ATTACH {"v":1}\n'
ALL = b'ATTACH {"v":1,"role":"watch","start":{"bytes":2000}}\n'
LEAVE = b"\x46\0\0\0"
TYPES = b"\x41\0\0\1x"

LINGER = struct.pack("ii", 1, 0)

#: What is sent first, and how it ends.
WAYS = [
    *((LEGACY, way) for way in ("close", "close", "half-close", "reset", "unread")),
    *((WATCH, way) for way in ("close", "leave", "half-close", "reset", "unread")),
    *((TAKE, way) for way in ("close", "leave", "type", "reset")),
    *((ASK, way) for way in ("close", "type", "leave")),
    *((ALL, way) for way in ("close", "unread")),
    (b"nonsense\n", "close"),
    (b"IDENT", "reset"),
    (b"IDENT", "half-close"),
    (b"", "unread"),
]


def connect(path: str) -> socket.socket:
    """
    Connect, as often as it takes.
    """
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
        except BlockingIOError:
            connection.close()
            time.sleep(0.0005)
        else:
            return connection


def visit(connection: socket.socket, line: bytes, way: str) -> str:
    """
    Come and go once.

    @return: what came of it.
    """
    if line:
        connection.sendall(line)
    answer = (
        b"" if way == "unread" or not line.endswith(b"\n") else connection.recv(600)
    )
    if way == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    elif way == "half-close":
        connection.shutdown(socket.SHUT_WR)
    elif way == "leave":
        connection.send(LEAVE)
    elif way == "type":
        connection.send(TYPES)
    if answer == b"OK\n" or b'"ok":true' in answer:
        return "seated"
    return "refused" if answer else "nothing"


def main(path: str, times: str, seed: str) -> None:
    """
    Come and go.
    """
    chance = random.Random(seed)
    found: Counter[str] = Counter()
    for n in range(1, int(times) + 1):
        with connect(path) as connection:
            try:
                found[visit(connection, *chance.choice(WAYS))] += 1
            except (BrokenPipeError, ConnectionResetError):
                # Somebody took the seat, or the server had heard enough.
                found["closed"] += 1
        if n % 500 == 0:
            print(n, flush=True)
    print(dict(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
