# -*- test-case-name: zcons_twisted.test.test_nexus_holder -*-
"""
Tests for L{zcons_twisted.nexus.holder}: what servers may have of a nexus.
"""

from __future__ import annotations

import errno
import io
import json
import os
import socket
import stat
import sys

from twisted.trial.unittest import SynchronousTestCase

from ..nexus.door import SOCKET_NAME, Door
from ..nexus.holder import NOTE_MAX, PATIENCE, Holder
from ..nexus.instances import REHOLD_SECONDS
from ..nexus.memory_file import contentOf, memoryFile
from ..nexus.notify import Notifier
from ..nexus.wire import Box, Connection
from .support import descriptorsInUse, shortDirectory


class Server:
    """
    A server that asks.
    """

    def __init__(self, holder: Holder, path: str) -> None:
        self._holder = holder
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(path)
        connected.setblocking(False)
        self.link = Connection(connected)
        self.told: list[Box] = []
        holder.turn(0)

    def ask(self, command: str, zone: str = "z", **arguments: str) -> Box:
        """
        Ask, and be answered.
        """
        box = {key: value.encode() for key, value in arguments.items()}
        box |= {"_ask": b"7", "_command": command.encode(), "zone": zone.encode()}
        self.link.send(box)
        self.link.flush()
        self._holder.turn(0)
        found = self.link.receive() or []
        self.told += [box for box in found if "_command" in box]
        (answer,) = (box for box in found if "_command" not in box)
        assert b"7" in (answer.get("_answer"), answer.get("_error"))
        return answer

    def error(self, command: str, zone: str = "z", **arguments: str) -> int:
        """
        Ask for what can't be done.

        @return: the number of the error.
        """
        answer = self.ask(command, zone, **arguments)
        return int(answer["_error_description"].split()[0])

    def claim(self, zone: str = "z") -> int:
        """
        Have a zone's manager, closed by the caller.
        """
        return self.link.descriptor(self.ask("Claim", zone)["master"])


class HolderTestCase(SynchronousTestCase):
    """
    A nexus in this process.
    """

    def setUp(self) -> None:
        """
        Nobody is connected yet.
        """
        self.rundir = shortDirectory(self)
        self.path = os.path.join(self.rundir, SOCKET_NAME)
        door = Door.open(self.rundir)
        assert door is not None
        self.door = door
        self.holder = Holder(door, Notifier(None), (64, 64))

    def server(self) -> Server:
        """
        A server that is connected.
        """
        made = Server(self.holder, self.path)
        self.addCleanup(made.link.close)
        return made


class DoorTests(HolderTestCase):
    """
    There is one nexus a directory, for one user.
    """

    def test_mode(self) -> None:
        """
        Its socket is for its user alone.
        """
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)

    def test_one(self) -> None:
        """
        A second one finds the first; what a dead one left is replaced.
        """
        self.assertIsNone(Door.open(self.rundir))
        self.door._listening.close()
        os.symlink(SOCKET_NAME, self.path + ".link")
        os.rename(self.path, self.path + ".old")
        os.rename(self.path + ".link", self.path)
        again = Door.open(self.rundir)
        assert again is not None
        # Not ours any more.
        self.door.remove()
        self.assertTrue(os.path.exists(self.path))
        again.remove()
        again.remove()
        self.assertFalse(os.path.exists(self.path))
        again._listening.close()

    def test_mend(self) -> None:
        """
        Where somebody has removed its socket it makes that again when it is asked to,
        and who waited to be let in then is.
        """
        first = self.server()
        self.assertEqual(first.ask("Mend")["mended"], b"False")
        waiting = socket.socket(socket.AF_UNIX)
        self.addCleanup(waiting.close)
        waiting.connect(self.path)
        waiting.setblocking(False)
        os.unlink(self.path)
        self.assertEqual(first.ask("Mend")["mended"], b"True")
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        self.assertFalse(os.get_inheritable(self.door.fileno()))
        self.assertRaises(BlockingIOError, waiting.recv, 1)
        self.assertEqual(self.server().ask("Count")["count"], b"0")
        self.assertEqual(first.ask("Count")["count"], b"0")
        self.assertEqual(first.ask("Mend")["mended"], b"False")
        self.door.remove()
        self.assertFalse(os.path.exists(self.path))

    def test_mendAnother(self) -> None:
        """
        But not where another one has begun meanwhile, or the directory is gone.
        """
        server = self.server()
        os.unlink(self.path)
        lexists = os.path.lexists
        self.patch(os.path, "lexists", lambda path: False)
        other = Door.open(self.rundir)
        assert other is not None
        self.addCleanup(other._listening.close)
        self.assertEqual(server.error("Mend"), errno.EADDRINUSE)
        self.patch(os.path, "lexists", lexists)
        other.remove()
        os.rename(self.rundir, self.rundir + ".old")
        self.assertEqual(server.error("Mend"), errno.ENOENT)
        os.rename(self.rundir + ".old", self.rundir)
        self.assertEqual(server.ask("Mend")["mended"], b"True")

    def test_foreigner(self) -> None:
        """
        Another user is not let in.
        """
        self.patch(os, "geteuid", lambda: 12345)
        stranger = socket.socket(socket.AF_UNIX)
        self.addCleanup(stranger.close)
        stranger.connect(self.path)
        self.holder.turn(0)
        self.assertEqual(stranger.recv(1), b"")

    def test_patience(self) -> None:
        """
        It waits a minute for its first server, and then goes.
        """
        waits: list[float] = []

        def turn(wait: float) -> bool:
            waits.append(wait)
            return False

        self.patch(self.holder, "turn", turn)
        self.holder.run()
        self.assertEqual(waits, [60])

    def test_goes(self) -> None:
        """
        It goes when it holds nothing and nobody is there, and waits a minute for the
        first; who leaves in good order finds its socket gone.
        """
        self.assertEqual(PATIENCE, 60)
        self.assertFalse(self.holder.turn(0))
        server, other = self.server(), self.server()
        self.assertTrue(self.holder.turn(0))
        server.ask("Leave")
        self.assertTrue(os.path.exists(self.path))
        server.link.close()
        self.assertTrue(self.holder.turn(0))
        other.ask("Leave")
        self.assertFalse(os.path.exists(self.path))
        other.link.close()
        self.assertFalse(self.holder.turn(0))

    def test_stays(self) -> None:
        """
        It stays for what it holds.
        """
        server = self.server()
        server.ask("Create")
        server.ask("Leave")
        server.link.close()
        self.assertTrue(self.holder.turn(0))
        self.assertTrue(os.path.exists(self.path))

    def test_nonsense(self) -> None:
        """
        Who sends nonsense is left, and nothing happens to anybody else.
        """
        server = self.server()
        self.assertEqual(server.error("Unknown"), errno.ENOSYS)
        self.assertEqual(server.error("Create", zone="../z"), errno.EINVAL)
        bad = self.server()
        bad.link.send({"_ask": b"1", "_command": b"Adopt", "zone": b"z"})
        bad.link.flush()
        said = io.StringIO()
        self.patch(sys, "stderr", said)
        self.holder.turn(0)
        self.assertEqual(
            bad.link.receive(),
            [{"_command": b"Dropped", "why": b"KeyError('master')"}],
        )
        self.assertEqual(
            said.getvalue(),
            f"nexus: process {os.getpid()} is left: KeyError('master')\n",
        )
        self.assertIsNone(bad.link.receive())
        self.assertIn("_answer", server.ask("Hello"))

    def test_nobodyListens(self) -> None:
        """
        One that has gone meanwhile is left without that.
        """
        server, bad = self.server(), self.server()
        bad.link.send({"_ask": b"1", "_command": b"Adopt", "zone": b"z"})
        bad.link.flush()
        bad.link.close()
        self.patch(sys, "stderr", io.StringIO())
        self.holder.turn(0)
        self.assertIn("_answer", server.ask("Hello"))
        self.assertEqual(len(self.holder._servers), 1)


class InstanceTests(HolderTestCase):
    """
    Pairs are held by zone.
    """

    def test_create(self) -> None:
        """
        Each instance has a number of its own, and a zone may have several.
        """
        server = self.server()
        for number, zone in enumerate(("z", "y", "z")):
            answer = server.ask("Create", zone)
            self.assertEqual(answer["instance"], b"%d" % number)
        self.assertEqual(server.ask("Count")["count"], b"2")
        self.assertEqual(server.ask("Count", "x")["count"], b"0")
        answer = server.ask("Remove")
        self.assertEqual((answer["removed"], answer["found"]), (b"2", b"2"))
        self.assertEqual(server.ask("Count")["count"], b"0")

    def test_countTells(self) -> None:
        """
        Who counts is told of the zone's process as well, and has claimed nothing.
        """
        server, client = self.server(), self.server()
        server.ask("Create")
        self.assertEqual(client.ask("Count")["process"], b"")
        self.holder._children._child("z", 7, "-s", 5.0)
        told = json.loads(client.ask("Count")["process"])
        self.assertEqual((told["pid"], told["ended"]), (7, False))
        os.close(server.claim())

    def test_claim(self) -> None:
        """
        A manager is one server's alone, until that one gives it back or goes.
        """
        first, second = self.server(), self.server()
        self.assertEqual(first.error("Claim"), errno.ENXIO)
        first.ask("Create")
        master = first.claim()
        self.assertTrue(os.isatty(master))
        self.assertFalse(os.get_blocking(master))
        os.close(master)
        self.assertEqual(second.error("Claim"), errno.EBUSY)
        answer = second.ask("Remove")
        self.assertEqual((answer["removed"], answer["found"]), (b"0", b"1"))
        first.ask("Release")
        os.close(second.claim())
        self.assertEqual(first.error("Claim"), errno.EBUSY)
        second.link.close()
        # Nobody has heard of that yet.
        os.close(first.claim())

    def claimed(self, server: Server) -> Box:
        """
        The answer to a server that claims the zone, without the manager.
        """
        answer = server.ask("Claim")
        os.close(server.link.descriptor(answer["master"]))
        return answer

    def test_typed(self) -> None:
        """
        What was typed and waited when a server left is for who claims the manager
        first, and for nobody when that is removed.
        """
        server = self.server()
        server.ask("Create")
        self.assertNotIn("typed", self.claimed(server))
        for then in ("Claim", "Remove"):
            with memoryFile(b"waits") as fd:
                server.ask("Release", typed=server.link.give(fd).decode())
            if then == "Claim":
                number = self.claimed(server)["typed"]
                self.assertEqual(contentOf(server.link.descriptor(number)), b"waits")
                self.assertNotIn("typed", self.claimed(server))
        before = descriptorsInUse()
        server.ask("Remove")
        # Manager, subsidiary and that file.
        self.assertEqual(len(os.listdir("/proc/self/fd")), len(before) - 3)
        server.ask("Create")
        self.assertNotIn("typed", self.claimed(server))

    def test_typedOfAnother(self) -> None:
        """
        Who has it not can leave nothing with it.
        """
        first, second = self.server(), self.server()
        first.ask("Create")
        os.close(first.claim())
        before = descriptorsInUse()
        with memoryFile(b"waits") as fd:
            second.ask("Release", typed=second.link.give(fd).decode())
        self.assertEqual(len(os.listdir("/proc/self/fd")), len(before))
        first.ask("Release")
        self.assertNotIn("typed", self.claimed(second))

    def test_held(self) -> None:
        """
        A zone's last close hangs nothing up, whether there is a server or not.
        """
        server = self.server()
        server.ask("Create")
        master = server.claim()
        self.addCleanup(os.close, master)
        server.link.close()
        self.holder.turn(0)
        (held,) = self.holder._instances
        os.close(held.openSubsidiary())
        self.assertRaises(BlockingIOError, os.read, master, 1)

    def test_hungUp(self) -> None:
        """
        A hold that a zone has killed is replaced a little later.
        """
        self.server().ask("Create")
        (held,) = self.holder._instances
        dead = held.hold
        self.assertTrue(self.holder._instances.hungUp(dead))
        self.assertEqual(self.holder._instances.wait, REHOLD_SECONDS)
        self.holder.turn(0)
        self.assertNotEqual(held.hold, dead)
        self.assertEqual(self.holder._instances.wait, -1)

    def test_adopt(self) -> None:
        """
        A manager from elsewhere is held as one of its own; what is none is refused.
        """
        server = self.server()
        server.ask("Create", "y")
        elsewhere = server.claim("y")
        server.ask("Adopt", master=server.link.give(elsewhere).decode())
        name = os.ttyname(self.holder._instances.of("z")[0].hold)
        self.assertEqual(name, os.ttyname(self.holder._instances.of("y")[0].hold))
        os.close(elsewhere)
        other = self.server()
        self.assertEqual(other.error("Claim"), errno.EBUSY)
        null = os.open(os.devnull, os.O_RDWR)
        number = server.error("Adopt", "x", master=server.link.give(null).decode())
        self.assertEqual(number, errno.ENOTTY)
        os.close(null)

    def test_adoptedProcess(self) -> None:
        """
        With a manager comes what is known of the zone's process; one of whose beginning
        nobody has heard has begun.
        """
        server = self.server()
        server.ask("Create", "y")
        elsewhere = server.claim("y")
        self.addCleanup(os.close, elsewhere)
        facts = {"pid": 2**22 + 1, "why": "", "began": False, "ended": False}
        server.ask(
            "Adopt",
            master=server.link.give(elsewhere).decode(),
            process=json.dumps({**facts, "reaped": False}),
        )
        told = [box["_command"] for box in server.told]
        self.assertEqual(told, [b"Began", b"Ended"])

    def test_refusedDescriptors(self) -> None:
        """
        What comes with something that can't be done is not kept.
        """
        server = self.server()
        server.ask("Create")
        before = len(descriptorsInUse())
        for _ in range(3):
            null = os.open(os.devnull, os.O_RDWR)
            self.assertEqual(
                server.error("Adopt", "/", master=server.link.give(null).decode()),
                errno.EINVAL,
            )
            os.close(null)
        self.holder._children.adopt("z", {"pid": os.getpid()})
        child = self.holder._children.get("z")
        assert child is not None
        self.addCleanup(os.close, child.pidfd)
        spec = os.memfd_create("spec")
        os.write(spec, b"{}")
        for _ in range(3):
            self.assertEqual(
                server.error("Spawn", spec=server.link.give(spec).decode()),
                errno.EEXIST,
            )
        os.close(spec)
        # There is one for the process.
        self.assertEqual(len(os.listdir("/proc/self/fd")), before + 1)

    def test_remember(self) -> None:
        """
        What one server has it remember the next one is told; it is forgotten with the
        instance.
        """
        first = self.server()
        first.ask("Create")
        first.ask("Remember", text="halt")
        self.assertEqual(first.error("Remember", text="x" * (NOTE_MAX + 1)), 90)
        self.assertNotIn("_error", first.ask("Remember", text="x" * NOTE_MAX))
        first.ask("Remember", text="halt")
        first.link.close()
        second = self.server()
        answer = second.ask("Claim")
        self.assertEqual((answer["note"], answer["process"]), (b"halt", b""))
        second.ask("Remove")
        second.ask("Create")
        self.assertEqual(second.ask("Claim")["note"], b"")

    def test_restored(self) -> None:
        """
        What a service manager has kept is held again, under its old number.
        """
        server = self.server()
        server.ask("Create")
        server.ask("Create")
        kept = [
            (
                f"zcons,instance={n},zonename=y,auto-assign-instance=1,"
                "ddi-no-autodetach=1",
                server.claim(),
            )
            for n in (7, 5)
        ]
        self.holder.restore([*kept, ("other", os.open(os.devnull, os.O_RDONLY))])
        self.assertEqual([h.number for h in self.holder._instances.of("y")], [7, 5])
        self.assertEqual(server.ask("Create")["instance"], b"8")
