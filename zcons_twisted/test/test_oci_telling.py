# -*- test-case-name: zcons_twisted.test.test_oci_telling -*-
"""
Tests for L{zcons_twisted.oci.telling}.
"""

from __future__ import annotations

import os
import socket
import threading

from twisted.trial.unittest import SynchronousTestCase

from ..oci import telling
from ..oci.telling import SOCKET_NAME, Refusal, tell
from .oci_case import shortDirectory


class TellTests(SynchronousTestCase):
    """
    A shim tells the server something, if that is there.
    """

    def setUp(self) -> None:
        """
        A server's socket.
        """
        self.home = shortDirectory(self)
        self.listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.listener.close)
        self.listener.bind(os.path.join(self.home, SOCKET_NAME))
        self.listener.listen(1)

    def answer(self, *pieces: bytes) -> None:
        """
        Have the next connection answered so.
        """

        def serve() -> None:
            peer, _address = self.listener.accept()
            with peer:
                peer.recv(4096)
                for piece in pieces:
                    peer.sendall(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        self.addCleanup(thread.join)

    def test_heard(self) -> None:
        """
        It is heard when it is answered so, in pieces or not.
        """
        for pieces in ((b"ok\n",), (b"o", b"k", b"\n")):
            self.answer(*pieces)
            self.assertTrue(tell(self.home, {"told": "it"}))

    def test_refused(self) -> None:
        """
        Any other answer is a refusal, and says why.
        """
        self.answer(b"no \xff\n")
        error = self.assertRaises(Refusal, tell, self.home, {})
        self.assertEqual(str(error), "no \ufffd")

    def test_endless(self) -> None:
        """
        An answer has an end.
        """
        self.answer(b"x" * 4096)
        self.assertRaises(Refusal, tell, self.home, {})

    def test_nobody(self) -> None:
        """
        It is not heard where there is no server, where it goes, and where it does not
        answer.
        """
        self.answer()
        self.assertFalse(tell(self.home, {}))
        self.patch(telling, "ANSWER_SECONDS", 0.01)
        self.assertFalse(tell(self.home, {}))
        self.listener.close()
        self.assertFalse(tell(self.home, {}))
        self.assertFalse(tell(self.home + "/nothing", {}))

    def test_patience(self) -> None:
        """
        It is given ten seconds.
        """
        waits: list[float | None] = []

        class Patient(socket.socket):
            """
            Remembers how long it may wait.
            """

            def settimeout(self, value: float | None) -> None:
                """
                Remember it.
                """
                waits.append(value)

        self.patch(socket, "socket", Patient)
        self.listener.close()
        self.assertFalse(tell(self.home, {}))
        self.assertEqual(waits, [10])
