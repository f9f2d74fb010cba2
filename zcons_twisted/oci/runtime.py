# -*- test-case-name: zcons_twisted.test.test_oci_runtime -*-
"""
A runtime, C{crun} or C{runc} for example: its commands for one container, run one after
the other.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

from .config import OWNER

__all__ = ["COMMAND_SECONDS", "WHY_MAX", "Runtime", "RuntimeFailed"]

#: Seconds that a command of a runtime may take.
COMMAND_SECONDS = 60.0
#: Most characters of why one failed.
WHY_MAX = 1000

# Most bytes of its log that are looked at, and of what it prints.
_LOG_MAX = 64 * 1024


class RuntimeFailed(Exception):
    """
    A command of the runtime has failed; the message is the runtime's own.
    """


class Runtime:
    """
    One container's runtime.
    """

    def __init__(self, words: Sequence[str], container: str, log: str) -> None:
        """
        @param words: the runtime, with its general options.
        @param container: the container's ID.
        @param log: the path of a file for its messages, which may be overwritten.
        """
        self._words = list(words)
        self._container = container
        self._log = log

    def create(self, bundle: str, pidFile: str, consoleSocket: str = "") -> None:
        """
        Make the container.  Without a console socket it has this process' own standard
        input, output and error.
        """
        options = ["--bundle", bundle, "--pid-file", pidFile]
        if consoleSocket:
            options += ["--console-socket", consoleSocket]
        self._run("create", *options, inherit=not consoleSocket)

    def start(self) -> None:
        """
        Have its process begin.
        """
        self._run("start")

    def kill(self, name: str) -> None:
        """
        Send its process a signal.
        """
        self._run("kill", after=(name,))

    def delete(self, force: bool = False) -> None:
        """
        Remove it.

        @param force: also when it runs.
        """
        self._run("delete", *(("--force",) if force else ()))

    def state(self) -> dict[str, Any] | None:
        """
        What the runtime knows of it, or L{None} where there is none.
        """
        try:
            found = json.loads(self._run("state"))
        except (RuntimeFailed, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def owner(self) -> tuple[str, str] | None:
        """
        Whose container it is, and its status; L{None} where there is none.
        """
        found = self.state()
        if found is None:
            return None
        annotations = found.get("annotations")
        owner = annotations.get(OWNER, "") if isinstance(annotations, dict) else ""
        return str(owner), str(found.get("status", "unknown"))

    def _run(
        self,
        command: str,
        *options: str,
        after: Sequence[str] = (),
        inherit: bool = False,
    ) -> str:
        if os.path.exists(self._log):
            os.unlink(self._log)
        words = [
            *(*self._words, "--log", self._log, "--log-format", "json"),
            *(command, *options, self._container, *after),
        ]
        with open(os.devnull, "r+b") as null:
            standard: Any = None if inherit else null
            try:
                process = subprocess.Popen(
                    words,
                    stdin=standard,
                    stdout=subprocess.PIPE if command == "state" else standard,
                    stderr=standard,
                )
            except OSError as e:
                raise RuntimeFailed(f"{self._words[0]}: {e.strerror}") from None
        try:
            said, _errors = process.communicate(timeout=COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise RuntimeFailed(
                f"{self._words[0]} {command}: no answer in {COMMAND_SECONDS:g} s"
            ) from None
        if process.returncode:
            raise RuntimeFailed(self._why(command, process.returncode))
        return (said or b"")[:_LOG_MAX].decode("utf-8", "replace")

    def _why(self, command: str, status: int) -> str:
        """
        The last error in the log, or whatever can be said without one.
        """
        name = os.path.basename(self._words[0])
        try:
            with open(self._log, "rb") as file:
                lines = file.read(_LOG_MAX).splitlines()
        except OSError:
            lines = []
        for line in reversed(lines):
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and entry.get("level") in ("error", "fatal"):
                message = " ".join(str(entry.get("msg", "")).split())[:WHY_MAX]
                message += _hint(message, name)
                return message if message.startswith(name) else f"{name}: {message}"
        return f"{name} {command}: exit status {status}"


def _hint(message: str, name: str) -> str:
    """
    What may be done about a failure, where that is known: crun, for one, can't do with
    cgroups of both versions, whatever its options are.
    """
    if "hybrid" in message and name != "runc" and shutil.which("runc"):
        return "; runc can do with these cgroups: --runtime runc"
    return ""
