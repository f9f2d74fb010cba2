# -*- test-case-name: zcons_twisted.test.test_oci_shim -*-
"""
The program beside each container, run as C{python -IS FILE life|ready|clean SPEC}: to
the server it is the zone's process.

Where the nexus runs it, it outlives the server.  It has the runtime create and start
the container, waits for the end of the container's first process, whose parent it is
(C{PR_SET_CHILD_SUBREAPER}), has what is left removed, and ends as that process has
ended: with its exit status, or by the same signal.

C{life} has the container begin at once, C{ready} when SIGUSR1 comes.  SIGTERM has it
told to stop, each time, SIGQUIT has it killed.  Standard input, output and error are
the zone's subsidiary.  Descriptor 3 closes when the container runs; if
that can't be, the reason comes through it first.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # The package as it is, without its parent's __init__.
    __package__ = "oci"
    sys.modules[__package__] = type(sys)(__package__)
    sys.modules[__package__].__path__ = [os.path.dirname(os.path.abspath(__file__))]

import json
import select
import signal
import socket
from typing import Any

from .config import CONFIG_NAME, BadBundle, derive, readConfig, stopSignal
from .processes import adoptOrphans, endAs, endOrphans
from .runtime import Runtime, RuntimeFailed
from .telling import Refusal, tell
from .terminal import BadTerminal, receiveManager

__all__ = [
    "CONSOLE_SOCKET",
    "LIFE_PREFIX",
    "RETRY_SECONDS",
    "STATUS_FD",
    "Shim",
    "main",
]

STATUS_FD = 3

#: What the name of a life's own directory begins with.
LIFE_PREFIX = "life-"
#: Seconds between two tries to hand the console's manager to a server.
RETRY_SECONDS = 0.2

#: Of the socket that a runtime sends its terminal to: shorter than any socket of the
#: zone's, so that it fits into an address.
CONSOLE_SOCKET = "c"


class Stopped(Exception):
    """
    The server wants no container any more.
    """


class BootFailed(Exception):
    """
    The container can't be had; the message says why.
    """


class Shim:
    """
    One life of a container.
    """

    def __init__(self, spec: dict[str, Any], held: bool = False) -> None:
        """
        @param spec: C{home}, the zone's own directory; C{container}, its ID; C{bundle};
            C{runtime}, its words; C{console}, C{own} or C{runtime}.
        @param held: the container is made, and begins when that is wanted.
        """
        self._home: str = spec["home"]
        self._container: str = spec["container"]
        self._bundle: str = spec["bundle"]
        self._own = spec["console"] == "own"
        self._consoleSocket = os.path.join(self._home, CONSOLE_SOCKET)
        self._life = os.path.join(self._home, LIFE_PREFIX + os.urandom(4).hex())
        self._runtime = Runtime(
            spec["runtime"], self._container, os.path.join(self._life, "log")
        )
        self._stop = "TERM"
        self._stopping = self._killing = False
        # How often it is to be told to stop.
        self._stops = 0
        self._held = held
        self._woken, wakes = socket.socketpair()
        for end in (self._woken, wakes):
            end.setblocking(False)
        self._wakes = wakes

    # Signals.

    def listen(self) -> None:
        """
        Take note of signals from now on.  What is started gets them as they are by
        default.
        """
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGQUIT):
            signal.signal(number, self._signalled)
        signal.signal(signal.SIGUSR1, self._let)
        for number in (signal.SIGHUP, signal.SIGINT):
            # Not from us: they would tell of a reboot, or of a power-off.
            signal.signal(number, lambda number, frame: None)

    def _signalled(self, number: int, frame: object) -> None:
        self._stopping = True
        self._stops += number == signal.SIGTERM
        self._killing = self._killing or number == signal.SIGQUIT

    def _let(self, number: int, frame: object) -> None:
        self._held = False

    def _sleep(self, *fds: int, seconds: float | None = None) -> bool:
        """
        Wait for a descriptor, a signal or the time.

        @return: whether it was a descriptor.
        """
        poll = select.poll()
        for fd in (self._woken.fileno(), *fds):
            poll.register(fd, select.POLLIN)
        ready = [fd for fd, _ in poll.poll(seconds and seconds * 1000)]
        if self._woken.fileno() in ready:
            self._woken.recv(4096)
        return any(fd in ready for fd in fds)

    # A life.

    def clean(self) -> None:
        """
        Remove what a shim that was killed has left.

        @raise BootFailed: there is a container of this ID that is not ours.
        """
        os.mkdir(self._life, 0o700)
        try:
            found = self._runtime.owner()
            if found is not None:
                self._remove(*found)
        except RuntimeFailed as e:
            raise BootFailed(str(e)) from None
        finally:
            for name in os.listdir(self._home):
                if name.startswith(LIFE_PREFIX):
                    _removeLife(os.path.join(self._home, name))
            _unlink(self._consoleSocket)

    def _remove(self, owner: str, status: str) -> None:
        name = os.path.basename(self._container)
        if owner != self._home:
            raise BootFailed(
                f"there is a container '{name}' ({status}) that is not this zone's:"
                " choose another ID with --id, or remove that one"
            )
        self._runtime.delete(force=True)
        text = f"container '{name}' ({status}) was left by an earlier life: removed"
        self.tell({"told": text})

    def boot(self) -> int:
        """
        Make the container, and have it begin.

        @return: its first process.
        @raise BootFailed: it can't be had.
        @raise Stopped: nobody wants it any more.
        """
        self.clean()
        os.mkdir(self._life, 0o700)
        try:
            return self._boot()
        except (BadBundle, BadTerminal, BootFailed, Refusal, RuntimeFailed) as e:
            self._end()
            raise BootFailed(str(e)) from None
        except (OSError, ValueError) as e:
            self._end()
            raise BootFailed(getattr(e, "strerror", None) or str(e)) from None
        except Stopped:
            self._end()
            raise

    def _boot(self) -> int:
        config = readConfig(self._bundle)
        self._stop = stopSignal(config)
        names = ("ZONENAME", "ZONE_BOOT_ARGS")
        told = {name: os.environ[name] for name in names if name in os.environ}
        subsidiary = _terminal() if self._own else ""
        life = derive(config, self._bundle, self._home, told, subsidiary)
        path = os.path.join(self._life, CONFIG_NAME)
        with open(path, "x", encoding="ascii") as file:
            json.dump(life, file)
        pidFile = os.path.join(self._life, "pid")
        if not self._own:
            self._createWithTerminal(pidFile)
        else:
            self._runtime.create(self._life, pidFile)
            if self._held:
                self._tellSurely({"created": self._container})
            else:
                self.tell({"created": self._container})
        with open(pidFile, encoding="ascii") as file:
            init = int(file.read())
        self._waitFor(init)
        if self._stopping:
            raise Stopped
        self._runtime.start()
        return init

    def _waitFor(self, init: int) -> None:
        """
        Wait until the container is to begin, or ends before that.
        """
        pidfd = os.pidfd_open(init)
        try:
            while self._held and not self._stopping:
                if self._sleep(pidfd):
                    raise BootFailed("the container has ended before it was started")
        finally:
            os.close(pidfd)

    def _createWithTerminal(self, pidFile: str) -> None:
        """
        The runtime makes the terminal.  The container begins when its manager is where
        it outlives us: a zone must not lose its console.
        """
        path = self._consoleSocket
        with socket.socket(socket.AF_UNIX) as listener:
            try:
                listener.bind(path)
                os.chmod(path, 0o600)
                listener.listen(1)
                self._runtime.create(self._life, pidFile, path)
            finally:
                _unlink(path)
            manager = receiveManager(listener)
        try:
            self._tellSurely({"created": self._container}, manager)
        finally:
            os.close(manager)

    def _tellSurely(self, said: dict[str, Any], fd: int = -1) -> None:
        """
        Tell the server, when there is one.

        @raise Refusal: it won't have it.
        @raise Stopped: nobody wants to wait for that.
        """
        while not tell(self._home, said, fd):
            if not self._stopping:
                self._sleep(seconds=RETRY_SECONDS)
            if self._stopping:
                raise Stopped

    def run(self, init: int) -> int:
        """
        Wait for the container's end.

        @return: the first process' status, as C{waitpid} has it.
        """
        status = self._wait(init)
        self._end()
        return status

    def _wait(self, init: int) -> int:
        pidfd = os.pidfd_open(init)
        killed = False
        while True:
            if self._killing and not killed:
                killed = self._send("KILL")
            elif self._stops:
                self._stops = 0
                self._send(self._stop)
            if self._sleep(pidfd):
                break
        os.close(pidfd)
        return os.waitpid(init, 0)[1]

    def _send(self, name: str) -> bool:
        try:
            self._runtime.kill(name)
        except RuntimeFailed as e:
            # It has ended, as a rule; if not, it is killed soon.
            self.tell({"told": str(e)})
        return True

    def _end(self) -> None:
        """
        Nothing of the container is left after this.
        """
        endOrphans()
        if self._runtime.state() is not None:
            try:
                self._runtime.delete()
            except RuntimeFailed:
                try:
                    self._runtime.delete(force=True)
                except RuntimeFailed as e:
                    self.tell({"told": f"what is left can't be removed: {e}"})
                    # Found by the next life.
                    return
        _removeLife(self._life)

    def tell(self, said: dict[str, Any]) -> None:
        """
        Tell the server, if there is one now.
        """
        try:
            tell(self._home, said)
        except Refusal:
            # It has heard it, and no more is wanted.
            pass


def _terminal() -> str:
    """
    The path of the zone's subsidiary.
    """
    try:
        return os.ttyname(0)
    except OSError:
        raise BadTerminal(
            "the console is still one that a runtime has made: halt the zone and stop"
            " its server in good order before --console is changed"
        ) from None


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        # As a rule it is not there.
        pass


def _removeLife(path: str) -> None:
    try:
        for name in os.listdir(path):
            os.unlink(os.path.join(path, name))
        os.rmdir(path)
    except OSError:
        # It is tried again by the next life.
        pass


def _fail(why: str) -> None:
    os.write(STATUS_FD, why.encode("utf-8", "backslashreplace"))
    os._exit(127)


def main(words: list[str]) -> None:
    """
    C{life SPEC}, C{ready SPEC} or C{clean SPEC}, where C{SPEC} is a JSON object: see
    L{Shim}.
    """
    parent = os.getppid()
    shim = Shim(json.loads(words[1]), held=words[0] == "ready")
    if words[0] == "clean":
        try:
            shim.clean()
        except BootFailed as e:
            sys.exit(str(e))
        return
    os.set_inheritable(STATUS_FD, False)
    try:
        os.setsid()
    except PermissionError:
        # We lead a group of processes already.
        pass
    adoptOrphans()
    shim.listen()
    try:
        init = shim.boot()
    except Stopped:
        os._exit(0)
    except BootFailed as e:
        _fail(str(e))
    os.close(STATUS_FD)
    status = shim.run(init)
    if os.getppid() != parent:
        # Whoever is there in its place can't know how we end.
        shim.tell({"ended": status, "pid": os.getpid()})
    endAs(status)


if __name__ == "__main__":
    main(sys.argv[1:])
