# -*- test-case-name: zcons_twisted.test.test_oci_config -*-
"""
Tests for L{zcons_twisted.oci.config}.
"""

from __future__ import annotations

import copy
import json
import os
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from ..oci.config import (
    CONFIG_MAX,
    CONSOLE,
    OWNER,
    BadBundle,
    derive,
    readConfig,
    stopSignal,
    wantsTerminal,
)
from .examples import given, quickly, st

PLAIN: dict[str, Any] = {"process": {"args": ["sh"]}, "root": {"path": "rootfs"}}

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("process", "env", "root", "path", "annotations", "mounts"),
                    *("destination", "source", "options", "type", "terminal"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


class ReadConfigTests(SynchronousTestCase):
    """
    What is needed of a bundle is checked; the rest is the runtime's business.
    """

    def setUp(self) -> None:
        """
        A bundle.
        """
        self.bundle = os.path.abspath(self.mktemp())
        os.mkdir(self.bundle)
        self.path = os.path.join(self.bundle, "config.json")

    def write(self, data: bytes) -> None:
        """
        Write its configuration.
        """
        with open(self.path, "wb") as file:
            file.write(data)

    def refused(self, data: bytes) -> str:
        """
        @return: why a configuration is refused, without the file's name.
        """
        self.write(data)
        error = self.assertRaises(BadBundle, readConfig, self.bundle)
        self.assertTrue(str(error).startswith(f"{self.path}: "), str(error))
        return str(error).removeprefix(f"{self.path}: ")

    def test_read(self) -> None:
        """
        A configuration is given as it is, with all that is not known here.
        """
        config = {**PLAIN, "linux": {"namespaces": [1]}, "future": True}
        self.write(json.dumps(config).encode())
        self.assertEqual(readConfig(self.bundle), config)

    def test_absent(self) -> None:
        """
        A directory without one is no bundle, nor is something that is no directory.
        """
        for bundle in (self.bundle, "/nonexistent", "/dev/null"):
            error = self.assertRaises(BadBundle, readConfig, bundle)
            self.assertIn("a bundle is a directory with a config.json", str(error))
            self.assertNotIn("\n", str(error))

    def test_malformed(self) -> None:
        """
        What is no JSON, or not of the right shape, is refused with the place that is
        wrong.
        """
        for data, why in (
            (b"", "no JSON: "),
            (b"{", "no JSON: "),
            (b"\xff\xfe{}", "no JSON: "),
            (b"[" * 100_000, "no JSON: "),
            (b"[]", "no JSON object"),
            (b"{}", "process is not an object"),
            (b'{"process": {}}', "root is not an object"),
            (b'{"process": {}, "root": {}}', "root.path is not a text"),
            (self.but(process={"env": "A=1"}), "process.env is not a list"),
            (self.but(process={"env": [1]}), "something in process.env is not"),
            (self.but(annotations=[]), "annotations is not an object"),
            (self.but(mounts={}), "mounts is not a list"),
            (self.but(mounts=[{"source": "x"}]), "something in mounts is not"),
            (
                self.but(mounts=[{"destination": "/x", "options": [1]}]),
                "something in mounts is not",
            ),
        ):
            self.assertIn(why, self.refused(data))

    def but(self, **parts: object) -> bytes:
        """
        A configuration of which something is different.
        """
        return json.dumps({**PLAIN, **parts}).encode()

    def test_size(self) -> None:
        """
        A file of a mebibyte is read, and not a byte more.
        """
        data = json.dumps(PLAIN).encode()
        self.write(data.ljust(CONFIG_MAX))
        self.assertEqual(readConfig(self.bundle), PLAIN)
        self.assertEqual(
            self.refused(data.ljust(CONFIG_MAX + 1)), "more than 1048576 bytes"
        )

    @quickly
    @given(VALUES)
    def test_anything(self, value: object) -> None:
        """
        Whatever it is, it is refused or a configuration for a life comes of it.
        """
        self.write(json.dumps(value).encode())
        try:
            config = readConfig(self.bundle)
        except BadBundle:
            return
        wantsTerminal(config)
        stopSignal(config)
        json.dumps(derive(config, self.bundle, "us", {"A": "1"}, "/dev/pts/3"))


class DeriveTests(SynchronousTestCase):
    """
    What a life's configuration has of its own.
    """

    def derive(self, config: dict[str, Any], subsidiary: str = "") -> dict[str, Any]:
        """
        Derive a life's configuration; the bundle's is not changed.
        """
        before = copy.deepcopy(config)
        life = derive(config, "/b", "/run/oci/z", {"ZONENAME": "z"}, subsidiary)
        self.assertEqual(config, before)
        return life

    def test_owner(self) -> None:
        """
        It says whose container it is, beside what is said already.
        """
        life = self.derive({**PLAIN, "annotations": {"a": "b"}})
        self.assertEqual(life["annotations"], {"a": "b", OWNER: "/run/oci/z"})
        self.assertEqual(self.derive(PLAIN)["annotations"], {OWNER: "/run/oci/z"})

    def test_paths(self) -> None:
        """
        Paths that are relative to the bundle are absolute; others are as they were.
        """
        mounts = [
            {"destination": "/a", "type": "bind", "source": "data"},
            {"destination": "/b", "type": "none", "source": "x", "options": ["rbind"]},
            {"destination": "/c", "type": "bind", "source": "/abs"},
            {"destination": "/d", "type": "tmpfs", "source": "tmpfs"},
            {"destination": "/e", "type": "bind"},
        ]
        life = self.derive({**PLAIN, "mounts": mounts})
        self.assertEqual(life["root"]["path"], "/b/rootfs")
        found = [mount.get("source") for mount in life["mounts"]]
        self.assertEqual(found, ["/b/data", "/b/x", "/abs", "tmpfs", None])
        absolute = {**PLAIN, "root": {"path": "/elsewhere", "readonly": True}}
        self.assertEqual(
            self.derive(absolute)["root"], {"path": "/elsewhere", "readonly": True}
        )

    def test_environment(self) -> None:
        """
        The container is told what it is to know, in the place of what the bundle says.
        """
        config = {**PLAIN, "process": {"env": ["A=1", "ZONENAME=x", "ZONENAMES=y"]}}
        self.assertEqual(
            self.derive(config)["process"]["env"], ["A=1", "ZONENAMES=y", "ZONENAME=z"]
        )
        self.assertEqual(self.derive(PLAIN)["process"]["env"], ["ZONENAME=z"])

    def test_ownConsole(self) -> None:
        """
        A pty that we have made is the container's console, and the only one.
        """
        for place in ("/dev/console", "dev/console", "//dev/./console/"):
            config = {
                "process": {"terminal": True, "consoleSize": {"height": 1, "width": 2}},
                "root": {"path": "rootfs"},
                "mounts": [{"destination": "/dev"}, {"destination": place}],
            }
            life = self.derive(config, "/dev/pts/3")
            self.assertIs(life["process"]["terminal"], False)
            self.assertNotIn("consoleSize", life["process"])
            self.assertEqual(
                life["mounts"],
                [
                    {"destination": "/dev"},
                    {
                        "destination": CONSOLE,
                        "type": "bind",
                        "source": "/dev/pts/3",
                        "options": ["bind"],
                    },
                ],
            )

    def test_runtimesConsole(self) -> None:
        """
        Without one the runtime is asked for a terminal.
        """
        life = self.derive({**PLAIN, "mounts": [{"destination": "/dev"}]})
        self.assertIs(life["process"]["terminal"], True)
        self.assertEqual(life["mounts"], [{"destination": "/dev"}])

    def test_wantsTerminal(self) -> None:
        """
        A bundle wants a terminal if it says so.
        """
        for process, expected in (({}, False), ({"terminal": True}, True)):
            self.assertIs(wantsTerminal({"process": process}), expected)

    def test_stopSignal(self) -> None:
        """
        A container is stopped by the signal that it names, or by SIGTERM.
        """
        name = "org.opencontainers.image.stopSignal"
        for word, expected in (
            ("SIGRTMIN+3", "SIGRTMIN+3"),
            ("USR1", "USR1"),
            ("--all", "TERM"),
            ("", "TERM"),
            (9, "TERM"),
        ):
            self.assertEqual(stopSignal({"annotations": {name: word}}), expected)
        self.assertEqual(stopSignal({}), "TERM")
