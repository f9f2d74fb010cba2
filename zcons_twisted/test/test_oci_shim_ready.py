# -*- test-case-name: zcons_twisted.test.test_oci_shim_ready -*-
"""
Tests for L{zcons_twisted.oci.shim}: containers that are made before they are to begin,
and shims that have lost their parent.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from .shim_case import ShimTestCase

#: Starts something, and goes as soon as a container has been started.
PARENT = """
import os, sys
home, *words = sys.argv[1:]
if os.fork() == 0:
    os.execv(words[0], words)
while not os.path.exists(home + "/started"):
    pass
"""


class ReadyTests(ShimTestCase):
    """
    A container waits until it is let.
    """

    def made(self, console: str = "own") -> tuple[subprocess.Popen[bytes], int]:
        """
        It is there, and the server knows.
        """
        process, reading = self.start(console, "ready")
        while not self.heard:
            self.assertIsNone(process.poll())
        self.assertNotIn("start", self.read("said"))
        return process, reading

    def test_begins(self) -> None:
        """
        It is let by SIGUSR1, and then it is as any other.
        """
        self.listen([b"ok\n"])
        self.file("script", "exit 5")
        process, reading = self.made()
        self.assertEqual(self.heard, [{"created": "box"}])
        process.send_signal(signal.SIGUSR1)
        self.assertEqual((os.read(reading, 1), process.wait(60)), (b"", 5))
        self.assertNothingLeft()

    def test_toldLater(self) -> None:
        """
        Where there is no server it is told as soon as there is one.
        """
        process, _reading = self.start("own", "ready")
        while not os.path.exists(os.path.join(self.home, "state")):
            self.assertIsNone(process.poll())
        self.listen([b"", b"ok\n"])
        while len(self.heard) < 2:
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.wait(60), 0)

    def test_stopped(self) -> None:
        """
        Nobody may want it any more, before or after it is told of.
        """
        self.listen([b"ok\n"])
        process, reading = self.made()
        process.terminate()
        self.assertEqual((os.read(reading, 1), process.wait(60)), (b"", 0))
        self.assertNotIn("start", self.read("said"))
        self.assertNothingLeft()
        os.unlink(os.path.join(self.home, "s"))
        process, reading = self.start("own", "ready")
        while not os.path.exists(os.path.join(self.home, "state")):
            self.assertIsNone(process.poll())
        process.terminate()
        self.assertEqual((os.read(reading, 1), process.wait(60)), (b"", 0))
        self.assertNothingLeft()

    def test_ends(self) -> None:
        """
        Its first process may end before that, and then it can't begin.
        """
        self.listen([b"ok\n"])
        process, reading = self.made()
        (life,) = [name for name in os.listdir(self.home) if name.startswith("life-")]
        os.kill(int(self.read(f"{life}/pid")), signal.SIGKILL)
        self.assertEqual(
            os.read(reading, 4096), b"the container has ended before it was started"
        )
        self.assertEqual(process.wait(60), 127)
        self.assertNothingLeft()


class OrphanTests(ShimTestCase):
    """
    A shim whose parent has gone tells by itself how it ends.
    """

    def ends(self, script: str) -> list[dict[str, object]]:
        """
        @return: what one tells whose container does this.
        """
        self.listen([b"ok\n"] * 2)
        self.file("script", f"until [ -e $BOX/go ]; do sleep 0.01; done; {script}")
        process, reading = self.start(
            "own", "life", sys.executable, "-IS", "-c", PARENT, self.home
        )
        self.assertEqual((os.read(reading, 1), process.wait(60)), (b"", 0))
        self.file("go")
        while len(self.heard) < 2:
            self.assertEqual(self.heard[0], {"created": "box"})
        return self.heard[1:]

    def test_status(self) -> None:
        """
        With the status that C{waitpid} has.
        """
        (told,) = self.ends("exit 3")
        self.assertEqual(told["ended"], 3 << 8)
        self.assertIsInstance(told["pid"], int)

    def test_signal(self) -> None:
        """
        Or the signal.
        """
        (told,) = self.ends("kill -9 $$")
        self.assertEqual(told["ended"], 9)
