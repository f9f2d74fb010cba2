# -*- test-case-name: zcons_twisted.test.test_oci_runtime -*-
"""
Tests for L{zcons_twisted.oci.runtime}, with a runtime that is a few lines of shell.
"""

from __future__ import annotations

import os
import subprocess
from typing import Any
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from ..oci import runtime
from ..oci.runtime import WHY_MAX, Runtime, RuntimeFailed


class RuntimeTests(SynchronousTestCase):
    """
    A runtime's commands, and what becomes of its messages.
    """

    def make(self, script: str, *words: str) -> Runtime:
        """
        A runtime that is a script; C{$log} is its log, the rest are its arguments.
        """
        self.directory = os.path.abspath(self.mktemp())
        os.mkdir(self.directory)
        path = os.path.join(self.directory, "therun")
        with open(path, "w") as file:
            file.write(f"#!/bin/sh\ncd {self.directory}\n")
            file.write('while [ "$1" != --log ]; do shift; done\n')
            file.write(f'log=$2; shift 4; echo "$*" >said\n{script}\n')
        os.chmod(path, 0o755)
        return Runtime([path, *words], "box", os.path.join(self.directory, "log"))

    def said(self) -> str:
        """
        The arguments of its last command.
        """
        with open(os.path.join(self.directory, "said")) as file:
            return file.read().strip()

    def why(self, script: str) -> str:
        """
        @return: why a command failed.
        """
        return str(self.assertRaises(RuntimeFailed, self.make(script).start))

    def test_commands(self) -> None:
        """
        Each command is given as runtimes have it.
        """
        made = self.make("exit 0", "--root", "x")
        for call, expected in (
            (lambda: made.create("b", "p"), "create --bundle b --pid-file p box"),
            (
                lambda: made.create("b", "p", "s"),
                "create --bundle b --pid-file p --console-socket s box",
            ),
            (made.start, "start box"),
            (lambda: made.kill("TERM"), "kill box TERM"),
            (made.delete, "delete box"),
            (lambda: made.delete(force=True), "delete --force box"),
        ):
            call()
            self.assertEqual(self.said(), expected)

    def test_message(self) -> None:
        """
        What is told of a failure is the last error in the log, in one line, with the
        runtime's name.
        """
        error = '{"level":"error","msg":"%s"}'
        for log, expected in (
            ([error % "it is broken"], "therun: it is broken"),
            ([error % "therun start failed: so"], "therun start failed: so"),
            ([error % "first", error % "second"], "therun: second"),
            ([error % "it", '{"level":"warning","msg":"x"}'], "therun: it"),
            ([error % "two\\\\nlines", "no json", "[1]"], "therun: two lines"),
            (["nothing of use"], "therun start: exit status 3"),
            ([error % ("x" * 2000)], f"therun: {'x' * WHY_MAX}"),
        ):
            lines = "".join(f"echo '{line}' >>\"$log\"\n" for line in log)
            found = self.why(f"{lines}exit 3").replace("\\n", " ")
            self.assertEqual(found, expected)

    def test_bothCgroups(self) -> None:
        """
        A runtime that can't do with the machine's cgroups is told of with one that
        can, where there is such.
        """
        path = os.path.abspath(self.mktemp())
        os.mkdir(path)
        failure = """echo '{"level":"error","msg":"%s"}' >"$log"; exit 1"""
        hybrid = failure % "cgroups in hybrid mode not supported"
        said = "therun: cgroups in hybrid mode not supported"
        hint = "; runc can do with these cgroups: --runtime runc"
        with mock.patch.dict(os.environ, {"PATH": path}):
            self.assertEqual(self.why(hybrid), said)
            with open(os.path.join(path, "runc"), "w") as file:
                file.write("#!/bin/sh\n")
            os.chmod(os.path.join(path, "runc"), 0o755)
            self.assertEqual(self.why(hybrid), said + hint)
            self.assertEqual(self.why(failure % "other"), "therun: other")
            self.make(hybrid)
            os.rename(
                os.path.join(self.directory, "therun"),
                os.path.join(self.directory, "runc"),
            )
            made = Runtime(
                [os.path.join(self.directory, "runc")],
                "box",
                os.path.join(self.directory, "log"),
            )
            error = self.assertRaises(RuntimeFailed, made.start)
            self.assertNotIn("--runtime", str(error))

    def test_noLog(self) -> None:
        """
        A runtime that keeps none, or is ended by a signal, is told of by its status;
        an old log is not looked at.
        """
        made = self.make("exit 3")
        with open(os.path.join(self.directory, "log"), "w") as file:
            file.write('{"level":"error","msg":"old"}\n')
        error = self.assertRaises(RuntimeFailed, made.start)
        self.assertEqual(str(error), "therun start: exit status 3")
        self.assertEqual(self.why("kill -9 $$"), "therun start: exit status -9")

    def test_absent(self) -> None:
        """
        A runtime that is not there is told of by its path.
        """
        made = Runtime(["/nonexistent/run"], "box", self.mktemp())
        error = self.assertRaises(RuntimeFailed, made.start)
        self.assertEqual(str(error), "/nonexistent/run: No such file or directory")
        self.assertIsNone(made.state())

    def test_state(self) -> None:
        """
        What is known of a container; nothing where there is none, or nothing that can
        be understood.
        """
        for script, expected in (
            ("""echo '{"status": "running"}'""", {"status": "running"}),
            ("echo nonsense", None),
            ("echo []", None),
            ("exit 1", None),
        ):
            self.assertEqual(self.make(script).state(), expected)
            self.assertEqual(self.said(), "state box")

    def test_owner(self) -> None:
        """
        Whose a container is is in its annotations.
        """
        for state, expected in (
            (
                '{"status":"stopped","annotations":{"zcons_twisted.owner":"us"}}',
                ("us", "stopped"),
            ),
            ('{"status":"stopped","annotations":{}}', ("", "stopped")),
            ('{"annotations":null}', ("", "unknown")),
        ):
            self.assertEqual(self.make(f"echo '{state}'").owner(), expected)
        self.assertIsNone(self.make("exit 1").owner())

    def test_patience(self) -> None:
        """
        A runtime that does not come to an end is ended.
        """
        self.patch(runtime, "COMMAND_SECONDS", 0.05)
        self.assertIn("start: no answer in 0.05 s", self.why("exec sleep 1000"))

    def test_minute(self) -> None:
        """
        It has a minute.
        """
        waits = []
        wait = subprocess.Popen.communicate

        def communicate(
            process: Any, input: Any = None, timeout: float | None = None
        ) -> Any:
            waits.append(timeout)
            return wait(process)

        self.patch(subprocess.Popen, "communicate", communicate)
        self.make("exit 0").start()
        self.assertEqual(waits, [60])
