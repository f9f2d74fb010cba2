# -*- test-case-name: zcons_twisted.test.test_client_sending -*-
"""
C{zconsole send}: type something at a zone's console, and go.

Whoever sits there is not disturbed: then it is refused.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred

from zcons_twisted.errors import RunDirectoryError
from zcons_twisted.frames import Attach
from zcons_twisted.notices import escaped, unconfirmedText

from .ears import Ears
from .endings import ExitStatus, told
from .errors import AttachError, ConsoleInUse, CouldNotConnect
from .happenings import Answer, End, EndCause, Happening, Unconfirmed
from .lasting import Lasting
from .looking import Looker, Looking
from .seated import whoSits
from .times import SEND_SECONDS

__all__ = ["Sending", "Typing"]


class Typing(Looking):
    """
    What commands have in common that type for a script, and end by themselves or when
    their time is over.
    """

    def __init__(
        self, looker: Looker, zone: str, asked: Attach, seconds: float
    ) -> None:
        """
        @param zone: at whose console.
        @param asked: what to ask for when it begins.
        @param seconds: how long it may take.
        """
        super().__init__(looker)
        self.zone = zone
        self._seconds = seconds
        self._answers = False
        self.session = Lasting(
            looker.reactor,
            looker.rundir,
            zone,
            asked,
            Ears(self.heard, self.happened, lambda: None, self.again),
            looker.opener,
        )
        self.sessions.append(self.session)

    def begin(self) -> None:
        """
        Attach.
        """
        self._late = self.looker.reactor.callLater(self._seconds, self._tooLate)
        self._attaching = Deferred.fromCoroutine(self._attach())

    async def run(self) -> int:
        """
        Do it, and come back when it is over.
        """
        status = await super().run()
        if self._late.active():
            self._late.cancel()
        self._attaching.cancel()
        return status

    async def _attach(self) -> None:
        looker = self.looker
        try:
            await self.session.attach()
        except CancelledError:
            return
        except CouldNotConnect as e:
            self.fail(f"Could not connect to zone console: {e}")
        except ConsoleInUse as e:
            looker.say(str(e))
            hint = whoSits(looker.reactor, looker.rundir, self.zone, looker.opener)
            self.fail(await hint)
        except (AttachError, RunDirectoryError) as e:
            self.fail(str(e))
        else:
            self._answers = True
            self.session.whenEnded().addCallback(self._ended)
            self.seated()

    def seated(self) -> None:
        """
        It is attached.
        """
        raise NotImplementedError

    def late(self) -> None:
        """
        It took too long.
        """
        raise NotImplementedError

    def heard(self, data: bytes) -> None:
        """
        The zone printed something.
        """

    def happened(self, happening: Happening) -> None:
        """
        Something else is told.
        """
        if isinstance(happening, Answer) and not happening.ok:
            self.fail(escaped(happening.text))

    def again(self) -> None:
        """
        The connection was lost, and there is one again.
        """

    def ended(self, end: End) -> None:
        """
        The server ended it.
        """
        self.fail(told(end).text, ExitStatus.SERVER_ENDED)

    def fail(self, text: str, status: int = ExitStatus.FAILED) -> None:
        """
        It can't be done.
        """
        if not self.isOver:
            self.looker.say(text)
            self.finish(status)

    def _tooLate(self) -> None:
        if self._answers:
            self.late()
        else:
            text = f"the server did not answer within {self._seconds:g} s"
            self.fail(text, ExitStatus.TIMED_OUT)

    def _ended(self, end: End) -> None:
        if end.cause is not EndCause.OURS and not self.isOver:
            self.ended(end)


class Sending(Typing):
    """
    One run of it.
    """

    def __init__(
        self, looker: Looker, zone: str, text: bytes, seconds: float = SEND_SECONDS
    ) -> None:
        """
        @param text: what to type.
        """
        super().__init__(
            looker, zone, Attach("operator", locale=looker.locale), seconds
        )
        self._text = text

    def seated(self) -> None:
        """
        Type, and hear whether it could be typed.
        """
        self.session.write(self._text)
        self.session.deliver()
        if self.session.structured:
            self.again()
        else:
            self.session.leave()
            self.session.whenEnded().addCallback(lambda end: self._sent())

    def again(self) -> None:
        """
        What was typed has come there when the server has answered what comes after it.
        """
        self.session.ping().addCallback(self._answered)

    def happened(self, happening: Happening) -> None:
        """
        What may be lost is not done, and is not typed again: it may be there.
        """
        super().happened(happening)
        if isinstance(happening, Unconfirmed):
            self.fail(unconfirmedText(happening.typed), ExitStatus.SERVER_ENDED)

    def late(self) -> None:
        """
        The zone does not read what others have typed before.
        """
        text = f"the zone had no room for what was typed within {self._seconds:g} s"
        self.fail(text, ExitStatus.TIMED_OUT)

    def _answered(self, answer: Answer) -> None:
        if answer.ok:
            self._sent()

    def _sent(self) -> None:
        # What was refused was told before.
        if not self.isOver:
            self.finish(ExitStatus.DONE)
