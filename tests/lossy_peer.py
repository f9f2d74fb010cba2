"""
A server of illumos' protocol that loses output: one byte of every fiftieth read.

    lossy_peer.py SOCKET FILE

The name of the zone's terminal is written to the file.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import tty


def serve(manager: int, door: socket.socket) -> None:
    """
    One session after another.
    """
    reads = 0
    while True:
        session, _ = door.accept()
        with session:
            session.recv(1024)
            session.sendall(b"OK\n")
            while True:
                ready, _, _ = select.select([manager, session], [], [])
                if session in ready:
                    typed = session.recv(4096)
                    if not typed:
                        break
                    os.write(manager, typed)
                if manager in ready:
                    reads += 1
                    said = os.read(manager, 4096)
                    session.sendall(said[:-1] if reads % 50 == 0 else said)


def main() -> None:
    """
    Be a server.
    """
    address, file = sys.argv[1:]
    manager, subsidiary = os.openpty()
    tty.setraw(subsidiary)
    door = socket.socket(socket.AF_UNIX)
    door.bind(address)
    door.listen()
    with open(f"{file}.new", "w") as names:
        names.write(os.ttyname(subsidiary))
    os.rename(f"{file}.new", file)
    serve(manager, door)


main()
