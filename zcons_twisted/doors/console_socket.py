# -*- test-case-name: zcons_twisted.test.test_console_socket -*-
"""
The console socket: a peer connects, says who it is, and is seated or refused.

Handshakes are asynchronous: a peer that says nothing, or little, or nonsense,
costs nobody else anything.
"""

from __future__ import annotations

import socket

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from ..console import Console
from ..credentials import Admission, Credentials, peerCredentials
from ..errors import BadIdent
from ..handshakes import PendingHandshakes
from ..ident import OK, Ident, LineReader, busyReply, parseIdent
from ..locales import CATALOGUES, Catalogues
from ..reactors import DescriptorReactor
from ..sessions import EndReason, LegacySession
from .listening import Listener, bindSocket
from .peer import PeerSocket

__all__ = ["ConsoleSocket"]


class ConsoleSocket:
    """
    The door that sessions come in by.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: DescriptorReactor,
        console: Console,
        admission: Admission,
        handshakes: PendingHandshakes,
        catalogues: Catalogues = CATALOGUES,
    ) -> None:
        """
        @param reactor: provides descriptors and time.
        @param console: seats those who come.
        @param admission: who may come in.
        @param handshakes: counts those who have not said who they are.
        @param catalogues: what notices are translated by.
        """
        self.reactor = reactor
        self.console = console
        self.handshakes = handshakes
        self.catalogues = catalogues
        self._admission = admission
        self._listener: Listener | None = None
        self._peers: dict[PeerSocket, _Handshake] = {}
        self._stopping: list[Deferred[None]] = []

    def start(self, path: str) -> None:
        """
        Listen.

        @raise ZoneServed: a live server listens there.
        @raise RunDirectoryError: the socket can't be made.
        """
        listening = bindSocket(path, self.console.zone, self._admission.gid)
        self._listener = Listener(self.reactor, path, listening, self.accepted)

    def stop(self, text: str) -> Deferred[None]:
        """
        Listen no more and end everybody.

        @param text: why, in one line.
        @return: fires when every connection is closed.
        """
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for peer, handshake in list(self._peers.items()):
            if not handshake.over:
                handshake.over = True
                self.handshakes.done(handshake)
                peer.close()
        self.console.detach(EndReason.SERVER_STOPPING, text)
        if not self._peers:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._stopping.append(done)
        return done

    def accepted(self, connection: socket.socket) -> None:
        """
        Somebody has connected.

        @param connection: theirs, not blocking.
        """
        try:
            who = peerCredentials(connection)
        except OSError:
            connection.close()
            raise
        if not self._admission.admits(connection, who):
            self._log.warn(
                "{zone}: {who} is not admitted", zone=self.console.zone, who=who
            )
            connection.close()
            return
        peer = PeerSocket(self.reactor, connection)
        handshake = _Handshake(self, peer, who)
        self._peers[peer] = handshake
        peer.whenClosed(self._closed)
        self.handshakes.begin(handshake)
        peer.start(handshake)

    def _closed(self, peer: PeerSocket) -> None:
        del self._peers[peer]
        while self._stopping and not self._peers:
            self._stopping.pop().callback(None)


class _Handshake:
    """
    A peer that has not said who it is.

    @ivar over: it has, or has been closed.
    """

    _log = Logger()

    def __init__(self, door: ConsoleSocket, peer: PeerSocket, who: Credentials) -> None:
        self.over = False
        self.uid = who.uid
        self._door = door
        self._peer = peer
        self._who = who
        self._reader = LineReader()

    def received(self, data: bytes) -> None:
        """
        A piece of the first line, and perhaps what follows it.
        """
        try:
            found = self._reader.feed(data)
        except BadIdent as e:
            self._refuse(str(e))
            return
        if found is not None:
            self._answer(*found)

    def halfClosed(self) -> None:
        """
        The line ended without its newline.  Where nobody is attached it counts if
        it is whole, as the C program has it; else there is nothing to say.
        """
        line = self._reader.end()
        if line and self._door.console.holder() is None:
            seated = self._answer(line, b"")
            if seated is not None:
                seated.halfClosed()
        else:
            self._refuse("no newline in its first line")

    def writable(self) -> None:
        """
        Nothing waits to be sent before a session begins.
        """

    def vanished(self) -> None:
        """
        Only a session is ever paused.
        """

    def lost(self, why: str) -> None:
        """
        It went away without a word.
        """
        self._finish()

    def giveUp(self, why: str) -> None:
        """
        It took too long, or there are too many.
        """
        self._refuse(why)

    def _answer(self, line: bytes, rest: bytes) -> _SessionPeer | None:
        console = self._door.console
        holder = console.holder()
        if holder is not None:
            # Whatever the line says: the C program does not look at it either.
            self._finish()
            self._peer.close(busyReply(holder.who.pid))
            console.refuse(self._who, holder)
            return None
        try:
            ident = parseIdent(line)
        except BadIdent as e:
            self._refuse(str(e))
            return None
        if console.dying:
            self._refuse("the console ends")
            return None
        self._finish()
        return self._seat(ident, rest)

    def _seat(self, ident: Ident, rest: bytes) -> _SessionPeer:
        console = self._door.console
        session = LegacySession(
            self._door.reactor,
            self._peer,
            self._who,
            ident,
            self._door.catalogues.language(ident.locale),
            console.now(),
        )
        console.attach(session)
        seated = _SessionPeer(console, session)
        self._peer.receiver = seated
        session.outlet.write(OK)
        console.seated(session)
        if rest:
            seated.received(rest)
        return seated

    def _refuse(self, why: str) -> None:
        self._finish()
        self._door.console.counters.malformed += 1
        self._log.info(
            "{zone}: {who} refused: {why}",
            zone=self._door.console.zone,
            who=self._who,
            why=why,
        )
        self._peer.close()

    def _finish(self) -> None:
        self.over = True
        self._door.handshakes.done(self)


class _SessionPeer:
    """
    A peer that is seated.
    """

    def __init__(self, console: Console, session: LegacySession) -> None:
        self._console = console
        self._session = session
        self.writable = session.outlet.writable

    def received(self, data: bytes) -> None:
        """
        It typed.
        """
        self._console.typed(self._session, data)

    def halfClosed(self) -> None:
        """
        It types no more.
        """
        self._console.halfClosed(self._session)

    def vanished(self) -> None:
        """
        It has gone, and what it typed last waits.
        """
        self._console.vanished(self._session)

    def lost(self, why: str) -> None:
        """
        It has gone.
        """
        if why:
            self._console.gone(self._session, EndReason.LOST, f"connection lost: {why}")
        else:
            self._console.gone(self._session, EndReason.LEFT, "the client left")
