# -*- test-case-name: zcons_twisted.test.test_oci_shim -*-
"""
A container's shim, which is run as the program that it is, with a runtime that is a few
lines of shell and has no containers.
"""

from __future__ import annotations

import json
import os
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


class ShimTestCase(SynchronousTestCase):
    """
    A shim, with all that it needs.
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

    def start(
        self, console: str = "own", how: str = "life", *before: str
    ) -> tuple[subprocess.Popen[bytes], int]:
        """
        Start a life.

        @param before: the words of what starts it.
        @return: the shim, and where it says why it can't begin.
        """
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        program = [sys.executable, "-IS"]
        subsidiary = self.pair.openSubsidiary()
        process = subprocess.Popen(
            [
                *before,
                *(*program, "-c", LAUNCH, str(writing)),
                *(*program, shim.__file__, how, self.spec(console)),
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


def _peer(manager: int) -> int:
    """
    A subsidiary of this manager.
    """
    pair = PtyInstance("z", manager)
    return pair.openSubsidiary()
