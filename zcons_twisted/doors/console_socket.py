# -*- test-case-name: zcons_twisted.test.test_console_socket -*-
"""
The console socket: a peer connects, says who it is, and is seated or refused.

Handshakes are asynchronous: a peer that says nothing, or little, or nonsense,
costs nobody else anything.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace

from twisted.internet.defer import Deferred, succeed

from ..answers import accepted, refused, startOffset
from ..console import SESSIONS_KEPT, SESSIONS_MAX, Console
from ..credentials import Admission, Credentials, peerCredentials
from ..errors import BadIdent
from ..frames import BadFrame, isAttach, parseAttach
from ..handshakes import PendingHandshakes
from ..ident import OK, LineReader, busyReply, parseIdent
from ..locales import CATALOGUES, Catalogues
from ..reactors import DescriptorReactor
from ..sessions import EndReason, LegacyVoice, Peer, Session
from ..structured import StructuredSession
from ..urgency import Urgency
from .listening import ListeningDoor
from .peer import PeerSocket

__all__ = ["ConsoleSocket"]


class ConsoleSocket(ListeningDoor):
    """
    The door that sessions come in by.
    """

    def __init__(
        self,
        reactor: DescriptorReactor,
        console: Console,
        admission: Admission,
        handshakes: PendingHandshakes,
        urgency: Urgency | None = None,
        catalogues: Catalogues = CATALOGUES,
        standing: Callable[[], str] = str,
    ) -> None:
        """
        @param reactor: provides descriptors and time.
        @param console: seats those who come.
        @param admission: who may come in.
        @param handshakes: counts those who have not said who they are.
        @param urgency: all that is interactive in the server.
        @param catalogues: what notices are translated by.
        @param standing: what a newcomer has to know of the zone, in one line.
        """
        super().__init__(reactor, console.zone, admission.gid)
        self.reactor = reactor
        self.console = console
        self.handshakes = handshakes
        self.catalogues = catalogues
        self.standing = standing
        self._urgency = urgency
        self._admission = admission
        self._peers: dict[PeerSocket, _Handshake] = {}
        self._stopping: list[Deferred[None]] = []

    def stop(self, text: str) -> Deferred[None]:
        """
        Listen no more and end everybody.

        @param text: why, in one line.
        @return: fires when every connection is closed.
        """
        self.listenNoMore()
        for peer, handshake in list(self._peers.items()):
            if not handshake.over:
                handshake.over = True
                self.handshakes.done(handshake)
                peer.close()
        self.console.endAll(EndReason.SERVER_STOPPING, text)
        if not self._peers:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._stopping.append(done)
        return done

    def accepted(self, connection: socket.socket) -> None:
        """
        See L{ListeningDoor}.
        """
        try:
            who = peerCredentials(connection)
        except OSError:
            connection.close()
            raise
        if not self._admission.admits(connection, who):
            self.console.logbook.notAdmitted(who)
            connection.close()
            return
        peer = PeerSocket(self.reactor, connection, self._urgency)
        handshake = _Handshake(self, peer, who)
        self._peers[peer] = handshake
        peer.whenClosed(self._closed)
        # A client sends its line at once: as a rule it is there already, and then the
        # handshake never was pending.
        try:
            data = peer.receiveNow()
        except OSError:
            peer.close()
            return
        if data:
            handshake.received(data)
        if not handshake.over:
            self.handshakes.begin(handshake)
            peer.start(handshake)

    def full(self, who: Credentials) -> str:
        """
        Why there is no room for one more session, or C{""}.  Those that have closed
        their sending side stay: they count as well.
        """
        kept = 0 if self._admission.owns(who) else SESSIONS_KEPT
        most = SESSIONS_MAX - kept
        if len(self.console.sessions) < most:
            return ""
        return f"there are {most} sessions already"

    def _closed(self, peer: PeerSocket) -> None:
        del self._peers[peer]
        while self._stopping and not self._peers:
            self._stopping.pop().callback(None)


class _Handshake:
    """
    A peer that has not said who it is.

    @ivar over: it has, or has been closed.
    """

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
        if line and self._door.console.seat.holder() is None and not isAttach(line):
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

    def _answer(self, line: bytes, rest: bytes) -> Session | None:
        if isAttach(line):
            return self._attach(line, rest)
        console = self._door.console
        holder = console.seat.holder()
        if holder is not None:
            # Whatever the line says: the C program does not look at it either.
            self._finish()
            self._peer.close(busyReply(holder.peer.who.pid))
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
        full = self._door.full(self._who)
        if full:
            self._refuse(full)
            return None
        language = self._door.catalogues.language(ident.locale)
        session = Session(
            self._door.reactor,
            self._peer,
            console,
            console.history,
            LegacyVoice(language, ident.disconnect),
            self._whose(ident.pid, ident.locale, ident.disconnect),
        )
        return self._seat(session, OK, rest)

    def _attach(self, line: bytes, rest: bytes) -> Session | None:
        """
        A structured session is asked for.
        """
        console = self._door.console
        holder = console.seat.holder()
        try:
            attach = parseAttach(line)
        except BadFrame as e:
            self._refuse(str(e), refused("malformed", str(e)))
            return None
        if attach.disconnect and console.presence.isOver():
            # It is let in to be told so; it takes nobody's seat for that.
            attach = replace(attach, role="watch")
        if console.dying:
            why = "the console ends"
            self._refuse(why, refused("server-stopping", why))
        elif attach.role == "operator" and holder is not None:
            self._finish()
            text = f"{holder.peer.who} has the operator's seat"
            self._peer.close(refused("busy", text, holder))
            console.refuse(self._who, holder)
        elif full := self._door.full(self._who):
            self._refuse(full, refused("full", full))
        else:
            start = startOffset(console.history, attach)
            session = StructuredSession(
                self._door.reactor,
                self._peer,
                console,
                self._door.catalogues.language(attach.locale),
                self._whose(None, attach.locale, attach.disconnect),
                attach,
                start,
            )
            answer = accepted(console, session, start, self._door.standing())
            return self._seat(session, answer, rest)
        return None

    def _whose(self, told: int | None, locale: str, disconnect: bool) -> Peer:
        return Peer(self._who, told, locale, disconnect, self._door.console.now())

    def _seat(self, session: Session, answer: bytes, rest: bytes) -> Session:
        self._finish()
        console = self._door.console
        console.attach(session)
        session.follower.say(answer)
        self._peer.start(session)
        console.attached(session)
        if rest:
            self._peer.giveBack(rest)
        return session

    def _refuse(self, why: str, answer: bytes = b"") -> None:
        self._finish()
        console = self._door.console
        console.counters.malformed += 1
        console.logbook.malformed(self._who, why)
        self._peer.close(answer)

    def _finish(self) -> None:
        self.over = True
        self._door.handshakes.done(self)
