"""
What runs in the child before a zone's command: it makes itself a session leader with
the console as its controlling terminal, in a decent state, and becomes the command.

The server runs this file with C{python -IS FILE COMMAND ...}; it imports nothing of
the package, so that a zone starts in milliseconds.  Standard input, output and error
are the subsidiary.  Descriptor 3 closes when the command has begun; if it can't
begin, the reason comes through it first.
"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import sys
import termios

STATUS_FD = 3

#: The variable with the limit of open files that a zone's command gets.
SOFT_LIMIT = "ZCONS_SOFT_NOFILE"

# What Python's termios does not name.
_IUTF8 = 0x4000
_TIOCSETD = 0x5423
_N_TTY = b"\0\0\0\0"


def takeTerminal() -> None:
    """
    Become the leader of a new session whose controlling terminal is standard input.

    The last life may have left anything behind: a foreign line discipline, exclusive
    use, stopped output, no echo.  What was typed meanwhile is kept.
    """
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    fcntl.ioctl(0, _TIOCSETD, _N_TTY)
    fcntl.ioctl(0, termios.TIOCNXCL)
    termios.tcflow(0, termios.TCOON)
    attributes = termios.tcgetattr(0)
    attributes[0] = termios.BRKINT | termios.ICRNL | termios.IXON | _IUTF8
    attributes[1] = termios.OPOST | termios.ONLCR
    attributes[2] = termios.CS8 | termios.CREAD
    attributes[3] = (
        termios.ISIG
        | termios.ICANON
        | termios.IEXTEN
        | termios.ECHO
        | termios.ECHOE
        | termios.ECHOK
        | termios.ECHOCTL
        | termios.ECHOKE
    )
    termios.tcsetattr(0, termios.TCSANOW, attributes)


def lowerLimit() -> None:
    """
    Have as many open files as the server had before it allowed itself more: programs
    that wait by C{select} go wrong with more than 1024.
    """
    soft = os.environ.pop(SOFT_LIMIT, "")
    if soft.isdecimal():
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(soft), hard))


def main(command: list[str]) -> None:
    """
    Become C{command}.
    """
    try:
        lowerLimit()
        takeTerminal()
    except (OSError, ValueError, termios.error) as e:
        os.write(STATUS_FD, f"console terminal: {e.args[-1]}".encode())
        os._exit(127)
    try:
        fcntl.fcntl(STATUS_FD, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        # Python ignores these, and what is ignored stays so over an exec.
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)
    except OSError as e:
        os.write(STATUS_FD, f"{command[0]}: {e.strerror}".encode("utf-8", "replace"))
    os._exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])
