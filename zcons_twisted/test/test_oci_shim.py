# -*- test-case-name: zcons_twisted.test.test_oci_shim -*-
"""
Tests for L{zcons_twisted.oci.shim}.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

from ..oci import shim
from ..oci.shim import CONSOLE_SOCKET, LIFE_PREFIX
from .shim_case import ShimTestCase


class ShimTests(ShimTestCase):
    """
    A shim has a container run, and ends as it ends.
    """

    # Ends.

    def test_ends(self) -> None:
        """
        It ends as the container's first process ends, by the same status or signal.
        """
        for script, expected in (
            ("exit 0", 0),
            ("exit 7", 7),
            ("exit 129", 129),
            ("kill -1 $$", -1),
            ("kill -9 $$", -9),
            ("kill -11 $$", -11),
        ):
            self.file("script", script)
            self.assertEqual(self.lives(), ("", expected))
            self.assertNothingLeft()
            os.unlink(os.path.join(self.home, "started"))

    def test_orphans(self) -> None:
        """
        Processes that the container has left are ended with it.
        """
        self.file("script", "sleep 1000 & echo $! >$BOX/orphan")
        self.assertEqual(self.lives(), ("", 0))
        self.assertRaises(ProcessLookupError, os.kill, int(self.read("orphan")), 0)

    def test_told(self) -> None:
        """
        The server is told when the container is there.
        """
        self.listen([b"ok\n"])
        self.assertEqual(self.lives(), ("", 0))
        self.assertEqual(self.heard, [{"created": "box"}])
        said = self.read("said").splitlines()
        self.assertEqual(
            [line.split()[0] for line in said],
            [
                *("state", "create", "start", "state", "delete"),
            ],
        )

    def test_config(self) -> None:
        """
        The container has our pty as its console, and is told its zone's name.
        """
        self.lives()
        life = json.loads(self.read("config"))
        self.assertEqual(life["mounts"][0]["source"], self.pair.subsidiary)
        self.assertEqual(life["process"]["env"], ["ZONENAME=z"])
        self.assertEqual(life["annotations"], {"zcons_twisted.owner": self.home})

    def test_stops(self) -> None:
        """
        SIGTERM has it told to stop, by the signal that it wants, and SIGQUIT killed;
        SIGHUP and SIGINT are nobody's business.
        """
        bundle = {
            "process": {},
            "root": {"path": "r"},
            "annotations": {"org.opencontainers.image.stopSignal": "USR2"},
        }
        self.file("bundle/config.json", json.dumps(bundle))
        self.file("script", "while :; do sleep 0.01; done")
        process, reading = self.start()
        self.assertEqual(os.read(reading, 1), b"")
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
        while "told" not in self.read("said"):
            self.assertIsNone(process.poll())
        # Whoever has not gone is told again.
        process.send_signal(signal.SIGTERM)
        while self.read("said").count("told") < 2:
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGQUIT)
        self.assertEqual(process.wait(60), -signal.SIGKILL)
        self.assertNothingLeft()

    # What goes wrong.

    def test_failures(self) -> None:
        """
        What fails is told by descriptor 3 with the runtime's message, and nothing is
        left.
        """
        for command in ("create", "start"):
            self.file(f"fail-{command}")
            for console in ("own", "runtime") if command == "create" else ("own",):
                self.assertEqual(self.lives(console), ("run: it fails", 127))
                self.assertNothingLeft()
            os.unlink(os.path.join(self.home, f"fail-{command}"))
        os.unlink(os.path.join(self.bundle, "config.json"))
        why, status = self.lives()
        self.assertIn("config.json: No such file", why)
        self.assertEqual(status, 127)
        self.assertNothingLeft()

    def test_noDelete(self) -> None:
        """
        A container that can't be removed is told of, and left for the next life.
        """
        self.listen([b"ok\n"] * 4)
        self.file("fail-delete")
        self.assertEqual(self.lives(), ("", 0))
        told = "what is left can't be removed: run: it fails"
        self.assertEqual(self.heard[1:], [{"told": told}])
        os.unlink(os.path.join(self.home, "fail-delete"))
        os.unlink(os.path.join(self.home, "started"))
        self.assertEqual(self.lives(), ("", 0))
        self.assertNothingLeft()

    def test_foreign(self) -> None:
        """
        A container of that ID that is another's is left alone.
        """
        self.file("state", '{"status": "running"}')
        why, status = self.lives()
        self.assertEqual(
            why,
            "there is a container 'box' (running) that is not this zone's: choose"
            " another ID with --id, or remove that one",
        )
        self.assertEqual(status, 127)
        self.assertEqual(self.read("said"), "state box\n")

    def stale(self) -> None:
        """
        A shim was killed.
        """
        owner = json.dumps({"zcons_twisted.owner": self.home})
        self.file("state", f'{{"status": "running", "annotations": {owner}}}')
        os.mkdir(os.path.join(self.home, f"{LIFE_PREFIX}old"))
        self.file(f"{LIFE_PREFIX}old/pid", "1")
        self.file(CONSOLE_SOCKET)

    def test_stale(self) -> None:
        """
        One that an earlier life has left is removed, which is told.
        """
        self.stale()
        self.listen([b"ok\n", b"ok\n"])
        self.assertEqual(self.lives(), ("", 0))
        told = "container 'box' (running) was left by an earlier life: removed"
        self.assertEqual(self.heard[0], {"told": told})
        self.assertIn("delete --force box", self.read("said"))
        self.assertNothingLeft()

    def test_clean(self) -> None:
        """
        So it is by itself, for a zone that is to be down.
        """
        words = [sys.executable, "-IS", shim.__file__, "clean", self.spec("own")]
        environment = {"PATH": os.environ["PATH"], "BOX": self.home}
        self.stale()
        done = subprocess.run(words, env=environment, capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertNothingLeft()
        self.stale()
        self.file("fail-delete")
        done = subprocess.run(words, env=environment, capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (1, b"run: it fails\n"))

    # The runtime's terminal.

    def sends(self, words: str) -> None:
        """
        What the runtime sends to the console socket.
        """
        code = f"import os, socket, sys; s = socket.socket(socket.AF_UNIX); {words}"
        self.file("sends", f"#!/bin/sh\nexec {sys.executable} -IS -c '{code}' $1\n")
        os.chmod(os.path.join(self.home, "sends"), 0o755)

    def test_terminal(self) -> None:
        """
        The manager goes to the server, before the container begins, as often as it
        takes.
        """
        self.sends(
            "m, z = os.openpty(); s.connect(sys.argv[1]);"
            ' socket.send_fds(s, [b"x"], [m])'
        )
        self.patch(shim, "RETRY_SECONDS", 0.01)
        self.listen([b"", b"ok\n"])
        self.assertEqual(self.lives("runtime"), ("", 0))
        first, second = self.heard
        self.assertEqual(first, second)
        self.assertEqual(first["created"], "box")
        self.assertEqual(len(first["terminals"]), 1)
        self.assertNotIn("mounts", json.loads(self.read("config"))["process"])
        self.assertNothingLeft()

    def test_terminalRefused(self) -> None:
        """
        A server that won't have it has the container given up.
        """
        self.sends(
            "m, z = os.openpty(); s.connect(sys.argv[1]);"
            ' socket.send_fds(s, [b"x"], [m])'
        )
        self.listen([b"no room\n"])
        self.assertEqual(self.lives("runtime"), ("no room", 127))
        self.assertNothingLeft()

    def test_noTerminal(self) -> None:
        """
        So does a runtime that sends something else.
        """
        self.sends('s.connect(sys.argv[1]); socket.send_fds(s, [b"x"], [0])')
        why, status = self.lives("runtime")
        self.assertEqual(why, "the runtime has sent a descriptor that is no terminal")
        self.assertEqual(status, 127)
        self.assertNothingLeft()

    def test_stoppedBefore(self) -> None:
        """
        A life that nobody wants any more before it begins does not begin.
        """
        self.sends(
            "m, z = os.openpty(); s.connect(sys.argv[1]);"
            ' socket.send_fds(s, [b"x"], [m])'
        )
        process, reading = self.start("runtime")
        while not os.path.exists(os.path.join(self.home, "state")):
            self.assertIsNone(process.poll())
        process.terminate()
        self.assertEqual((os.read(reading, 1), process.wait(60)), (b"", 0))
        self.assertNotIn("start", self.read("said"))
        self.assertNothingLeft()
