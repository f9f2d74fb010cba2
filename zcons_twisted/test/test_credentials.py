# -*- test-case-name: zcons_twisted.test.test_credentials -*-
"""
Tests for L{zcons_twisted.credentials}.
"""

from __future__ import annotations

import errno
import os
import socket
import struct

from twisted.trial.unittest import SynchronousTestCase

from ..credentials import Admission, Credentials, peerCredentials, peerGroups


class Connection(socket.socket):
    """
    A connection whose peer is in some groups, or of which the kernel does not tell.
    """

    groups: tuple[int, ...] | None = None
    error = errno.ENOPROTOOPT

    def getsockopt(self, *arguments: int) -> bytes:  # type: ignore[override]
        """
        Tell the peer's groups.
        """
        if self.groups is None:
            raise OSError(self.error, os.strerror(self.error))
        return struct.pack(f"={len(self.groups)}I", *self.groups)


class PeerCredentialsTests(SynchronousTestCase):
    """
    Who is at the other end is told by the kernel.
    """

    def setUp(self) -> None:
        """
        A connection to ourselves.
        """
        self.ours, theirs = socket.socketpair()
        self.addCleanup(self.ours.close)
        self.addCleanup(theirs.close)

    def test_ourselves(self) -> None:
        """
        The other end of a pair of our own is this process.
        """
        self.assertEqual(
            peerCredentials(self.ours),
            Credentials(os.getpid(), os.geteuid(), os.getegid()),
        )

    def test_groups(self) -> None:
        """
        Its groups are ours.
        """
        self.assertEqual(peerGroups(self.ours), frozenset(os.getgroups()))

    def test_manyGroups(self) -> None:
        """
        A peer may be in more groups than fit into the first answer.
        """
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        with Connection(fileno=ours.detach()) as connection:
            connection.error = errno.ERANGE
            self.assertEqual(peerGroups(connection), frozenset(os.getgroups()))

    def test_manyGroupsUntold(self) -> None:
        """
        Where the kernel does not tell them then, there are none.
        """
        with Connection() as connection:
            connection.error = errno.ERANGE
            self.patch(connection, "fileno", lambda: -1)
            self.assertEqual(peerGroups(connection), frozenset())

    def test_noGroups(self) -> None:
        """
        Where the kernel does not tell the groups, there are none.
        """
        with Connection() as connection:
            self.assertEqual(peerGroups(connection), frozenset())

    def test_notTold(self) -> None:
        """
        Where the kernel does not tell who it is, that is an error.
        """
        with Connection() as connection:
            self.assertRaises(OSError, peerCredentials, connection)

    def test_text(self) -> None:
        """
        A peer is shown as a process of a user, who has no name but root.
        """
        self.assertEqual(str(Credentials(12, 34, 56)), "process 12 of user 34")
        self.assertEqual(str(Credentials(12, 0, 56)), "process 12 of root")


class AdmissionTests(SynchronousTestCase):
    """
    Root, the server's own user and the group that was named may come in.
    """

    def setUp(self) -> None:
        """
        A peer in the groups 7 and 8.
        """
        self.connection = Connection()
        self.addCleanup(self.connection.close)
        self.connection.groups = (7, 8)

    def admits(self, admission: Admission, uid: int, gid: int = 99) -> bool:
        """
        @return: whether a peer may come in.
        """
        return admission.admits(self.connection, Credentials(1, uid, gid))

    def test_ours(self) -> None:
        """
        A server lets its own user in.
        """
        admission = Admission.ours(5)
        self.assertEqual(admission, Admission(os.geteuid(), 5))

    def test_users(self) -> None:
        """
        Root and the server's user come in, and nobody else.
        """
        admission = Admission(1000)
        self.assertEqual(
            [self.admits(admission, uid) for uid in (0, 1000, 1001)],
            [True, True, False],
        )

    def test_group(self) -> None:
        """
        Members of the group come in, by their own group or by another of theirs.
        """
        for gid in (99, 7, 8):
            self.assertTrue(self.admits(Admission(1000, gid), 1001))
        self.assertFalse(self.admits(Admission(1000, 9), 1001))

    def test_rootsGroup(self) -> None:
        """
        Root's group is a group like others: without it being named it opens nothing.
        """
        self.assertFalse(self.admits(Admission(1000), 1001, 0))
        self.assertTrue(self.admits(Admission(1000, 0), 1001, 0))
