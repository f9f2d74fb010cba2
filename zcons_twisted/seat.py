# -*- test-case-name: zcons_twisted.test.test_seat -*-
"""
The operator's seat: who has it, what they type, and how they pace the zone.

There is one seat, and nobody gets it without asking.  Whoever has it and is really
there keeps it; one that is dead, or that has closed its sending side, makes room, but
not while what it typed last has found none.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from .errors import DeviceError
from .input_queue import INPUT_BACKLOG_MAX, InputQueue
from .interfaces import IManagerDevice
from .pace import Pace
from .sessions import Role, Session

__all__ = ["Seat"]


class Seat:
    """
    One console's seat.

    @ivar operator: the session that has it, if any.
    """

    def __init__(self, clock: IReactorTime) -> None:
        """
        @param clock: measures the stall rule.
        """
        self.operator: Session | None = None
        self._device: IManagerDevice | None = None
        self._typed = InputQueue(self._pauseOperator)
        self._pace = Pace(clock, self._holdDevice)
        self._window: tuple[int, int] | None = None

    # The device's side.

    def deviceOpened(self, device: IManagerDevice) -> None:
        """
        The manager is open, and is read unless the operator holds it.
        """
        self._device = device
        if self._window is not None:
            device.setWindow(*self._window)
        if not self._pace.held:
            device.resumeReading()
        self._typed.connect(device)

    def deviceLost(self) -> None:
        """
        The manager failed: what is typed waits for the next one.
        """
        self._device = None
        self._typed.disconnect()

    def writable(self) -> None:
        """
        The manager takes more input.
        """
        self._typed.writable()

    # Who has it.

    def holder(self) -> Session | None:
        """
        The session that a newcomer would find in the seat, and that keeps it.
        """
        holder = self.operator
        if holder is None or not self.hasRoom():
            return holder
        return None if self.isGone(holder) else holder

    def isGone(self, holder: Session) -> bool:
        """
        Has it died, or closed its sending side?
        """
        return holder.link.sendsNoMore() or not holder.link.alive()

    def hasRoom(self) -> bool:
        """
        Is there room for what a session that ends had typed last?
        """
        return self._typed.size <= INPUT_BACKLOG_MAX

    def take(self, session: Session) -> None:
        """
        A session sits down in the empty seat: from now on it paces the zone, and waits
        where the zone does not read.
        """
        self.operator = session
        session.role = Role.OPERATOR
        session.follower.setPace(self._pace)
        if self._typed.paused:
            session.link.pauseReading()

    def leave(self, takeInput: bool = True) -> int:
        """
        The operator leaves the seat.

        @param takeInput: whether what it has sent and nobody has taken is the last that
            it typed, and goes to the zone all the same.
        @return: how many bytes of that did not, because too much waits already.
        """
        session = self.operator
        if session is None:
            return 0
        rest = session.link.drain() if takeInput else b""
        lost = 0
        if not self.hasRoom():
            lost = len(rest)
        elif takeInput:
            session.receivedLast(rest)
        self._typed.whenGiven(None)
        self.operator = None
        session.role = Role.WATCH
        session.follower.setPace(None)
        session.link.resumeReading()
        return lost

    # What it does.

    def typed(self, session: Session, data: bytes) -> bool:
        """
        A session sent something to type.

        @return: whether it may.
        """
        if session is not self.operator:
            return False
        self._typed.write(data)
        return True

    def confirm(self, session: Session, told: Callable[[], None]) -> bool:
        """
        Tell a session once the zone has all that it typed.

        @param told: called at once or later, or not at all if it leaves the seat or
            asks again.
        @return: whether it is its seat.
        """
        if session is not self.operator:
            return False
        self._typed.whenGiven(told)
        return True

    def typedBefore(self, data: bytes) -> None:
        """
        What an earlier server had not given the zone comes before all that is typed.
        """
        self._typed.write(data)

    def giveTyped(self) -> bytes:
        """
        What waits for the zone, for another server to give it.
        """
        return self._typed.take()

    def discard(self) -> int:
        """
        Whom it was typed for is gone: drop what waits.

        @return: how many bytes it was.
        """
        return self._typed.discard()

    def resize(self, session: Session, rows: int, columns: int) -> None:
        """
        A session's terminal has a size; the zone's follows the operator's.
        """
        if session is self.operator:
            self._window = (rows, columns)
            if self._device is not None:
                self._device.setWindow(rows, columns)

    def sendBreak(self, session: Session) -> None:
        """
        Send a break on the zone's line.

        @raise DeviceError: the device has none, or it is not this session's to send.
        """
        if session is not self.operator:
            raise DeviceError("only the operator may send a break")
        if self._device is None:
            raise DeviceError("the device is not open")
        self._device.sendBreak()

    # Inside.

    def _holdDevice(self, hold: bool) -> None:
        if self._device is None:
            return
        if hold:
            self._device.pauseReading()
        else:
            self._device.resumeReading()

    def _pauseOperator(self, pause: bool) -> None:
        if self.operator is None:
            return
        if pause:
            self.operator.link.pauseReading()
        else:
            self.operator.link.resumeReading()
