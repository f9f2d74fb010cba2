# -*- test-case-name: zcons_twisted.test.test_nexus_holder -*-
"""
The processes that run as zones, as children of the nexus: started, waited for, and
their ends kept until a server has taken note of them.

A child that has ended is not reaped before that, so that its number, which is its
session's as well, can't become somebody else's meanwhile.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from typing import Any

__all__ = ["STATUS_FD", "STATUS_MAX", "Child", "Children"]

#: By this descriptor a child tells why it can't begin; it closes when it has begun.
STATUS_FD = 3
#: Most bytes of that text.
STATUS_MAX = 4096


class Child:
    """
    One process.

    @ivar zone: whose it is.
    @ivar facts: what servers are told of it: C{pid}; C{born}, when the kernel says that
        it began, so that no other process of that number is taken for it; C{arguments},
        those that it was booted with; C{started}, in seconds since the epoch;
        C{began}; C{why} it could not; C{ended}; C{code} or C{signal}, where that is
        known; C{reaped}.
    """

    def __init__(self, zone: str, facts: dict[str, Any]) -> None:
        self.zone = zone
        self.facts = facts
        self.pidfd = -1
        self.status = -1
        self.ours = True
        self.text = b""


class Children:
    """
    All of them, one a zone at most.
    """

    def __init__(
        self,
        epoll: select.epoll,
        tell: Callable[[Child, str], None],
        descriptors: tuple[int, int],
    ) -> None:
        """
        @param epoll: tells of descriptors for which L{ready} is to be called.
        @param tell: is told that a child C{Began} or C{Ended}.
        @param descriptors: how many a child may have: the limits.
        """
        self._epoll = epoll
        self._tell = tell
        self._descriptors = descriptors
        self._children: dict[str, Child] = {}
        self._waits: dict[int, Callable[[], None]] = {}

    def get(self, zone: str) -> Child | None:
        """
        That of a zone.
        """
        return self._children.get(zone)

    def told(self, zone: str) -> bytes:
        """
        What is known of a zone's, as it is told: nothing where none was started.
        """
        child = self._children.get(zone)
        return json.dumps(child.facts).encode() if child else b""

    def all(self) -> list[Child]:
        """
        All of them.
        """
        return list(self._children.values())

    def running(self) -> bool:
        """
        Does any run, or is not reaped?
        """
        return any(not child.facts["reaped"] for child in self._children.values())

    def spawn(self, zone: str, spec: dict[str, Any], terminal: int) -> Child:
        """
        Start one.

        @param spec: C{command}, C{environment}, C{cwd}, C{arguments}.
        @param terminal: its standard input, output and error, or -1 for none.
        @raise OSError: it can't be started.
        """
        reading, writing = os.pipe()
        try:
            pid = os.fork()
        except OSError:
            os.close(reading)
            os.close(writing)
            raise
        if pid == 0:
            self._become(spec, terminal, writing)
        os.close(writing)
        os.set_blocking(reading, False)
        child = self._child(zone, pid, str(spec["arguments"]), time.time())
        child.status = reading
        self._wait(reading, lambda: self._said(child))
        self._watch(child)
        return child

    def adopt(self, zone: str, facts: dict[str, Any]) -> Child:
        """
        Know one that another nexus started; how it ends can't be known if it is not
        our child.  What it said of its beginning nobody has heard who is still there:
        it has begun, as far as anybody can tell.
        """
        child = self._child(zone, 0, "", 0.0)
        child.facts.update(facts)
        child.facts["began"] = True
        child.ours = False
        if not child.facts["reaped"]:
            self._watch(child)
        return child

    def reap(self, zone: str) -> None:
        """
        A server has taken note of the end.
        """
        child = self._children.get(zone)
        if child is not None and child.facts["ended"]:
            child.facts["reaped"] = True
            if child.ours:
                child.ours = False
                os.waitpid(child.facts["pid"], 0)

    def forget(self, zone: str) -> None:
        """
        The zone is no more; what still runs of it is known on.
        """
        self.reap(zone)
        child = self._children.get(zone)
        if child is not None and child.facts["reaped"]:
            del self._children[zone]

    def ready(self, fd: int) -> bool:
        """
        A descriptor has something to tell.

        @return: whether it is one of ours.
        """
        do = self._waits.get(fd)
        if do is not None:
            do()
        return do is not None

    def _child(self, zone: str, pid: int, arguments: str, started: float) -> Child:
        child = Child(
            zone,
            {
                "pid": pid,
                "arguments": arguments,
                "started": started,
                "began": False,
                "why": "",
                "ended": False,
                "reaped": False,
            },
        )
        self._children[zone] = child
        return child

    def _wait(self, fd: int, do: Callable[[], None]) -> None:
        self._waits[fd] = do
        self._epoll.register(fd, select.EPOLLIN)

    def _waitNoMore(self, fd: int) -> None:
        del self._waits[fd]
        self._epoll.unregister(fd)
        os.close(fd)

    def _watch(self, child: Child) -> None:
        try:
            child.pidfd = os.pidfd_open(child.facts["pid"])
        except OSError:
            # It is gone, and not a child of ours.
            child.facts["ended"] = True
            return
        born = _born(child.facts["pid"])
        if child.facts.setdefault("born", born) != born:
            os.close(child.pidfd)
            child.pidfd = -1
            child.facts["ended"] = True
            return
        self._wait(child.pidfd, lambda: self._ended(child))

    def _said(self, child: Child) -> None:
        text = b"?"
        while text:
            try:
                text = os.read(child.status, STATUS_MAX)
            except BlockingIOError:
                return
            child.text = (child.text + text)[:STATUS_MAX]
        self._waitNoMore(child.status)
        child.status = -1
        child.facts["began"] = True
        child.facts["why"] = child.text.decode("utf-8", "replace")
        self._tell(child, "Began")

    def _ended(self, child: Child) -> None:
        if child.status != -1:
            # What it said comes first; what it left behind may have the other end.
            self._said(child)
        if child.status != -1:
            self._waitNoMore(child.status)
            child.status = -1
        self._waitNoMore(child.pidfd)
        child.pidfd = -1
        child.facts["ended"] = True
        if child.ours:
            options = os.WEXITED | os.WNOWAIT
            how = os.waitid(os.P_PID, child.facts["pid"], options)
            if how is not None:
                word = "code" if how.si_code == os.CLD_EXITED else "signal"
                child.facts[word] = how.si_status
        self._tell(child, "Ended")

    def _become(self, spec: dict[str, Any], terminal: int, status: int) -> None:
        """
        In the child: become the command.
        """
        command = spec["command"]
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, self._descriptors)
            # Python ignores these, and what is ignored stays so over an exec.
            for number in (signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            if terminal != -1:
                for fd in range(3):
                    os.dup2(terminal, fd)
            if status != STATUS_FD:
                status = os.dup2(status, STATUS_FD)
            os.set_inheritable(STATUS_FD, True)
            if spec["cwd"]:
                os.chdir(spec["cwd"])
            os.execvpe(command[0], command, spec["environment"])
        except BaseException as e:
            why = getattr(e, "strerror", None) or str(e)
            os.write(status, f"{command[0]}: {why}".encode("utf-8", "replace"))
        finally:
            os._exit(127)


def _born(pid: int) -> int:
    """
    When a process began, in the kernel's own count, or -1 where it is gone.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may have spaces and parentheses in it.
            return int(file.read().rpartition(b")")[2].split()[19])
    except OSError:
        return -1
