# -*- test-case-name: zcons_twisted.test.test_pty -*-
"""
A pty pair, and what Linux has to be asked and told about it.
"""

from __future__ import annotations

import fcntl
import os
import struct
import termios

__all__ = [
    "TERMINAL_MAX",
    "PtyInstance",
    "allowOthers",
    "discardInput",
    "isRead",
    "setGoing",
    "takeUnread",
]

#: Most typed bytes that lie ready for the zone; what comes behind them is on its way.
TERMINAL_MAX = 4095

# Of typed input that is taken out of a pty; it has room for less.
_UNREAD_MAX = 64 * 1024

#: Lines and columns of a console that nobody has said otherwise of.
_WINDOW = struct.pack("4H", 24, 80, 0, 0)

_DISCARD_SIZE = 64 * 1024

# From Linux' asm-generic/ioctls.h; Python does not name them all.
_TIOCGPTN = 0x80045430
_TIOCSPTLCK = 0x40045431
_TIOCGPTPEER = 0x5441
_TIOCGSID = 0x5429
_TIOCGETD = 0x5424
_TIOCSETD = 0x5423


class PtyInstance:
    """
    One pty pair.

    @ivar zone: the zone's name.
    @ivar master: the manager's descriptor.
    @ivar subsidiary: the subsidiary's path in C{/dev/pts}; empty where it is in
        another one, that of a container for example.
    """

    __slots__ = ("master", "subsidiary", "zone")

    def __init__(self, zone: str, master: int | None = None) -> None:
        """
        @param master: the master of a pair that there is, which becomes ours; a new
            pair is made where it is L{None}.
        @raise OSError: there is no pair to be had, or the master is none; then it is
            still the caller's.
        """
        self.zone = zone
        if master is not None:
            self.subsidiary = f"/dev/pts/{_number(master)}"
            if not _isAt(self.subsidiary, master):
                self.subsidiary = ""
            os.set_blocking(master, False)
            self.master = master
            return
        flags = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
        self.master = os.open("/dev/ptmx", flags)
        try:
            fcntl.ioctl(self.master, _TIOCSPTLCK, struct.pack("i", 0))
            self.subsidiary = f"/dev/pts/{_number(self.master)}"
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, _WINDOW)
        except OSError:
            os.close(self.master)
            raise

    @property
    def properties(self) -> dict[str, str | int]:
        """
        What illumos gives a console device's node.
        """
        return {
            "zonename": self.zone,
            "auto-assign-instance": 1,
            "ddi-no-autodetach": 1,
        }

    def openSubsidiary(self) -> int:
        """
        A new descriptor of the subsidiary, by no path; closed by the caller.

        @raise OSError: it can't be opened.
        """
        flags = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC
        return fcntl.ioctl(self.master, _TIOCGPTPEER, flags)

    def copyWindow(self, other: PtyInstance) -> None:
        """
        Have the same number of lines and columns as another one.
        """
        try:
            size = fcntl.ioctl(other.master, termios.TIOCGWINSZ, b"\0" * 8)
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)
        except OSError:
            # A terminal without a size is one all the same.
            return

    def terminalSession(self) -> int:
        """
        The session whose controlling terminal the subsidiary is, or 0 where it is
        nobody's.
        """
        try:
            raw = fcntl.ioctl(self.master, _TIOCGSID, b"\0" * 4)
        except OSError:
            return 0
        session: int = struct.unpack("i", raw)[0]
        return max(session, 0)

    def close(self) -> None:
        """
        The pair is no more: whoever has the subsidiary is hung up.
        """
        os.close(self.master)


def _number(master: int) -> int:
    raw = fcntl.ioctl(master, _TIOCGPTN, b"\0" * 4)
    number: int = struct.unpack("I", raw)[0]
    return number


def _isAt(path: str, master: int) -> bool:
    """
    Is this where a master's subsidiary is?  Every instance of devpts begins to count
    anew.
    """
    try:
        peer = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        # It can't be opened now: the zone has claimed exclusive use, for example.
        return os.path.exists(path)
    try:
        return os.path.samestat(os.fstat(peer), os.stat(path))
    except OSError:
        return False
    finally:
        os.close(peer)


def takeUnread(subsidiary: int) -> bytes:
    """
    Take what was typed and nobody has read, whole lines or not.
    """
    taken = b""
    try:
        attributes = termios.tcgetattr(subsidiary)
        attributes[3] &= ~(termios.ICANON | termios.ECHO)
        attributes[6][termios.VMIN] = attributes[6][termios.VTIME] = 0
        termios.tcsetattr(subsidiary, termios.TCSANOW, attributes)
        while len(taken) < _UNREAD_MAX:
            more = os.read(subsidiary, _UNREAD_MAX - len(taken))
            if not more:
                break
            taken += more
    except (OSError, termios.error):
        # It is hung up: then there is nothing.
        pass
    return taken


def discardInput(master: int, subsidiary: int) -> int:
    """
    Drop what was typed and nobody has read: what lies in the terminal, lines that are
    not ended as well, and what is on its way there.

    @param subsidiary: not blocking.
    @return: how many bytes it was.
    @raise OSError: it is hung up; and so L{termios.error}.
    """
    before = termios.tcgetattr(subsidiary)
    raw = [*before]
    raw[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)
    raw[6] = [*before[6]]
    raw[6][termios.VMIN] = raw[6][termios.VTIME] = 0
    termios.tcsetattr(subsidiary, termios.TCSANOW, raw)
    discarded = 0
    try:
        # What the kernel holds back for want of room comes as this goes.
        while data := os.read(subsidiary, _DISCARD_SIZE):
            discarded += len(data)
    except BlockingIOError:
        pass
    finally:
        termios.tcflush(master, termios.TCOFLUSH)
        termios.tcflush(subsidiary, termios.TCIFLUSH)
        termios.tcsetattr(subsidiary, termios.TCSANOW, before)
    return discarded


def isRead(subsidiary: int) -> bool:
    """
    Has the zone read all that is ready for it?  So nothing is on its way, either,
    unless it is stuck there; see L{setGoing}.
    """
    try:
        raw = fcntl.ioctl(subsidiary, termios.FIONREAD, b"\0" * 4)
    except OSError:
        # It is hung up.
        return False
    return not struct.unpack("i", raw)[0]


def setGoing(subsidiary: int) -> None:
    """
    Have the kernel go on with what was on its way to a zone that has hung up its
    terminal: it may forget to, until somebody writes.  That the line discipline
    is set reminds it, also where it stays the same.

    Whoever waits in a read just now is told to try again, and a program may not know
    what to make of that; so it is for when there may be something on its way.
    """
    try:
        discipline = fcntl.ioctl(subsidiary, _TIOCGETD, b"\0" * 4)
        fcntl.ioctl(subsidiary, _TIOCSETD, discipline)
    except OSError:
        # It is hung up once more, and this comes again.
        return


def allowOthers(subsidiary: int) -> None:
    """
    Undo a zone's claim to exclusive use, which whoever has the terminal open may.

    @raise OSError: it is hung up.
    """
    fcntl.ioctl(subsidiary, termios.TIOCNXCL)
