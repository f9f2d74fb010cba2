# -*- test-case-name: zcons_twisted.test.test_oci_shim -*-
"""
What a container's shim does with processes: it is the parent of those that have lost
theirs, and ends as one of them has ended.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal

__all__ = ["adoptOrphans", "endAs", "endOrphans"]

_PR_SET_CHILD_SUBREAPER = 36


def adoptOrphans() -> None:
    """
    Be the parent of all processes below us whose parents go.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def endOrphans() -> None:
    """
    Processes of a container that has no process namespace of its own come to us when
    their parents have gone.
    """
    while True:
        try:
            with open(f"/proc/self/task/{os.getpid()}/children") as file:
                for pid in file.read().split():
                    os.kill(int(pid), signal.SIGKILL)
        except OSError:
            # The kernel does not tell, or it has just ended.
            pass
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def endAs(status: int) -> None:
    """
    End as another process has ended.
    """
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))
