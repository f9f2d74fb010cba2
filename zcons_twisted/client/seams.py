# -*- test-case-name: zcons_twisted.test.test_client_session -*-
"""
What a session is put together from.
"""

from __future__ import annotations

from typing import Protocol

from .errors import AttachError
from .happenings import Welcome
from .speech import Speech

__all__ = ["Connection", "Greeting"]


class Connection(Protocol):
    """
    What a session needs of a transport.
    """

    def greet(self, hello: bytes) -> None:
        """
        Send the first bytes.  What the server said before it closed is received, even
        if it closed before it had them.
        """

    def send(self, data: bytes) -> None:
        """
        Send bytes, now or when there is room.
        """

    def pauseReading(self) -> None:
        """
        Read no more from the server.
        """

    def resumeReading(self) -> None:
        """
        Read again from the server.
        """

    def finish(self) -> None:
        """
        Close when everything has been sent.
        """

    def abort(self) -> None:
        """
        Close at once.
        """


class Greeting(Protocol):
    """
    How a session begins.
    """

    @property
    def hello(self) -> bytes:
        """
        The bytes to send first.
        """

    @property
    def speech(self) -> Speech:
        """
        Once we are let in, how it goes on.
        """

    @property
    def welcome(self) -> Welcome | None:
        """
        Once we are let in, how things stand, where that was told.
        """

    def feed(self, data: bytes) -> bytes | None:
        """
        Take what the server sent.

        @return: once we are let in, what came after; until then L{None}.
        @raise AttachError: we are not let in.
        """

    def end(self) -> AttachError:
        """
        The server sends no more: what that means.
        """
