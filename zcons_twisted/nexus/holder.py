# -*- test-case-name: zcons_twisted.test.test_nexus_holder -*-
"""
The nexus' program, run as C{python -IS FILE --rundir DIR}.

It is to hold, and to cost next to nothing: it imports the standard library alone, few
modules of it, and has one loop, no timer and no log.  What goes wrong is told to the
server that asked.

It is there for those of one user, on a socket in the run directory, and goes when it
holds nothing and nobody is connected.  No server's death, no terminal's hang-up and no
signal to a server's process group touches it.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # The package as it is, without its own __init__, which loads Twisted.
    __package__ = "nexus"
    sys.modules[__package__] = type(sys)(__package__)
    sys.modules[__package__].__path__ = [os.path.dirname(os.path.abspath(__file__))]

import errno
import json
import re
import resource
import select
from collections.abc import Callable, Sequence
from typing import Any

from .children import Child, Children
from .door import Door
from .instances import Held, Instances
from .notify import STATE_NAME, Notifier, inherited, parseName, storeName
from .servers import Servers
from .wire import Box, Connection

__all__ = ["NOTE_MAX", "PATIENCE", "VERSION", "Holder", "main"]

#: Of the commands.
VERSION = 1
#: Seconds that the first server is waited for.
PATIENCE = 60.0
#: Most bytes that are remembered for a zone.
NOTE_MAX = 4096

_ZONE = re.compile(r"[a-zA-Z0-9][-_.a-zA-Z0-9]{0,62}")


class Holder:
    """
    The nexus.
    """

    def __init__(
        self,
        door: Door,
        notifier: Notifier,
        descriptors: tuple[int, int],
        stay: bool = False,
    ) -> None:
        """
        @param door: where servers connect.
        @param notifier: keeps descriptors over our own restart, perhaps.
        @param descriptors: the limits of how many the zones' processes may have.
        @param stay: also when there is nothing to hold.
        """
        self._door = door
        self._notifier = notifier
        self._stay = stay
        self._epoll = select.epoll()
        self._epoll.register(door.fileno(), select.EPOLLIN)
        self._notes: dict[str, str] = {}
        self._instances = Instances(self._epoll)
        self._servers = Servers(self._epoll, self._do, self._instances.left)
        self._children = Children(self._epoll, self._told, descriptors)

    def restore(self, found: Sequence[tuple[str, int]]) -> None:
        """
        Hold again what was kept for us.

        @param found: descriptors and their names.
        """
        for name, fd in found:
            instance = parseName(name)
            if name == STATE_NAME:
                known = self._notifier.restore(fd)
                self._notes = dict(known.get("notes", {}))
                for zone, facts in known.get("children", {}).items():
                    self._children.adopt(zone, facts)
            elif instance is None:
                os.close(fd)
            else:
                self._instances.adopt(instance[1], fd, instance[0])

    def run(self) -> None:
        """
        Serve until there is nothing to hold any more and nobody is there.
        """
        wanted = self.turn(PATIENCE)
        while wanted:
            wanted = self.turn(self._instances.wait)

    def turn(self, wait: float) -> bool:
        """
        Wait for something to happen, and see to it.

        @param wait: for so many seconds at most, or for ever where it is -1.
        @return: whether we are wanted any more.
        """
        events = self._epoll.poll(wait)
        self._instances.mend()
        for fd, what in events:
            if fd == self._door.fileno():
                self._welcome()
            elif not self._servers.ready(fd, what):
                self._children.ready(fd) or self._instances.hungUp(fd)
        return bool(self._servers) or self._needed()

    def _needed(self) -> bool:
        return self._stay or bool(len(self._instances)) or self._children.running()

    def _welcome(self) -> bool:
        """
        @return: whether anybody has connected.
        """
        connected = self._door.accept()
        if connected is not None:
            self._servers.welcome(connected)
        return connected is not None

    # What servers ask for.

    def _do(self, server: Connection, box: Box) -> None:
        command = box.pop("_command").decode()
        ask = box.pop("_ask", None)
        try:
            do: Callable[[Connection, Box], Box] | None
            do = _COMMANDS.get(command, Holder._unknown).__get__(self)
            answer = do(server, box)
        except OSError as e:
            answer = {
                "_error": ask or b"",
                "_error_code": b"OS",
                "_error_description": f"{e.errno} {e.strerror}".encode(),
            }
        else:
            answer = {"_answer": ask or b"", **answer}
        if ask is not None:
            server.send(answer)

    def _unknown(self, server: Connection, box: Box) -> Box:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    def _hello(self, server: Connection, box: Box) -> Box:
        return {
            "version": b"%d" % VERSION,
            "pid": b"%d" % os.getpid(),
            "managed": b"True" if self._notifier.isThere else b"False",
        }

    def _leaving(self, server: Connection, box: Box) -> Box:
        """
        A server goes in good order: what is to be removed with us is removed before it
        is answered.
        """
        self._instances.left(server)
        if len(self._servers) == 1 and not self._needed():
            self._door.remove()
        return {}

    def _mend(self, server: Connection, box: Box) -> Box:
        while self._welcome():
            # Whoever waits came by the socket that is left.
            pass
        mended = self._door.mend()
        if mended:
            self._epoll.register(self._door.fileno(), select.EPOLLIN)
        return {"mended": b"True" if mended else b"False"}

    def _count(self, server: Connection, box: Box) -> Box:
        zone = _zone(box)
        count = b"%d" % len(self._instances.of(zone))
        return {"count": count, "process": self._children.told(zone)}

    def _create(self, server: Connection, box: Box) -> Box:
        return self._made(self._instances.create(_zone(box)))

    def _adopt(self, server: Connection, box: Box) -> Box:
        master = server.descriptor(box["master"])
        try:
            zone = _zone(box)
        except OSError:
            os.close(master)
            raise
        held = self._instances.adopt(zone, master)
        held.owner = server
        if box.get("process"):
            child = self._children.adopt(zone, facts := json.loads(box["process"]))
            if not facts["began"]:
                self._told(child, "Began")
            if child.facts["ended"] and not child.facts["reaped"]:
                self._told(child, "Ended")
        return self._made(held)

    def _made(self, held: Held) -> Box:
        self._notifier.keep(storeName(held.number, held.pair.zone), held.pair.master)
        self._note()
        return {"instance": b"%d" % held.number}

    def _claim(self, server: Connection, box: Box) -> Box:
        zone = _zone(box)
        found = self._instances.of(zone)
        if not found:
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        held = found[0]
        if not held.isFor(server):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        held.owner = server
        answer = {
            "instance": b"%d" % held.number,
            "master": server.give(held.pair.master),
            "process": self._children.told(zone),
            "note": self._notes.get(zone, "").encode(),
        }
        if held.typed != -1:
            # For this server alone: it has it from now on.
            answer["typed"] = server.give(held.typed)
            os.close(held.typed)
            held.typed = -1
        return answer

    def _release(self, server: Connection, box: Box) -> Box:
        typed = server.descriptor(box["typed"]) if "typed" in box else -1
        try:
            for held in self._instances.of(_zone(box)):
                if held.owner is server:
                    held.owner = None
                    held.typed, typed = typed, -1
        finally:
            if typed != -1:
                os.close(typed)
        return {}

    def _remove(self, server: Connection, box: Box) -> Box:
        zone = _zone(box)
        found = list(self._instances.of(zone))
        ours = [held for held in found if held.isFor(server)]
        for held in ours:
            self._notifier.drop(storeName(held.number, zone))
            self._instances.remove(held)
        if len(ours) == len(found):
            self._notes.pop(zone, None)
            self._children.forget(zone)
        self._note()
        return {"removed": b"%d" % len(ours), "found": b"%d" % len(found)}

    def _spawn(self, server: Connection, box: Box) -> Box:
        with open(server.descriptor(box["spec"]), "rb") as file:
            said = os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)
        spec = json.loads(said)
        zone = _zone(box)
        child = self._children.get(zone)
        if child is not None and not child.facts["ended"]:
            raise OSError(errno.EEXIST, "a process of the zone runs")
        self._children.reap(zone)
        terminal = -1
        if spec["terminal"]:
            if not self._instances.of(zone):
                raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
            terminal = self._instances.of(zone)[0].openSubsidiary()
        try:
            child = self._children.spawn(zone, spec, terminal)
        finally:
            if terminal != -1:
                os.close(terminal)
        self._note()
        process = json.dumps(child.facts).encode()
        return {"pid": b"%d" % child.facts["pid"], "process": process}

    def _reap(self, server: Connection, box: Box) -> Box:
        self._children.reap(_zone(box))
        self._note()
        return {}

    def _remember(self, server: Connection, box: Box) -> Box:
        zone = _zone(box)
        if len(box["text"]) > NOTE_MAX:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        self._notes[zone] = box["text"].decode()
        self._note()
        return {}

    # What happens by itself.

    def _told(self, child: Child, what: str) -> None:
        """
        Tell who has the zone of its process.
        """
        self._note()
        facts = child.facts
        box: Box = {"_command": what.encode(), "zone": child.zone.encode()}
        box["pid"] = b"%d" % facts["pid"]
        if what == "Began":
            box["why"] = facts["why"].encode()
        else:
            for word in ("code", "signal"):
                if word in facts:
                    box[word] = b"%d" % facts[word]
        for held in self._instances.of(child.zone):
            if held.owner is not None:
                self._servers.tell(held.owner, box)

    def _note(self) -> None:
        self._notifier.state(
            {
                "notes": self._notes,
                "children": {c.zone: c.facts for c in self._children.all()},
            }
        )


_COMMANDS: dict[str, Any] = {
    "Hello": Holder._hello,
    "Leave": Holder._leaving,
    "Mend": Holder._mend,
    "Count": Holder._count,
    "Create": Holder._create,
    "Adopt": Holder._adopt,
    "Claim": Holder._claim,
    "Release": Holder._release,
    "Remove": Holder._remove,
    "Spawn": Holder._spawn,
    "Reap": Holder._reap,
    "Remember": Holder._remember,
}


def _zone(box: Box) -> str:
    zone = box["zone"].decode()
    if not _ZONE.fullmatch(zone):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return zone


# The beginning.


def _detach() -> None:
    """
    Go on in a session of our own.  Who started us has waited for this.
    """
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    if null > 2:
        os.close(null)


def main(words: Sequence[str]) -> None:
    """
    C{--rundir DIR [--foreground] [--stay]}.
    """
    rundir = os.path.abspath(words[words.index("--rundir") + 1])
    found = inherited(os.environ, os.getpid())
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    try:
        door = Door.open(rundir)
    except OSError as e:
        sys.exit(f"nexus: {rundir}: {e.strerror}")
    if door is None:
        if "--foreground" in words:
            sys.exit(f"nexus: {rundir}: another one is there")
        return
    notify = None
    if "--foreground" in words:
        notify = os.environ.get("NOTIFY_SOCKET")
    else:
        _detach()
    notifier = Notifier(notify)
    holder = Holder(door, notifier, limits, "--stay" in words)
    holder.restore(found)
    notifier.ready()
    holder.run()
    door.remove()


if __name__ == "__main__":
    main(sys.argv[1:])
