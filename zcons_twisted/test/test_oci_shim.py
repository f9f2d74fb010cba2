# -*- test-case-name: zcons_twisted.test.test_oci_shim -*-
"""
Tests for L{zcons_twisted.oci.shim}, which is run as the program that it is, with a
runtime that is a few lines of shell and has no containers.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from ..nexus.pair import PtyInstance
from ..oci import shim, telling
from ..oci.shim import CONSOLE_SOCKET, LIFE_PREFIX
from .oci_case import shortDirectory

#: Keeps a container's state in files, and its process in the background.  What the
#: process does is in C{$BOX/script}; what fails, in C{$BOX/fail-COMMAND}.
RUNTIME = r"""#!/bin/sh
while [ "$1" != --log ]; do shift; done
log=$2; command=$5; shift 5
echo "$command $*" >>$BOX/said
if [ -e $BOX/fail-$command ]; then
    echo '{"level":"error","msg":"it fails"}' >$log
    exit 1
fi
case $command in
create)
    [ -z "$6" ] || $BOX/sends "$6"
    cp "$2/config.json" $BOX/config
    sh -c 'trap "echo told >>$BOX/said" USR2
        while ! [ -e $BOX/started ]; do sleep 0.01; done; . $BOX/script' 3>&- &
    echo $! >"$4"
    echo '{"status":"created","annotations":{"zcons_twisted.owner":"'$BOX'"}}' \
        >$BOX/state;;
start) touch $BOX/started;;
kill) kill -$2 $(cat $BOX/life-*/pid);;
state) cat $BOX/state;;
delete) rm $BOX/state;;
esac
"""


#: Has descriptor 3 be the one by which a shim tells.
LAUNCH = (
    "import os, sys; n = int(sys.argv[1]);"
    " n == 3 or (os.dup2(n, 3), os.close(n)); os.set_inheritable(3, True);"
    " os.execv(sys.argv[2], sys.argv[2:])"
)


class ShimTests(SynchronousTestCase):
    """
    A shim has a container run, and ends as it ends.
    """

    def setUp(self) -> None:
        """
        A zone's own directory, a bundle and a runtime.
        """
        self.home = shortDirectory(self)
        self.bundle = os.path.join(self.home, "bundle")
        os.makedirs(self.bundle)
        self.file("bundle/config.json", '{"process": {}, "root": {"path": "r"}}')
        self.file("run", RUNTIME)
        self.file("script", "exit 0")
        os.chmod(os.path.join(self.home, "run"), 0o755)
        self.pair = PtyInstance("z")
        self.addCleanup(self.pair.close)
        self.addCleanup(os.close, self.pair.openSubsidiary())
        self.heard: list[dict[str, Any]] = []

    def file(self, name: str, text: str = "") -> None:
        """
        Write a file.
        """
        with open(os.path.join(self.home, name), "w") as file:
            file.write(text)

    def read(self, name: str) -> str:
        """
        Read one.
        """
        with open(os.path.join(self.home, name)) as file:
            return file.read()

    def spec(self, console: str) -> str:
        """
        What a shim is told.
        """
        return json.dumps(
            {
                "home": self.home,
                "container": "box",
                "bundle": self.bundle,
                "runtime": [os.path.join(self.home, "run")],
                "console": console,
            }
        )

    def start(self, console: str = "own") -> tuple[subprocess.Popen[bytes], int]:
        """
        Start a life.

        @return: the shim, and where it says why it can't begin.
        """
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        program = [sys.executable, "-IS"]
        subsidiary = self.pair.openSubsidiary()
        process = subprocess.Popen(
            [
                *(*program, "-c", LAUNCH, str(writing)),
                *(*program, shim.__file__, "life", self.spec(console)),
            ],
            stdin=subsidiary,
            stdout=subsidiary,
            stderr=subsidiary,
            pass_fds=[writing],
            env={"PATH": os.environ["PATH"], "BOX": self.home, "ZONENAME": "z"},
        )
        os.close(writing)
        os.close(subsidiary)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, reading

    def lives(self, console: str = "own") -> tuple[str, int]:
        """
        A whole life.

        @return: why it could not begin, and the status at its end.
        """
        process, reading = self.start(console)
        why = os.read(reading, 4096).decode()
        return why, process.wait(60)

    def listen(self, answers: list[bytes]) -> None:
        """
        Be the server, for so many connections.
        """
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(os.path.join(self.home, telling.SOCKET_NAME))
        listener.listen(4)

        def serve() -> None:
            for answer in answers:
                peer, _address = listener.accept()
                with peer:
                    data, fds, _flags, _from = socket.recv_fds(peer, 4096, 4)
                    said = json.loads(data)
                    if fds:
                        said["terminals"] = [os.ttyname(_peer(fd)) for fd in fds]
                    self.heard.append(said)
                    if answer:
                        peer.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        self.addCleanup(thread.join)

    def assertNothingLeft(self) -> None:
        """
        Neither container nor a life's directory nor a console socket is there.
        """
        there = os.listdir(self.home)
        left = [n for n in there if n.startswith(LIFE_PREFIX) or n == CONSOLE_SOCKET]
        self.assertEqual(left, [])
        self.assertFalse(os.path.exists(os.path.join(self.home, "state")))

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


def _peer(manager: int) -> int:
    """
    A subsidiary of this manager.
    """
    pair = PtyInstance("z", manager)
    return pair.openSubsidiary()
