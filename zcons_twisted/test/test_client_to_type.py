# -*- test-case-name: zcons_twisted.test.test_client_to_type -*-
"""
Tests for L{zcons_twisted.client.to_type}.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.errors import CantBeTyped
from zcons_twisted.client.to_type import TYPED_MAX, fromFile, fromWords


class ToTypeTests(SynchronousTestCase):
    """
    What is typed.
    """

    def file(self, data: bytes) -> str:
        """
        A file with this in it.
        """
        path: str = self.mktemp()
        with open(path, "wb") as file:
            file.write(data)
        return path

    def onStandardInput(self, data: bytes) -> None:
        """
        Have this on standard input for the rest of the test.
        """
        near, far = os.pipe()
        os.write(far, data)
        os.close(far)
        before = os.dup(0)

        def putBack() -> None:
            os.dup2(before, 0)
            os.close(before)

        self.addCleanup(putBack)
        os.dup2(near, 0)
        os.close(near)

    def test_words(self) -> None:
        """
        Words are typed as they are, byte for byte.
        """
        self.assertEqual(fromWords("a b", False), b"a b")
        self.assertEqual(fromWords("a\udcff", True), b"a\xff\r")

    def test_file(self) -> None:
        """
        A file is typed as it is; to end it as the Enter key does, one newline at its
        end makes room for that.
        """
        for data, line in (
            (b"secret", b"secret\r"),
            (b"secret\n", b"secret\r"),
            (b"secret\r\n", b"secret\r"),
            (b"secret\n\n", b"secret\n\r"),
            (b"a\nb\n", b"a\nb\r"),
            (b"\r", b"\r\r"),
            (b"\xff\0", b"\xff\0\r"),
            (b"", b"\r"),
        ):
            path = self.file(data)
            self.assertEqual(fromFile(path, False), data)
            self.assertEqual(fromFile(path, True), line)

    def test_standardInput(self) -> None:
        """
        A hyphen is standard input, which stays open.
        """
        self.onStandardInput(b"secret\n")
        self.assertEqual(fromFile("-", True), b"secret\r")
        os.fstat(0)

    def test_unreadable(self) -> None:
        """
        What can't be read is told, without a control character.
        """
        path = self.mktemp() + "\x07"
        error = self.assertRaises(CantBeTyped, fromFile, path, False)
        self.assertEqual(
            str(error), f"{path[:-1]}\\x07 can't be read: No such file or directory"
        )

    def test_limit(self) -> None:
        """
        A file may have so many bytes and no more.
        """
        self.assertEqual(TYPED_MAX, 1048576)
        self.assertEqual(len(fromFile(self.file(bytes(TYPED_MAX)), False)), TYPED_MAX)
        path = self.file(bytes(TYPED_MAX + 1))
        error = self.assertRaises(CantBeTyped, fromFile, path, False)
        self.assertIn("has more than 1048576 bytes: 'zconsole attach'", str(error))
        error = self.assertRaises(CantBeTyped, fromFile, "/dev/zero", False)
        self.assertIn("/dev/zero has more than", str(error))
