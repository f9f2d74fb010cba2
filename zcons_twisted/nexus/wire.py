# -*- test-case-name: zcons_twisted.test.test_nexus_wire -*-
"""
AMP's wire format, as L{twisted.protocols.amp} has it, for a process that does not
import Twisted: that would be 30 MiB for a program of a few hundred lines.

A box is a row of keys and values, each after its length in two bytes, and ends with two
zero bytes.  Descriptors travel beside them, by C{SCM_RIGHTS}; a value names one by its
number, counted from 0 in each direction of a connection.
"""

from __future__ import annotations

import array
import os
import select
import socket
import struct
from collections import deque

__all__ = [
    "DESCRIPTORS_MAX",
    "PENDING_MAX",
    "VALUE_MAX",
    "Box",
    "Connection",
    "Malformed",
    "decode",
    "encode",
]

#: Most bytes of a value.
VALUE_MAX = 0xFFFF
#: Most bytes of a box that is not complete yet, and of answers that are not taken: who
#: goes beyond them is left.
PENDING_MAX = 1024 * 1024
#: Most descriptors that have come and that no box has named yet, for the same reason:
#: Twisted sends those of all boxes that wait ahead of the boxes.  A server of ours has
#: no more requests of that kind under way than
#: L{CARRYING_MAX<zcons_twisted.nexus.client.CARRYING_MAX>}.
DESCRIPTORS_MAX = 64

_KEY_MAX = 255
_READ = 64 * 1024

Box = dict[str, bytes]


class Malformed(Exception):
    """
    What came is no box.
    """


def encode(box: Box) -> bytes:
    """
    A box as it is sent.
    """
    parts = []
    for key, value in box.items():
        if len(value) > VALUE_MAX:
            raise ValueError(f"{key}: {len(value)} bytes are too many")
        for part in (key.encode(), value):
            parts += [struct.pack("!H", len(part)), part]
    return b"".join(parts) + b"\0\0"


def decode(data: bytearray) -> Box | None:
    """
    Take a box from the beginning of what has come, or L{None} while it isn't whole.

    @raise Malformed: it can't become one.
    """
    box: Box = {}
    at = 0
    while True:
        words = []
        for most in (_KEY_MAX, VALUE_MAX):
            if len(data) < at + 2:
                return None
            length = data[at] << 8 | data[at + 1]
            at += 2
            if length > most:
                raise Malformed(f"a key of {length} bytes")
            if most == _KEY_MAX and length == 0:
                del data[:at]
                return box
            if len(data) < at + length:
                return None
            words.append(bytes(data[at : at + length]))
            at += length
        try:
            box[words[0].decode()] = words[1]
        except UnicodeDecodeError:
            raise Malformed("a key that is no text") from None


class Connection:
    """
    One connection to the nexus.

    @ivar uid: the peer's user, from the kernel.
    @ivar pid: its process.
    """

    def __init__(self, connected: socket.socket) -> None:
        """
        @param connected: not blocking; closed by us.
        """
        self._socket = connected
        raw = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.pid, self.uid, _gid = struct.unpack("iII", raw)
        self._data = bytearray()
        self._received: dict[int, int] = {}
        self._counted = 0
        self._sent = 0
        self._giving: list[int] = []
        self._queue: deque[tuple[bytes, list[int]]] = deque()
        self._queued = 0

    def fileno(self) -> int:
        """
        Its descriptor.
        """
        return self._socket.fileno()

    def receive(self) -> list[Box] | None:
        """
        Read once.

        @return: the boxes that are whole now, or L{None} at the end.
        @raise Malformed: nonsense came, or too much of it.
        """
        room = socket.CMSG_LEN(DESCRIPTORS_MAX * 4)
        try:
            data, ancillary, flags, _address = self._socket.recvmsg(
                _READ, room, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return []
        except OSError:
            return None
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                numbers = array.array("i")
                numbers.frombytes(content[: len(content) // 4 * 4])
                for fd in numbers:
                    self._received[self._counted] = fd
                    self._counted += 1
        if len(self._received) > DESCRIPTORS_MAX or flags & socket.MSG_CTRUNC:
            raise Malformed(f"more than {DESCRIPTORS_MAX} descriptors ahead of a box")
        if not data:
            return None
        self._data += data
        boxes = []
        while (box := decode(self._data)) is not None:
            boxes.append(box)
        if len(self._data) > PENDING_MAX:
            raise Malformed(f"more than {PENDING_MAX} bytes of a box without end")
        return boxes

    def descriptor(self, value: bytes) -> int:
        """
        The descriptor that a value names; it is the caller's from now on.

        @raise KeyError: there is none of that number.
        """
        return self._received.pop(int(value))

    def give(self, fd: int) -> bytes:
        """
        Send a descriptor ahead of the next box.

        @return: the value that names it.
        """
        # It goes with the first byte of that box; a descriptor of our own, so that its
        # owner may close his.
        self._giving.append(os.dup(fd))
        number, self._sent = self._sent, self._sent + 1
        return b"%d" % (number,)

    def send(self, box: Box) -> None:
        """
        Send a box, as soon as that is possible.
        """
        data = encode(box)
        self._queue.append((data, self._giving))
        self._giving = []
        self._queued += len(data)

    def flush(self) -> bool:
        """
        Send what can be sent now.

        @return: whether that is all; if not, there is more when it is writable.
        @raise Malformed: the peer takes nothing, and there is too much for it.
        @raise OSError: it has gone.
        """
        while self._queue:
            data, fds = self._queue[0]
            beside = []
            if fds:
                beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
            try:
                count = self._socket.sendmsg([data], beside)
            except BlockingIOError:
                if self._queued > PENDING_MAX:
                    raise Malformed("it takes no answers") from None
                return False
            for fd in fds:
                os.close(fd)
            self._queued -= count
            if count == len(data):
                self._queue.popleft()
            else:
                self._queue[0] = (data[count:], [])
        return True

    def alive(self) -> bool:
        """
        Is there still somebody at the other end?
        """
        poll = select.poll()
        poll.register(self._socket, 0)
        return not poll.poll(0)

    def close(self) -> None:
        """
        Let go of it, and of what came and was not asked for.
        """
        self._socket.close()
        waiting = [fd for _data, fds in self._queue for fd in fds]
        for fd in (*self._received.values(), *waiting):
            os.close(fd)
        self._received.clear()
        self._queue.clear()
