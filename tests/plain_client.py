"""
A console client in its plainest form: it sends its first line, shows what comes, and
does what it is told by lines on its standard input.

C{type TEXT}
    send a text
C{fill SIZE SEED}
    send bytes of every value until the socket takes no more or so many are sent,
    and tell how many that were
C{stop}
    look at the connection no more
"""

from __future__ import annotations

import os
import random
import select
import socket
import sys


def fill(connection: socket.socket, size: int, seed: int) -> int:
    """
    Send without waiting for long.

    @return: how many bytes were taken.
    """
    data = random.Random(seed).randbytes(size)
    sent = 0
    while sent < size:
        if not select.select([], [connection], [], 1.0)[1]:
            break
        sent += connection.send(data[sent : sent + 4096], socket.MSG_DONTWAIT)
    return sent


def main(path: str, line: str) -> None:
    """
    Be a client until standard input ends.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)
    connection.sendall(line.encode("latin-1"))
    watched: list[object] = [0, connection]
    while True:
        for source in select.select(watched, [], [])[0]:
            if source is connection:
                data = connection.recv(65536)
                os.write(1, data)
                if not data:
                    return
                continue
            # One command comes at a time.
            words = os.read(0, 65536).decode("latin-1").rstrip("\n")
            command, _, rest = words.partition(" ")
            if command == "type":
                connection.sendall(rest.encode("latin-1"))
            elif command == "fill":
                print(f"sent {fill(connection, *map(int, rest.split()))}", flush=True)
            elif command == "stop":
                watched.remove(connection)
                print("stopped", flush=True)
            else:
                return


if __name__ == "__main__":
    main(*sys.argv[1:])
