# -*- test-case-name: zcons_twisted.test.test_peer -*-
"""
One accepted connection of a console socket.

Twisted's own transport is not used here because a keystroke would cost twice
the system calls: it takes descriptors with each receive, which nobody passes to a
console, and queues what could be sent at once.  This one receives plainly, sends at
once, and asks for the write side only when something did not fit.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from twisted.internet.interfaces import (
    IDelayedCall,
    IReadDescriptor,
    IWriteDescriptor,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from ..hangup import Watch, watchHangup
from ..reactors import DescriptorReactor
from ..urgency import Urgency
from .far_end import receives, sendsNoMore
from .farewell import Farewell, sendWhatFits
from .receiver import PeerReceiver
from .unread import PeerQueue

__all__ = ["PeerReceiver", "PeerSocket"]

_RECEIVE_MAX = 64 * 1024
#: Most bytes taken from a peer that is being closed.
_DRAIN_MAX = 512 * 1024


@implementer(IReadDescriptor, IWriteDescriptor)
class PeerSocket:
    """
    A connection; also a L{SessionLink<zcons_twisted.sessions.SessionLink>}.
    """

    receiver: PeerReceiver

    def __init__(
        self,
        reactor: DescriptorReactor,
        connection: socket.socket,
        urgency: Urgency | None = None,
    ) -> None:
        """
        @param reactor: provides descriptors and time.
        @param connection: the accepted socket, not blocking; closed by us.
        @param urgency: all that is interactive in the server.
        """
        self._urgency = urgency or Urgency()
        self._reactor = reactor
        self._socket = connection
        self._fd = connection.fileno()
        self._receive = connection.recv
        self._send = connection.send
        self._listening = False
        self._writing = False
        self._paused = False
        self._ended = False
        self._dead = False
        self._over = False
        self._closed = False
        self._breath: IDelayedCall | None = None
        self._returned = b""
        self._hangup: Watch | None = None
        self._queue: PeerQueue | None = None
        self._onClosed: list[Callable[[PeerSocket], None]] = []

    def receiveNow(self) -> bytes | None:
        """
        What the peer has sent already, before L{start}.

        @return: L{None} where it has sent nothing yet; empty where it sends no more.
        @raise OSError: the connection is broken.
        """
        try:
            return self._receive(_RECEIVE_MAX)
        except BlockingIOError:
            return None

    def start(self, receiver: PeerReceiver) -> None:
        """
        Listen to the peer, and tell C{receiver} from now on.
        """
        self.receiver = receiver
        if not (self._listening or self._paused or self._ended):
            self._listen()

    def giveBack(self, data: bytes) -> None:
        """
        Somebody else received this: the receiver gets it before anything else, as soon
        as it takes something.
        """
        if self._paused:
            self._returned = data
        else:
            self.receiver.received(data)

    # As a link.

    def sendNow(self, data: bytes | memoryview) -> int:
        """
        Send what can be sent without waiting.

        @return: how many bytes were taken; all of them where nobody receives any
            more.  That the peer has gone is told by the receiving side, behind
            all that it had sent.
        """
        try:
            return self._send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)

    def wantWritable(self) -> None:
        """
        Ask for one call of the receiver's C{writable}.
        """
        if not self._over:
            self._write(True)

    def pauseReading(self) -> None:
        """
        Take nothing more from the peer for now.
        """
        self._paused = True
        if not (self._ended or self._over):
            self._listenNoMore()
            self._watch()

    def resumeReading(self) -> None:
        """
        Take what the peer sends again.
        """
        if not self._paused:
            return
        self._paused = False
        if not (self._ended or self._over):
            self._watchNoMore()
            self._listen()
        if self._returned:
            self.breathe()

    def breathe(self) -> None:
        """
        Take nothing more until the reactor has turned; then the receiver gets what was
        given back, or an empty C{received}, before anything else.
        """
        if self._breath is None and not self._over:
            self._breath = self._reactor.callLater(0, self._breathed)
            self._listenNoMore()

    def alive(self) -> bool:
        """
        Is there still somebody who receives?  Sends nothing, which fails all the
        same where nobody does.
        """
        return receives(self._socket)

    def unread(self) -> int | None:
        """
        Bytes that were sent and that the peer has not read yet, or L{None} where the
        kernel does not tell.
        """
        if self._queue is None:
            self._queue = PeerQueue(self._fd)
        return self._queue.unread()

    def sendsNoMore(self) -> bool:
        """
        Has the peer closed its sending side, or gone?
        """
        return self._ended or self._over or sendsNoMore(self._socket)

    def drain(self) -> bytes:
        """
        What the peer had sent and nobody has taken yet.
        """
        chunks, size = [self._returned], 0
        self._returned = b""
        while not self._ended and size < _DRAIN_MAX:
            try:
                data = self._receive(_RECEIVE_MAX)
            except OSError:
                break
            if not data:
                break
            chunks.append(data)
            size += len(data)
        return b"".join(chunks)

    def close(self, rest: bytes = b"", patient: bool = False) -> None:
        """
        Send the rest, within L{LINGER_SECONDS
        <zcons_twisted.doors.farewell.LINGER_SECONDS>}, and close.  The receiver hears
        nothing more.

        @param patient: whether the peer is waited for, as long, until it has read that.
        """
        if self._over:
            return
        self._over = True
        self._stopBreath()
        self._listenNoMore()
        self._watchNoMore()
        self._write(False)
        left = sendWhatFits(self._socket, rest)
        if left or patient:
            Farewell(self._reactor, self._socket, left, self._shut, patient)
        else:
            self._shut()

    def whenClosed(self, closed: Callable[[PeerSocket], None]) -> None:
        """
        Have C{closed} called with this connection when its descriptor is closed.
        """
        self._onClosed.append(closed)

    # As a descriptor.

    def fileno(self) -> int:
        """
        The descriptor.  It is told even when it is closed, where a reactor is used
        to -1: a reactor that finds -1 searches all it has for us, and we have taken
        ourselves out already.
        """
        return self._fd

    def logPrefix(self) -> str:
        """
        What the reactor calls us in its log.
        """
        return "console peer"

    def doRead(self) -> None:
        """
        The reactor says that there is something to receive.
        """
        try:
            data = self._receive(_RECEIVE_MAX)
        except BlockingIOError:
            return
        except OSError as e:
            self._break(e.strerror or str(e))
            return
        if data:
            self.receiver.received(data)
        else:
            self._receiveEnd()

    def doWrite(self) -> None:
        """
        The reactor says that more can be sent.
        """
        # It may have found that with something to receive, which ended the session.
        if not self._over:
            self._write(False)
            self.receiver.writable()

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor says that the connection is over.
        """
        if not self._paused:
            self._break("" if self._ended else reason.getErrorMessage())
        # Else what the peer had sent is still to be taken; then this comes again.

    # Inside.

    def _receiveEnd(self) -> None:
        """
        The peer sends no more.  A peer that has gone altogether fails to receive an
        empty message; one that has closed only its sending side does not.
        """
        self._ended = True
        self._listenNoMore()
        self._dead = not self.alive()
        if not self._dead:
            self._watch()
            self.receiver.halfClosed()
        else:
            self._break("")

    def _breathed(self) -> None:
        self._breath = None
        if not (self._paused or self._ended):
            self._listen()
        data = b""
        if not self._paused:
            data, self._returned = self._returned, data
        self.receiver.received(data)

    def _listen(self) -> None:
        if self._breath is None:
            self._listening = True
            self._reactor.addReader(self)
            self._urgency.add(self._fd)

    def _listenNoMore(self) -> None:
        if self._listening:
            self._listening = False
            self._reactor.removeReader(self)
            self._urgency.remove(self._fd)

    def _write(self, wanted: bool) -> None:
        """
        Ask for the write side, or no more.
        """
        if wanted != self._writing:
            self._writing = wanted
            if wanted:
                self._reactor.addWriter(self)
            else:
                self._reactor.removeWriter(self)

    def _watch(self) -> None:
        if self._hangup is None:
            self._hangup = watchHangup(
                self._reactor, self._fd, self._hungUp, self.alive
            )

    def _watchNoMore(self) -> None:
        if self._hangup is not None:
            self._hangup.stop()
            self._hangup = None

    def _hungUp(self) -> None:
        self._hangup = None
        if self._ended:
            self._break("")
        else:
            self.receiver.vanished()

    def _break(self, why: str) -> None:
        if self._over:
            return
        self._over = True
        self._stopBreath()
        self._shut()
        self.receiver.lost(why)

    def _stopBreath(self) -> None:
        if self._breath is not None:
            self._breath.cancel()
            self._breath = None

    def _shut(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._watchNoMore()
        self._listenNoMore()
        self._write(False)
        if not self._dead:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                # The peer was faster.
                pass
            # What is left unread would make the peer see a reset instead of an end.
            self.drain()
        self._socket.close()
        closed, self._onClosed = self._onClosed, []
        for call in closed:
            call(self)
