# -*- test-case-name: zcons_twisted.test -*-
"""
The client: the C{zconsole} command, and sessions for programs of one's own.

A program takes one of the two adapters, L{zcons_twisted.client.tx} for Twisted or
L{zcons_twisted.client.aio} for asyncio, and calls its C{attach}; both give a
L{ConsoleSession}.  Neither is imported here, so that a program pays for its own
framework only.
"""

from __future__ import annotations

from .errors import (
    AttachError,
    ConsoleInUse,
    CouldNotConnect,
    HandshakeFailed,
    NotSeated,
)
from .escapes import EscapeMachine
from .handshake import Handshake
from .session import Connection, ConsoleSession, End, EndCause

__all__ = [
    "AttachError",
    "Connection",
    "ConsoleInUse",
    "ConsoleSession",
    "CouldNotConnect",
    "End",
    "EndCause",
    "EscapeMachine",
    "Handshake",
    "HandshakeFailed",
    "NotSeated",
]
