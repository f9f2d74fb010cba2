# -*- test-case-name: zcons_twisted.test.test_client_handshake -*-
"""
What can go wrong for a client, each told to a person in one line.
"""

from __future__ import annotations

from zcons_twisted.errors import ZConsError

__all__ = [
    "AttachError",
    "BadCommandCharacter",
    "CantBeTyped",
    "CommandError",
    "ConsoleInUse",
    "CouldNotConnect",
    "HandshakeFailed",
    "NotSeated",
    "NotSpoken",
    "NotStructured",
    "OnlyOperators",
]


class AttachError(ZConsError):
    """
    A client could not be seated at a zone's console.
    """


class CouldNotConnect(AttachError):
    """
    There is nobody at a zone's socket, or none who lets us in.

    @ivar number: the C{errno} that says why.
    @ivar process: the zone's, where it runs on without its server; else 0.
    """

    def __init__(self, message: str, number: int, process: int = 0) -> None:
        super().__init__(message)
        self.number = number
        self.process = process


class ConsoleInUse(AttachError):
    """
    The operator's seat is taken.

    @ivar holder: the pid of the operator, in digits.
    """

    def __init__(self, holder: str) -> None:
        super().__init__(f"Console is already in use by process ID {holder}.")
        self.holder = holder


class HandshakeFailed(AttachError):
    """
    The server's reply is none that the protocol knows, or there was none.
    """


class NotSpoken(HandshakeFailed):
    """
    The server closed the connection without a byte, as those do that know no
    structured sessions; but not only those.
    """


class OnlyOperators(AttachError):
    """
    The server knows only operators, so nobody can watch there or take over.
    """

    def __init__(self, more: str = "") -> None:
        super().__init__(f"the server of this zone knows only operators{more}")


class NotStructured(ZConsError):
    """
    Something was asked of a session that only a structured one can do.
    """


class NotSeated(ZConsError):
    """
    Something was written to a session that has no seat yet.
    """


class CommandError(ZConsError):
    """
    A command of the control door was refused, or could not be asked.

    @ivar process: as that of L{CouldNotConnect}.
    """

    def __init__(self, message: str, process: int = 0) -> None:
        super().__init__(message)
        self.process = process


class BadCommandCharacter(ZConsError):
    """
    The argument of C{-e} names no character.
    """


class CantBeTyped(ZConsError):
    """
    What is to be typed can't be had.
    """
