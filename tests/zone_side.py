"""
The zone's side of a console, as a process that does what it is told: one JSON list
a line comes in, a command and its arguments, and one JSON object goes out when it is
done.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import json
import os
import random
import select
import signal
import struct
import sys
import termios
import time
import tty
from typing import Any

BLOCK = 64 * 1024
TIOCSETD = 0x5423

fd = -1


def openConsole(path: str) -> None:
    """
    Open the console; it becomes nobody's controlling terminal.
    """
    global fd
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)


def close() -> None:
    """
    Close it.
    """
    global fd
    os.close(fd)
    fd = -1


def raw() -> None:
    """
    Every byte as it is, both ways.
    """
    tty.setraw(fd, termios.TCSANOW)


def prints(text: str) -> None:
    """
    Write a text.
    """
    writeAll(text.encode("latin-1"))


def receive(size: int) -> str:
    """
    Read exactly so much.
    """
    got = b""
    while len(got) < size:
        data = os.read(fd, size - len(got))
        if not data:
            raise OSError(errno.ENODATA, f"end after {len(got)} bytes")
        got += data
    return got.decode("latin-1")


def until(text: str) -> int:
    """
    Read up to a text, however much comes before it.

    @return: how much that was.
    """
    wanted = text.encode("latin-1")
    end = b""
    size = 0
    while wanted not in end:
        data = os.read(fd, 4096)
        size += len(data)
        end = end[-len(wanted) :] + data
    return size


def last(size: int, end: str) -> str:
    """
    Read until that is the end of it.

    @return: the checksum of so much before there, the end with it.
    """
    wanted = end.encode("latin-1")
    read = b""
    while not read.endswith(wanted):
        read += os.read(fd, BLOCK)
    return hashlib.sha256(read[-size:]).hexdigest()


def pending() -> int:
    """
    How much there is to be read.
    """
    size: int = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0]
    return size


def quiet(seconds: float) -> str:
    """
    Read until nothing has come for so long.
    """
    read = b""
    while select.select([fd], [], [], seconds)[0]:
        read += os.read(fd, BLOCK)
    return read.decode("latin-1")


def write(size: int, seed: int) -> int:
    """
    Write so many bytes of every value; see C{support.blocks}.
    """
    source = random.Random(seed)
    left = size
    while left > 0:
        writeAll(source.randbytes(min(left, BLOCK)))
        left -= BLOCK
    return size


def number(begin: int, size: int) -> int:
    """
    Write numbered text from one place on; see C{support.numbered}.
    """
    for at in range(begin, begin + size, BLOCK):
        end = min(at + BLOCK, begin + size)
        writeAll(b"".join(b"%015d\n" % (here,) for here in range(at, end, 16)))
    return size


def sink(size: int, chunk: int, wait: float) -> list[Any]:
    """
    Read so many bytes, slowly.

    @return: how many, and their checksum.
    """
    checksum = hashlib.sha256()
    left = size
    while left > 0:
        data = os.read(fd, min(left, chunk))
        if not data:
            break
        checksum.update(data)
        left -= len(data)
        if wait:
            time.sleep(wait)
    return [size - left, checksum.hexdigest()]


def echo(size: int) -> int:
    """
    Send back so many bytes.
    """
    left = size
    while left > 0:
        data = os.read(fd, left)
        if not data:
            break
        writeAll(data)
        left -= len(data)
    return size - left


def lead() -> None:
    """
    Become a session leader with the console as controlling terminal.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if os.getsid(0) != os.getpid():
        os.setsid()
    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)


def hangUp() -> None:
    """
    Hang up our controlling terminal for everybody who has it open.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if library.vhangup() != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def exclusive(on: bool) -> None:
    """
    Keep others out, or no longer.
    """
    fcntl.ioctl(fd, termios.TIOCEXCL if on else termios.TIOCNXCL)


def discipline(number: int) -> None:
    """
    Set the line discipline.
    """
    fcntl.ioctl(fd, TIOCSETD, struct.pack("i", number))


def flow(action: str) -> None:
    """
    Stop the output or let it go on, C{TCOOFF} or C{TCOON}; or the input.
    """
    termios.tcflow(fd, getattr(termios, action))


def stopped() -> bool:
    """
    Does the console take no output?
    """
    return not select.select([], [fd], [], 0)[1]


def empty() -> int:
    """
    Write nothing.
    """
    return os.write(fd, b"")


def flush() -> None:
    """
    Forget what has been typed and not read.
    """
    termios.tcflush(fd, termios.TCIFLUSH)


def target(path: str) -> list[Any]:
    """
    Where a link points to, and whether that is what we have open.
    """
    return [os.readlink(path), os.path.samestat(os.stat(path), os.fstat(fd))]


def writeAll(data: bytes) -> None:
    """
    Write all of it.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


COMMANDS = {
    "close": close,
    "discipline": discipline,
    "echo": echo,
    "empty": empty,
    "exclusive": exclusive,
    "flow": flow,
    "flush": flush,
    "hangup": hangUp,
    "last": last,
    "lead": lead,
    "number": number,
    "open": openConsole,
    "pending": pending,
    "print": prints,
    "quiet": quiet,
    "raw": raw,
    "receive": receive,
    "sink": sink,
    "stopped": stopped,
    "target": target,
    "until": until,
    "write": write,
}


def main() -> None:
    """
    Do what comes in.
    """
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        answer: dict[str, Any]
        try:
            answer = {"result": COMMANDS[name](*arguments)}
        except termios.error as e:
            answer = {"errno": e.args[0], "what": f"{name}: {e.args[1]}"}
        except OSError as e:
            answer = {"errno": e.errno or 0, "what": f"{name}: {e.strerror}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
