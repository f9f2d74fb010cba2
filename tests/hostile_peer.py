"""
Peers of console sockets that do what they are told, a line each, and say when they have
done it; for the rest they are as bad as they can be.

C{PATH send HEX}
    send bytes to the socket of that path
C{PATH until HEX}
    receive a byte at a time until these have come
C{PATH fill HEX}
    send bytes for as long as they are taken
C{all trickle}
    from now on read and send one byte now and then, whatever it be
C{all half-close}, C{all close}, C{all reset}
    go in this way
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import sys


def until(connection: socket.socket, data: bytes) -> None:
    """
    Receive up to these bytes and no further.
    """
    got = b""
    while not got.endswith(data):
        byte = connection.recv(1)
        if not byte:
            break
        got += byte


def fill(connection: socket.socket, data: bytes) -> None:
    """
    Send until nothing is taken for a while.
    """
    sent = 0
    while sent < len(data) and select.select([], [connection], [], 0.1)[1]:
        try:
            sent += connection.send(data[sent : sent + 4096], socket.MSG_DONTWAIT)
        except BlockingIOError:
            # The queue has room, but not for that much.
            break


def trickle(connections: list[socket.socket]) -> None:
    """
    Never again do anything at a reasonable speed.
    """
    for connection in connections:
        connection.setblocking(False)
    while True:
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.recv(1)
            with contextlib.suppress(OSError):
                connection.send(b" ")
        select.select([], [], [], 0.01)


def go(connection: socket.socket, way: str) -> None:
    """
    Leave.
    """
    if way == "half-close":
        connection.shutdown(socket.SHUT_WR)
        return
    if way == "reset":
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()


def do(connection: socket.socket, command: str, data: bytes) -> None:
    """
    What one of them is told.
    """
    if command == "send":
        connection.sendall(data)
    elif command == "until":
        until(connection, data)
    else:
        fill(connection, data)


def main() -> None:
    """
    Do what comes in.
    """
    connections: dict[str, socket.socket] = {}
    for line in sys.stdin:
        path, command, *argument = line.split()
        if path == "all":
            if command != "trickle":
                for connection in connections.values():
                    # The server may have been faster.
                    with contextlib.suppress(OSError):
                        go(connection, command)
        else:
            if path not in connections:
                connections[path] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                connections[path].connect(path)
            do(connections[path], command, bytes.fromhex("".join(argument)))
        print("done", flush=True)
        if command == "trickle":
            trickle(list(connections.values()))


if __name__ == "__main__":
    main()
