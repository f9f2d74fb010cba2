# -*- test-case-name: zcons_twisted.test -*-
"""
The client: the C{zconsole} command, and sessions for programs of one's own.

A program takes one of the two adapters, L{zcons_twisted.client.tx} for Twisted or
L{zcons_twisted.client.aio} for asyncio, and calls its C{attach}; both give a
L{ConsoleSession}.  Neither is imported here, so that a program pays for its own
framework only.
"""

from __future__ import annotations

from zcons_twisted.frames import Attach

from .errors import (
    AttachError,
    ConsoleInUse,
    CouldNotConnect,
    HandshakeFailed,
    NotSeated,
    NotSpoken,
    NotStructured,
    OnlyOperators,
)
from .escapes import EscapeMachine
from .greeting import StructuredHandshake
from .handshake import Handshake
from .happenings import (
    Answer,
    End,
    EndCause,
    Gap,
    Happening,
    Notice,
    Operator,
    Pong,
    SeatChange,
    Welcome,
)
from .seams import Connection, Greeting
from .session import ConsoleSession

__all__ = [
    "Answer",
    "Attach",
    "AttachError",
    "Connection",
    "ConsoleInUse",
    "ConsoleSession",
    "CouldNotConnect",
    "End",
    "EndCause",
    "EscapeMachine",
    "Gap",
    "Greeting",
    "Handshake",
    "HandshakeFailed",
    "Happening",
    "NotSeated",
    "NotSpoken",
    "NotStructured",
    "Notice",
    "OnlyOperators",
    "Operator",
    "Pong",
    "SeatChange",
    "StructuredHandshake",
    "Welcome",
]
