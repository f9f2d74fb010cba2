# -*- test-case-name: zcons_twisted.test.test_client_hook -*-
"""
Tests for L{zcons_twisted.client.hook}.
"""

from __future__ import annotations

import json
import os
import select
import socket
import threading
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from ..client import hook
from ..client.hook import ANNOTATION, HOOK_SECONDS, STATE_MAX, Hook, eventOf
from ..client.main import main
from ..nexus.wire import Box, decode, encode
from ..rundir import RunDirectory


class HookTests(SynchronousTestCase):
    """
    A container's hook tells a console, and harms nobody.
    """

    def setUp(self) -> None:
        """
        A control door, and nobody behind it yet.
        """
        self.rundir = RunDirectory(os.path.relpath(self.mktemp()))
        os.mkdir(self.rundir.path)
        self.lines: list[str] = []
        self.asked: list[Box] = []
        self.threads: list[threading.Thread] = []

    def door(self, answer: Box | bytes | None, zone: str = "z") -> None:
        """
        Have the next connection answered so.
        """
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(self.rundir.controlSocket(zone))
        listener.listen(1)

        def serve() -> None:
            peer, _address = listener.accept()
            with peer:
                data = bytearray()
                while (box := decode(data)) is None:
                    data += peer.recv(4096)
                self.asked.append(box)
                if answer is None:
                    peer.recv(1)
                else:
                    peer.sendall(encode(answer) if isinstance(answer, dict) else answer)

        self.threads.append(threading.Thread(target=serve))
        self.threads[-1].start()

    def call(
        self, given: object, zone: str | None = None, event: str | None = None
    ) -> list[str]:
        """
        Call the hook with a container's state.

        @return: what it said.
        """
        data = given if isinstance(given, bytes) else json.dumps(given).encode()
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(data)
        with open(path, "rb") as file:
            Hook(self.rundir, zone, self.lines.append, event).run(file.fileno())
        for thread in self.threads:
            thread.join()
        said, self.lines = self.lines, []
        return said

    def test_told(self) -> None:
        """
        The event is posted, and nothing is said of it.
        """
        self.door({"_answer": b"1", "message": b"posted"})
        self.assertEqual(self.call({"status": "stopped", "id": "z"}), [])
        self.assertEqual(
            self.asked, [{"_ask": b"1", "_command": b"Event", "name": b"halted"}]
        )

    def test_event(self) -> None:
        """
        What has happened may be said, whatever the container's status.
        """
        self.door({"_answer": b"1"})
        self.assertEqual(self.call({"status": "x", "id": "z"}, event="booting"), [])
        self.assertEqual(self.asked[0]["name"], b"booting")

    def test_events(self) -> None:
        """
        Each status tells an event, but for those that tell none.
        """
        for status, expected in (
            ("creating", "readied"),
            ("created", "readied"),
            ("running", "booting"),
            ("stopped", "halted"),
            ("paused", None),
            (None, None),
            (["running"], None),
        ):
            self.assertEqual(eventOf(status), expected)

    def test_zone(self) -> None:
        """
        The zone is the one that is named, or else the container's annotation, or else
        its ID.
        """
        for given, notes, zone in (
            ("named", {ANNOTATION: "noted"}, "named"),
            (None, {ANNOTATION: "noted"}, "noted"),
            (None, {ANNOTATION: 1}, "box"),
            (None, None, "box"),
        ):
            self.door({"_answer": b"1"}, zone)
            state = {"status": "created", "id": "box", "annotations": notes}
            self.assertEqual(self.call(state, given), [])
            os.unlink(self.rundir.controlSocket(zone))

    def test_nobody(self) -> None:
        """
        Where there is no server, or a dead one's socket, that is one line.
        """
        state = {"status": "stopped", "id": "z"}
        (said,) = self.call(state)
        self.assertEqual(said, f"hook: no server serves zone z in {self.rundir.path}")
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(self.rundir.controlSocket("z"))
        self.assertEqual(
            self.call(state), ["hook: the server of zone z: Connection refused"]
        )

    def test_refused(self) -> None:
        """
        A server's refusal is told without control characters, as is one that does not
        speak.
        """
        state = {"status": "stopped", "id": "z"}
        for answer, expected in (
            (
                {"_error": b"1", "_error_description": b"no\x1b"},
                "hook: zone z: no\\x1b",
            ),
            (b"", "hook: the server of zone z does not admit us"),
            (b"\xff\xff", "hook: the server of zone z: a key of 65535 bytes"),
        ):
            self.door(answer)
            self.assertEqual(self.call(state), [expected])
            os.unlink(self.rundir.controlSocket("z"))

    def test_silence(self) -> None:
        """
        A server that does not answer is not waited for any longer than two seconds.
        """
        self.assertEqual(HOOK_SECONDS, 2)
        self.patch(hook, "HOOK_SECONDS", 0.05)
        self.door(None)
        said = self.call({"status": "stopped", "id": "z"})
        self.assertEqual(said, ["hook: the server of zone z does not answer"])

    def test_nonsense(self) -> None:
        """
        What is no state, or has no name that a zone could have, is told.
        """
        no = "hook: standard input is no container's state"
        for given, expected in (
            (b"", no),
            (b"\xff", no),
            (b"[" * 100_000, no),
            ([], no),
            ({}, "hook: a status of None tells nothing"),
            ({"status": "x" * 1000}, f"hook: a status of '{'x' * 79} tells nothing"),
            ({"status": "created"}, "hook: a zone name can't be empty"),
        ):
            self.assertEqual(self.call(given), [expected])
        (said,) = self.call({"status": "created", "id": "../x\n"})
        self.assertIn("is not allowed", said)
        self.assertTrue(said.isprintable())

    def test_size(self) -> None:
        """
        A state of 256 KiB is read, and not a byte more.
        """
        data = json.dumps({"status": "created", "id": "z"}).encode()
        self.door({"_answer": b"1"})
        self.assertEqual(self.call(data.ljust(STATE_MAX)), [])
        self.assertEqual(
            self.call(data.ljust(STATE_MAX + 1)),
            ["hook: a state of more than 262144 bytes"],
        )

    def test_noEnd(self) -> None:
        """
        Standard input that does not end is not waited for.
        """
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        self.addCleanup(os.close, writing)
        moments = iter([0.0, 0.5, 3.0])
        call = Hook(self.rundir, None, self.lines.append, clock=lambda: next(moments))
        call.run(self.ended(reading))
        self.assertEqual(self.lines, ["hook: no end of standard input in 2 s"])
        self.assertEqual(self.waits, [1500])

    def ended(self, fd: int) -> int:
        """
        Nothing is waited for in this test.
        """
        real = select.poll
        waits = self.waits = list[float]()

        class Poll:
            """
            Looks, and does not wait.
            """

            def __init__(self) -> None:
                self._poll = real()
                self.register = self._poll.register

            def poll(self, milliseconds: float) -> Any:
                """
                What is ready now.
                """
                waits.append(milliseconds)
                return self._poll.poll(0)

        self.patch(select, "poll", Poll)
        return fd

    def test_main(self) -> None:
        """
        Whatever happens, the exit status is 0: a container does not fail by its hook.
        """
        said: list[str] = []
        self.patch(hook.Hook, "run", lambda self, fd: said.append(self._zone))
        self.assertEqual(main(["hook", "--zone", "z"]), 0)
        self.assertEqual(main(["--rundir", "/x", "hook"]), 0)
        self.assertEqual(said, ["z", None])
        self.patch(os, "getuid", lambda: 1)
        self.patch(os, "environ", {})
        self.assertEqual(main(["hook"]), 0)
        self.assertEqual(len(said), 2)
