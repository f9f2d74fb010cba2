# -*- test-case-name: zcons_twisted.test.test_client_streams -*-
"""
The user's input and output in a reactor.

Output is written at once as far as it goes, and the rest when there is room;
whoever writes is told when to pause.  So a terminal that was stopped with C{^S}
stops the session, and through it the zone, and nothing else: signals and the way
out still work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor, IWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from .descriptors import Descriptor

__all__ = ["HIGH_WATER", "FDReactor", "InputStream", "OutputStream"]

#: Unwritten output from which on whoever writes should pause.
HIGH_WATER = 65536


class FDReactor(Protocol):
    """
    What is needed of a reactor: C{IReactorFDSet} has it.
    """

    def addReader(self, reader: IReadDescriptor) -> None:
        """
        As in C{IReactorFDSet}; so the next three.
        """

    def removeReader(self, reader: IReadDescriptor) -> None:
        """
        Stop reading.
        """

    def addWriter(self, writer: IWriteDescriptor) -> None:
        """
        Start writing.
        """

    def removeWriter(self, writer: IWriteDescriptor) -> None:
        """
        Stop writing.
        """


@implementer(IReadDescriptor)
class InputStream:
    """
    What the user types, or what is piped in.
    """

    def __init__(
        self,
        reactor: FDReactor,
        descriptor: Descriptor,
        onInput: Callable[[bytes], None],
        onEnd: Callable[[], None],
    ) -> None:
        """
        @param reactor: what waits for input.
        @param descriptor: where it comes from.
        @param onInput: called with it, as it comes.
        @param onEnd: called once when there is no more, for whatever reason.
        """
        self._reactor = reactor
        self._descriptor = descriptor
        self._onInput = onInput
        self._onEnd = onEnd
        self._closed = False

    def resume(self) -> None:
        """
        Read, or read again.
        """
        if not self._closed:
            self._reactor.addReader(self)

    def pause(self) -> None:
        """
        Leave the rest where it is for now.
        """
        self._reactor.removeReader(self)

    def close(self) -> None:
        """
        Read no more.
        """
        if not self._closed:
            self._closed = True
            self._reactor.removeReader(self)
            self._descriptor.close()

    def fileno(self) -> int:
        """
        For the reactor.
        """
        return -1 if self._closed else self._descriptor.fileno()

    def logPrefix(self) -> str:
        """
        For the log.
        """
        return "input"

    def doRead(self) -> None:
        """
        There is something to read, or it ended.
        """
        try:
            data = self._descriptor.read()
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            # A terminal that hung up says EIO.
            data = b""
        if data:
            self._onInput(data)
        else:
            self._ended()

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor gave it up: a hang-up with nothing left to read.
        """
        self._ended()

    def _ended(self) -> None:
        if not self._closed:
            self.close()
            self._onEnd()


@implementer(IWriteDescriptor)
class OutputStream:
    """
    What the user sees.
    """

    def __init__(
        self,
        reactor: FDReactor,
        descriptor: Descriptor,
        onRoom: Callable[[], None],
        onError: Callable[[OSError], None],
    ) -> None:
        """
        @param reactor: what waits for room.
        @param descriptor: where it goes.
        @param onRoom: called when writing may go on after L{write} said no.
        @param onError: called once when nobody takes it any more.
        """
        self._reactor = reactor
        self._descriptor = descriptor
        self._onRoom = onRoom
        self._onError = onError
        self._waiting = bytearray()
        self._full = False
        self._closed = False
        self._drained: list[Deferred[None]] = []

    def write(self, data: bytes) -> bool:
        """
        Write.

        @return: whether to go on; if not, wait for C{onRoom}.
        """
        if self._closed:
            return True
        if not self._waiting and self._descriptor.eager:
            data = data[self._some(data) :]
        if data and not self._closed:
            if not self._waiting:
                self._reactor.addWriter(self)
            self._waiting += data
            self._full = len(self._waiting) >= HIGH_WATER
        return not self._full

    def whenDrained(self) -> Deferred[None]:
        """
        Fires when everything has been written, or can't be any more.
        """
        drained: Deferred[None] = Deferred()
        if self._waiting:
            self._drained.append(drained)
        else:
            drained.callback(None)
        return drained

    def abandon(self) -> None:
        """
        Drop what could not be written yet.
        """
        if self._waiting:
            self._waiting.clear()
            self._reactor.removeWriter(self)
        self._full = False
        drained, self._drained = self._drained, []
        for one in drained:
            one.callback(None)

    def close(self) -> None:
        """
        Write no more.
        """
        if not self._closed:
            self._closed = True
            self.abandon()
            self._descriptor.close()

    def fileno(self) -> int:
        """
        For the reactor.
        """
        return -1 if self._closed else self._descriptor.fileno()

    def logPrefix(self) -> str:
        """
        For the log.
        """
        return "output"

    def doWrite(self) -> None:
        """
        There is room.
        """
        del self._waiting[: self._some(bytes(self._waiting))]
        if self._closed:
            return
        if self._full and len(self._waiting) < HIGH_WATER // 2:
            self._full = False
            self._onRoom()
        if not self._waiting:
            self._reactor.removeWriter(self)
            self.abandon()

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor gave it up: a hang-up, or a pipe that nobody reads.
        """
        self._failed(BrokenPipeError())

    def _some(self, data: bytes) -> int:
        try:
            return self._descriptor.write(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as e:
            self._failed(e)
            return 0

    def _failed(self, error: OSError) -> None:
        if not self._closed:
            self.close()
            self._onError(error)
